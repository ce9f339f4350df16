"""Every metric against scikit-learn or torchmetrics on data with ties, imbalance and few photos."""

import warnings

import numpy as np
import pytest
import sklearn.metrics as reference
import torch
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_average_precision,
    binary_calibration_error,
    binary_matthews_corrcoef,
    binary_specificity,
)

from castproof.measure.calibration import brier, ece, mce, reliability
from castproof.measure.curves import pr_points, roc_points
from castproof.measure.metrics import metrics

CASES = [
    (seed, n, share, digits)
    for seed, (n, share, digits) in enumerate(
        [(12, 0.5, 1), (40, 0.2, 1), (300, 0.9, 2), (300, 0.05, 16), (2000, 0.5, 16), (2000, 0.3, 2)]
    )
]


def scored(seed: int, n: int, share: float, digits: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    defective = generator.random(n) < share
    defective[:2] = True, False
    p = 1 / (1 + np.exp(-generator.normal(np.where(defective, 1.0, -1.0), 1.5)))
    return defective, p.round(digits)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.77])
def test_rates_equal_scikit_learn(case: tuple[int, int, float, int], threshold: float) -> None:
    defective, p = scored(*case)
    called = p >= threshold
    found = metrics(defective, p, threshold, 10, 1)
    tn, fp, fn, tp = reference.confusion_matrix(defective, called).ravel()
    assert (found["tn"], found["fp"], found["fn"], found["tp"]) == (tn, fp, fn, tp)
    expected = {
        "precision": reference.precision_score(defective, called),
        "recall": reference.recall_score(defective, called),
        "specificity": reference.recall_score(defective, called, pos_label=False),
        "npv": reference.precision_score(defective, called, pos_label=False),
        "fpr": 1 - reference.recall_score(defective, called, pos_label=False),
        "fnr": 1 - reference.recall_score(defective, called),
        "accuracy": reference.accuracy_score(defective, called),
        "error_rate": reference.zero_one_loss(defective, called),
        "balanced_accuracy": reference.balanced_accuracy_score(defective, called),
        "mcc": reference.matthews_corrcoef(defective, called),
        "f1_defective": reference.f1_score(defective, called),
        "f1_good": reference.f1_score(defective, called, pos_label=False),
        "macro_f1": reference.f1_score(defective, called, average="macro"),
        "g_mean": np.sqrt(np.prod(reference.recall_score(defective, called, average=None))),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_probability_metrics_equal_scikit_learn(case: tuple[int, int, float, int]) -> None:
    defective, p = scored(*case)
    found = metrics(defective, p, 0.5, 10, 1)
    expected = {
        "auc_pr": reference.average_precision_score(defective, p),
        "auc_roc": reference.roc_auc_score(defective, p),
        "brier": reference.brier_score_loss(defective, p),
        "log_loss": reference.log_loss(defective, p),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert brier(defective, p) == pytest.approx(expected["brier"])


@pytest.mark.parametrize("case", CASES)
def test_metrics_equal_torchmetrics(case: tuple[int, int, float, int]) -> None:
    defective, p = scored(*case)
    preds, target = torch.from_numpy(p), torch.from_numpy(defective).long()
    found = metrics(defective, p, 0.4301, 10, 1)
    expected = {
        "auc_pr": binary_average_precision(preds, target),
        "auc_roc": binary_auroc(preds, target),
        "mcc": binary_matthews_corrcoef(preds, target, threshold=0.4301),
        "specificity": binary_specificity(preds, target, threshold=0.4301),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value.item(), abs=1e-6), name


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("bins", [1, 7, 15])
def test_calibration_errors_equal_torchmetrics(case: tuple[int, int, float, int], bins: int) -> None:
    defective, p = scored(*case)
    p = p * 0.997 + 0.0011  # off the edges, where the two round differently, and below 1
    preds, target = torch.from_numpy(p), torch.from_numpy(defective).long()
    binned = reliability(defective, p, bins)
    assert ece(binned) == pytest.approx(binary_calibration_error(preds, target, bins, "l1").item(), abs=1e-9)
    assert mce(binned) == pytest.approx(binary_calibration_error(preds, target, bins, "max").item(), abs=1e-9)


def test_certainty_shares_the_last_bin_where_torchmetrics_opens_another() -> None:
    defective, p = np.array([True, False, True]), np.array([1.0, 0.95, 0.97])
    theirs = binary_calibration_error(
        torch.from_numpy(p), torch.from_numpy(defective).long(), 15, "l1"
    ).item()
    assert theirs == pytest.approx((0.0 * 1 + abs(0.5 - 0.96) * 2) / 3)
    assert ece(reliability(defective, p)) == pytest.approx(abs(2 / 3 - (1.0 + 0.95 + 0.97) / 3))


@pytest.mark.parametrize("case", CASES)
def test_curves_enclose_the_areas(case: tuple[int, int, float, int]) -> None:
    defective, p = scored(*case)
    pr, roc = pr_points(defective, p), roc_points(defective, p)
    assert pr is not None
    assert roc is not None
    assert reference.auc(roc.x, roc.y) == pytest.approx(reference.roc_auc_score(defective, p))
    steps = -np.diff(pr.x) @ pr.y[:-1]
    assert steps == pytest.approx(reference.average_precision_score(defective, p))


def test_one_verdict_differs_from_scikit_learn_on_purpose() -> None:
    """scikit-learn answers 0 where the photos define nothing; castproof answers None."""
    defective, p = np.array([True, False, False]), np.array([0.1, 0.2, 0.3])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert reference.matthews_corrcoef(defective, p >= 0.9) == 0.0
        assert reference.precision_score(defective, p >= 0.9) == 0.0
    found = metrics(defective, p, 0.9, 10, 1)
    assert found["mcc"] is None
    assert found["precision"] is None
