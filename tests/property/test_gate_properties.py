import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.errors import PromiseError
from castproof.gate.choice import Cuts, bound_below, choose_cuts, sample_of, sides
from castproof.gate.choosing import choose_gate
from castproof.gate.combine import Combine
from castproof.gate.evidence import Evidence
from castproof.gate.outcome import pass_through
from castproof.gate.policy import MIN_COST, MISS_RATE, Costs, Policy
from castproof.gate.risk import upper_bound
from castproof.measure.decision import Thresholds, Verdict, decide
from gate_costs import expected_cost

LOGIT = st.one_of(st.integers(-3, 3).map(float), st.floats(-36, 36))
PARTS = st.lists(st.lists(LOGIT, min_size=2, max_size=4), min_size=1, max_size=8)
COST = st.floats(0, 100)
RATE = st.floats(0.01, 0.99)
COMBINE = st.sampled_from(["single", "any/2", "mean/2", "1/2", "2/2"]).map(Combine.parse)


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    """Return photos of at least one good and one defective part, with many ties."""
    defective, good = draw(PARTS), draw(PARTS)
    parts = [*defective, *good]
    part = np.repeat(np.arange(len(parts)), [len(one) for one in parts])
    logit = np.concatenate([np.array(one) for one in parts])
    return Evidence(part < len(defective), logit, part, np.ones(len(part), np.int64))


@settings(deadline=None)
@given(evidence(), COMBINE, st.floats(-40, 40), st.floats(-40, 40))
def test_a_higher_cut_never_misses_less_nor_alarms_more(photos, combine, one, other) -> None:
    known = sides(photos, Policy(combine=combine))
    cuts = np.array(sorted((one, other)))
    missed, good_passed = known.defective.share_below(cuts), known.good.share_below(cuts)
    assert missed[0] <= missed[1]
    assert good_passed[0] <= good_passed[1]


@settings(deadline=None)
@given(evidence(), COST, COST, COST, RATE, COMBINE)
def test_the_cheapest_gate_costs_no_more_than_any_other(photos, miss, alarm, review, rate, combine) -> None:
    policy = Policy(MIN_COST, costs=Costs(miss, alarm, review), defect_rate=rate, combine=combine)
    known = sides(photos, policy)
    chosen = expected_cost(known, policy, choose_cuts(known, policy))
    ends = (-40.0, 40.0)
    others = [Cuts(ends[0], ends[0]), Cuts(ends[1], ends[1]), Cuts(*ends)]
    assert all(chosen <= expected_cost(known, policy, cuts) + 1e-9 for cuts in others)
    assert -1e-9 <= chosen <= max(miss, alarm, review) + 1e-9


@settings(deadline=None)
@given(evidence(), st.floats(0.3, 0.95), st.floats(0.5, 0.99), COMBINE)
def test_a_promise_is_kept_by_its_own_bound_or_refused_with_one_that_is_kept(
    photos, miss_rate, confidence, combine
) -> None:
    policy = Policy(MISS_RATE, miss_rate=miss_rate, confidence=confidence, combine=combine)
    known = sides(photos, policy)
    best = upper_bound(0.0, sample_of(known, policy), confidence)
    if best > miss_rate:
        with pytest.raises(PromiseError) as caught:
            choose_cuts(known, policy)
        assert caught.value.best == pytest.approx(best)
        return
    cut = choose_cuts(known, policy).accept
    assert bound_below(known, policy, known.defective.logit < cut) <= miss_rate + 1e-9


@settings(max_examples=50, deadline=None)
@given(evidence(), st.sampled_from(["none", "auto"]), st.floats(0, 1), st.floats(0, 1))
def test_counts_of_verdicts_are_those_of_the_single_verdicts(photos, calibration, one, other) -> None:
    low, high = sorted((one, other))
    policy = Policy("manual", thresholds=Thresholds(low, high))
    gate = choose_gate(photos, policy, calibration=calibration)
    outcome = pass_through(gate, photos)
    verdicts = [decide(float(p), gate.thresholds) for p in outcome.p]
    assert [one is Verdict.ACCEPT for one in verdicts] == outcome.accepted.tolist()
    assert [one is Verdict.REJECT for one in verdicts] == outcome.rejected.tolist()
    assert not (outcome.accepted & outcome.rejected).any()


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_probability_never_gets_a_milder_verdict(low, high, p) -> None:
    at = Thresholds(*sorted((low, high)))
    order = [Verdict.ACCEPT, Verdict.REVIEW, Verdict.REJECT]
    assert order.index(decide(min(p + 0.1, 1.0), at)) >= order.index(decide(p, at))
