"""The QA Inspector as a program of its own. What fails before its window opens is shown, and written to a file."""

import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from castproof.errors import CastproofError
from castproof.translation import tr

LOG_NAME = "qa_inspector.log"
FULL_LOG_BYTES = 1_000_000

# ONNX Runtime sends what it does to its maker, unless this is set before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def main() -> None:
    """Open the window and stay in it until it is closed."""
    if sys.stderr is None:  # as on Windows, where a program with a window has no console
        sys.stderr = _log_file().open("a", encoding="utf-8", buffering=1)
    try:
        from castproof.apps.inspector.main import main as open_window

        open_window()
    except Exception as error:
        log = _logged(error)
        reason = str(error) if isinstance(error, CastproofError) else f"{type(error).__name__}: {error}"
        _show(
            f"{tr('The QA Inspector cannot go on.')}\n\n{reason}\n\n{tr('Details are in {file}', file=log)}"
        )
        sys.exit(1)


def _logged(error: Exception) -> Path:
    """Return the file that the error was written to."""
    file = _log_file()
    told = "".join(traceback.format_exception(error))
    with file.open("a", encoding="utf-8") as log:
        log.write(
            f"{datetime.now().astimezone().isoformat(timespec='seconds')} {' '.join(sys.argv)}\n{told}\n"
        )
    return file


def _log_file() -> Path:
    """Return a file that can be written, among the data of the user where that is possible."""
    for folder in _folders():
        file = folder / LOG_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            is_full = file.is_file() and file.stat().st_size > FULL_LOG_BYTES
            file.open("w" if is_full else "a", encoding="utf-8").close()
        except OSError:
            continue
        return file
    return Path(os.devnull)


def _folders() -> Iterator[Path]:
    with suppress(Exception):  # what is told here may be that a library is missing
        from castproof.pipeline.inspecting.user_folders import data_folder

        yield data_folder(Path(sys.executable))
    yield Path(tempfile.gettempdir())


def _show(message: str) -> None:
    if sys.platform == "win32":
        import ctypes

        error_icon = 0x10
        ctypes.windll.user32.MessageBoxW(None, message, "QA Inspector", error_icon)
        return
    print(message, file=sys.stderr)
    try:
        from tkinter import Tk, messagebox

        root = Tk()
        root.withdraw()
        messagebox.showerror("QA Inspector", message, parent=root)
    except Exception:  # without a screen or without Tk there is no box
        return


if __name__ == "__main__":
    main()
