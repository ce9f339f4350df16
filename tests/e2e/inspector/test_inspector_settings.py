"""What the window remembers, and how it is made again in another language, theme and size."""

import json
import tkinter as tk
from collections.abc import Callable, Iterator
from pathlib import Path
from tkinter import font

import pytest
from driver import Driver
from reading import choose, names_drawn
from screen import xdotool

from castproof.apps.inspector.theme import BODY, COLOURS, DARK, LIGHT
from castproof.measure.decision import Thresholds
from castproof.pipeline.inspecting.preferences import Preferences
from castproof.pipeline.inspecting.user_folders import preferences_path
from castproof.translation import tr, use_language

Start = Callable[..., Driver]
NAME = "Anna Nowak"


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    use_language("en")


def menu_of(driver: Driver, *titles: str) -> tk.Menu:
    """Return a menu by the titles on the way to it, filled as when a person opens it."""
    menu: tk.Menu = driver.desk.root.nametowidget(str(driver.desk.root["menu"]))
    for title in titles:
        menu = menu.nametowidget(menu.entrycget(entry(menu, title), "menu").replace("#", "."))
    command = str(menu["postcommand"])
    if command:
        menu.tk.call(command)
    return menu


def entry(menu: tk.Menu, title: str) -> int:
    """Return the place of an entry."""
    return labels(menu).index(title)


def labels(menu: tk.Menu) -> list[str]:
    """Return the words of all entries, "" for lines between them."""
    last = menu.index("end")
    return [
        "" if menu.type(place) in ("separator", "tearoff") else str(menu.entrycget(place, "label"))
        for place in range(0 if last is None else last + 1)
    ]


def marked(menu: tk.Menu) -> list[str]:
    """Return the words of the entries that have a mark."""
    variables = [
        (title, menu.entrycget(place, "variable"), menu.type(place))
        for place, title in enumerate(labels(menu))
        if menu.type(place) in ("radiobutton", "checkbutton")
    ]
    found = []
    for title, variable, kind in variables:
        option = "value" if kind == "radiobutton" else "onvalue"
        if str(menu.tk.globalgetvar(variable)) == str(menu.entrycget(entry(menu, title), option)):
            found.append(title)
    return found


def pick(driver: Driver, *titles: str) -> None:
    """Choose an entry of a menu."""
    menu = menu_of(driver, *titles[:-1])
    menu.invoke(entry(menu, titles[-1]))
    driver.rest()


def test_settings_are_kept_over_a_restart_until_their_file_is_deleted(start: Start) -> None:
    driver = start()
    path = preferences_path(None)
    line_px = font.nametofont(BODY, driver.desk.root).metrics("linespace")
    assert marked(menu_of(driver, "Settings", "Language")) == ["English"]
    assert marked(menu_of(driver, "Settings", "Theme")) == ["light"]
    driver.click(driver.desk.window.decision.name)
    driver.type(NAME)
    driver.press("Return")
    pick(driver, "Settings", "Judge photos when they are opened")
    pick(driver, "Settings", "Go to the next photo after my verdict")
    pick(driver, "Settings", "Theme", "dark")
    pick(driver, "Settings", "Size of texts", "150%")
    pick(driver, "Settings", "Language", "Polski")
    is_as_it_was_set(driver, line_px)
    xdotool("mousemove", 300, 300)  # within: Tk does not get over a window that shrinks away from the mouse
    driver.desk.root.geometry("1000x650+20+30")
    driver.until(lambda: driver.desk.root.winfo_width() == 1000)
    driver.close()
    assert json.loads(path.read_text(encoding="utf-8"))["inspector"] == NAME
    again = start()
    is_as_it_was_set(again, line_px)
    assert (again.desk.root.winfo_width(), again.desk.root.winfo_height()) == (1000, 650)
    again.close()
    path.unlink()
    usual = start()
    assert usual.desk.preferences == Preferences()
    assert usual.message == ""
    assert usual.desk.window.decision.name.get() == ""
    assert usual.desk.root["background"] == COLOURS[LIGHT].background
    assert "Search" in usual.texts(usual.desk.window.list)


