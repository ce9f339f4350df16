"""What has moved in a new set of photos, beside training: light, focus, position, size, and what the network says."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from castproof.data.manifest import Photo
from castproof.data.photo_statistics import PhotoStatistics
from castproof.measure.drift import Measured, Moved, moved
from castproof.measure.scores import Counts, Flags, Floats

LEVEL: Final = 0.05
LIGHT: Final = "light"
FOCUS: Final = "focus"
POSITION: Final = "position"
NETWORK: Final = "network"
CLEARNESS: Final = "clearness"
GOOD_PARTS: Final = "good parts"
DEFECTIVE_PARTS: Final = "defective parts"
ANY_KIND: Final = "parts"
STATISTICS: Final[Mapping[str, str]] = {
    "brightness": LIGHT,
    "contrast": LIGHT,
    "glare": LIGHT,
    "rim_contrast": LIGHT,
    "sharpness": FOCUS,
    "centre_x": POSITION,
    "centre_y": POSITION,
    "extent": POSITION,
}


@dataclass(frozen=True)
class Change:
    """One number of one kind of parts, beside training.

    Args:
        what: LIGHT, FOCUS, POSITION or NETWORK.
        name: which number.
        kind: which parts.
        told: the comparison.
    """

    what: str
    name: str
    kind: str
    told: Moved


@dataclass(frozen=True)
class SizeChange:
    """New photos of a size, in pixels, that no photo of the run has.

    Args:
        photos: how many.
        of: out of so many.
        size: the most frequent size among them.
        usual: the most frequent size at training.
    """

    photos: int
    of: int
    size: tuple[int, int]
    usual: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Values:
    """Numbers of photos by name, float64 (n,) each; part, int64 (n,), and label, bool (n,), of each photo."""

    numbers: Mapping[str, Floats]
    part: Counts
    defective: Flags


_Family = dict[str, tuple[str, str, Measured, Measured]]


def changes(before: Values, now: Values, what: Mapping[str, str], *, seed: int = 1337) -> list[Change]:
    """Return every number of good and of defective parts beside training; a false alarm among all in 5% of cases.

    Each kind is compared with its like: another share of defective parts is no change. A kind with so few parts that no
    arrangement of them is rare enough is compared apart, so that it costs the other nothing.

    Args:
        before, now: the photos.
        what: the numbers to compare, and what each belongs to.
        seed: see `moved`.
    """
    families: tuple[_Family, _Family] = ({}, {})
    for kind, kind_name in enumerate((GOOD_PARTS, DEFECTIVE_PARTS)):
        rows, others = before.defective == bool(kind), now.defective == bool(kind)
        old, new = len(np.unique(before.part[rows])), len(np.unique(now.part[others]))
        if old < 2 or not new:
            continue
        hopeless = math.comb(old + new, new) * LEVEL < len(what)
        for name in what:
            families[hopeless][f"{name} of {kind_name}"] = (
                name,
                kind_name,
                Measured(before.numbers[name][rows], before.part[rows]),
                Measured(now.numbers[name][others], now.part[others]),
            )
    return [one for family in families for one in _compared(family, what, seed)]


def _compared(family: _Family, what: Mapping[str, str], seed: int) -> list[Change]:
    old = {key: values for key, (_, _, values, _) in family.items()}
    new = {key: values for key, (_, _, _, values) in family.items()}
    return [
        Change(what[family[told.name][0]], *family[told.name][:2], told)
        for told in moved(old, new, level=LEVEL, seed=seed)
    ]


def changes_of_any_mix(
    before: Values, now: Values, what: Mapping[str, str], *, seed: int = 1337
) -> list[Change]:
    """Return every number of parts of unknown kind beside training; a false alarm among all in at most 5% of cases.

    A number has moved where its level lies on the same side of that of the good and of that of the defective parts at
    training, each with half of the chance of a false alarm: then no mix of these kinds looks like the new parts. The
    comparison with the kind that it lies nearer to is returned.

    Args:
        before: photos at training.
        now: new photos; their kind says nothing.
        what: the numbers to compare, and what each belongs to.
        seed: see `moved`.
    """
    both = []
    for kind in (False, True):
        rows = before.defective == kind
        if len(np.unique(before.part[rows])) < 2:
            return []
        old = {name: Measured(before.numbers[name][rows], before.part[rows]) for name in what}
        new = {name: Measured(now.numbers[name], now.part) for name in what}
        both.append(moved(old, new, level=LEVEL / 2, seed=seed))
    return [
        Change(what[one.name], one.name, ANY_KIND, _nearer(one, other))
        for one, other in zip(*both, strict=True)
    ]


def _nearer(one: Moved, other: Moved) -> Moved:
    alike = (one.now > one.before) == (other.now > other.before)
    level = one.in_what == other.in_what == "level"
    found = one if one.p_value >= other.p_value else other
    return replace(
        found,
        moved=one.moved and other.moved and alike and level,
        noticeable=max(one.noticeable, other.noticeable),
    )


def statistics_of(photos: Sequence[Photo], statistics: Mapping[str, PhotoStatistics]) -> dict[str, Floats]:
    """Return every number of STATISTICS, float64 (n,) each."""
    return {
        name: np.array([getattr(statistics[photo.sha256], name) for photo in photos], np.float64)
        for name in STATISTICS
    }


def size_change(before: Sequence[PhotoStatistics], now: Sequence[PhotoStatistics]) -> SizeChange | None:
    """Return new photos of a size that no photo of the run has; None without any."""
    old = Counter((one.width, one.height) for one in before)
    strange = Counter(size for one in now if (size := (one.width, one.height)) not in old)
    if not strange or not old:
        return None
    return SizeChange(strange.total(), len(now), strange.most_common(1)[0][0], old.most_common(1)[0][0])
