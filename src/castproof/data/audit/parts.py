"""Parts that are in more than one split, and parts that carry both labels."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from castproof.data.manifest import SPLITS, Photo

ODD_LABEL_BELOW: Final = 1 / 3
THIN_BELOW: Final = 0.5

Kind = Literal["all", "good", "defective"]
Parts = Mapping[str, Sequence[Photo]]


@dataclass(frozen=True)
class LeakCount:
    """How much of one split shows parts that an earlier split shows too.

    Args:
        split: test, or val.
        kind: the photos that are counted: all, good or defective.
        photos: in the split, those of unknown part left out; unreadable photos are not among them.
        photos_in_train: of these, how many show a part that train shows too.
        photos_in_earlier: the same for train and val together; for val equal to `photos_in_train`.
        parts: that these photos show.
        parts_in_train: of these, how many train shows too.
        parts_in_earlier: the same for train and val together.
    """

    split: str
    kind: Kind
    photos: int
    photos_in_train: int
    photos_in_earlier: int
    parts: int
    parts_in_train: int
    parts_in_earlier: int


@dataclass(frozen=True)
class Leak:
    """Parts in more than one split.

    Args:
        parts: number of parts in all splits together.
        shared: ids of the parts that are in more than one split, those with most photos first.
        counts: of test and of val: all, good and defective.
    """

    parts: int
    shared: tuple[str, ...]
    counts: tuple[LeakCount, ...]

    def of(self, split: str, kind: Kind = "all") -> LeakCount:
        """Return the counts of `split` and `kind`."""
        return next(one for one in self.counts if (one.split, one.kind) == (split, kind))


@dataclass(frozen=True)
class LabelConflict:
    """One part that carries both labels.

    Args:
        part: its id.
        good: its photos labelled good.
        defective: its photos labelled defective.
    """

    part: str
    good: tuple[Photo, ...]
    defective: tuple[Photo, ...]

    @property
    def minority(self) -> tuple[Photo, ...]:
        """The photos of the label that fewer photos carry; the good ones where both are as many."""
        return min(self.good, self.defective, key=len)

    @property
    def majority(self) -> tuple[Photo, ...]:
        """The photos of the other label."""
        return self.defective if self.minority is self.good else self.good

    @property
    def odd(self) -> tuple[Photo, ...]:
        """The photos whose label disagrees with the rest: the minority, where it is below a third."""
        share = len(self.minority) / (len(self.good) + len(self.defective))
        return self.minority if share < ODD_LABEL_BELOW else ()


def photos_by_part(photos: Iterable[Photo]) -> dict[str, tuple[Photo, ...]]:
    """Return the photos of every part, the parts with most photos first. Photos of unknown part are left out."""
    parts: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        if photo.part:
            parts[photo.part].append(photo)
    return {part: tuple(parts[part]) for part in sorted(parts, key=lambda part: (-len(parts[part]), part))}


def is_thin(photo: Photo) -> bool:
    """Return whether the part of `photo` is a guess: its confidence is below 0.5."""
    return photo.confidence is not None and photo.confidence < THIN_BELOW


def find_leak(parts: Parts) -> Leak | None:
    """Return which parts are in more than one split; None where the photos are not split."""
    splits = {part: {photo.split for photo in photos} for part, photos in parts.items()}
    if not any(split in SPLITS for found in splits.values() for split in found):
        return None
    shared = tuple(part for part, found in splits.items() if len(found) > 1)
    kinds: tuple[Kind, ...] = ("all", "good", "defective")
    counts = tuple(_count(parts, splits, split, kind) for split in ("test", "val") for kind in kinds)
    return Leak(len(parts), shared, counts)


def find_conflicts(parts: Parts) -> tuple[LabelConflict, ...]:
    """Return the parts that carry both labels, those with most photos first."""
    found = [
        LabelConflict(
            part,
            tuple(photo for photo in photos if not photo.defective),
            tuple(photo for photo in photos if photo.defective),
        )
        for part, photos in parts.items()
    ]
    return tuple(one for one in found if one.good and one.defective)


def _count(parts: Parts, splits: Mapping[str, set[str]], split: str, kind: Kind) -> LeakCount:
    earlier = set(SPLITS[: SPLITS.index(split)])
    photos, in_parts = Counter[str](), Counter[str]()
    for part, members in parts.items():
        n = sum(one.split == split and kind in ("all", _kind(one)) for one in members)
        if not n:
            continue
        wheres = ["all"]
        wheres += ["train"] if "train" in splits[part] else []
        wheres += ["earlier"] if splits[part] & earlier else []
        for where in wheres:
            photos[where] += n
            in_parts[where] += 1
    return LeakCount(
        split,
        kind,
        photos["all"],
        photos["train"],
        photos["earlier"],
        in_parts["all"],
        in_parts["train"],
        in_parts["earlier"],
    )


def _kind(photo: Photo) -> str:
    return "defective" if photo.defective else "good"
