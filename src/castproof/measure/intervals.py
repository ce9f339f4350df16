"""How sure a figure is: intervals that take the parts, not their photos, as the independent pieces of evidence."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from castproof.errors import DataError, SettingError
from castproof.measure.mean_bounds import exact_binomial, mean_bounds
from castproof.measure.scores import Counts, Flags, Floats

EXACT = "exact binomial over the parts (Clopper and Pearson 1934)"
UNSEEN_PART = "Bayesian bootstrap over the parts and one unseen part, which may be all or none (Gaffke 2005)"


@dataclass(frozen=True)
class Rate:
    """A share of photos with the counts and the interval that it rests on.

    Args:
        hits: photos that it happened to.
        photos: photos that it could have happened to.
        parts_hit: parts with at least one such photo.
        parts: parts that these photos show.
        share: in [0, 1]; None without photos.
        low: lower end of the interval, in [0, 1]; None without photos.
        high: upper end of the interval, in [0, 1]; None without photos.
        confidence: of the interval, two-sided, in (0, 1).
        effective: as many independent photos would have as sure a share, from 1 to `photos`; 0 without photos.
        by: "photos" where each photo has the same weight, "parts" where each part has.
        method: how the interval was made, in words for a report.
    """

    hits: int
    photos: int
    parts_hit: int
    parts: int
    share: float | None
    low: float | None
    high: float | None
    confidence: float
    effective: float
    by: str
    method: str


@dataclass(frozen=True)
class Interval:
    """A figure with its interval by resampling; the ends are None where resampling tells nothing.

    Args:
        estimate: the figure of all photos; None where they do not define it.
        low: lower end.
        high: upper end.
        confidence: two-sided, in (0, 1).
        resamples: how many resamples each end rests on (the fewer of the two).
    """

    estimate: float | None
    low: float | None
    high: float | None
    confidence: float
    resamples: int


def rate_by_part(
    hit: NDArray[np.bool_],
    part: NDArray[np.int64],
    *,
    by: Literal["photos", "parts"] = "photos",
    confidence: float = 0.95,
) -> Rate:
    """Return the share of photos that were hit, with an interval that is clustered by part.

    By photos it is hits / photos, so that a part counts by its photos; by parts it is the mean of each part's share.
    Where nothing or everything was hit, the interval is Clopper and Pearson's over the number of parts; else that of
    `mean_bounds`. Both allow for any likeness of the photos of one part, even that all or none of them are hit, and
    for a part that none of the parts resembles: with few parts the upper end is high, however small the share. By
    photos, parts with many photos must not be hit much more, or less, often than others.

    As many independent photos as `effective` says would have a share of the same variance: 1 + share * (1 - share) /
    v, where v is the variance of the share between parts (with equal parts: photos / design effect, Kish 1965). It is
    the number of parts where nothing or everything was hit, since v cannot be known then.

    Args:
        hit: bool (n,), True for a photo that it happened to.
        part: int64 (n,), number of the part on each photo.
        by: "photos" or "parts".
        confidence: two-sided, in (0, 1).

    Raises:
        DataError: the arrays do not belong together.
        SettingError: `confidence` is out of its range.
    """
    check_confidence(confidence)
    _check_rows(hit, part)
    _, place = np.unique(part, return_inverse=True)
    photos, hits = np.bincount(place), np.bincount(place[hit], minlength=place.max(initial=-1) + 1)
    counts = (int(hits.sum()), int(photos.sum()), int((hits > 0).sum()), len(photos))
    if not len(photos):
        return Rate(*counts, None, None, None, confidence, 0.0, by, EXACT)
    weights = photos.astype(np.float64) if by == "photos" else np.ones(len(photos))
    shares = hits / photos
    share = float(np.average(shares, weights=weights))
    if counts[0] in (0, counts[1]):
        low, high = exact_binomial(counts[3] if counts[0] else 0, counts[3], confidence)
        return Rate(*counts, share, low, high, confidence, float(counts[3]), by, EXACT)
    low, high = mean_bounds(shares, weights, 0.0, 1.0, confidence)
    effective = min(_effective(shares, weights), float(counts[1]))
    return Rate(*counts, share, low, high, confidence, effective, by, UNSEEN_PART)


def bootstrap_by_part(
    statistic: Callable[[NDArray[np.int64]], float | None],
    part: NDArray[np.int64],
    defective: NDArray[np.bool_],
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 1337,
) -> Interval:
    """Return any figure with its interval by resampling parts, the good and the defective apart.

    For the lower end, the part of each kind that pulls the figure down most is in the urn twice, for the upper end
    the part that pulls it up most: an unseen part may be as bad, or as good, as the worst and the best one seen. The
    quantiles are widened for few parts (Hesterberg 2015), by the number of parts of the rarer kind. The figure itself
    is always within. The interval may still be too narrow for a figure near its limit with few parts
    (docs/decisions/0007-intervals.md); promises rest on `rate_by_part`.

    Resamples that do not define the figure are left out. The ends are None where fewer than half define it, where a
    kind has a single part, or where all resamples give the same: then resampling tells nothing.

    Args:
        statistic: gets int64 (m,), the rows of the photos that count, each as often as it counts; returns the figure
            or None.
        part: int64 (n,), number of the part on each photo.
        defective: bool (n,), True for a photo labelled defective.
        resamples: how many for each end, at least 1.
        confidence: two-sided, in (0, 1).
        seed: of the random choice.

    Raises:
        DataError: the arrays do not belong together.
        SettingError: `confidence` is out of its range.
    """
    check_confidence(confidence)
    _check_rows(defective, part)
    kinds = [_rows_by_part(part, kind) for kind in (defective, ~defective) if kind.any()]
    estimate = statistic(np.arange(len(part))) if kinds else None
    fewest = min((len(parts) for parts in kinds), default=0)
    if estimate is None or fewest < 2:
        return Interval(estimate, None, None, confidence, 0)
    pulls = [_values_without(statistic, kinds, index) for index in range(len(kinds))]
    rng = np.random.default_rng(seed)
    down = _resampled(statistic, kinds, [_largest(without) for without in pulls], resamples, rng)
    up = _resampled(statistic, kinds, [_largest(-without) for without in pulls], resamples, rng)
    defined = min(len(down), len(up))
    if 2 * defined < resamples or np.ptp(np.append(down, up)) == 0:
        return Interval(estimate, None, None, confidence, defined)
    tail = float(ndtr(sqrt(fewest / (fewest - 1)) * stdtrit(fewest - 1, (1.0 - confidence) / 2)))
    low, high = float(np.quantile(down, tail)), float(np.quantile(up, 1.0 - tail))
    return Interval(estimate, min(low, estimate), max(high, estimate), confidence, defined)


def check_confidence(confidence: float) -> None:
    """Check that a confidence can be used.

    Raises:
        SettingError: it is not a number above 0 and below 1.
    """
    if not (isfinite(confidence) and 0.0 < confidence < 1.0):
        raise SettingError(
            "The confidence cannot be used.",
            rule="It must be a number above 0 and below 1.",
            found=f"Found {confidence!r}.",
            fix="Give for example 0.95.",
        )


def _check_rows(flags: Flags, part: Counts) -> None:
    if flags.dtype != np.bool_ or flags.ndim != 1 or part.shape != flags.shape:
        raise DataError(
            "Photos and parts do not belong together.",
            rule="There must be one row of true or false, and one number of a part for each.",
            found=f"Found {flags.dtype} of shape {flags.shape} and parts of shape {part.shape}.",
        )


def _effective(shares: Floats, weights: Floats) -> float:
    if len(shares) < 2:
        return 1.0
    share = float(np.average(shares, weights=weights))
    residuals = weights * (shares - share) / weights.sum()
    variance = len(shares) / (len(shares) - 1) * float((residuals**2).sum())
    return 1.0 + share * (1.0 - share) / variance if variance else np.inf


def _rows_by_part(part: Counts, chosen: Flags) -> list[Counts]:
    rows = np.flatnonzero(chosen)
    rows = rows[np.argsort(part[rows], kind="stable")]
    return np.split(rows, np.flatnonzero(np.diff(part[rows])) + 1)


def _values_without(
    statistic: Callable[[NDArray[np.int64]], float | None], kinds: list[list[Counts]], index: int
) -> Floats:
    """Return the figure without each part of one kind in turn; NaN where it is not defined then."""
    others = [rows for place, parts in enumerate(kinds) if place != index for rows in parts]
    parts = kinds[index]
    found = [statistic(np.concatenate([*others, *parts[:k], *parts[k + 1 :]])) for k in range(len(parts))]
    return np.array([np.nan if value is None else value for value in found])


def _largest(values: Floats) -> int:
    return 0 if np.isnan(values).all() else int(np.nanargmax(values))


def _resampled(
    statistic: Callable[[NDArray[np.int64]], float | None],
    kinds: list[list[Counts]],
    twice: list[int],
    resamples: int,
    rng: np.random.Generator,
) -> Floats:
    """Return the defined figures of parts drawn with replacement, one part of each kind being in its urn twice."""
    found = []
    for _ in range(resamples):
        drawn: list[Counts] = []
        for parts, worst in zip(kinds, twice, strict=True):
            choice = rng.integers(len(parts) + 1, size=len(parts))
            drawn.extend(parts[worst if k == len(parts) else k] for k in choice.tolist())
        found.append(statistic(np.concatenate(drawn)))
    return np.array([value for value in found if value is not None])
