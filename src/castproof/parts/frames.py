"""Affine frames: where a photo's object lies, how large it is and how it is squeezed.

A blob with a sharp outline, dark or bright, is found again in every photo of a part. Its second moments
give the affine transform that turns it into a circle-like shape; what they leave open is a turn and a mirroring.
Nothing is assumed about the product: blobs come from thresholds at many levels, and the sharpness of their
whole outline decides. Where there is no such blob, the whole photo is the frame.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from castproof.parts.photo import Grey, Plane, log_brightness

Matrix = NDArray[np.float64]

_SIDE_PX = 112
_LEVELS = 18
_SMALLEST, _LARGEST = 0.03, 0.95  # area of a blob as a share of the photo
_MOST_AT_BORDER = 0.08  # share of the outline that may run along the photo's border
_MOST_SLENDER = 25.0  # ratio of the second moments
_SAME, _ALIKE = 0.1, 0.2  # distance of two frames in units of their size
_WEAK_POINT = 0.15  # the outline is as sharp as the weakest 15% of it
_LEAST_QUALITY = 0.6  # of further frames, as a share of the best one's
_MOST_FRAMES = 3


@dataclass(frozen=True, eq=False)
class Frame:
    """An affine frame: a point u of the frame lies at matrix @ u + centre in the photo.

    Args:
        matrix: float64 (2, 2), columns in pixels (x, y); the unit circle covers the object.
        centre: float64 (2,), pixel (x, y).
        quality: sharpness of the outline; comparable within one photo only.
    """

    matrix: Matrix
    centre: Matrix
    quality: float = 0.0

    @property
    def radius_px(self) -> float:
        """Mean radius of the frame, pixels."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))


def whole_frame(grey: Grey) -> Frame:
    """Return the frame of the whole photo: its borders lie at -1 and 1."""
    height, width = grey.shape
    return Frame(np.diag([width / 2, height / 2]), np.array([(width - 1) / 2, (height - 1) / 2]))


def frames_in(grey: Grey, *, whole: bool) -> list[Frame]:
    """Return the frames of a photo: those of its objects, or the whole photo where that is asked or there is none."""
    return ([] if whole else object_frames(grey)) or [whole_frame(grey)]


def object_frames(grey: Grey) -> list[Frame]:
    """Return up to three frames of blobs with a sharp outline, the best first; none where there is no blob."""
    scale = min(1.0, _SIDE_PX / max(grey.shape))
    size = (max(8, round(grey.shape[1] * scale)), max(8, round(grey.shape[0] * scale)))
    small = cv2.GaussianBlur(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), (0, 0), 0.8)
    blobs = _blobs(np.asarray(small, np.uint8))
    factors = np.array(size) / np.array(grey.shape[::-1])
    return [_frame(blob, quality, factors) for blob, quality in _chosen(blobs)]


def _levels(grey: Grey) -> list[int]:
    low, high = np.quantile(grey, [0.01, 0.99])
    by_rank = np.quantile(grey, np.linspace(0.06, 0.94, _LEVELS // 2))
    by_value = np.linspace(low, high, _LEVELS // 2 + 2)[1:-1]
    return sorted({int(level) for level in (*by_rank, *by_value)})


def _blobs(grey: Grey) -> Matrix:
    """Return one row per blob: x, y, the three second moments, share of the area, sharpness of the outline."""
    edges = _gradient(log_brightness(grey))
    sharpness = np.asarray(cv2.dilate(edges, np.ones((3, 3), np.uint8)), np.float32)
    rows = []
    for level in _levels(grey):
        dark = (grey <= level).astype(np.uint8)
        for mask in (dark, 1 - dark):
            mask[[0, -1]] = 0
            mask[:, [0, -1]] = 0
            outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            found = (_blob(np.asarray(outline, np.int32), sharpness) for outline in outlines)
            rows += [row for row in found if row is not None]
    return np.array(rows, np.float64).reshape(-1, 7)


def _gradient(plane: Plane) -> Plane:
    across = cv2.Scharr(plane, cv2.CV_32F, 1, 0)
    down = cv2.Scharr(plane, cv2.CV_32F, 0, 1)
    return np.asarray(np.sqrt(across * across + down * down) / np.float32(32), np.float32)


def _blob(outline: NDArray[np.int32], sharpness: Plane) -> tuple[float, ...] | None:
    height, width = sharpness.shape
    if len(outline) < (height + width) // 8:
        return None
    moments = cv2.moments(outline)
    area = moments["m00"]
    if not _SMALLEST <= area / (height * width) <= _LARGEST:
        return None
    x, y = outline[:, 0, 0], outline[:, 0, 1]
    at_border = (x <= 1) | (y <= 1) | (x >= width - 2) | (y >= height - 2)
    if at_border.mean() > _MOST_AT_BORDER:
        return None
    sharp = np.partition(sharpness[y, x], int(_WEAK_POINT * len(x)))[int(_WEAK_POINT * len(x))]
    return (
        moments["m10"] / area,
        moments["m01"] / area,
        moments["mu20"] / area,
        moments["mu11"] / area,
        moments["mu02"] / area,
        area / (height * width),
        float(sharp),
    )


def _chosen(blobs: Matrix) -> list[tuple[Matrix, float]]:
    """Return the best blobs that differ, each the mean over the levels at which it is found again."""
    if not len(blobs):
        return []
    spread = np.sqrt(np.maximum(blobs[:, 2] * blobs[:, 4] - blobs[:, 3] ** 2, 1e-6))
    apart = np.abs(blobs[:, None, :2] - blobs[None, :, :2]).sum(-1) / (2 * np.sqrt(spread)[:, None])
    apart += np.abs(blobs[:, None, 2:5] - blobs[None, :, 2:5]).sum(-1) / (4 * spread[:, None])
    same = apart < _SAME
    quality = np.sqrt(same.sum(1)) * blobs[:, 5] ** 0.25 * blobs[:, 6]
    chosen: list[tuple[Matrix, float]] = []
    left = np.ones(len(blobs), bool)
    while left.any() and len(chosen) < _MOST_FRAMES:
        best = int(np.argmax(np.where(left, quality, -1)))
        if chosen and quality[best] < _LEAST_QUALITY * chosen[0][1]:
            break
        members = same[best] & left
        blob = np.average(blobs[members], axis=0, weights=blobs[members, 6] + 1e-9)
        if 4 * spread[best] ** 2 * _MOST_SLENDER > (blob[2] + blob[4]) ** 2:
            chosen.append((blob, float(quality[best])))
        left &= apart[best] >= _ALIKE
    return chosen


def _frame(blob: Matrix, quality: float, factors: Matrix) -> Frame:
    covariance = np.array([[blob[2], blob[3]], [blob[3], blob[4]]])
    values, vectors = np.linalg.eigh(covariance)
    root = vectors @ np.diag(2 * np.sqrt(np.maximum(values, 1e-3))) @ vectors.T
    return Frame(root / factors[:, None], (blob[:2] + 0.5) / factors - 0.5, quality)
