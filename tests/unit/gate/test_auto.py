import numpy as np
import pytest
from evidence_makers import evidence_of, generated_evidence
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student_t

from castproof.gate.auto import PRIOR_PARTS, auto_cuts, expected_below
from castproof.gate.choice import choose_cuts, sides
from castproof.gate.choosing import LEVELS, choose_gate
from castproof.gate.combine import Combine
from castproof.gate.evidence import Evidence
from castproof.gate.outcome import pass_through
from castproof.gate.policy import AUTO_GATE, Costs, Policy

AUTO = Policy(AUTO_GATE)


def cuts_of(evidence: Evidence, policy: Policy = AUTO) -> tuple[float, float]:
    chosen = choose_cuts(sides(evidence, policy), policy)
    return chosen.accept, chosen.reject


def shifted(evidence: Evidence, slope: float, offset: float) -> Evidence:
    return Evidence(evidence.defective, slope * evidence.logit + offset, evidence.part, evidence.fold)


def test_of_single_photos_it_expects_what_was_seen_and_sixty_parts_of_students_t() -> None:
    values = np.array([-1.0, 0.5, 0.7, 2.0, 3.3])
    known = sides(evidence_of([[9.0]], [[value] for value in values]), AUTO).good
    at = np.array([-2.0, 0.6, 5.0])
    predicted = student_t.cdf((at - values.mean()) / (values.std(ddof=1) * np.sqrt(1 + 1 / 5)), 4)
    expected = (5 * np.array([0, 0.4, 1]) + PRIOR_PARTS * predicted) / (5 + PRIOR_PARTS)
    assert expected_below(known, at) == pytest.approx(expected)


def test_photos_of_one_part_add_their_spread_but_no_parts() -> None:
    parts = [[0.0, 2.0], [1.0, 3.0], [5.0, 5.0, 8.0]]
    known = sides(evidence_of([[9.0]], parts), AUTO).good
    mean = np.array([np.mean(part) for part in parts])
    within = np.mean([np.var(part, ddof=1) for part in parts])
    spread = np.sqrt(mean.var(ddof=1) * (1 + 1 / 3) + within)
    predicted = student_t.cdf((1.5 - mean.mean()) / spread, 2)
    assert expected_below(known, np.array([1.5])) == pytest.approx(
        (1 + PRIOR_PARTS * predicted) / (3 + PRIOR_PARTS)
    )


def test_no_pair_of_cuts_is_expected_to_cost_less() -> None:
    known = sides(generated_evidence(3, apart=1.0), AUTO)
    costs = Costs(10, 1, 0.5)

    def cost(cuts: np.ndarray) -> np.ndarray:
        good, defective = expected_below(known.good, cuts), expected_below(known.defective, cuts)
        accept = costs.miss * defective - costs.review * (good + defective)
        reject = costs.review * (good + defective) + costs.false_alarm * (1 - good)
        return np.where(np.tri(len(cuts), dtype=bool), accept[None, :] + reject[:, None], np.inf)

    found = cost(np.array(auto_cuts(known.good, known.defective, costs)))[1, 0]
    assert found <= cost(np.linspace(-9, 9, 801)).min() + 1e-6


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 50), st.floats(0.3, 3.0), st.floats(-5, 5))
def test_cuts_move_with_the_logits(seed: int, slope: float, offset: float) -> None:
    evidence = generated_evidence(seed)
    expected = np.array(cuts_of(evidence)) * slope + offset
    assert cuts_of(shifted(evidence, slope, offset)) == pytest.approx(expected, abs=1e-6 + 0.002 * slope)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 50), st.sampled_from(["single", "any/2", "mean/2", "2/2"]))
def test_cuts_do_not_hang_on_the_order_of_photos(seed: int, rule: str) -> None:
    evidence = generated_evidence(seed)
    policy = Policy(AUTO_GATE, combine=Combine.parse(rule))
    order = np.random.default_rng(seed).permutation(len(evidence))
    assert cuts_of(evidence.rows(order), policy) == pytest.approx(cuts_of(evidence, policy), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 50), st.floats(1.1, 20))
def test_a_dearer_miss_never_lets_more_pass(seed: int, factor: float) -> None:
    evidence = generated_evidence(seed, apart=1.0)
    dearer = Policy(AUTO_GATE, costs=Costs(10 * factor, 1, 0.5))
    assert cuts_of(evidence, dearer)[0] <= cuts_of(evidence)[0]


def test_with_more_parts_alike_less_is_left_to_a_person() -> None:
    widths = []
    for copies in (1, 4, 16):
        draw = np.random.default_rng(1)
        defective = [[3 + one] for one in np.tile(draw.normal(0, 1, 6), copies)]
        good = [[-3 + one] for one in np.tile(draw.normal(0, 1, 6), copies)]
        accept, reject = cuts_of(evidence_of(defective, good))
        widths.append(reject - accept)
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > widths[-1]


@pytest.mark.parametrize(
    ("good", "defective"), [([[-3.0, -2.0]], [[1.0], [4.0]]), ([[-3.0, 2.0]], [[1.0], [4.0]])]
)
def test_with_too_few_parts_all_between_the_kinds_is_for_a_person(
    good: list[list[float]], defective: list[list[float]]
) -> None:
    evidence = evidence_of(defective, good)
    accept, reject = cuts_of(evidence)
    assert accept == min(1.0, max(good[0]))
    assert reject == pytest.approx(max(1.0, max(good[0])))
    gate = choose_gate(evidence, AUTO)
    outcome = pass_through(gate, evidence)
    assert not (outcome.accepted & evidence.defective).any()
    assert not (outcome.rejected & ~evidence.defective).any()


def test_its_promise_is_the_smallest_level_that_a_tenth_of_the_risk_proves() -> None:
    evidence = generated_evidence(4, defective=120, apart=3.0)
    gate = choose_gate(evidence, AUTO)
    assert gate.promise is not None
    assert gate.promise.at_most in LEVELS
    single = evidence_of([[4.0 + 0.01 * one] for one in range(120)], [[-4.0 - one] for one in range(5)])
    told = choose_gate(single, AUTO).promise
    assert told is not None
    assert told.at_most == next(one for one in LEVELS if one >= 1 - 0.005 ** (1 / 120))


def test_too_few_parts_promise_nothing() -> None:
    assert choose_gate(evidence_of([[4.0], [5.0], [6.0]], [[-4.0], [-5.0], [-6.0]]), AUTO).promise is None
