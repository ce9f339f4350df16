"""The strip that tells of problems and of what was done; it never stands in the way."""

import tkinter as tk
from tkinter import ttk
from typing import Final

from castproof.apps.inspector.theme import STRONG, Colours
from castproof.errors import CastproofError
from castproof.translation import tr

PROBLEM, NOTE, DONE = "problem", "note", "done"
_SHOWN_MS: Final = 12_000  # notes go by themselves, problems do not
_SIGNS: Final = {PROBLEM: "✖", NOTE: "⚠", DONE: "✔"}


class MessageStrip(ttk.Frame):
    """What there is to tell, with a button to close it; it lies over the photo, so that nothing is moved.

    Args:
        parent: the window.
        over: what it lies over.
        colours: see `Colours`.
        scale: see `theme.scale_of`.

    Attributes:
        text: of the message that is shown, "" where there is none.
    """

    def __init__(self, parent: tk.Misc, over: tk.Misc, colours: Colours, scale: float) -> None:
        super().__init__(parent, padding=round(6 * scale), relief="solid", borderwidth=1)
        self._over = over
        self._colours = {PROBLEM: colours.reject, NOTE: colours.review, DONE: colours.accept}
        self.text = self._kind = ""
        self._told: dict[str, str] = {}  # texts by what they are about
        self._hiding: str | None = None
        self._sign = ttk.Label(self, font=STRONG)
        self._sign.pack(side="left", anchor="n", padx=(0, round(6 * scale)))
        ttk.Button(self, text="✕", width=2, command=self.hide).pack(side="right", anchor="n")
        self._label = ttk.Label(self, justify="left")
        self._label.pack(side="left", fill="x", expand=True)
        self.bind("<Destroy>", lambda event: self._stay())
        self.bind("<Configure>", lambda event: self._label.configure(wraplength=max(event.width - 100, 200)))

    def tell(self, kind: str, text: str, about: str = "") -> None:
        """Show `text`. A problem stays until it is closed, or done; others, and notes, are added to it.

        Args:
            kind: PROBLEM, NOTE or DONE.
            text: for a person.
            about: what was tried; the same thing tried again has one text.
        """
        if kind == DONE or self._kind != PROBLEM:
            self._told, self._kind = {}, kind
        self._told[about or text] = text
        self._show()

    def hide(self, about: str = "") -> None:
        """Show no message, or with `about` none that is about that."""
        if about:
            self._told.pop(about, None)
        else:
            self._told.clear()
        self._show()

    def _show(self) -> None:
        self._stay()
        self.text = "\n".join(self._told.values())
        if not self._told:
            self._kind = ""
            self.place_forget()
            return
        if self._kind != PROBLEM:
            self._hiding = self.after(_SHOWN_MS, self.hide)
        colour = self._colours[self._kind]
        self._sign.configure(text=_SIGNS[self._kind], foreground=colour)
        self._label.configure(text=self.text, foreground=colour if self._kind == PROBLEM else "")
        self.place(in_=self._over, relx=0, rely=0, relwidth=1)
        self.lift()

    def _stay(self) -> None:
        """Do not go by itself any more."""
        if self._hiding is not None:
            self.after_cancel(self._hiding)
            self._hiding = None


def problem_text(words: str, error: CastproofError) -> str:
    """Return a problem for a person: what was tried, what is wrong, the rule, what was found, what to do."""
    parts = [f"{words}: {error.problem}", " ".join(filter(None, (error.rule, error.found)))]
    parts += [f"• {item}" for item in error.items[:5]]
    if error.fix:
        parts.append(tr("What to do: {fix}", fix=error.fix))
    return "\n".join(filter(None, parts))
