"""Drift between two sets of parts: exact p-values, honest about few parts and about many photos of one."""

from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, mood, permutation_test, rankdata

from castproof.errors import DataError
from castproof.measure.drift import Measured, Moved, moved, part_means

Floats = NDArray[np.float64]


def each(values: Any) -> Measured:
    """Return one photo of each part."""
    return Measured(np.asarray(values, np.float64), np.arange(len(values)))


def photographed(levels: Floats, photos: int, noise: float, rng: np.random.Generator) -> Measured:
    """Return several photos of each part, which differ by `noise`."""
    part = np.repeat(np.arange(len(levels)), photos)
    return Measured(levels[part] + rng.normal(0, noise, len(part)), part)


def one(before: Any, now: Any, **options: Any) -> Moved:
    return moved({"light": each(before)}, {"light": each(now)}, **options)[0]


def alarm(before: dict[str, Measured], now: dict[str, Measured], seed: int) -> bool:
    return any(found.moved for found in moved(before, now, seed=seed))


def at_most(share: float, runs: int) -> int:
    """Return a count that `runs` runs with this share exceed once in a thousand times."""
    return int(binom.ppf(0.999, runs, share))


def test_part_means_take_each_part_once_in_the_order_of_their_numbers() -> None:
    found = part_means(np.array([1.0, 10.0, 3.0, 20.0, 7.0]), np.array([9, 2, 9, 2, 4]))
    assert found.tolist() == [15.0, 7.0, 2.0]


