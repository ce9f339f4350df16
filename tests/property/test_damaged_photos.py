"""Damaged photos of every kind: what a decoder, a checksum or a length can tell is never accepted."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from castproof.errors import ImageError
from castproof.images import decode
from damaged_photos import LOST_SHARE, lost_share, pieces, quiet
from photo_damage import damaged
from photo_seeds import Seed, seeds
from photo_witnesses import witness

PHOTOS = Path(os.environ.get("CASTPROOF_DATA", Path(__file__).parents[3] / "shared" / "data" / "casting"))
COUNT = 3000


@pytest.fixture(scope="module")
def sound() -> list[Seed]:
    """Return photos in every way in which castproof reads them: real ones where present, else a generated one."""
    if (PHOTOS / "test").is_dir():
        return [one for grey in pieces(PHOTOS / "test", 3) for one in seeds(grey)]
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:125, :135]
    disc = 190 - 110 * ((x - 60) ** 2 + (y - 70) ** 2 < 50**2) + rng.normal(0, 6, x.shape)
    return seeds(np.clip(disc, 0, 255).astype(np.uint8))


@pytest.mark.filterwarnings("ignore")
def test_no_photo_is_accepted_that_lost_pixels_and_could_have_been_told(sound: list[Seed]) -> None:
    rng = np.random.default_rng(20)
    whole = [decode(one.data) for one in sound]
    counts: Counter[str] = Counter()
    passed = []
    with quiet():
        for number in range(COUNT):
            place = number % len(sound)
            seed = sound[place]
            how, data = damaged(seed, rng)
            try:
                got = decode(data)
            except ImageError:
                counts[seed.family] += 1
                continue
            if lost_share(whole[place], got) > LOST_SHARE and (who := witness(seed, data)):
                passed.append(f"{number}: {seed.name}, {how}: {who}")
    assert not passed
    tried = Counter(sound[number % len(sound)].family for number in range(COUNT))
    refused = {family: counts[family] / tried[family] for family in tried}
    assert refused["PNG"] > 0.95
    assert refused["JPEG"] > 0.75
    assert min(refused.values()) > 0.3


@pytest.mark.filterwarnings("ignore")
def test_the_witnesses_say_nothing_of_sound_photos(sound: list[Seed]) -> None:
    with quiet():
        assert [one.name for one in sound if witness(one, one.data)] == []
