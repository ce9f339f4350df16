"""The help window: how the work goes, and all keys."""

import tkinter as tk
from tkinter import ttk
from typing import Final

from castproof.apps.inspector.asking import Dialog
from castproof.apps.inspector.keys import keys
from castproof.apps.inspector.scrolled_frame import ScrolledFrame
from castproof.apps.inspector.theme import Colours
from castproof.translation import tr

_SHARE_OF_SCREEN: Final = 0.94
_AROUND_PX: Final = 90  # what is around the page: the title of the window, its edges and its button
_PAGE: Final = 5  # steps


def steps() -> tuple[str, ...]:
    """Return how the work goes, step by step."""
    return (
        tr(
            "1. Open a model (Ctrl+M): the .onnx file that castproof export made. It knows classes and thresholds."
        ),
        tr("2. Open a folder of photos (Ctrl+D). It is judged in the background; you can begin at once."),
        tr(
            "3. Look and decide. ACCEPT means good, REJECT defective, REVIEW that the model is not sure. Enter "
            "confirms, G says good, D says defective. Each verdict is stored at once; Ctrl+Z takes it back."
        ),
        tr("4. Hand in the CSV (Ctrl+E), or a report with pictures (Ctrl+P)."),
        tr(
            "Mouse on the photo: the wheel zooms, dragging moves, a double click changes between the whole photo and "
            "1:1. In the list, ≠ means that the verdict contradicts the folder."
        ),
    )


def show_help(parent: tk.Misc, colours: Colours, scale: float) -> None:
    """Show the window; it is scrolled where the screen is too small."""
    dialog = Dialog(parent, tr("Keys and help"), colours, scale, modal=False)
    close = ttk.Button(dialog.inside, text=tr("Close (Esc)"), command=dialog.destroy)
    close.pack(side="bottom", anchor="e", pady=(round(8 * scale), 0))
    page = ScrolledFrame(dialog.inside, round(8 * scale))
    page.pack(fill="both", expand=True)
    widest, highest = (
        round(_SHARE_OF_SCREEN * one) - round(_AROUND_PX * scale)
        for one in (dialog.winfo_screenwidth(), dialog.winfo_screenheight())
    )
    for step in steps():
        label = ttk.Label(page.inside, text=step, justify="left", wraplength=min(widest, round(820 * scale)))
        label.pack(anchor="w")
    for count in (3, 2, 1):
        table = _table(page.inside, count, scale)
        if page.natural_size()[0] <= widest:
            break
        if count > 1:
            table.destroy()
    width, height = page.natural_size()
    page.ask_for(min(width, widest), min(height, highest))
    for key, by in (("Down", 1), ("Up", -1), ("Next", _PAGE), ("Prior", -_PAGE)):
        dialog.bind(f"<{key}>", lambda event, by=by: page.move(by))  # type: ignore[misc]
    dialog.open(close)


def _table(parent: tk.Misc, count: int, scale: float) -> ttk.Frame:
    """Return all keys in `count` columns."""
    table = ttk.Frame(parent, padding=(0, round(10 * scale), 0, 0))
    table.pack(anchor="w")
    columns = [ttk.Frame(table, padding=(0, 0, round(24 * scale), 0)) for _ in range(count)]
    for column in columns:
        column.pack(side="left", anchor="n")
    filled = [0] * count
    for title, group in keys().items():
        place = filled.index(min(filled))
        filled[place] += len(group) + 1
        box = ttk.Frame(columns[place])
        box.pack(anchor="w", pady=(0, round(8 * scale)))
        ttk.Label(box, text=title, style="Strong.TLabel").grid(row=0, column=0, columnspan=2, sticky="w")
        for row, key in enumerate(group, start=1):
            shown = ttk.Label(box, text=key.shown, style="Mark.TLabel")
            shown.grid(row=row, column=0, sticky="w", padx=(0, round(10 * scale)))
            ttk.Label(box, text=key.words).grid(row=row, column=1, sticky="w")
    return table
