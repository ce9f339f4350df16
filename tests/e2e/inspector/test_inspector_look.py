"""The keys of the menu Look, the known good part beside the photo, and what Escape leaves."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from driver import Driver
from numpy.typing import NDArray
from PIL import ImageGrab
from screen import xdotool

from castproof.apps.inspector.message_strip import NOTE
from castproof.modelfile.references import Reference
from made_models import PARTS, casting, png, with_card

Start = Callable[..., Driver]


def seen_photo(driver: Driver) -> NDArray[np.int16]:
    """Return what is on the screen in the middle of the photo, int16 (H, W, 3)."""
    canvas = driver.desk.window.photo.canvas
    driver.rest(0.1)
    left, top = (
        canvas.winfo_rootx() + canvas.winfo_width() // 4,
        canvas.winfo_rooty() + canvas.winfo_height() // 4,
    )
    box = (left, top, left + canvas.winfo_width() // 2, top + canvas.winfo_height() // 2)
    return np.asarray(ImageGrab.grab(box, xdisplay=os.environ["DISPLAY"]).convert("RGB"), np.int16)


def is_grey(pixels: NDArray[np.int16]) -> bool:
    """Return whether no pixel has a colour."""
    return bool((np.ptp(pixels, axis=2) == 0).all())


def test_keys_change_how_the_photo_is_looked_at(start: Start, model_file: Path, lot: Path) -> None:
    driver = start(model_file, lot)
    xdotool("mousemove", 0, 0)
    both = seen_photo(driver)
    assert not is_grey(both)
    driver.press("h")
    without_heat = seen_photo(driver)
    assert is_grey(without_heat)
    driver.press("o")
    plain = seen_photo(driver)
    assert (plain != without_heat).any(), "the outline is gone"
    driver.press("H", "O")
    assert (seen_photo(driver) == both).all()
    driver.press("h", "o")
    zooms_by_keys(driver)
    lens_follows_the_mouse(driver, plain)
    assert not driver.desk.preferences.heat
    assert not driver.desk.preferences.contour
    driver.close()
    again = start(photos=lot)
    again.until(lambda: again.desk.session.model is not None)
    again.judged()
    xdotool("mousemove", 0, 0)
    assert (seen_photo(again) == plain).all(), "heat and outline stay off after a restart"


def zooms_by_keys(driver: Driver) -> None:
    def zoom() -> float:
        viewport = driver.desk.window.photo.viewport
        assert viewport is not None
        return viewport.zoom

    whole = zoom()
    driver.press("plus", "KP_Add")
    larger = zoom()
    assert larger > whole
    driver.press("minus")
    assert whole < zoom() < larger
    driver.press("1")
    assert zoom() == 1
    assert "100%" in driver.texts()
    driver.press("f")
    assert zoom() == whole
    driver.press("1", "0")
    assert zoom() == whole
    driver.press("1", "n")
    driver.until(lambda: driver.shown == "blowhole/part 1.png")
    assert zoom() == whole, "another photo is shown as a whole"
    driver.press("p")
    driver.until(lambda: driver.shown == "blowhole/part 0.png")


def lens_follows_the_mouse(driver: Driver, plain: NDArray[np.int16]) -> None:
    canvas = driver.desk.window.photo.canvas
    driver.press("l")
    middle = (
        canvas.winfo_rootx() + canvas.winfo_width() // 2,
        canvas.winfo_rooty() + canvas.winfo_height() // 2,
    )
    xdotool("mousemove", *middle)
    assert (seen_photo(driver) != plain).any()
    xdotool("mousemove", 0, 0)
    assert (seen_photo(driver) == plain).all()
    driver.press("l")
    xdotool("mousemove", *middle)
    assert (seen_photo(driver) == plain).all()
    xdotool("mousemove", 0, 0)


def test_a_known_good_part_stands_beside_the_photo_where_the_model_has_some(
    start: Start, model_file: Path, lot: Path, tmp_path: Path
) -> None:
    photo = (lot / "ok" / "part 0.png").read_bytes()
    part = next(one for one in range(PARTS) for number in range(4) if png(casting(one, number)) == photo)
    references = [Reference(f"part {one}.png", str(one), png(casting(one, 0))) for one in range(PARTS)]
    with_references = with_card(
        model_file,
        tmp_path / "with references.onnx",
        lambda data: data.update(references=[one.to_json() for one in references]),
    )
    driver = start(model_file, lot / "ok")
    view = driver.desk.window.photo
    driver.press("b")
    assert not view.reference_canvas.winfo_viewable()
    assert "no known good part" in driver.message
    driver.press("b", "Escape")
    driver.desk.commands.opening.use_model_path(with_references)
    driver.until(
        lambda: driver.desk.session.model is not None and driver.desk.session.model.source == with_references
    )
    driver.judged()
    assert not view.reference_canvas.winfo_viewable()
    driver.press("b")
    driver.until(lambda: view.reference_canvas.winfo_viewable(), "the reference")
    assert f"Most similar known good part: part {part}.png" in driver.texts(view)
    assert driver.message == ""
    driver.press("n")
    driver.until(lambda: driver.shown == "part 1.png")
    assert view.reference_canvas.winfo_viewable(), "it stays for the next photos"
    driver.press("B")
    driver.until(lambda: not view.reference_canvas.winfo_viewable())


def test_escape_leaves_a_field_first_and_then_the_message(start: Start, model_file: Path, lot: Path) -> None:
    driver = start(model_file, lot)
    driver.desk.tell(NOTE, "something")
    driver.press("ctrl+f", "n")
    assert driver.desk.window.list.search.get() == "n"
    driver.press("BackSpace", "Escape")
    assert driver.message == "something"
    driver.press("n")
    driver.until(lambda: driver.shown == "blowhole/part 1.png", "the keyboard is out of the field")
    driver.press("Escape")
    assert driver.message == ""
    xdotool("key", "Caps_Lock")
    try:
        driver.press("n", "ctrl+r", "ctrl+f")
    finally:
        xdotool("key", "Caps_Lock")
    driver.until(lambda: driver.shown == "blowhole/part 2.png", "Caps Lock changes nothing")
    assert driver.desk.root.focus_get() is driver.desk.window.list.search
