import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binomtest

from castproof.measure.mean_bounds import chance_below, exact_binomial, mean_bounds

SHARES = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=12).map(
    np.array
)


def alike(values: np.ndarray) -> np.ndarray:
    return np.ones(len(values))


@pytest.mark.parametrize("n", [1, 2, 14, 89])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_exact_binomial_is_that_of_scipy(n: int, confidence: float) -> None:
    for hits in range(n + 1):
        expected = binomtest(hits, n).proportion_ci(confidence, method="exact")
        assert exact_binomial(hits, n, confidence) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 5, 14, 89, 400])
@pytest.mark.parametrize("confidence", [0.6, 0.95, 0.999])
def test_values_that_are_all_or_none_give_the_exact_binomial_interval(n: int, confidence: float) -> None:
    for hits in {0, 1, n // 3, n - 1, n}:
        values = np.repeat([1.0, 0.0], [hits, n - hits])
        expected = exact_binomial(hits, n, confidence)
        found = mean_bounds(values, alike(values), 0.0, 1.0, confidence)
        assert found == pytest.approx(expected, abs=1e-9 if n < 100 else 2e-6)


@pytest.mark.parametrize("at", [0.001, 0.02, 0.3, 0.9, 0.999])
def test_chance_below_is_a_beta_distribution_for_all_or_none(at: float) -> None:
    for n in (3, 30, 2000):
        for hits in (0, 1, n // 3, n - 1):
            values = np.repeat([1.0, 0.0], [hits, n - hits])
            found = chance_below(at, values, alike(values), 1.0)
            assert found == pytest.approx(beta.cdf(at, hits + 1, n - hits), abs=2e-4)


def test_chance_below_is_that_of_random_weights() -> None:
    rng = np.random.default_rng(3)
    values, weights = rng.random(9) * (rng.random(9) < 0.6), rng.integers(1, 40, 9).astype(np.float64)
    unseen_weight = (weights**2).sum() / weights.sum()
    drawn = rng.exponential(size=(200_000, 10)) * np.append(weights, unseen_weight)
    means = drawn @ np.append(values, 1.0) / drawn.sum(axis=1)
    for at in np.quantile(means, [0.01, 0.2, 0.5, 0.9, 0.999]):
        assert chance_below(float(at), values, weights, 1.0) == pytest.approx((means < at).mean(), abs=0.005)


def test_seen_twice_is_each_value_two_times() -> None:
    values, weights = np.array([0.0, 0.2, 0.9]), np.array([1.0, 5.0, 2.0])
    twice = chance_below(0.6, np.tile(values, 2), np.tile(weights, 2), 1.0)
    assert chance_below(0.6, values, weights, 1.0, repeat=2) == pytest.approx(twice, abs=1e-9)
    assert chance_below(0.6, values, weights, 1.0) != pytest.approx(twice, abs=0.01)


def test_a_heavy_value_leaves_more_room_for_an_unseen_one() -> None:
    values = np.array([0.0, 0.0, 0.0, 0.1])
    _, high = mean_bounds(values, alike(values), 0.0, 1.0, 0.95)
    _, high_of_unequal = mean_bounds(values, np.array([1.0, 1.0, 20.0, 1.0]), 0.0, 1.0, 0.95)
    assert high_of_unequal > high


@settings(deadline=None, max_examples=50)
@given(SHARES, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_mean_lies_within_and_the_interval_within_the_limits(values, confidence) -> None:
    low, high = mean_bounds(values, alike(values), 0.0, 1.0, confidence)
    assert -1e-9 <= low <= high <= 1 + 1e-9
    if confidence >= 0.9:
        assert low - 1e-9 <= values.mean() <= high + 1e-9


@settings(deadline=None, max_examples=50)
@given(SHARES, st.integers(0, 11), st.floats(0, 1))
def test_a_larger_value_never_lowers_an_end(values, place, larger) -> None:
    raised = values.copy()
    raised[place % len(values)] = max(larger, raised[place % len(values)])
    before, after = (mean_bounds(one, alike(one), 0.0, 1.0, 0.95) for one in (values, raised))
    assert after[0] >= before[0] - 1e-7
    assert after[1] >= before[1] - 1e-7


@settings(deadline=None, max_examples=50)
@given(SHARES, st.floats(-5, 5), st.floats(0.1, 10))
def test_it_goes_with_the_unit_and_the_direction(values, shift, scale) -> None:
    low, high = mean_bounds(values, alike(values), 0.0, 1.0, 0.95)
    moved = mean_bounds(shift + scale * values, alike(values), shift, shift + scale, 0.95)
    assert moved == pytest.approx((shift + scale * low, shift + scale * high), abs=1e-6)
    turned = mean_bounds(1 - values, alike(values), 0.0, 1.0, 0.95)
    assert turned == pytest.approx((1 - high, 1 - low), abs=1e-9)


@settings(deadline=None, max_examples=50)
@given(SHARES)
def test_more_confidence_is_a_wider_interval(values) -> None:
    ends = [mean_bounds(values, alike(values), 0.0, 1.0, confidence) for confidence in (0.8, 0.95, 0.99)]
    assert ends[2][0] - 1e-9 <= ends[1][0] <= ends[0][0] + 1e-9
    assert ends[0][1] - 1e-9 <= ends[1][1] <= ends[2][1] + 1e-9
