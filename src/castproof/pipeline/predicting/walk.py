"""The photos, or parts, below folders, one after the other in a fixed order; never all of them in memory."""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from castproof.data.folders import is_folder, is_hidden, is_photo_name, same_tree
from castproof.errors import DataError, SettingError

Key = tuple[int, str]

_MOST_SHARDS: Final = 100_000


@dataclass(frozen=True)
class Unit:
    """What gets one verdict: a photo, or the photos of one part.

    Args:
        source: place of the photo, or folder, that a person gave.
        name: path below the given folder with forward slashes; that of a part ends with one.
        path: the photo, or the folder of the part.
        photos: the photo, or all photos of the part.
    """

    source: int
    name: str
    path: Path
    photos: tuple[Path, ...]

    @property
    def key(self) -> Key:
        """What a walk goes by, in ascending order."""
        return self.source, self.name


@dataclass(frozen=True)
class Shard:
    """One of `count` shares of the photos, each of which is in one of them.

    The path below the given folder decides: a photo stays in its shard when others come or go, and on every machine.

    Args:
        number: from 1 to `count`.
        count: how many shares there are.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Return the shard that `text` names, such as 2/8. Raises SettingError."""
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]) <= _MOST_SHARDS:
            raise SettingError(
                "--shard names no shard.",
                rule="i/n is the i-th of n shares of the photos, from 1/n to n/n.",
                found=f"Found {text!r}.",
                fix="Give for example --shard 1/4, and 2/4, 3/4, 4/4 on other machines.",
            )
        return cls(int(found[1]), int(found[2]))

    def holds(self, unit: Unit) -> bool:
        """Return whether `unit` belongs to this shard."""
        text = f"{unit.source}/{unit.name}".encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(text, digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def walk(
    sources: Sequence[Path], *, part_per_folder: bool = False, shard: Shard | None = None
) -> Iterator[Unit]:
    """Yield the photos, or parts, of `sources`; those of one folder by path, always in the same order.

    Real folders are visited once; a link that leads back into the given folder is not followed.

    Args:
        sources: photos, and folders that are searched with their subfolders.
        part_per_folder: the photos that lie in one folder show one part.
        shard: leave out what does not belong to it.

    Raises:
        DataError: a folder cannot be read.
    """
    units = _units(sources, part_per_folder)
    return units if shard is None else (unit for unit in units if shard.holds(unit))


def _units(sources: Sequence[Path], part_per_folder: bool) -> Iterator[Unit]:
    parts: dict[Path, list[Path]] = {}
    folders = [is_folder(source) for source in sources]
    if part_per_folder:
        for source, searched in zip(sources, folders, strict=True):
            if not searched:
                parts.setdefault(source.parent, []).append(source)
    for number, (source, searched) in enumerate(zip(sources, folders, strict=True)):
        if searched:
            yield from _Search(number, source, part_per_folder).below(source, "")
        elif not part_per_folder:
            yield Unit(number, source.name, source, (source,))
        elif photos := parts.pop(source.parent, []):
            yield Unit(number, f"{source.parent.name}/", source.parent, tuple(photos))


class _Search:
    """Looks through one given folder."""

    def __init__(self, source: int, folder: Path, part_per_folder: bool) -> None:
        self._source = source
        self._part_per_folder = part_per_folder
        self._root = os.path.realpath(folder)
        self._seen_outside: set[str] = set()

    def below(self, folder: Path, name: str) -> Iterator[Unit]:
        """Yield what is in `folder`, which is called `name` below the given one, "" or with a slash at its end."""
        photos, folders = _entries(folder)
        if self._part_per_folder and photos:
            photos.sort()
            yield Unit(self._source, name, folder, tuple(folder / one for one in photos))
            photos = []
        # With the slash a folder stands where its photos stand among all paths.
        for one in sorted([*photos, *(f"{one}/" for one in folders)]):
            if not one.endswith("/"):
                yield Unit(self._source, name + one, folder / one, (folder / one,))
            elif self._is_new(folder / one, folder):
                yield from self.below(folder / one, name + one)

    def _is_new(self, folder: Path, above: Path) -> bool:
        """Return whether to enter `folder`: not through a link into the given folder, nor twice."""
        target = os.path.realpath(folder)
        is_link = os.path.dirname(target) != os.path.realpath(above)  # noqa: PTH120
        if same_tree(target, self._root):
            return not is_link
        if target in self._seen_outside:
            return False
        self._seen_outside.add(target)
        return True


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of the photos and of the folders in `folder`, without hidden and system files."""
    photos: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if is_hidden(name):
                    continue
                if entry.is_dir():
                    folders.append(name)
                elif is_photo_name(name):
                    photos.append(name)
    except OSError as error:
        raise DataError(
            f"Cannot read the folder {folder}.", found=f"{error.strerror}.", fix="Check its access rights."
        ) from error
    return photos, folders
