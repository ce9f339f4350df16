"""Registration: laying one photo on another as exactly as an affine map can, and scoring how well they match.

A candidate pair comes with a frame on each photo, a turn and a mirroring. From there the enhanced correlation
coefficient (Evangelidis and Psarakis, IEEE TPAMI 30(10), 2008) is maximised, first on coarse, then on fine
local contrast. The score is a low quantile of the correlations of many small windows, in brightness and in edge
strength: most of the part has to match, so that neither a shared ring or hole nor one strong defect decides, and a
glare that hides a corner does no harm.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from castproof.parts.frames import Frame
from castproof.parts.photo import Grey, Plane, edge_strength, local_contrast, log_brightness
from castproof.parts.signature import ANGLES

Matrix = NDArray[np.float64]

SIDE_PX = 96
_COARSE_SIDE_PX = 48
_COARSE_SIGMA_PX, _COARSE_STEPS, _COARSE_SMOOTHING_PX = 4.0, 30, 5
_FINE_SIGMA_PX, _FINE_STEPS, _FINE_SMOOTHING_PX = 3.0, 12, 3
_BRIGHTNESS_SIGMA_PX, _EDGE_SIGMA_PX = 2.0, 4.0
_WINDOW_PX, _STEP_PX = 13, 6
_QUANTILE = 0.3  # seven tenths of the windows match at least so well as the score says
_FEWEST_WINDOWS = 24
_MOST_SQUEEZE = 2.2  # between two photos of one part: each may be squeezed by a fifth and sheared by a fifth
_MOST_SCALE = 2.5
NO_MATCH = -1.0


@dataclass(frozen=True, eq=False)
class View:
    """A photo seen through a frame, in a square of SIDE_PX; its corners lie at +-extent of the frame.

    Args:
        log: float32, logarithm of the brightness.
        inside: float32, 1 where the photo has pixels within the disc or square that counts.
        frame: the frame that it is seen through.
        extent: half the side of the square, in units of the frame.
    """

    log: Plane
    inside: Plane
    frame: Frame
    extent: float

    @property
    def unit(self) -> float:
        """Width of a pixel in units of the frame."""
        return 2 * self.extent / SIDE_PX


@dataclass(frozen=True, eq=False)
class Still:
    """The photo that stays while others are laid on it: its view, prepared once.

    Args:
        view: the photo through one of its frames.
        coarse: float32, its edges at a coarse size.
        fine: float32, its local contrast.
        channels: float32, what the score compares.
    """

    view: View
    coarse: Plane
    fine: Plane
    channels: tuple[Plane, Plane]


def still(seen: View) -> Still:
    """Return a view made ready for others to be laid on it."""
    return Still(seen, _coarse(seen), _fine(seen), _channels(seen))


@dataclass(frozen=True, eq=False)
class Match:
    """Two photos laid over each other.

    Args:
        score: how well they match, at most 1; -1 where no plausible affine map was found.
        frame: frame of the second photo that corresponds to the frame of the first.
    """

    score: float
    frame: Frame


def view(grey: Grey, frame: Frame, extent: float, *, disc: bool) -> View:
    """Return `grey` seen through `frame`, up to `extent`; with `disc`, only the inscribed disc counts."""
    log, inside = seen_through(grey, frame, extent, SIDE_PX)
    return View(log, inside * _DISC if disc else inside, frame, extent)


def seen_through(grey: Grey, frame: Frame, extent: float, side_px: int) -> tuple[Plane, Plane]:
    """Return a square up to `extent` of `frame`: the logarithm of the brightness, and 1 where the photo has pixels."""
    step = 2 * extent / side_px
    corner = np.full(2, step / 2 - extent)
    to_photo = np.hstack([frame.matrix * step, (frame.matrix @ corner + frame.centre)[:, None]])
    flags = cv2.WARP_INVERSE_MAP
    size = (side_px, side_px)
    log = cv2.warpAffine(
        log_brightness(grey), to_photo, size, flags=cv2.INTER_LINEAR | flags, borderMode=cv2.BORDER_REPLICATE
    )
    inside = cv2.warpAffine(np.ones(grey.shape, np.float32), to_photo, size, flags=cv2.INTER_NEAREST | flags)
    return np.asarray(log, np.float32), np.asarray(inside, np.float32)


def turned(frame: Frame, turn: int, mirrored: bool) -> Frame:
    """Return `frame` turned by `turn` steps of 1 / ANGLES as `search.best_turns` counts them, then mirrored."""
    angle = -turn * 2 * np.pi / ANGLES
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if mirrored:
        matrix = np.diag([1.0, -1.0]) @ matrix
    return replace(frame, matrix=frame.matrix @ matrix)


def register(first: Still, grey: Grey, start: Frame, *, disc: bool) -> Match:
    """Return how `grey` lies on the view `first`.

    Args:
        first: the photo that stays, as `still` prepares it.
        grey: uint8, the photo that is moved.
        start: its frame, as it corresponds to the frame of `first` up to small errors.
        disc: as for `view`.
    """
    seen = first.view
    moved = view(grey, start, seen.extent, disc=disc)
    unmoved = np.eye(2, 3, dtype=np.float32)
    warp = _refined(first.coarse, _coarse(moved), unmoved, _COARSE_STEPS, _COARSE_SMOOTHING_PX)
    warp = _refined(first.fine, _fine(moved), _enlarged(warp), _FINE_STEPS, _FINE_SMOOTHING_PX)
    frame = _moved(start, warp, seen)
    if not plausible(frame.matrix @ np.linalg.inv(seen.frame.matrix)):
        return Match(NO_MATCH, start)
    return Match(_score(first, view(grey, frame, seen.extent, disc=disc)), frame)


def _coarse(seen: View) -> Plane:
    """Return the edges at a coarse size: they are found from further away."""
    size = (_COARSE_SIDE_PX, _COARSE_SIDE_PX)
    small = cv2.resize(edge_strength(seen.log), size, interpolation=cv2.INTER_AREA)
    return local_contrast(np.asarray(small, np.float32), _COARSE_SIGMA_PX)


def _fine(seen: View) -> Plane:
    """Return the local contrast that the last step of the registration works on."""
    return local_contrast(seen.log, _FINE_SIGMA_PX)


def _channels(seen: View) -> tuple[Plane, Plane]:
    """Return what the score compares: brightness and edge strength, as local contrast."""
    return (
        local_contrast(seen.log, _BRIGHTNESS_SIGMA_PX),
        local_contrast(edge_strength(seen.log), _EDGE_SIGMA_PX),
    )


def _enlarged(warp: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `warp` between coarse views as a warp between views; pixel centres lie at half numbers."""
    factor = SIDE_PX / _COARSE_SIDE_PX
    linear, offset = warp[:, :2], warp[:, 2]
    shift = (linear @ np.full(2, 0.5 / factor - 0.5) + offset + 0.5) * factor - 0.5
    return np.hstack([linear, shift[:, None]]).astype(np.float32)


