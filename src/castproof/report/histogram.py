"""Two distributions in one small drawing, as numbers that a template turns into SVG."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 320.0, 110.0
_BINS = 40


@dataclass(frozen=True)
class Histogram:
    """Two step outlines in a box of `WIDTH` x `HEIGHT`, and the axis below it.

    Args:
        first: points "x,y x,y ..." of the outline of the first kind, "" where it has no values.
        second: the same for the second kind.
        low: value at the left edge in words; smaller ones stand in the first bin.
        high: value at the right edge in words; larger ones stand in the last bin.
        mark: x of the marked value; None where none is marked.
    """

    first: str
    second: str
    low: str
    high: str
    mark: float | None = None


def histogram(
    first: NDArray[np.floating], second: NDArray[np.floating], mark: float | None = None
) -> Histogram | None:
    """Return the distributions of two kinds, each drawn as high as its own peak; None without any value.

    The axis reaches over the middle 99% of the values of either kind, and over `mark`.

    Args:
        first: float (n,), finite.
        second: float (m,), finite.
        mark: a value to mark.
    """
    kinds = [values for values in (first, second) if len(values)]
    if not kinds:
        return None
    ends = [float(np.quantile(values, q)) for values in kinds for q in (0.005, 0.995)]
    ends += [] if mark is None else [mark]
    low, high = min(ends), max(ends)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    shares = [_shares(values, low, high) for values in (first, second)]
    outlines = [_outline(one / one.max()) if one.any() else "" for one in shares]
    at = None if mark is None else round(WIDTH * (mark - low) / (high - low), 1)
    return Histogram(outlines[0], outlines[1], _number(low), _number(high), at)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _shares(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.float64]:
    index = np.clip((values - low) / (high - low) * _BINS, 0, _BINS - 1).astype(np.int64)
    counts = np.bincount(index, minlength=_BINS).astype(np.float64)
    return np.asarray(counts / max(1, len(values)), np.float64)


def _outline(heights: NDArray[np.float64]) -> str:
    step = WIDTH / _BINS
    points = [(0.0, HEIGHT)]
    for number, height in enumerate(heights):
        y = HEIGHT - float(height) * (HEIGHT - 4)
        points += [(number * step, y), ((number + 1) * step, y)]
    points.append((WIDTH, HEIGHT))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
