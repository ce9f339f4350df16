"""Photos that differ from the rest: blurred, dark, over-exposed, glare, another object, another size."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.data.manifest import Photo
from castproof.data.photo_statistics import PhotoStatistics
from castproof.wording import percent

LEAST_PHOTOS: Final = 20  # below, there is no rest that a photo could differ from
COMMON_SIZE_FROM: Final = 0.9
REFERENCES: Final = 2_000
NEIGHBOUR: Final = 5
SAME_APPEARANCE: Final = 0.05  # nearer photos are copies of each other rather than alike

_QUARTILE_OF_NORMAL = 0.6745
_BLOCK = 4_096
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Outlier:
    """One photo that differs from the rest, and in what.

    Args:
        photo: the photo.
        flag: blurred, dark, over-exposed, glare, odd-object or odd-size.
        found: the value of this photo, for a person.
        typical: the value of most photos, for a person.
    """

    photo: Photo
    flag: str
    found: str
    typical: str


@dataclass(frozen=True)
class Rule:
    """When a photo differs from the rest.

    It does where its value is beyond the median by `spreads` robust standard deviations (of that side) and by
    `at_least`.

    Args:
        flag: what the photo is called.
        read: the value of a photo.
        side: -1 where low values are meant, +1 where high ones are.
        spreads: how many robust standard deviations, the distance of the quartile divided by 0.6745.
        at_least: the smallest distance from the median that means anything, in the unit of the value.
        show: the value in words.
    """

    flag: str
    read: Callable[[PhotoStatistics], float]
    side: int
    spreads: float
    at_least: float
    show: Callable[[float], str]


RULES: Final = (
    Rule(
        "blurred",
        lambda one: math.log(one.sharpness + 1e-4),
        -1,
        5.0,
        math.log(2),
        lambda value: f"sharpness {math.exp(value):.3f}",
    ),
    Rule("dark", lambda one: one.brightness, -1, 5.0, 30.0, lambda value: f"mean brightness {value:.0f}"),
    Rule(
        "over-exposed",
        lambda one: one.bright_share,
        1,
        5.0,
        0.10,
        lambda value: f"{percent(value)} of the pixels white",
    ),
    Rule(
        "glare",
        lambda one: one.glare,
        1,
        5.0,
        0.02,
        lambda value: f"a white spot of {percent(value)} of the photo",
    ),
)
ODD_OBJECT_SPREADS: Final = 7.0
ODD_OBJECT_TIMES: Final = 2.0


def find_outliers(photos: Sequence[Photo], statistics: Mapping[str, PhotoStatistics]) -> tuple[Outlier, ...]:
    """Return the photos that differ from the rest, by flag; none where there are fewer than 20 photos.

    Args:
        photos: with their `sha256`.
        statistics: of each photo, by `sha256`.
    """
    if len(photos) < LEAST_PHOTOS:
        return ()
    measured = [statistics[photo.sha256] for photo in photos]
    found = [outlier for rule in RULES for outlier in _by_rule(rule, photos, measured)]
    return (*found, *_odd_objects(photos, measured), *_odd_sizes(photos, measured))


def _by_rule(rule: Rule, photos: Sequence[Photo], measured: Sequence[PhotoStatistics]) -> list[Outlier]:
    values = np.array([rule.read(one) for one in measured])
    typical = float(np.median(values))
    beyond = _beyond(values, rule.side, rule.spreads, rule.at_least)
    order = beyond[np.argsort(-rule.side * values[beyond], kind="stable")]
    return [Outlier(photos[i], rule.flag, rule.show(float(values[i])), rule.show(typical)) for i in order]


def _beyond(values: Values, side: int, spreads: float, at_least: float) -> NDArray[np.int64]:
    """Return the indices of the values beyond the median by the limits of a `Rule`."""
    away = side * (values - np.median(values))
    spread = float(np.quantile(away, 0.75)) / _QUARTILE_OF_NORMAL
    return np.flatnonzero(away > max(spreads * spread, at_least))


def _odd_objects(photos: Sequence[Photo], measured: Sequence[PhotoStatistics]) -> list[Outlier]:
    """Return the photos whose appearance is far from that of any five others.

    The distance to the fifth nearest of at most 2,000 other photos is compared with that of the rest.
    """
    distance = neighbour_distances(np.array([one.appearance for one in measured], dtype=np.float32))
    typical = max(float(np.median(distance)), SAME_APPEARANCE)
    times = distance / typical
    beyond = _beyond(times, 1, ODD_OBJECT_SPREADS, ODD_OBJECT_TIMES - 1)
    order = beyond[np.argsort(-times[beyond], kind="stable")]
    return [
        Outlier(
            photos[i], "odd-object", f"{times[i]:.1f} times as far from the others", "five others look alike"
        )
        for i in order
    ]


def neighbour_distances(appearance: NDArray[np.float32]) -> Values:
    """Return the distance of every photo to its fifth nearest other one out of at most 2,000.

    Args:
        appearance: float32 (n, k), one row for each photo; n is more than 5.
    """
    n = len(appearance)
    chosen = np.unique(np.linspace(0, n - 1, min(n, REFERENCES)).astype(np.int64))
    references = appearance[chosen]
    squares = (references**2).sum(1)
    distances = np.empty(n)
    for start in range(0, n, _BLOCK):
        block = appearance[start : start + _BLOCK]
        squared = (block**2).sum(1)[:, None] + squares - 2 * block @ references.T
        own = np.arange(start, start + len(block))[:, None] == chosen
        squared[own] = np.inf
        nearest = np.partition(squared, NEIGHBOUR - 1, axis=1)[:, NEIGHBOUR - 1]
        distances[start : start + len(block)] = np.sqrt(np.maximum(nearest, 0))
    return distances


def _odd_sizes(photos: Sequence[Photo], measured: Sequence[PhotoStatistics]) -> list[Outlier]:
    """Return the photos of another size, where nine of ten photos have one size."""
    sizes = [(one.width, one.height) for one in measured]
    common, count = Counter(sizes).most_common(1)[0]
    if count < COMMON_SIZE_FROM * len(photos):
        return []
    return [
        Outlier(photo, "odd-size", _size(size), _size(common))
        for photo, size in zip(photos, sizes, strict=True)
        if size != common
    ]


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]} pixels"
