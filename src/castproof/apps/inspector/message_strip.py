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
    """One message at a time, with a button to close it; it lies over the photo, so that nothing is moved.

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
        self.text = self._about = self._kind = ""
        self._hiding: str | None = None
        self._sign = ttk.Label(self, font=STRONG)
        self._sign.pack(side="left", anchor="n", padx=(0, round(6 * scale)))
        ttk.Button(self, text="✕", width=2, command=self.hide).pack(side="right", anchor="n")
        self._label = ttk.Label(self, justify="left")
        self._label.pack(side="left", fill="x", expand=True)
        self.bind("<Destroy>", lambda event: self._stay())
        self.bind("<Configure>", lambda event: self._label.configure(wraplength=max(event.width - 100, 200)))

    def tell(self, kind: str, text: str, about: str = "") -> None:
        """Show `text`; a NOTE leaves a PROBLEM there.

        Args:
            kind: PROBLEM, NOTE or DONE.
            text: for a person.
            about: what was tried.
        """
        if kind == NOTE and self._kind == PROBLEM and text not in self.text:
            kind, text = PROBLEM, f"{self.text}\n{text}"
        self.text, self._about, self._kind = text, about, kind
        self._stay()
        self._hiding = None if kind == PROBLEM else self.after(_SHOWN_MS, self.hide)
        colour = self._colours[kind]
        self._sign.configure(text=_SIGNS[kind], foreground=colour)
        self._label.configure(text=text, foreground=colour if kind == PROBLEM else "")
        self.place(in_=self._over, relx=0, rely=0, relwidth=1)
        self.lift()

    def hide(self, about: str = "") -> None:
        """Show no message, or with `about` none that is about that."""
        if about in ("", self._about):
            self.text = self._about = self._kind = ""
            self.place_forget()

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
