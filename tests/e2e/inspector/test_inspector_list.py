"""The list of photos: what it shows, finds and orders, and how one goes through it."""

from collections.abc import Callable
from pathlib import Path

from driver import Driver
from reading import choose, names_drawn, pictures_drawn, told_by_model
from screen import xdotool

import castproof
from castproof.pipeline.inspecting.photo_list import PhotoList

Start = Callable[..., Driver]
Verdicts = dict[bytes, castproof.Inspection]

MANY = 20_000
LINES_PER_ROW = 6


def test_photos_are_filtered_ordered_and_found(
    start: Start, model_file: Path, lot: Path, verdicts: Verdicts
) -> None:
    driver = start(model_file, lot)
    pane, told = driver.desk.window.list, told_by_model(lot, verdicts)
    p = {name: one.p_defective or 0.0 for name, one in told.items()}
    shows(driver, list(told), of=16)
    driver.until(lambda: pictures_drawn(driver) == len(names_drawn(driver)), "small pictures")
    for verdict in castproof.Verdict:
        if verdict is not castproof.Verdict.NOT_INSPECTED:
            choose(driver, pane.filter, str(verdict))
            shows(driver, [name for name, one in told.items() if one.verdict is verdict], of=16)
    choose(driver, pane.filter, "wrong (MISMATCH)")
    wrong = [
        name
        for name, one in told.items()
        if one.verdict == ("ACCEPT" if name.startswith("blowhole") else "REJECT")
    ]
    shows(driver, wrong, of=16)
    choose(driver, pane.filter, "folder ok")
    shows(driver, [name for name in told if name.startswith("ok/")], of=16)
    choose(driver, pane.order, "highest p(DEF) first")
    ranked = sorted((name for name in told if name.startswith("ok/")), key=lambda name: -p[name])
    shows(driver, ranked, of=16)
    driver.press("Home")
    driver.until(lambda: driver.shown == ranked[0], "the keyboard goes back to the photos")
    driver.press("n", "N")
    driver.until(lambda: driver.shown == ranked[2], "along the order that is shown")
    choose(driver, pane.filter, "all photos")
    choose(driver, pane.order, "nearest to the threshold first")
    threshold = driver.desk.session.thresholds.threshold
    shows(driver, sorted(told, key=lambda name: abs(p[name] - threshold)), of=16)
    choose(driver, pane.order, "lowest p(DEF) first")
    shows(driver, sorted(told, key=lambda name: p[name]), of=16)
    choose(driver, pane.order, "by name")
    searches_as_it_is_typed(driver, list(told))


def shows(driver: Driver, names: list[str], *, of: int) -> None:
    """Check that the list holds these photos, as far as they are seen, and says how many there are."""
    seen = int(driver.desk.window.list.rows._rows_seen)
    driver.desk.window.list.rows._scrolled("moveto", "0")
    driver.until(lambda: names_drawn(driver)[:seen] == names[:seen], f"{names_drawn(driver)} {names}")
    assert f"Photos: {len(names)} of {of}" in driver.texts(driver.desk.window.list)


def searches_as_it_is_typed(driver: Driver, names: list[str]) -> None:
    driver.press("ctrl+f")
    driver.type("LE/PART 3")
    shows(driver, ["blowhole/part 3.png"], of=16)
    assert driver.desk.window.list.search.get() == "LE/PART 3"
    driver.press("Return", "n")
    driver.until(lambda: driver.shown == "blowhole/part 3.png", "Enter leaves the field")
    driver.press("ctrl+f")
    driver.type("nothing is called so")
    shows(driver, [], of=16)
    driver.press("Escape", "n", "End", "r", "m")
    assert driver.shown == "blowhole/part 3.png"
    driver.press("ctrl+f", "BackSpace")
    shows(driver, names, of=16)
    driver.type("g")
    driver.click(driver.desk.window.list.rows.canvas, (60, 10))
    driver.press("Escape", "g")
    assert driver.desk.window.list.search.get() == "g", "a click on a row takes the keyboard out of the field"


