import numpy as np
import pytest
from evidence_makers import evidence_of, generated_evidence
from scipy.special import logit as scipy_logit

from castproof.errors import DataError
from castproof.gate.calibrator import MOST_LOGIT, logit_of
from castproof.gate.combine import Combine
from castproof.gate.evidence import Evidence, inspections, share_out_folds


def test_logits_are_those_of_scipy_and_end_where_doubles_do() -> None:
    p = np.array([0.001, 0.25, 0.5, 0.9])
    assert logit_of(p) == pytest.approx(scipy_logit(p))
    assert logit_of(np.array([0.0, 1.0])).tolist() == [-MOST_LOGIT, MOST_LOGIT]
    assert np.isnan(logit_of(float("nan")))


def test_every_part_counts_alike_however_often_it_was_photographed() -> None:
    told = inspections(evidence_of([[1.0], [2.0] * 9], [[-1.0]]), Combine(), defective=True)
    assert told.share_below(np.array([1.0, 1.5, 2.5])).tolist() == pytest.approx([0.0, 0.5, 1.0])
    by_photo = told.photo_weighted()
    assert by_photo.share_below(np.array([1.0, 1.5, 2.5])).tolist() == pytest.approx([0.0, 0.1, 1.0])


def test_shares_below_are_those_counted_part_by_part() -> None:
    evidence = generated_evidence(3)
    told = inspections(evidence, Combine(), defective=True)
    cuts = np.quantile(evidence.logit, [0, 0.2, 0.5, 0.77, 1])
    numbers = np.unique(evidence.part[evidence.defective])
    expected = [
        np.mean([(evidence.logit[evidence.part == one] < cut).mean() for one in numbers]) for cut in cuts
    ]
    assert told.share_below(cuts) == pytest.approx(np.array(expected))
    per_part = told.per_part(told.logit < cuts[2])
    assert per_part.mean() == pytest.approx(expected[2])


def test_parts_with_too_few_photos_are_left_out_and_missed_when_none_is_left() -> None:
    evidence = evidence_of([[1.0, 2.0, 3.0], [4.0]], [[0.0], [0.5]])
    assert inspections(evidence, Combine.parse("2/3"), defective=True).parts == 1
    with pytest.raises(DataError, match="no good part"):
        inspections(evidence, Combine.parse("2/3"), defective=False)


def test_one_number_for_both_labels_of_a_part_is_refused() -> None:
    with pytest.raises(DataError, match="count as two parts"):
        Evidence(np.array([True, False]), np.zeros(2), np.array([4, 4]), np.ones(2, np.int64))
    with pytest.raises(DataError, match="finite"):
        Evidence(np.array([True, False]), np.array([np.nan, 0]), np.array([4, 5]), np.ones(2, np.int64))


def test_folds_keep_parts_whole_and_spread_both_kinds() -> None:
    evidence = generated_evidence(1, defective=23, good=11)
    fold = share_out_folds(evidence.defective, evidence.part, folds=5, seed=3)
    assert all(len(np.unique(fold[evidence.part == one])) == 1 for one in np.unique(evidence.part))
    for kind in (True, False):
        rows = evidence.defective == kind
        sizes = [len(np.unique(evidence.part[rows & (fold == one)])) for one in range(1, 6)]
        assert max(sizes) - min(sizes) <= 1


def test_a_part_weighs_as_the_square_root_of_its_photos() -> None:
    evidence = evidence_of([[1.0], [2.0] * 9], [[-1.0]])
    weight = evidence.weight
    assert weight.mean() == pytest.approx(1)
    assert weight[1:10].sum() / weight[0] == pytest.approx(3)
