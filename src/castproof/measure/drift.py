"""Whether a small new set of photos still looks as the training photos did.

Parts, not photos, are what is compared: twenty photos of one part are one piece of evidence.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from castproof.errors import DataError
from castproof.measure.scores import Counts, Floats

ARRANGEMENTS: Final = 10_000
POWER: Final = 0.8

_SIMULATED = 500
_LARGEST_SHIFT = 50.0  # standard deviations; what is not noticed here is never noticed
_STEPS = 12
_ONE_SIDE = 0.75
_ROUNDING = 1e-9
_BLOCK = 1_000


@dataclass(frozen=True, eq=False)
class Measured:
    """One number of every photo of a set.

    Args:
        values: float64 (n,), finite, in any unit.
        part: int64 (n,), which part a photo shows; the good and the defective photos of one part are two numbers.
    """

    values: Floats
    part: Counts


@dataclass(frozen=True)
class Moved:
    """How one number lies in the new parts, beside the training parts.

    Args:
        name: what was measured.
        before: mean over the training parts.
        now: mean over the new parts.
        shift: (now - before) in standard deviations between the training parts; None where these are all equal.
        spread: standard deviation between the new parts, as a share of that between the training parts; None where
            there is one new part alone or the training parts are all equal.
        in_what: "level" where at least three of four new parts lie on one side of the training parts' median; else
            it is the spread that a change is one of.
        p_value: how often so large a difference, or a larger one, comes by chance when nothing has changed.
        moved: whether it has changed; all numbers together give a false alarm in `level` of all cases (Holm).
        parts_before: training parts.
        parts_now: new parts.
        noticeable: the shift, in standard deviations, that so few parts show in four of five cases; infinite where
            they can show none. A smaller change may well be there while `moved` is False.
    """

    name: str
    before: float
    now: float
    shift: float | None
    spread: float | None
    in_what: Literal["level", "spread"]
    p_value: float
    moved: bool
    parts_before: int
    parts_now: int
    noticeable: float

    @property
    def can_tell(self) -> bool:
        """Whether there are parts enough that a change, however large, can be noticed at all."""
        return math.isfinite(self.noticeable)


def part_means(values: NDArray[np.floating], part: Counts) -> Floats:
    """Return the mean of every part, float64 (parts,), in ascending order of the parts' numbers.

    Args:
        values: float (n,), one number for each photo.
        part: int64 (n,), which part a photo shows.
    """
    _, place = np.unique(part, return_inverse=True)
    return np.asarray(np.bincount(place, values) / np.bincount(place), np.float64)


def moved(
    before: Mapping[str, Measured], now: Mapping[str, Measured], *, level: float = 0.05, seed: int = 1337
) -> list[Moved]:
    """Return for every number whether it has changed, in the order of `before`.

    A permutation test over parts. Its statistic is that of Lepage 1971 with the spread of Mood 1954: the squared
    standardised rank sum of the new parts plus that of their squared ranks from the middle. It sees a shift of the
    level and a change of the spread, and no single odd part decides. The p-value holds for any distribution and any
    number of parts, if parts are independent and nothing has changed; it is exact where there are at most 10,000
    ways to choose the new parts out of all, else from 10,000 random ones. Several numbers: Holm 1979.

    The mean of many photos varies less than that of few, which would pass for a change. So what is compared are
    means of equally many photos: of every part as many as a part drawn from the other set has, or all its own.

    Args:
        before: of the training photos, by name; two parts at least. Of probabilities: those of parts that the network
            was not trained on, of good and of defective parts apart.
        now: of the new photos, by the same names.
        level: chance of any false alarm, in (0, 1).
        seed: of the random arrangements and of the photos drawn.

    Raises:
        DataError: the names differ, a set has too few parts, or a value is not finite.
    """
    _check(before, now)
    pairs = {name: _alike(before[name], now[name], seed) for name in before}
    tested = max(1, sum(len(np.unique(np.concatenate(pair))) > 1 for pair in pairs.values()))
    sizes = {(len(old), len(new)) for old, new in pairs.values()}
    chosen = {size: _arrangements(*size, seed) for size in sizes}
    noticeable = {size: _noticeable(*size, chosen[size], level / tested, seed) for size in sizes}
    p_values = {name: _p_value(old, new, chosen[len(old), len(new)]) for name, (old, new) in pairs.items()}
    stand_out = _holm(p_values, level, tested)
    return [
        Moved(
            name,
            *_differences(before[name], now[name], *pair),
            in_what="level" if _on_one_side(*pair) else "spread",
            p_value=p_values[name],
            moved=name in stand_out,
            parts_before=len(pair[0]),
            parts_now=len(pair[1]),
            noticeable=noticeable[len(pair[0]), len(pair[1])],
        )
        for name, pair in pairs.items()
    ]


def _alike(before: Measured, now: Measured, seed: int) -> tuple[Floats, Floats]:
    """Return the means of the parts of both sets, taken over equally many photos."""
    rng = np.random.default_rng(seed)
    counts = [np.unique(one.part, return_counts=True)[1] for one in (before, now)]
    return (
        _means_of_some(before, rng.choice(counts[1], len(counts[0])), rng),
        _means_of_some(now, rng.choice(counts[0], len(counts[1])), rng),
    )


def _means_of_some(photos: Measured, most: Counts, rng: np.random.Generator) -> Floats:
    """Return the mean of every part over at most so many of its photos, drawn at random; `most` is int64 (parts,)."""
    order = rng.permutation(len(photos.part))
    order = order[np.argsort(photos.part[order], kind="stable")]
    _, first, place = np.unique(photos.part[order], return_index=True, return_inverse=True)
    taken = order[np.arange(len(order)) - first[place] < most[place]]
    return part_means(photos.values[taken], photos.part[taken])


def _differences(
    before: Measured, now: Measured, old: Floats, new: Floats
) -> tuple[float, float, float | None, float | None]:
    """Return the means over all photos, the shift between them and the spread of the compared means."""
    was, is_now = (float(part_means(one.values, one.part).mean()) for one in (before, now))
    width = float(old.std(ddof=1)) if np.ptp(old) > 0 else 0.0
    shift = (is_now - was) / width if width else None
    return was, is_now, shift, float(new.std(ddof=1)) / width if width and len(new) > 1 else None


def _on_one_side(old: Floats, new: Floats) -> bool:
    middle = np.median(old)
    return bool(max(np.sum(new > middle), np.sum(new < middle)) >= _ONE_SIDE * len(new))


def _p_value(old: Floats, new: Floats, chosen: Counts) -> float:
    """Return the share of arrangements that depart from chance as far as the true one."""
    scores = _scores(np.concatenate([old, new]))
    true = _departures(scores, np.arange(len(old), len(old) + len(new))[None])[0]
    return float(np.mean(_departures(scores, chosen) >= true - _ROUNDING))


def _scores(values: Floats) -> Floats:
    """Return rank from the middle and its square, float64 (2, n), of mean 0 and standard deviation 1 (0 if all tie)."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count + 1) / 2)[place] - (len(values) - 1) / 2
    both = np.stack([rank, rank**2])
    both -= both.mean(1, keepdims=True)
    width = both.std(1, keepdims=True)
    return np.asarray(np.where(width > _ROUNDING, both / np.maximum(width, _ROUNDING), 0.0))


