import math

import numpy as np
import pytest
from scipy.stats import beta, binom

from castproof.gate.risk import EXACT, SHARES, WEIGHTED, Sample, p_value, size_needed, upper_bound


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
