"""Everything that is known about one split once it is scored."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from castproof.measure.calibration import DEFAULT_BINS, ReliabilityBins, reliability
from castproof.measure.confusion import Confusion, confusion
from castproof.measure.curves import Curve, pr_points, roc_points
from castproof.measure.decision import is_defective
from castproof.measure.metrics import Metrics, metrics
from castproof.measure.scores import Counts, Flags, Floats, check_scores


@dataclass(frozen=True, eq=False)
class ScoredSplit:
    """One split with its probabilities, verdict counts, metrics and the points of its plots.

    Args:
        name: train, val or test, or the name of another folder.
        defective: bool (n,), True for a photo labelled defective.
        p_defective: float64 (n,), probability of *defective* in [0, 1].
        threshold: number in [0, 1] that gave the verdicts.
        confusion: counts of right and wrong verdicts.
        metrics: every metric by its stable name, see `castproof.measure.metrics.metrics`.
        pr: PR curve; None when a class is absent.
        roc: ROC curve; None when a class is absent.
        reliability: predicted and observed, by bins of p_defective.
    """

    name: str
    defective: Flags
    p_defective: Floats
    threshold: float
    confusion: Confusion
    metrics: Metrics
    pr: Curve | None
    roc: Curve | None
    reliability: ReliabilityBins


@dataclass(frozen=True, eq=False)
class ErrorRows:
    """Rows of wrong photos, the most confidently wrong first.

    Args:
        misses: int64 (k,), rows of missed defects, lowest p_defective first.
        not_passed: int64 (m,), rows of good photos that did not pass, highest p_defective first.
    """

    misses: Counts
    not_passed: Counts


def score_split(
    name: str,
    defective: NDArray[np.bool_],
    p_defective: NDArray[np.floating],
    threshold: float,
    cost_fn: float,
    cost_fp: float,
    bins: int = DEFAULT_BINS,
) -> ScoredSplit:
    """Return everything that is reported about one split at one threshold.

    Args:
        name: name of the split.
        defective: bool (n,), True for a photo labelled defective.
        p_defective: float (n,), probability of *defective* in [0, 1].
        threshold: number in [0, 1], tuned on other photos than these, or not tuned at all.
        cost_fn: cost of one missed defect, >= 0.
        cost_fp: cost of one good photo that does not pass, >= 0.
        bins: number of equal-width bins of p_defective.

    Raises:
        DataError: the input cannot be measured (see `check_scores`).
        SettingError: `threshold`, a cost or `bins` is out of its range.
    """
    labels, p = check_scores(defective, p_defective)
    return ScoredSplit(
        name=name,
        defective=labels,
        p_defective=p,
        threshold=float(threshold),
        confusion=confusion(labels, p, threshold),
        metrics=metrics(labels, p, threshold, cost_fn, cost_fp, bins),
        pr=pr_points(labels, p),
        roc=roc_points(labels, p),
        reliability=reliability(labels, p, bins),
    )


def most_confident_errors(split: ScoredSplit, limit: int) -> ErrorRows:
    """Return the rows of at most `limit` missed defects and `limit` good photos not passed; equal ones by row."""
    called = is_defective(split.p_defective, split.threshold)
    misses = np.flatnonzero(split.defective & ~called)
    not_passed = np.flatnonzero(~split.defective & called)
    misses = misses[np.argsort(split.p_defective[misses], kind="stable")]
    not_passed = not_passed[np.argsort(-split.p_defective[not_passed], kind="stable")]
    return ErrorRows(misses=misses[:limit], not_passed=not_passed[:limit])
