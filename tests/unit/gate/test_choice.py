from itertools import combinations_with_replacement

import numpy as np
import pytest
from evidence_makers import evidence_of, generated_evidence

from castproof.errors import PromiseError
from castproof.gate.choice import END, Cuts, Sides, bound_below, choose_cuts, sample_of, sides
from castproof.gate.combine import Combine
from castproof.gate.policy import MAX_DEF_F1, MAX_MACRO_F1, MIN_COST, MISS_RATE, PER_PHOTO, Costs, Policy
from gate_costs import expected_cost

SMALL = generated_evidence(2, defective=12, good=8, photos=2, apart=0.8)


def f1(known: Sides, cut: float, *, macro: bool) -> float:
    """Return F1 of parts counted by hand."""
    at = np.array([cut])
    fn = float(known.defective.share_below(at)[0]) * known.defective.parts
    tn = float(known.good.share_below(at)[0]) * known.good.parts
    tp, fp = known.defective.parts - fn, known.good.parts - tn
    of_defective, of_good = 2 * tp / (2 * tp + fn + fp), 2 * tn / (2 * tn + fn + fp)
    return (of_defective + of_good) / 2 if macro else of_defective


@pytest.mark.parametrize(("name", "macro"), [(MAX_MACRO_F1, True), (MAX_DEF_F1, False)])
def test_no_cut_has_a_higher_f1(name: str, macro: bool) -> None:
    policy = Policy(name)
    known = sides(SMALL, policy)
    chosen = choose_cuts(known, policy)
    everywhere = np.concatenate([np.linspace(-6, 6, 2_001), SMALL.logit, SMALL.logit + 1e-9])
    assert (
        f1(known, chosen.accept, macro=macro) >= max(f1(known, cut, macro=macro) for cut in everywhere) - 1e-9
    )
    assert chosen.reject == chosen.accept


@pytest.mark.parametrize("costs", [Costs(10, 1, 0.5), Costs(100, 1, 5), Costs(1, 1, 9), Costs(5, 5, 0.01)])
@pytest.mark.parametrize("defect_rate", [0.02, 0.5])
def test_no_pair_of_cuts_is_cheaper(costs: Costs, defect_rate: float) -> None:
    policy = Policy(MIN_COST, costs=costs, defect_rate=defect_rate)
    known = sides(SMALL, policy)
    chosen = choose_cuts(known, policy)
    pairs = combinations_with_replacement(known.cuts.tolist(), 2)
    cheapest = min(expected_cost(known, policy, Cuts(*pair)) for pair in pairs)
    assert expected_cost(known, policy, chosen) == pytest.approx(cheapest)
    assert chosen.accept <= chosen.reject
    if costs.review > max(costs.miss, costs.false_alarm):
        assert chosen.accept == chosen.reject


@pytest.mark.parametrize("combine", ["single", "any/2", "mean/2", "2/2"])
def test_a_promise_holds_at_its_cut_and_not_above(combine: str) -> None:
    policy = Policy(MISS_RATE, miss_rate=0.15, confidence=0.9, combine=Combine.parse(combine))
    known = sides(generated_evidence(4), policy)
    cut = choose_cuts(known, policy).accept
    place = int(np.flatnonzero(known.cuts == cut)[0])
    bounds = [
        bound_below(known, policy, known.defective.logit < known.cuts[one]) for one in (place, place + 1)
    ]
    assert bounds[0] <= 0.15 < bounds[1]


def test_too_few_parts_are_told_with_what_it_takes_and_what_they_can_promise() -> None:
    evidence = generated_evidence(5, defective=30)
    with pytest.raises(PromiseError, match="30 defective parts") as caught:
        choose_cuts(sides(evidence, Policy()), Policy(miss_rate=0.01))
    assert caught.value.needed == 299
    assert caught.value.best == pytest.approx(1 - 0.05 ** (1 / 30))
    told = float(caught.value.fix.split("--miss-rate ")[1].split(")")[0])
    assert caught.value.best <= told < caught.value.best + 0.001
    assert choose_cuts(sides(evidence, Policy()), Policy(miss_rate=told)).accept > -END


def test_photos_of_one_large_part_count_for_little() -> None:
    evidence = evidence_of([[2.0]] * 50 + [[2.0] * 50], [[-2.0]] * 5)
    policy = Policy(per=PER_PHOTO)
    assert sample_of(sides(evidence, policy), policy).size == pytest.approx(2.0)
    with pytest.raises(PromiseError, match=r"count as 2\.0"):
        choose_cuts(sides(evidence, policy), policy)


def test_review_has_the_fewest_false_alarms_that_its_load_allows() -> None:
    for load in (0.0, 0.05, 0.2, 0.6):
        policy = Policy(miss_rate=0.12, defect_rate=0.1, review_load=load)
        known = sides(generated_evidence(6, apart=1.0), policy)
        cuts = choose_cuts(known, policy)
        options = [
            (1 - good, (1 - 0.1) * (good - at_accept) + 0.1 * (defective - missed))
            for good, defective in zip(known.passing_good, known.passing_defective, strict=True)
            for at_accept, missed in [
                (known.good.share_below(np.array([cuts.accept]))[0], _missed(known, cuts))
            ]
            if good >= at_accept
        ]
        affordable = [alarms for alarms, cost in options if -1e-9 <= cost <= load + 1e-9]
        alarms = 1 - float(known.good.share_below(np.array([cuts.reject]))[0])
        assert alarms == pytest.approx(min(affordable))


def _missed(known: Sides, cuts: Cuts) -> float:
    return float(known.defective.share_below(np.array([cuts.accept]))[0])


def test_a_limit_of_false_alarms_is_kept_by_review() -> None:
    policy = Policy(miss_rate=0.12, false_alarm_rate=0.05, defect_rate=0.1)
    known = sides(generated_evidence(6, apart=1.0), policy)
    cuts = choose_cuts(known, policy)
    below = known.cuts[np.flatnonzero(known.cuts == cuts.reject)[0] - 1]
    assert 1 - known.good.share_below(np.array([cuts.reject]))[0] <= 0.05 + 1e-9
    assert 1 - known.good.share_below(np.array([below]))[0] > 0.05


def test_limits_that_contradict_each_other_are_told_with_what_each_would_take() -> None:
    policy = Policy(miss_rate=0.12, false_alarm_rate=0.0, review_load=0.01, defect_rate=0.1)
    with pytest.raises(PromiseError, match="No REVIEW keeps both limits"):
        choose_cuts(sides(generated_evidence(6, apart=1.0), policy), policy)


def test_with_the_bound_of_more_parts_fewer_parts_choose_as_the_many_would() -> None:
    whole = generated_evidence(7, defective=80)
    some = whole.rows(whole.fold != 1)
    policy = Policy(miss_rate=0.04)
    with pytest.raises(PromiseError):
        choose_cuts(sides(some, policy), policy)
    sample = sample_of(sides(whole, policy), policy)
    assert choose_cuts(sides(some, policy), policy, sample=sample).accept > -END
