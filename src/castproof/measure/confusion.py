"""Right and wrong verdicts, counted, and the rates that follow from the counts."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from castproof.measure.decision import check_threshold, is_defective
from castproof.measure.scores import check_scores


@dataclass(frozen=True)
class Confusion:
    """Counts of photos by label and verdict; the positive class is *defective*.

    A rate is None where these photos do not define it: its denominator is zero, or, for the figures that
    compare the two classes, one class has no photos.

    Args:
        tp: defective photos called defective (caught defects).
        fp: good photos called defective, that is not passed.
        tn: good photos called good.
        fn: defective photos called good (missed defects).
    """

    tp: int
    fp: int
    tn: int
    fn: int

    @property
    def n(self) -> int:
        """All photos."""
        return self.tp + self.fp + self.tn + self.fn

    @property
    def n_defective(self) -> int:
        """Photos labelled defective."""
        return self.tp + self.fn

    @property
    def n_good(self) -> int:
        """Photos labelled good."""
        return self.tn + self.fp

    @property
    def precision(self) -> float | None:
        """TP / (TP + FP); None when no photo is called defective."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        """TP / (TP + FN); None without defective photos."""
        return _ratio(self.tp, self.n_defective)

    @property
    def specificity(self) -> float | None:
        """TN / (TN + FP); None without good photos."""
        return _ratio(self.tn, self.n_good)

    @property
    def fpr(self) -> float | None:
        """Good photos that do not pass: FP / (TN + FP); None without good photos."""
        return _ratio(self.fp, self.n_good)

    @property
    def fnr(self) -> float | None:
        """Missed defects: FN / (TP + FN); None without defective photos."""
        return _ratio(self.fn, self.n_defective)

    @property
    def npv(self) -> float | None:
        """TN / (TN + FN); None when no photo is called good."""
        return _ratio(self.tn, self.tn + self.fn)

    @property
    def error_rate(self) -> float | None:
        """(FP + FN) / n; None without photos."""
        return _ratio(self.fp + self.fn, self.n)

    @property
    def accuracy(self) -> float | None:
        """(TP + TN) / n; None without photos."""
        return _ratio(self.tp + self.tn, self.n)

    @property
    def balanced_accuracy(self) -> float | None:
        """(recall + specificity) / 2; None when a class has no photos."""
        if self.recall is None or self.specificity is None:
            return None
        return (self.recall + self.specificity) / 2

    @property
    def g_mean(self) -> float | None:
        """sqrt(recall * specificity); None when a class has no photos."""
        if self.recall is None or self.specificity is None:
            return None
        return sqrt(self.recall * self.specificity)

    @property
    def mcc(self) -> float | None:
        """Matthews correlation; None when a class has no photos or all verdicts are the same.

        (TP * TN - FP * FN) / sqrt((TP + FP)(TP + FN)(TN + FP)(TN + FN)), Matthews 1975.
        """
        product = (self.tp + self.fp) * self.n_defective * self.n_good * (self.tn + self.fn)
        return (self.tp * self.tn - self.fp * self.fn) / sqrt(product) if product else None

    @property
    def f1_defective(self) -> float | None:
        """2 TP / (2 TP + FP + FN); None without defective photos."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn) if self.n_defective else None

    @property
    def f1_good(self) -> float | None:
        """2 TN / (2 TN + FN + FP); None without good photos."""
        return _ratio(2 * self.tn, 2 * self.tn + self.fn + self.fp) if self.n_good else None

    @property
    def macro_f1(self) -> float | None:
        """(f1_defective + f1_good) / 2; None when a class has no photos."""
        if self.f1_defective is None or self.f1_good is None:
            return None
        return (self.f1_defective + self.f1_good) / 2


def confusion(defective: NDArray[np.bool_], p_defective: NDArray[np.floating], threshold: float) -> Confusion:
    """Return the counts of right and wrong verdicts; a photo exactly on the threshold is called defective.

    Args:
        defective: bool (n,), True for a photo labelled defective.
        p_defective: float (n,), probability of *defective* in [0, 1].
        threshold: number in [0, 1].

    Raises:
        DataError: the input cannot be measured (see `check_scores`).
        SettingError: `threshold` is not a number in [0, 1].
    """
    labels, p = check_scores(defective, p_defective)
    check_threshold(threshold)
    called = is_defective(p, threshold)
    tp, fn = int((labels & called).sum()), int((labels & ~called).sum())
    fp, tn = int((~labels & called).sum()), int((~labels & ~called).sum())
    return Confusion(tp=tp, fp=fp, tn=tn, fn=fn)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
