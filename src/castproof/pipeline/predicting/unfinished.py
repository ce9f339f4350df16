"""The rows that are finished while a long command is at work, so that it can go on where it stopped.

They lie in the folder OUT.part beside OUT, in a file of JSON lines: the first says of which command, then a line that
begins each sitting, then one row per photo or part in the order of the walk. A sitting that goes on adds to the end.
Read together, the sittings are merged again, by the order of the walk; of a photo that was judged twice the later row
counts. A line that is torn or damaged is passed over and its photo judged again. Verdicts follow from p_defective.
"""

import heapq
import json
import shutil
import zlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from castproof.errors import SettingError
from castproof.files import TEMPORARY_START, beside, in_use, make_folder, write_error
from castproof.measure.decision import Verdict
from castproof.pipeline.predicting.prediction import Prediction, Rules
from castproof.pipeline.predicting.walk import Key, Unit

ENDING: Final = ".part"
ROWS: Final = "rows.jsonl"
_SITTING: Final = {"sitting": 1}


class Finished(NamedTuple):
    """What is kept of a photo, or part, that was judged.

    Args:
        unit: the photo or part.
        stamp: sizes and times of its files, before they were read; "" where they cannot be told.
        prediction: the verdict on it.
    """

    unit: Unit
    stamp: str
    prediction: Prediction


@dataclass(frozen=True)
class _Row:
    key: Key
    stamp: str
    p_defective: float
    warnings: tuple[str, ...]


class Unfinished:
    """The finished rows of one command; one process at a time.

    Args:
        folder: where they lie.
        header: says of which command, JSON values.

    Raises:
        SettingError: the folder contains the rows of another command.
        OutputError: it cannot be written.
    """

    def __init__(self, folder: Path, header: Mapping[str, Any]) -> None:
        self.folder = folder
        self._path = folder / ROWS
        for stale in folder.glob(f"{TEMPORARY_START}*.*"):
            stale.unlink(missing_ok=True)
        starts = _sittings(self._path, header)
        try:
            self._file = self._path.open("ab" if starts else "wb")
        except OSError as error:
            raise write_error(self._path, error) from error
        self._rows = _in_order(self._path, starts)
        self._next = next(self._rows, None)
        self._write([_SITTING] if starts else [dict(header), _SITTING])

    def kept(self, unit: Unit, rules: Rules) -> Prediction | None:
        """Return the finished prediction on `unit`; None where it must be judged (again).

        Units come in the order of the walk. Rows of what the walk does not meet any more are passed over.
        """
        while self._next is not None and self._next.key < unit.key:
            self._next = next(self._rows, None)
        row = self._next
        if row is None or row.key != unit.key or row.stamp != stamp_of(unit):
            return None
        prediction = rules.prediction(unit, row.p_defective, row.warnings)
        return None if prediction.p_defective is None else prediction

    def add(self, rows: Iterable[Finished]) -> None:
        """Keep what was judged now; what was NOT_INSPECTED is tried again the next time. Raises OutputError."""
        self._write(
            _summed([*unit.key, stamp, one.p_defective, list(one.warnings)])
            for unit, stamp, one in rows
            if stamp and one.verdict is not Verdict.NOT_INSPECTED
        )

    def close(self) -> None:
        """Close the files."""
        self._rows.close()
        self._file.close()

    def _write(self, values: Iterable[Any]) -> None:
        try:
            self._file.write(b"".join(_line(one) for one in values))
            self._file.flush()
        except OSError as error:
            raise write_error(self._path, error) from error


@contextmanager
def unfinished_beside(out: Path, header: Mapping[str, Any]) -> Iterator[Unfinished]:
    """Yield the finished rows of the command that writes `out`; they are removed when the block ends well.

    Raises:
        SettingError: what lies there is of another command.
        OutputError: it cannot be written, or the same command is at work.
    """
    folder = make_folder(beside(out, ENDING))
    with in_use(folder):
        rows = Unfinished(folder, header)
        try:
            yield rows
        finally:
            rows.close()
    shutil.rmtree(folder, ignore_errors=True)


def stamp_of(unit: Unit) -> str:
    """Return sizes and times of the files of `unit`, by which a change is noticed; "" where one is not there."""
    try:
        infos = [photo.stat() for photo in unit.photos]
    except (OSError, ValueError):
        return ""
    names = [photo.name for photo in unit.photos] if len(unit.photos) > 1 else [""]
    return "|".join(
        f"{name} {info.st_size} {info.st_mtime_ns}".strip() for name, info in zip(names, infos, strict=True)
    )


def _sittings(path: Path, header: Mapping[str, Any]) -> list[int]:
    """Return where each sitting begins in the file; a torn last line is cut off. Nothing where no row is in it.

    Raises:
        SettingError: it has rows of another command.
        OutputError: it cannot be read and changed.
    """
    starts: list[int] = []
    rows, place = 0, 0
    try:
        with path.open("r+b") as file:
            first = file.readline()
            place = len(first)
            for line in file:
                if not line.endswith(b"\n"):
                    file.truncate(place)
                    break
                place += len(line)
                if line == _line(_SITTING):
                    starts.append(place)
                else:
                    rows += 1
    except FileNotFoundError:
        return []
    except OSError as error:
        raise write_error(path, error) from error
    if rows and first != _line(header):
        raise _of_another(path.parent, first, header)
    return starts if rows else []


def _in_order(path: Path, starts: list[int]) -> Generator[_Row, None, None]:
    """Yield the rows of all sittings by the order of the walk, of each photo the latest."""
    ends = [*starts[1:], path.stat().st_size] if starts else []
    with ExitStack() as files:
        sittings = [
            _rows(files.enter_context(path.open("rb")), *span) for span in zip(starts, ends, strict=True)
        ]
        # Of equal keys, those of the earlier sitting come first.
        merged = heapq.merge(*sittings, key=_key)
        for _, same in groupby(merged, key=_key):
            yield deque(same, maxlen=1)[0]


def _rows(file: BinaryIO, start: int, end: int) -> Iterator[_Row]:
    file.seek(start)
    while file.tell() < end:
        row = _row(file.readline())
        if row is not None:
            yield row


def _key(row: _Row) -> Key:
    return row.key


def _row(line: bytes) -> _Row | None:
    """Return the row of a line, None where it is none or was damaged."""
    try:
        values = json.loads(line)
        if values != _summed(values[:-1]):
            return None
        source, name, stamp, p_defective, warnings = values[:-1]
        return _Row((source, name), stamp, float(p_defective), tuple(warnings))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _summed(values: list[Any]) -> list[Any]:
    """Return `values` with their checksum behind them."""
    return [*values, zlib.crc32(_line(values))]


def _line(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode("ascii") + b"\n"


def _of_another(folder: Path, first: bytes, header: Mapping[str, Any]) -> SettingError:
    try:
        before = json.loads(first)
    except (ValueError, RecursionError):
        before = {}
    now = json.loads(_line(header))
    other = [key for key in now if not isinstance(before, dict) or before.get(key) != now[key]]
    return SettingError(
        f"{folder} contains what another command had finished.",
        rule="Only the same command can continue it: rows of two models or shards never mix.",
        found=f"They differ in: {', '.join(other)}.",
        fix="Give that command again, name another file to write, or remove the folder.",
    )
