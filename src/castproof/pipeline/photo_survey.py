"""Reading every photo of a data set once: its hash, and its statistics where they are not known yet."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from castproof.data.content_cache import PhotoEntries, cache_folder
from castproof.data.folders import with_hashes
from castproof.data.manifest import Manifest
from castproof.data.photo_statistics import STATISTICS_VERSION, PhotoStatistics, photo_statistics
from castproof.errors import ImageError, UnreadableError
from castproof.images import decode, read_photo
from castproof.parts.photo import Grey, shrunk
from castproof.progress import SILENT, Progress
from castproof.threads import map_in_threads
from castproof.wording import counted


@dataclass(frozen=True)
class Survey:
    """The photos of a data set with their hashes, and what was measured on them.

    Args:
        manifest: the photos that can be read, with `sha256`; the others are in `unreadable`.
        statistics: of every photo, by `sha256`.
        greys: uint8 (H, W) at working size, by `sha256`, of the photos that were decoded.
    """

    manifest: Manifest
    statistics: dict[str, PhotoStatistics]
    greys: dict[str, Grey]


def survey_photos(
    manifest: Manifest,
    *,
    skip_unreadable: bool = False,
    use_cache: bool = True,
    progress: Progress = SILENT,
) -> Survey:
    """Return hash and statistics of every photo. A photo that was measured before is read, but not decoded.

    Args:
        manifest: the photos to read.
        skip_unreadable: move photos that cannot be decoded to `unreadable` instead of raising.
        use_cache: look up what was measured before, and keep what is measured now.
        progress: told of every photo.

    Raises:
        UnreadableError: photos cannot be decoded (all of them, where they may be skipped).
    """
    survey = _Surveyor(PhotoEntries(cache_folder(), "statistics", STATISTICS_VERSION) if use_cache else None)
    paths = [manifest.path(photo) for photo in manifest.photos]
    try:
        looked = map_in_threads(survey.look, paths, "reading photos", progress=progress)
    finally:
        survey.keep()
    readable = with_hashes(manifest, looked)
    bad = readable.unreadable[len(manifest.unreadable) :]
    if bad and not (skip_unreadable and readable.photos):
        raise UnreadableError(
            f"{len(bad):,} of {counted(len(manifest.photos), 'photo')} in {manifest.root} cannot be read.",
            fix="Repair or remove them, or go on without them: --skip-unreadable."
            if readable.photos
            else "Replace them.",
            items=[f"{one.file}: {one.reason}" for one in bad],
        )
    return Survey(readable, survey.statistics, survey.greys)


class _Surveyor:
    """Looks at photos in several threads and remembers what it measured."""

    def __init__(self, cache: PhotoEntries | None) -> None:
        self.statistics: dict[str, PhotoStatistics] = {}
        self.greys: dict[str, Grey] = {}
        self._cache = cache
        self._measured: dict[str, PhotoStatistics] = {}

    def look(self, path: Path) -> tuple[str, str]:
        """Return the SHA-256 of the file at `path`, and why it cannot be decoded ("" where it can)."""
        try:
            data = read_photo(path)
            digest = hashlib.sha256(data).hexdigest()
            if digest in self.statistics:
                return digest, ""
            kept = PhotoStatistics.from_json(self._cache.get(digest)) if self._cache else None
            if kept is None:
                pixels = decode(data)
                kept = self._measured[digest] = photo_statistics(pixels, len(data))
                self.greys[digest] = shrunk(pixels).grey
        except ImageError as error:
            return "", str(error)
        self.statistics[digest] = kept
        return digest, ""

    def keep(self) -> None:
        """Write what was measured into the cache, the work of a run that was stopped included."""
        measured = self._measured.copy()
        if self._cache is not None and measured:
            self._cache.add({digest: one.to_json() for digest, one in measured.items()})
