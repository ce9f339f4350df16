"""Splitting a data set into train, val and test."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from castproof.data.manifest import SPLITS, Manifest, Photo
from castproof.errors import DataError, SettingError

Group = tuple[Photo, ...]


def split_photos(manifest: Manifest, *, val: float = 0.15, test: float = 0.15, seed: int = 1337) -> Manifest:
    """Return `manifest` with a split for every photo: seeded, by class, independent of the photos' order.

    Photos of one known `part` go to the same split. Classes with fewer than three parts (or photos, where the
    parts are unknown) are split together with the other small classes of their kind, good or defective.

    Args:
        manifest: photos without a split.
        val: share of the photos for validation, in (0, 1).
        test: share of the photos for the test, in (0, 1); val + test < 1.
        seed: any integer from 0.

    Raises:
        SettingError: a share or the seed is out of its range.
        DataError: the photos have splits already, or do not suffice for good and defective ones in each.
    """
    _check_settings(val, test, seed)
    if any(photo.split for photo in manifest.photos):
        raise DataError(
            "The photos are split already.", fix="Use their splits, or read the class folders anew."
        )
    shares = {"train": 1 - val - test, "val": val, "test": test}
    splits: dict[str, str] = {}
    for stratum, groups in _strata(_groups(manifest.photos)).items():
        splits |= _assigned(_shuffled(groups, stratum, seed), shares)
    result = replace(manifest, photos=tuple(replace(p, split=splits[p.file]) for p in manifest.photos))
    _check_every_split(result)
    return result


def _check_settings(val: float, test: float, seed: int) -> None:
    if not (0 < val < 1 and 0 < test < 1 and val + test < 1):
        raise SettingError(
            "The shares of val and test do not fit.",
            rule="Both are above 0 and their sum is below 1.",
            found=f"val is {val}, test is {test}.",
        )
    if seed < 0:
        raise SettingError("The seed is negative.", rule="It is an integer from 0.", found=f"It is {seed}.")


def _groups(photos: Sequence[Photo]) -> list[Group]:
    """Return what must stay together, by file name: photos of one part, or one photo of an unknown part."""
    members: dict[tuple[str, str], list[Photo]] = defaultdict(list)
    for photo in sorted(photos, key=lambda photo: photo.file):
        members[("part", photo.part) if photo.part else ("file", photo.file)].append(photo)
    return [tuple(group) for group in members.values()]


def _strata(groups: Sequence[Group]) -> dict[str, list[Group]]:
    """Return the groups by their most frequent class; small classes of one kind are put together."""
    by_class: dict[tuple[bool, str], list[Group]] = defaultdict(list)
    for group in groups:
        counts = Counter((photo.defective, photo.class_name) for photo in group)
        by_class[min(counts, key=lambda key: (-counts[key], key))].append(group)
    strata: dict[str, list[Group]] = defaultdict(list)
    for (defective, name), members in sorted(by_class.items()):
        small = len(members) < len(SPLITS)
        strata[f"small {defective}" if small else f"class {name}"] += members
    return strata


def _shuffled(groups: Sequence[Group], stratum: str, seed: int) -> list[Group]:
    """Return `groups` in random order, the largest first; other strata do not change the order."""
    name = hashlib.sha256(stratum.encode("utf-8", "surrogateescape")).digest()
    rng = np.random.default_rng([seed, int.from_bytes(name[:8], "big")])
    return sorted((groups[i] for i in rng.permutation(len(groups))), key=len, reverse=True)


def _assigned(groups: Sequence[Group], shares: Mapping[str, float]) -> dict[str, str]:
    """Return the split of every file: the two smallest groups go to val and test, each other one to the split
    that lacks most photos."""
    total = sum(len(group) for group in groups)
    lacking = {split: share * total for split, share in shares.items()}
    reserved = ["val", "test"] if len(groups) >= len(SPLITS) else []
    order = [*reserved, *[""] * (len(groups) - len(reserved))]
    splits: dict[str, str] = {}
    turn = [*groups[len(groups) - len(reserved) :], *groups[: len(groups) - len(reserved)]]
    for group, wanted in zip(turn, order, strict=True):
        split = wanted or max(lacking, key=lambda name: lacking[name])
        lacking[split] -= len(group)
        splits |= {photo.file: split for photo in group}
    return splits


def _check_every_split(manifest: Manifest) -> None:
    for kind, defective in (("good", False), ("defective", True)):
        photos = [photo for photo in manifest.photos if photo.defective == defective]
        filled = {photo.split for photo in photos}
        if len(filled) < len(SPLITS):
            parts = {photo.part or photo.file for photo in photos}
            raise DataError(
                f"There are too few {kind} photos to split.",
                rule=f"Train, val and test each need at least one {kind} part, so at least {len(SPLITS)}.",
                found=f"There are {len(photos)} {kind} photos of {len(parts)} parts.",
                fix=f"Add photos of more {kind} parts.",
            )
