"""A journal entry as the cells of a row, and the checksum that the row carries.

The checksum of a row is taken over its number, the checksum of the row before and its cells. So a changed cell shows in
the row itself, and a row that is gone shows in the one after it. It guards against damage, not against somebody who
computes it again.
"""

import hashlib
import sqlite3
import struct
from collections.abc import Sequence
from typing import Any, Final

from castproof.errors import SettingError
from castproof.measure.decision import Verdict
from castproof.pipeline.inspecting.inspector_verdict import InspectorVerdict, JournalEntry

ODD_NAMES: Final = "surrogatepass"
COLUMNS: Final = (
    "entry",
    "program",
    "file",
    "withdraws",
    "inspector",
    "at",
    "sha256",
    "model",
    "threshold",
    "reject_from",
    "p_defective",
    "verdict",
    "decided",
    "reason",
    "comment",
)
NUMBERS: Final = ("threshold", "reject_from", "p_defective")

Cell = bytes | float | None


class NoJournalError(sqlite3.DatabaseError):
    """The file is a database, but no sound journal of verdicts of this version."""


def checksum(number: int, before: bytes, cells: Sequence[Cell]) -> bytes:
    """Return the checksum of a row, the SHA-256 in hex.

    Args:
        number: of the row, from 1.
        before: the checksum of the row before; b"" for the first row.
        cells: as `cells_of` returns them.
    """
    digest = hashlib.sha256(struct.pack(">q", number))
    for cell in (before, *cells):
        packed = cell if isinstance(cell, bytes) else b"" if cell is None else struct.pack(">d", cell + 0.0)
        kind = b"T" if isinstance(cell, bytes) else b"-" if cell is None else b"N"
        digest.update(kind + struct.pack(">q", len(packed)) + packed)
    return digest.hexdigest().encode()


def cells_of(entry: JournalEntry) -> tuple[Cell, ...]:
    """Return the cells of an entry in the order of `COLUMNS`; texts as bytes, since names need not be valid Unicode."""
    verdict = entry.verdict
    told: tuple[Any, ...] = (None,) * 9
    if verdict is not None:
        told = (
            verdict.sha256,
            verdict.model_id,
            verdict.threshold,
            verdict.reject_from,
            verdict.p_defective,
            verdict.verdict.value,
            verdict.decided.value,
            verdict.reason,
            verdict.comment,
        )
    row = (entry.entry_id, entry.program, entry.file, entry.withdraws, entry.inspector, entry.when, *told)
    return tuple(one.encode("utf-8", ODD_NAMES) if isinstance(one, str) else one for one in row)


def entry_of(cells: Sequence[Any]) -> JournalEntry:
    """Return the entry of a row's cells. Raises NoJournalError where they are none."""
    try:
        values = [text_of(one) if isinstance(one, bytes) else one for one in cells]
        entry_id, program, file, withdraws, inspector, when, *told = values
        verdict = None if withdraws else _verdict(file, inspector, when, told)
        return JournalEntry(entry_id, program, file, verdict, withdraws, inspector, when)
    except (ValueError, TypeError, SettingError) as error:
        raise NoJournalError(f"a row cannot be read: {error}") from error


def text_of(stored: bytes) -> str:
    """Return a stored text. Raises ValueError where it is no UTF-8."""
    return stored.decode("utf-8", ODD_NAMES)


def _verdict(file: str, inspector: str, when: str, told: Sequence[Any]) -> InspectorVerdict:
    sha256, model_id, threshold, reject_from, p_defective, verdict, decided, reason, comment = told
    if None in (sha256, model_id, reason, comment):
        raise ValueError("a text is missing")
    return InspectorVerdict(
        file=file,
        sha256=sha256,
        model_id=model_id,
        threshold=threshold,
        reject_from=reject_from,
        p_defective=p_defective,
        verdict=Verdict(verdict),
        decided=Verdict(decided),
        reason=reason,
        comment=comment,
        inspector=inspector,
        when=when,
    )
