"""Sharing groups out to splits so that every split gets its share of several things at once.

A group is what must stay together (the photos of one part). Each row counts one thing (photos of a class, parts
of a class); a split should get its share of every row. What is minimised is the sum over the rows of

    weight * sum over the splits of  share * (amount / (share * total) - 1) ** 2

the squared relative error of a split's amount, averaged over the splits by their shares, which is Pearson's
chi-square per item of the row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_STEPS = 400
_SWAPPED = 384
_GAIN = 1e-9
_FILLED = 1e6
_NOBODY = -1

Floats = NDArray[np.float64]
Homes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Rows:
    """What the groups hold.

    Args:
        amounts: float64 (groups, rows), not negative; no row is all zero.
        weights: float64 (rows,), not negative: how much the balance of a row matters.
        required: bool (rows,): each split needs a group that holds some of the row. The first of them come
            first where not all can be had.
    """

    amounts: Floats
    weights: Floats
    required: NDArray[np.bool_]


def assign(rows: Rows, shares: Sequence[float], *, seed: int) -> Homes:
    """Return the split of every group, intp (groups,): a greedy start, then moves and swaps that lower the cost.

    Groups that hold the same are told apart by their order alone, so a shuffled order is a random choice. Every
    split gets a group of each required row, if the row has as many groups as there are splits. That is certain for
    the first two rows, and for rows that share no groups; where many overlap, a later one may miss a split.

    Args:
        rows: what the groups hold; at least one group.
        shares: the share of each split, above 0, with the sum 1.
        seed: chooses which groups are tried for swaps where there are very many.
    """
    search = _Search(rows, np.asarray(shares, np.float64), greedy(rows, shares))
    rng = np.random.default_rng([seed, 7])
    for _ in range(_STEPS):
        if not (search.move() or search.swap(rng)):
            break
    return search.home


def greedy(rows: Rows, shares: Sequence[float]) -> Homes:
    """Return the split of every group: first the required ones, then the largest first, where the cost falls most."""
    scale = _scale(rows, shares)
    size: Floats = rows.amounts @ (rows.weights / rows.amounts.sum(axis=0))
    home = np.full(len(size), _NOBODY, np.intp)
    _reserve(rows, shares, size, home)
    lacking = _lacking(rows, shares, home)
    growth = rows.amounts**2 @ scale.T
    for group in np.argsort(-size, kind="stable"):
        if home[group] == _NOBODY:
            change = growth[group] - 2 * (scale * lacking) @ rows.amounts[group]
            home[group] = np.argmin(change)
            lacking[home[group]] -= rows.amounts[group]
    return home


def cost(rows: Rows, shares: Sequence[float], home: Homes) -> float:
    """Return how far the splits `home` are from their shares; 0 is perfect."""
    return float(np.sum(_scale(rows, shares) * _lacking(rows, shares, home) ** 2))


def _scale(rows: Rows, shares: Sequence[float]) -> Floats:
    """Return what the squared error of a split and a row counts, float64 (splits, rows)."""
    scale: Floats = rows.weights / (np.asarray(shares)[:, None] * rows.amounts.sum(axis=0) ** 2)
    return scale


def _lacking(rows: Rows, shares: Sequence[float], home: Homes) -> Floats:
    """Return what each split lacks of its share, float64 (splits, rows); negative where it has too much."""
    held = np.stack([rows.amounts[home == split].sum(axis=0) for split in range(len(shares))])
    lacking: Floats = np.asarray(shares)[:, None] * rows.amounts.sum(axis=0) - held
    return lacking


def _reserve(rows: Rows, shares: Sequence[float], size: Floats, home: Homes) -> None:
    """Enter into `home` a group for every split that holds nothing of a required row: the smallest one left."""
    holds = rows.amounts > 0
    for row in np.flatnonzero(rows.required):
        for split in np.argsort(shares, kind="stable"):
            free = np.flatnonzero(holds[:, row] & (home == _NOBODY))
            if len(free) and not holds[home == split, row].any():
                home[free[np.argmin(size[free])]] = split


class _Search:
    """The splits of the groups, and the changes that lower the cost."""

    def __init__(self, rows: Rows, shares: Floats, home: Homes) -> None:
        self.home = home
        self._amounts = rows.amounts
        self._required = rows.required
        self._holds = (rows.amounts > 0) & rows.required
        self._scale = _scale(rows, list(shares))
        self._growth = rows.amounts**2 @ self._scale.T
        self._lacking = _lacking(rows, list(shares), home)
        self._groups = np.stack([self._holds[home == split].sum(axis=0) for split in range(len(shares))])

    def move(self) -> bool:
        """Move the group that lowers the cost most to another split; return whether there is one."""
        everyone = np.arange(len(self.home))
        pull = self._amounts @ (self._scale * self._lacking).T
        change = self._growth - 2 * pull
        change += (self._growth + 2 * pull)[everyone, self.home][:, None]
        change[everyone, self.home] = np.inf
        change -= _FILLED * self._holds @ self._missing().T
        change[(self._holds & self._last()).any(axis=1)] = np.inf
        group, split = np.unravel_index(np.argmin(change), change.shape)
        if change[group, split] > -_GAIN:
            return False
        self._put(int(group), int(split))
        return True

    def swap(self, rng: np.random.Generator) -> bool:
        """Swap the two groups whose exchange lowers the cost most; return whether there are such two."""
        chosen = np.arange(len(self.home))
        if len(chosen) > _SWAPPED:
            chosen = np.sort(rng.choice(len(chosen), _SWAPPED, replace=False))
        change = self._changes_by_swapping(chosen)
        one, other = np.unravel_index(np.argmin(change), change.shape)
        if change[one, other] > -_GAIN:
            return False
        first, second = int(chosen[one]), int(chosen[other])
        home, new_home = int(self.home[first]), int(self.home[second])
        self._put(first, new_home)
        self._put(second, home)
        return True

    def _changes_by_swapping(self, chosen: Homes) -> Floats:
        """Return the change of the cost for each pair of groups, infinite where it is not allowed."""
        amounts, home = self._amounts[chosen], self.home[chosen]
        scale = self._scale[home]
        pull = (self._scale * self._lacking)[home] @ amounts.T
        growth = scale @ amounts.T**2
        half = growth + np.diag(growth)[:, None] - 2 * (scale * amounts) @ amounts.T
        half -= 2 * (pull - np.diag(pull)[:, None])
        holds = self._holds[chosen]
        change: Floats = half + half.T
        change[home[:, None] == home] = np.inf
        bared = (holds & self._last()[chosen]).astype(np.float64) @ (~holds).T
        change[(bared > 0) | (bared.T > 0)] = np.inf
        return change

    def _last(self) -> NDArray[np.bool_]:
        """Return where a group's split has no second group that contains the required row, bool (groups, rows)."""
        last: NDArray[np.bool_] = (self._groups <= 1)[self.home]
        return last

    def _missing(self) -> Floats:
        """Return 1 where a split holds nothing of a required row, else 0, float64 (splits, rows)."""
        missing: Floats = ((self._groups == 0) & self._required).astype(np.float64)
        return missing

    def _put(self, group: int, split: int) -> None:
        for home, sign in ((int(self.home[group]), 1), (split, -1)):
            self._lacking[home] += sign * self._amounts[group]
            self._groups[home] -= sign * self._holds[group]
        self.home[group] = split
