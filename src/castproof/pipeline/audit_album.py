"""The pictures of an audit's page, made in several threads."""

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from castproof.data.content_cache import PhotoEntries, cache_folder
from castproof.data.manifest import Manifest, Photo
from castproof.errors import ImageError
from castproof.images import decode
from castproof.parts.align import Alignment, align
from castproof.parts.find import ENGINE_VERSION
from castproof.pipeline.audit_selection import PairChoice
from castproof.progress import SILENT, Progress
from castproof.report.audit_page import Pair, Tile
from castproof.report.thumbnails import Picture, overlay, thumbnail, turned_onto
from castproof.threads import map_in_threads

TILE_PX: Final = 160
PAIR_PX: Final = 240


class Album:
    """Pictures of photos, by file.

    Args:
        manifest: where the photos are.
        photos: those that will be asked for.
        progress: told of every picture.
    """

    def __init__(self, manifest: Manifest, photos: Sequence[Photo], progress: Progress = SILENT) -> None:
        self._manifest = manifest
        pictures = map_in_threads(self._picture, photos, "making pictures", progress=progress)
        self._pictures = {photo.file: picture for photo, picture in zip(photos, pictures, strict=True)}

    def tile(self, photo: Photo, note: str = "") -> Tile:
        """Return `photo` with its caption."""
        return caption(photo, self._pictures.get(photo.file), note)

    def _picture(self, photo: Photo) -> Picture | None:
        try:
            return thumbnail(decode(self._manifest.path(photo)), TILE_PX)
        except ImageError:
            return None


def pairs(
    manifest: Manifest,
    choices: Sequence[PairChoice],
    limit: float | None = None,
    *,
    use_cache: bool = True,
    progress: Progress = SILENT,
) -> list[Pair]:
    """Return pairs of photos, the second one laid over the first.

    Args:
        manifest: where the photos are.
        choices: the pairs.
        limit: agreement from which two photos link their parts; None where no photos were compared.
        use_cache: look up how the same two photos lay on each other before, and keep it.
        progress: told of every pair.
    """
    aligner = _Aligner(PhotoEntries(cache_folder(), "alignments", ENGINE_VERSION) if use_cache else None)
    made = map_in_threads(
        lambda choice: _pair(manifest, choice, aligner, limit), choices, "aligning pairs", progress=progress
    )
    aligner.keep()
    return made


class _Aligner:
    """Aligns photos in several threads and remembers how."""

    def __init__(self, cache: PhotoEntries | None) -> None:
        self._cache = cache
        self._new: dict[str, list[float]] = {}

    def __call__(self, manifest: Manifest, first: Photo, second: Photo) -> Alignment:
        key = hashlib.sha256(f"{first.sha256} {second.sha256}".encode("ascii")).hexdigest()
        kept = _numbers(self._cache.get(key)) if self._cache else None
        if kept is None:
            found = align(manifest.path(first), manifest.path(second))
            kept = self._new[key] = [*found.matrix.ravel().tolist(), float(found.score)]
        return Alignment(np.array(kept[:6]).reshape(2, 3), kept[6])

    def keep(self) -> None:
        if self._cache is not None and self._new:
            self._cache.add(self._new)


def _numbers(data: object) -> list[float] | None:
    """Return seven finite numbers, None where `data` is anything else."""
    if not isinstance(data, list) or len(data) != 7:
        return None
    return data if all(isinstance(one, int | float) and abs(one) < 1e300 for one in data) else None


def caption(photo: Photo, picture: Picture | None, note: str = "") -> Tile:
    """Return `picture` with what is known of `photo`."""
    return Tile(picture, photo.file, photo.split, "defective" if photo.defective else "good", note)


def _pair(manifest: Manifest, choice: PairChoice, aligner: _Aligner, limit: float | None) -> Pair:
    notes = ["one of the least sure"] if choice.unsure else []
    try:
        a, b = (decode(manifest.path(photo)) for photo in (choice.first, choice.second))
        found = aligner(manifest, choice.first, choice.second)
    except ImageError:
        first, second = (caption(photo, None) for photo in (choice.first, choice.second))
        return Pair(choice.part, first, second, None, None, "", "; ".join(notes))
    if limit is not None and found.score < limit:
        notes.append(f"below the limit of {limit:.2f}: joined by way of other photos, or by its small marks")
    return Pair(
        part=choice.part,
        first=caption(choice.first, thumbnail(a, PAIR_PX)),
        second=caption(choice.second, thumbnail(b, PAIR_PX)),
        turned=turned_onto(a, b, found.matrix, PAIR_PX),
        overlay=overlay(a, b, found.matrix, PAIR_PX),
        score=f"agreement {found.score:.2f}",
        note="; ".join(notes),
    )
