"""Everything that the audit of a data set found, from its manifest and the statistics of its photos."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from castproof.data.audit.duplicates import DuplicateGroup, find_duplicates
from castproof.data.audit.outliers import Outlier, find_outliers
from castproof.data.audit.parts import (
    LabelConflict,
    Leak,
    find_conflicts,
    find_leak,
    is_thin,
    photos_by_part,
)
from castproof.data.audit.shortcuts import Shortcut, find_shortcuts
from castproof.data.group_doubt import Doubt
from castproof.data.manifest import Manifest, Photo
from castproof.data.photo_statistics import PhotoStatistics

FLAGS = (
    "duplicate",
    "same-pixels",
    "leak",
    "label-conflict",
    "odd-label",
    "thin-evidence",
    "blurred",
    "dark",
    "over-exposed",
    "glare",
    "odd-object",
    "odd-size",
)


@dataclass(frozen=True, eq=False)
class Audit:
    """What the audit found.

    Args:
        manifest: the photos with part, confidence and flags; the flags are out of `FLAGS`.
        parts: the photos of every part, the parts with most photos first.
        duplicates: groups of equal photos, the most urgent first.
        leak: parts in more than one split; None where the photos are not split.
        conflicts: parts that carry both labels.
        shortcuts: every statistic, the most telling first; empty where a label is missing.
        outliers: photos that differ from the rest.
        doubt: why groups of photos that look alike are not taken for parts; None where parts are known.
    """

    manifest: Manifest
    parts: Mapping[str, tuple[Photo, ...]]
    duplicates: tuple[DuplicateGroup, ...]
    leak: Leak | None
    conflicts: tuple[LabelConflict, ...]
    shortcuts: tuple[Shortcut, ...]
    outliers: tuple[Outlier, ...]
    doubt: Doubt | None = None

    @property
    def has_leak(self) -> bool:
        """Whether a part, or a photo, is in more than one split."""
        return bool(self.leak and self.leak.shared) or any(one.across_splits for one in self.duplicates)

    @property
    def has_conflict(self) -> bool:
        """Whether a part, or a photo, carries both labels."""
        return bool(self.conflicts) or any(one.across_labels for one in self.duplicates)

    @property
    def is_clean(self) -> bool:
        """Whether parts can be told, and there is neither a leak nor a label conflict."""
        return self.doubt is None and not (self.has_leak or self.has_conflict)

    @property
    def thin(self) -> tuple[Photo, ...]:
        """The photos whose part is a guess: their confidence is below 0.5."""
        return tuple(photo for photo in self.manifest.photos if "thin-evidence" in photo.flags)

    def flag_counts(self) -> dict[str, int]:
        """Return the number of photos with each flag of `FLAGS`."""
        found = Counter(flag for photo in self.manifest.photos for flag in photo.flags)
        return {flag: found[flag] for flag in FLAGS}


def find_everything(
    manifest: Manifest, statistics: Mapping[str, PhotoStatistics], doubt: Doubt | None = None
) -> Audit:
    """Return what the audit finds in `manifest`.

    Args:
        manifest: photos with `sha256`, `part` and `confidence`. Flags that they carry are replaced.
        statistics: of every photo, by `sha256`.
        doubt: why parts cannot be told, where they cannot.
    """
    plain = tuple(replace(photo, flags=()) for photo in manifest.photos)
    parts = photos_by_part(plain)
    duplicates = find_duplicates(plain, statistics)
    leak, conflicts = find_leak(parts), find_conflicts(parts)
    outliers = find_outliers(plain, statistics)
    noticed: dict[str, set[str]] = defaultdict(set)
    for flag, photo in (
        *_of_duplicates(duplicates),
        *_of_parts(parts, leak, conflicts),
        *((outlier.flag, outlier.photo) for outlier in outliers),
        *(("thin-evidence", photo) for photo in plain if is_thin(photo)),
    ):
        noticed[photo.file].add(flag)
    flagged = tuple(
        replace(photo, flags=tuple(flag for flag in FLAGS if flag in noticed[photo.file])) for photo in plain
    )
    return Audit(
        manifest=replace(manifest, photos=flagged),
        parts=photos_by_part(flagged),
        duplicates=duplicates,
        leak=leak,
        conflicts=conflicts,
        shortcuts=find_shortcuts(plain, statistics),
        outliers=outliers,
        doubt=doubt,
    )


def _of_duplicates(duplicates: tuple[DuplicateGroup, ...]) -> Iterator[tuple[str, Photo]]:
    for group in duplicates:
        for photo in group.photos:
            yield "duplicate" if group.same == "bytes" else "same-pixels", photo


def _of_parts(
    parts: Mapping[str, tuple[Photo, ...]], leak: Leak | None, conflicts: tuple[LabelConflict, ...]
) -> Iterator[tuple[str, Photo]]:
    for part in leak.shared if leak else ():
        yield from (("leak", photo) for photo in parts[part])
    for conflict in conflicts:
        yield from (("label-conflict", photo) for photo in parts[conflict.part])
        yield from (("odd-label", photo) for photo in conflict.odd)
