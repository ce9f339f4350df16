"""The inspector's verdicts: given by keys and buttons, on the disk at once, shown again, taken back."""

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from driver import Driver
from reading import choose, names_drawn, told_by_model

import castproof
from castproof.measure.decision import Verdict
from castproof.pipeline.inspecting.reasons import usual_reasons
from castproof.pipeline.predict import predict
from made_models import png

Start = Callable[..., Driver]
Verdicts = dict[bytes, castproof.Inspection]
OF_KEY = {"g": "ACCEPT", "d": "REJECT"}
LEFT_OPEN = (Verdict.REVIEW, Verdict.NOT_INSPECTED)


def journal(lot: Path) -> list[dict[str, Any]]:
    """Return the rows of the file next to the folder, as another program sees them."""
    with closing(sqlite3.connect(f"{lot}.verdicts.sqlite", timeout=1)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM journal ORDER BY id")]


def go_to(driver: Driver, name: str) -> None:
    """Show a photo by a click on its row."""
    rows = driver.desk.window.list.rows
    row = driver.desk.session.places.tolist().index(driver.desk.session.seen.photos.names.index(name))
    rows._scrolled("moveto", str(row / len(driver.desk.session.places)))
    driver.rest()
    driver.click(rows.canvas, (60, round((row + 0.5 - rows._top) * rows._row_px)))
    driver.until(lambda: driver.shown == name, name)


def against(verdict: Verdict) -> str:
    """Return the key that overrules a verdict."""
    return "d" if verdict is Verdict.ACCEPT else "g"


def test_verdicts_are_those_of_predict_for_every_photo(start: Start, model_file: Path, lot: Path) -> None:
    (lot / "ok" / "part 0.png").write_bytes(b"no photo")
    (lot / "ok" / "white.png").write_bytes(png(np.full((48, 56), 255, np.uint8)))
    (lot / "scrap").mkdir()
    (lot / "blowhole" / "part 1.png").rename(lot / "scrap" / "part 1.png")
    driver = start(model_file, lot)
    expected = predict(model_file, [lot])
    assert driver.desk.session.predictions() == expected
    assert {one.verdict for one in expected} == set(Verdict)
    for one in expected:
        go_to(driver, one.path.relative_to(lot).as_posix())
        assert f" {one.verdict}" in driver.texts(driver.desk.window.verdict)
        assert f"— {one.verdict} —" in driver.desk.root.title()
        for words in (*one.warnings, one.reason):
            assert words in driver.texts(driver.desk.window.verdict)
    assert driver.desk.session.predictions() == expected, "to look at a photo changes nothing"


def test_an_inspector_confirms_overrules_comments_and_takes_back(
    start: Start, model_file: Path, lot: Path, verdicts: Verdicts
) -> None:
    driver, told = start(model_file, lot), told_by_model(lot, verdicts)
    sure = [name for name, one in told.items() if one.verdict not in LEFT_OPEN]
    review = next(name for name, one in told.items() if one.verdict is Verdict.REVIEW)
    confirms_after_the_name_was_asked_for(driver, lot, sure[0], told)
    overrules_by_number_and_in_own_words(driver, lot, sure[1:3], told)
    decides_what_the_model_left_open(driver, lot, review)
    comments(driver, lot, sure[3])
    takes_back(driver, lot, sure[3])
    photos = {**{name: lot / name for name in told}}
    for row in journal(lot):
        if row["withdraws"]:
            continue
        inspection = told[row["file"]]
        assert row["sha256"] == hashlib.sha256(photos[row["file"]].read_bytes()).hexdigest()
        assert (row["verdict"], row["p_defective"]) == (str(inspection.verdict), inspection.p_defective)
        assert (row["threshold"], row["reject_from"]) == (
            inspection.thresholds.threshold,
            inspection.thresholds.reject_from,
        )
        assert (row["inspector"], row["model"]) == ("Ewa Zak", inspection.model_id)


def confirms_after_the_name_was_asked_for(
    driver: Driver, lot: Path, name: str, told: dict[str, castproof.Inspection]
) -> None:
    go_to(driver, name)
    driver.press("Return")
    assert "asked for once" in driver.texts(driver.dialog())
    driver.press("Return")  # no name: it goes on asking
    driver.press("Escape")
    assert journal(lot) == []
    assert driver.shown == name
    driver.press("Return")
    driver.dialog()
    driver.type("Ewa Zak")
    driver.press("Return")
    driver.until(lambda: len(journal(lot)) == 1, "stored at once")
    (row,) = journal(lot)
    assert (row["file"], row["decided"], row["reason"], row["comment"]) == (
        name,
        str(told[name].verdict),
        "",
        "",
    )
    driver.until(lambda: driver.shown not in ("", name), "the next photo follows")
    assert driver.desk.window.decision.name.get() == "Ewa Zak"
    go_to(driver, name)
    assert "confirmed: Ewa Zak" in driver.texts(driver.desk.window.decision)
    assert "Verdicts: 1 in lot 17.verdicts.sqlite" in driver.texts(driver.desk.window.decision)


def overrules_by_number_and_in_own_words(
    driver: Driver, lot: Path, names: list[str], told: dict[str, castproof.Inspection]
) -> None:
    go_to(driver, names[0])
    key = against(told[names[0]].verdict)
    driver.press(key)
    driver.dialog()
    driver.press("Escape")
    assert len(journal(lot)) == 1, "who leaves the question says nothing"
    driver.press(key)
    driver.dialog()
    driver.press("2")
    assert len(journal(lot)) == 1, "a number chooses, Enter takes it"
    driver.press("Return")
    driver.until(lambda: len(journal(lot)) == 2, "stored at once, the name is known")
    row = journal(lot)[-1]
    reason = usual_reasons(told[names[0]].verdict, Verdict(OF_KEY[key]))[1]
    assert (row["file"], row["decided"], row["reason"]) == (names[0], OF_KEY[key], reason)
    go_to(driver, names[1])
    key = against(told[names[1]].verdict)
    driver.press(key)
    driver.dialog()
    driver.press("Return")  # without a reason nothing is stored
    assert "Choose a reason" in driver.texts(driver.dialog())
    driver.type("2 gaps")
    driver.press("Return")
    driver.until(lambda: len(journal(lot)) == 3)
    row = journal(lot)[-1]
    assert (row["file"], row["decided"], row["reason"]) == (names[1], OF_KEY[key], "2 gaps")
    go_to(driver, names[1])
    assert "overruled: Ewa Zak\n2 gaps" in driver.texts(driver.desk.window.decision)


def decides_what_the_model_left_open(driver: Driver, lot: Path, name: str) -> None:
    go_to(driver, name)
    before = len(journal(lot))
    driver.press("Return")
    assert "nothing to confirm" in driver.message
    assert driver.button("Confirm (Enter)").instate(["disabled"])
    assert len(journal(lot)) == before
    driver.click(driver.button("Defective (D)"))
    driver.until(lambda: len(journal(lot)) == before + 1, "no reason is asked for")
    row = journal(lot)[-1]
    assert (row["file"], row["decided"], row["reason"]) == (name, "REJECT", "")
    go_to(driver, name)
    assert "defective, decided: Ewa Zak" in driver.texts(driver.desk.window.decision)


def comments(driver: Driver, lot: Path, name: str) -> None:
    go_to(driver, name)
    before = len(journal(lot))
    driver.press("c")
    driver.type("scratch, g and d")
    driver.press("Return")
    assert len(journal(lot)) == before, "a comment alone is no verdict"
    driver.press("Return")
    driver.until(lambda: len(journal(lot)) == before + 1)
    assert journal(lot)[-1]["comment"] == "scratch, g and d"
    driver.until(lambda: driver.shown not in ("", name))
    assert driver.desk.window.decision.comment.get() == ""
    go_to(driver, name)
    assert driver.desk.window.decision.comment.get() == "scratch, g and d"
    driver.press("c", "Return")
    assert len(journal(lot)) == before + 1, "nothing changed"
    driver.press("c", "End")
    driver.type(" too")
    driver.press("Return")
    driver.until(lambda: len(journal(lot)) == before + 2)
    first, second = journal(lot)[-2:]
    assert second["comment"] == "scratch, g and d too"
    assert (second["file"], second["decided"]) == (name, first["decided"])
    assert driver.shown == name


def takes_back(driver: Driver, lot: Path, name: str) -> None:
    choose(driver, driver.desk.window.list.filter, "without your verdict")
    assert name not in names_drawn(driver)
    rows = journal(lot)
    driver.press("ctrl+z", "ctrl+z")
    driver.until(lambda: len(journal(lot)) == len(rows) + 2, "the journal keeps everything")
    assert journal(lot)[: len(rows)] == rows
    assert [one["withdraws"] for one in journal(lot)[-2:]] == [rows[-1]["entry"], rows[-2]["entry"]]
    driver.until(lambda: driver.shown == name, "its photo is shown again")
    assert f"The verdict on {Path(name).name} was taken back." in driver.message
    driver.until(lambda: name in names_drawn(driver), "it waits for a verdict again")
    assert "Ewa" not in driver.texts(driver.desk.window.decision)
    assert driver.button("Take back").instate(["disabled"]), "of the photo that is shown"
    choose(driver, driver.desk.window.list.filter, "with your verdict")
    driver.press("Home")
    driver.until(lambda: driver.shown in driver.desk.verdict_file.latest())  # type: ignore[union-attr]
    driver.click(driver.button("Take back"))
    driver.until(lambda: sum(bool(one["withdraws"]) for one in journal(lot)) == 3)
    driver.press("ctrl+z", "ctrl+z", "ctrl+z")
    assert not driver.desk.session.verdicts
    assert driver.button("Take back").instate(["disabled"])
    driver.press("ctrl+z")
    assert "no verdict to take back" in driver.message
    assert sum(bool(one["withdraws"]) for one in journal(lot)) == len(rows)


def test_verdicts_are_there_again_after_another_folder_and_a_restart(
    start: Start, model_file: Path, lot: Path, tmp_path: Path, verdicts: Verdicts
) -> None:
    told = told_by_model(lot, verdicts)
    names = [name for name, one in told.items() if one.verdict not in LEFT_OPEN]
    broken = lot / "ok" / "zz broken.png"
    broken.write_bytes(b"no photo")
    other = tmp_path / "lot 18"
    other.mkdir()
    (other / "a.png").write_bytes((lot / names[0]).read_bytes())
    driver = start(model_file, lot)
    driver.desk.set_preference("inspector", "Ewa")
    driver.desk.set_preference("next_after_verdict", False)
    go_to(driver, names[1])
    driver.click(driver.button("Confirm (Enter)"))
    driver.until(lambda: len(journal(lot)) == 1)
    assert driver.shown == names[1], "it does not go on where that is not wanted"
    assert "confirmed: Ewa" in driver.texts(driver.desk.window.decision)
    go_to(driver, "ok/zz broken.png")
    driver.press("Return")
    assert "nothing to confirm" in driver.message
    driver.press("d")
    assert "How do you know?" in driver.texts(driver.dialog())
    driver.press("1", "Return")
    driver.until(lambda: len(journal(lot)) == 2)
    row = journal(lot)[-1]
    assert (row["file"], row["verdict"], row["decided"]) == ("ok/zz broken.png", "NOT_INSPECTED", "REJECT")
    assert row["p_defective"] is None
    driver.open(photos=other)
    driver.until(lambda: driver.shown == "a.png")
    assert driver.desk.session.verdicts == {}
    driver.press("Return", "ctrl+z", "ctrl+z")
    assert len(journal(lot)) == 2, "what was said of other photos is not taken back from here"
    driver.open(photos=lot)
    shows_both(driver, names[1])
    driver.close()
    shows_both(start(photos=lot), names[1])


def shows_both(driver: Driver, confirmed: str) -> None:
    driver.until(lambda: driver.desk.session.model is not None and len(driver.desk.session.verdicts) == 2)
    driver.judged()
    choose(driver, driver.desk.window.list.filter, "with your verdict")
    driver.until(lambda: names_drawn(driver) == [confirmed, "ok/zz broken.png"], f"{names_drawn(driver)}")
    go_to(driver, confirmed)
    assert "confirmed: Ewa" in driver.texts(driver.desk.window.decision)
    go_to(driver, "ok/zz broken.png")
    assert "✖ defective, decided: Ewa" in driver.texts(driver.desk.window.decision)


def test_a_verdict_that_cannot_be_stored_keeps_its_folder_open(
    start: Start, model_file: Path, lot: Path, tmp_path: Path, verdicts: Verdicts
) -> None:
    told = told_by_model(lot, verdicts)
    name = next(name for name, one in told.items() if one.verdict not in LEFT_OPEN)
    (tmp_path / "lot 18").mkdir()
    (tmp_path / "lot 18" / "a.png").write_bytes((lot / name).read_bytes())
    driver = start(model_file, lot)
    driver.desk.set_preference("inspector", "Ewa")
    file = driver.desk.verdict_file
    assert file is not None
    assert file._connection is not None
    file._connection.execute("PRAGMA busy_timeout=20")
    with closing(sqlite3.connect(f"{lot}.verdicts.sqlite", isolation_level=None)) as locking:
        locking.execute("BEGIN EXCLUSIVE")
        go_to(driver, name)
        driver.press("Return")
        driver.until(lambda: "another program keeps it locked" in driver.message, "told at once")
        assert "NOT SAVED YET: 1" in driver.texts(driver.desk.window.decision)
        driver.press("Escape")
        driver.desk.commands.opening.use_paths([tmp_path / "lot 18"])
        driver.until(lambda: "another program keeps it locked" in driver.message)
        assert driver.desk.session.photos is not None
        assert driver.desk.session.photos.root == lot
        assert len(driver.desk.session.verdicts) == 1
        locking.execute("ROLLBACK")
    driver.desk.commands.opening.use_paths([tmp_path / "lot 18"])
    driver.until(lambda: driver.shown == "a.png")
    assert [one["file"] for one in journal(lot)] == [name]


def test_a_filtered_list_goes_on_from_the_row_and_a_colleague_keeps_what_is_theirs(
    start: Start, model_file: Path, lot: Path
) -> None:
    driver = start(model_file, lot)
    desk, box = driver.desk, driver.desk.window.decision
    desk.prefer(inspector="Anna", next_after_verdict=False)
    choose(driver, desk.window.list.filter, "without your verdict")
    choose(driver, desk.window.list.order, "highest p(DEF) first")
    driver.press("Home")
    order = [desk.session.seen.photos.names[place] for place in desk.session.places]
    driver.until(lambda: driver.shown == order[0])
    driver.press("n", "n")
    driver.until(lambda: driver.shown == order[2])
    driver.press("c")
    driver.type("scratch")
    driver.press("Return", "Return")
    driver.until(lambda: len(journal(lot)) == 1, "no verdict")
    driver.press("n")
    driver.until(lambda: driver.shown == order[3], "the photo that took its row")

    choose(driver, desk.window.list.filter, "all photos")
    desk.prefer(inspector="Bob")
    go_to(driver, order[2])
    assert "Anna" in driver.texts(box)
    assert box.comment.get() == "", "Anna's comment is not put into Bob's mouth"
    driver.press("c", "Return")
    driver.rest(0.1)
    assert len(journal(lot)) == 1


def test_enter_on_a_focused_button_presses_that_button(start: Start, model_file: Path, lot: Path) -> None:
    driver = start(model_file, lot)
    driver.desk.prefer(inspector="Anna")
    driver.press("End")
    driver.judged()
    assert driver.desk.session.verdict(driver.desk.session.current or 0) is not None
    driver.button("Good (G)").focus_force()
    driver.press("Return")
    wanted = driver.desk.session.verdict(driver.desk.session.current or 0)
    if wanted is Verdict.REJECT:
        assert "Press a number" in driver.texts(driver.dialog())
        driver.press("1", "Return")
    driver.until(lambda: journal(lot), "no verdict")
    assert [one["decided"] for one in journal(lot)] == ["ACCEPT"]
