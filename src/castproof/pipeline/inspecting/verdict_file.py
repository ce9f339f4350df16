"""The verdicts of inspectors on the photos of one folder, each on the disk before the next one is given."""

import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from castproof.errors import OutputError
from castproof.pipeline.inspecting.inspector_verdict import (
    InspectorVerdict,
    JournalEntry,
    latest_of,
    new_id,
    now_after,
    utc_now,
    valid_entries,
    verdict_entry,
    withdrawal_entry,
)
from castproof.pipeline.inspecting.verdict_database import (
    NewerJournalError,
    data_version,
    entries_after,
    insert,
    is_broken,
    is_locked,
    read_database,
    read_file,
)
from castproof.pipeline.inspecting.verdict_places import (
    FULL_DISK,
    locked,
    newer,
    not_written,
    path_beside,
    path_in,
    put_aside,
    stamp,
    why_unwritable,
)
from castproof.pipeline.inspecting.verdict_salvage import salvage

_ATTEMPTS: Final = 4

__all__ = ["InspectorVerdict", "JournalEntry", "VerdictFile", "now_after", "utc_now"]


class VerdictFile:
    """A journal of verdicts in an SQLite file; several programs may have it open at a time, threads may share one.

    What is read comes from memory, so that a disk that is gone takes nothing from the window.

    Attributes:
        path: the file.
        moved_from: where the verdicts should lie but cannot be written, so that they lie in the fallback folder; else
            None. It is told at opening, and may change when a verdict is stored.
        set_aside: the new names of files that were in the way.
        salvaged: how many entries of damaged files were sound and taken over.
        lost: how many of theirs are damaged or missing, as far as can be seen.
        brought_back: how many entries were taken from the fallback folder at opening, where they had been kept.
    """

    def __init__(self, path: Path, fallback: Path) -> None:
        """See `open`."""
        self.path = path
        self.moved_from: Path | None = None
        self.set_aside: tuple[Path, ...] = ()
        self.salvaged = self.lost = 0
        self.brought_back = 0
        self._fallback = fallback
        self._program = new_id()
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._version = self._last_number = 0
        self._entries: list[JournalEntry] = []
        self._ids: set[str] = set()
        self._of_others: list[JournalEntry] = []
        self._waiting: list[JournalEntry] = []
        self._rescued: list[JournalEntry] = []

    @classmethod
    def open(cls, folder: Path, fallback: Path) -> "VerdictFile":
        """Return the verdicts on the photos in `folder`, kept next to it, or in `fallback` where that cannot be.

        Args:
            folder: the photos.
            fallback: a folder of the user's own data; made where it is needed.

        Raises:
            OutputError: another program keeps it locked, a newer one wrote it, or it can be written in neither place.
        """
        opened = cls(path_beside(folder), path_in(fallback, folder))
        try:
            opened._connect(opened.path)
        except (sqlite3.Error, OSError) as error:
            if is_locked(error) or isinstance(error, NewerJournalError):
                raise (locked if is_locked(error) else newer)(opened.path) from error
            opened._move(opened._readable(opened.path), error)
        else:
            opened._bring_back()
        opened._of_others.clear()
        return opened

    @property
    def waiting(self) -> tuple[JournalEntry, ...]:
        """What is in memory alone, since it could not be stored; it is stored first with whatever comes next."""
        return tuple(self._waiting)

    def add(self, verdict: InspectorVerdict) -> str:
        """Return the id of the entry that holds `verdict`, once the disk has it.

        Raises:
            OutputError: it could not be stored and waits.
        """
        return self._append(verdict_entry(verdict, self._program))

    def withdraw(self, which: str | InspectorVerdict, inspector: str = "") -> bool:
        """Return whether a verdict was withdrawn, so that the one before it counts again; the journal keeps both.

        Args:
            which: the id of its entry, or the verdict itself (the last one that is equal).
            inspector: who withdraws it; "" for who gave it.

        Raises:
            OutputError: the withdrawal could not be stored and waits.
        """
        with self._lock:
            self._refresh()
            valid = valid_entries([*self._entries, *self._waiting])
            found = [entry for entry, verdict in valid if which in (entry.entry_id, verdict)]
            if found:
                self._append(withdrawal_entry(found[-1], self._program, inspector))
            return bool(found)

    def retry(self) -> None:
        """Store what waits. Raises OutputError where it still cannot be stored."""
        with self._lock:
            if self._waiting:
                self._store()

    def latest(self) -> dict[str, InspectorVerdict]:
        """Return by file the verdict that counts, see `latest_of`; those that wait are included."""
        return latest_of(self.history())

    def history(self) -> list[JournalEntry]:
        """Return every entry in the order of the journal, withdrawals and those that wait included."""
        with self._lock:
            self._refresh()
            return [*self._entries, *self._waiting]

    def news(self) -> tuple[JournalEntry, ...]:
        """Return what other programs have added since this was last asked; cheap where there is nothing."""
        with self._lock:
            self._refresh()
            found = tuple(self._of_others)
            self._of_others.clear()
            return found

    def close(self) -> None:
        """Close the file. What waits is lost: call `retry` before, and tell of what is left in `waiting`."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _append(self, entry: JournalEntry) -> str:
        with self._lock:
            self._waiting.append(entry)
            self._store()
            return entry.entry_id

    def _store(self) -> None:
        try:
            if self._connection is None:
                raise sqlite3.OperationalError("the file is not open")
            insert(self._connection, self._waiting)
        except sqlite3.Error as error:
            self._recover(error)
        self._refresh()  # first, so that what others wrote before stands before it
        self._remember(self._waiting)
        self._waiting.clear()

    def _recover(self, error: sqlite3.Error) -> None:
        """Store all that is known and what waits in a file that can be written, the same one or the fallback."""
        if is_locked(error):
            raise locked(self.path) from error
        self.close()
        everything = [*self._entries, *self._waiting]
        reason = why_unwritable(self.path)
        if reason is not None and reason.errno not in FULL_DISK and self.path != self._fallback:
            self._move(everything, reason)
            return
        if reason is not None:
            raise not_written(self.path, reason) from error
        try:
            self._connect(self.path, everything)
        except NewerJournalError as again:
            self._move(everything, again)
        except (sqlite3.Error, OSError) as again:
            self.close()
            raise (locked(self.path) if is_locked(again) else not_written(self.path, again)) from again

    def _move(self, entries: list[JournalEntry], reason: Exception) -> None:
        """Go on in the fallback file, with `entries` in it."""
        try:
            self._fallback.parent.mkdir(parents=True, exist_ok=True)
            self._connect(self._fallback, entries)
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise not_written(self.path, reason, self._fallback) from error
        self.moved_from, self.path = self.path, self._fallback

    def _connect(self, path: Path, entries: list[JournalEntry] | None = None) -> None:
        """Open `path`, put a file aside that is no sound journal, and add those of `entries` that it lacks."""
        self._connection, found = self._opened(path)
        added = [*(entries or ()), *self._rescued]
        if added:
            insert(self._connection, added)
            found = entries_after(self._connection, 0)
        new = [one for _, one in found if one.entry_id not in self._ids]
        self._of_others += [one for one in new if one.program != self._program]
        self._entries = [one for _, one in found]
        self._ids = {one.entry_id for one in self._entries}
        self._last_number = found[-1][0] if found else 0
        self._version = 0

    def _opened(
        self, path: Path, attempts: int = _ATTEMPTS
    ) -> tuple[sqlite3.Connection, list[tuple[int, JournalEntry]]]:
        before = stamp(path)
        try:
            return read_database(path)
        except sqlite3.DatabaseError as error:
            last = attempts == 1 or is_locked(error) or isinstance(error, NewerJournalError)
            if last or not (is_broken(error) or why_unwritable(path) is None):
                raise
            if is_broken(error) and stamp(path) == before:
                self._put_aside(path)
        return self._opened(path, attempts - 1)

    def _put_aside(self, path: Path) -> None:
        with suppress(FileNotFoundError):  # another program was faster
            aside = put_aside(path)
            self.set_aside = (*self.set_aside, aside)
            self._salvage(aside)

    def _salvage(self, path: Path) -> None:
        with suppress(OSError):
            found = salvage(path)
            self._rescued += found.entries
            self.salvaged += len(found.entries)
            self.lost += found.lost

    def _bring_back(self) -> None:
        """Take over what was kept in the fallback file while this one could not be written."""
        missing = [one for one in self._readable(self._fallback) if one.entry_id not in self._ids]
        if missing:
            self._waiting = list(missing)
            with suppress(OutputError):
                self._store()
            self.brought_back = len(missing)

    def _readable(self, path: Path) -> list[JournalEntry]:
        try:
            return read_file(path)
        except (sqlite3.Error, OSError) as error:
            if not is_broken(error):
                return []
            known = len(self._rescued)
            try:
                self._put_aside(path)
            except OSError:
                self._salvage(path)
            return self._rescued[known:]

    def _refresh(self) -> None:
        """Read what was added; where the file cannot be read now, what is known stays."""
        if self._connection is None:
            return
        with suppress(sqlite3.Error):
            version = data_version(self._connection)
            if version != self._version:
                found = entries_after(self._connection, self._last_number)
                self._version = version
                self._remember([one for _, one in found])
                self._last_number = found[-1][0] if found else self._last_number

    def _remember(self, entries: list[JournalEntry]) -> None:
        new = [one for one in entries if one.entry_id not in self._ids]
        self._entries += new
        self._ids.update(one.entry_id for one in new)
        self._of_others += [one for one in new if one.program != self._program]
