"""Keypoints of photos that were moved or mirrored."""

import numpy as np
import pytest
from part_photos import as_photo, moved, texture

from castproof.parts.keypoints import find_keypoints, match_keypoints

PHOTO = as_photo(texture(0, 140, 180, contrast=30))
WIDTH = PHOTO.shape[1]
TURNED = np.array([[0.94, -0.34, 40.0], [0.34, 0.94, -25.0]])
MIRROR = np.array([[-1.0, 0.0, WIDTH - 1.0], [0.0, 1.0, 0.0]])
POINTS = np.array([[40, 40, 1], [140, 40, 1], [90, 110, 1]]).T


@pytest.mark.parametrize(
    ("other", "matrix"),
    [
        (PHOTO, np.eye(2, 3)),
        (moved(PHOTO, TURNED), TURNED),
        (np.ascontiguousarray(PHOTO[:, ::-1]), MIRROR),
        (np.ascontiguousarray(moved(PHOTO, TURNED)[:, ::-1]), MIRROR @ np.vstack([TURNED, [0, 0, 1]])),
    ],
    ids=["itself", "turned", "mirrored", "turned and mirrored"],
)
def test_the_affine_map_between_two_photos_is_recovered(other: np.ndarray, matrix: np.ndarray) -> None:
    match = match_keypoints(find_keypoints(PHOTO), find_keypoints(other))
    assert match is not None
    assert match.agreeing > 30
    np.testing.assert_allclose(match.matrix @ POINTS, matrix @ POINTS, atol=1.0)


def test_photos_of_different_textures_share_few_points() -> None:
    points = find_keypoints(PHOTO)
    for seed in range(1, 6):
        match = match_keypoints(points, find_keypoints(as_photo(texture(seed, 140, 180, contrast=30))))
        assert match is None or match.agreeing <= 8


def test_descriptors_have_length_one() -> None:
    points = find_keypoints(PHOTO)
    assert len(points.points) > 100
    np.testing.assert_allclose(np.linalg.norm(points.descriptors, axis=1), 1, atol=1e-3)


@pytest.mark.parametrize("shape", [(60, 80), (1, 1), (8, 8), (2, 192)])
def test_a_photo_without_marks_matches_nothing(shape: tuple[int, int]) -> None:
    empty = find_keypoints(np.full(shape, 90, np.uint8))
    assert empty.points.shape == (0, 2)
    assert empty.descriptors.shape == (0, 128)
    assert match_keypoints(empty, find_keypoints(PHOTO)) is None
    assert match_keypoints(find_keypoints(PHOTO), empty) is None
