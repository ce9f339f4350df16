"""Upper bounds on the share of defective parts that pass, valid for any number of parts.

Every part contributes one loss in [0, 1]: the share of its inspections that pass it. Parts are independent, photos of
one part are not, so the number of parts is all that counts. Where a part either passes or does not, the bound is the
exact one of Clopper and Pearson 1934; elsewhere the tighter one of Hoeffding 1963 and Bentkus 2004 (with its factor e),
as Bates, Angelopoulos, Lei, Malik and Jordan 2021 combine them. All three agree where nothing passes.

The same for the share of photos, where parts weigh as much as they have photos: with no weight above w, Hoeffding's
bound holds with 1 / w in the place of the number of parts, since ln(1 - m + m exp(t v)) is convex in v, concave in m.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

Floats = NDArray[np.float64]
MOST_PARTS: Final = 10_000_000
EXACT: Final = "exact"
SHARES: Final = "shares"
WEIGHTED: Final = "weighted"
_STEPS: Final = 60
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Sample:
    """What a bound needs to know of the parts that were looked at.

    Args:
        size: number of independent parts; with photos as the unit, all photos by those of the part that has most.
        kind: EXACT where every part either passes or does not, SHARES where it may pass with some of its photos,
            WEIGHTED where parts weigh differently.
    """

    size: float
    kind: str


def p_value(mean_loss: NDArray[np.floating] | float, sample: Sample, alpha: float) -> Floats:
    """Return how likely so small a mean loss is, at most, if the true one is above `alpha`; float64, same shape.

    Args:
        mean_loss: over the parts, in [0, 1].
        sample: the parts.
        alpha: in (0, 1).
    """
    loss = np.asarray(mean_loss, np.float64)
    if sample.kind == EXACT:
        return _binomial(loss, sample, alpha)
    bound = np.exp(-sample.size * _divergence(np.minimum(loss, alpha), alpha))
    if sample.kind == SHARES:
        bound = np.minimum(bound, math.e * _binomial(loss, sample, alpha))
    return np.where(loss >= alpha, 1.0, np.minimum(bound, 1.0))


def _binomial(loss: Floats, sample: Sample, alpha: float) -> Floats:
    passed = np.ceil(loss * sample.size - _ROUNDING)
    return np.asarray(binom.cdf(passed, round(sample.size), alpha), np.float64)


def upper_bound(mean_loss: float, sample: Sample, confidence: float) -> float:
    """Return the smallest bound in [0, 1] that the true loss keeps with `confidence`, by bisection.

    Args:
        mean_loss: over the parts, in [0, 1].
        sample: the parts.
        confidence: in (0, 1), one-sided.
    """
    low, high = mean_loss, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle < 1 and float(p_value(mean_loss, sample, middle)) <= 1 - confidence:
            high = middle
        else:
            low = middle
    return high


def size_needed(mean_loss: float, alpha: float, confidence: float, kind: str) -> int | None:
    """Return the smallest `Sample.size` with which a loss like this one would prove `alpha`; None for none.

    With no loss at all it is ln(1 - confidence) / ln(1 - alpha), rounded up.

    Args:
        mean_loss: over the parts, in [0, 1].
        alpha: in (0, 1).
        confidence: in (0, 1), one-sided.
        kind: see `Sample`.
    """
    if mean_loss <= 0:
        return math.ceil(math.log(1 - confidence) / math.log1p(-alpha) - _ROUNDING)

    def proves(size: int) -> bool:
        return float(p_value(mean_loss, Sample(size, kind), alpha)) <= 1 - confidence

    if mean_loss >= alpha or not proves(MOST_PARTS):
        return None
    low, high = 0, MOST_PARTS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if proves(middle) else (middle, high)
    return high


def _divergence(loss: Floats, alpha: float) -> Floats:
    """Return the Kullback-Leibler divergence of two coins, `loss` and `alpha`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(loss > 0, loss * np.log(loss / alpha), 0.0)
        second = np.where(loss < 1, (1 - loss) * np.log((1 - loss) / (1 - alpha)), 0.0)
    return np.asarray(first + second, np.float64)
