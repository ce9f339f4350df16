"""Parts that follow from where a photo is and what it is called, as a person says."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from castproof.data.manifest import FILE, FOLDER, Manifest, Photo
from castproof.errors import DataError
from castproof.wording import counted, listed

_SHOWN: Final = 20


def each_its_own(manifest: Manifest, part_from: str = FILE, confidence: float = 1.0) -> Manifest:
    """Return `manifest` with every photo as a part of its own, named by its file; identical files are one part.

    Args:
        manifest: photos, with `sha256` where they are known.
        part_from: how that is known.
        confidence: how sure it is, in [0, 1].
    """
    first: dict[str, str] = {}
    photos = (
        replace(
            photo,
            part=first.setdefault(photo.sha256 or photo.file, photo.file),
            confidence=confidence,
            part_from=part_from,
        )
        for photo in sorted(manifest.photos, key=lambda one: one.file)
    )
    part_of = {photo.file: photo for photo in photos}
    return replace(manifest, photos=tuple(part_of[photo.file] for photo in manifest.photos))


def by_folder(manifest: Manifest) -> Manifest:
    """Return `manifest` with the folder of each photo, as a path below its class folder, as its part.

    Raises:
        DataError: photos are straight in their class folder.
    """
    folders = [str(PurePosixPath(below_class(photo)).parent) for photo in manifest.photos]
    return _named(
        manifest,
        ["" if folder == "." else folder for folder in folders],
        FOLDER,
        rule="With by-folder every part has a folder of its own below the class folder.",
        without="in no such folder",
    )


def by_pattern(manifest: Manifest, pattern: str) -> Manifest:
    """Return `manifest` with what `pattern` finds in the path of each photo below its class folder as its part.

    Args:
        manifest: the photos.
        pattern: a regular expression; its first group, or without groups the whole match, is the part.

    Raises:
        DataError: it finds nothing in the path of a photo.
    """
    expression = re.compile(pattern)
    matches = [expression.search(below_class(photo)) for photo in manifest.photos]
    group = min(1, expression.groups)
    return _named(
        manifest,
        [(match[group] or "") if match else "" for match in matches],
        f"pattern {pattern}",
        rule=f"--parts {pattern!r} must match the path of every photo below its class folder.",
        without="without a match",
    )


def below_class(photo: Photo) -> str:
    """Return the path of `photo` below its class folder, or below the data folder where it has no class."""
    parts = PurePosixPath(photo.file).parts
    if not photo.class_name:
        return photo.file
    return "/".join(parts[1 if parts[0] == photo.class_name else 2 :])


def _named(manifest: Manifest, names: Sequence[str], part_from: str, *, rule: str, without: str) -> Manifest:
    nameless = [photo.file for photo, name in zip(manifest.photos, names, strict=True) if not name]
    if nameless:
        raise DataError(
            f"It is not known which part {nameless[0]} shows.",
            rule=rule,
            found=f"Found {counted(len(nameless), 'photo')} of {len(manifest.photos):,} {without}.",
            fix="Move or rename what is listed, or give --parts another rule or a table.",
            items=listed(nameless, _SHOWN),
        )
    both = zip(manifest.photos, names, strict=True)
    return replace(
        manifest,
        photos=tuple(replace(one, part=name, confidence=None, part_from=part_from) for one, name in both),
    )
