"""Parts that somebody named in a table with the columns file and part, whatever spreadsheet wrote it.

It may be UTF-8, UTF-16 or Windows text, with commas, semicolons or tabs, and may have more columns, in any order. A
manifest.csv of castproof is such a table. A table that does not fit the photos is refused as a whole.
"""

import codecs
import csv
import io
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from castproof.data.manifest import EARLIER_COLUMNS, PICTURE, Manifest, Photo
from castproof.errors import DataError
from castproof.files import CSV_ERRORS, unguarded
from castproof.wording import counted, listed

NEEDED: Final = ("file", "part")
_DELIMITERS: Final = (",", ";", "\t")
_SHOWN: Final = 20
_RULE: Final = (
    "It has the columns file and part, and one row for every photo; file is the path below the data folder, or the "
    "name alone where no other photo has it."
)


@dataclass(frozen=True)
class PartRow:
    """One row of a table: what it says of `file` in line `line`; `sha256` is "" where it does not tell."""

    line: int
    file: str
    part: str
    confidence: float | None
    part_from: str
    sha256: str


@dataclass(frozen=True)
class PartTable:
    """The rows of the table at `path` that tell of a part, or ought to."""

    path: Path
    rows: tuple[PartRow, ...]

    @property
    def names_parts(self) -> bool:
        """Whether any row names a part."""
        return any(row.part for row in self.rows)


def read_part_table(path: Path) -> PartTable:
    """Return the table at `path`.

    Raises:
        DataError: it cannot be read, or has no columns file and part.
    """
    lines = io.StringIO(_text(path), newline="")
    start = lines.tell()
    if not lines.readline().lower().startswith("sep="):  # how spreadsheets tell each other the delimiter
        lines.seek(start)
    header_at = lines.tell()
    header = lines.readline()
    try:
        delimiter = _delimiter(header, path)
        lines.seek(header_at)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        names = _names(next(reader))
        is_ours = set(EARLIER_COLUMNS) <= set(names)
        rows = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise _error(path, f"it is no table: {error}") from error
    shift = int(header_at > start)
    return PartTable(path, tuple(_rows(names, rows, path, shift, is_ours=is_ours)))


def with_table(manifest: Manifest, table: PartTable) -> Manifest:
    """Return `manifest` with the part that `table` names for every photo.

    Args:
        manifest: the photos; those with `sha256` must be the ones that the table was written for, where it tells.
        table: the parts.

    Raises:
        DataError: photos are missing in the table, it names files that are not there or the same one twice, it gives
            no part, or photos have changed since it was written.
    """
    finder = _Finder([*(one.file for one in manifest.photos), *(one.file for one in manifest.unreadable)])
    told: dict[str, list[PartRow]] = defaultdict(list)
    strange: list[str] = []
    for row in table.rows:
        files = finder.find(row.file)
        if len(files) == 1:
            told[files[0]].append(row)
        else:
            several = f": {', '.join(files[:3])}" if files else ""
            strange.append(
                f"line {row.line}: {row.file!r} is {'more than one photo' if files else 'no photo'}{several}"
            )
    problems = {
        "names files that are not among the photos, or not for certain": strange,
        "does not name the part of every photo": _without_part(manifest.photos, told),
        "names two parts for one photo": list(_contradictions(told)),
        "was written for other photos: some have changed": list(_changed(manifest.photos, told)),
    }
    for problem, items in problems.items():
        if items:
            raise DataError(
                f"{table.path} {problem}.",
                rule=_RULE,
                found=f"Found {counted(len(items), 'case')} among {counted(len(manifest.photos), 'photo')}.",
                fix=_FIX,
                items=listed(items, _SHOWN),
            )
    return replace(manifest, photos=tuple(_with_row(one, told[one.file][0]) for one in manifest.photos))


_FIX: Final = "Correct the table; or give --parts another table, a regular expression, by-folder or by-file."


def _with_row(photo: Photo, row: PartRow) -> Photo:
    return replace(photo, part=row.part, confidence=row.confidence, part_from=row.part_from)


