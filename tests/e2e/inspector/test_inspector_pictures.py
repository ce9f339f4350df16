"""Nothing is cut off and everything can be read: on small and large screens, light and dark, in each language and size.

With the environment variable CASTPROOF_SCREENSHOTS, pictures of all of it are kept in the folder that it names.
"""

import os
import tkinter as tk
from collections.abc import Callable, Iterator
from pathlib import Path
from tkinter import font, ttk

import pytest
from driver import Driver
from PIL import ImageGrab
from screen import new_screen

import castproof
from castproof.apps.inspector.scrolled_frame import ScrolledFrame
from castproof.apps.inspector.theme import COLOURS, DARK, LIGHT
from castproof.measure.decision import Verdict
from castproof.translation import languages

Start = Callable[..., Driver]
LOOKS = [(theme, language) for theme in (LIGHT, DARK) for language in languages()]
WITH_TEXT = (ttk.Label, ttk.Button, ttk.Checkbutton, ttk.Radiobutton, ttk.Menubutton)
READABLE = 4.5  # contrast of text that is not large, by WCAG 2.2, 1.4.3


def keep_picture(name: str) -> None:
    folder = os.environ.get("CASTPROOF_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        ImageGrab.grab(xdisplay=os.environ["DISPLAY"]).save(Path(folder) / f"{name}.png")


def cut_off(driver: Driver, window: tk.Misc) -> list[str]:
    """Return what is wrong with the places of the widgets in a window that is open."""
    wrong = []
    top = window.winfo_toplevel()
    left, upper = top.winfo_rootx(), top.winfo_rooty()
    right, lower = left + top.winfo_width(), upper + top.winfo_height()
    if left < 0 or upper < 0 or right > top.winfo_screenwidth() or lower > top.winfo_screenheight():
        wrong.append(f"the window leaves the screen: {top.winfo_geometry()}")
    for one in driver.widgets(window):
        if isinstance(one, ttk.Widget) and one.winfo_toplevel() is top and one.master.winfo_viewable():
            wrong += [f"{one} {_text(one)!r} {what}" for what in _problems(one)]
    return wrong


def _problems(one: ttk.Widget) -> Iterator[str]:
    if not one.winfo_ismapped():
        if one.winfo_manager():
            yield "has no room at all"
        return
    parent = one.nametowidget(one.winfo_parent())
    scrolls = isinstance(parent.master, ScrolledFrame)  # up and down
    x, y, width, height = one.winfo_x(), one.winfo_y(), one.winfo_width(), one.winfo_height()
    if x < 0 or x + width > parent.winfo_width():
        yield f"leaves its parent sideways: {x} + {width} of {parent.winfo_width()}"
    if not scrolls and (y < 0 or y + height > parent.winfo_height()):
        yield f"leaves its parent: {y} + {height} of {parent.winfo_height()}"
    is_cut = one.winfo_reqwidth() > width or one.winfo_reqheight() > height
    if isinstance(one, WITH_TEXT) and _text(one) and is_cut:
        yield f"has {width} x {height}, needs {one.winfo_reqwidth()} x {one.winfo_reqheight()}"
    if isinstance(one, ttk.Combobox) and _letters_px(one) > width - one.winfo_reqheight():
        yield f"shows only a part of {one.get()!r}"


def _letters_px(box: ttk.Combobox) -> int:
    return font.nametofont("TkTextFont", box).measure(box.get())


def _text(one: tk.Misc) -> str:
    return str(one.cget("text")) if "text" in one.keys() else ""  # noqa: SIM118


def check(driver: Driver, window: tk.Misc, name: str) -> None:
    driver.rest(0.1)
    keep_picture(name)
    assert not cut_off(driver, window), name


def check_dialog(driver: Driver, key: str, name: str) -> None:
    driver.desk.window.photo.focus_force()
    driver.rest()
    driver.press(key)
    dialog = driver.dialog()
    check(driver, dialog, name)
    driver.press("Escape")
    driver.until(lambda: not dialog.winfo_exists(), "it stays open")


def check_looks(driver: Driver, name: str) -> None:
    """Look at all windows in each theme and language."""
    places = range(len(driver.desk.session.seen.photos))
    rejected = next(one for one in places if driver.desk.session.verdict(one) is castproof.Verdict.REJECT)
    for theme, language in LOOKS:
        driver.desk.set_preference("language", language)
        driver.desk.set_preference("theme", theme)
        driver.desk.show_place(rejected)
        driver.until(lambda: driver.shown)
        look = f"{name} {theme} {language}"
        check(driver, driver.desk.root, f"{look} window")
        for key, window in (("F1", "help"), ("ctrl+i", "card"), ("g", "reason")):
            check_dialog(driver, key, f"{look} {window}")


def test_nothing_is_cut_off_on_a_small_screen(start: Start, model_file: Path, lot: Path) -> None:
    driver = start(model_file, lot).signed()
    check_looks(driver, "1366x768 100")


@pytest.fixture(scope="session")
def other_screen(screen: str) -> Iterator[str]:
    """Return the name of a larger screen. It stays to the end: Tk ends the process when a screen goes."""
    with new_screen(1920, 1080) as name:
        os.environ["DISPLAY"] = screen
        yield name


@pytest.fixture
def large_screen(other_screen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the larger screen."""
    monkeypatch.setenv("DISPLAY", other_screen)


@pytest.mark.parametrize("percent", [100, 200])
@pytest.mark.usefixtures("large_screen")
def test_nothing_is_cut_off_on_a_large_screen(
    start: Start, model_file: Path, lot: Path, percent: int
) -> None:
    driver = start(model_file, lot).signed()
    driver.desk.set_preference("scaling_percent", percent)
    driver.desk.root.geometry("1920x990+0+0")
    check_looks(driver, f"1920x1080 {percent}")


def test_what_is_empty_or_wrong_is_not_cut_off_either(start: Start, lot: Path, tmp_path: Path) -> None:
    driver = start()
    for language in languages():
        driver.desk.set_preference("language", language)
        check(driver, driver.desk.root, f"1366x768 100 light {language} empty")
        driver.desk.commands.opening.use_model_path(tmp_path / ("long name " * 12 + ".onnx"))
        driver.until(lambda: driver.message)
        check(driver, driver.desk.root, f"1366x768 100 light {language} message")


def test_every_text_stands_out_from_what_is_behind_it() -> None:
    for theme, colours in COLOURS.items():
        words = {colours.text, colours.quiet, *(colours.of(one) for one in (*Verdict, None))}
        pairs = {
            (one, behind)
            for one in words
            for behind in (colours.background, colours.surface, colours.selected)
        }
        pairs.add((colours.text, colours.photo))
        low = {pair: contrast(*pair) for pair in pairs if contrast(*pair) < READABLE}
        assert not low, theme


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_every_label_stands_out_from_the_window(
    start: Start, model_file: Path, lot: Path, theme: str
) -> None:
    driver = start(model_file, lot)
    driver.desk.set_preference("theme", theme)
    driver.rest()
    style, root = ttk.Style(driver.desk.root), driver.desk.root
    for one in driver.widgets():
        if isinstance(one, ttk.Label) and one.winfo_viewable():
            name = str(one.cget("style")) or "TLabel"
            colour = str(one.cget("foreground")) or str(style.lookup(name, "foreground"))
            behind = str(style.lookup("TFrame", "background"))
            assert contrast(_hex(root, colour), _hex(root, behind)) >= READABLE, _text(one)


def _hex(root: tk.Misc, colour: str) -> str:
    return "#" + "".join(f"{one >> 8:02x}" for one in root.winfo_rgb(colour))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21; WCAG 2.2, relative luminance and contrast ratio."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(
        4.54, abs=0.01
    )  # the lightest grey that passes on white
