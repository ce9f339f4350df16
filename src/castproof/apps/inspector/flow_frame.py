"""A frame whose groups of buttons flow into as many rows as its width needs."""

import tkinter as tk
from tkinter import ttk

from castproof.apps.inspector.coalesced import Coalesced
from castproof.apps.inspector.flow import rows_of


class FlowFrame(ttk.Frame):
    """Groups side by side with lines between them; those that do not fit go into the next row.

    Args:
        parent: holds it.
        gap_px: on each side of a line between two groups, and around all.
    """

    def __init__(self, parent: tk.Misc, gap_px: int) -> None:
        super().__init__(parent, padding=gap_px)
        self._gap_px = gap_px
        self._groups: list[tuple[ttk.Separator, ttk.Frame]] = []
        self._rows: list[list[int]] = []
        self._row_frames: list[ttk.Frame] = []
        self._lay_later = Coalesced(self, self._lay)
        self.bind("<Configure>", lambda event: self._lay_later())

    def group(self) -> ttk.Frame:
        """Return a new group, empty, behind the others."""
        self._row_frames.append(ttk.Frame(self))
        self._groups.append((ttk.Separator(self, orient="vertical"), ttk.Frame(self)))
        return self._groups[-1][1]

    def lay(self) -> None:
        """Lay the groups once they are filled."""
        self.update_idletasks()
        self._lay()

    def _lay(self) -> None:
        widths = [group.winfo_reqwidth() for _, group in self._groups]
        room = self.winfo_width() - 2 * self._gap_px
        rows = rows_of(widths, room if self.winfo_width() > 1 else sum(widths) * 2, 2 * self._gap_px + 1)
        if rows == self._rows:
            return
        self._rows = rows
        for one in (*self._row_frames, *(part for pair in self._groups for part in pair)):
            one.pack_forget()
        for frame, row in zip(self._row_frames, rows, strict=False):
            frame.pack(anchor="w")
            for index in row:
                line, group = self._groups[index]
                if index != row[0]:
                    line.pack(in_=frame, side="left", fill="y", padx=self._gap_px)
                group.pack(in_=frame, side="left")
