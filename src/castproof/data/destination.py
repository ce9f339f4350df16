"""The folder that photos are put into: what may lie in it already, and whether it has room."""

import os
import re
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath

from castproof.errors import DataError, OutputError
from castproof.files import TEMPORARY_START, name_key
from castproof.wording import counted, listed

_SHOWN = 10
_ONE_STRANGER, _STRANGERS = "file that does not belong there", "files that do not belong there"
_TEMPORARY = re.compile(re.escape(TEMPORARY_START) + r"(.*)-[a-z0-9_]{8}", re.DOTALL)


def check_room(size: int, dest: Path) -> None:
    """Raise OutputError where the disk of `dest` has too little room for `size` more bytes."""
    free = shutil.disk_usage(_existing(dest)).free
    if size > free:
        raise OutputError(
            f"There is too little room for the photos in {dest}.",
            found=f"They take {size / 2**20:.0f} MiB; {free / 2**20:.0f} MiB are free.",
            fix="Free some space, choose another disk, or use hard links of an unpacked folder.",
        )


def device_of(path: Path) -> int:
    """Return the number of the disk that `path` lies on, or would lie on."""
    return _existing(path).stat().st_dev


def _existing(path: Path) -> Path:
    """Return `path`, or the nearest folder above it that is there."""
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())


def check_targets(targets: Sequence[str]) -> None:
    """Raise DataError where a target (a path below the destination) leaves it, or where two coincide."""
    for target in targets:
        path = PurePosixPath(target)
        if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in target:
            raise DataError(f"The target {target!r} is not in the destination.", fix="Rename the photo.")
    seen: dict[str, str] = {}
    for target in targets:
        first = seen.get(name_key(target), "")
        if first:
            raise DataError(
                f"Two photos would have the same place: {first} and {target}.",
                rule="Names that differ in letter case only are one file on many disks.",
                fix="Rename one of them.",
            )
        seen[name_key(target)] = target
    for target in targets:
        inside = next(
            (seen[key] for one in PurePosixPath(target).parents if (key := name_key(str(one))) in seen), ""
        )
        if inside:
            raise DataError(
                f"{inside} would be a photo and a folder, for {target}.", fix="Rename one of them."
            )


def check_strangers(dest: Path, targets: Collection[str], allowed: Collection[str]) -> tuple[Path, ...]:
    """Return the temporary files that a killed run left in `dest`.

    Args:
        dest: a folder, which need not be there.
        targets: what shall lie in it, as paths below it.
        allowed: what else may lie in it.

    Raises:
        DataError: it is no folder or cannot be read, or other files lie in it.
    """
    if not os.path.lexists(dest):
        return ()
    if not dest.is_dir():
        raise DataError(f"{dest} is not a folder.", fix="Choose another destination.")
    homes = {(str(PurePosixPath(target).parent), *_stem(target)) for target in targets}
    strangers: list[str] = []
    remains: list[Path] = []
    for path in _files(dest):
        name = path.relative_to(dest).as_posix()
        parts = _TEMPORARY.fullmatch(path.stem)
        if parts and (str(PurePosixPath(name).parent), parts[1], path.suffix) in homes:
            remains.append(path)
        elif name not in targets and name not in allowed and not _is_system_file(path.name):
            strangers.append(name)
    if strangers:
        raise DataError(
            f"{dest} holds {counted(len(strangers), _ONE_STRANGER, _STRANGERS)}.",
            rule="The destination is empty, or contains what an earlier run of the same command left. "
            "Nothing was written.",
            fix="Choose another destination, or move these files away.",
            items=shown(strangers),
        )
    return tuple(remains)


def _is_system_file(name: str) -> bool:
    """Return whether castproof passes over a file of this name, as an operating system puts it anywhere."""
    return name.startswith(".") or name.casefold() in ("thumbs.db", "desktop.ini")


def remains_of(path: Path) -> list[Path]:
    """Return the temporary files beside `path` that writing it has left."""
    return [
        one
        for one in path.parent.glob(f"{TEMPORARY_START}*")
        if (parts := _TEMPORARY.fullmatch(one.stem)) and (parts[1], one.suffix) == _stem(path.name)
    ]


def _stem(target: str) -> tuple[str, str]:
    path = PurePosixPath(target)
    return path.stem[:40], path.suffix


def _files(dest: Path) -> list[Path]:
    """Return whatever is no real folder in `dest` and below; a link to a folder counts as a file."""
    found: list[Path] = []
    for here, folders, files in os.walk(dest, onerror=_refuse_folder):
        links = [name for name in folders if Path(here, name).is_symlink()]
        found += [Path(here, name) for name in (*links, *files)]
    return sorted(found)


def _refuse_folder(error: OSError) -> None:
    raise DataError(
        f"Cannot read the folder {error.filename}.",
        found=f"{error.strerror}.",
        fix="Check its access rights.",
    ) from error


def shown(items: Sequence[str]) -> list[str]:
    """Return the first few of `items`, and how many more there are."""
    return listed(items, _SHOWN)
