import json
import math

import numpy as np
import pytest

from castproof.errors import DataError, SettingError
from castproof.measure.evaluation import score_split
from castproof.measure.metrics import metrics

NAMES = """
    n n_defective n_good threshold tp fp tn fn precision recall specificity fpr fnr npv error_rate accuracy
    balanced_accuracy mcc f1_defective f1_good macro_f1 g_mean auc_pr auc_roc brier ece mce expected_cost
    log_loss
"""


def test_names_and_their_order_are_stable() -> None:
    found = metrics(np.array([True, False]), np.array([0.8, 0.3]), 0.5, 10, 1)
    assert " ".join(found) == " ".join(NAMES.split())


def test_values_are_plain_numbers_that_json_takes() -> None:
    found = metrics(np.array([True, True]), np.array([0.8, 0.3], dtype=np.float32), np.float64(0.5), 10, 1)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert {type(value) for value in found.values()} == {int, float, type(None)}


@pytest.mark.parametrize("present", [True, False])
def test_one_class_alone_defines_no_ranking(present: bool) -> None:
    found = metrics(np.full(4, present), np.array([0.1, 0.6, 0.7, 0.9]), 0.5, 10, 1)
    undefined = {name for name, value in found.items() if value is None}
    both = {"balanced_accuracy", "mcc", "macro_f1", "g_mean", "auc_pr", "auc_roc"}
    alone = {"specificity", "fpr", "f1_good"} if present else {"recall", "fnr", "f1_defective"}
    assert undefined == both | alone


def test_expected_cost_is_per_photo() -> None:
    defective = np.array([True, True, True, False, False])
    p = np.array([0.1, 0.2, 0.9, 0.8, 0.1])
    assert metrics(defective, p, 0.5, cost_fn=50, cost_fp=2)["expected_cost"] == pytest.approx(
        (2 * 50 + 2) / 5
    )


def test_a_certain_mistake_costs_a_finite_log_loss() -> None:
    found = metrics(np.array([True, False]), np.array([0.0, 0.0]), 0.5, 1, 1)
    assert found["log_loss"] == pytest.approx(-math.log(2.0**-52) / 2)


def test_equal_probabilities_rank_as_chance() -> None:
    found = metrics(np.array([True, False, False, True, False]), np.full(5, 0.4), 0.5, 1, 1)
    assert found["auc_roc"] == 0.5
    assert found["auc_pr"] == pytest.approx(0.4)


@pytest.mark.parametrize("cost", [-1.0, math.nan, math.inf])
def test_an_unusable_cost_is_refused(cost: float) -> None:
    with pytest.raises(SettingError, match="missed defect"):
        metrics(np.array([True]), np.array([0.5]), 0.5, cost, 1)
    with pytest.raises(SettingError, match="good photo that does not pass"):
        metrics(np.array([True]), np.array([0.5]), 0.5, 1, cost)


def test_no_photos_cannot_be_scored() -> None:
    with pytest.raises(DataError, match="nothing to measure"):
        score_split("test", np.array([], dtype=bool), np.array([]), 0.5, 1, 1)


def test_a_scored_split_agrees_with_itself() -> None:
    generator = np.random.default_rng(3)
    defective = generator.random(80) < 0.4
    split = score_split("val", defective, generator.random(80), 0.35, 5, 1, bins=7)
    assert split.name == "val"
    assert (split.metrics["tp"], split.metrics["fn"]) == (split.confusion.tp, split.confusion.fn)
    assert split.metrics["threshold"] == split.threshold == 0.35
    assert split.reliability.bins == 7
    assert split.reliability.count_defective.sum() == split.metrics["n_defective"]


@pytest.mark.parametrize("present", [True, False])
def test_one_class_alone_has_no_curves(present: bool) -> None:
    split = score_split("test", np.full(3, present), np.array([0.1, 0.5, 0.9]), 0.5, 1, 1)
    assert split.pr is None
    assert split.roc is None
