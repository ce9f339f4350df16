import json
import math
from dataclasses import replace

import numpy as np
import pytest
from evidence_makers import evidence_of, generated_evidence

from castproof.gate.calibrator import logit_of
from castproof.gate.choice import sides
from castproof.gate.choosing import bound_of, choose_gate
from castproof.gate.combine import Combine
from castproof.gate.evidence import Evidence
from castproof.gate.gate import Gate
from castproof.gate.outcome import cross_fitted, pass_through
from castproof.gate.policy import MANUAL, MAX_MACRO_F1, MIN_COST, POLICIES, Policy
from castproof.measure.decision import Thresholds, Verdict

NOISY = generated_evidence(8, apart=1.2, slope=0.5)


def policy_of(name: str, **values: object) -> Policy:
    at = Thresholds(0.3, 0.6) if name == MANUAL else None
    values = {"defect_rate": 0.2, **values} if name == MIN_COST else values
    return Policy(name, miss_rate=0.2, thresholds=at, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("calibration", ["none", "temperature", "platt", "isotonic"])
def test_calibration_changes_no_verdict(name: str, calibration: str) -> None:
    plain = pass_through(choose_gate(NOISY, policy_of(name), calibration="none"), NOISY)
    other = pass_through(choose_gate(NOISY, policy_of(name), calibration=calibration), NOISY)
    if name == MANUAL:
        return
    changed = other.accepted != plain.accepted
    assert not changed.any()
    assert (other.rejected == plain.rejected).all()


@pytest.mark.parametrize("name", POLICIES)
def test_a_stored_gate_gives_the_same_verdicts(name: str) -> None:
    gate = choose_gate(NOISY, policy_of(name, defect_rate=0.1))
    again = Gate.from_json(json.loads(json.dumps(gate.to_json())))
    assert again == gate
    p = np.linspace(0, 1, 1_001)
    assert [again.verdict(float(one)) for one in again.p(p)] == [
        gate.verdict(float(one)) for one in gate.p(p)
    ]


@pytest.mark.parametrize("combine", ["single", "any/2", "mean/2", "2/2"])
def test_verdicts_do_not_hang_on_the_order_of_photos_or_the_numbers_of_parts(combine: str) -> None:
    order = np.random.default_rng(1).permutation(len(NOISY))
    shuffled = Evidence(
        NOISY.defective[order], NOISY.logit[order], 500 - NOISY.part[order], NOISY.fold[order]
    )
    for name in (MAX_MACRO_F1, MIN_COST, "miss-rate"):
        policy = policy_of(name, combine=Combine.parse(combine))
        one, two = (choose_gate(evidence, policy, calibration="platt") for evidence in (NOISY, shuffled))
        assert two.thresholds.threshold == pytest.approx(one.thresholds.threshold, abs=1e-9)
        accepted = pass_through(one, NOISY).accepted[order]
        assert pass_through(two, shuffled).accepted.tolist() == accepted.tolist()


def test_the_promise_is_the_bound_of_what_passes() -> None:
    gate = choose_gate(NOISY, Policy(miss_rate=0.2))
    assert gate.promise is not None
    shares = pass_through(gate, NOISY).part_shares(defective=True)
    assert gate.promise.passed == pytest.approx(shares.accepted.mean())
    proven = bound_of(sides(NOISY, gate.policy), gate.policy, gate.calibrator, gate.thresholds)
    assert proven.at_most <= gate.promise.at_most == 0.2
    assert replace(proven, at_most=0.2) == gate.promise


def test_thresholds_that_were_tuned_on_the_evidence_promise_nothing() -> None:
    assert choose_gate(NOISY, policy_of(MAX_MACRO_F1)).promise is None
    assert choose_gate(NOISY, policy_of(MANUAL)).promise is not None


def test_a_network_alone_is_a_gate_with_one_threshold() -> None:
    gate = Gate.at(0.5)
    assert gate.p(np.array([0.2, 0.5])) == pytest.approx([0.2, 0.5], abs=1e-12)
    verdicts = [gate.verdict(float(gate.p(p))) for p in (0.4999, 0.5, 1.0, math.nan)]
    assert verdicts == [Verdict.ACCEPT, Verdict.REJECT, Verdict.REJECT, Verdict.NOT_INSPECTED]


def test_a_part_without_a_number_for_every_photo_is_not_inspected() -> None:
    gate = choose_gate(NOISY, policy_of("miss-rate", combine=Combine.parse("any/2")))
    assert gate.p_of_part(np.array([0.01, 0.9])) == pytest.approx(float(gate.p(0.9)))
    assert gate.verdict(gate.p_of_part(np.array([0.01, math.nan]))) is Verdict.NOT_INSPECTED


def test_review_lies_between_the_thresholds_and_shares_sum_to_one() -> None:
    gate = choose_gate(NOISY, policy_of("miss-rate", review_load=0.2, defect_rate=0.1))
    outcome = pass_through(gate, NOISY)
    assert gate.thresholds.reviews
    for row, p in enumerate(outcome.p):
        expected = gate.verdict(float(p))
        assert outcome.accepted[row] == (expected is Verdict.ACCEPT)
        assert outcome.rejected[row] == (expected is Verdict.REJECT)
    for kind in (False, True):
        shares = outcome.part_shares(defective=kind)
        assert shares.accepted + shares.reviewed + shares.rejected == pytest.approx(
            np.ones(len(shares.accepted))
        )


def test_every_fold_is_judged_by_a_gate_that_did_not_see_its_parts() -> None:
    apart = evidence_of([[0.5 + 0.1 * one] for one in range(20)], [[-3.0 - 0.1 * one] for one in range(20)])
    folds = np.where(np.isin(apart.logit, [0.5, -3.0]), 1, 2)
    evidence = Evidence(apart.defective, apart.logit, apart.part, folds)
    outcome = cross_fitted(evidence, Policy(MAX_MACRO_F1))
    assert set(outcome.gates) == {1, 2}
    assert outcome.gates[1] == choose_gate(evidence.rows(folds == 2), Policy(MAX_MACRO_F1))


def test_out_of_fold_every_fold_uses_the_bound_of_all_parts() -> None:
    evidence = generated_evidence(9, defective=80, apart=3.0)
    outcome = cross_fitted(evidence, Policy(miss_rate=0.04))
    assert len(outcome.gates) == 5
    assert all(gate.promise is None for gate in outcome.gates.values())
    assert outcome.p == pytest.approx(1 / (1 + np.exp(-evidence.logit)), abs=0.5)
    assert logit_of(outcome.p).shape == evidence.logit.shape
