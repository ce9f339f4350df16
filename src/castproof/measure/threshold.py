"""Choosing the threshold on validation data."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from castproof.errors import DataError
from castproof.measure.scores import Counts, Flags, Floats, check_scores

Objective = Literal["macro_f1", "def_f1"]

_EQUAL = 1e-12
_ABOVE_ALL = 1e-6


@dataclass(frozen=True)
class TunedThreshold:
    """A threshold in [0, 1] and the score in [0, 1] that it reaches on the photos it was chosen on."""

    threshold: float
    score: float


def tune_threshold(
    defective: NDArray[np.bool_], p_defective: NDArray[np.floating], objective: Objective
) -> TunedThreshold:
    """Return the threshold with the highest score, sought exactly over every cut between the photos.

    A cut lies in the middle of the gap between two neighbouring distinct probabilities. The two ends are
    cuts too: threshold 0 calls everything defective; a threshold just above the highest probability calls
    everything good, unless a photo has p_defective = 1, which every threshold in [0, 1] rejects.

    Among cuts with equal scores (within 1e-12) the one in the widest gap is taken, because it is the least
    upset by small changes; among equal gaps the lowest, which misses the fewest defects. Calling everything
    good counts as a gap of zero, so that it is chosen only when nothing else is as good.

    Args:
        defective: bool (n,), True for a photo labelled defective; both classes must be present.
        p_defective: float (n,), probability of *defective* in [0, 1].
        objective: "macro_f1" (mean of both classes' F1) or "def_f1" (F1 of *defective*).

    Raises:
        DataError: a class is absent, or the input cannot be measured (see `check_scores`).
    """
    labels, p = check_scores(defective, p_defective)
    if labels.all() or not labels.any():
        raise DataError(
            "The threshold cannot be chosen.",
            rule="Both classes must be among the validation photos.",
            found=f"Found {int(labels.sum())} defective and {int((~labels).sum())} good photos.",
            fix="Put photos of the absent class into the validation split.",
        )
    values, tp, fp = _counts_above_each_cut(labels, p)
    thresholds, gaps = _cuts(values)
    scores = _scores(tp, fp, int(labels.sum()), int((~labels).sum()), objective)[: len(thresholds)]
    best = np.flatnonzero(scores >= scores.max() - _EQUAL)
    widest = best[gaps[best] >= gaps[best].max() - _EQUAL]
    return TunedThreshold(threshold=float(thresholds[widest[0]]), score=float(scores[widest[0]]))


def _counts_above_each_cut(labels: Flags, p: Floats) -> tuple[Floats, Counts, Counts]:
    """Return the m distinct probabilities and, for the m + 1 cuts around them, TP and FP."""
    values, place = np.unique(p, return_inverse=True)
    defects = np.bincount(place[labels], minlength=len(values))
    goods = np.bincount(place[~labels], minlength=len(values))
    tp = np.append(defects[::-1].cumsum()[::-1], 0)
    fp = np.append(goods[::-1].cumsum()[::-1], 0)
    return values, tp.astype(np.int64), fp.astype(np.int64)


def _cuts(values: Floats) -> tuple[Floats, Floats]:
    """Return the thresholds in ascending order and the widths of their gaps."""
    low, high = values[:-1], values[1:]
    middle = low + (high - low) / 2
    # The middle of two neighbouring floats may round down to the lower one, which would then be called
    # defective; the upper one is the only float in that gap.
    middle = np.where(middle > low, middle, high)
    thresholds, gaps = np.append(0.0, middle), np.append(values[0], high - low)
    if values[-1] < 1.0:
        thresholds = np.append(thresholds, min(values[-1] + _ABOVE_ALL, 1.0))
        gaps = np.append(gaps, 0.0)
    return thresholds, gaps


def _scores(tp: Counts, fp: Counts, n_defective: int, n_good: int, objective: Objective) -> Floats:
    fn, tn = n_defective - tp, n_good - fp
    f1_defective: Floats = 2 * tp / (2 * tp + fp + fn)
    if objective == "def_f1":
        return f1_defective
    f1_good: Floats = 2 * tn / (2 * tn + fn + fp)
    return (f1_defective + f1_good) / 2
