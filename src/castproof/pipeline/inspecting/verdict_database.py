"""The SQLite file of a journal of verdicts: one table to which rows are added, and triggers that refuse all else.

The default rollback journal is kept, since SQLite's write-ahead log does not work on network drives.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from castproof.errors import SettingError
from castproof.measure.decision import Verdict
from castproof.pipeline.inspecting.inspector_verdict import InspectorVerdict, JournalEntry

VERSION: Final = 1
BUSY_S: Final = 0.5  # the window stands still for so long
ODD_NAMES: Final = "surrogatepass"

_COLUMNS: Final = (
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
_SCHEMA: Final = {
    "journal": """CREATE TABLE journal (
 id INTEGER PRIMARY KEY AUTOINCREMENT,
 entry TEXT NOT NULL UNIQUE,
 program TEXT NOT NULL,
 file TEXT NOT NULL,
 withdraws TEXT NOT NULL,
 inspector TEXT NOT NULL,
 at TEXT NOT NULL,
 sha256 TEXT,
 model TEXT,
 threshold REAL,
 reject_from REAL,
 p_defective REAL,
 verdict TEXT,
 decided TEXT,
 reason TEXT,
 comment TEXT
)""",
    "never_changed": """CREATE TRIGGER never_changed BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'verdicts are added, never changed'); END""",
    "never_deleted": """CREATE TRIGGER never_deleted BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'verdicts are withdrawn, never deleted'); END""",
}
# A text goes in and out as bytes: file names that are no valid Unicode would otherwise be refused.
_TEXT, _NUMBER = "CAST(? AS TEXT)", "?"
_NUMBERS: Final = ("threshold", "reject_from", "p_defective")
_INSERT: Final = (
    f"INSERT OR IGNORE INTO journal ({', '.join(_COLUMNS)}) "
    f"VALUES ({', '.join(_NUMBER if one in _NUMBERS else _TEXT for one in _COLUMNS)})"
)
_SELECT: Final = f"SELECT id, {', '.join(_COLUMNS)} FROM journal WHERE id > ? ORDER BY id"


class NoJournalError(sqlite3.DatabaseError):
    """The file is a database, but no sound journal of verdicts of this version."""


class NewerJournalError(sqlite3.OperationalError):
    """A newer program wrote the file: it may be sound, and is left as it is."""


@contextmanager
def _undecodable_is_broken() -> Iterator[None]:
    """Raise NoJournalError for a text that is no UTF-8, one in a message of SQLite included."""
    try:
        yield
    except ValueError as error:
        raise NoJournalError("a text in it cannot be read") from error


@_undecodable_is_broken()
def read_database(path: Path) -> tuple[sqlite3.Connection, list[tuple[int, JournalEntry]]]:
    """Return the journal in `path`, made where there is none, after having written to it; and its entries.

    Raises:
        NoJournalError: it holds something else, or is damaged.
        NewerJournalError: a newer program wrote it.
        sqlite3.Error: it cannot be opened, read or written, or is no database.
    """
    connection = _connected(str(path), uri=False)
    try:
        _refuse_newer(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA quick_check").fetchall() != [(b"ok",)]:
            raise NoJournalError("the file is damaged")
        _make_or_check(connection)
        entries = entries_after(connection, 0)
        connection.execute(f"PRAGMA user_version={VERSION}")  # written even where nothing changes
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection, entries


@_undecodable_is_broken()
def read_file(path: Path) -> list[JournalEntry]:
    """Return the entries in `path`, which is not written to; none where there is no file.

    Raises:
        sqlite3.Error: it cannot be read, is no journal, or a newer program wrote it.
    """
    if not path.exists():
        return []
    with closing(_connected(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        _check(connection)
        return [entry for _, entry in entries_after(connection, 0)]


@_undecodable_is_broken()
def insert(connection: sqlite3.Connection, entries: Sequence[JournalEntry]) -> None:
    """Add `entries`, all or none, and wait until the disk has them; those that are there already are passed over.

    Raises:
        sqlite3.Error: they cannot be stored; the database is as it was.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        _refuse_newer(connection)
        connection.executemany(_INSERT, [_row(one) for one in entries])
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


@_undecodable_is_broken()
def entries_after(connection: sqlite3.Connection, number: int) -> list[tuple[int, JournalEntry]]:
    """Return the entries with a larger number than `number`, each with its own. Raises sqlite3.Error."""
    return [(int(row[0]), _entry(row[1:])) for row in connection.execute(_SELECT, (number,))]


@_undecodable_is_broken()
def data_version(connection: sqlite3.Connection) -> int:
    """Return a number that changes when another connection has written. Raises sqlite3.Error."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def is_locked(error: Exception) -> bool:
    """Return whether `error` says that another program keeps a file to itself."""
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)


def is_broken(error: Exception) -> bool:
    """Return whether `error` says that a file is no sound journal, rather than that it cannot be reached."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)


def _connected(place: str, *, uri: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        place, timeout=BUSY_S, isolation_level=None, check_same_thread=False, uri=uri
    )
    connection.text_factory = bytes
    connection.execute("PRAGMA trusted_schema=OFF")
    return connection


def _make_or_check(connection: sqlite3.Connection) -> None:
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
        _check(connection)
        return
    for statement in _SCHEMA.values():
        connection.execute(statement)


def _check(connection: sqlite3.Connection) -> None:
    """Raise NoJournalError unless the database holds what `_SCHEMA` says and nothing that would run beside it.

    Raises NewerJournalError where a newer program wrote it.
    """
    _refuse_newer(connection)
    found = {
        _text(name): _text(statement)
        for name, statement in connection.execute("SELECT name, sql FROM sqlite_master")
        if not _text(name).startswith("sqlite_")
    }
    if found != _SCHEMA or connection.execute("PRAGMA user_version").fetchone() != (VERSION,):
        raise NoJournalError("this is no journal of this version")


def _refuse_newer(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise NewerJournalError(f"a newer program wrote it (version {version})")


def _row(entry: JournalEntry) -> tuple[Any, ...]:
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


def _entry(row: Sequence[Any]) -> JournalEntry:
    try:
        cells = [_text(one) if isinstance(one, bytes) else one for one in row]
        entry_id, program, file, withdraws, inspector, when, *told = cells
        verdict = None if withdraws else _verdict(file, inspector, when, told)
        return JournalEntry(entry_id, program, file, verdict, withdraws, inspector, when)
    except (ValueError, TypeError, SettingError) as error:
        raise NoJournalError(f"a row cannot be read: {error}") from error


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


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", ODD_NAMES)