def _refined(
    still: Plane, moving: Plane, warp: NDArray[np.float32], steps: int, smoothing_px: int
) -> NDArray[np.float32]:
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, steps, 1e-4)
    everywhere = np.ones(moving.shape, np.uint8)
    try:
        _, found = cv2.findTransformECC(
            still, moving, warp.copy(), cv2.MOTION_AFFINE, criteria, everywhere, smoothing_px
        )
    except cv2.error:  # it does not converge: the two have nothing in common
        return warp
    return np.asarray(found, np.float32) if np.isfinite(found).all() else warp


def _moved(start: Frame, warp: NDArray[np.float32], first: View) -> Frame:
    """Return the frame after `warp`, which maps pixels of the still view to pixels of the moving one."""
    linear, offset = warp[:, :2].astype(float), warp[:, 2].astype(float)
    middle = np.full(2, SIDE_PX / 2 - 0.5)
    shift = (linear @ middle + offset + 0.5) * first.unit - first.extent
    return Frame(start.matrix @ linear, start.matrix @ shift + start.centre, start.quality)


def plausible(linear: Matrix) -> bool:
    """Return whether the linear map (2, 2) between two photos scales and squeezes no more than photos of a part do."""
    largest, smallest = np.linalg.svd(linear, compute_uv=False)
    return bool(smallest > 1 / _MOST_SCALE and largest < _MOST_SCALE and largest < _MOST_SQUEEZE * smallest)


def _score(first: Still, second: View) -> float:
    inside = first.view.inside * second.inside
    windows = [
        _window_correlations(a, b, inside) for a, b in zip(first.channels, _channels(second), strict=True)
    ]
    count = len(windows[0])
    if count < _FEWEST_WINDOWS:
        return NO_MATCH
    rank = int(_QUANTILE * count)
    return float(np.mean([np.partition(values, rank)[rank] for values in windows]))


def _window_correlations(a: Plane, b: Plane, inside: Plane) -> Plane:
    """Return the correlation coefficient of `a` and `b` in every window that lies inside."""

    def mean(plane: Plane) -> Plane:
        blurred = np.asarray(cv2.blur(plane, (_WINDOW_PX, _WINDOW_PX)), np.float32)
        return blurred[_STEP_PX::_STEP_PX, _STEP_PX::_STEP_PX]

    counted = mean(inside) > 0.95
    a, b = a * inside, b * inside
    mean_a, mean_b = mean(a), mean(b)
    spread = (mean(a * a) - mean_a**2) * (mean(b * b) - mean_b**2)
    values = (mean(a * b) - mean_a * mean_b) / np.sqrt(np.maximum(spread, 1e-4))
    return np.asarray(values[counted], np.float32)


def _disc() -> Plane:
    axis = (np.arange(SIDE_PX) + 0.5) / SIDE_PX * 2 - 1
    return (axis**2 + axis[:, None] ** 2 < 1).astype(np.float32)


_DISC = _disc()
