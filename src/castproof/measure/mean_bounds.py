"""Intervals of the mean of independent numbers with known limits, exact where they are all or none."""

from math import sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaincinv

from castproof.measure.scores import Floats

# The contour integral is taken at sinh of the nodes, in standard deviations, until nothing is left of it.
_STEP = 0.1
_NODES: Floats = np.linspace(0.0, 119 * _STEP, 120).reshape(4, -1)
_NODE_WIDTHS: Floats = np.where(_NODES == 0.0, 0.5, 1.0) * _STEP * np.cosh(_NODES)
_NEGLIGIBLE = 1e-13
_CLEAR_OF_THE_POLE = 0.5


def exact_binomial(hits: int, n: int, confidence: float) -> tuple[float, float]:
    """Return the ends of the two-sided interval of a share that Clopper and Pearson gave in 1934.

    Args:
        hits: how many of `n` independent items were hit.
        n: number of items, at least 1.
        confidence: two-sided, in (0, 1).
    """
    tail = (1.0 - confidence) / 2
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1.0 - tail)) if hits < n else 1.0
    return low, high


def mean_bounds(
    values: Floats, weights: Floats, lowest: float, highest: float, confidence: float
) -> tuple[float, float]:
    """Return the ends of the two-sided interval of the weighted mean of independent values with known limits.

    The lower end takes one unseen value more, the lowest, the upper end one more, the highest; then every value gets
    a weight drawn from the exponential distribution (Gaffke 2005; Learned-Miller and Thomas 2019). Where all weights
    are alike and each value is the lowest or the highest, this is Clopper and Pearson's interval. That it covers at
    least at its confidence is proven there, conjectured for other values, and found in simulations
    (docs/decisions/0007-intervals.md). Of unequal weights, the unseen value has sum w^2 / sum w: the mean weight
    that a unit of weight meets (Kish 1965).

    Args:
        values: float64 (n,), at least one, each from `lowest` to `highest`.
        weights: float64 (n,), above zero.
        lowest: no value can be below it.
        highest: no value can be above it.
        confidence: two-sided, in (0, 1).
    """
    level = (1.0 + confidence) / 2
    return -_upper_end(-values, weights, -lowest, level), _upper_end(values, weights, highest, level)


def chance_below(at: float, values: Floats, weights: Floats, unseen: float, repeat: float = 1.0) -> float:
    """Return how probable it is that the randomly weighted mean of `mean_bounds` lies below `at`.

    Args:
        at: the number that the mean is compared with.
        values: float64 (n,).
        weights: float64 (n,), above zero.
        unseen: the value that is added.
        repeat: as if every value had been seen so many times, >= 1.
    """
    seen = _Seen(values, weights)
    return seen.chance_below(at, unseen, repeat)


def _upper_end(values: Floats, weights: Floats, highest: float, level: float) -> float:
    lowest = float(values.min())
    if lowest >= highest:
        return highest
    seen = _Seen(values, weights)
    return float(brentq(lambda at: seen.chance_below(at, highest) - level, lowest, highest))


class _Seen:
    """Values with their weights, equal pairs counted."""

    def __init__(self, values: Floats, weights: Floats) -> None:
        pairs, self._times = np.unique(np.stack([values, weights]), axis=1, return_counts=True)
        self._values, self._weights = pairs
        self._unseen_weight = float((weights**2).sum() / weights.sum())

    def chance_below(self, at: float, unseen: float, repeat: float = 1.0) -> float:
        slopes = np.append(self._weights * (self._values - at), self._unseen_weight * (unseen - at))
        return _chance_of_a_negative_sum(slopes, np.append(self._times * repeat, 1.0))


def _chance_of_a_negative_sum(slopes: Floats, shapes: Floats) -> float:
    """Return how probable a negative sum of slope * gamma(shape) is: the inverse Laplace transform on a vertical line.

    The line goes through the saddle point (Daniels 1954), or beside it where that is near the pole at zero.
    """
    if slopes.max() <= 0.0 or slopes.min() >= 0.0:
        return float(slopes.max() <= 0.0)
    slopes = slopes / sqrt(float((shapes * slopes**2).sum()))
    ends = (1.0 - 1e-10) / slopes.min(), (1.0 - 1e-10) / slopes.max()
    at_ends = [_tilted_mean(end, slopes, shapes) for end in ends]
    if at_ends[0] >= 0.0 or at_ends[1] <= 0.0:
        return float(at_ends[1] <= 0.0)
    line = float(brentq(_tilted_mean, *ends, args=(slopes, shapes)))
    if abs(line) < _CLEAR_OF_THE_POLE:
        line = _CLEAR_OF_THE_POLE if line > 0 else -_CLEAR_OF_THE_POLE
    tail = _integral_along(line, slopes, shapes) / np.pi
    return 1.0 - tail if line > 0 else -tail


def _integral_along(line: float, slopes: Floats, shapes: Floats) -> float:
    """Return the integral over y > 0 of the real part of E(exp(z * sum)) / z, where z = line + iy."""
    tilted = slopes / (1.0 - slopes * line)
    spread = sqrt(float((shapes * tilted**2).sum()))
    log_size = -float(np.log1p(-slopes * line) @ shapes)
    integral = 0.0
    for nodes, widths in zip(_NODES, _NODE_WIDTHS, strict=True):
        y = np.sinh(nodes) / spread
        turns = np.multiply.outer(y, tilted)
        angle = np.arctan(turns) @ shapes
        size = widths / spread * np.exp(log_size - 0.5 * np.log1p(turns**2) @ shapes) / (line**2 + y**2)
        integral += float((size * (line * np.cos(angle) + y * np.sin(angle))).sum())
        if size[-1] * (abs(line) + y[-1]) < _NEGLIGIBLE:
            break
    return integral


def _tilted_mean(z: float, slopes: Floats, shapes: Floats) -> float:
    """Return the mean of the sum where its density is weighted by exp(z * sum); it is zero at the saddle point."""
    return float((shapes * slopes / (1.0 - slopes * z)).sum())
