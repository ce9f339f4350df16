"""Work that is wanted many times and done once, when the window has nothing else to do."""

import tkinter as tk
from collections.abc import Callable


class Coalesced:
    """Calls `work` once when the window is idle, however often it was asked for; never after `widget` is gone."""

    def __init__(self, widget: tk.Misc, work: Callable[[], None]) -> None:
        self._widget = widget
        self._work = work
        self._waiting: str | None = None
        widget.bind("<Destroy>", self._forget, add=True)

    def __call__(self) -> None:
        """Ask for the work."""
        if self._waiting is None:
            self._waiting = self._widget.after_idle(self._run)

    def _run(self) -> None:
        self._waiting = None
        self._work()

    def _forget(self, event: "tk.Event[tk.Misc]") -> None:
        if event.widget is self._widget and self._waiting is not None:
            self._widget.after_cancel(self._waiting)
            self._waiting = None
