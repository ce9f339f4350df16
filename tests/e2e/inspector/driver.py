"""Drives the real window in this process: keys and mouse by xdotool, what it shows read from its widgets."""

import logging
import time
import tkinter as tk
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tkinter import ttk
from typing import Any

from screen import until, xdotool

import castproof
from castproof.apps.inspector.desk import Desk


class Unexpected(logging.Handler):
    """Keeps what the program logs of errors that nobody foresaw."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one of them."""
        self.found.append(self.format(record))


class Driver:
    """Hands and eyes of somebody who sits at the window.

    Attributes:
        unexpected: errors that nobody foresaw, in the window's own thread or in another one; the test fails for them.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.unexpected = Unexpected()
        logging.getLogger("castproof").addHandler(self.unexpected)
        self.until(lambda: desk.root.winfo_viewable())
        desk.root.focus_force()
        self.rest()

    def rest(self, seconds: float = 0.05) -> None:
        """Let the window work for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._update()
            time.sleep(0.002)

    def _update(self) -> None:
        self.desk.root.update()
        assert not self.unexpected.found, self.unexpected.found[0]

    def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Let the window work until `condition` holds."""
        until(self._update, condition, lambda: f"{what} {self.message} {self.status}")

    def press(self, *keys: str) -> None:
        """Press keys, such as "ctrl+m", one after the other."""
        for key in keys:
            self.until(lambda: not self.desk.window.key_guard.is_deaf)
            xdotool("key", "--delay", "1", key)
            self.rest(0.03)

    def type(self, text: str) -> None:
        """Type letters."""
        xdotool("type", "--delay", "1", text)
        self.rest(0.05)

    def click(self, widget: tk.Misc, at: tuple[int, int] | None = None) -> None:
        """Click on a widget, in its middle or at a point of it."""
        x, y = at or (widget.winfo_width() // 2, widget.winfo_height() // 2)
        xdotool("mousemove", widget.winfo_rootx() + x, widget.winfo_rooty() + y, "click", 1)
        self.rest()

    def drag(self, widget: tk.Misc, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Drag on a widget from one point to another."""
        left, top = widget.winfo_rootx(), widget.winfo_rooty()
        xdotool("mousemove", left + start[0], top + start[1], "mousedown", 1)
        self.rest()
        xdotool("mousemove", left + end[0], top + end[1])
        self.rest()
        xdotool("mouseup", 1)
        self.rest()

    def button(self, text: str, within: tk.Misc | None = None) -> ttk.Button:
        """Return the button with this text."""
        found = [
            one for one in self.widgets(within) if isinstance(one, ttk.Button) and one.cget("text") == text
        ]
        assert len(found) == 1, f"{len(found)} buttons {text!r}"
        return found[0]

    def dialog(self) -> Any:
        """Return the window that stands over the main one, as soon as it is there."""

        def found() -> list[tk.Misc]:
            return [one for one in self.desk.root.winfo_children() if isinstance(one, tk.Toplevel)]

        self.until(lambda: found() and found()[-1].winfo_viewable(), "no dialog")
        self.rest()
        return found()[-1]

    def widgets(self, within: tk.Misc | None = None) -> list[tk.Misc]:
        """Return all widgets below one."""
        found: list[tk.Misc] = []
        waiting = [within or self.desk.root]
        while waiting:
            one = waiting.pop()
            found.append(one)
            waiting += one.winfo_children()
        return found

    def texts(self, within: tk.Misc | None = None) -> str:
        """Return all texts of labels that are seen below a widget."""
        labels = [one for one in self.widgets(within) if isinstance(one, ttk.Label) and one.winfo_viewable()]
        return "\n".join(str(one.cget("text")) for one in labels)

    @property
    def message(self) -> str:
        """What the strip of messages says."""
        return self.desk.window.messages.text

    @property
    def place_of_photo(self) -> str:
        """What stands in the place of the photo where there is none to show."""
        return self.desk.window.photo._message

    @property
    def status(self) -> str:
        """What the status line says."""
        return self.desk.window.status

    @property
    def shown(self) -> str:
        """The name of the photo that is shown and read, "" for none."""
        place = self.desk.session.current
        if place is None or self.desk.looked is None or self.desk.looked.place != place:
            return ""
        return self.desk.session.seen.photos.names[place]

    def open(self, model: Path | None = None, photos: Path | None = None) -> None:
        """Open a model and photos as if they were dropped, and wait until all photos are judged."""
        opening = self.desk.commands.opening
        if model is not None:
            opening.use_paths([model])
            self.until(lambda: self.desk.session.model is not None, "no model")
        if photos is not None:
            before = self.desk.session.photos
            opening.use_paths([photos])
            self.until(lambda: self.desk.session.photos is not before, "no photos")
            self.judged()

    def judged(self) -> None:
        """Wait until every photo is judged and the current one is shown."""
        desk = self.desk
        self.until(lambda: desk.session.tally().pending == 0 and desk.batch_ticket is None, "not judged")
        self.until(lambda: self.shown, "not shown")

    def judged_one(self) -> None:
        """Wait until the current photo is shown and judged."""
        desk = self.desk
        self.until(lambda: self.shown and desk.looked is not None and desk.looked.inspection, "not judged")

    def signed(self, name: str = "Anna Nowak") -> "Driver":
        """Return this driver after giving the name of the inspector."""
        self.desk.prefer(inspector=name)
        return self

    def decide(self, key: str = "", reason: str = "") -> str:
        """Press a key that decides, then that of a reason where it is asked for; return the name of the photo.

        Without a key, the model is confirmed where it is sure, and the part is called defective where it is not.
        """
        shown, place, session = self.shown, self.desk.session.current or 0, self.desk.session
        sure = session.verdict(place) in (castproof.Verdict.ACCEPT, castproof.Verdict.REJECT)
        last = place == session.places[-1]
        self.press(key or ("Return" if sure else "d"))
        if reason:
            dialog = self.dialog()
            self.press(reason, "Return")
            self.until(lambda: not dialog.winfo_exists(), "no reason")
        self.until(
            lambda: place in session.verdicts and (last or self.shown not in ("", shown)), "no verdict"
        )
        return shown

    def close(self) -> None:
        """Close the window, if it is still open."""
        logging.getLogger("castproof").removeHandler(self.unexpected)
        with suppress(tk.TclError):  # it is closed
            self.desk.root.winfo_exists()
            self.desk.close()
        assert not self.unexpected.found, self.unexpected.found[0]
