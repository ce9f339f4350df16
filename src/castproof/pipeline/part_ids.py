"""Which part every photo of a data set shows, looked up where the same photos were compared before."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from castproof.data.content_cache import Results, cache_folder
from castproof.data.manifest import Manifest, Photo, read_csv
from castproof.errors import DataError
from castproof.parts.find import ENGINE_VERSION, FoundParts, find_parts
from castproof.parts.photo import Grey
from castproof.progress import SILENT, Progress

KEPT_SCORES: Final = 20_000
_FORMAT = 1


def with_parts(
    manifest: Manifest,
    *,
    greys: Mapping[str, Grey] | None = None,
    progress: Progress = SILENT,
    use_cache: bool = True,
) -> tuple[Manifest, FoundParts]:
    """Return `manifest` with part and confidence of every photo, and the evidence.

    The answer is kept by the content of the photos: the same photos under other names need no comparison. Of
    each kind of scores at most 20,000 are returned, sorted and evenly spaced by rank.

    Args:
        manifest: photos with their `sha256`.
        greys: photos at working size by `sha256`, for those that were read before.
        progress: told of every photo and every comparison.
        use_cache: look the answer up and keep it.

    Raises:
        ImageError: a photo cannot be decoded.
    """
    digests = [photo.sha256 for photo in manifest.photos]
    cache, key = Results(cache_folder(), "parts"), _key(digests)
    found = _from_json(cache.read(key), digests) if use_cache else None
    if found is None:
        paths = [manifest.path(photo) for photo in manifest.photos]
        found = find_parts(paths, digests, known=greys, progress=progress)
        found = replace(found, different=_thinned(found.different), same=_thinned(found.same))
        if use_cache:
            cache.write(key, _to_json(found, digests))
    photos = tuple(
        replace(photo, part=part, confidence=round(float(confidence), 3))
        for photo, part, confidence in zip(manifest.photos, found.part, found.confidence, strict=True)
    )
    return replace(manifest, photos=photos), found


def with_recorded_parts(manifest: Manifest, *, progress: Progress = SILENT) -> Manifest:
    """Return `manifest` with the parts that DATA/manifest.csv tells, or found parts where it does not tell all.

    `castproof split` writes that file; whoever knows the parts, from serial numbers for example, can write it, too. It
    counts only where it names every photo with its present content.

    Raises:
        ImageError: a photo cannot be decoded.
    """
    recorded = _recorded(manifest)
    if any((photo.file, photo.sha256) not in recorded for photo in manifest.photos):
        return with_parts(manifest, progress=progress)[0]
    photos = [(photo, recorded[photo.file, photo.sha256]) for photo in manifest.photos]
    return replace(
        manifest,
        photos=tuple(replace(photo, part=told.part, confidence=told.confidence) for photo, told in photos),
    )


def _recorded(manifest: Manifest) -> dict[tuple[str, str], Photo]:
    try:
        told = read_csv(manifest.root / "manifest.csv", manifest.root)
    except DataError:
        return {}
    return {(photo.file, photo.sha256): photo for photo in told.photos if photo.part}


def _key(digests: Sequence[str]) -> str:
    text = "\n".join((f"format {_FORMAT}, engine {ENGINE_VERSION}", *sorted(digests)))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _thinned(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    ranked = np.sort(scores)
    if len(ranked) <= KEPT_SCORES:
        return ranked
    return ranked[np.linspace(0, len(ranked) - 1, KEPT_SCORES).astype(np.int64)]


def _to_json(found: FoundParts, digests: Sequence[str]) -> dict[str, Any]:
    names = list(dict.fromkeys(found.part))
    number = {name: index for index, name in enumerate(names)}
    return {
        "parts": names,
        "photos": {
            digest: [number[part], round(float(confidence), 4)]
            for digest, part, confidence in zip(digests, found.part, found.confidence, strict=True)
        },
        "threshold": found.threshold,
        "different": [round(float(score), 4) for score in found.different],
        "same": [round(float(score), 4) for score in found.same],
    }


def _from_json(data: dict[str, Any], digests: Sequence[str]) -> FoundParts | None:
    """Return what `_to_json` gave, or None where `data` is anything else."""
    try:
        names = [str(name) for name in data["parts"]]
        rows = [data["photos"][digest] for digest in digests]
        confidence = np.array([float(row[1]) for row in rows], np.float32)
        different, same = (np.array(data[name], np.float32).reshape(-1) for name in ("different", "same"))
        parts = tuple(names[int(row[0])] for row in rows)
        threshold = float(data["threshold"])
        numbers = np.concatenate([different, same, [threshold]])
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        return None
    if not (np.all((confidence >= 0) & (confidence <= 1)) and np.isfinite(numbers).all()):
        return None
    return FoundParts(parts, confidence, threshold, different, same)
