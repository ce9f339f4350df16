"""Reading the photos of a zip archive without trusting it.

The directory at the end of an archive has no checksum: it is compared with the number of entries in the end record, and
with the name before each entry. Names that could leave a folder, bombs and entries that are no plain files are refused
when the archive is opened; sizes and checksums are checked while an entry is read. Nothing is ever unpacked by the name
that an archive gives.
"""

import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from castproof.data.destination import shown
from castproof.data.folders import is_photo_name
from castproof.errors import DataError
from castproof.files import name_key
from castproof.photo_files.limits import MAX_FILE_BYTES

MAX_ENTRIES = 1_000_000
MAX_TOTAL_BYTES = 200 * 2**30
MAX_RATIO = 200
RATIO_FROM_BYTES = 64 * 2**20
MAX_DEPTH = 40
MAX_NAME_BYTES = 255
NESTED_SUFFIXES = frozenset({".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz"})

_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    IndexError,
    RuntimeError,  # also NotImplementedError: an unknown way of packing
)
_OTHER_ARCHIVES = {
    b"Rar!": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
}
_TAR_AT, _TAR = 257, b"ustar"
_ENCRYPTED = 0x1
_LOCAL_HEADER_BYTES = 30
_END, _END_SIGNATURE = struct.Struct("<4s6xH10x"), b"PK\x05\x06"
_END_64, _END_64_SIGNATURE = struct.Struct("<4s28xQ16x"), b"PK\x06\x06"
_LOCATOR_64_BYTES = 20
_MOST_COMMENT_BYTES = 0xFFFF
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f]|\\" + (r'|[<>:"|?*]' if os.name == "nt" else ""))
_DRIVE = re.compile(r"[A-Za-z]:")
_RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}
)


@dataclass(frozen=True)
class ArchivePhoto:
    """One photo in an open archive; `name` is its checked path in it, with forward slashes."""

    name: str
    size: int
    _archive: zipfile.ZipFile
    _info: zipfile.ZipInfo

    @property
    def path(self) -> Path | None:
        """None: an entry of an archive is no file that a hard link could lead to."""
        return None

    def read(self) -> bytes:
        """Return the bytes of the photo.

        Raises:
            DataError: its checksum or its size is not what the archive says, or the archive is cut off.
        """
        try:
            with self._archive.open(self._info) as file:
                data = file.read(self.size + 1)
                if len(data) == self.size and not file.read(1):
                    return data
        except _BROKEN as error:
            raise _broken(self._archive.filename, f"{self.name} does not unpack: {_reason(error)}") from error
        raise _broken(
            self._archive.filename, f"{self.name} does not have the {self.size} bytes that it claims"
        )


