"""All folds together are counted with their own thresholds, and parts by what was judged right."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, confusion_matrix, f1_score, roc_auc_score

from castproof.measure.evaluation import ScoredSplit, score_split
from castproof.measure.out_of_fold import part_results, pooled_metrics


def scored(name: str, count: int, threshold: float) -> ScoredSplit:
    rng = np.random.default_rng(count)
    defective = rng.random(count) < 0.4
    p = np.clip(0.35 * defective + rng.random(count) * 0.65, 0, 1)
    return score_split(name, defective, p, threshold, 10, 1)


FOLDS = [scored("fold_1", 40, 0.3), scored("fold_2", 55, 0.6)]
DEFECTIVE = np.concatenate([fold.defective for fold in FOLDS])
P = np.concatenate([fold.p_defective for fold in FOLDS])
CALLED = np.concatenate([fold.p_defective >= fold.threshold for fold in FOLDS])


def test_counts_are_those_of_each_folds_own_threshold() -> None:
    pooled = pooled_metrics(FOLDS, 10, 1)
    (tn, fp), (fn, tp) = confusion_matrix(DEFECTIVE, CALLED)
    assert [pooled[name] for name in ("tp", "fp", "tn", "fn")] == [tp, fp, tn, fn]
    assert pooled["macro_f1"] == pytest.approx(f1_score(DEFECTIVE, CALLED, average="macro"))
    assert pooled["expected_cost"] == pytest.approx((10 * fn + fp) / len(P))
    assert pooled["threshold"] is None


def test_figures_of_the_probabilities_are_those_of_the_probabilities() -> None:
    pooled = pooled_metrics(FOLDS, 10, 1)
    assert pooled["auc_roc"] == pytest.approx(roc_auc_score(DEFECTIVE, P))
    assert pooled["brier"] == pytest.approx(brier_score_loss(DEFECTIVE, P))


def test_one_fold_alone_gives_its_own_metrics() -> None:
    assert pooled_metrics(FOLDS[:1], 10, 1) == pytest.approx(FOLDS[0].metrics)


def test_parts_come_worst_first_and_a_part_with_both_labels_twice() -> None:
    parts = ["a", "b", "a", "c", "b", "a", "c"]
    defective = np.array([False, True, False, True, True, True, True])
    right = np.array([True, False, True, True, False, False, False])
    found = part_results(parts, defective, right)
    assert [(one.part, one.defective, one.rows, one.right) for one in found] == [
        ("b", True, (1, 4), 0),
        ("a", True, (5,), 0),
        ("c", True, (3, 6), 1),
        ("a", False, (0, 2), 2),
    ]
    assert [one.share_right for one in found] == [0, 0, 0.5, 1]


def test_parts_with_the_same_share_come_by_wrong_photos_then_by_name() -> None:
    parts = [*"ab", *"cccc", *"dddd", *"ee", "f"]
    right = np.array([False, True, *[False, True] * 2, *[True, False] * 2, False, True, True])
    found = part_results(parts, np.zeros(len(parts), dtype=bool), right)
    assert [(one.part, one.wrong) for one in found] == [
        ("a", 1),
        ("c", 2),
        ("d", 2),
        ("e", 1),
        ("b", 0),
        ("f", 0),
    ]
    faultless = part_results([*"bba"], np.zeros(3, dtype=bool), np.ones(3, dtype=bool))
    assert [one.part for one in faultless] == ["a", "b"]
