"""The pictures of a report: which photos are shown, and how they become small pictures, in several threads."""

from collections import Counter
from collections.abc import Iterable, Sequence

from castproof.data.manifest import Manifest, Photo
from castproof.errors import ImageError
from castproof.images import decode
from castproof.progress import SILENT, Progress
from castproof.report.thumbnails import Picture, thumbnail
from castproof.threads import map_in_threads


def thumbnails(
    manifest: Manifest, photos: Sequence[Photo], longest_px: int, progress: Progress = SILENT
) -> dict[str, Picture]:
    """Return small pictures by file; photos that can no longer be read are not among them.

    Args:
        manifest: where the photos are.
        photos: those to read.
        longest_px: longer side of the pictures, pixels.
        progress: told of every picture.
    """

    def made(photo: Photo) -> Picture | None:
        try:
            return thumbnail(decode(manifest.path(photo)), longest_px)
        except ImageError:
            return None

    pictures = map_in_threads(made, photos, "making pictures", progress=progress)
    return {
        photo.file: picture for photo, picture in zip(photos, pictures, strict=True) if picture is not None
    }


def few_per_part(photos: Sequence[Photo], ranked: Iterable[int], most: int, per_part: int) -> list[int]:
    """Return the first `most` of `ranked`, places in `photos`, with no more than `per_part` photos of a part."""
    taken: Counter[str] = Counter()
    found: list[int] = []
    for place in ranked:
        part = photos[place].part or photos[place].file
        if taken[part] < per_part and len(found) < most:
            taken[part] += 1
            found.append(place)
    return found
