"""Which part every photo of a data set shows: as a person says, or from the pictures, which are compared once."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from castproof.data.content_cache import Results, cache_folder
from castproof.data.group_doubt import Doubt, doubt_of
from castproof.data.manifest import PICTURE, UNKNOWN, Manifest
from castproof.data.named_parts import by_folder, by_pattern, each_its_own
from castproof.data.part_table import read_part_table, with_table
from castproof.parts.find import ENGINE_VERSION, FoundParts, find_parts
from castproof.parts.photo import Grey
from castproof.progress import SILENT, Progress
from castproof.settings import BY_FILE, BY_FOLDER, BY_PICTURE, check_parts, is_part_table

KEPT_SCORES: Final = 20_000
RECORDED: Final = "manifest.csv"
_FORMAT = 1


@dataclass(frozen=True, eq=False)
class KnownParts:
    """The photos of a data set with the part that each of them shows.

    Args:
        manifest: photos with part, confidence and `part_from`.
        found: the evidence, where the photos were compared.
        doubt: why that evidence does not tell parts apart, where it does not: each photo then counts as a part.
    """

    manifest: Manifest
    found: FoundParts | None = None
    doubt: Doubt | None = None


def known_parts(
    manifest: Manifest,
    rule: str = BY_PICTURE,
    *,
    greys: Mapping[str, Grey] | None = None,
    progress: Progress = SILENT,
    use_cache: bool = True,
) -> KnownParts:
    """Return which part every photo shows.

    The rule of a person holds; without one, the parts that manifest.csv in the data folder names; else those that the
    pictures tell, see `compared_parts`.

    Args:
        manifest: photos with their `sha256`.
        rule: a value of --parts: by-picture, by-file, by-folder, a regular expression, or the path of a table.
        greys, progress, use_cache: as for `with_parts`.

    Raises:
        SettingError: `rule` is none of these.
        DataError: the rule, or the table, does not fit the photos.
        ImageError: a photo cannot be decoded.
    """
    named = named_parts(manifest, rule)
    if named is not None:
        return KnownParts(named)
    return compared_parts(manifest, greys=greys, progress=progress, use_cache=use_cache)


def compared_parts(
    manifest: Manifest,
    *,
    greys: Mapping[str, Grey] | None = None,
    progress: Progress = SILENT,
    use_cache: bool = True,
) -> KnownParts:
    """Return which part every photo shows, from the pictures alone; the arguments are those of `with_parts`.

    Groups that cannot be parts, see `doubt_of`, are not used: each photo is then a part of its own.
    """
    with_part, found = with_parts(manifest, greys=greys, progress=progress, use_cache=use_cache)
    doubt = doubt_of(with_part.photos, found.same, found.different)
    if doubt is not None:
        return KnownParts(each_its_own(manifest, UNKNOWN, 0.0), found, doubt)
    return KnownParts(with_part, found)


def named_parts(manifest: Manifest, rule: str) -> Manifest | None:
    """Return `manifest` with the parts that a person names, None where the pictures have to tell.

    The arguments and errors are those of `known_parts`.
    """
    check_parts(rule)
    if rule == BY_FILE:
        return each_its_own(manifest)
    if rule == BY_FOLDER:
        return by_folder(manifest)
    if is_part_table(rule):
        return with_table(manifest, read_part_table(Path(rule)))
    if rule != BY_PICTURE:
        return by_pattern(manifest, rule)
    recorded = manifest.root / RECORDED
    if not recorded.is_file():
        return None
    table = read_part_table(recorded)
    return with_table(manifest, table) if table.names_parts else None


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
        replace(photo, part=part, confidence=round(float(confidence), 3), part_from=PICTURE)
        for photo, part, confidence in zip(manifest.photos, found.part, found.confidence, strict=True)
    )
    return replace(manifest, photos=photos), found


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
