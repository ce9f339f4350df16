"""What can still be read of a damaged journal of verdicts: every row whose checksum is right, wherever it lies.

Nothing of the file's structure is relied on, since that may be what is damaged. The records of a journal begin alike:
the number in front of them, then texts of 32 letters. Each is looked for, read by the rules of SQLite
(https://www.sqlite.org/fileformat2.html#record_format), and kept where its checksum says that it is whole.
"""

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from castproof.pipeline.inspecting.inspector_verdict import JournalEntry
from castproof.pipeline.inspecting.verdict_rows import COLUMNS, NoJournalError, checksum, entry_of

_RECORD: Final = re.compile(
    rb"[\x11-\x7f]\x00\x4d\x4d", re.DOTALL
)  # its header: length, no id, two texts of 32 bytes
_WITH_CHECKSUM: Final = len(COLUMNS) + 2
_PAGE_BYTES: Final = 4096
_SIZES: Final = (
    0,
    1,
    2,
    3,
    4,
    6,
    8,
    8,
    0,
    0,
)  # bytes by type of value: none, integers, a float, 0 and 1, then texts
_FLOAT, _ZERO, _FIRST_BLOB = 7, 8, 12

Value = bytes | float | None


@dataclass(frozen=True)
class Salvaged:
    """What was found in a damaged journal.

    Args:
        entries: those that are whole, in the order of the journal; of one without checksums, those that can be read.
        lost: how many rows before the last sound one are damaged or gone, as far as can be seen.
    """

    entries: tuple[JournalEntry, ...] = ()
    lost: int = 0


def salvage(path: Path) -> Salvaged:
    """Return what is sound of the journal in `path`, which is not written to. Raises OSError."""
    data = path.read_bytes()
    sealed: dict[int, JournalEntry] = {}
    plain: dict[int, JournalEntry] = {}
    for found in _RECORD.finditer(data):
        try:
            number, values = _row(data, found.start())
            cells = values[1 : 1 + len(COLUMNS)]
            if len(values) == 1 + _WITH_CHECKSUM:
                before, stored = values[-2:]
                if isinstance(before, bytes) and stored == checksum(number, before, cells):
                    sealed[number] = entry_of(cells)
            elif len(values) == 1 + len(COLUMNS):
                plain[number] = entry_of(cells)
        except (NoJournalError, ValueError, IndexError, struct.error):
            continue
    rows = sealed or plain
    entries = {rows[number].entry_id: rows[number] for number in sorted(rows)}
    return Salvaged(tuple(entries.values()), max(rows, default=0) - len(rows))


def _row(data: bytes, header: int) -> tuple[int, list[Value]]:
    """Return number and values of the row whose record begins at `header`.

    Raises:
        ValueError, IndexError, struct.error: there is no row.
    """
    number, kinds, at = _number_before(data, header), list[int](), header + 1
    while at < header + data[header]:
        kind, at = _varint(data, at)
        kinds.append(kind)
    payload = _payload(data, header, data[header] + sum(map(_size, kinds)))
    values, at = list[Value](), data[header]
    for kind in kinds:
        values.append(_value(payload[at : at + _size(kind)], kind))
        at += _size(kind)
    return number, values


def _payload(data: bytes, start: int, size: int) -> bytes:
    """Return a record of `size` bytes that begins at `start`: long ones go on in pages that are chained."""
    if size > len(data):
        raise ValueError("the record is longer than the file")
    page = int.from_bytes(data[16:18], "big")
    page = page if page >= 512 and not page & (page - 1) else _PAGE_BYTES
    if size <= page - 35:
        return data[start : start + size]
    least = (page - 12) * 32 // 255 - 23
    local = least + (size - least) % (page - 4)
    local = local if local <= page - 35 else least
    parts, rest = [data[start : start + local]], size - local
    at = start + local
    while rest > 0:
        (following,) = struct.unpack_from(">I", data, at)
        at = (following - 1) * page
        parts.append(data[at + 4 : at + 4 + min(rest, page - 4)])
        if at < 0 or not parts[-1]:
            raise ValueError("the record is cut off")
        rest -= len(parts[-1])
    return b"".join(parts)


def _size(kind: int) -> int:
    """Return how many bytes a value of this type takes. Raises IndexError where there is no such type."""
    if kind >= _FIRST_BLOB:
        return (kind - _FIRST_BLOB) // 2
    return _SIZES[kind]


def _value(stored: bytes, kind: int) -> Value:
    if kind >= _FIRST_BLOB:
        return stored
    if kind == _FLOAT:
        return float(struct.unpack(">d", stored)[0])
    if not stored:
        return float(kind - _ZERO) if kind else None
    return float(int.from_bytes(stored, "big", signed=True))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number of variable length that begins at `at`, and where it ends."""
    value = 0
    for place in range(at, at + 8):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9


def _number_before(data: bytes, end: int) -> int:
    """Return the number of variable length that ends before `end`; what ends before it has a last byte below 0x80."""
    start = end - 1
    while data[start - 1] >= 0x80 and end - start < 9:
        start -= 1
    return _varint(data, start)[0]