def test_keys_mouse_and_wheel_go_through_the_list(
    start: Start, model_file: Path, lot: Path, verdicts: Verdicts
) -> None:
    driver = start(model_file, lot)
    told = told_by_model(lot, verdicts)
    names = list(told)
    for keys, place in (
        (["n"], 1),
        (["Right", "Next"], 3),
        (["p"], 2),
        (["Left", "Prior", "P"], 0),
        (["End"], 15),
        (["n"], 15),
        (["Home"], 0),
    ):
        driver.press(*keys)
        driver.until(lambda place=place: driver.shown == names[place], f"{keys}")  # type: ignore[misc]
    driver.press("m")
    disagreement = next(
        name
        for name, one in told.items()
        if one.verdict == ("ACCEPT" if name.startswith("blowhole") else "REJECT")
    )
    driver.until(lambda: driver.shown == disagreement, "first disagreement")
    seen = set()
    for _ in range(6):
        driver.press("r")
        driver.until(lambda: driver.shown)
        seen.add(driver.shown)
    assert len(seen) > 2
    rows = driver.desk.window.list.rows
    driver.press("Home")
    driver.click(rows.canvas, (100, round(2.5 * rows._row_px)))
    driver.until(lambda: driver.shown == names[2], "click on the third row")
    driver.press("n")
    driver.until(lambda: driver.shown == names[3])
    wheel(driver, 5)
    driver.until(lambda: names_drawn(driver)[0] == names[3], "the wheel goes down by three rows")
    assert driver.shown == names[3]
    wheel(driver, 5, 5, 5, 5)
    driver.until(lambda: names_drawn(driver)[-1] == names[15])
    wheel(driver, 4, 4, 4, 4, 4, 4)
    driver.until(lambda: names_drawn(driver)[0] == names[0])


def wheel(driver: Driver, *buttons: int) -> None:
    """Turn the wheel over the list: 4 is up, 5 is down."""
    canvas = driver.desk.window.list.rows.canvas
    xdotool("mousemove", canvas.winfo_rootx() + 50, canvas.winfo_rooty() + 50)
    for one in buttons:
        xdotool("click", one)
        driver.rest()


def test_photos_that_cannot_be_read_are_shown_as_such_and_found(
    start: Start, model_file: Path, lot: Path
) -> None:
    (lot / "ok" / "part 0.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    driver = start(model_file, lot)
    choose(driver, driver.desk.window.list.filter, "unreadable (NOT_INSPECTED)")
    shows(driver, ["ok/part 0.png"], of=16)
    canvas = driver.desk.window.list.rows.canvas
    driver.until(
        lambda: (
            "⊘"
            in [
                canvas.itemcget(one, "text")
                for one in canvas.find_withtag("all")
                if canvas.type(one) == "text"
            ]
        )
    )
    assert pictures_drawn(driver) == 0
    driver.press("n")
    driver.until(lambda: driver.shown == "ok/part 0.png")
    assert "⊘ NOT_INSPECTED" in driver.texts(driver.desk.window.verdict)
    assert "part 0.png" in driver.place_of_photo
    assert "NOT_INSPECTED 1" in driver.texts(driver.desk.window.thresholds)


def test_twenty_thousand_photos_scroll_as_few_do(start: Start, tmp_path: Path) -> None:
    driver = start()
    driver.desk.prefer(judge_on_opening=False)
    folder = tmp_path / "many"
    folder.mkdir()
    names = tuple(f"{number:05}.png" for number in range(MANY))
    driver.desk.engine.take_photos(lambda: PhotoList(folder, names))
    driver.until(lambda: names_drawn(driver), "the list")
    assert f"Photos: {MANY:,} of {MANY:,}" in driver.texts(driver.desk.window.list)
    rows = driver.desk.window.list.rows
    most = int(rows._rows_seen) + 2

    def drawn(first: str) -> None:
        driver.until(lambda: first in names_drawn(driver), first)
        found = names_drawn(driver)
        assert found == list(names[names.index(found[0]) : names.index(found[-1]) + 1])
        assert len(found) <= most
        assert len(rows.canvas.find_all()) <= LINES_PER_ROW * most

    drawn("00000.png")
    wheel(driver, 5)
    drawn("00003.png")
    driver.press("End")
    drawn("19999.png")
    driver.press("p")
    drawn("19998.png")
    bar = rows._bar
    middle = bar.winfo_height() // 2
    driver.drag(bar, (bar.winfo_width() // 2, bar.winfo_height() - 25), (bar.winfo_width() // 2, middle))
    assert 8_000 < int(names_drawn(driver)[0][:5]) < 12_000, names_drawn(driver)
    driver.press("Home")
    drawn("00000.png")
    driver.press("ctrl+f")
    driver.type("777.png")
    driver.until(
        lambda: len(names_drawn(driver)) > 1 and all(one.endswith("777.png") for one in names_drawn(driver))
    )
    assert f"Photos: 20 of {MANY:,}" in driver.texts(driver.desk.window.list)
