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
OTHER = as_photo(texture(1, 160, 160, contrast=30))


def scores(photos: list[Photo], by_chance: float) -> list[float]:
    frames = [whole_frame(photo) for photo in photos]
    spectra = [ring_spectra(photo, frame) for photo, frame in zip(photos, frames, strict=True)]
    starts = np.arange(len(photos) + 1)
    known = Described(photos, frames, unit(np.stack(spectra)), WHOLE_SPECTRUM, starts, 1.0, True)
    return Comparer(known, by_chance, workers=1)([(0, place) for place in range(1, len(photos))])


def test_keypoints_find_a_photo_that_its_frame_does_not() -> None:
    without, with_them = scores([PHOTO, SHIFTED], math.inf), scores([PHOTO, SHIFTED], 6.0)
    assert without[0] < 0.5
    assert with_them[0] > 0.9


def test_keypoints_do_not_help_a_photo_of_another_part() -> None:
    assert scores([PHOTO, OTHER], 6.0) == scores([PHOTO, OTHER], math.inf)
    assert scores([PHOTO, OTHER], 6.0)[0] < 0.3


@pytest.mark.parametrize("by_chance", [50.0, 80.0, math.inf])
def test_what_photos_of_different_parts_share_as_well_is_no_evidence(by_chance: float) -> None:
    fewer = scores([PHOTO, SHIFTED], by_chance)[0]
    assert fewer <= scores([PHOTO, SHIFTED], by_chance / 2)[0]
