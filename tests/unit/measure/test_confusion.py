import numpy as np
import pytest

from castproof.errors import DataError, SettingError
from castproof.measure.confusion import Confusion, confusion
from castproof.measure.scores import check_scores


def test_counts_by_label_and_verdict() -> None:
    defective = np.array([True, True, True, False, False, False, False])
    p = np.array([0.9, 0.5, 0.1, 0.8, 0.2, 0.4999, 0.0])
    assert confusion(defective, p, 0.5) == Confusion(tp=2, fp=1, tn=3, fn=1)


def test_ties_on_the_threshold_are_all_called_defective() -> None:
    defective = np.array([True, False, True, False])
    assert confusion(defective, np.full(4, 0.3), 0.3) == Confusion(tp=2, fp=2, tn=0, fn=0)


def test_without_defective_photos_nothing_is_said_about_misses() -> None:
    counts = Confusion(tp=0, fp=1, tn=3, fn=0)
    for name in ("recall", "fnr", "f1_defective", "balanced_accuracy", "mcc", "macro_f1", "g_mean"):
        assert getattr(counts, name) is None, name
    assert counts.precision == 0.0
    assert counts.specificity == 0.75
    assert counts.npv == 1.0
    assert counts.f1_good == pytest.approx(6 / 7)


def test_without_good_photos_nothing_is_said_about_false_alarms() -> None:
    counts = Confusion(tp=3, fp=0, tn=0, fn=1)
    for name in ("specificity", "fpr", "f1_good", "balanced_accuracy", "mcc", "macro_f1", "g_mean"):
        assert getattr(counts, name) is None, name
    assert counts.recall == 0.75
    assert counts.precision == 1.0
    assert counts.npv == 0.0


def test_all_called_good() -> None:
    counts = Confusion(tp=0, fp=0, tn=6, fn=2)
    assert counts.precision is None
    assert counts.mcc is None
    assert counts.f1_defective == 0.0
    assert counts.recall == 0.0
    assert counts.balanced_accuracy == 0.5
    assert counts.g_mean == 0.0


def test_all_called_defective() -> None:
    counts = Confusion(tp=2, fp=6, tn=0, fn=0)
    assert counts.npv is None
    assert counts.mcc is None
    assert counts.f1_good == 0.0
    assert counts.fpr == 1.0
    assert counts.fnr == 0.0


def test_no_photos_define_nothing() -> None:
    counts = Confusion(tp=0, fp=0, tn=0, fn=0)
    assert counts.accuracy is None
    assert counts.error_rate is None


def test_millions_of_photos_do_not_overflow() -> None:
    assert Confusion(tp=4_000_000, fp=0, tn=4_000_000, fn=0).mcc == 1.0


@pytest.mark.parametrize(
    ("defective", "p", "message"),
    [
        (np.array([], dtype=bool), np.array([]), "nothing to measure"),
        (np.array([True, False]), np.array([0.5]), "do not belong together"),
        (np.array([1, 0]), np.array([0.5, 0.5]), "labels"),
        (np.array([[True]]), np.array([[0.5]]), "labels"),
        (np.array([True, False]), np.array([0.5, np.nan]), "1 of 2 wrong, first nan in row 1"),
        (np.array([True, False]), np.array([-0.1, 1.2]), "2 of 2 wrong, first -0.1 in row 0"),
    ],
)
def test_what_cannot_be_measured_is_said(defective: np.ndarray, p: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_scores(defective, p)


def test_an_unusable_threshold_is_refused() -> None:
    with pytest.raises(SettingError):
        confusion(np.array([True]), np.array([0.5]), float("nan"))