@dataclass(frozen=True)
class Archive:
    """An open archive: its photos by name.

    Args:
        photos: sorted by name.
        nested: archives in it, which are not opened.
        others: files that are neither photos nor archives, without hidden ones.
    """

    photos: tuple[ArchivePhoto, ...]
    nested: tuple[str, ...]
    others: tuple[str, ...]


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Yield the zip archive at `path`; hidden files and `__MACOSX` are passed over.

    Raises:
        DataError: it is no zip archive, it is broken, or it contains what a photo archive must not.
    """
    try:
        zipped = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise _not_a_zip(path, error) from error
    with zipped:
        _refuse_partial(zipped, path)
        yield _checked(zipped, path)


def safe_name(info: zipfile.ZipInfo) -> str:
    """Return the path of an entry below any folder, with forward slashes and without "." parts.

    Raises:
        ValueError: the name is absolute, leads upward, or means different files on different systems.
    """
    raw = info.orig_filename
    if _FORBIDDEN.search(raw):
        raise ValueError("the name contains a backslash or a control character")
    if raw.startswith("/") or _DRIVE.match(raw):
        raise ValueError("the path is absolute")
    parts = [part for part in raw.removesuffix("/").split("/") if part != "."]
    if any(not part.strip(" .") for part in parts):
        raise ValueError("the path leads out of its folder or contains an empty name")
    if any(part != part.rstrip(" .") or part.split(".")[0].upper() in _RESERVED for part in parts):
        raise ValueError("Windows reads the name as another one")
    if _DRIVE.match("/".join(parts)):
        raise ValueError("the path is absolute")
    if len(parts) > MAX_DEPTH:
        raise ValueError(f"the path has more than {MAX_DEPTH} folders")
    if any(len(part.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES for part in parts):
        raise ValueError(f"a name has more than {MAX_NAME_BYTES} bytes")
    return "/".join(parts)


def _checked(zipped: zipfile.ZipFile, path: Path) -> Archive:
    infos = zipped.infolist()
    if len(infos) > MAX_ENTRIES:
        raise _refused(path, f"it has more than {MAX_ENTRIES} entries", [])
    names = _safe_names(infos, path)
    _refuse_alike(names, path)
    _refuse_overlap(infos, path)
    _compare_names(zipped, path)
    files = [(name, info) for name, info in zip(names, infos, strict=True) if not info.is_dir()]
    visible = [(name, info) for name, info in files if not _is_hidden(name)]
    photos = [(name, info) for name, info in visible if is_photo_name(name)]
    _refuse_bombs(photos, path)
    others = sorted(name for name, _ in visible if not is_photo_name(name))
    return Archive(
        tuple(ArchivePhoto(name, info.file_size, zipped, info) for name, info in sorted(photos, key=_first)),
        tuple(name for name in others if _suffix(name) in NESTED_SUFFIXES),
        tuple(name for name in others if _suffix(name) not in NESTED_SUFFIXES),
    )


def _refuse_partial(zipped: zipfile.ZipFile, path: Path) -> None:
    """Raise DataError unless the end record counts the entries that were found in the directory."""
    found = len(zipped.infolist())
    counted, modulus = _count_in_end_record(path)
    if counted != found % modulus:
        raise _broken(str(path), f"its end counts {counted:,} entries, its directory has {found:,}")


def _count_in_end_record(path: Path) -> tuple[int, int]:
    """Return the number of entries in the last end record of a zip archive, and what it was divided by.

    Without the record of zip64 it has 16 bits: some programs write it so for more than 65,535 entries, too.
    """
    before = _LOCATOR_64_BYTES + _END_64.size
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _MOST_COMMENT_BYTES - _END.size - before))
        tail = file.read()
    at = tail.rfind(_END_SIGNATURE)
    signature, count = _END_64.unpack_from(tail, at - before) if at >= before else (b"", 0)
    if signature == _END_64_SIGNATURE:
        return count, 2**64
    return _END.unpack_from(tail, at)[1], 2**16


def _compare_names(zipped: zipfile.ZipFile, path: Path) -> None:
    """Raise DataError where an entry has another name in the directory than before its bytes."""
    for info in zipped.infolist():
        try:
            zipped.open(info).close()
        except NotImplementedError:  # an unknown way of packing: it is no matter until a photo is read
            continue
        except _BROKEN as error:
            raise _broken(str(path), f"{info.filename}: {_reason(error)}") from error


def _safe_names(infos: Sequence[zipfile.ZipInfo], path: Path) -> list[str]:
    names: list[str] = []
    bad: list[str] = []
    for info in infos:
        try:
            names.append(safe_name(info))
            _check_kind(info)
        except ValueError as error:
            bad.append(f"{info.orig_filename!r}: {error}")
    if bad:
        found = (
            "1 of its entries is not a plain file"
            if len(bad) == 1
            else f"{len(bad):,} of its entries are not plain files"
        )
        raise _refused(path, f"{found} below a folder", bad)
    return names


def _check_kind(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if stat.S_ISLNK(kind):
        raise ValueError("it is a link")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ValueError("it is no file")
    if info.flag_bits & _ENCRYPTED:
        raise ValueError("it is encrypted; unpack the archive yourself and import the folder")


def _refuse_alike(names: Sequence[str], path: Path) -> None:
    seen: dict[str, str] = {}
    alike: list[str] = []
    for name in names:
        key = name_key(name)
        if key in seen:
            alike.append(f"{seen[key]} and {name}")
        seen[key] = name
    if alike:
        raise _refused(path, "it contains names that occur twice or differ in letter case only", alike)


def _refuse_overlap(infos: Sequence[zipfile.ZipInfo], path: Path) -> None:
    ordered = sorted(infos, key=lambda info: info.header_offset)
    for one, other in pairwise(ordered):
        if one.header_offset + _LOCAL_HEADER_BYTES + one.compress_size > other.header_offset:
            raise _refused(
                path, "some of its entries share the same bytes", [f"{one.filename}, {other.filename}"]
            )


def _refuse_bombs(photos: Sequence[tuple[str, zipfile.ZipInfo]], path: Path) -> None:
    bad = [
        f"{name}: {info.file_size} bytes from {info.compress_size}"
        for name, info in photos
        if info.file_size > MAX_FILE_BYTES or _swells(info.file_size, info.compress_size)
    ]
    size = sum(info.file_size for _, info in photos)
    packed = sum(info.compress_size for _, info in photos)
    if bad or size > MAX_TOTAL_BYTES or _swells(size, packed):
        raise _refused(
            path,
            f"its photos would unpack to {size / 2**20:.0f} MiB from {packed / 2**20:.1f} MiB",
            bad,
            rule=f"A photo has at most {MAX_FILE_BYTES >> 20} MiB, all of them {MAX_TOTAL_BYTES >> 30} GiB; "
            f"from {RATIO_FROM_BYTES >> 20} MiB on at most {MAX_RATIO} times what they take packed.",
        )


def _swells(size: int, packed: int) -> bool:
    return size > RATIO_FROM_BYTES and size > MAX_RATIO * packed


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part.casefold() == "__macosx" for part in name.split("/"))


def _suffix(name: str) -> str:
    return Path(name).suffix.lower()


def _first(pair: tuple[str, zipfile.ZipInfo]) -> str:
    return pair[0]


def _not_a_zip(path: Path, error: Exception) -> DataError:
    try:
        with path.open("rb") as file:
            start = file.read(_TAR_AT + len(_TAR))
    except OSError as reason:
        return DataError(f"Cannot read {path}.", found=f"{reason.strerror}.", fix="Check the path.")
    if start.startswith(b"PK\x03\x04"):
        return _broken(str(path), _reason(error))
    found, fix = _what_it_is(path, start)
    return DataError(
        f"{path} is not a zip archive.",
        rule="castproof imports folders and zip archives.",
        found=found,
        fix=fix,
    )


def _what_it_is(path: Path, start: bytes) -> tuple[str, str]:
    """Return what a file that begins with `start` is, and what to do instead."""
    kind = next((name for magic, name in _OTHER_ARCHIVES.items() if start.startswith(magic)), "")
    if start[_TAR_AT:] == _TAR:
        kind = "tar"
    if kind:
        return f"It is a {kind} archive.", "Unpack it and give the folder."
    if not start:
        return "It is empty.", "Download or copy it again."
    if is_photo_name(path.name):
        return "It is a single photo.", "Give the folder that contains the class folders."
    return "It is no archive at all.", "Give the folder of the photos, or a zip archive of it."


def _broken(path: str | None, found: str) -> DataError:
    return DataError(
        f"The archive {path} is broken or cut off.",
        rule="Nothing was written.",
        found=f"Found: {found}.",
        fix="Download or copy it again.",
    )


def _refused(path: Path, found: str, items: Sequence[str], rule: str = "") -> DataError:
    return DataError(
        f"The archive {path} is refused: {found}.",
        rule=rule or "Every entry is a plain file with a name of its own below a folder.",
        fix="Use the archive from its source, or pack the photos again. Nothing was written.",
        items=shown(items),
    )


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
