"""The gate that asks nothing: the lowest cost that is expected of new parts, both kinds weighing the same.

What the next part will look like is predicted separately for good and for defective parts: the parts that were seen,
each weighted equally, and `PRIOR_PARTS` more of Student's t for one photo of a new part (Dirichlet process predictive,
Ferguson 1973). Few parts leave the tails to t, many parts to what they showed. A defect that passes, a good part that
is rejected and a look by hand cost what the policy says; no share of defective parts comes into it.
"""

from typing import Final

import numpy as np
from scipy.stats import t as student_t

from castproof.gate.evidence import Inspections
from castproof.gate.policy import Costs
from castproof.measure.scores import Floats

PRIOR_PARTS: Final = 60
LEAST_PARTS: Final = 3
_PLACES: Final = 4001
_BEYOND: Final = 0.1  # of the range of the logits, on each side


def auto_cuts(good: Inspections, defective: Inspections, costs: Costs) -> tuple[float, float]:
    """Return where ACCEPT ends and where REJECT begins, not below it: the logits of the lowest expected cost.

    With fewer than three parts of a kind nothing can be expected of the next: REVIEW then covers everything between
    the highest good and the lowest defective photo, whichever is above the other.

    Args:
        good, defective: inspections of each kind, at least one.
        costs: of a defective part that passes, of a good one that is rejected, of a look by hand.
    """
    if min(good.parts, defective.parts) < LEAST_PARTS:
        ends = float(good.logit.max()), float(defective.logit.min())
        return min(ends), float(np.nextafter(max(ends), np.inf))
    low = min(good.logit.min(), defective.logit.min())
    high = max(good.logit.max(), defective.logit.max())
    beyond = _BEYOND * max(high - low, 1e-6)
    cuts = np.linspace(low - beyond, high + beyond, _PLACES)
    of_good, of_defective = expected_below(good, cuts), expected_below(defective, cuts)
    accept_cost = (costs.miss - costs.review) * of_defective - costs.review * of_good
    reject_cost = costs.review * (of_defective + of_good) + costs.false_alarm * (1 - of_good)
    total = np.minimum.accumulate(accept_cost) + reject_cost
    reject = int(np.argmin(total))
    accept = int(np.argmin(accept_cost[: reject + 1]))
    return float(cuts[accept]), float(cuts[reject])


def expected_below(seen: Inspections, cuts: Floats) -> Floats:
    """Return the share of the inspections of new parts that is expected below each cut, float64 (k,), rising.

    Args:
        seen: inspections of at least two parts.
        cuts: float64 (k,), rising logits.
    """
    total = np.bincount(seen.part, weights=seen.weight, minlength=seen.parts)
    mean = np.bincount(seen.part, weights=seen.weight * seen.logit, minlength=seen.parts) / total
    square = np.bincount(
        seen.part, weights=seen.weight * (seen.logit - mean[seen.part]) ** 2, minlength=seen.parts
    )
    count = np.bincount(seen.part, minlength=seen.parts)
    several = count > 1
    within = (
        float(np.mean((square / total * count)[several] / (count[several] - 1))) if several.any() else 0.0
    )
    spread = np.sqrt(float(mean.var(ddof=1)) * (1 + 1 / seen.parts) + within)
    predicted = student_t.cdf((cuts - mean.mean()) / max(spread, 1e-9), seen.parts - 1)
    share = seen.share_below(cuts)
    return np.asarray((seen.parts * share + PRIOR_PARTS * predicted) / (seen.parts + PRIOR_PARTS), np.float64)
