"""Scores of pairs: keypoints speak where outline and light mislead."""

import math

import numpy as np
import pytest
from part_photos import Photo, as_photo, moved, texture

from castproof.parts.compare import Comparer, Described
from castproof.parts.frames import whole_frame
from castproof.parts.signature import WHOLE_SPECTRUM, ring_spectra, unit

PHOTO = as_photo(texture(0, 160, 160, contrast=30))
SHIFTED = moved(PHOTO, np.array([[0.8, -0.1, 40.0], [0.1, 0.9, 10.0]]))  # far off the middle of the frame
TURN = np.array([[0.9, -0.3, 30.0], [0.3, 0.9, -20.0]])
OTHER = as_photo(texture(1, 160, 160, contrast=30))


def comparer(photos: list[Photo], by_chance: float, *, workers: int = 1) -> Comparer:
    frames = [whole_frame(photo) for photo in photos]
    spectra = [ring_spectra(photo, frame) for photo, frame in zip(photos, frames, strict=True)]
    starts = np.arange(len(photos) + 1)
    known = Described(photos, frames, unit(np.stack(spectra)), WHOLE_SPECTRUM, starts, 1.0, True)
    return Comparer(known, by_chance, workers=workers)


def scores(photos: list[Photo], by_chance: float) -> list[float]:
    return comparer(photos, by_chance)([(0, place) for place in range(1, len(photos))])


def test_keypoints_find_a_photo_that_its_frame_does_not() -> None:
    without, with_them = scores([PHOTO, SHIFTED], math.inf), scores([PHOTO, SHIFTED], 6.0)
    assert without[0] < 0.5
    assert with_them[0] > 0.9


def test_keypoints_do_not_help_a_photo_of_another_part() -> None:
    assert scores([PHOTO, OTHER], 6.0) == scores([PHOTO, OTHER], math.inf)
    assert scores([PHOTO, OTHER], 6.0)[0] < 0.3


def test_keypoints_count_from_twice_as_many_as_agree_by_chance() -> None:
    agreeing = comparer([PHOTO, SHIFTED], 6.0).agreeing([(0, 1)])[0]
    without = scores([PHOTO, SHIFTED], math.inf)
    assert scores([PHOTO, SHIFTED], agreeing / 2) == without
    assert scores([PHOTO, SHIFTED], agreeing / 2.01)[0] > without[0]


@pytest.mark.parametrize("by_chance", [6.0, math.inf])
def test_full_memory_and_threads_change_no_score(monkeypatch: pytest.MonkeyPatch, by_chance: float) -> None:
    photos = [PHOTO, SHIFTED, OTHER, *(moved(PHOTO, TURN @ np.diag([s, s, 1])) for s in (0.9, 1.1))]
    pairs = [(i, j) for i in range(5) for j in range(i)] * 3
    expected = comparer(photos, by_chance)(pairs)
    monkeypatch.setattr("castproof.parts.compare._VIEWS_KEPT", 2)
    monkeypatch.setattr("castproof.parts.compare._KEYPOINTS_KEPT", 2)
    assert comparer(photos, by_chance, workers=8)(pairs) == expected
