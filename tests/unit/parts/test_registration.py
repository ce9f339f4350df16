"""Photos that were moved by a known affine map are laid over each other again."""

from dataclasses import replace

import numpy as np
import pytest
from part_photos import as_photo, casting, moved, texture

from castproof.parts.frames import Frame, whole_frame
from castproof.parts.registration import NO_MATCH, register, still, turned, view
from castproof.parts.search import best_turns
from castproof.parts.signature import ring_spectra, unit


def affine(degrees: float, scale: float, shift: tuple[float, float], photo: np.ndarray) -> np.ndarray:
    """Return the map (2, 3) that turns and scales about the middle of `photo`, then shifts."""
    angle = np.radians(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (np.array(photo.shape[::-1]) - 1) / 2
    return np.hstack([linear, (middle - linear @ middle + shift)[:, None]])


def mapped(frame: Frame, matrix: np.ndarray) -> Frame:
    return Frame(matrix[:, :2] @ frame.matrix, matrix @ np.append(frame.centre, 1))


def corners(frame: Frame) -> np.ndarray:
    return (frame.matrix @ np.array([[-1, 1, 1, -1], [-1, -1, 1, 1]])).T + frame.centre


@pytest.mark.parametrize(
    ("degrees", "scale", "shift"), [(4, 1.1, (5, -3)), (-5, 0.93, (-2, 4)), (0, 1, (0, 0))]
)
def test_a_known_affine_map_is_recovered(degrees, scale, shift) -> None:
    photo = as_photo(texture(0, 150, 150, contrast=25))
    matrix = affine(degrees, scale, shift, photo)
    start = whole_frame(photo)
    inner = replace(start, matrix=0.7 * start.matrix)
    match = register(still(view(photo, inner, 1.0, disc=False)), moved(photo, matrix), inner, disc=False)
    assert match.score > 0.8
    np.testing.assert_allclose(corners(match.frame), corners(mapped(inner, matrix)), atol=0.7)


def test_a_casting_that_was_turned_and_scaled_matches_itself_and_not_another_one() -> None:
    photo = casting(5, size=190)
    matrix = affine(3, 1.05, (3, -2), photo)
    frame = replace(whole_frame(photo), matrix=0.6 * whole_frame(photo).matrix)
    first = still(view(photo, frame, 1.0, disc=True))
    match = register(first, moved(photo, matrix), frame, disc=True)
    assert match.score > 0.8
    np.testing.assert_allclose(corners(match.frame), corners(mapped(frame, matrix)), atol=1.5)
    assert register(first, casting(6, size=190), frame, disc=True).score < 0.5


def test_two_textures_do_not_match() -> None:
    photos = [as_photo(texture(seed, 150, 150, contrast=25)) for seed in range(6)]
    frame = whole_frame(photos[0])
    first = still(view(photos[0], frame, 1.0, disc=False))
    assert max(register(first, photo, frame, disc=False).score for photo in photos[1:]) < 0.5


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turn_as_the_search_counts_it_starts_the_registration_where_the_photos_correspond(mirrored) -> None:
    photo = as_photo(texture(3, 141, 141, contrast=25))
    other = np.ascontiguousarray(np.rot90(photo[:, ::-1] if mirrored else photo))
    frame = whole_frame(photo)
    spectra = unit(np.stack([ring_spectra(one, frame) for one in (photo, other)]))
    turn, flipped, _ = best_turns(spectra[:1], spectra[1:])
    assert bool(flipped[0]) is mirrored
    start = turned(frame, int(turn[0]), mirrored)
    match = register(still(view(photo, frame, 1.0, disc=False)), other, start, disc=False)
    assert match.score > 0.95
    np.testing.assert_allclose(corners(match.frame), corners(start), atol=0.5)


def test_a_defect_in_a_corner_and_another_exposure_leave_the_match() -> None:
    photo = texture(4, 150, 150, contrast=25)
    other = photo * 1.4 + 10
    other[10:40, 100:140] = 230
    frame = whole_frame(as_photo(photo))
    match = register(still(view(as_photo(photo), frame, 1.0, disc=False)), as_photo(other), frame, disc=False)
    assert match.score > 0.8


@pytest.mark.parametrize("factor", [(3.0, 3.0), (2.0, 0.8), (0.3, 0.3)], ids=["large", "squeezed", "small"])
def test_a_map_that_no_camera_makes_is_no_match(factor) -> None:
    flat = np.full((100, 100), 128, np.uint8)
    frame = whole_frame(flat)
    start = replace(frame, matrix=frame.matrix @ np.diag(factor))
    match = register(still(view(flat, frame, 1.0, disc=False)), flat, start, disc=False)
    assert match.score == NO_MATCH


def test_flat_photos_have_nothing_in_common() -> None:
    for level in (0, 255):
        flat = np.full((90, 120), level, np.uint8)
        frame = whole_frame(flat)
        assert register(still(view(flat, frame, 1.0, disc=False)), flat, frame, disc=False).score < 0.01
