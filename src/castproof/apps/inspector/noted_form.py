"""A form of rows: what a field is called, the field, and a note beside it, or below it where there is no room."""

import tkinter as tk
from collections.abc import Mapping, Sequence
from tkinter import ttk
from typing import Final

from castproof.apps.inspector.scrolled_frame import ScrolledFrame
from castproof.apps.inspector.theme import BODY, STRONG, Colours

NARROW, WIDE = 6, 30  # letters
_NOTE: Final = 44
_LEAST: Final = 20
Variable = tk.StringVar | tk.BooleanVar
_WARNS: Final = "⚠"


class NotedForm(ScrolledFrame):
    """Rows are added from top to bottom.

    Args:
        parent: what it is in.
        values: what stands in the fields, by their names.
        labels: what the fields are called.
        colours: of the theme.
        scale: of the window, from 1 to 2.
    """

    def __init__(
        self,
        parent: tk.Misc,
        values: Mapping[str, Variable],
        labels: Mapping[str, str],
        colours: Colours,
        scale: float,
    ) -> None:
        super().__init__(parent, round(8 * scale))
        self._values, self._labels, self._colours, self._scale = values, labels, colours, scale
        self.entries: dict[str, ttk.Entry] = {}
        self._notes: list[tuple[ttk.Label, tuple[str, ...], str]] = []
        self._lines: list[ttk.Label] = []
        self._rows = 0
        self.inside.columnconfigure(2, weight=1)
        self.inside.bind("<Configure>", lambda event: self.wrap(event.width), add=True)

    def heading(self, text: str) -> None:
        """Add a heading over the next rows."""
        label = ttk.Label(self.inside, text=text, font=STRONG)
        label.grid(row=self._new_row(), column=0, columnspan=3, sticky="w", pady=(self._px(10), self._px(2)))

    def whole_line(self, text: str = "", font: str = BODY) -> ttk.Label:
        """Add a text as wide as the form."""
        label = ttk.Label(self.inside, text=text, font=font, wraplength=self.letters(2 * WIDE))
        label.grid(row=self._new_row(), column=0, columnspan=3, sticky="w", pady=self._px(2))
        self._lines.append(label)
        return label

    def tick(self, text: str, variable: tk.BooleanVar) -> None:
        """Add a box to tick, with its text."""
        box = ttk.Checkbutton(self.inside, text=text, variable=variable)
        box.grid(row=self._new_row(), column=0, columnspan=3, sticky="w", pady=self._px(2))

    def told(self, label: str, text: str) -> None:
        """Add a text that can be copied, not changed."""
        row = self._new_row()
        ttk.Label(self.inside, text=label).grid(row=row, column=0, sticky="w", pady=self._px(4))
        entry = ttk.Entry(self.inside, width=WIDE)
        entry.insert(0, text)
        entry.state(["readonly"])
        entry.grid(row=row, column=1, columnspan=2, sticky="ew", padx=(self._px(10), 0), pady=self._px(4))

    def row(self, names: Sequence[str], hint: str) -> ttk.Frame:
        """Return where the fields of these names go; `tell` writes beside them what is wrong, or else the hint."""
        number = self._new_row()
        label = ttk.Label(self.inside, text=self._labels[names[0]])
        label.grid(row=number, column=0, sticky="w", pady=self._px(4))
        frame = ttk.Frame(self.inside)
        frame.grid(row=number, column=1, sticky="w", padx=self._px(10), pady=self._px(4))
        note = ttk.Label(self.inside, text=hint, wraplength=self.letters(_NOTE))
        note.grid(row=number, column=2, sticky="ew")
        note.bind("<Configure>", lambda event: self._wrap([note], event.width))
        self._notes.append((note, tuple(names), hint))
        return frame

    def label(self, row: ttk.Frame, name: str) -> None:
        """Add what the next field of the row is called."""
        label = ttk.Label(row, text=self._labels[name])
        label.pack(side="left", padx=(self._px(13), self._px(5)))

    def entry(self, row: ttk.Frame, name: str, letters: int) -> ttk.Entry:
        """Return a field for a text, added to the row."""
        self.entries[name] = ttk.Entry(row, textvariable=self._values[name], width=letters)
        self.entries[name].pack(side="left")
        return self.entries[name]

    def choices(self, row: ttk.Frame, name: str, texts: Mapping[str, str]) -> None:
        """Add a button for each value to choose from, with its text."""
        for value, text in texts.items():
            button = ttk.Radiobutton(row, text=text, value=value, variable=self._values[name])
            button.pack(side="left", padx=(0, self._px(10)))

    def tell(self, problems: Mapping[str, str]) -> None:
        """Write what is wrong beside the fields; a field in which nothing stands yet keeps its hint."""
        wrong = {name: text for name, text in problems.items() if self._values[name].get() != ""}
        for note, names, hint in self._notes:
            told = [self._problem(name, wrong[name], names) for name in names if name in wrong]
            colour = self._colours.reject if told else self._colours.quiet
            note.configure(text="\n".join(told) or hint, foreground=colour)
        for name, entry in self.entries.items():
            entry.state(["invalid" if name in wrong else "!invalid"])

    def enable(self, names: Sequence[str], enabled: bool) -> None:
        """Let texts be typed into these fields, or not."""
        for name in names:
            self.entries[name].state(["!disabled" if enabled else "disabled"])

    def put_notes_below(self) -> None:
        """Put the notes below the fields, where they are too wide to stand beside them."""
        for note, _, _ in self._notes:
            row = int(note.grid_info()["row"])
            note.grid(row=row + 1, column=1, columnspan=2, padx=self._px(10), pady=(0, self._px(6)))

    def wrap(self, width: int) -> None:
        """Break the texts that are as wide as the form at `width`, pixels."""
        self._wrap(self._lines, width)

    def letters(self, count: int) -> int:
        """Return how wide that many letters are, pixels."""
        return count * int(self.tk.call("font", "measure", BODY, "n"))

    def _wrap(self, labels: Sequence[ttk.Label], width: int) -> None:
        if width >= self.letters(_LEAST):  # else it is not laid out yet
            for label in labels:
                label.configure(wraplength=width)

    def _problem(self, name: str, text: str, names: Sequence[str]) -> str:
        return f"{_WARNS} {self._labels[name]}: {text}" if len(names) > 1 else f"{_WARNS} {text}"

    def _new_row(self) -> int:
        """Return the number of the next row of the grid; the one below it is kept for a note."""
        self._rows += 2
        return self._rows

    def _px(self, size: int) -> int:
        return round(size * self._scale)
