"""Where the verdicts on a folder of photos are kept, and what to do with a file that is in the way."""

import errno
import hashlib
import os
import tempfile
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from castproof.errors import OutputError
from castproof.files import first_free
from castproof.translation import tr

ENDING: Final = ".verdicts.sqlite"
FULL_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PROBE_BYTES: Final = 4096
_NAME_CHARACTERS: Final = 40


def path_beside(folder: Path) -> Path:
    """Return the file of verdicts next to `folder`, links resolved; inside of it where nothing lies above it."""
    real = Path(os.path.realpath(folder))
    return real.with_name(real.name + ENDING) if real.name else real / ENDING.removeprefix(".")


def path_in(fallback: Path, folder: Path) -> Path:
    """Return the file of verdicts on `folder` that lies in the folder `fallback`; each folder has one of its own."""
    real = os.path.realpath(folder)
    digest = hashlib.sha256(os.path.normcase(real).encode("utf-8", "surrogatepass")).hexdigest()
    return fallback / f"{Path(real).name[:_NAME_CHARACTERS] or 'root'}-{digest[:12]}{ENDING}"


def why_unwritable(path: Path) -> OSError | None:
    """Return why the file `path`, or a new one beside it, cannot be written; None where both can."""
    try:
        if path.exists():
            with path.open("r+b"):
                pass
        with tempfile.TemporaryFile(dir=path.parent) as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
    except OSError as error:
        return error
    return None


def stamp(path: Path) -> tuple[int, ...]:
    """Return what changes when another file takes the place of `path`, or its content changes; () without a file."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def put_aside(path: Path) -> Path:
    """Return the new name of the file `path`, after renaming it and the journal that SQLite may have left beside it.

    Raises:
        OSError: it cannot be renamed.
    """
    time = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S")
    start = f"{path.name}.broken-{time}"
    aside = first_free(lambda number: path.with_name(f"{start}-{number}" if number > 1 else start))
    path.rename(aside)
    # Left where it is, SQLite would roll it back into the new file.
    with suppress(FileNotFoundError):
        _journal_of(path).rename(_journal_of(aside))
    return aside


def locked(path: Path) -> OutputError:
    """Return what a person is told where another program keeps the file `path` to itself."""
    return OutputError(
        tr("{path} cannot be written now: another program keeps it locked.", path=path),
        fix=tr("Close that program or wait a moment. Verdicts that wait are stored with the next one."),
    )


def newer(path: Path) -> OutputError:
    """Return what a person is told where a newer program wrote the file `path`, which is left as it is."""
    return OutputError(
        tr("{path} was written by a newer version of this program.", path=path),
        rule=tr("The verdicts in it are kept as they are, and none is added by this version."),
        fix=tr("Open these photos with the newer version, or copy them to a folder of their own."),
    )


def not_written(path: Path, reason: Exception, fallback: Path | None = None) -> OutputError:
    """Return what a person is told where neither `path` nor, if it was tried, `fallback` can be written."""
    words = (reason.strerror if isinstance(reason, OSError) else None) or str(reason)
    return OutputError(
        tr("Verdicts cannot be written to {path}: {reason}.", path=path, reason=words),
        found=tr("Nor can they be written to {path}.", path=fallback) if fallback else "",
        fix=tr(
            "Free some space, or see that the folder is there and may be written. "
            "Verdicts that wait are stored with the next one; until then leave the program open."
        ),
    )


def _journal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-journal")
