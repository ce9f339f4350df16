"""What is seen of the window's list, and how something is chosen in a box that drops down."""

from collections.abc import Mapping
from pathlib import Path
from tkinter import ttk

from driver import Driver

import castproof


def names_drawn(driver: Driver) -> list[str]:
    """Return the names of photos in the list, from top to bottom."""
    canvas = driver.desk.window.list.rows.canvas
    texts = [
        (canvas.coords(one)[1], canvas.itemcget(one, "text"))
        for one in canvas.find_all()
        if _is_text(canvas, one)
    ]
    return [text for _, text in sorted(texts) if text.endswith(".png")]


def pictures_drawn(driver: Driver) -> int:
    """Return how many small pictures are in the list."""
    canvas = driver.desk.window.list.rows.canvas
    return sum(canvas.type(one) == "image" for one in canvas.find_all())


def choose(driver: Driver, box: ttk.Combobox, words: str) -> None:
    """Choose one of the words of a box: click on it, go down to it, press Enter."""
    place = [str(one) for one in box.cget("values")].index(words)
    driver.click(box)
    driver.press("ctrl+Home", *["Down"] * place, "Return")
    driver.rest()
    assert box.get() == words


def told_by_model(
    lot: Path, verdicts: Mapping[bytes, castproof.Inspection]
) -> dict[str, castproof.Inspection]:
    """Return what the model says about every photo of a folder, by name, in the order of names."""
    photos = sorted(lot.rglob("*.png"), key=lambda one: one.relative_to(lot).as_posix())
    return {one.relative_to(lot).as_posix(): verdicts[one.read_bytes()] for one in photos}


def _is_text(canvas: object, item: int) -> bool:
    return bool(canvas.type(item) == "text")  # type: ignore[attr-defined]
