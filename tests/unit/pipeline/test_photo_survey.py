"""Every photo is read once: hashes, statistics, and what the part finder needs of it."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from castproof.data.folders import read_folders
from castproof.parts.photo import read_small
from castproof.pipeline.part_ids import with_parts
from castproof.pipeline.photo_survey import survey_photos


@pytest.fixture
def data(class_folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CASTPROOF_CACHE", str(tmp_path / "cache"))
    return class_folder({"ok": 3, "def": 3}, size_px=240)


def test_photos_are_kept_at_working_size_as_the_part_finder_reads_them(data: Path) -> None:
    survey = survey_photos(read_folders(data))
    assert len(survey.greys) == 6
    for photo in survey.manifest.photos:
        path = survey.manifest.path(photo)
        assert photo.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        np.testing.assert_array_equal(survey.greys[photo.sha256], read_small(path).grey)


def test_photos_that_were_measured_before_are_not_decoded(data: Path) -> None:
    first, again = survey_photos(read_folders(data)), survey_photos(read_folders(data))
    assert again.greys == {}
    assert again.statistics == first.statistics


def test_the_part_finder_does_not_read_again_what_the_survey_read(data: Path) -> None:
    survey = survey_photos(read_folders(data))
    expected, _ = with_parts(survey.manifest, use_cache=False)
    for photo in survey.manifest.photos:
        survey.manifest.path(photo).unlink()
    found, _ = with_parts(survey.manifest, greys=survey.greys, use_cache=False)
    assert found.photos == expected.photos
