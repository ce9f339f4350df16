"""Pictures from the clipboard become files, so that a verdict on them has something to rest on."""

import os
import re
import tkinter as tk
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from PIL import Image, ImageGrab

from castproof.files import atomic_path, make_folder

FOLDER = "pasted"
MOST_CHARACTERS: Final = 64 * 2**20  # of a picture that comes as numbers, about five for a byte


def pasted_paths(root: tk.Misc) -> list[Path]:
    """Return the files and folders whose paths are the text on the clipboard, one a line; empty for any other text.

    Args:
        root: the window, which asks the screen for the text.
    """
    try:
        lines = root.clipboard_get().splitlines()
    except tk.TclError:
        return []
    paths = [_path_of(line.strip().strip('"')) for line in lines if line.strip()]
    return paths if all(map(os.path.lexists, paths)) else []


def pasted_picture(root: tk.Misc, data_folder: Path) -> list[Path]:
    """Return the picture on the clipboard as a new file, or the files that were copied there; empty for neither.

    Args:
        root: the window, which asks the screen for pictures where the system knows no other way.
        data_folder: of the user; the file is kept below it.

    Raises:
        OutputError: the picture cannot be kept.
    """
    found = _grabbed()
    if isinstance(found, list):
        return [Path(one) for one in found]
    data = None if found is not None else _from_screen(root)
    if found is None and data is None:
        return []
    name = f"{datetime.now().astimezone():%Y-%m-%d %H.%M.%S.%f}"[:-3] + ".png"
    path = make_folder(data_folder / FOLDER) / name
    with atomic_path(path) as temporary:
        if found is not None:
            found.save(temporary)
        elif data is not None:
            temporary.write_bytes(data)
    return [path]


def _path_of(text: str) -> Path:
    return Path(url2pathname(urlsplit(text).path) if text.startswith("file:///") else text)


def _grabbed() -> Image.Image | list[str] | None:
    try:
        return ImageGrab.grabclipboard()
    except (NotImplementedError, OSError, Image.DecompressionBombError):
        return None


def _from_screen(root: tk.Misc) -> bytes | None:
    """Return the bytes of a PNG that another X11 program offers, None for none or a very large one.

    Tk gives them as numbers.
    """
    try:
        numbers = root.selection_get(  # type: ignore[no-untyped-call]
            selection="CLIPBOARD", type="image/png"
        )
        if len(numbers) > MOST_CHARACTERS:
            return None
        return bytes(int(one[0], 0) & 0xFF for one in re.finditer(r"\S+", numbers))
    except (tk.TclError, ValueError):
        return None
