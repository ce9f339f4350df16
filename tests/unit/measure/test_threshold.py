import math

import numpy as np
import pytest

from castproof.errors import DataError
from castproof.measure.confusion import confusion
from castproof.measure.threshold import TunedThreshold, tune_threshold


def test_separated_classes_are_cut_in_the_middle() -> None:
    tuned = tune_threshold(np.array([False, False, True, True]), np.array([0.1, 0.2, 0.6, 0.9]), "macro_f1")
    assert tuned.score == 1.0
    assert tuned.threshold == pytest.approx(0.4)


def test_of_equal_scores_the_widest_gap_wins() -> None:
    # One photo of each class is on the wrong side whichever of two cuts is taken.
    defective = np.array([False, True, False, True])
    p = np.array([0.10, 0.15, 0.60, 0.90])
    tuned = tune_threshold(defective, p, "macro_f1")
    low = confusion(defective, p, 0.125).macro_f1
    high = confusion(defective, p, 0.75).macro_f1
    assert low == pytest.approx(high)
    assert tuned == TunedThreshold(pytest.approx(0.75), pytest.approx(low))


def test_of_equal_gaps_the_lowest_wins() -> None:
    # The gaps 0.1-0.3 and 0.5-0.7 differ in the last bit only.
    defective = np.array([False, True, False, True])
    p = np.array([0.1, 0.3, 0.5, 0.7])
    assert tune_threshold(defective, p, "macro_f1").threshold == pytest.approx(0.2)


@pytest.mark.parametrize("level", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("objective", ["macro_f1", "def_f1"])
def test_a_model_that_tells_nothing_apart_rejects_everything(level: float, objective: str) -> None:
    defective = np.array([True, False])
    tuned = tune_threshold(defective, np.full(2, level), objective)  # type: ignore[arg-type]
    assert tuned.threshold == 0.0


def test_everything_good_is_chosen_when_it_alone_is_best() -> None:
    defective = np.array([True] + [False] * 9)
    p = np.array([0.1] + [0.2 + i / 100 for i in range(9)])
    tuned = tune_threshold(defective, p, "macro_f1")
    assert tuned.score == pytest.approx(0.5 * 18 / 19)
    assert p.max() < tuned.threshold <= 1.0
    assert tuned.threshold == pytest.approx(p.max(), abs=1e-5)


def test_a_certain_defect_cannot_be_called_good() -> None:
    defective = np.array([True] + [False] * 9)
    p = np.array([0.1] + [1.0] * 9)
    tuned = tune_threshold(defective, p, "macro_f1")
    assert tuned.threshold <= 1.0
    assert tuned.score == confusion(defective, p, tuned.threshold).macro_f1


@pytest.mark.parametrize("low", [0.0, 0.1, 0.3, 0.5, 1 - 2**-53, 5e-324])
def test_neighbouring_floats_are_told_apart(low: float) -> None:
    p = np.array([low, math.nextafter(low, 1.0)])
    defective = np.array([False, True])
    tuned = tune_threshold(defective, p, "def_f1")
    assert tuned.score == 1.0
    assert confusion(defective, p, tuned.threshold).f1_defective == 1.0


@pytest.mark.parametrize("value", [True, False])
def test_an_absent_class_is_said(value: bool) -> None:
    with pytest.raises(DataError, match="Both classes") as caught:
        tune_threshold(np.full(3, value), np.array([0.1, 0.2, 0.3]), "macro_f1")
    assert "3" in caught.value.found