@pytest.mark.parametrize("seed", range(4))
def test_the_p_value_is_that_of_all_arrangements(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, now = rng.normal(0, 1, 8), rng.normal(1, 2, 4)

    def statistic(new: Floats, old: Floats) -> float:
        pooled = rankdata(np.concatenate([new, old]))
        n, k = len(pooled), len(new)
        z = (pooled[:k].sum() - k * (n + 1) / 2) / np.sqrt(k * (n - k) * (n + 1) / 12)
        return float(z**2 + mood(new, old).statistic ** 2)

    reference = permutation_test((now, before), statistic, n_resamples=np.inf, alternative="greater")
    assert one(before, now).p_value == pytest.approx(reference.pvalue)


@given(st.lists(st.integers(0, 5), min_size=7, max_size=7))
@settings(max_examples=15, deadline=None)
def test_no_p_value_is_reached_more_often_than_it_says(values: list[int]) -> None:
    choices = list(combinations(range(7), 2))
    p_values = [
        one([values[k] for k in range(7) if k not in new], [values[k] for k in new]).p_value
        for new in choices
    ]
    for p_value in p_values:
        assert np.mean(np.array(p_values) <= p_value) <= p_value + 1e-12


@pytest.mark.parametrize(("m", "n"), [(40, 4), (12, 30)])
def test_random_arrangements_agree_with_theory(m: int, n: int) -> None:
    rng = np.random.default_rng(0)
    p_values = [one(rng.normal(size=m), rng.normal(size=n), seed=seed).p_value for seed in range(60)]
    assert all(p_value >= 1 / 10_001 for p_value in p_values)
    for level in (0.1, 0.5):
        few, many = binom.ppf([0.001, 0.999], len(p_values), level)
        assert few <= np.sum(np.array(p_values) <= level) <= many


def test_several_numbers_together_give_a_false_alarm_as_seldom_as_one() -> None:
    rng, runs = np.random.default_rng(1), 150
    names = [f"number {k}" for k in range(6)]

    def draw(parts: int) -> dict[str, Measured]:
        common = rng.normal(size=parts)
        return {name: each(np.exp(common + rng.normal(size=parts))) for name in names}

    alarms = sum(alarm(draw(20), draw(3), seed) for seed in range(runs))
    assert alarms <= at_most(0.05, runs)


@pytest.mark.parametrize(("before_photos", "now_photos"), [(20, 1), (1, 20)])
def test_more_photos_of_each_part_in_one_set_are_no_change(before_photos: int, now_photos: int) -> None:
    rng, runs = np.random.default_rng(2), 30
    alarms = naive = 0
    for seed in range(runs):
        before = photographed(rng.normal(size=40), before_photos, 4.0, rng)
        now = photographed(rng.normal(size=12), now_photos, 4.0, rng)
        alarms += alarm({"light": before}, {"light": now}, seed)
        naive += one(*(part_means(photos.values, photos.part) for photos in (before, now)), seed=seed).moved
    assert alarms <= at_most(0.05, runs)
    assert naive > at_most(0.05, runs)


def test_photos_of_one_part_are_one_piece_of_evidence() -> None:
    rng, runs = np.random.default_rng(3), 30
    naive = alarms = 0
    for seed in range(runs):
        before, now = (photographed(rng.normal(size=parts), 8, 0.1, rng) for parts in (15, 3))
        alarms += alarm({"light": before}, {"light": now}, seed)
        naive += one(before.values, now.values, seed=seed).moved
    assert alarms <= at_most(0.05, runs)
    assert naive > at_most(0.05, runs)


@pytest.mark.parametrize("parts", [3, 8])
def test_the_noticeable_shift_is_noticed_in_four_of_five_cases(parts: int) -> None:
    rng, runs = np.random.default_rng(4), 100
    shift = one(rng.normal(size=50), rng.normal(size=parts)).noticeable
    found = [one(rng.normal(size=50), rng.normal(shift, 1, parts), seed=seed) for seed in range(runs)]
    few, many = binom.ppf([0.001, 0.999], runs, 0.8)
    assert few <= sum(result.moved for result in found) <= many


def test_light_that_varies_more_is_noticed_at_the_same_mean() -> None:
    rng, runs = np.random.default_rng(5), 30
    found = [one(rng.normal(100, 1, 80), rng.normal(100, 4, 10), seed=seed) for seed in range(runs)]
    assert sum(result.moved for result in found) >= runs * 0.8
    assert np.mean([result.in_what == "spread" for result in found]) > 0.7
    assert np.median([result.spread or 0 for result in found]) == pytest.approx(4, rel=0.15)


@pytest.mark.parametrize("m", [30, 38, 39, 60])
def test_one_new_part_can_tell_only_beside_enough_training_parts(m: int) -> None:
    found = one(np.arange(m), [1e9])
    assert found.p_value == pytest.approx(2 / (m + 1))
    assert found.can_tell == found.moved == (2 / (m + 1) <= 0.05)
    assert np.isfinite(found.noticeable) == found.can_tell


def test_what_is_told_of_a_change() -> None:
    old, new = np.arange(20.0), np.array([103.0, 105.0, 110.0])
    found = one(old, new)
    assert (found.before, found.now) == (9.5, 106)
    assert found.shift == pytest.approx(96.5 / old.std(ddof=1))
    assert found.spread == pytest.approx(new.std(ddof=1) / old.std(ddof=1))
    assert (found.in_what, found.parts_before, found.parts_now) == ("level", 20, 3)
    assert found.p_value == pytest.approx(2 / comb(23, 3)), "all above or all below"


def test_means_are_told_over_all_photos_of_a_part() -> None:
    before = Measured(np.array([1.0, 3.0, 5.0, 5.0]), np.array([0, 0, 1, 2]))
    found = moved({"light": before}, {"light": each([2, 9])})[0]
    assert (found.before, found.now) == (4, 5.5)


def test_training_parts_that_are_all_alike_have_no_shift_but_a_p_value() -> None:
    alike, changed = one([0.0] * 50, [0.0] * 3), one([0.0] * 50, [0.1] * 3)
    assert (alike.p_value, alike.moved) == (1, False)
    assert changed.moved
    assert changed.shift is None
    assert changed.spread is None


@given(st.integers(0, 2**32), st.sampled_from([np.exp, np.negative, lambda x: x**3, lambda x: 5 * x + 2]))
@settings(max_examples=20, deadline=None)
def test_neither_unit_nor_scale_nor_the_order_of_photos_matters(seed: int, change: Any) -> None:
    rng = np.random.default_rng(seed)
    before, now = rng.normal(size=30), rng.normal(0.5, 2, 5)
    plain = one(before, now)
    order = rng.permutation(30)
    shuffled = Measured(change(before)[order], np.arange(30)[order])
    other = moved({"light": shuffled}, {"light": each(change(now))})[0]
    assert (other.p_value, other.moved, other.noticeable) == (plain.p_value, plain.moved, plain.noticeable)


@given(st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_what_has_moved_follows_holms_rule(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shifts = rng.uniform(0, 3, 5)
    before = {f"{k}": each(rng.normal(size=30)) for k in range(5)}
    now = {f"{k}": each(rng.normal(shifts[k], 1, 5)) for k in range(5)}
    still = {"still": each(np.ones(30))}, {"still": each(np.ones(5))}
    found = moved({**still[0], **before}, {**still[1], **now})
    assert [result.name for result in found] == ["still", *before]
    p_values = np.array([result.p_value for result in found[1:]])
    order = np.argsort(p_values, kind="stable")
    adjusted = np.maximum.accumulate(p_values[order] * np.arange(5, 0, -1))
    expected = np.zeros(5, np.bool_)
    expected[order] = adjusted <= 0.05
    assert [result.moved for result in found] == [False, *expected]


def test_numbers_of_different_photos_are_compared_each_with_its_own_parts() -> None:
    good, bad = (each(np.linspace(low, low + 0.1, 30)) for low in (0, 0.9))
    found = moved({"good": good, "bad": bad}, {"good": each([0.05, 0.06]), "bad": each([0.4, 0.5, 0.6])})
    assert [(result.name, result.parts_now, result.moved) for result in found] == [
        ("good", 2, False),
        ("bad", 3, True),
    ]
    assert found[0].noticeable > found[1].noticeable


def test_the_same_seed_gives_the_same() -> None:
    rng = np.random.default_rng(6)
    before = {"light": photographed(rng.normal(size=40), 9, 1.0, rng)}
    now = {"light": photographed(rng.normal(size=6), 3, 1.0, rng)}
    assert moved(before, now, seed=7) == moved(before, now, seed=7)
    assert moved(before, now, seed=7) != moved(before, now, seed=8)


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ({"light": each([1, 2])}, {"dark": each([1])}, "Only one set has dark, light"),
        ({"light": Measured(np.ones(4), np.zeros(4, np.int64))}, {"light": each([1])}, "Found 1 and 1"),
        ({"light": each([1, 2])}, {"light": each([])}, "Found 2 and 0"),
        ({"light": each([1, np.inf])}, {"light": each([1])}, "Some of light are not"),
        ({"light": each([1, 2])}, {"light": each([np.nan])}, "Some of light are not"),
    ],
)
def test_sets_that_cannot_be_compared_are_refused(
    before: dict[str, Measured], now: dict[str, Measured], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        moved(before, now)
