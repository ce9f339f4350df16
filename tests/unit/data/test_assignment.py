import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.data.assignment import Rows, assign, cost, greedy

SHARES = (0.7, 0.15, 0.15)
SIZES = st.lists(st.integers(1, 40), min_size=3, max_size=30)
FEW_SIZES = st.lists(st.integers(1, 40), min_size=3, max_size=9)


def rows_of(good: list[int], defective: list[int], mixed: tuple[int, int] | None = None) -> Rows:
    """Return groups of these sizes: photos and groups of either kind, the photos weighted ten times more."""
    photos = np.array([(size, 0) for size in good] + [(0, size) for size in defective], np.float64)
    if mixed:
        photos[0] = mixed
    amounts = np.hstack([photos, photos > 0])
    return Rows(amounts, np.array([10.0, 10.0, 1.0, 1.0]), np.array([True, True, False, False]))


def cost_by_hand(rows: Rows, shares: tuple[float, ...], home: np.ndarray) -> float:
    total = 0.0
    for row, weight in enumerate(rows.weights):
        whole = rows.amounts[:, row].sum()
        for split, share in enumerate(shares):
            held = rows.amounts[home == split, row].sum()
            total += weight * share * (held / (share * whole) - 1) ** 2
    return total


def test_the_cost_is_the_weighted_squared_relative_error() -> None:
    rows = rows_of([5, 3, 8, 1], [2, 2, 9], mixed=(4, 2))
    rng = np.random.default_rng(3)
    for home in rng.integers(0, 3, (20, 7)):
        assert cost(rows, SHARES, home) == pytest.approx(cost_by_hand(rows, SHARES, home))
    even = rows_of([4, 4, 4], [2, 2, 2])
    assert cost(even, (1 / 3, 1 / 3, 1 / 3), np.array([0, 1, 2, 2, 0, 1])) == pytest.approx(0)


@settings(max_examples=60, deadline=None)
@given(SIZES, SIZES, st.booleans(), st.integers(3, 6))
def test_the_search_never_ends_worse_than_it_starts_and_fills_every_split(
    good: list[int], defective: list[int], mixed: bool, splits: int
) -> None:
    shares = [1 / splits] * splits if splits > 3 else list(SHARES)
    good, defective = good + [1] * (splits - 3), defective + [2] * (splits - 3)
    rows = rows_of(good, defective, (3, 4) if mixed else None)
    start, home = greedy(rows, shares), assign(rows, shares, seed=1)
    assert cost(rows, shares, home) <= cost(rows, shares, start) + 1e-9
    holds = rows.amounts[:, :2] > 0
    for found in (start, home):
        assert all(holds[found == split].any(axis=0).all() for split in range(splits))


@settings(max_examples=30, deadline=None)
@given(FEW_SIZES, FEW_SIZES, st.booleans())
def test_no_single_change_would_be_better(good: list[int], defective: list[int], mixed: bool) -> None:
    rows = rows_of(good, defective, (3, 4) if mixed else None)
    home = assign(rows, SHARES, seed=1)
    reached = cost(rows, SHARES, home)
    n = len(home)
    changed = []
    for group, split in itertools.product(range(n), range(3)):
        changed.append(home.copy())
        changed[-1][group] = split
    for one, other in itertools.combinations(range(n), 2):
        changed.append(home.copy())
        changed[-1][[one, other]] = home[[other, one]]
    holds = rows.amounts[:, :2] > 0
    for candidate in changed:
        if all(holds[candidate == split].any(axis=0).all() for split in range(3)):
            assert cost(rows, SHARES, candidate) >= reached - 1e-6


def best_cost(rows: Rows) -> float:
    """Return the cost of the best of all ways, by trying every one."""
    homes = np.array(list(itertools.product(range(3), repeat=len(rows.amounts))))
    total, allowed = np.zeros(len(homes)), np.full(len(homes), True)
    for split, share in enumerate(SHARES):
        held = (homes == split).astype(np.float64) @ rows.amounts
        whole = rows.amounts.sum(axis=0)
        total += share * (rows.weights * (held / (share * whole) - 1) ** 2).sum(axis=1)
        allowed &= (held[:, :2] > 0).all(axis=1)
    return float(total[allowed].min())


def test_small_cases_come_out_nearly_as_good_as_the_best_way() -> None:
    rng = np.random.default_rng(8)
    worse = []
    for _ in range(15):
        rows = rows_of(list(rng.integers(1, 40, 4)), list(rng.integers(1, 40, 4)))
        best = best_cost(rows)
        worse.append(cost(rows, SHARES, assign(rows, SHARES, seed=0)) / best)
        assert worse[-1] >= 1 - 1e-9
    assert np.median(worse) == pytest.approx(1)
    assert max(worse) < 1.5


def test_a_large_group_finds_the_large_split_and_the_others_make_up_for_it() -> None:
    rows = rows_of([300, *[50] * 14], [20] * 20)
    home = assign(rows, SHARES, seed=1)
    held = [rows.amounts[home == split, 0].sum() for split in range(3)]
    assert home[0] == 0
    assert held == [700, 150, 150]


def test_a_row_that_overlaps_others_is_filled_by_moves_where_the_start_missed_it() -> None:
    rng = np.random.default_rng(0)
    missed = repaired = 0
    for _ in range(60):
        photos = rng.integers(1, 9, (8, 4)) * (rng.random((8, 4)) < 0.45)
        photos[photos.sum(axis=1) == 0, 0] = 1
        amounts = np.hstack([photos[:, :2].sum(1)[:, None], photos[:, 2:].sum(1)[:, None], photos])
        enough = (amounts > 0).sum(axis=0) >= 3
        if not enough[:2].all() or not (amounts > 0).any(axis=0).all():
            continue
        rows = Rows(amounts.astype(np.float64), np.ones(6), enough)
        if filled(rows, greedy(rows, SHARES)):
            continue
        missed += 1
        repaired += filled(rows, assign(rows, SHARES, seed=1))
    assert missed > 3
    assert repaired >= 0.8 * missed


def filled(rows: Rows, home: np.ndarray) -> bool:
    holds = (rows.amounts > 0)[:, rows.required]
    return all(holds[home == split].any(axis=0).all() for split in range(3))


def test_thousands_of_groups_are_shared_out_too() -> None:
    rng = np.random.default_rng(4)
    rows = rows_of(list(rng.integers(1, 60, 2000)), list(rng.integers(1, 60, 3000)))
    home = assign(rows, SHARES, seed=1)
    for split, share in enumerate(SHARES):
        reached = rows.amounts[home == split].sum(axis=0) / rows.amounts.sum(axis=0)
        assert reached == pytest.approx(np.full(4, share), abs=2e-3)
    assert np.array_equal(home, assign(rows, SHARES, seed=1))
