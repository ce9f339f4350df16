"""New photos: labels are told or absent, never guessed; what a run knows does not count."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from castproof.data.folders import read_folders
from castproof.data.manifest import Manifest, Photo
from castproof.errors import ClassNameError, DataError, SettingError, UnreadableError
from castproof.pipeline.validation.new_photos import (
    SAME_FILE,
    SAME_PART,
    Earlier,
    look_up,
    read_new,
    survey_earlier,
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASTPROOF_CACHE", str(tmp_path / "cache"))


def fill(folder: Path, seeds: range, suffix: str = ".png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        pixels = np.random.default_rng(seed).integers(0, 255, (48, 48), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed}{suffix}")


def known(manifest: Manifest) -> tuple[Photo, ...]:
    return tuple(
        replace(photo, file=str(manifest.path(photo).absolute()), sha256=digest(manifest.path(photo)))
        for photo in manifest.photos
    )


def digest(path: Path) -> str:
    from hashlib import sha256

    return sha256(path.read_bytes()).hexdigest()


def test_class_folders_are_labels_and_their_splits_are_left_out(tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        fill(tmp_path / "data" / split / "ok", range(2))
        fill(tmp_path / "data" / split / "crack", range(2, 4))
    manifest, labelled = read_new(tmp_path / "data")
    assert labelled
    assert {photo.split for photo in manifest.photos} == {""}
    assert sum(photo.defective for photo in manifest.photos) == 6


def test_photos_in_no_folder_of_their_own_have_no_labels(tmp_path: Path) -> None:
    fill(tmp_path / "shift", range(3))
    manifest, labelled = read_new(tmp_path / "shift")
    assert not labelled
    assert [photo.file for photo in manifest.photos] == ["0.png", "1.png", "2.png"]
    assert {(photo.class_name, photo.defective) for photo in manifest.photos} == {("", False)}


def test_folders_that_say_nothing_are_refused_unless_a_person_says_so(tmp_path: Path) -> None:
    fill(tmp_path / "shift" / "camera 1", range(2))
    fill(tmp_path / "shift" / "camera 2", range(2, 4))
    with pytest.raises(ClassNameError, match="--unlabelled"):
        read_new(tmp_path / "shift")
    manifest, labelled = read_new(tmp_path / "shift", unlabelled=True)
    assert not labelled
    assert len(manifest.photos) == 4
    manifest, labelled = read_new(tmp_path / "shift", ok=["camera 1"])
    assert labelled
    assert {photo.class_name for photo in manifest.photos if photo.defective} == {"camera 2"}


def test_names_of_training_count_where_none_is_given(tmp_path: Path) -> None:
    fill(tmp_path / "shift" / "A", range(2))
    fill(tmp_path / "shift" / "B", range(2, 4))
    manifest, _ = read_new(tmp_path / "shift", trained_ok=["B"])
    assert {photo.class_name for photo in manifest.photos if photo.defective} == {"A"}
    with pytest.raises(ClassNameError, match=r"trained with --ok C.*--ok NAME"):
        read_new(tmp_path / "shift", trained_ok=["C"])


def test_what_contradicts_itself_is_refused(tmp_path: Path) -> None:
    fill(tmp_path / "shift" / "ok", range(2))
    fill(tmp_path / "shift", range(2, 4))
    with pytest.raises(SettingError, match="--unlabelled"):
        read_new(tmp_path / "shift", ok=["ok"], unlabelled=True)
    with pytest.raises(DataError, match="outside of the class folders"):
        read_new(tmp_path / "shift")
    with pytest.raises(DataError, match="no folder"):
        read_new(tmp_path / "gone", unlabelled=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no photos"):
        read_new(tmp_path / "empty", unlabelled=True)


@pytest.fixture
def old(tmp_path: Path) -> Manifest:
    """Return photos of a run: eight parts, one photo each."""
    fill(tmp_path / "old" / "ok", range(4))
    fill(tmp_path / "old" / "bad", range(4, 8))
    manifest = read_folders(tmp_path / "old")
    photos = (replace(photo, part=Path(photo.file).stem) for photo in manifest.photos)
    return replace(manifest, photos=tuple(photos))


def test_a_photo_that_the_run_has_does_not_count_whatever_its_name_or_format(
    tmp_path: Path, old: Manifest
) -> None:
    fill(tmp_path / "new" / "ok", range(20, 23))
    fill(tmp_path / "new" / "bad", range(23, 26))
    shutil.copy(old.path(old.photos[0]), tmp_path / "new" / "ok" / "renamed.png")
    Image.open(old.path(old.photos[1])).save(tmp_path / "new" / "bad" / "other bytes.bmp")
    found = look_up(*read_new(tmp_path / "new"), survey_earlier(known(old)))
    assert found.known == {"ok/renamed.png": SAME_FILE, "bad/other bytes.bmp": SAME_FILE}
    assert len(found.counted) == 6
    assert len({photo.part for photo in found.counted}) == 6


def test_a_photo_of_a_part_that_the_run_has_does_not_count(tmp_path: Path, old: Manifest) -> None:
    fill(tmp_path / "new" / "ok", range(20, 23))
    fill(tmp_path / "new" / "bad", range(23, 26))
    with Image.open(old.path(old.photos[2])) as image:
        brighter = np.clip(np.asarray(image, np.float64) * 0.9 + 5, 0, 255).astype(np.uint8)
    Image.fromarray(brighter).save(tmp_path / "new" / "ok" / "again.png")
    found = look_up(*read_new(tmp_path / "new"), survey_earlier(known(old)))
    assert found.known == {"ok/again.png": SAME_PART}


def test_parts_that_a_person_recorded_are_known_by_their_name(tmp_path: Path, old: Manifest) -> None:
    fill(tmp_path / "new" / "ok", range(20, 22))
    fill(tmp_path / "new" / "bad", range(22, 24))
    new, labelled = read_new(tmp_path / "new")
    told = tuple(
        replace(photo, part=name, sha256=digest(new.path(photo)))
        for photo, name in zip(new.photos, ("serial 1", "serial 2", "0", "serial 3"), strict=True)
    )
    replace(new, photos=told).write_csv(tmp_path / "new" / "manifest.csv")
    found = look_up(new, labelled, survey_earlier(known(old)))
    assert list(found.known.values()) == [SAME_PART]
    assert {photo.part for photo in found.counted} == {"serial 1", "serial 2", "serial 3"}
    sure = replace(old, photos=tuple(replace(photo, confidence=0.9) for photo in old.photos))
    assert look_up(new, labelled, survey_earlier(known(sure))).known == {}, (
        "castproof's own numbers say nothing"
    )


def test_a_run_whose_photos_are_gone_is_known_by_its_files(tmp_path: Path, old: Manifest) -> None:
    fill(tmp_path / "new" / "ok", range(20, 22))
    fill(tmp_path / "new" / "bad", range(22, 24))
    shutil.copy(old.path(old.photos[0]), tmp_path / "new" / "bad" / "renamed.png")
    photos = known(old)
    shutil.rmtree(tmp_path / "old")
    earlier = survey_earlier(photos)
    assert earlier.on_disk == ()
    assert look_up(*read_new(tmp_path / "new"), earlier).known == {"bad/renamed.png": SAME_FILE}


def test_photos_of_the_run_that_changed_on_disk_are_not_compared(tmp_path: Path, old: Manifest) -> None:
    photos = known(old)
    fill(tmp_path / "elsewhere", range(50, 51))
    shutil.copy(tmp_path / "elsewhere" / "50.png", photos[3].file)
    earlier = survey_earlier(photos)
    assert set(earlier.on_disk) == set(photos) - {photos[3]}
    assert len(earlier.photos) == len(photos)


def test_unreadable_photos_stop_it_or_are_recorded(tmp_path: Path) -> None:
    fill(tmp_path / "new", range(20, 23))
    (tmp_path / "new" / "zero.png").write_bytes(b"")
    new, labelled = read_new(tmp_path / "new")
    with pytest.raises(UnreadableError, match=r"zero\.png"):
        look_up(new, labelled, Earlier((), (), {}, {}))
    found = look_up(new, labelled, Earlier((), (), {}, {}), skip_unreadable=True)
    assert [one.file for one in found.manifest.unreadable] == ["zero.png"]
    assert len(found.counted) == 3
