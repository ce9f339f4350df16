"""Writing results so that a reader sees the old file or the whole new one, never a half; and reading them back.

What is written is on the disk before the next file is begun, so that a power cut leaves no file that marks a folder as
complete without what it stands for.
"""

import csv
import json
import os
import secrets
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from castproof.errors import OutputError

CSV_ERRORS = "surrogatepass"
TEMPORARY_START = ".castproof-"
LOCK = f"{TEMPORARY_START}lock"
MOST_NESTED = 100
_FORMULA_STARTS = tuple("=+-@\t\r'")


@contextmanager
def atomic_path(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it when the block ends well.

    When the block raises, `path` is left as it was and the temporary file is removed.

    Args:
        path: the file.
        durable: wait until the disk has it; needless for a cache.

    Raises:
        OutputError: the folder cannot be made or written, or the disk is full.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        name = f"{TEMPORARY_START}{path.stem[:40]}-{secrets.token_hex(4)}{path.suffix}"
        temporary = path.with_name(name)  # known before it exists, so that Ctrl-C never leaves it
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
        yield temporary
        if durable:
            put_in_place(temporary, path)
        else:
            temporary.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def put_in_place(written: Path, path: Path) -> None:
    """Let the file `written` replace `path`, and wait until the disk has it. Raises OSError."""
    file = os.open(written, os.O_RDWR)
    try:
        os.fsync(file)
    finally:
        os.close(file)
    written.replace(path)
    _flush_folder(path.parent)


def flush_all() -> None:
    """Wait until the disks have everything that was written, also without `atomic_path`; Windows cannot be asked to."""
    if hasattr(os, "sync"):
        os.sync()


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all; see `atomic_path`. Raises OutputError."""
    with atomic_path(path, durable=durable) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, data: Any) -> None:
    """Write `data` as indented JSON to `path`, whole or not at all. Raises OutputError."""
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file that `write_json` could have written.

    Raises:
        FileNotFoundError or another OSError: there is no file, or it cannot be read.
        ValueError: it is no JSON, no object, contains what is no number, or is nested deeper than MOST_NESTED.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(content, dict):
        raise ValueError("it is no object")
    check_nesting(content, MOST_NESTED)
    return content


def check_nesting(content: Any, most: int) -> None:
    """Raise ValueError where JSON values are nested deeper than `most`."""
    inner = [content]
    for _ in range(most + 1):
        inner = [one for one in inner if isinstance(one, dict | list)]
        if not inner:
            return
        inner = [value for one in inner for value in (one.values() if isinstance(one, dict) else one)]
    raise ValueError(f"it is nested deeper than {most}")


def writable(content: Any) -> Any:
    """Return JSON values with texts that are no valid Unicode, such as odd file names, written with backslashes.

    Args:
        content: JSON values; tuples become lists.
    """
    if isinstance(content, str):
        return content.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(content, dict):
        return {writable(key): writable(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [writable(one) for one in content]
    return content


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table as UTF-8 CSV to `path`, whole or not at all.

    A text that a spreadsheet would take for a formula (it starts with =, +, - or @) gets an apostrophe before
    it; `unguarded` takes it off again. File names that are no valid Unicode are kept.

    Raises:
        OutputError: the file cannot be written.
    """
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", errors=CSV_ERRORS, newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([_guarded(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a table that `write_csv` wrote, by column; texts are still guarded.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such table, or a cell is too large.
    """
    try:
        with path.open(encoding="utf-8", errors=CSV_ERRORS, newline="") as file:
            yield from csv.DictReader(file, strict=True)
    except csv.Error as error:
        raise ValueError(str(error)) from error


def unguarded(text: str) -> str:
    """Return a CSV cell as it was before `write_csv` guarded it."""
    return text.removeprefix("'")


def name_key(name: str) -> str:
    """Return what two names have in common that are one file on disks that ignore letter case."""
    return unicodedata.normalize("NFC", name).casefold()


def beside(folder: Path, ending: str) -> Path:
    """Return the folder beside `folder` whose name has `ending` added, relative where `folder` is."""
    if folder.name not in ("", ".."):
        return folder.with_name(folder.name + ending)
    return folder / ".." / (folder.resolve().name + ending)


def first_free(path_of: Callable[[int], Path], *endings: str) -> Path:
    """Return the first of `path_of(1)`, `path_of(2)` … where nothing is.

    Args:
        path_of: the path of a number.
        endings: nothing must be at the path with any of these added to its name, instead of at the path itself.
    """
    return next(
        path
        for path in map(path_of, count(1))
        if not any(os.path.lexists(f"{path}{ending}") for ending in endings or ("",))
    )


def make_folder(path: Path) -> Path:
    """Return `path` after making it and proving that it can be written. Raises OutputError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise write_error(path, error) from error


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Let no other process in here with the same folder until the block ends, or until this process does.

    The operating system keeps the lock on a file of its own in `folder`, which stays there, empty. On a disk that knows
    no locks nobody is kept out.

    Raises:
        OutputError: another process is in here, or the folder cannot be written.
    """
    try:
        file = (folder / LOCK).open("ab")
    except OSError as error:
        raise write_error(folder, error) from error
    with file:
        try:
            _lock(file.fileno())
        except (BlockingIOError, PermissionError) as error:
            raise OutputError(
                f"Another command is at work in {folder}.",
                rule="Only one at a time may write into it.",
                fix="Wait until it has ended, or give another folder.",
            ) from error
        except OSError:
            pass
        yield


def write_error(path: Path, error: OSError) -> OutputError:
    """Return the OutputError that tells a person why `path` could not be written."""
    return OutputError(
        f"Cannot write {path}: {error.strerror or error}.",
        fix="Free some space or choose a folder that you may write to.",
    )


def _lock(file: int) -> None:
    """Lock an open file until it is closed. Raises BlockingIOError or PermissionError where another process has it."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _guarded(text: str) -> str:
    return "'" + text if text[:1] in _FORMULA_STARTS else text


def _flush_folder(folder: Path) -> None:
    """Wait until the disk has the names in `folder`, where the system and the disk know how."""
    if sys.platform == "win32":
        return
    with suppress(OSError):  # the file is in place whatever happens here, and some network drives refuse
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