def _without_part(photos: Iterable[Photo], told: Mapping[str, list[PartRow]]) -> list[str]:
    return [photo.file for photo in photos if not any(row.part for row in told.get(photo.file, ()))]


def _contradictions(told: Mapping[str, list[PartRow]]) -> Iterator[str]:
    for file, rows in told.items():
        if len({row.part for row in rows}) > 1:
            yield f"{file}: {', '.join(f'{row.part!r} in line {row.line}' for row in rows)}"


def _changed(photos: Iterable[Photo], told: Mapping[str, list[PartRow]]) -> Iterator[str]:
    for photo in photos:
        if photo.sha256 and any(row.sha256 not in ("", photo.sha256) for row in told[photo.file]):
            yield photo.file


class _Finder:
    """Finds the photo that a cell means: by its whole path, else by the end of it."""

    def __init__(self, files: Iterable[str]) -> None:
        self._whole: dict[str, list[str]] = defaultdict(list)
        self._ends: dict[str, list[str]] = defaultdict(list)
        for file in files:
            parts = PurePosixPath(_plain(file)).parts
            self._whole["/".join(parts)].append(file)
            for place in range(1, len(parts)):
                self._ends["/".join(parts[place:])].append(file)

    def find(self, cell: str) -> list[str]:
        """Return the photos that `cell` may mean."""
        for text in dict.fromkeys((cell, unguarded(cell), cell.strip())):
            parts = PurePosixPath(_plain(text)).parts  # without a leading ./
            for known in (self._whole, self._ends):
                if found := known.get("/".join(parts)):
                    return found
                slashed = "/".join(PurePosixPath(_plain(text).replace("\\", "/")).parts)
                if found := known.get(slashed):
                    return found
        return []


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"The table {path} cannot be read.", found=f"{error.strerror or error}.", fix="Check the path."
        ) from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            return data.decode(encoding, CSV_ERRORS if encoding == "utf-8-sig" else "strict")
        except UnicodeDecodeError:
            continue
    raise _error(path, "it is no text")


def _names(cells: Iterable[str]) -> list[str]:
    return [cell.strip().casefold() for cell in cells]


def _delimiter(header: str, path: Path) -> str:
    readings = {one: _names(next(csv.reader([header], delimiter=one), [])) for one in _DELIMITERS}
    for delimiter, names in readings.items():
        if set(NEEDED) <= set(names):
            if twice := [one for one in NEEDED if names.count(one) > 1]:
                raise _error(path, f"it has two columns {twice[0]}")
            return delimiter
    names = max(readings.values(), key=len)
    raise _error(path, f"its columns are {', '.join(filter(None, names)) or 'missing'}")


def _rows(
    names: list[str], rows: Iterable[tuple[int, list[str]]], path: Path, shift: int, *, is_ours: bool
) -> Iterator[PartRow]:
    for number, cells in rows:
        line = number + shift
        if any(cell.strip() for cell in cells[len(names) :]):
            raise _error(path, f"line {line} has more cells than the first line")
        row = dict(zip(names, [*cells, *[""] * len(names)], strict=False))
        if is_ours and row["unreadable"]:
            continue
        part = unguarded(row["part"].strip())
        confidence = _confidence(row["confidence"], path, line) if is_ours else None
        earlier = PICTURE if confidence is not None else ""
        origin = row.get("part_from", "").strip() if is_ours else ""
        yield PartRow(
            line,
            row["file"],
            part,
            confidence,
            origin or earlier or f"table {path.name}",
            row.get("sha256", "").strip().lower(),
        )


def _confidence(text: str, path: Path, line: int) -> float | None:
    if not text.strip():
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise _error(path, f"line {line} has the confidence {text!r}, which is not in [0, 1]")
    return value


def _error(path: Path, found: str) -> DataError:
    return DataError(f"{path} is not a table of parts.", rule=_RULE, found=f"Found: {found}.", fix=_FIX)
