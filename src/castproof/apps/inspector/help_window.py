"""The help window: how the work goes, and all keys."""

import tkinter as tk
from tkinter import ttk

from castproof.apps.inspector.asking import Dialog
from castproof.apps.inspector.keys import keys
from castproof.apps.inspector.theme import Colours
from castproof.translation import tr

_COLUMNS = 3


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
    )


def show_help(parent: tk.Misc, colours: Colours, scale: float) -> None:
    """Show the window."""
    dialog = Dialog(parent, tr("Keys and help"), colours, scale, modal=False)
    for step in steps():
        ttk.Label(dialog.inside, text=step, wraplength=round(820 * scale), justify="left").pack(anchor="w")
    table = ttk.Frame(dialog.inside, padding=(0, round(10 * scale)))
    table.pack(fill="both")
    columns = [ttk.Frame(table, padding=(0, 0, round(24 * scale), 0)) for _ in range(_COLUMNS)]
    for column in columns:
        column.pack(side="left", anchor="n")
    filled = [0] * _COLUMNS
    for title, group in keys().items():
        place = filled.index(min(filled))
        filled[place] += len(group) + 1
        box = ttk.Frame(columns[place])
        box.pack(anchor="w", pady=(0, round(8 * scale)))
        ttk.Label(box, text=title, style="Strong.TLabel").grid(row=0, column=0, columnspan=2, sticky="w")
        for row, key in enumerate(group, start=1):
            ttk.Label(box, text=key.shown, style="Mark.TLabel").grid(
                row=row, column=0, sticky="w", padx=(0, round(10 * scale))
            )
            ttk.Label(box, text=key.words).grid(row=row, column=1, sticky="w")
    close = ttk.Button(dialog.inside, text=tr("Close (Esc)"), command=dialog.destroy)
    close.pack(anchor="e")
    dialog.open(close)