def is_as_it_was_set(driver: Driver, line_px: int) -> None:
    desk = driver.desk
    assert desk.window.decision.name.get() == NAME
    assert desk.root["background"] == COLOURS[DARK].background
    assert 1.3 < font.nametofont(BODY, desk.root).metrics("linespace") / line_px < 1.7
    assert tr("Search") != "Search"
    assert tr("Search") in driver.texts(desk.window.list)
    settings = tr("Settings")
    assert marked(menu_of(driver, settings, tr("Language"))) == ["Polski"]
    assert marked(menu_of(driver, settings, tr("Theme"))) == [tr("dark")]
    assert marked(menu_of(driver, settings, tr("Size of texts"))) == ["150%"]
    assert marked(menu_of(driver, settings)) == []


def test_a_window_that_was_on_a_screen_that_is_gone_comes_back_into_sight(start: Start) -> None:
    driver = start()
    driver.desk.prefer(geometry="1000x650+20+30")
    path = preferences_path(None)
    driver.close()
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "geometry": "1000x650+2500+30"}), encoding="utf-8")
    again = start()
    assert again.desk.root.winfo_rootx() < 600


def test_a_broken_file_is_set_aside_and_told_of(start: Start) -> None:
    path = preferences_path(None)
    path.parent.mkdir(parents=True)
    path.write_text("{oops", encoding="utf-8")
    driver = start()
    assert "could not be used" in driver.message
    assert str(path) in driver.message
    assert path.with_name(f"{path.name}.broken1").read_text(encoding="utf-8") == "{oops"
    driver.desk.set_preference("inspector", NAME)
    driver.close()
    assert start().desk.window.decision.name.get() == NAME


def test_a_window_made_anew_keeps_what_is_open(start: Start, model_file: Path, lot: Path) -> None:
    driver = start(model_file, lot)
    desk = driver.desk
    desk.set_preference("inspector", NAME)
    cuts = Thresholds(0.3, 0.6)
    desk.set_thresholds(cuts)
    driver.press("n", "n")
    driver.until(lambda: driver.shown == "blowhole/part 2.png")
    verdict = desk.session.verdict(2)
    driver.press("Return")
    driver.until(lambda: driver.shown == "blowhole/part 3.png")
    judged = desk.session.predictions()
    choose(driver, desk.window.list.filter, "without your verdict")
    pick(driver, "Settings", "Language", "Polski")
    pick(driver, tr("Settings"), tr("Theme"), tr("dark"))
    assert driver.shown == "blowhole/part 3.png"
    assert (desk.session.thresholds, desk.session.predictions()) == (cuts, judged)
    assert desk.session.verdicts[2].decided is verdict
    driver.until(lambda: "blowhole/part 3.png" in names_drawn(driver))
    assert "blowhole/part 2.png" not in names_drawn(driver)
    assert desk.window.list.filter.get() == tr("without your verdict")
    assert tr("(changed)") in driver.status
    assert f"→ {judged[3].verdict}" in driver.status
    assert tr(
        "Model: {judged} of {total} · You: {decided} of {total}", judged=16, decided=1, total=16
    ) in driver.texts(desk.window.list)
    assert tr("Verdicts: {count} in {name}", count=1, name="lot 17.verdicts.sqlite") in driver.texts()
    driver.press("n")
    driver.until(lambda: driver.shown == "blowhole/part 4.png", "keys work")
    driver.press("ctrl+z")
    driver.until(lambda: driver.shown == "blowhole/part 2.png", "what was said before can be taken back")
    assert desk.session.verdicts == {}


def test_models_and_folders_are_opened_again(
    start: Start, model_file: Path, lot: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(model_file.read_bytes())
    driver = start(other, lot)
    driver.desk.commands.opening.use_model_path(model_file)
    driver.until(
        lambda: driver.desk.session.model is not None and driver.desk.session.model.source == model_file
    )
    assert labels(menu_of(driver, "Open", "Recent models")) == [str(model_file), str(other)]
    assert labels(menu_of(driver, "Open", "Recent folders")) == [str(lot)]
    driver.judged()
    driver.close()
    again = start()
    again.until(lambda: again.desk.session.model is not None, "the last model")
    assert again.desk.session.model is not None
    assert again.desk.session.model.source == model_file
    assert again.desk.session.photos is None
    pick(again, "Open", "Recent folders", str(lot))
    again.until(lambda: again.desk.session.photos is not None)
    again.judged()
    pick(again, "Open", "Recent models", str(other))
    again.until(lambda: again.desk.session.model is not None and again.desk.session.model.source == other)
    again.judged()
