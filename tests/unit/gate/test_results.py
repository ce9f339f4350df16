import json
from itertools import combinations

import numpy as np
import pytest
from evidence_makers import evidence_of, generated_evidence

from castproof.gate.choice import Cuts, sides
from castproof.gate.choosing import choose_gate
from castproof.gate.combine import Combine
from castproof.gate.outcome import pass_through
from castproof.gate.policy import MANUAL, MIN_COST, Costs, Policy
from castproof.gate.results import results
from castproof.gate.tradeoff import MOST_ROWS, promises, tradeoff
from castproof.measure.calibration import brier, ece, reliability
from castproof.measure.decision import Thresholds
from gate_costs import expected_cost

LARGE = generated_evidence(3, defective=80, good=40, photos=20)


def test_rates_are_counted_by_hand_with_every_part_alike() -> None:
    evidence = evidence_of([[-1.0, 2.0], [3.0]], [[-2.0], [0.0, 0.5, -3.0, -3.0], [2.0]])
    policy = Policy(MANUAL, thresholds=Thresholds(0.5, 0.6))
    gate = choose_gate(evidence, policy, calibration="none")
    found = results(pass_through(gate, evidence), policy, defect_rate=0.1)
    assert (found.defective.accepted.hits, found.defective.accepted.photos) == (1, 3)
    assert found.defective.accepted.share == pytest.approx(0.25)
    assert found.defective.rejected.share == pytest.approx(0.75)
    assert found.good.accepted.share == pytest.approx((1 + 0.5 + 0) / 3)
    assert found.good.reviewed.share == pytest.approx((0 + 0.25 + 0) / 3)
    assert found.review_load == pytest.approx(0.9 * 0.25 / 3)
    costs = policy.costs
    of_good = costs.review * 0.25 / 3 + costs.false_alarm * (0.25 + 1) / 3
    assert found.cost == pytest.approx(0.1 * costs.miss * 0.25 + 0.9 * of_good)


def test_calibration_is_that_of_all_photos_before_and_after() -> None:
    gate = choose_gate(LARGE, Policy(), calibration="temperature")
    outcome = pass_through(gate, LARGE)
    found = results(outcome, gate.policy, defect_rate=0.1)
    raw = 1 / (1 + np.exp(-LARGE.logit))
    assert found.before is not None
    assert found.before.ece == pytest.approx(ece(reliability(LARGE.defective, raw)))
    assert found.after.brier == pytest.approx(brier(LARGE.defective, outcome.p))
    parts = found.after.parts
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within_bins
    assert total == pytest.approx(found.after.brier)
    for rate, count in zip(found.after.intervals, found.after.bins.count, strict=True):
        assert (rate.photos if rate else 0) == count
        if rate is not None:
            assert rate.low <= rate.share <= rate.high


def test_without_a_calibration_there_is_no_before() -> None:
    gate = choose_gate(LARGE, Policy(), calibration="none")
    found = results(pass_through(gate, LARGE), gate.policy, defect_rate=None)
    assert (found.before, found.to_json()["before"]) == (None, None)
    raw = 1 / (1 + np.exp(-LARGE.logit))
    assert found.after.ece == pytest.approx(ece(reliability(LARGE.defective, raw)))


def test_the_cost_of_a_result_is_the_one_that_was_minimised() -> None:
    policy = Policy(MIN_COST, costs=Costs(50, 2, 1), defect_rate=0.05)
    gate = choose_gate(LARGE, policy, calibration="none")
    found = results(pass_through(gate, LARGE), policy, defect_rate=0.05)
    known = sides(LARGE, policy)
    cuts = Cuts(*np.log([gate.thresholds.threshold, gate.thresholds.reject_from]).tolist())
    at = [value - np.log1p(-np.exp(value)) for value in (cuts.accept, cuts.reject)]
    assert found.cost == pytest.approx(expected_cost(known, policy, Cuts(*at)), rel=1e-6)


def test_parts_judged_by_several_photos_have_shares_of_their_own() -> None:
    policy = Policy(miss_rate=0.2, combine=Combine.parse("any/2"))
    gate = choose_gate(LARGE, policy)
    outcome = pass_through(gate, LARGE)
    found = results(outcome, policy, defect_rate=0.1)
    assert found.by_part is not None
    passed = []
    for one in np.unique(LARGE.part[LARGE.defective]):
        accepted = outcome.accepted[LARGE.part == one].tolist()
        if len(accepted) > 1:
            pairs = list(combinations(accepted, 2))
            passed.append(sum(a and b for a, b in pairs) / len(pairs))
    told = found.by_part[1].accepted
    assert (told.parts, told.share) == (len(passed), pytest.approx(np.mean(passed)))
    assert told.low <= told.share <= told.high
    assert gate.promise is not None
    assert gate.promise.passed == pytest.approx(np.mean(passed))


def test_a_result_is_json() -> None:
    gate = choose_gate(LARGE, Policy(combine=Combine.parse("mean/2")))
    found = results(pass_through(gate, LARGE), gate.policy, defect_rate=0.1)
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["defective"]["accepted"]["photos"] == int(LARGE.defective.sum())
    assert sum(one["photos"] for one in told["after"]["reliability"]) == len(LARGE)


def test_other_thresholds_rise_in_what_they_miss_and_prove() -> None:
    policy = Policy()
    known = sides(LARGE, policy)
    rows = tradeoff(known, policy, choose_gate(LARGE, policy).calibrator)
    assert len(rows) <= MOST_ROWS
    for name in ("threshold", "missed", "bound", "good_passed"):
        values = [getattr(row, name) for row in rows]
        assert (np.diff(values) >= -1e-9).all(), name
    assert (rows[0].missed, rows[0].good_passed) == (0, 0)
    assert rows[-1].missed == rows[-1].good_passed == 1


def test_usual_promises_are_those_that_the_policy_itself_would_choose() -> None:
    policy = Policy(miss_rate=0.1)
    gate = choose_gate(LARGE, policy)
    found = dict(promises(sides(LARGE, policy), policy, gate.calibrator))
    assert found[0.1].threshold == pytest.approx(gate.thresholds.threshold)
    assert found[None].missed == 0
    assert 0.01 not in found
    assert all(row.bound <= rate for rate, row in found.items() if rate is not None)
