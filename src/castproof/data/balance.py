"""How well a split shares out photos, parts and classes."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from castproof.data.manifest import SPLITS, Manifest, Photo
from castproof.data.splits import part_key

FEW_PARTS: Final = 5  # below, one part judged otherwise changes a rate by a quarter or more


@dataclass(frozen=True)
class SplitShare:
    """What one split, or one fold, holds.

    Args:
        name: train, val or test, or the number of the fold.
        photos: number of photos.
        share: of all photos, in [0, 1].
        parts: number of parts.
        photos_of: number of photos by class, the good classes first.
        parts_of: number of parts by class; a part with photos of two classes counts in both.
        parts_of_kind: number of good and of defective parts; a part with both labels counts in both.
    """

    name: str
    photos: int
    share: float
    parts: int
    photos_of: Mapping[str, int]
    parts_of: Mapping[str, int]
    parts_of_kind: Mapping[str, int]


@dataclass(frozen=True)
class Balance:
    """What each split holds, and how many parts are in more than one of them (0 unless split by image)."""

    splits: tuple[SplitShare, ...]
    shared_parts: int


def balance(manifest: Manifest) -> Balance:
    """Return what train, val and test of `manifest` hold."""
    found = {photo.split for photo in manifest.photos}
    names = [name for name in ("", *SPLITS) if name in found]
    return balance_of(manifest.photos, [photo.split for photo in manifest.photos], names)


def balance_of(photos: Sequence[Photo], homes: Sequence[str], names: Sequence[str]) -> Balance:
    """Return what each of `names` holds of `photos`; photos of unknown part count as parts of their own.

    Args:
        photos: all photos.
        homes: for each photo one of `names`.
        names: splits or folds, in the order to show.
    """
    members: dict[str, list[Photo]] = {name: [] for name in names}
    homes_of: dict[tuple[str, str], set[str]] = defaultdict(set)
    for photo, home in zip(photos, homes, strict=True):
        members[home].append(photo)
        homes_of[part_key(photo)].add(home)
    classes = [name for _, name in sorted({(photo.defective, photo.class_name) for photo in photos})]
    shares = tuple(_share(name, members[name], len(photos), classes) for name in names)
    return Balance(shares, sum(len(found) > 1 for found in homes_of.values()))


def _share(name: str, photos: Sequence[Photo], total: int, classes: Sequence[str]) -> SplitShare:
    photos_of = Counter(photo.class_name for photo in photos)
    parts_of = Counter(class_name for class_name, _ in {(one.class_name, part_key(one)) for one in photos})
    of_kind = Counter(defective for defective, _ in {(one.defective, part_key(one)) for one in photos})
    return SplitShare(
        name,
        len(photos),
        len(photos) / total,
        len(set(map(part_key, photos))),
        {one: photos_of[one] for one in classes},
        {one: parts_of[one] for one in classes},
        {"good": of_kind[False], "defective": of_kind[True]},
    )
