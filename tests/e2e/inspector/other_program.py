"""Another program on the same screen: files are dragged from it, and it keeps the clipboard. It runs until it is ended.

other_program.py drag PATH …      a small window in a corner of the screen, from which these files are dragged
other_program.py text TEXT        copies a text
other_program.py picture FILE     copies the picture in a PNG file
"""

import sys
import tkinter as tk
from pathlib import Path
from typing import Any

from tkinterdnd2 import COPY, DND_FILES, TkinterDnD

SIDE_PX = 60
_MOST_BYTES = 800  # of a picture: Tk offers 4000 characters of numbers such as "0x89 ", and cuts off the rest


def offer_files(root: Any, paths: list[str]) -> None:
    """Let `paths` be dragged from a window at the upper right corner of the screen."""
    root.overrideredirect(True)
    root.geometry(f"{SIDE_PX}x{SIDE_PX}-0+0")
    addresses = tuple(Path(one).as_uri() for one in paths)
    # File managers send text; what Tk itself makes of a type that it does not know is numbers.
    root.tk.eval("proc ::tkdnd::xdnd::getFormatForType {type} {return STRING}")
    root.drag_source_register(1, DND_FILES)
    root.dnd_bind("<<DragInitCmd>>", lambda event: ((COPY,), (DND_FILES,), (addresses,)))
    root.update()
    root.lift()


def offer_text(root: Any, text: str) -> None:
    """Keep `text` on the clipboard."""
    root.withdraw()
    root.clipboard_clear()
    root.clipboard_append(text)


def offer_picture(root: Any, data: bytes) -> None:
    """Keep a picture, and no text, on the clipboard."""
    assert len(data) < _MOST_BYTES
    numbers = "".join(f"{byte:#04x} " for byte in data)

    def part(start: str, length: str) -> str:
        return numbers[int(start) : int(start) + int(length)]

    root.withdraw()
    root.selection_own(selection="CLIPBOARD")
    root.selection_handle(part, selection="CLIPBOARD", type="image/png", format="image/png")


def main(how: str, *what: str) -> None:
    """Offer it, say so, and stay."""
    root = TkinterDnD.Tk() if how == "drag" else tk.Tk()
    if how == "drag":
        offer_files(root, list(what))
    elif how == "text":
        offer_text(root, what[0])
    else:
        offer_picture(root, Path(what[0]).read_bytes())
    root.update()
    print("ready", flush=True)
    root.mainloop()


if __name__ == "__main__":
    main(*sys.argv[1:])
