"""The pictures of example pairs: two photos, how they lie on each other, and what was kept of that."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from castproof.data.classes import Classes
from castproof.data.manifest import Manifest, Photo
from castproof.images import decode
from castproof.pipeline.audit_album import PAIR_PX, TILE_PX, Album, pairs
from castproof.pipeline.audit_selection import PairChoice


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    """Return two photos of noise, and one whose file is gone."""
    monkeypatch.setenv("CASTPROOF_CACHE", str(tmp_path / "cache"))
    photos = []
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 255, (300, 400), dtype=np.uint8)
        path = tmp_path / f"{number}.png"
        Image.fromarray(pixels).save(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        photos.append(Photo(path.name, "test", "crack", True, "crack", "a", digest, 0.9))
    gone = Photo("gone.png", "train", "ok", False, "", "a", "0" * 64, 0.9)
    return Manifest(tmp_path, Classes(("ok",), ("crack",)), (*photos, gone))


def test_tiles_are_small_and_a_photo_that_is_gone_has_no_picture(manifest: Manifest) -> None:
    album = Album(manifest, manifest.photos)
    first, _, gone = (album.tile(photo, "note") for photo in manifest.photos)
    assert first.picture is not None
    assert decode(first.picture.jpeg).shape == (TILE_PX * 3 // 4, TILE_PX, 3)
    assert (first.file, first.split, first.label, first.note) == ("0.png", "test", "defective", "note")
    assert gone.picture is None
    assert gone.label == "good"


def test_a_pair_has_four_pictures_and_without_its_files_none(manifest: Manifest) -> None:
    one, other, gone = manifest.photos
    whole, broken = pairs(manifest, [PairChoice("a", one, other, False), PairChoice("a", one, gone, True)])
    pictures = [whole.first.picture, whole.second.picture, whole.turned, whole.overlay]
    assert [picture and picture.width for picture in pictures] == [PAIR_PX] * 4
    assert (whole.note, broken.note) == ("", "one of the least sure")
    assert [broken.first.picture, broken.second.picture, broken.turned, broken.overlay] == [None] * 4


def test_a_pair_that_agrees_less_than_the_limit_tells_why_it_is_one_part(manifest: Manifest) -> None:
    choices = [PairChoice("a", *manifest.photos[:2], True)]
    (below,) = pairs(manifest, choices, 0.99)
    assert below.note.startswith(
        "one of the least sure; below the limit of 0.99: joined by way of other photos"
    )
    (above,) = pairs(manifest, choices, -1.0)
    assert above.note == "one of the least sure"


def test_what_is_kept_of_an_alignment_is_used_and_broken_numbers_are_not(
    manifest: Manifest, tmp_path: Path
) -> None:
    choices = [PairChoice("a", *manifest.photos[:2], False)]
    (plain,) = pairs(manifest, choices)
    (path,) = (tmp_path / "cache" / "alignments").iterdir()
    shard = json.loads(path.read_text())
    (key,) = shard["entries"]

    def with_entry(entry: object) -> str:
        path.write_text(json.dumps({**shard, "entries": {key: entry}}))
        return pairs(manifest, choices)[0].score

    assert with_entry([1, 0, 5, 0, 1, 5, 0.625]) == "agreement 0.62"
    for broken in ([1, 0, 5], ["x"] * 7, None, {"matrix": 1}):
        assert with_entry(broken) == plain.score
    assert pairs(manifest, choices, use_cache=False)[0].score == plain.score
