"""Frames of drawn ellipses, whose affine map is known."""

import cv2
import numpy as np
import pytest
from part_photos import as_photo
from scipy.ndimage import gaussian_filter

from castproof.parts.frames import object_frames, whole_frame


def ellipse(
    centre: tuple[float, float], axes: tuple[float, float], degrees: float, *, dark: bool
) -> np.ndarray:
    """Return a photo of a filled ellipse, drawn with its edge to a fraction of a pixel, on an uneven ground."""
    y, x = np.mgrid[:150, :180].astype(float)
    matrix = drawn(axes, degrees)
    across, down = np.linalg.inv(matrix) @ np.stack([x - centre[0], y - centre[1]]).reshape(2, -1)
    inside = np.hypot(across, down).reshape(x.shape)
    cover = np.clip((1 - inside) * min(axes) + 0.5, 0, 1)
    ground = 90 + 30 * x / 180 + 4 * gaussian_filter(np.random.default_rng(0).normal(size=x.shape), 1)
    return as_photo(ground * (1 - cover) + (20 if dark else 200) * cover)


def drawn(axes: tuple[float, float], degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag(axes)


@pytest.mark.parametrize(
    ("centre", "axes", "degrees", "dark"),
    [((90, 75), (50, 50), 0, False), ((80, 70), (55, 35), 30, False), ((100, 78), (40, 60), -20, True)],
)
def test_the_frame_is_the_ellipse_that_was_drawn(centre, axes, degrees, dark) -> None:
    frame = object_frames(ellipse(centre, axes, degrees, dark=dark))[0]
    radius = np.sqrt(axes[0] * axes[1])
    np.testing.assert_allclose(frame.centre, centre, atol=0.03 * radius)
    assert frame.radius_px == pytest.approx(radius, rel=0.03)
    # The frame leaves a turn open: what takes one to the other turns and does not stretch.
    stretch = np.linalg.svd(np.linalg.inv(drawn(axes, degrees)) @ frame.matrix, compute_uv=False)
    np.testing.assert_allclose(stretch, 1, atol=0.03)


def test_the_frame_moves_with_the_object() -> None:
    one, other = (
        object_frames(ellipse(centre, (50, 40), degrees, dark=False))[0]
        for centre, degrees in (((80, 70), 10), ((95, 80), 75))
    )
    np.testing.assert_allclose(other.centre - one.centre, [15, 10], atol=1.5)
    assert other.radius_px == pytest.approx(one.radius_px, rel=0.02)


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((60, 80), np.uint8),
        np.full((200, 150), 255, np.uint8),
        np.tile(np.arange(200, dtype=np.uint8), (120, 1)),
        np.repeat(np.array([40, 180], np.uint8), 50)[:, None] * np.ones((1, 90), np.uint8),
        np.zeros((1, 1), np.uint8),
        np.zeros((3, 300), np.uint8),
    ],
    ids=["black", "white", "ramp", "two halves", "one pixel", "a line"],
)
def test_a_photo_without_a_blob_has_no_object_frame(photo: np.ndarray) -> None:
    assert object_frames(photo) == []


def test_a_blob_that_is_cut_off_by_the_border_is_no_object() -> None:
    assert object_frames(ellipse((0, 75), (60, 60), 0, dark=False)) == []


def test_frames_of_one_photo_differ_and_the_best_comes_first() -> None:
    photo = ellipse((60, 75), (40, 40), 0, dark=False)
    cv2.circle(photo, (140, 80), 28, 20, -1)
    found = object_frames(photo)
    assert 2 <= len(found) <= 3
    assert sorted((frame.quality for frame in found), reverse=True) == [frame.quality for frame in found]
    assert np.hypot(*(found[0].centre - found[1].centre)) > 20


def test_the_whole_frame_reaches_from_border_to_border() -> None:
    frame = whole_frame(np.zeros((40, 100), np.uint8))
    corners = frame.matrix @ np.array([[-1, 1], [-1, 1]]) + frame.centre[:, None]
    np.testing.assert_allclose(corners, [[-0.5, 99.5], [-0.5, 39.5]])
