"""The points of the PR and ROC curves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from castproof.measure.scores import Floats, check_scores


@dataclass(frozen=True, eq=False)
class Curve:
    """Points of a curve, in drawing order.

    Args:
        x: float64 (m,), recall of a PR curve, share of good photos that do not pass of a ROC curve; in [0, 1].
        y: float64 (m,), precision of a PR curve, recall of a ROC curve; in [0, 1].
    """

    x: Floats
    y: Floats


def pr_points(defective: NDArray[np.bool_], p_defective: NDArray[np.floating]) -> Curve | None:
    """Return recall (falling from 1 to 0) and precision of *defective*; None when a class is absent.

    The curve ends by convention in recall 0, precision 1; between two points it is a step, not a line.

    Args:
        defective: bool (n,), True for a photo labelled defective.
        p_defective: float (n,), probability of *defective* in [0, 1].

    Raises:
        DataError: the input cannot be measured (see `check_scores`).
    """
    labels, p = check_scores(defective, p_defective)
    if labels.all() or not labels.any():
        return None
    precision, recall, _ = precision_recall_curve(labels, p)
    return Curve(np.asarray(recall, dtype=np.float64), np.asarray(precision, dtype=np.float64))


def roc_points(defective: NDArray[np.bool_], p_defective: NDArray[np.floating]) -> Curve | None:
    """Return the share of good photos that do not pass, and recall, both rising from 0 to 1; None without a class.

    Args:
        defective: bool (n,), True for a photo labelled defective.
        p_defective: float (n,), probability of *defective* in [0, 1].

    Raises:
        DataError: the input cannot be measured (see `check_scores`).
    """
    labels, p = check_scores(defective, p_defective)
    if labels.all() or not labels.any():
        return None
    not_passed, recall, _ = roc_curve(labels, p)
    return Curve(np.asarray(not_passed, dtype=np.float64), np.asarray(recall, dtype=np.float64))
