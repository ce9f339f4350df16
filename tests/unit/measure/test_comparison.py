import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import brier_score_loss, f1_score, log_loss

from castproof.errors import DataError, SettingError
from castproof.measure.comparison import COMPARED, Difference, compare, sentence
from castproof.measure.mean_bounds import chance_below, exact_binomial
from castproof.measure.paired_figures import Judgement, paired_figures


def judged(p_defective: np.ndarray) -> Judgement:
    return Judgement(p_defective, p_defective >= 0.5)


def called(flags: np.ndarray) -> Judgement:
    return judged(np.where(flags, 0.9, 0.1))


def by_name(
    defective: np.ndarray, part: np.ndarray, a: Judgement, b: Judgement, **costs: float
) -> dict[str, Difference]:
    found = compare(defective, part, a, b, **{"cost_fn": 10.0, "cost_fp": 1.0, **costs})
    return {one.name: one for one in found}


def random_photos(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    part = np.repeat(np.arange(24), rng.integers(1, 9, 24))
    return part % 3 > 0, part, rng.random(len(part)), rng.random(len(part))


def all_or_none(
    only_a: int, only_b: int, neither: int
) -> tuple[np.ndarray, np.ndarray, Judgement, Judgement]:
    """Return defective parts of 3 photos: missed wholly by A alone, by B alone, and by neither."""
    parts = np.repeat([0, 1, 2], [only_a, only_b, neither])
    kind = np.repeat(parts, 3)
    return (
        np.ones(len(kind), dtype=bool),
        np.repeat(np.arange(len(parts)), 3),
        called(kind != 0),
        called(kind != 1),
    )


def test_figures_are_means_of_parts_and_differences_are_b_minus_a() -> None:
    defective = np.array([True, True, True, True, False, False])
    part = np.array([7, 7, 7, 8, 9, 9])
    a = judged(np.array([0.2, 0.9, 0.9, 0.9, 0.7, 0.1]))
    b = judged(np.array([0.9, 0.9, 0.9, 0.3, 0.1, 0.1]))
    found = by_name(defective, part, a, b)
    expected = {
        "missed_defects": ((1 / 3 + 0) / 2, (0 + 1) / 2, 2),
        "good_not_passed": (1 / 2, 0, 1),
        "wrong_verdicts": ((1 / 3 + 0 + 1 / 2) / 3, (0 + 1 + 0) / 3, 3),
        "expected_cost": ((10 / 3 + 0 + 1 / 2) / 3, (0 + 10 + 0) / 3, 3),
    }
    for name, (of_a, of_b, parts) in expected.items():
        one = found[name]
        assert (one.a, one.b, one.parts) == pytest.approx((of_a, of_b, parts)), name
        assert one.difference == pytest.approx(of_b - of_a), name


def test_figures_of_all_photos_are_those_of_scikit_learn() -> None:
    defective, part, p_a, p_b = random_photos(1)
    found = by_name(defective, part, judged(p_a), judged(p_b))
    assert found["macro_f1"].a == pytest.approx(f1_score(defective, p_a >= 0.5, average="macro"))
    assert found["macro_f1"].b == pytest.approx(f1_score(defective, p_b >= 0.5, average="macro"))
    single = np.arange(len(part))
    found = by_name(defective, single, judged(p_a), judged(p_b))
    assert found["brier"].a == pytest.approx(brier_score_loss(defective, p_a))
    assert found["log_loss"].b == pytest.approx(log_loss(defective, p_b))


def test_pseudo_values_of_macro_f1_are_how_it_grows_with_a_part() -> None:
    defective, part, p_a, p_b = random_photos(2)
    figure = paired_figures(defective, part, judged(p_a), judged(p_b), 1, 1)["macro_f1"]
    assert figure.by_part.mean() == pytest.approx(figure.b - figure.a)
    step = 1e-6
    for place in (0, 5, 23):
        weights = np.where(part == place, 1 + step, 1.0)
        of_a, of_b = (
            f1_score(defective, p >= 0.5, average="macro", sample_weight=weights) for p in (p_a, p_b)
        )
        growth = (of_b - of_a - (figure.b - figure.a)) / step
        assert figure.by_part[place] == pytest.approx(figure.b - figure.a + 24 * growth, abs=1e-5)


@pytest.mark.parametrize(
    ("only_a", "only_b"), [(5, 0), (6, 0), (0, 6), (8, 1), (9, 1), (12, 3), (12, 4), (3, 14), (1, 1)]
)
def test_parts_that_are_all_or_none_are_judged_by_mcnemars_exact_test(only_a: int, only_b: int) -> None:
    photos = all_or_none(only_a, only_b, 40)
    one = by_name(*photos)["missed_defects"]
    test = binomtest(only_b, only_a + only_b)
    assert (one.conclusion != "inconclusive") == (test.pvalue <= 0.05)
    if one.conclusion != "inconclusive":
        assert one.conclusion == ("better" if only_a > only_b else "worse")
    by_part = paired_figures(*photos, 1, 1)["missed_defects"].by_part
    less = binomtest(only_b, only_a + only_b, alternative="less").pvalue
    assert 1 - chance_below(0.0, by_part, np.ones(len(by_part)), 1.0) == pytest.approx(less, abs=1e-9)


@pytest.mark.parametrize("name", ["missed_defects", "good_not_passed", "wrong_verdicts", "expected_cost"])
def test_a_model_without_errors_is_better_in_the_right_direction(name: str) -> None:
    defective = np.repeat([True, False], 60)
    part = np.arange(120)
    perfect, poor = called(defective), called(defective ^ (part % 3 == 0))
    for a, b, conclusion in ((poor, perfect, "better"), (perfect, poor, "worse")):
        found = by_name(defective, part, a, b)
        assert {one.conclusion for one in found.values()} == {conclusion}
        one = found[name]
        assert (one.high < 0) if conclusion == "better" else (one.low > 0)
        assert one.more_parts is None
        assert (found["macro_f1"].difference > 0) == (conclusion == "better")


def test_no_difference_is_never_equality() -> None:
    defective, part, p, _ = random_photos(3)
    for one in by_name(defective, part, judged(p), judged(p)).values():
        assert one.difference == 0
        assert one.low < 0 < one.high
        assert one.conclusion == "inconclusive"
        assert one.more_parts is None
    missed = by_name(defective, part, judged(p), judged(p))["missed_defects"]
    assert (missed.low, missed.high) == pytest.approx(
        (-exact_binomial(0, 16, 0.95)[1], exact_binomial(0, 16, 0.95)[1])
    )


def test_as_many_more_parts_as_told_do_tell() -> None:
    one = by_name(*all_or_none(3, 0, 37))["missed_defects"]
    assert one.conclusion == "inconclusive"
    differing = math.log2(1 / 0.025)  # parts that differ, all one way: 1 - 2^-k reaches 0.975
    assert one.more_parts == math.ceil(40 * differing / 3) - 40
    assert by_name(*all_or_none(6, 0, 74))["missed_defects"].conclusion == "better"


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_changing_places_turns_the_difference_round(seed) -> None:
    defective, part, p_a, p_b = random_photos(seed)
    there, back = (
        by_name(defective, part, judged(p_a), judged(p_b)),
        by_name(defective, part, judged(p_b), judged(p_a)),
    )
    turned = {"better": "worse", "worse": "better", "inconclusive": "inconclusive"}
    for name, one in there.items():
        other = back[name]
        assert (other.low, other.high) == pytest.approx((-one.high, -one.low), abs=1e-9)
        assert other.conclusion == turned[one.conclusion]
        assert other.more_parts == one.more_parts
        assert one.low <= one.difference <= one.high


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_order_and_names_of_parts_do_not_matter(seed, random) -> None:
    defective, part, p_a, p_b = random_photos(seed)
    order = np.array(random.sample(range(len(part)), len(part)))
    before = by_name(defective, part, judged(p_a), judged(p_b))
    after = by_name(defective[order], 500 - 3 * part[order], judged(p_a[order]), judged(p_b[order]))
    for name, one in before.items():
        assert (after[name].low, after[name].high) == pytest.approx((one.low, one.high), abs=1e-7)


def test_good_and_defective_photos_of_one_number_are_two_parts() -> None:
    defective = np.array([True, True, False, False])
    a, b = called(np.array([True, False, False, True])), called(defective)
    shared, apart = (
        by_name(defective, part, a, b) for part in (np.array([1, 1, 1, 1]), np.array([1, 1, 2, 2]))
    )
    assert shared == apart
    assert shared["wrong_verdicts"].parts == 2


@pytest.mark.parametrize("present", [True, False])
def test_one_kind_alone_leaves_out_what_it_does_not_define(present: bool) -> None:
    found = by_name(np.full(4, present), np.arange(4), called(np.full(4, True)), called(np.full(4, False)))
    absent = {"macro_f1", "good_not_passed" if present else "missed_defects"}
    assert set(found) == {one.name for one in COMPARED} - absent


def test_costs_of_nothing_are_not_compared() -> None:
    defective, part, p_a, p_b = random_photos(4)
    assert "expected_cost" not in by_name(defective, part, judged(p_a), judged(p_b), cost_fn=0, cost_fp=0)


@pytest.mark.parametrize("cost", [-1.0, float("nan"), float("inf")])
def test_costs_must_be_numbers_of_zero_or_more(cost: float) -> None:
    defective, part, p_a, p_b = random_photos(4)
    for name in ("cost_fn", "cost_fp"):
        with pytest.raises(SettingError, match="zero or more"):
            by_name(defective, part, judged(p_a), judged(p_b), **{name: cost})


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    defective, part, p_a, p_b = random_photos(5)
    a, b = judged(p_a), judged(p_b)
    with pytest.raises(DataError, match="verdicts of B"):
        by_name(defective, part, a, Judgement(p_b, b.called[:-1]))
    with pytest.raises(DataError, match="parts"):
        by_name(defective, part[:-1], a, b)
    with pytest.raises(DataError, match="not probabilities"):
        by_name(defective, part, a, Judgement(p_b * 3, b.called))


def test_sentences_tell_what_the_numbers_tell() -> None:
    one = Difference("missed_defects", 0.03, 0.018, -0.012, -0.024, -0.003, 0.95, "better", 89, None)
    assert sentence(one, "old", "new") == (
        "new misses fewer defects, by 1.2 percentage points (95% interval 0.3 to 2.4), over 89 defective parts."
    )
    one = Difference("good_not_passed", 0.03, 0.05, 0.02, -0.01, 0.05, 0.9, "inconclusive", 1, 1140)
    assert sentence(one, "old", "new") == (
        "Cannot tell whether old or new passes more good photos: new minus old is +2.0 percentage points "
        "(90% interval -1.0 to +5.0), over 1 good part; "
        "about 1,140 more good parts would be conclusive, if the difference stays as it is."
    )
    one = Difference("macro_f1", 0.99, 0.98, -0.01, -0.02, -0.0012, 0.95, "worse", 103, None)
    assert sentence(one, "old", "new") == (
        "new has the lower macro-F1, by 0.0100 (95% interval 0.0012 to 0.0200), over 103 parts."
    )


def test_every_figure_has_its_sentence() -> None:
    defective, part, p_a, p_b = random_photos(6)
    for one in by_name(defective, part, judged(p_a), judged(p_b)).values():
        told = sentence(one, "A", "B")
        assert re.search(rf"over {one.parts} (good |defective )?parts", told)
        assert ("Cannot tell" in told) == (one.conclusion == "inconclusive")
