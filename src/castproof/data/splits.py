"""Splitting a data set into train, val and test: no part in two splits, everything else as balanced as parts allow."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from castproof.data.assignment import Rows, assign
from castproof.data.manifest import SPLITS, Manifest, Photo
from castproof.errors import DataError, SettingError
from castproof.wording import counted

VAL_SHARE = 0.15
TEST_SHARE = 0.15
KIND_WEIGHT = 20.0
CLASS_WEIGHT = 5.0
PARTS_WEIGHT = 1.0
MORE_PARTS = "Add photos of more {kind} parts."

Group = tuple[Photo, ...]


def split_photos(
    manifest: Manifest, *, val: float = VAL_SHARE, test: float = TEST_SHARE, seed: int = 1337
) -> Manifest:
    """Return `manifest` with a split for every photo: seeded, balanced, independent of the photos' order.

    Photos of one known `part` go to the same split. Balanced are, in this order of weight, the photos of each
    kind (good and defective), the photos of each class, and the parts of each class. Every split gets parts of
    both kinds, and of each class that has three parts or more.

    Args:
        manifest: photos without a split.
        val: share of the photos for validation, in (0, 1).
        test: share of the photos for the test, in (0, 1); val + test < 1.
        seed: any integer from 0.

    Raises:
        SettingError: a share or the seed is out of its range.
        DataError: the photos have splits already, or there are less than three good or three defective parts.
    """
    check_shares(val, test)
    rule = f"Train, val and test each need at least one {{kind}} part, so at least {len(SPLITS)}."
    home = share_out(manifest.photos, (1 - val - test, val, test), seed=seed, rule=rule)
    photos = zip(manifest.photos, home, strict=True)
    return replace(manifest, photos=tuple(replace(photo, split=SPLITS[index]) for photo, index in photos))


def share_out(
    photos: Sequence[Photo], shares: Sequence[float], *, seed: int, rule: str, fix: str = MORE_PARTS
) -> list[int]:
    """Return the share, by its index, that each photo goes to; see `split_photos`.

    Args:
        photos: without a split.
        shares: above 0, with the sum 1.
        seed: any integer from 0.
        rule, fix: of the message where there are too few parts; {kind} in them becomes good or defective.

    Raises:
        SettingError: the seed is negative.
        DataError: the photos have splits already, or there are too few good or defective parts.
    """
    check_seed(seed)
    if any(photo.split for photo in photos):
        raise DataError(
            "The photos are split already.", fix="Use their splits, or read the class folders again."
        )
    for defective in (False, True):
        of_kind = [photo for photo in photos if photo.defective == defective]
        _check_parts(of_kind, "defective" if defective else "good", len(shares), rule, fix)
    groups = _shuffled(_groups(photos), seed)
    home = assign(_rows(groups, len(shares)), shares, seed=seed)
    of_part = {part_key(group[0]): int(split) for group, split in zip(groups, home, strict=True)}
    return [of_part[part_key(photo)] for photo in photos]


def part_key(photo: Photo) -> tuple[str, str]:
    """Return what photos of one part have in common; a photo of unknown part is a part of its own."""
    return ("part", photo.part) if photo.part else ("file", photo.file)


def numbered(keys: Sequence[tuple[object, ...]]) -> NDArray[np.int64]:
    """Return the place of each key among the sorted different ones, int64 (n,)."""
    place = {key: number for number, key in enumerate(sorted(set(keys)))}
    return np.array([place[key] for key in keys], np.int64)


def check_shares(val: float, test: float) -> None:
    """Raise SettingError where the shares of val and test are not above 0 with a sum below 1."""
    if not (0 < val < 1 and 0 < test < 1 and val + test < 1):
        raise SettingError(
            "The shares of val and test do not fit.",
            rule="Both are above 0 and their sum is below 1.",
            found=f"val is {val}, test is {test}.",
            fix=f"Give other shares, for example {VAL_SHARE} for each.",
        )


def check_seed(seed: int) -> None:
    """Raise SettingError where the seed is negative."""
    if seed < 0:
        raise SettingError(
            "The seed is negative.",
            rule="It is an integer from 0.",
            found=f"It is {seed}.",
            fix=f"Leave the minus out: {-seed}.",
        )


def _check_parts(photos: Sequence[Photo], kind: str, needed: int, rule: str, fix: str) -> None:
    parts = len(set(map(part_key, photos)))
    if parts < needed:
        raise DataError(
            f"There are too few {kind} parts.",
            rule=rule.format(kind=kind),
            found=f"Found {counted(len(photos), f'{kind} photo')} of {counted(parts, 'part')}.",
            fix=fix.format(kind=kind),
        )


def _groups(photos: Iterable[Photo]) -> list[Group]:
    """Return what must stay together, by file name: photos of one part, or one photo of an unknown part."""
    members: dict[tuple[str, str], list[Photo]] = defaultdict(list)
    for photo in sorted(photos, key=lambda photo: photo.file):
        members[part_key(photo)].append(photo)
    return [tuple(group) for group in members.values()]


def _shuffled(groups: Sequence[Group], seed: int) -> list[Group]:
    """Return `groups` by their most frequent class, at random within; other classes do not change that order."""
    by_class: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        counts = Counter(photo.class_name for photo in group)
        by_class[min(counts, key=lambda name: (-counts[name], name))].append(group)
    shuffled: list[Group] = []
    for name, members in sorted(by_class.items()):
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
        rng = np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])
        shuffled += [members[i] for i in rng.permutation(len(members))]
    return shuffled


def _rows(groups: Sequence[Group], splits: int) -> Rows:
    """Return the photos of each kind, the photos of each class and the parts of each class in every group."""
    labels = sorted({(photo.class_name, photo.defective) for group in groups for photo in group})
    column = {name: index for index, (name, _) in enumerate(labels)}
    photos = np.zeros((len(groups), len(labels)))
    for index, group in enumerate(groups):
        for photo in group:
            photos[index, column[photo.class_name]] += 1
    defective = np.array([defective for _, defective in labels])
    of_kind = np.stack([~defective, defective], axis=1).astype(np.float64)
    kinds, parts = photos @ of_kind, (photos > 0).astype(np.float64)
    each = 1 / (of_kind @ of_kind.sum(axis=0))
    weights = np.concatenate([np.full(2, KIND_WEIGHT), CLASS_WEIGHT * each, PARTS_WEIGHT * each])
    can_fill = parts.sum(axis=0) >= splits
    required = np.concatenate([np.full(2, True), can_fill, np.full(len(labels), False)])
    rare_first = np.argsort(parts.sum(axis=0), kind="stable")
    order = np.concatenate([[0, 1], 2 + rare_first, 2 + len(labels) + np.arange(len(labels))])
    return Rows(np.hstack([kinds, photos, parts])[:, order], weights[order], required[order])