def _departures(scores: Floats, rows: Counts) -> Floats:
    """Return the squared standardised sums of both scores over the chosen rows, added up, float64 (b,).

    Args:
        scores: float64 (2, n), from `_scores`.
        rows: int64 (b, k), places of k parts.
    """
    n, k = scores.shape[1], rows.shape[1]
    sums = scores[:, rows].sum(-1)
    return np.asarray((sums**2).sum(0) * (n - 1) / (k * (n - k)))


def _arrangements(before: int, now: int, seed: int) -> Counts:
    """Return ways to choose the smaller set out of all parts, int64 (b, smaller): all of them, or random ones.

    Random ones begin with the true one, which keeps the p-value valid (Phipson and Smyth 2010).
    """
    n, k = before + now, min(before, now)
    if math.comb(n, k) <= ARRANGEMENTS:
        return np.array(list(itertools.combinations(range(n), k)), np.int64)
    rng = np.random.default_rng(seed)
    true = np.arange(before, n) if now == k else np.arange(before)
    blocks = (rng.random((_BLOCK, n)) for _ in range(ARRANGEMENTS // _BLOCK))
    return np.concatenate([true[None], *(block.argpartition(k - 1, axis=1)[:, :k] for block in blocks)])


def _noticeable(before: int, now: int, chosen: Counts, level: float, seed: int) -> float:
    """Return the shift that normal parts show with a power of 80%, in standard deviations, by simulation."""
    table = _scores(np.arange(before + now, dtype=np.float64))
    by_chance = np.sort(_departures(table, chosen))
    parts = np.random.default_rng(seed).standard_normal((_SIMULATED, before + now))
    shifted = np.arange(before + now) >= before

    def power(shift: float) -> float:
        ranks = (parts + shift * shifted).argsort(axis=1).argsort(axis=1)[:, before:]
        below = np.searchsorted(by_chance, _departures(table, ranks) - _ROUNDING)
        return float(np.mean((len(by_chance) - below) / len(by_chance) <= level))

    low, high = 0.0, _LARGEST_SHIFT
    if power(high) < POWER:
        return math.inf
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high


def _holm(p_values: Mapping[str, float], level: float, tested: int) -> set[str]:
    """Return the names that stand out, by Holm's step-down rule."""
    names = sorted(p_values, key=p_values.__getitem__)[:tested]
    kept = itertools.takewhile(lambda at: p_values[at[1]] * (tested - at[0]) <= level, enumerate(names))
    return {name for _, name in kept}


def _check(before: Mapping[str, Measured], now: Mapping[str, Measured]) -> None:
    problem = "The new photos cannot be compared with the training photos."
    if set(before) != set(now):
        differ = ", ".join(sorted(set(before) ^ set(now)))
        raise DataError(problem, rule="Both need the same numbers.", found=f"Only one set has {differ}.")
    for name, old in before.items():
        parts = len(np.unique(old.part)), len(np.unique(now[name].part))
        if parts[0] < 2 or parts[1] < 1:
            rule = "It takes at least two training parts and one new part."
            raise DataError(problem, rule=rule, found=f"Found {parts[0]} and {parts[1]} with {name}.")
        if not np.isfinite([*old.values, *now[name].values]).all():
            raise DataError(problem, rule="Every number must be finite.", found=f"Some of {name} are not.")
