"""How unlike the training photos the features of a photo are, and the input gate that follows from it.

Novelty is the squared distance from the centre of the training photos, of which the directions that these photos
differ in count less: that of probabilistic principal component analysis (Tipping and Bishop 1999) without its
constants. Every part has the same weight, however many photos it has.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from castproof.errors import DataError
from castproof.modelfile.input_gate import NUMBERS, FalseAlarms, InputGate, Limit
from castproof.modelfile.photo_numbers import PhotoNumbers

DIRECTIONS: Final = 16
FALSE_ALARM_RATE: Final = 0.01
FOLDS: Final = 5
LEAST_TAIL: Final = 0.1  # share of the photos that the end of the distribution is judged by
TAIL_PARTS: Final = 5  # at least so many parts where there are enough
ONE_SIDED_95: Final = 1.645
OUTLIER: Final = 4  # times the median, beyond which a photo says no more about the slope of the tail
MORE: Final = 0.5  # of the range of the training photos, added at both ends
WIDENINGS: Final = (1, 2, 4, 8, 16)
_SEED: Final = 6
_SPARE_DIRECTIONS: Final = 8
_POWER_ITERATIONS: Final = 6
_TINY: Final = 1e-9


@dataclass(frozen=True)
class _Room:
    """How far a number may leave the range of the training photos before that is a reason.

    Args:
        slack: a ratio above 1 where `by_ratio`, otherwise a difference.
        by_ratio: whether the number is compared by ratios.
        has_low: whether too low a number is a reason.
        has_high: whether too high a number is a reason.
    """

    slack: float
    by_ratio: bool = True
    has_low: bool = True
    has_high: bool = True


_ROOM: Final = {
    "shape": _Room(1.05),
    "side": _Room(2, has_high=False),
    "brightness": _Room(1.25),
    "contrast": _Room(1.5),
    "dark_share": _Room(0.15, by_ratio=False, has_low=False),
    "bright_share": _Room(0.15, by_ratio=False, has_low=False),
    "sharpness": _Room(2.5),
    "colourfulness": _Room(6, by_ratio=False),
}

Scaled = NDArray[np.float32]
Floats = NDArray[np.float64]
Parts = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class FeatureNovelty:
    """Where the training photos are among all features.

    Args:
        centre: float32 (width,), of scaled features z = (features - head.mean) / head.std.
        directions: float32 (k, width), orthonormal rows.
        shrink: float32 (k,), in [0, 1]: how much of the distance along each direction does not count.
    """

    centre: Scaled
    directions: Scaled
    shrink: Scaled

    def novelty(self, scaled: Scaled) -> Floats:
        """Return (|z - centre|^2 - sum_j shrink_j (directions_j . (z - centre))^2) / width, float64 (n,), from 0.

        Args:
            scaled: z, float32 (n, width).
        """
        away = scaled.astype(np.float64) - self.centre
        along = away @ self.directions.T.astype(np.float64)
        squares = np.square(away).sum(axis=1) - np.square(along) @ self.shrink.astype(np.float64)
        return np.asarray(squares / scaled.shape[1], np.float64)


def novelty_of(away: Tensor, along: Tensor, shrink: Tensor) -> Tensor:
    """Return what `FeatureNovelty.novelty` does, (n,), in a graph.

    Args:
        away: z - centre, (n, width).
        along: its products with the directions, (n, k).
        shrink: (k,).
    """
    return (away.square().sum(dim=1) - (shrink * along.square()).sum(dim=1)) / away.shape[1]


def fit_novelty(scaled: Scaled, part: Parts, directions: int = DIRECTIONS) -> FeatureNovelty:
    """Return the novelty that the photos `scaled` define.

    Args:
        scaled: z of the training photos, float32 (n, width), n at least 2.
        part: the part of each photo, int64 (n,).
        directions: how many to keep; fewer where there are fewer photos.
    """
    count, width = scaled.shape
    share = part_share(part)
    centre = share @ scaled
    weighed = torch.from_numpy((scaled - centre) * np.sqrt(share)[:, None])
    kept = min(directions, count - 1, width - 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        _, root, rows = torch.svd_lowrank(
            weighed, min(kept + _SPARE_DIRECTIONS, count, width), _POWER_ITERATIONS
        )
    variance = root.square()[:kept].numpy()
    rest = max(float(weighed.square().sum()) - float(variance.sum()), 0.0) / (width - kept)
    shrink = np.where(variance > _TINY, 1 - rest / np.maximum(variance, _TINY), 0.0)
    return FeatureNovelty(
        centre.astype(np.float32),
        np.ascontiguousarray(rows[:, :kept].numpy().T, np.float32),
        np.clip(shrink, 0, 1).astype(np.float32),
    )


def novelty_out_of_fold(scaled: Scaled, part: Parts, directions: int = DIRECTIONS) -> Floats:
    """Return the novelty float64 (n,) of each photo for a fit on other parts alone; see `fit_novelty`.

    Raises:
        DataError: the photos show a single part.
    """
    fold = folds_of_parts(part)
    novelty = np.empty(len(part))
    for held_out in np.unique(fold):
        here = fold == held_out
        novelty[here] = fit_novelty(scaled[~here], part[~here], directions).novelty(scaled[here])
    return novelty


def fit_input_gate(
    numbers: Sequence[PhotoNumbers],
    novelty: Floats,
    part: Parts,
    false_alarm_rate: float = FALSE_ALARM_RATE,
) -> InputGate:
    """Return limits that at most `false_alarm_rate` of the photos of new parts exceed, for any reason.

    Half of the rate is for the numbers, half for the novelty, so that together they keep it. What was then measured,
    with limits chosen without the part's fold, stands in the gate.

    Args:
        numbers: of the training photos.
        novelty: of the same photos, float64 (n,), as `novelty_out_of_fold` gives it.
        part: the part of each photo, int64 (n,).
        false_alarm_rate: in (0, 1), each part weighted equally.

    Raises:
        DataError: the photos show a single part, or a novelty is no finite number.
    """
    if not np.isfinite(novelty).all():
        raise DataError(
            "The features of a training photo are no finite numbers.",
            fix="Train again; the network is broken.",
        )
    half, fold = false_alarm_rate / 2, folds_of_parts(part)
    limits, beyond = _limits_and_alarms(numbers, part, fold, half)
    for held_out in np.unique(fold):
        here = fold == held_out
        beyond[here] |= novelty[here] > novelty_limit(novelty[~here], part[~here], half)
    rate = min(float(part_share(part)[beyond].sum()), 1.0)
    seen = FalseAlarms(rate, int(beyond.sum()), len(part), len(np.unique(part)))
    size = Counter((one.width, one.height) for one in numbers).most_common(1)[0][0]
    return InputGate(size, limits, novelty_limit(novelty, part, half), false_alarm_rate, seen)


def novelty_limit(novelty: Floats, part: Parts, rate: float) -> float:
    """Return a limit that at most `rate` of the photos of new parts should exceed.

    A rate of half a percent cannot be read off from a hundred parts. The end of the distribution is taken to fall as
    a power of the novelty (Weissman 1978), at the slowest that the few parts in it leave likely: the upper 95% bound
    of the slope (chi-square by Wilson and Hilferty 1931), in which one part unlike all others counts little. No less
    than what the given photos need.

    Args:
        novelty: of photos of parts that it was not fitted on, float64 (n,).
        part: the part of each photo, int64 (n,).
        rate: in (0, 1), each part weighted equally.
    """
    share, parts = part_share(part), len(np.unique(part))
    novelty = np.maximum(novelty, _TINY)
    tail = max(LEAST_TAIL, min(0.5, TAIL_PARTS / parts), rate)
    start = quantile(novelty, share, 1 - tail)
    beyond = novelty > start
    weight = float(share[beyond].sum())
    if weight <= rate:
        return start
    above, of_tail = np.log(novelty[beyond] / start), share[beyond] / weight
    slope = float(of_tail @ np.minimum(above, OUTLIER * quantile(above, of_tail, 0.5)))
    freedom = 2 * weight * parts
    least = freedom * max(1 - 2 / (9 * freedom) - ONE_SIDED_95 * np.sqrt(2 / (9 * freedom)), 0.1) ** 3
    steepest = start * (weight / rate) ** (slope * freedom / least)
    return float(max(steepest, quantile(novelty, share, 1 - rate)))


def part_share(part: Parts) -> Floats:
    """Return the weight of each photo, float64 (n,): together 1, each part alike. `part` is int64 (n,)."""
    _, place, photos = np.unique(part, return_inverse=True, return_counts=True)
    return np.asarray(1 / (photos[place] * len(photos)), np.float64)


def folds_of_parts(part: Parts) -> Parts:
    """Return the fold of each photo, int64 (n,) from 0: at most FOLDS, no part in two of them.

    Raises:
        DataError: the photos show a single part.
    """
    parts, place = np.unique(part, return_inverse=True)
    if len(parts) < 2:
        raise DataError(
            "The input gate cannot be fitted.",
            rule="It takes training photos of at least 2 parts.",
            found=f"Found {len(part)} photos of {len(parts)}.",
            fix="Add photos of more parts.",
        )
    order = np.random.default_rng(_SEED).permutation(len(parts))
    return np.asarray(order[place] % min(FOLDS, len(parts)), np.int64)


def quantile(values: Floats, share: Floats, q: float) -> float:
    """Return the least of `values` that no more than 1 - q of the weight exceeds.

    Args:
        values: float64 (n,).
        share: weight of each, float64 (n,), together 1.
        q: in [0, 1].
    """
    order = np.argsort(values)
    reached = np.cumsum(share[order])
    return float(values[order][min(int(np.searchsorted(reached, q - _TINY)), len(values) - 1)])


def _limits_and_alarms(
    numbers: Sequence[PhotoNumbers], part: Parts, fold: Parts, rate: float
) -> tuple[tuple[Limit, ...], Flags]:
    """Return limits of the numbers, widened until few photos exceed those of the other folds, and these photos."""
    table = np.array([[getattr(one, name) for name in NUMBERS] for one in numbers], np.float64)
    share, beyond = part_share(part), np.zeros(len(part), np.bool_)
    for widening in WIDENINGS:
        for held_out in np.unique(fold):
            here = fold == held_out
            limits = _limits(table[~here], part_share(part[~here]), rate, widening)
            beyond[here] = _are_beyond(table[here], limits)
        if share[beyond].sum() <= rate:
            break
    return _limits(table, share, rate, widening), beyond


def _limits(table: Floats, share: Floats, rate: float, widening: float) -> tuple[Limit, ...]:
    """Return one limit for each of NUMBERS, of their values float64 (n, numbers)."""
    return tuple(
        _limit(name, values, share, rate, widening) for name, values in zip(NUMBERS, table.T, strict=True)
    )


def _limit(name: str, values: Floats, share: Floats, rate: float, widening: float) -> Limit:
    room = _ROOM[name]
    low, high = (quantile(values, share, q) for q in (rate / 2, 1 - rate / 2))
    if room.by_ratio:
        ratio = float((room.slack * (max(high, _TINY) / max(low, _TINY)) ** MORE) ** widening)
        least, most = low / ratio, high * ratio
    else:
        by = (room.slack + MORE * (high - low)) * widening
        least, most = low - by, high + by
    return Limit(name, least if room.has_low else None, most if room.has_high else None, low, high)


def _are_beyond(table: Floats, limits: Sequence[Limit]) -> Flags:
    low = np.array([-np.inf if limit.low is None else limit.low for limit in limits])
    high = np.array([np.inf if limit.high is None else limit.high for limit in limits])
    return np.asarray(((table < low) | (table > high)).any(axis=1), np.bool_)
