"""Files that hold the same bytes, and files that show the same pixels."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from castproof.data.manifest import Photo
from castproof.data.photo_statistics import PhotoStatistics


@dataclass(frozen=True)
class DuplicateGroup:
    """Photos that are one and the same.

    Args:
        same: "bytes" for identical files, "pixels" for different files that decode to the same pixels.
        photos: two or more, in the order of the manifest.
    """

    same: Literal["bytes", "pixels"]
    photos: tuple[Photo, ...]

    @property
    def across_splits(self) -> bool:
        """Whether the photos are in more than one split."""
        return len({photo.split for photo in self.photos}) > 1

    @property
    def across_labels(self) -> bool:
        """Whether one of the photos is labelled good and another one defective."""
        return len({photo.defective for photo in self.photos}) > 1


def find_duplicates(
    photos: Sequence[Photo], statistics: Mapping[str, PhotoStatistics]
) -> tuple[DuplicateGroup, ...]:
    """Return the groups of equal photos: those across labels first, then those across splits, then the largest.

    Photos with equal bytes have equal pixels too; a group of equal pixels is returned only where it holds
    different files.

    Args:
        photos: with their `sha256`.
        statistics: of each photo, by `sha256`.
    """
    by_bytes: dict[str, list[Photo]] = defaultdict(list)
    by_pixels: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        by_bytes[photo.sha256].append(photo)
        by_pixels[statistics[photo.sha256].pixel_hash].append(photo)
    groups = [DuplicateGroup("bytes", tuple(same)) for same in by_bytes.values() if len(same) > 1]
    groups += [
        DuplicateGroup("pixels", tuple(same))
        for same in by_pixels.values()
        if len({photo.sha256 for photo in same}) > 1
    ]
    return tuple(sorted(groups, key=_urgency))


def _urgency(group: DuplicateGroup) -> tuple[bool, bool, int, str]:
    return (not group.across_labels, not group.across_splits, -len(group.photos), group.photos[0].file)
