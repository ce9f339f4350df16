"""Which photos of good parts go into a model file: clearly good ones, of every part, spread, small, pixels alone."""

import io
from dataclasses import replace
from hashlib import sha256
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from castproof.data.audit.findings import FLAGS
from castproof.data.manifest import Manifest, Photo
from castproof.errors import DataError, SettingError
from castproof.images import decode
from castproof.modelfile.references import LARGEST_REFERENCE_BYTES, MOST_REFERENCES, REFERENCE_SIDE_PX
from castproof.pipeline.exporting.export import ExportSettings
from castproof.pipeline.exporting.reference_photos import (
    CLEARLY_GOOD,
    references_of,
    similarities,
    small_jpeg,
    spread,
)
from made_models import casting
from made_runs import CLASSES

PARTS, SHOTS = 4, 3
THRESHOLD = 0.6
SURE = CLEARLY_GOOD * THRESHOLD


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    photos = []
    for split, class_name, first in (("train", "ok", 0), ("test", "ok", 10), ("train", "blow hole", 20)):
        for part in range(first, first + PARTS):
            for shot in range(SHOTS):
                path = tmp_path / class_name / f"{part}_{shot}.png"
                path.parent.mkdir(exist_ok=True)
                Image.fromarray(casting(part, shot)).save(path)
                defective = class_name != "ok"
                file, digest = path.relative_to(tmp_path).as_posix(), sha256(path.read_bytes()).hexdigest()
                photos.append(
                    Photo(file, split, class_name, defective, "", f"part-{part}", sha256=digest, flags=())
                )
    return Manifest(tmp_path, CLASSES, tuple(photos))


def p_of_all(manifest: Manifest, p: float = 0.0) -> dict[str, float]:
    return {photo.file: p for photo in manifest.photos}


def test_good_training_photos_alone_one_of_each_part_first(manifest: Manifest) -> None:
    chosen = references_of(manifest, p_of_all(manifest), THRESHOLD, MOST_REFERENCES)
    good = {f"{part}_{shot}.png" for part in range(PARTS) for shot in range(SHOTS)}
    assert {one.name for one in chosen} == good
    assert {one.part for one in chosen[:PARTS]} == {f"part-{part}" for part in range(PARTS)}
    assert all(one.name.startswith(one.part.removeprefix("part-")) for one in chosen)
    first = [one.name for one in chosen]
    for count in (0, 1, PARTS, PARTS + 2):
        found = references_of(manifest, p_of_all(manifest), THRESHOLD, count)
        assert [one.name for one in found] == first[:count]


def test_photos_that_the_network_does_not_find_clearly_good_stay_out(manifest: Manifest) -> None:
    told = p_of_all(manifest, p=SURE)
    assert references_of(manifest, told, THRESHOLD, 9) == []
    told["ok/2_1.png"] = np.nextafter(SURE, 0)
    told["ok/12_1.png"] = told["blow hole/22_1.png"] = 0.0
    del told["ok/1_1.png"]
    assert [one.name for one in references_of(manifest, told, THRESHOLD, 9)] == ["2_1.png"]
    assert references_of(manifest, {}, THRESHOLD, 9) == []


@pytest.mark.parametrize("flag", FLAGS)
def test_photos_in_doubt_stay_out(manifest: Manifest, flag: str) -> None:
    flagged = [replace(one, flags=(flag,)) if "/0_" in one.file else one for one in manifest.photos]
    chosen = references_of(replace(manifest, photos=tuple(flagged)), p_of_all(manifest), THRESHOLD, 24)
    harmless = flag in {"duplicate", "same-pixels", "leak", "thin-evidence"}
    assert ("part-0" in {one.part for one in chosen}) is harmless


