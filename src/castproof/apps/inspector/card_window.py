"""The card of the open model: what it is for, what it promises, where it comes from."""

import tkinter as tk
from tkinter import font, ttk
from typing import Any, Final

from castproof.apps.inspector.asking import Dialog
from castproof.apps.inspector.theme import BODY, STRONG, Colours
from castproof.gate.gate import threshold_lines
from castproof.modelfile.card import Card
from castproof.pipeline.inspecting.opening import OpenModel
from castproof.pipeline.inspecting.telling import class_mapping
from castproof.translation import tr

_LINES: Final = 28
_SHARE_OF_SCREEN: Final = 0.7


def card_sections(model: OpenModel) -> dict[str, dict[str, Any]]:
    """Return what there is to say of a model, by title and name."""
    card: Card = model.model.card
    use = {
        tr("file"): str(model.source),
        tr("classes"): class_mapping(card.good, card.defective),
        tr("verdicts"): threshold_lines(card.gate),
        tr("size of the network's input"): f"{card.size_px} x {card.size_px}",
        tr("identity (SHA-256)"): model.model.model_id,
    }
    return {tr("use"): use, **{name: _named(value) for name, value in card.about.items()}}


def show_card(parent: tk.Misc, model: OpenModel, colours: Colours, scale: float) -> None:
    """Show the window."""
    dialog = Dialog(parent, tr("Card of {name}", name=model.name), colours, scale, modal=False)
    line_px = font.nametofont(BODY, dialog).metrics("linespace")
    text = tk.Text(
        dialog.inside,
        width=90,
        height=min(_LINES, int(_SHARE_OF_SCREEN * dialog.winfo_screenheight()) // line_px),
        wrap="word",
        font=BODY,
        background=colours.surface,
        foreground=colours.text,
        relief="flat",
        padx=round(10 * scale),
        pady=round(8 * scale),
    )
    bar = ttk.Scrollbar(dialog.inside, command=text.yview)
    text.configure(yscrollcommand=bar.set)
    close = ttk.Button(dialog.inside, text=tr("Close (Esc)"), command=dialog.destroy)
    close.pack(side="bottom", anchor="e", pady=(round(8 * scale), 0))
    bar.pack(side="right", fill="y")
    text.pack(side="left", fill="both", expand=True)
    text.tag_configure("title", font=STRONG, spacing1=round(8 * scale))
    text.tag_configure("name", foreground=colours.quiet)
    for title, rows in card_sections(model).items():
        text.insert("end", f"{title}\n", "title")
        for name, value in rows.items():
            text.insert("end", f"{name}  ", "name")
            text.insert("end", f"{_text(value)}\n")
    text.configure(state="disabled")
    dialog.open(close)


def _named(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"": value}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "\n    ".join(["", *(f"{name}: {_text(one)}" for name, one in value.items())])
    if isinstance(value, list):
        return "\n    ".join(["", *map(_text, value)])
    return "" if value is None else str(value)
