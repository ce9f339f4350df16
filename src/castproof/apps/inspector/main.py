"""How the QA Inspector starts: from the command line, and as a program of its own."""

import gc
import re
import sys
import tkinter as tk
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from castproof.apps.inspector import PROGRAM
from castproof.apps.inspector.desk import Desk
from castproof.apps.inspector.message_strip import NOTE
from castproof.apps.inspector.theme import be_sharp, scale_of
from castproof.errors import MissingExtraError
from castproof.pipeline.inspecting.preferences import load_preferences
from castproof.pipeline.inspecting.user_folders import data_folder, preferences_path

_USUAL_SIZE: Final = (1280, 720)
_SMALL_SCREEN_PX: Final = 1440
_BARS_PX: Final = 90  # of the title, the menu and the task bar
_GRIP_PX: Final = 60  # of its title, by which a window can be moved
_ICONS: Final = (16, 32, 48, 256)


def main(arguments: Sequence[str] | None = None) -> None:
    """Open the window; the arguments are a model file and then a photo or a folder, both optional."""
    given = [Path(one) for one in (sys.argv[1:] if arguments is None else arguments)]
    run(given[0] if given else None, given[1] if len(given) > 1 else None)


def run(model: Path | None = None, photos: Path | None = None) -> None:
    """Open the window and stay in it until it is closed.

    Args:
        model: file to open; None for the one that was open last.
        photos: photo or folder to open.

    Raises:
        MissingExtraError: there is no screen to open a window on.
    """
    desk = open_desk(model, photos)
    gc.disable()  # the desk sweeps in the main thread: what belongs to Tk must not be freed in another one
    gc.freeze()
    desk.root.mainloop()


def open_desk(model: Path | None = None, photos: Path | None = None) -> Desk:
    """Return the desk with its window open, before anything was done in it; see `run`."""
    be_sharp()
    root = _root()
    program = Path(sys.executable) if getattr(sys, "frozen", False) else None
    path = preferences_path(program)
    preferences, message = load_preferences(path)
    root.title(PROGRAM)
    root.minsize(900, 560)
    root.geometry(_geometry(root, preferences.geometry, scale_of(root, preferences.scaling_percent)))
    _set_icon(root)
    desk = Desk(root, preferences, path, data_folder(program))
    _accept_drops(root, desk)
    if message:
        desk.tell(NOTE, message)
    last = Path(preferences.last_model) if preferences.last_model else None
    if model is not None:
        desk.commands.opening.use_model_path(model)
    elif last is not None:
        desk.commands.opening.use_last_model(last)
    if photos is not None:
        desk.commands.opening.use_given_photos(photos)
    return desk


def _root() -> tk.Tk:
    """Return the window of the system, which takes drops where the system can."""
    try:
        from tkinterdnd2 import TkinterDnD

        root: tk.Tk = TkinterDnD.Tk()
    except RuntimeError:  # tkdnd has no build for this system
        root = tk.Tk()
    except tk.TclError as error:
        raise MissingExtraError(
            "The window cannot be opened.",
            found=f"Tk says: {error}.",
            fix="Run it where there is a screen; over ssh give -X. Without a screen, use castproof predict.",
        ) from error
    return root


def _accept_drops(root: tk.Tk, desk: Desk) -> None:
    window: Any = root
    if hasattr(window, "drop_target_register"):
        from tkinterdnd2 import DND_FILES

        window.drop_target_register(DND_FILES)
        window.dnd_bind(
            "<<Drop>>",
            lambda event: desk.commands.opening.use_paths(
                [Path(one) for one in root.tk.splitlist(event.data)]
            ),
        )


def _set_icon(root: tk.Tk) -> None:
    folder = Path(__file__).parent / "images"
    files = [path for size in _ICONS if (path := folder / f"icon_{size}.png").is_file()]
    if files:
        root.iconphoto(True, *(tk.PhotoImage(file=path, master=root) for path in files))


def _geometry(root: tk.Tk, last: str, scale: float) -> str:
    """Return where the window was last; its usual place where that is on no screen any more."""
    place = re.fullmatch(r"(\d+)x(\d+)\+(-?\d+)\+(-?\d+)", last)
    if place is None:
        return last or _usual_geometry(root, scale)
    width, _, left, top = map(int, place.groups())
    screen_left, screen_top = root.winfo_vrootx(), root.winfo_vrooty()
    seen = screen_left - width + _GRIP_PX < left < screen_left + root.winfo_vrootwidth() - _GRIP_PX
    seen = seen and screen_top - _GRIP_PX < top < screen_top + root.winfo_vrootheight() - _GRIP_PX
    return last if seen else _usual_geometry(root, scale)


def _usual_geometry(root: tk.Tk, scale: float) -> str:
    width, height = root.winfo_screenwidth(), root.winfo_screenheight()
    if width <= _SMALL_SCREEN_PX * scale:
        return f"{width}x{height - _BARS_PX}+0+0"
    wide, high = max(_USUAL_SIZE[0], round(0.85 * width)), max(_USUAL_SIZE[1], round(0.85 * height))
    return f"{wide}x{high}+{(width - wide) // 2}+{(height - high) // 3}"
