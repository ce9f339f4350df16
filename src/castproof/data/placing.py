"""Putting photos into a folder: whole files only, verified by hash, the source never changed.

Everything is looked at before the first file is written. A photo that is there already is left alone, so that a second
run goes on where the first one stopped; a file that is there with other content stops it.
"""

import hashlib
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from castproof.data.destination import (
    check_room,
    check_strangers,
    check_targets,
    device_of,
    shown,
)
from castproof.errors import DataError, ImageError, OutputError
from castproof.files import atomic_path, write_error
from castproof.images import read_photo
from castproof.progress import SILENT, Progress
from castproof.wording import counted


class Source(Protocol):
    """Where the bytes of one photo come from: a file, or an entry of an archive."""

    @property
    def name(self) -> str:
        """How messages call it."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    @property
    def path(self) -> Path | None:
        """The file that a hard link can lead to; None in an archive."""

    def read(self) -> bytes:
        """Return the bytes. Raises ImageError or DataError."""


@dataclass(frozen=True)
class FileSource:
    """A photo that lies as a file at `path`; `shown` is its name in messages, by default the path."""

    path: Path
    shown: str = ""

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.shown or str(self.path)

    @property
    def size(self) -> int:
        """Number of bytes; 0 where the file cannot be asked."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def read(self) -> bytes:
        """Return the bytes. Raises ImageError."""
        return read_photo(self.path)


@dataclass(frozen=True)
class Placement:
    """One photo to put somewhere.

    Args:
        source: where its bytes come from.
        target: path below the destination, with forward slashes.
        sha256: hex digest that the bytes must have, "" where it is not known yet.
    """

    source: Source
    target: str
    sha256: str = ""


@dataclass(frozen=True)
class Survey:
    """What a folder lacks: `missing` photos of together `size` bytes; `present` are there already.

    `remains` are temporary files of a run that was killed.
    """

    missing: tuple[Placement, ...]
    present: int
    size: int
    remains: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Placed:
    """How many photos were copied, hard-linked and there already, and the bytes that were copied."""

    copied: int
    linked: int
    present: int
    size: int


def check_apart(source: Path, dest: Path) -> None:
    """Raise DataError where one of two folders (or an archive and a folder) lies in the other, links resolved."""
    one, other = source.resolve(), dest.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise DataError(
            f"{dest} and {source} are inside one another.",
            rule="Photos are put into a folder of its own; the source is never changed.",
            fix="Choose a destination outside of the source.",
        )


def check_outside(data: Path, folder: Path) -> None:
    """Raise OutputError where results would be written into the folder of the photos, links resolved."""
    one, other = data.resolve(), folder.resolve()
    if one == other or one in other.parents:
        raise OutputError(
            f"{folder} lies in {data}, the folder of the photos.",
            rule="Pictures that castproof writes there would be taken for photos.",
            fix="Give an --outdir outside of it.",
        )


def survey(
    placements: Sequence[Placement], dest: Path, *, allowed: Collection[str] = (), progress: Progress = SILENT
) -> Survey:
    """Return what is missing in `dest`; nothing is written.

    Args:
        placements: the photos that `dest` shall hold.
        dest: a folder, which need not be there yet.
        allowed: further files that may lie in `dest`, by their path below it.
        progress: told of every photo.

    Raises:
        DataError: targets leave `dest` or coincide, or `dest` contains other files or other content.
        ImageError: a source cannot be read.
    """
    check_targets([one.target for one in placements])
    remains = check_strangers(dest, {one.target for one in placements}, set(allowed))
    missing: list[Placement] = []
    other: list[str] = []
    with progress.task("looking at DEST", len(placements)) as task:
        for one in placements:
            path = dest / one.target
            if not os.path.lexists(path):
                missing.append(one)
            elif not _holds(path, one.sha256 or _sha256(one.source.read())):
                other.append(one.target)
            task.advance()
    if other:
        raise DataError(
            f"{counted(len(other), 'file', 'files')} in {dest} with other content than the photos that belong there.",
            rule="A file that is there is never replaced. Nothing was written.",
            fix="Choose another destination, or move these files away.",
            items=shown(other),
        )
    total = sum(one.source.size for one in missing)
    return Survey(tuple(missing), len(placements) - len(missing), total, remains)


def place(
    placements: Sequence[Placement],
    dest: Path,
    *,
    link: bool,
    allowed: Collection[str] = (),
    progress: Progress = SILENT,
) -> Placed:
    """Return what was done so that `dest` holds every photo of `placements` and no other file.

    Args:
        placements: the photos.
        dest: a folder; it is made where there is none.
        link: make hard links; where the file system or an archive does not allow it, copy.
        allowed: further files that may lie in `dest`, by their path below it.
        progress: told of every photo.

    Raises:
        DataError: as `survey` says, or a source has changed since its hash was taken.
        ImageError: a source cannot be read.
        OutputError: a file cannot be written, or the disk has too little room. What was written stays and is whole.
    """
    return fill(
        survey(placements, dest, allowed=allowed, progress=progress), dest, link=link, progress=progress
    )


def fill(found: Survey, dest: Path, *, link: bool, progress: Progress = SILENT) -> Placed:
    """Return what was done to write what `found`, a survey of `dest`, calls missing; otherwise as `place`."""
    check_room(bytes_to_copy(found.missing, dest, link=link), dest)
    _remove(found.remains)
    linkable = link
    copied = linked = size = 0
    with progress.task("linking photos" if link else "copying photos", len(found.missing)) as task:
        for place, one in enumerate(found.missing):
            if link and _link(one, dest / one.target):
                linked += 1
            else:
                if linkable and _should_link(one.source, device_of(dest)):
                    linkable = False
                    check_room(sum(each.source.size for each in found.missing[place:]), dest)
                size += _copy(one, dest / one.target)
                copied += 1
            task.advance()
    return Placed(copied, linked, found.present, size)


def bytes_to_copy(missing: Sequence[Placement], dest: Path, *, link: bool) -> int:
    """Return how much room `missing` photos take in `dest`: with `link` those alone that cannot be linked there."""
    home = device_of(dest)
    return sum(one.source.size for one in missing if not (link and _should_link(one.source, home)))


def _should_link(source: Source, device: int) -> bool:
    return source.path is not None and device_of(source.path) == device


def _remove(remains: Sequence[Path]) -> None:
    for path in remains:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise write_error(path, error) from error


def _copy(one: Placement, target: Path) -> int:
    data = one.source.read()
    digest = _sha256(data)
    _check_unchanged(one, digest)
    with atomic_path(target) as temporary:
        temporary.write_bytes(data)
        if _sha256(temporary.read_bytes()) != digest:
            raise OutputError(
                f"{target} does not read back as it was written.", fix="Check the disk, then run it again."
            )
    return len(data)


def _link(one: Placement, target: Path) -> bool:
    """Return whether `target` is now a hard link to the photo; False where links are not possible."""
    if one.source.path is None:
        return False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(target, error) from error
    try:
        os.link(one.source.path.resolve(), target)
    except OSError:
        return False
    try:
        _check_unchanged(one, _sha256(read_photo(target)))
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return True


def _check_unchanged(one: Placement, digest: str) -> None:
    if one.sha256 and digest != one.sha256:
        raise DataError(
            f"{one.source.name} has changed since it was checked.",
            rule="The photos must not change meanwhile.",
            fix="Run it again when nothing else writes there.",
        )


def _holds(path: Path, sha256: str) -> bool:
    try:
        return not path.is_symlink() and _sha256(read_photo(path)) == sha256
    except ImageError:
        return False


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
