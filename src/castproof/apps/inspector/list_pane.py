"""The left column: search, filter and order above the list of photos, and how far judging has come below it."""

import tkinter as tk
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tkinter import ttk

from castproof.apps.inspector.photo_rows import PhotoRows, Row
from castproof.apps.inspector.theme import Colours
from castproof.measure.decision import Verdict
from castproof.pipeline.inspecting.selection import (
    ALL,
    BY_NAME,
    DECIDED,
    FOLDER,
    LEAST_DEFECTIVE_FIRST,
    MOST_DEFECTIVE_FIRST,
    NEAREST_FIRST,
    OVERRULED,
    UNLIKE,
    WAITING,
    WRONG,
    Selection,
)
from castproof.translation import tr


def filters(folders: Sequence[str]) -> dict[str, str]:
    """Return the words of every filter by its name; `folders` are those that photos are in."""
    return {
        ALL: tr("all photos"),
        WRONG: tr("wrong (MISMATCH)"),
        Verdict.REVIEW.value: "REVIEW",
        Verdict.NOT_INSPECTED.value: tr("unreadable (NOT_INSPECTED)"),
        Verdict.ACCEPT.value: "ACCEPT",
        Verdict.REJECT.value: "REJECT",
        UNLIKE: tr("unlike the training photos"),
        WAITING: tr("without your verdict"),
        DECIDED: tr("with your verdict"),
        OVERRULED: tr("overruled by you"),
        **{FOLDER + name: tr("folder {name}", name=name) for name in folders},
    }


def orders() -> dict[str, str]:
    """Return the words of every order by its name."""
    return {
        BY_NAME: tr("by name"),
        MOST_DEFECTIVE_FIRST: tr("highest p(DEF) first"),
        LEAST_DEFECTIVE_FIRST: tr("lowest p(DEF) first"),
        NEAREST_FIRST: tr("nearest to the threshold first"),
    }


@dataclass(frozen=True)
class ListCalls:
    """What the column calls.

    Attributes:
        row_of: what to show of the photo at a place.
        on_choose: the place that was clicked.
        on_selection: another filter, order or search.
        want_pictures: small pictures of these files.
        on_judge: judge the folder, or stop.
    """

    row_of: Callable[[int], Row]
    on_choose: Callable[[int], None]
    on_selection: Callable[[Selection], None]
    want_pictures: Callable[[Sequence[Path]], None]
    on_judge: Callable[[], None]


class ListPane(ttk.Frame):
    """See the module."""

    def __init__(self, parent: tk.Misc, colours: Colours, scale: float, calls: ListCalls) -> None:
        super().__init__(parent, padding=round(4 * scale))
        self._calls = calls
        self.search = ttk.Entry(self)
        self._filters: dict[str, str] = {}
        self.filter, self.order = (ttk.Combobox(self, state="readonly") for _ in range(2))
        gap = round(3 * scale)
        for words, widget in (
            (tr("Search"), self.search),
            (tr("Show"), self.filter),
            (tr("Order"), self.order),
        ):
            line = ttk.Frame(self)
            line.pack(fill="x", pady=(0, gap))
            ttk.Label(line, text=words, style="Quiet.TLabel", width=8).pack(side="left")
            widget.pack(in_=line, side="left", fill="x", expand=True)
            widget.lift()
        self._count = ttk.Label(self, style="Caption.TLabel")
        self._count.pack(fill="x")
        self._foot(gap).pack(side="bottom", fill="x", pady=(gap, 0))
        self.rows = PhotoRows(self, colours, scale, calls.row_of, calls.on_choose, calls.want_pictures)
        self.rows.pack(fill="both", expand=True)
        self.order.configure(values=list(orders().values()))
        self.search.bind("<KeyRelease>", lambda event: self._tell())
        for box in (self.filter, self.order):
            box.bind("<<ComboboxSelected>>", lambda event: self._tell())

    def show_selection(self, selection: Selection, folders: Sequence[str]) -> None:
        """Show which photos are chosen, and offer the folders as filters."""
        self._filters = filters(folders)
        self.filter.configure(values=list(self._filters.values()))
        self.filter.set(self._filters.get(selection.only, self._filters[ALL]))
        self.order.set(orders()[selection.order])
        if self.search.get() != selection.search:
            self.search.delete(0, "end")
            self.search.insert(0, selection.search)

    def show_count(self, shown: int, of: int) -> None:
        """Show how many photos are listed."""
        self._count.configure(
            text=tr("Photos: {shown} of {of}", shown=f"{shown:,}", of=f"{of:,}") if of else ""
        )

    def show_progress(self, words: str, done: int, total: int, *, running: bool, can_judge: bool) -> None:
        """Show how far the work in the background has come."""
        self._words.configure(text=words)
        self._bar.configure(maximum=max(total, 1), value=done)
        self._judge.configure(text=tr("Stop") if running else tr("Judge the folder"))
        self._judge.state(["!disabled" if running or can_judge else "disabled"])

    def _foot(self, gap: int) -> ttk.Frame:
        foot = ttk.Frame(self)
        self._words = ttk.Label(foot, style="Caption.TLabel")
        self._words.pack(fill="x")
        self._bar = ttk.Progressbar(foot)
        self._bar.pack(fill="x", pady=gap)
        self._judge = ttk.Button(foot, text=tr("Judge the folder"), command=self._calls.on_judge)
        self._judge.pack(fill="x")
        return foot

    def _tell(self) -> None:
        only = {words: name for name, words in self._filters.items()}.get(self.filter.get(), ALL)
        order = {words: name for name, words in orders().items()}.get(self.order.get(), BY_NAME)
        self._calls.on_selection(Selection(only, order, self.search.get()))
        self.filter.selection_clear()
        self.order.selection_clear()
