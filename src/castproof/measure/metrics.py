"""Every figure that is reported for a split, by a stable name."""

from math import isfinite

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from castproof.errors import SettingError
from castproof.measure.calibration import DEFAULT_BINS, brier, ece, mce, reliability
from castproof.measure.confusion import Confusion, confusion
from castproof.measure.scores import Flags, Floats, check_scores

Metrics = dict[str, float | int | None]

_LOG_FLOOR = float(np.finfo(np.float64).eps)


def metrics(
    defective: NDArray[np.bool_],
    p_defective: NDArray[np.floating],
    threshold: float,
    cost_fn: float,
    cost_fp: float,
    bins: int = DEFAULT_BINS,
) -> Metrics:
    """Return every metric by its stable name, in a fixed order; None means *not defined by these photos*.

    - n, n_defective, n_good, threshold, tp, fp, tn, fn: always there.
    - precision, recall, specificity, fpr, fnr, npv, balanced_accuracy, mcc, f1_defective, f1_good, macro_f1
      and g_mean are None where `Confusion` says so; error_rate and accuracy are always there.
    - auc_pr (average precision of *defective*) and auc_roc are None when a class is absent. Photos with
      equal probabilities share one point of the curve, so their order does not matter.
    - brier, ece, mce and log_loss are always there; ece and mce use `bins` bins of p_defective.
    - expected_cost is (cost_fn * fn + cost_fp * fp) / n: mean cost per photo, in the unit of the costs.
    - log_loss is the mean of -ln(probability of the true class), which is floored at 2.2e-16: a photo that
      is wrong with certainty adds 36.04, not infinity.

    Args:
        defective: bool (n,), True for a photo labelled defective.
        p_defective: float (n,), probability of *defective* in [0, 1].
        threshold: number in [0, 1]; a photo exactly on it is called defective.
        cost_fn: cost of one missed defect, >= 0.
        cost_fp: cost of one good photo that does not pass, >= 0.
        bins: number of equal-width bins of p_defective for ece and mce.

    Raises:
        DataError: the input cannot be measured (see `check_scores`).
        SettingError: `threshold`, a cost or `bins` is out of its range.
    """
    labels, p = check_scores(defective, p_defective)
    check_costs(cost_fn, cost_fp)
    counts = confusion(labels, p, threshold)
    binned = reliability(labels, p, bins)
    auc_pr, auc_roc = _areas(labels, p)
    return {
        **_from_counts(counts, threshold),
        "auc_pr": auc_pr,
        "auc_roc": auc_roc,
        "brier": brier(labels, p),
        "ece": ece(binned),
        "mce": mce(binned),
        "expected_cost": (cost_fn * counts.fn + cost_fp * counts.fp) / counts.n,
        "log_loss": log_loss(labels, p),
    }


def log_loss(labels: Flags, p: Floats) -> float:
    """Return the mean of -ln(probability of the true class), which is floored at 2.2e-16.

    Args:
        labels: bool (n,), True for a photo labelled defective.
        p: float64 (n,), probability of *defective* in [0, 1].
    """
    p_true = np.where(labels, p, 1.0 - p)
    return float(-np.log(np.clip(p_true, _LOG_FLOOR, 1.0)).mean())


def _from_counts(counts: Confusion, threshold: float) -> Metrics:
    return {
        "n": counts.n,
        "n_defective": counts.n_defective,
        "n_good": counts.n_good,
        "threshold": float(threshold),
        "tp": counts.tp,
        "fp": counts.fp,
        "tn": counts.tn,
        "fn": counts.fn,
        "precision": counts.precision,
        "recall": counts.recall,
        "specificity": counts.specificity,
        "fpr": counts.fpr,
        "fnr": counts.fnr,
        "npv": counts.npv,
        "error_rate": counts.error_rate,
        "accuracy": counts.accuracy,
        "balanced_accuracy": counts.balanced_accuracy,
        "mcc": counts.mcc,
        "f1_defective": counts.f1_defective,
        "f1_good": counts.f1_good,
        "macro_f1": counts.macro_f1,
        "g_mean": counts.g_mean,
    }


def _areas(labels: Flags, p: Floats) -> tuple[float | None, float | None]:
    if labels.all() or not labels.any():
        return None, None
    pr, roc = (round(float(area(labels, p)), 12) for area in (average_precision_score, roc_auc_score))
    return pr, roc  # 1 where all are ranked right, not the last digits of a sum


def check_costs(cost_fn: float, cost_fp: float) -> None:
    """Raise SettingError where a cost is not a number that is zero or more."""
    for name, cost in (
        ("cost of a missed defect", cost_fn),
        ("cost of a good photo that does not pass", cost_fp),
    ):
        if not (isfinite(cost) and cost >= 0):
            raise SettingError(
                f"The {name} cannot be used.",
                rule="It must be a number that is zero or more.",
                found=f"Found {cost!r}.",
                fix="Give the cost of one photo in your currency, for example 10.",
            )