def test_a_photo_that_cannot_be_read_stays_out_and_another_content_is_told(manifest: Manifest) -> None:
    (manifest.root / "ok" / "0_0.png").unlink()
    (manifest.root / "ok" / "1_0.png").write_bytes(b"no photo")
    names = {one.name for one in references_of(manifest, p_of_all(manifest), THRESHOLD, 24)}
    assert len(names) == PARTS * SHOTS - 2
    assert not names & {"0_0.png", "1_0.png"}
    Image.fromarray(casting(90, 0)).save(manifest.root / "ok" / "2_0.png")
    with pytest.raises(DataError, match="not those that the run was trained on"):
        references_of(manifest, p_of_all(manifest), THRESHOLD, 24)


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 9), st.integers(1, 4), st.integers(0, 12), st.integers(0, 2**32 - 1))
def test_spread_covers_parts_first_and_is_greedy_at_each_step(
    size: int, parts: int, count: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    part = rng.integers(0, parts, size)
    table = rng.uniform(-1, 1, (size, size))
    table = (table + table.T) / 2
    np.fill_diagonal(table, 1.0)
    chosen = spread(table, part, count)
    assert len(set(chosen)) == len(chosen) == min(count, size)
    shown = {int(one) for one in part}
    assert len({int(part[one]) for one in chosen}) == min(len(chosen), len(shown))

    def covered(places: list[int]) -> float:
        return float(table[:, places].max(axis=1).sum())

    for step in range(1, len(chosen)):
        before = chosen[:step]
        new = [one for one in range(size) if part[one] not in part[before]]
        others = new or [one for one in range(size) if one not in before]
        assert covered(chosen[: step + 1]) == pytest.approx(max(covered([*before, one]) for one in others))


def test_spread_is_near_the_best_of_all_choices() -> None:
    """Greedy choice gets at least 1 - 1/e of the best possible gain (Nemhauser, Wolsey and Fisher 1978)."""
    photos = [casting(part, shot) for part in range(4) for shot in range(3)]
    table = similarities(photos)
    np.testing.assert_allclose(table, table.T, atol=1e-5)
    np.testing.assert_allclose(np.diag(table), 1, atol=1e-5)
    gains = [
        float((table[:, list(choice)].max(axis=1) + 1).sum())
        for choice in combinations(range(len(photos)), 3)
    ]
    chosen = spread(table, np.zeros(len(photos), np.intp), 3)
    assert float((table[:, chosen].max(axis=1) + 1).sum()) >= (1 - 1 / np.e) * max(gains)


@pytest.mark.parametrize("shape", [(300, 300), (40, 30), (900, 300, 3), (1, 4000), (700, 700, 3)])
@pytest.mark.parametrize("is_noise", [False, True])
def test_stored_photos_are_small(shape: tuple[int, ...], is_noise: bool) -> None:
    rng = np.random.default_rng(shape)
    pixels = rng.integers(0, 256, shape, np.uint8) if is_noise else np.full(shape, 90, np.uint8)
    data = small_jpeg(pixels)
    found = decode(data)
    assert len(data) <= LARGEST_REFERENCE_BYTES
    assert max(found.shape) <= REFERENCE_SIDE_PX
    if max(shape) <= REFERENCE_SIDE_PX or not is_noise:
        ratio = shape[1] / shape[0]
        assert found.shape[1] / found.shape[0] == pytest.approx(ratio, rel=0.05) or min(found.shape) == 1
    assert Image.open(io.BytesIO(data)).mode == ("L" if len(shape) == 2 else "RGB")


def test_what_a_camera_noted_does_not_travel(manifest: Manifest, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Secret Foundry"
    path = tmp_path / "ok" / "0_0.png"
    Image.fromarray(casting(0, 0)).save(path, exif=exif)
    assert b"Secret Foundry" in path.read_bytes()
    photos = [replace(one, sha256="") for one in manifest.photos if one.file == "ok/0_0.png"]
    (stored,) = references_of(
        replace(manifest, photos=tuple(photos)), p_of_all(manifest), THRESHOLD, MOST_REFERENCES
    )
    assert b"Secret Foundry" not in stored.photo
    assert not Image.open(io.BytesIO(stored.photo)).getexif()


@pytest.mark.parametrize("count", [-1, MOST_REFERENCES + 1])
def test_a_number_out_of_range_is_told(count: int) -> None:
    with pytest.raises(SettingError, match="--references"):
        ExportSettings(references=count)
