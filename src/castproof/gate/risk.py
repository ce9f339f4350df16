"""Upper bounds on the share of defective parts that pass, valid for any number of parts.

Every part contributes one loss in [0, 1]: the share of its inspections that pass it. Parts are independent, photos of
one part are not, so the number of parts is all that counts. Where a part either passes or does not, the bound is the
exact one of Clopper and Pearson 1934; where it may pass with some of its photos, that by betting (Waudby-Smith and
Ramdas 2024), see `proves_by_betting`. Where only the mean of the losses is known, it is the tighter one of Hoeffding
1963 and Bentkus 2004 (with its factor e), as Bates, Angelopoulos, Lei, Malik and Jordan 2021 combine them. All agree
where nothing passes.

The same for the share of photos, where parts weigh as much as they have photos: with no weight above w, Hoeffding's
bound holds with 1 / w in the place of the number of parts, since ln(1 - m + m exp(t v)) is convex in v, concave in m.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import binom

Floats = NDArray[np.float64]
MOST_PARTS: Final = 10_000_000
EXACT: Final = "exact"
SHARES: Final = "shares"
WEIGHTED: Final = "weighted"
_STEPS: Final = 60
_BETTING_STEPS: Final = 40
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


def proves_by_betting(losses: Floats, size: float, alpha: float, confidence: float) -> bool:
    """Return whether these losses prove that the mean loss is below `alpha`.

    Who bets at every part that its loss is below `alpha`, and stakes the share s of what can be lost, has the capital
    prod (1 + s (alpha - loss) / (1 - alpha)) in the end. Its mean is at most 1 where the true loss is `alpha` or more,
    so that it exceeds 1 / r with a probability of at most r (Ville 1939, Markov). The order of the parts is nothing to
    it. That no part has any loss has at most the probability (1 - alpha)^size; r is what this leaves of the risk. The
    stake follows from size, `alpha` and confidence alone: half way from the best one for parts that pass whole or not,
    with which this is never weaker than Hoeffding's bound at that r, to the largest one.

    Args:
        losses: float64 (n,) of the parts, in [0, 1].
        size: number of parts to compute with, n as a rule.
        alpha: in (0, 1).
        confidence: in (0, 1), one-sided.
    """
    no_loss = (1 - alpha) ** size
    if losses.max() <= 0:
        return bool(no_loss <= (1 - confidence) * (1 + _ROUNDING))
    left = 1 - confidence - no_loss
    if left <= 0 or losses.mean() >= alpha:
        return False
    stake = 1 - _critical_loss(size, alpha, left) / (2 * alpha)
    values, counts = np.unique(losses, return_counts=True)
    with np.errstate(divide="ignore"):  # who stakes everything on a loss of 1 has nothing left
        growth = np.log1p(np.maximum(stake * (alpha - values) / (1 - alpha), -1.0)) @ counts / len(losses)
    return bool(size * growth >= -math.log(left))


def bound_by_betting(losses: Floats, size: float, confidence: float) -> float:
    """Return the smallest bound in [0, 1] that `proves_by_betting` proves, by bisection; see there for arguments."""
    low, high = float(losses.mean()), 1.0
    for _ in range(_BETTING_STEPS):
        middle = (low + high) / 2
        if middle < 1 and proves_by_betting(losses, size, middle, confidence):
            high = middle
        else:
            low = middle
    return high


def _critical_loss(size: float, alpha: float, risk: float) -> float:
    """Return the mean loss at which Hoeffding's bound is `risk`."""

    def excess(loss: float) -> float:
        return float(size * _divergence(np.asarray(loss, np.float64), alpha) + math.log(risk))

    return float(brentq(excess, 0.0, alpha)) if excess(0.0) > 0 else 0.0


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
