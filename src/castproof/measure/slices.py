"""Results by slice: by photos that have something in common, such as little light or one source folder.

Of many slices some are worse than the rest by chance. So a slice of few parts is never called worst, and the others
are ranked by what their interval leaves no doubt of.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from castproof.errors import DataError
from castproof.measure.intervals import Rate, rate_by_part
from castproof.measure.scores import Counts, Flags

MOST_BINS: Final = 4
LEAST_PARTS: Final = 5

ErrorKind = Literal["missed", "false_alarms"]


@dataclass(frozen=True, eq=False)
class Slice:
    """How the photos were judged that have one thing in common.

    Args:
        property: what parts the photos into slices, such as "brightness".
        name: which of its slices this is: "below 101", "101 to 120", "120 and more", or a category.
        rows: int64, places of its photos, ascending.
        missed: of its defective photos, those that passed.
        false_alarms: of its good photos, those that were rejected.
    """

    property: str
    name: str
    rows: Counts
    missed: Rate
    false_alarms: Rate

    def rate(self, kind: ErrorKind) -> Rate:
        """Return the rate of one kind of error."""
        return self.missed if kind == "missed" else self.false_alarms

    def enough(self, kind: ErrorKind) -> bool:
        """Return whether that rate comes from at least five parts; with fewer nothing can be told."""
        return self.rate(kind).parts >= LEAST_PARTS


def slices(
    defective: Flags,
    passed: Flags,
    rejected: Flags,
    part: Counts,
    numbers: Mapping[str, NDArray[np.floating]],
    categories: Mapping[str, Sequence[str]],
    *,
    by: Literal["photos", "parts"] = "photos",
    confidence: float = 0.95,
) -> list[Slice]:
    """Return the slices of every property, numbers first; together those of one property hold each photo once.

    Numbers are cut at their quartiles over all photos, where these differ; the names give the cuts to three digits.
    A property that is the same for all photos has no slices.

    Args:
        defective: bool (n,), True for a photo labelled defective.
        passed: bool (n,), True for ACCEPT; a defective photo that passes is a missed defect.
        rejected: bool (n,), True for REJECT; a good photo that is rejected is a false alarm. REVIEW is neither.
        part: int64 (n,), which part a photo shows; the good and the defective photos of one part are two numbers.
        numbers: by the property's name, float (n,), finite, in any unit.
        categories: by the property's name, n values.
        by: whether every photo or every part has the same weight (see `rate_by_part`).
        confidence: of the intervals, in (0, 1).

    Raises:
        DataError: a property has not one finite value for each photo.
    """
    _check(len(defective), numbers, categories)
    wrong = np.where(defective, passed, rejected)

    def rate(rows: Counts) -> Rate:
        return rate_by_part(wrong[rows], part[rows], by=by, confidence=confidence)

    pieces = [(name, _bins(values)) for name, values in numbers.items()]
    pieces += [(name, _by_value(values)) for name, values in categories.items()]
    return [
        Slice(name, said, rows, rate(rows[defective[rows]]), rate(rows[~defective[rows]]))
        for name, parted in pieces
        if len(parted) > 1
        for said, rows in parted
    ]


def worst(found: Iterable[Slice], kind: ErrorKind, limit: int = 5) -> list[Slice]:
    """Return the slices with the highest rates of one kind of error, the worst first.

    The lower end of the interval decides, then the rate: one part of one missed is no worse than twenty of a hundred.
    Slices with fewer than five parts, or without an error, are left out. Some slice is always the worst. Where
    its lower end is below the rate of all photos it may be so by chance, and one of forty is above it by chance.

    Args:
        found: from `slices`.
        kind: "missed" or "false_alarms".
        limit: at most so many.
    """
    rated = [one for one in found if one.enough(kind) and one.rate(kind).hits]

    def rank(one: Slice) -> tuple[float, float, str, str]:
        rate = one.rate(kind)
        return -(rate.low or 0.0), -(rate.share or 0.0), one.property, one.name

    return sorted(rated, key=rank)[:limit]


def _bins(values: NDArray[np.floating]) -> list[tuple[str, Counts]]:
    values = np.asarray(values, np.float64)
    above = values[values > values.min(initial=np.inf)]
    if not len(above):
        return []
    quartiles = np.quantile(values, np.arange(1, MOST_BINS) / MOST_BINS, method="higher")
    edges = np.unique(np.maximum(quartiles, above.min()))
    place = np.searchsorted(edges, values, side="right")
    said = _written(edges)
    names = [
        f"below {said[0]}",
        *(f"{low} to {high}" for low, high in itertools.pairwise(said)),
        f"{said[-1]} and more",
    ]
    return [(name, np.flatnonzero(place == number)) for number, name in enumerate(names)]


def _by_value(values: Sequence[str]) -> list[tuple[str, Counts]]:
    names, place = np.unique(np.asarray(values, dtype=np.str_), return_inverse=True)
    return [(str(name), np.flatnonzero(place == number)) for number, name in enumerate(names)]


def _written(edges: NDArray[np.floating]) -> list[str]:
    """Return the edges with three digits, or as many as it takes to tell them apart."""
    for digits in range(3, 18):
        said = [_with_digits(float(edge), digits) for edge in edges]
        if len(set(said)) == len(said):
            break
    return said


def _with_digits(value: float, digits: int) -> str:
    places = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    said = f"{value:,.{places}f}"
    return said.rstrip("0").rstrip(".") if places else said


def _check(
    photos: int, numbers: Mapping[str, NDArray[np.floating]], categories: Mapping[str, Sequence[str]]
) -> None:
    lengths = [(name, len(values)) for name, values in numbers.items()]
    lengths += [(name, len(values)) for name, values in categories.items()]
    for name, length in lengths:
        if length != photos:
            raise DataError(
                f"The photos cannot be sliced by {name}.",
                rule="There must be one value for each photo.",
                found=f"Found {length} values and {photos} photos.",
            )
    for name, values in numbers.items():
        if not np.isfinite(values).all():
            raise DataError(
                f"The photos cannot be sliced by {name}.",
                rule="Every value must be a finite number.",
                found=f"Found {int((~np.isfinite(values)).sum())} that are not.",
            )
