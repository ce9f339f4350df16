import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from castproof.gate.risk import (
    EXACT,
    SHARES,
    WEIGHTED,
    Sample,
    bound_by_betting,
    p_value,
    proves_by_betting,
    size_needed,
    upper_bound,
)


@pytest.mark.parametrize("kind", [EXACT, SHARES, WEIGHTED])
@pytest.mark.parametrize("parts", [1, 14, 89, 2_000])
def test_without_a_loss_every_bound_is_the_closed_form(kind: str, parts: int) -> None:
    assert upper_bound(0.0, Sample(parts, kind), 0.95) == pytest.approx(1 - 0.05 ** (1 / parts), abs=1e-12)


@pytest.mark.parametrize(("passed", "parts"), [(1, 10), (3, 89), (40, 89), (89, 89)])
def test_where_parts_pass_or_not_it_is_the_bound_of_clopper_and_pearson(passed: int, parts: int) -> None:
    expected = 1.0 if passed == parts else beta.ppf(0.95, passed + 1, parts - passed)
    assert upper_bound(passed / parts, Sample(parts, EXACT), 0.95) == pytest.approx(expected, abs=1e-9)


def test_shares_follow_hoeffding_and_bentkus() -> None:
    parts, loss, alpha = 50, 0.013, 0.1
    divergence = loss * math.log(loss / alpha) + (1 - loss) * math.log((1 - loss) / (1 - alpha))
    hoeffding, bentkus = math.exp(-parts * divergence), math.e * binom.cdf(1, parts, alpha)
    assert float(p_value(loss, Sample(parts, SHARES), alpha)) == pytest.approx(min(hoeffding, bentkus))
    assert float(p_value(loss, Sample(parts, WEIGHTED), alpha)) == pytest.approx(hoeffding)


@pytest.mark.parametrize("kind", [EXACT, SHARES, WEIGHTED])
def test_the_bound_rises_with_the_loss_and_falls_with_the_parts(kind: str) -> None:
    losses = np.linspace(0, 1, 21)
    bounds = [upper_bound(loss, Sample(20, kind), 0.9) for loss in losses]
    assert bounds == sorted(bounds)
    assert all(bound >= loss for bound, loss in zip(bounds, losses, strict=True))
    by_size = [upper_bound(0.1, Sample(size, kind), 0.9) for size in (10, 20, 100, 1_000)]
    assert by_size == sorted(by_size, reverse=True)


@pytest.mark.parametrize("kind", [EXACT, SHARES, WEIGHTED])
def test_a_loss_of_alpha_or_more_proves_nothing(kind: str) -> None:
    assert float(p_value(0.3, Sample(40, kind), 0.1)) > 0.5


@pytest.mark.parametrize(("alpha", "parts"), [(0.01, 299), (0.05, 59), (0.1, 29)])
def test_parts_needed_without_a_loss_are_those_of_the_tables(alpha: float, parts: int) -> None:
    assert size_needed(0.0, alpha, 0.95, EXACT) == parts
    assert (
        upper_bound(0.0, Sample(parts, EXACT), 0.95)
        <= alpha
        < upper_bound(0.0, Sample(parts - 1, EXACT), 0.95)
    )


def test_parts_needed_prove_and_one_less_does_not() -> None:
    size = size_needed(0.02, 0.05, 0.95, WEIGHTED)
    assert size is not None
    assert float(p_value(0.02, Sample(size, WEIGHTED), 0.05)) <= 0.05
    assert float(p_value(0.02, Sample(size - 1, WEIGHTED), 0.05)) > 0.05


def test_no_number_of_parts_proves_what_is_not_so() -> None:
    assert size_needed(0.05, 0.05, 0.95, SHARES) is None


def direct_bet(losses: np.ndarray, alpha: float, confidence: float) -> bool:
    """Return what `proves_by_betting` says, by the capital itself, part after part."""
    n = len(losses)
    if not losses.any():
        return (1 - alpha) ** n <= 1 - confidence
    left = 1 - confidence - (1 - alpha) ** n
    if left <= 0:
        return False
    means = np.linspace(0, alpha, 200_001)[1:-1]
    divergence = means * np.log(means / alpha) + (1 - means) * np.log((1 - means) / (1 - alpha))
    at_least = means[np.exp(-n * divergence) <= left]
    stake = 1 - (at_least.max() if len(at_least) else 0.0) / (2 * alpha)
    capital = 1.0
    for loss in losses:
        capital *= 1 + stake * (alpha - loss) / (1 - alpha)
    return capital * left >= 1


@pytest.mark.parametrize("seed", range(40))
def test_betting_is_the_capital_of_who_bets_part_after_part(seed: int) -> None:
    rng = np.random.default_rng(seed)
    losses = rng.beta(0.3, 4, rng.integers(20, 120)) * (rng.random() < 0.9)
    for alpha in (0.05, 0.1, 0.15, 0.2):
        for order in (losses, losses[::-1]):
            assert proves_by_betting(order, len(losses), alpha, 0.9) == direct_bet(losses, alpha, 0.9)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=80), st.floats(0.02, 0.6), st.floats(0.6, 0.99))
def test_betting_proves_what_hoeffding_proves_with_what_is_left_of_the_risk(
    values: list[float], alpha: float, confidence: float
) -> None:
    losses = np.array(values) ** 4
    left = 1 - confidence - (1 - alpha) ** len(losses)
    hoeffding = float(p_value(losses.mean(), Sample(len(losses), WEIGHTED), alpha))
    if left > 0 and hoeffding < left * (1 - 1e-6) and losses.any():
        assert proves_by_betting(losses, len(losses), alpha, confidence)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.6, 0.99))
def test_the_bound_by_betting_is_proven_and_rises_with_any_loss(
    values: list[float], confidence: float
) -> None:
    losses = np.array(values)
    bound = bound_by_betting(losses, len(losses), confidence)
    assert losses.mean() <= bound <= 1
    assert bound == 1 or proves_by_betting(losses, len(losses), bound, confidence)
    more = np.minimum(losses + 0.1, 1)
    assert bound_by_betting(more, len(more), confidence) >= bound - 1e-9


@pytest.mark.parametrize("parts", [1, 14, 89])
def test_without_a_loss_betting_is_the_closed_form(parts: int) -> None:
    assert bound_by_betting(np.zeros(parts), parts, 0.95) == pytest.approx(1 - 0.05 ** (1 / parts), abs=1e-9)
