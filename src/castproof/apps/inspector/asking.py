"""Small windows that ask one thing, and say it to who asked."""

import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import ttk

from castproof.apps.inspector.theme import Colours
from castproof.translation import tr

_MOST_NUMBERED = 9


class Dialog(tk.Toplevel):
    """A window over its parent that is left by Escape.

    Args:
        parent: the window that it belongs to.
        title: of the window.
        colours: of the theme.
        scale: see `theme.scale_of`.
        modal: whether the parent waits.
    """

    def __init__(
        self, parent: tk.Misc, title: str, colours: Colours, scale: float, *, modal: bool = True
    ) -> None:
        super().__init__(
            parent,
            background=colours.background,
            highlightthickness=1,
            highlightbackground=colours.border,
            highlightcolor=colours.border,
        )
        self.withdraw()
        self.title(title)
        self.transient(parent.winfo_toplevel())
        self._modal = modal
        self.inside = ttk.Frame(self, padding=round(14 * scale))
        self.inside.pack(fill="both", expand=True)
        self.bind("<Escape>", lambda event: self.destroy())

    def open(self, focus: tk.Misc) -> None:
        """Show the window in the middle of its parent, with the keyboard in `focus`."""
        self.update_idletasks()
        above = self.master.winfo_toplevel()
        width, height = self.winfo_reqwidth(), self.winfo_reqheight()
        left = above.winfo_rootx() + (above.winfo_width() - width) // 2
        top = above.winfo_rooty() + (above.winfo_height() - height) // 3
        left = min(max(0, left), max(0, self.winfo_screenwidth() - width))
        top = min(max(0, top), max(0, self.winfo_screenheight() - height))
        self.geometry(f"+{left}+{top}")
        self.deiconify()
        self.wait_visibility()
        if self._modal:
            self.grab_set()
        focus.focus_force()


def ask_name(parent: tk.Misc, colours: Colours, scale: float, done: Callable[[str], None]) -> None:
    """Ask for the inspector's name, once; `done` gets it."""
    dialog = Dialog(parent, tr("Who inspects?"), colours, scale)
    ttk.Label(
        dialog.inside,
        text=tr("Your name stands beside every verdict that you give. It is asked for once."),
        wraplength=round(380 * scale),
    ).pack(anchor="w")
    field = ttk.Entry(dialog.inside)
    field.pack(fill="x", pady=round(8 * scale))

    def finish() -> None:
        name = field.get().strip()
        if name:
            dialog.destroy()
            done(name)

    _buttons(dialog, tr("Go on"), finish)
    field.bind("<Return>", lambda event: finish())
    dialog.open(field)


def ask_reason(
    parent: tk.Misc, colours: Colours, scale: float, reasons: Sequence[str], done: Callable[[str], None]
) -> None:
    """Ask why the model is overruled; `done` gets the reason, which a number key chooses at once."""
    _ReasonDialog(parent, colours, scale, reasons, done)


class _ReasonDialog(Dialog):
    def __init__(
        self,
        parent: tk.Misc,
        colours: Colours,
        scale: float,
        reasons: Sequence[str],
        done: Callable[[str], None],
    ) -> None:
        super().__init__(parent, tr("Why is the model wrong?"), colours, scale)
        self._done = done
        how = ttk.Label(self.inside, text=tr("Press a number, or write your own reason and press Enter."))
        how.pack(anchor="w", pady=(0, round(4 * scale)))
        for number, reason in enumerate(reasons[:_MOST_NUMBERED], start=1):
            button = ttk.Button(self.inside, text=f"{number}   {reason}", command=self._chooser(reason))
            button.pack(fill="x", pady=round(2 * scale))
            self.bind(f"<Key-{number}>", self._number_key(reason))
        self._field = ttk.Entry(self.inside)
        self._field.pack(fill="x", pady=round(8 * scale))
        self._field.bind("<Return>", lambda event: self._finish())
        _buttons(self, tr("Overrule"), self._finish)
        self.open(self._field)

    def _chooser(self, reason: str) -> Callable[[], None]:
        def choose() -> None:
            self.destroy()
            self._done(reason)

        return choose

    def _number_key(self, reason: str) -> "Callable[[tk.Event[tk.Misc]], None]":
        """Return what chooses a reason, unless the number is part of a reason that is being written."""

        def pressed(event: "tk.Event[tk.Misc]") -> None:
            if event.widget is not self._field or self._field.get() == event.char:
                self._chooser(reason)()

        return pressed

    def _finish(self) -> None:
        if self._field.get().strip():
            self._chooser(self._field.get().strip())()


def _buttons(dialog: Dialog, words: str, finish: Callable[[], None]) -> None:
    line = ttk.Frame(dialog.inside)
    line.pack(fill="x")
    ttk.Button(line, text=words, style="Accent.TButton", command=finish).pack(side="right")
    ttk.Button(line, text=tr("Cancel"), command=dialog.destroy).pack(side="right", padx=6)
