"""The difference of two rates against published figures and its own promises."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castproof.measure.intervals import Rate, rate_by_part
from castproof.measure.rate_difference import rate_difference

Z = 1.959963984540054


def wilson(hits: int, n: int) -> Rate:
    share, z2 = hits / n, Z**2
    middle, half = (share + z2 / (2 * n)) / (1 + z2 / n), 0.0
    half = Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n**2))
    return Rate(hits, n, hits, n, share, middle - half, middle + half, 0.95, float(n), "parts", "Wilson")


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_of_wilson_intervals_it_is_method_10_of_newcombe_1998(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    found = rate_difference(wilson(*second), wilson(*first))
    assert found is not None
    assert found.now_less_before == pytest.approx(first[0] / first[1] - second[0] / second[1])
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-4)
    assert found.says == ("higher" if low > 0 else "inconclusive")


parts = st.integers(1, 40)


@given(parts, parts, st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_it_holds_the_difference_and_turns_with_the_order(
    old: int, new: int, p: float, q: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    one, other = (
        rate_by_part(rng.random(n) < share, np.arange(n), by="parts") for n, share in ((old, p), (new, q))
    )
    there, back = rate_difference(one, other), rate_difference(other, one)
    assert there is not None
    assert back is not None
    assert -1 <= there.low < there.now_less_before + 1e-12
    assert there.now_less_before - 1e-12 < there.high <= 1
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))


def test_nothing_hit_in_either_is_no_proof_that_nothing_changed() -> None:
    none = rate_by_part(np.zeros(10, np.bool_), np.arange(10), by="parts")
    found = rate_difference(none, none)
    assert found is not None
    assert found.says == "inconclusive"
    assert found.more_parts is None
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 10)), "Clopper and Pearson of ten parts"


def test_without_photos_there_is_no_difference() -> None:
    nothing = rate_by_part(np.zeros(0, np.bool_), np.zeros(0, np.int64))
    some = rate_by_part(np.ones(3, np.bool_), np.arange(3))
    assert rate_difference(nothing, some) is None
    assert rate_difference(some, nothing) is None


@given(st.integers(20, 400), st.integers(2, 30), st.integers(0, 30))
def test_as_many_more_parts_as_it_asks_for_do_tell(old: int, new: int, hits: int) -> None:
    before, now = wilson(old // 20, old), wilson(min(hits, new), new)
    found = rate_difference(before, now)
    assert found is not None
    if found.more_parts is None:
        return
    assert (found.more_parts == 0) == (found.says != "inconclusive")
    grown = new + found.more_parts
    narrower = math.sqrt(new / grown)
    assert now.share is not None
    assert now.low is not None
    assert now.high is not None
    later = Rate(
        now.hits,
        grown,
        now.hits,
        grown,
        now.share,
        now.share - narrower * (now.share - now.low),
        now.share + narrower * (now.high - now.share),
        0.95,
        float(grown),
        "parts",
        "",
    )
    told = rate_difference(before, later)
    assert told is not None
    assert told.says != "inconclusive"
