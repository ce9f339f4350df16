"""Which photos the page of an audit shows: a few hundred out of any number."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from castproof.data.audit import Audit
from castproof.data.audit.duplicates import DuplicateGroup
from castproof.data.audit.outliers import Outlier
from castproof.data.audit.parts import LabelConflict
from castproof.data.manifest import SPLITS, Photo

TYPICAL_PAIRS: Final = 9
UNSURE_PAIRS: Final = 3
LARGEST_PARTS: Final = 12
PHOTOS_OF_PART: Final = 8
MINORITY: Final = 24
MAJORITY: Final = 6
CONFLICTS: Final = 100
CONFLICT_PHOTOS: Final = 600
DUPLICATES: Final = 12
PHOTOS_OF_DUPLICATE: Final = 6
OUTLIERS_OF_FLAG: Final = 12


@dataclass(frozen=True)
class PairChoice:
    """Two photos of one part; `unsure` where they are among those that castproof is least sure of."""

    part: str
    first: Photo
    second: Photo
    unsure: bool


@dataclass(frozen=True)
class ConflictChoice:
    """A part with both labels and the photos of it that are shown."""

    conflict: LabelConflict
    minority: tuple[Photo, ...]
    majority: tuple[Photo, ...]


@dataclass(frozen=True)
class Selection:
    """The photos that are shown, by section of the page."""

    pairs: tuple[PairChoice, ...]
    largest: dict[str, tuple[Photo, ...]]
    conflicts: tuple[ConflictChoice, ...]
    duplicates: tuple[DuplicateGroup, ...]
    outliers: dict[str, tuple[Outlier, ...]]

    def photos(self) -> tuple[Photo, ...]:
        """Return every photo that is shown, once, without those of pairs alone."""
        shown = [photo for photos in self.largest.values() for photo in photos]
        for choice in self.conflicts:
            shown += (*choice.minority, *choice.majority)
        for group in self.duplicates:
            shown += group.photos[:PHOTOS_OF_DUPLICATE]
        shown += [outlier.photo for outliers in self.outliers.values() for outlier in outliers]
        return tuple(dict.fromkeys(shown))


def select(audit: Audit) -> Selection:
    """Return the photos that the page shows."""
    several = {part: photos for part, photos in audit.parts.items() if len(photos) > 1}
    largest = dict(list(several.items())[:LARGEST_PARTS])
    outliers: dict[str, list[Outlier]] = defaultdict(list)
    for outlier in audit.outliers:
        outliers[outlier.flag].append(outlier)
    return Selection(
        pairs=_pairs(audit),
        largest={part: mixed(photos, PHOTOS_OF_PART) for part, photos in largest.items()},
        conflicts=tuple(_conflicts(audit.conflicts)),
        duplicates=audit.duplicates[:DUPLICATES],
        outliers={flag: tuple(found[:OUTLIERS_OF_FLAG]) for flag, found in outliers.items()},
    )


def mixed(photos: Iterable[Photo], count: int) -> tuple[Photo, ...]:
    """Return up to `count` photos, from every split and class in turn."""
    kinds: dict[tuple[str, str], list[Photo]] = defaultdict(list)
    for photo in photos:
        kinds[photo.split, photo.class_name].append(photo)
    turns = zip_longest(*(kinds[key] for key in sorted(kinds, key=_split_first)))
    return tuple([photo for turn in turns for photo in turn if photo is not None][:count])


def _split_first(key: tuple[str, str]) -> tuple[int, str]:
    split, class_name = key
    return (SPLITS.index(split) if split in SPLITS else -1, class_name)


def _pairs(audit: Audit) -> tuple[PairChoice, ...]:
    """Return pairs of parts of every size, then pairs with the photos that are least sure.

    They are of parts that are in several splits where there are such, else of any parts.
    """
    shared = audit.leak.shared if audit.leak else ()
    names = shared or tuple(part for part, photos in audit.parts.items() if len(photos) > 1)
    parts = [(name, audit.parts[name]) for name in names]
    typical = [_pair(name, photos) for name, photos in _spread(parts, TYPICAL_PAIRS)]
    doubtful = sorted(parts, key=lambda part: min(map(_confidence, part[1])))[:UNSURE_PAIRS]
    unsure = [_pair(name, photos, unsure=True) for name, photos in doubtful]
    known = {frozenset((one.first, one.second)) for one in typical}
    return (*typical, *(one for one in unsure if frozenset((one.first, one.second)) not in known))


def _pair(name: str, photos: Sequence[Photo], *, unsure: bool = False) -> PairChoice:
    """Return two photos of one part, of different splits and content where there are such."""
    by_trust = sorted(photos, key=_confidence, reverse=not unsure)
    second = max(by_trust, key=lambda one: _split_first((one.split, ""))) if not unsure else by_trust[0]
    others = [one for one in sorted(photos, key=_confidence, reverse=True) if one.file != second.file]
    first = max(
        others, key=lambda one: (one.sha256 != second.sha256, one.split != second.split, one.split == "train")
    )
    return PairChoice(name, first, second, unsure)


def _confidence(photo: Photo) -> float:
    return 1.0 if photo.confidence is None else photo.confidence


def _spread(
    parts: Sequence[tuple[str, tuple[Photo, ...]]], count: int
) -> list[tuple[str, tuple[Photo, ...]]]:
    """Return up to `count` of `parts`, evenly spaced."""
    if len(parts) <= count:
        return list(parts)
    return [parts[round(place * (len(parts) - 1) / (count - 1))] for place in range(count)]


def _conflicts(conflicts: Sequence[LabelConflict]) -> Iterator[ConflictChoice]:
    left = CONFLICT_PHOTOS
    for conflict in conflicts[:CONFLICTS]:
        minority = mixed(conflict.minority, min(MINORITY, left))
        majority = mixed(conflict.majority, min(MAJORITY, left - len(minority)))
        left -= len(minority) + len(majority)
        yield ConflictChoice(conflict, minority, majority)
