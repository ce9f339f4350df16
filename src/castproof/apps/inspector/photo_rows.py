"""The list of photos: only the rows that are seen are drawn, so that 50,000 scroll as 50 do."""

import tkinter as tk
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tkinter import font, ttk
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageTk

from castproof.apps.inspector.coalesced import Coalesced
from castproof.apps.inspector.theme import BODY, CAPTION, STRONG, Colours

_KEPT_PICTURES: Final = 400
_SCROLL_ROWS: Final = 3


@dataclass(frozen=True)
class Row:
    """What a row of the list shows.

    Args:
        path: of the photo, for its small picture.
        name: of the photo.
        symbol, verdict: what the model says, as a sign and a word.
        colour: of these.
        note: the second line: p_defective, and what the folder and the inspector say.
    """

    path: Path
    name: str
    symbol: str
    verdict: str
    colour: str
    note: str


class PhotoRows(ttk.Frame):
    """Rows of photos with small pictures.

    Args:
        parent: holds it.
        colours: see `Colours`.
        scale: see `theme.scale_of`.
        row_of: what to show of the photo at a place.
        on_choose: told of the place that was clicked.
        want_pictures: asked for the small pictures of these files.
    """

    def __init__(
        self,
        parent: tk.Misc,
        colours: Colours,
        scale: float,
        row_of: Callable[[int], Row],
        on_choose: Callable[[int], None],
        want_pictures: Callable[[Sequence[Path]], None],
    ) -> None:
        super().__init__(parent)
        self._colours, self._row_of, self._on_choose, self._want = colours, row_of, on_choose, want_pictures
        self._line_px = font.nametofont(BODY).metrics("linespace")
        self.picture_px = round(40 * scale)
        self._row_px = max(self.picture_px + round(8 * scale), 2 * self._line_px + round(10 * scale))
        self._pad_px = round(6 * scale)
        self._places: NDArray[np.intp] = np.zeros(0, np.intp)
        self._current: int | None = None
        self._top = 0.0  # of the list, in rows
        self._follow = False  # whether the current row is to be scrolled into sight
        self._pictures: OrderedDict[Path, ImageTk.PhotoImage | None] = OrderedDict()
        self._draw_later = Coalesced(self, self._draw)
        self.canvas = tk.Canvas(
            self, background=colours.surface, highlightthickness=0, width=round(250 * scale)
        )
        self._bar = ttk.Scrollbar(self, command=self._scrolled)
        self.canvas.pack(side="left", fill="both", expand=True)
        self._bar.pack(side="right", fill="y")
        self.canvas.bind("<Configure>", lambda event: self._resized())
        self.canvas.bind("<Button-1>", self._clicked)
        self.canvas.bind("<MouseWheel>", lambda event: self._move(-np.sign(event.delta) * _SCROLL_ROWS))
        self.canvas.bind("<Button-4>", lambda event: self._move(-_SCROLL_ROWS))
        self.canvas.bind("<Button-5>", lambda event: self._move(_SCROLL_ROWS))

    def show(self, places: NDArray[np.intp], current: int | None, *, follow: bool = False) -> None:
        """Show the photos at `places`, the current one marked; with `follow` it is scrolled into sight."""
        self._places, self._current = places, current
        self._follow = self._follow or follow
        self.redraw()

    def put_picture(self, path: Path, picture: Image.Image | None) -> None:
        """Keep a small picture; None where the photo cannot be read."""
        self._pictures[path] = None if picture is None else ImageTk.PhotoImage(picture, master=self)
        while len(self._pictures) > _KEPT_PICTURES:
            self._pictures.popitem(last=False)
        self.redraw()

    def redraw(self) -> None:
        """Draw the rows that are seen, once, when the window comes to it."""
        self._draw_later()

    @property
    def _rows_seen(self) -> float:
        return self.canvas.winfo_height() / self._row_px

    def _into_sight(self) -> None:
        rows = np.flatnonzero(self._places == self._current)
        if not len(rows):
            return
        row = int(rows[0])
        if row < self._top:
            self._top = row
        elif row + 1 > self._top + self._rows_seen:
            self._top = row + 1 - self._rows_seen

    def _draw(self) -> None:
        self.canvas.delete("all")
        if self._follow and self.canvas.winfo_height() > 1:
            self._into_sight()
            self._follow = False
        self._top = max(0.0, min(self._top, len(self._places) - self._rows_seen))
        first, last = int(self._top), min(len(self._places), int(self._top + self._rows_seen) + 1)
        missing = []
        for row in range(first, last):
            told = self._row_of(int(self._places[row]))
            self._draw_row(row, told)
            if told.path in self._pictures:
                self._pictures.move_to_end(told.path)
            else:
                missing.append(told.path)
        self._want(missing)
        count = max(len(self._places), 1)
        self._bar.set(self._top / count, min(1.0, (self._top + self._rows_seen) / count))

    def _draw_row(self, row: int, told: Row) -> None:
        top = round((row - self._top) * self._row_px)
        width, pad, middle = self.canvas.winfo_width(), self._pad_px, top + self._row_px // 2
        if self._places[row] == self._current:
            self.canvas.create_rectangle(
                0, top, width, top + self._row_px, fill=self._colours.selected, width=0
            )
            self.canvas.create_rectangle(
                0, top, pad // 2, top + self._row_px, fill=self._colours.accept, width=0
            )
        picture = self._pictures.get(told.path)
        centre = pad + self.picture_px // 2
        if picture is not None:
            self.canvas.create_image(centre, middle, image=picture)
        elif told.path in self._pictures:
            self.canvas.create_text(centre, middle, text="⊘", font=STRONG, fill=self._colours.not_inspected)
        left = 2 * pad + self.picture_px
        line = self._line_px // 2 + 1
        verdict = self.canvas.create_text(
            width - pad,
            middle + line,
            text=f"{told.symbol} {told.verdict}",
            anchor="e",
            font=STRONG,
            fill=told.colour,
        )
        room = self.canvas.bbox(verdict)[0] - left
        self._text(left, middle - line, told.name, BODY, self._colours.text, width - pad - left)
        self._text(left, middle + line, told.note, CAPTION, self._colours.quiet, room)

    def _text(self, x: int, y: int, text: str, style: str, colour: str, room_px: int) -> None:
        """Draw one line; where it is too long its beginning is left out, since names differ at their ends."""
        measure = font.nametofont(style).measure
        if measure(text) > room_px:
            letters = max(1, int(len(text) * room_px / max(measure(text), 1)) - 1)
            text = "…" + text[-letters:]
        self.canvas.create_text(x, y, text=text, anchor="w", font=style, fill=colour)

    def _resized(self) -> None:
        self._follow = True
        self.redraw()

    def _clicked(self, event: "tk.Event[tk.Canvas]") -> None:
        self.canvas.focus_set()  # out of a field: G and D are verdicts again
        row = int(self._top + event.y / self._row_px)
        if 0 <= row < len(self._places):
            self._on_choose(int(self._places[row]))

    def _move(self, rows: float) -> None:
        self._top += rows
        self.redraw()

    def _scrolled(self, how: str, amount: str, unit: str = "") -> None:
        if how == "moveto":
            self._top = float(amount) * len(self._places)
        else:
            self._top += int(amount) * (self._rows_seen if unit == "pages" else 1)
        self.redraw()
