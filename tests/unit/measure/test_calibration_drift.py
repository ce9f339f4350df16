"""Calibration in the large: an exact test over parts, against closed forms, an outside reference and simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, binomtest, poisson_binom

from castproof.errors import DataError
from castproof.measure.calibration_drift import CalibrationDrift, calibration_drift
from castproof.measure.drift import Measured, moved


def by_part(defective: list[bool], chances: list[float]) -> CalibrationDrift:
    """Return the drift of parts with one photo each."""
    return calibration_drift(np.array(defective), np.array(chances), np.arange(len(chances)))


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=25))
@settings(max_examples=80, deadline=None)
def test_the_tails_are_those_of_unequal_coins(parts: list[tuple[bool, float]]) -> None:
    found = by_part(*(list(column) for column in zip(*parts, strict=True)))
    coins = poisson_binom([chance for _, chance in parts])
    observed = sum(defective for defective, _ in parts)
    at_most, at_least = float(coins.cdf(observed)), float(coins.sf(observed - 1))
    assert (found.parts, found.defective_parts) == (len(parts), observed)
    assert found.expected == pytest.approx(sum(chance for _, chance in parts))
    assert found.p_value == pytest.approx(min(1, 2 * min(at_most, at_least)), abs=1e-9)
    assert found.moved == (found.p_value <= 0.05)


@pytest.mark.parametrize("observed", [0, 3, 9, 20])
def test_equal_chances_give_the_exact_binomial_test(observed: int) -> None:
    found = by_part([place < observed for place in range(20)], [0.3] * 20)
    tails = [binomtest(observed, 20, 0.3, side).pvalue for side in ("less", "greater")]
    assert found.p_value == pytest.approx(min(1, 2 * min(tails)))
    assert (found.low, found.high) == tuple(binom.ppf([0.025, 0.975], 20, 0.3))


def test_it_has_moved_exactly_where_the_number_is_outside_the_range() -> None:
    rng = np.random.default_rng(0)
    chances = rng.uniform(0, 1, 30)
    for observed in range(31):
        found = by_part([place < observed for place in range(30)], chances.tolist())
        assert found.moved == (not found.low <= observed <= found.high)


def photos(
    rng: np.random.Generator, parts: int, each: int, defective: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.int64]]:
    """Return photos that each show the label through noise, half of it the part's, with p right for every photo."""
    label = rng.random(parts) < defective
    part = np.repeat(np.arange(parts), each)
    signal = 2.0 * label[part] + rng.normal(size=parts)[part] * 0.7 + rng.normal(size=len(part)) * 0.71
    odds = defective / (1 - defective) * np.exp((2.0 * signal - 2.0) / (0.7**2 + 0.71**2))
    return label[part], odds / (1 + odds), part


def test_right_probabilities_raise_no_alarm_but_would_if_photos_counted_as_parts() -> None:
    rng, runs = np.random.default_rng(1), 300
    alarms = naive = 0
    for _ in range(runs):
        defective, p, part = photos(rng, 12, 10, 0.3)
        alarms += calibration_drift(defective, p, part).moved
        naive += calibration_drift(defective, p, np.arange(len(part))).moved
    assert alarms <= binom.ppf(0.999, runs, 0.05)
    assert naive > binom.ppf(0.999, runs, 0.05)


def test_probabilities_that_are_far_too_low_raise_an_alarm() -> None:
    rng = np.random.default_rng(2)
    defective, p, part = photos(rng, 40, 3, 0.5)
    found = calibration_drift(defective, p / 4, part)
    assert found.moved
    assert found.defective_parts > found.high > found.expected


def test_another_mix_moves_it_though_no_part_is_judged_otherwise() -> None:
    rng = np.random.default_rng(3)
    training, new = photos(rng, 200, 2, 0.1), photos(rng, 60, 2, 0.7)
    prior = (0.1 / 0.9) / (0.7 / 0.3)
    odds = prior * new[1] / (1 - new[1])
    judged_as_in_training = odds / (1 + odds)
    assert calibration_drift(new[0], judged_as_in_training, new[2]).moved
    of_each = [
        {
            "good": Measured(p[~label], part[~label]),
            "defective": Measured(p[label], part[label]),
        }
        for label, p, part in (training, (new[0], judged_as_in_training, new[2]))
    ]
    assert not any(one.moved for one in moved(*of_each))


def test_probabilities_that_are_none_are_refused() -> None:
    with pytest.raises(DataError, match="not probabilities"):
        by_part([True], [1.5])
