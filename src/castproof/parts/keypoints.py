"""Local features: points that two photos share, and the affine map that most of them agree on.

SIFT (Lowe, IJCV 60(2), 2004) with RootSIFT distances (Arandjelović and Zisserman, CVPR 2012). It needs no frame, so it
finds parts whose outline changes with the light. A mirrored part is matched by mirroring the descriptors.
"""

import threading
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from castproof.parts.photo import Grey
from castproof.parts.registration import plausible

Floats = NDArray[np.float32]

_MOST_POINTS = 300
_CONTRAST, _EDGE = 0.01, 20
_EQUALISED_CLIP, _EQUALISED_TILES = 3.0, (5, 5)
_RATIO = 0.85  # a match is this much nearer than the second best, as an angle
_FEWEST_MATCHES = 5
_REACH_PX = 3.0
_TRIALS = 400
_local = threading.local()


@dataclass(frozen=True, eq=False)
class Keypoints:
    """The keypoints of a photo.

    Args:
        points: float32 (n, 2), pixel (x, y), the strongest first.
        descriptors: float32 (n, 128), rows of length 1.
    """

    points: Floats
    descriptors: Floats


@dataclass(frozen=True, eq=False)
class KeypointMatch:
    """The affine map on which most keypoints agree.

    Args:
        agreeing: how many distinct points agree.
        matrix: float64 (2, 3), from pixels of the first photo to pixels of the second.
    """

    agreeing: int
    matrix: NDArray[np.float64]


def find_keypoints(grey: Grey) -> Keypoints:
    """Return the keypoints of `grey`, uint8 (H, W)."""
    if not hasattr(_local, "sift"):
        _local.sift = cv2.SIFT.create(_MOST_POINTS, contrastThreshold=_CONTRAST, edgeThreshold=_EDGE)
        _local.equalise = cv2.createCLAHE(_EQUALISED_CLIP, _EQUALISED_TILES)
    points, descriptors = _local.sift.detectAndCompute(_local.equalise.apply(grey), None)
    if descriptors is None:
        return Keypoints(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
    order = np.argsort([-point.response for point in points], kind="stable")
    roots = np.sqrt(descriptors / (descriptors.sum(axis=1, keepdims=True) + 1e-6))
    places = np.array([point.pt for point in points], np.float32)
    return Keypoints(places[order], roots[order].astype(np.float32))


def match_keypoints(a: Keypoints, b: Keypoints) -> KeypointMatch | None:
    """Return the affine map from `a` to `b`, plain or mirrored, on which most points agree; None without one."""
    found = [_matched(a, b.points, b.descriptors), _matched(a, b.points, mirrored(b.descriptors))]
    matches = [match for match in found if match is not None]
    return max(matches, key=lambda match: match.agreeing) if matches else None


def mirrored(descriptors: Floats) -> Floats:
    """Return descriptors as they would be in the mirrored photo: 4 x 4 cells of 8 directions each."""
    cells = descriptors.reshape(-1, 4, 4, 8)[:, ::-1]
    return cells[..., (-np.arange(8)) % 8].reshape(-1, 128)


def _matched(a: Keypoints, points: Floats, descriptors: Floats) -> KeypointMatch | None:
    if min(len(a.points), len(points)) < _FEWEST_MATCHES:
        return None
    likeness = a.descriptors @ descriptors.T
    rows = np.arange(len(likeness))
    best = likeness.argmax(axis=1)
    nearest = likeness[rows, best]
    likeness[rows, best] = -1
    second = likeness.max(axis=1)
    clear = np.arccos(np.clip(nearest, -1, 1)) < _RATIO * np.arccos(np.clip(second, -1, 1))
    if clear.sum() < _FEWEST_MATCHES:
        return None
    partners = best[clear]
    matrix, agree = cv2.estimateAffine2D(
        a.points[clear],
        points[partners],
        method=cv2.RANSAC,
        ransacReprojThreshold=_REACH_PX,
        maxIters=_TRIALS,
    )
    if matrix is None or not plausible(matrix[:, :2]):
        return None
    return KeypointMatch(len(np.unique(partners[agree.ravel() > 0])), np.asarray(matrix, np.float64))
