"""The SQLite file of a journal of verdicts: one table to which rows are added, and triggers that refuse all else.

The default rollback journal is kept, since SQLite's write-ahead log does not work on network drives.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from castproof.pipeline.inspecting.inspector_verdict import JournalEntry
from castproof.pipeline.inspecting.verdict_rows import (
    COLUMNS,
    NUMBERS,
    NoJournalError,
    cells_of,
    checksum,
    entry_of,
    text_of,
)

VERSION: Final = 2
BUSY_S: Final = 0.5  # the window stands still for so long

_TABLE: Final = """CREATE TABLE journal (
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
 comment TEXT"""
_TRIGGERS: Final = {
    "never_changed": """CREATE TRIGGER never_changed BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'verdicts are added, never changed'); END""",
    "never_deleted": """CREATE TRIGGER never_deleted BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'verdicts are withdrawn, never deleted'); END""",
}
_UNSEALED: Final = {"journal": f"{_TABLE}\n)", **_TRIGGERS}  # version 1 had no checksums
_SCHEMA: Final = {
    "journal": f"{_TABLE},\n before TEXT NOT NULL,\n checksum TEXT NOT NULL\n)",
    **_TRIGGERS,
}
# A text goes in and out as bytes: file names that are no valid Unicode would otherwise be refused.
_TEXT, _NUMBER = "CAST(? AS TEXT)", "?"
_COLUMNS: Final = ("id", *COLUMNS, "before", "checksum")
_INSERT: Final = (
    f"INSERT INTO journal ({', '.join(_COLUMNS)}) "
    f"VALUES ({', '.join(_NUMBER if one in ('id', *NUMBERS) else _TEXT for one in _COLUMNS)})"
)
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM journal WHERE id >= ? ORDER BY id"
_SELECT_UNSEALED: Final = f"SELECT {', '.join(COLUMNS)} FROM journal ORDER BY id"
_IS_THERE: Final = f"SELECT 1 FROM journal WHERE entry = {_TEXT}"
_LAST: Final = "SELECT id, checksum FROM journal ORDER BY id DESC LIMIT 1"
_NUMBER_OF_LAST: Final = "SELECT seq FROM sqlite_sequence WHERE name = 'journal'"


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
        _check_end(connection, entries)
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
        if _is_unsealed(connection):
            return _unsealed_entries(connection)
        _check(connection)
        entries = entries_after(connection, 0)
        _check_end(connection, entries)
        return [entry for _, entry in entries]


@_undecodable_is_broken()
def insert(connection: sqlite3.Connection, entries: Sequence[JournalEntry]) -> None:
    """Add `entries`, all or none, and wait until the disk has them; those that are there already are passed over.

    Raises:
        sqlite3.Error: they cannot be stored; the database is as it was.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        _refuse_newer(connection)
        _add(connection, entries)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


@_undecodable_is_broken()
def entries_after(connection: sqlite3.Connection, number: int) -> list[tuple[int, JournalEntry]]:
    """Return the entries with a larger number than `number`, each with its own, after checking their checksums.

    Raises:
        NoJournalError: a row is damaged, or one is missing.
        sqlite3.Error: they cannot be read.
    """
    found: list[tuple[int, JournalEntry]] = []
    last = b""
    for own, *cells, before, stored in connection.execute(_SELECT, (number,)):
        if own != number:
            if before != last or stored != checksum(own, before, cells):
                raise NoJournalError(f"row {own} is damaged, or one before it is missing")
            found.append((own, entry_of(cells)))
        last = stored
    return found


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
        if _is_unsealed(connection):
            _seal(connection)
        _check(connection)
        return
    for statement in _SCHEMA.values():
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version={VERSION}")


def _seal(connection: sqlite3.Connection) -> None:
    """Give every row of a journal of version 1 its checksum."""
    entries = _unsealed_entries(connection)
    connection.execute("PRAGMA secure_delete=ON")  # or rows without a checksum stay in unused pages
    for name in _TRIGGERS:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("DROP TABLE journal")
    for statement in _SCHEMA.values():
        connection.execute(statement)
    _add(connection, entries)
    connection.execute(f"PRAGMA user_version={VERSION}")


def _add(connection: sqlite3.Connection, entries: Sequence[JournalEntry]) -> None:
    number, last = connection.execute(_LAST).fetchone() or (0, b"")
    for entry in entries:
        cells = cells_of(entry)
        if connection.execute(_IS_THERE, cells[:1]).fetchone() is None:
            number, before = number + 1, last
            last = checksum(number, before, cells)
            connection.execute(_INSERT, (number, *cells, before, last))


def _check_end(connection: sqlite3.Connection, entries: Sequence[tuple[int, JournalEntry]]) -> None:
    """Raise NoJournalError where rows are missing after the last of `entries`, by the number that SQLite keeps."""
    (last,) = connection.execute(_NUMBER_OF_LAST).fetchone() or (0,)
    if last != (entries[-1][0] if entries else 0):
        raise NoJournalError("the last rows are missing")


def _unsealed_entries(connection: sqlite3.Connection) -> list[JournalEntry]:
    return [entry_of(row) for row in connection.execute(_SELECT_UNSEALED)]


def _check(connection: sqlite3.Connection) -> None:
    """Raise NoJournalError unless the database contains what `_SCHEMA` says and nothing that would run beside it.

    Raises NewerJournalError where a newer program wrote it.
    """
    _refuse_newer(connection)
    if _schema_of(connection) != _SCHEMA or _version_of(connection) != VERSION:
        raise NoJournalError("this is no journal of this version")


def _is_unsealed(connection: sqlite3.Connection) -> bool:
    return _version_of(connection) == 1 and _schema_of(connection) == _UNSEALED


def _schema_of(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    return {text_of(name): text_of(statement) for name, statement in rows}


def _version_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _refuse_newer(connection: sqlite3.Connection) -> None:
    version = _version_of(connection)
    if version > VERSION:
        raise NewerJournalError(f"a newer program wrote it (version {version})")
