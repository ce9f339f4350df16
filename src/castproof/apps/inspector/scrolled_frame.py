"""A frame that is scrolled where it does not fit; what gets the focus is scrolled into view."""

import tkinter as tk
from tkinter import ttk
from typing import Any, Final

_STEP: Final = 0.15  # of the height that is seen


class ScrolledFrame(ttk.Frame):
    """Widgets go into `inside`, which is as wide as what is seen of it.

    Args:
        parent: what it is in.
        gap_px: between `inside` and the scroll bar.
    """

    def __init__(self, parent: tk.Misc, gap_px: int) -> None:
        super().__init__(parent)
        self._gap_px, self._offset = gap_px, 0
        self._view = ttk.Frame(self)
        self._view.grid(row=0, column=0, sticky="nsew")
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self.inside = ttk.Frame(self._view)
        self.inside.place(x=0, y=0, relwidth=1)
        self._bar = ttk.Scrollbar(self, command=self._scrolled)
        # Its room is kept free: nothing moves under the mouse when it comes.
        self.columnconfigure(1, minsize=self._bar.winfo_reqwidth() + gap_px)
        self.inside.bind("<Configure>", self._fit, add=True)
        self._view.bind("<Configure>", self._fit)
        self._top = self.winfo_toplevel()
        self._bound = [("<FocusIn>", self._top.bind("<FocusIn>", self._show_focused, add=True))]
        for event in ("<MouseWheel>", "<Button-4>", "<Button-5>"):
            self._bound.append((event, self._top.bind(event, self._wheel, add=True)))

    def destroy(self) -> None:
        """Let go of what is bound to the window, which may stay."""
        for sequence, command in self._bound:
            self._top.unbind(sequence, command)
        super().destroy()

    def natural_size(self) -> tuple[int, int]:
        """Return the width and height, pixels, at which nothing is scrolled."""
        self.update_idletasks()
        return self.inside.winfo_reqwidth(), self.inside.winfo_reqheight()

    def ask_for(self, width: int, height: int) -> None:
        """Ask for this size, pixels, of what is seen of `inside`."""
        self._view.configure(width=width, height=height)

    def move(self, steps: int) -> None:
        """Scroll by so many steps, up where they are negative."""
        self._scrolled("scroll", str(steps), "units")

    def _fit(self, _event: Any) -> None:
        if self._whole() > self._seen():
            self._bar.grid(row=0, column=1, sticky="ns", padx=(self._gap_px, 0))
        else:
            self._bar.grid_remove()
        self._scroll_to(self._offset)

    def _whole(self) -> int:
        return self.inside.winfo_reqheight()

    def _seen(self) -> int:
        return self._view.winfo_height()

    def _scroll_to(self, offset: float) -> None:
        whole, seen = self._whole(), self._seen()
        self._offset = round(max(0, min(offset, whole - seen)))
        self.inside.place_configure(y=-self._offset)
        self._bar.set(self._offset / whole, (self._offset + seen) / whole)

    def _scrolled(self, how: str, amount: str, unit: str = "") -> None:
        if how == "moveto":
            self._scroll_to(float(amount) * self._whole())
        else:
            self._scroll_to(self._offset + int(amount) * self._seen() * (_STEP if unit == "units" else 1))

    def _wheel(self, event: Any) -> None:
        if not self._holds(event.widget, self):
            return
        up = event.num == 4 or event.delta > 0
        self._scroll_to(self._offset + (-_STEP if up else _STEP) * self._seen())

    def _holds(self, widget: Any, outer: tk.Misc) -> bool:
        """Return whether a widget is in `outer`; the window's bindings outlive this frame."""
        return bool(self.winfo_exists()) and f"{widget}.".startswith(f"{outer}.")

    def _show_focused(self, event: Any) -> None:
        widget = event.widget
        if not self._holds(widget, self.inside):
            return
        height = widget.winfo_height()
        top = widget.winfo_rooty() - self.inside.winfo_rooty()
        if top - height < self._offset:
            self._scroll_to(top - height)
        elif top + 2 * height > self._offset + self._seen():
            self._scroll_to(top + 2 * height - self._seen())
