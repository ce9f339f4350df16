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
        text=tr("Your name is stored with every verdict that you give. It is asked for once."),
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


class ReasonDialog(Dialog):
    """Asks why. A number chooses a reason and Enter takes it; other letters begin one of one's own.

    Args:
        parent: the window that it belongs to.
        colours: of the theme.
        scale: see `theme.scale_of`.
        title: what is asked.
        reasons: to choose from, at most nine.
        done: gets the reason.
    """

    def __init__(
        self,
        parent: tk.Misc,
        colours: Colours,
        scale: float,
        title: str,
        reasons: Sequence[str],
        done: Callable[[str], None],
    ) -> None:
        super().__init__(parent, title, colours, scale)
        self._done, self._reasons = done, list(reasons[:_MOST_NUMBERED])
        self._chosen = tk.IntVar(self, 0)
        ttk.Label(self.inside, text=title, style="Strong.TLabel").pack(anchor="w")
        how = tr("Press a number and Enter, or write your own reason and press Enter.")
        ttk.Label(self.inside, text=how).pack(anchor="w", pady=(0, round(4 * scale)))
        for number, reason in enumerate(self._reasons, start=1):
            line = ttk.Radiobutton(
                self.inside,
                text=f"{number}   {reason}",
                value=number,
                variable=self._chosen,
                command=self._clear,
            )
            line.configure(takefocus=False)
            line.pack(fill="x", pady=round(1 * scale))
        self._field = ttk.Entry(self.inside)
        self._field.pack(fill="x", pady=round(8 * scale))
        self._note = ttk.Label(self.inside, style="Mark.TLabel")
        self._note.pack(anchor="w")
        _buttons(self, tr("Store"), self._finish)
        self.bind("<Return>", lambda event: self._finish())
        self.bind("<KP_Enter>", lambda event: self._finish())
        self.bind("<Key>", self._typed)
        self.open(self)

    def _clear(self) -> None:
        self._field.delete(0, "end")

    def _typed(self, event: "tk.Event[tk.Misc]") -> None:
        """Choose by a number; any other letter begins a reason, with the number that was pressed before it."""
        if event.widget is self._field or not event.char.isprintable() or not event.char:
            return
        number = int(event.char) if event.char.isdecimal() else 0
        if 1 <= number <= len(self._reasons) and not self._chosen.get():
            self._chosen.set(number)
            return
        before = str(self._chosen.get() or "")
        self._chosen.set(0)
        self._field.focus_set()
        self._field.insert("end", before + event.char)

    def _finish(self) -> None:
        own, number = self._field.get().strip(), self._chosen.get()
        if own or number:
            self.destroy()
            self._done(own or self._reasons[number - 1])
        else:
            self._note.configure(text=tr("⚠ Choose a reason, or write one."))


def _buttons(dialog: Dialog, words: str, finish: Callable[[], None]) -> None:
    line = ttk.Frame(dialog.inside)
    line.pack(fill="x")
    ttk.Button(line, text=words, style="Accent.TButton", command=finish).pack(side="right")
    ttk.Button(line, text=tr("Cancel"), command=dialog.destroy).pack(side="right", padx=6)
