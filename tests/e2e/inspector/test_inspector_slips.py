"""Slips of the hand, and things that come at the wrong moment, give no verdict that nobody meant."""

import gc
import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from driver import Driver
from screen import xdotool

from castproof.apps.inspector.window import Window
from castproof.measure.decision import Verdict

Start = Callable[..., Driver]
SURE = (Verdict.ACCEPT, Verdict.REJECT)


def at_verdict(driver: Driver, wanted: Verdict) -> int:
    """Show the first photo with this verdict of the model and without one of the inspector; return its place."""
    session = driver.desk.session
    place = next(
        one
        for one in session.places.tolist()
        if session.verdict(one) is wanted and one not in session.verdicts
    )
    driver.desk.show_place(place)
    driver.until(lambda: driver.shown == session.seen.photos.names[place])
    return place


def test_enter_after_a_click_confirms_and_does_not_press_the_button_again(
    start: Start, model_file: Path, lot: Path
) -> None:
    driver = start(model_file, lot).signed()
    session = driver.desk.session
    at_verdict(driver, Verdict.ACCEPT)
    driver.click(driver.button("Good (G)"))
    driver.until(lambda: len(session.verdicts) == 1)
    review = at_verdict(driver, Verdict.REVIEW)
    driver.press("Return")
    assert review not in session.verdicts, "Enter decides nothing where the model is not sure"
    assert "nothing to confirm" in driver.message
    place = at_verdict(driver, Verdict.REJECT)
    driver.press("Return")
    driver.until(lambda: place in session.verdicts)
    assert session.verdicts[place].decided is Verdict.REJECT


def test_a_held_key_decides_once_and_keys_with_alt_or_control_decide_nothing(
    start: Start, model_file: Path, lot: Path
) -> None:
    driver = start(model_file, lot).signed()
    at_verdict(driver, Verdict.ACCEPT)
    for keys in ("alt+g", "ctrl+g", "alt+Return"):
        driver.press(keys)
    assert not driver.desk.session.verdicts
    xdotool("keydown", "Return")
    driver.rest(1.2)  # the screen repeats it after 0.6 s, 25 times a second
    xdotool("keyup", "Return")
    driver.rest(0.1)
    assert len(driver.desk.session.verdicts) == 1


def test_enter_keeps_a_verdict_that_was_given_otherwise(start: Start, model_file: Path, lot: Path) -> None:
    driver = start(model_file, lot).signed()
    place = at_verdict(driver, Verdict.ACCEPT)
    driver.press("d")
    driver.dialog()
    driver.press("1", "Return")
    driver.until(lambda: place in driver.desk.session.verdicts)
    driver.desk.show_place(place)
    driver.until(lambda: driver.shown == driver.desk.session.seen.photos.names[place])
    driver.press("Return")
    assert driver.desk.session.verdicts[place].decided is Verdict.REJECT
    assert "decided otherwise" in driver.message


def test_an_answer_is_not_stored_for_photos_that_were_opened_meanwhile(
    start: Start, model_file: Path, lot: Path, tmp_path: Path
) -> None:
    driver = start(model_file, lot).signed()
    other = tmp_path / "other"
    shutil.copytree(lot, other)
    at_verdict(driver, Verdict.ACCEPT)
    driver.press("d")
    driver.dialog()
    driver.desk.commands.opening.use_folder_path(other)
    driver.until(lambda: driver.desk.session.seen.photos.root == other)
    driver.judged()
    driver.press("1", "Return")
    assert "was not stored" in driver.message
    assert driver.desk.session.verdicts == {}


def test_a_verdict_on_other_bytes_does_not_count(start: Start, model_file: Path, lot: Path) -> None:
    driver = start(model_file, lot).signed()
    place = at_verdict(driver, Verdict.ACCEPT)
    driver.press("Return")
    driver.until(lambda: place in driver.desk.session.verdicts)
    photo = driver.desk.session.path(place)
    before = hashlib.sha256(photo.read_bytes()).hexdigest()
    at = next(one for one in range(16) if driver.desk.session.verdict(one) is Verdict.REJECT)
    shutil.copy(driver.desk.session.path(at), photo)
    assert hashlib.sha256(photo.read_bytes()).hexdigest() != before
    driver.open(photos=lot)
    assert place not in driver.desk.session.verdicts, "noticed while the folder is judged, too"
    driver.desk.show_place(place)
    driver.until(lambda: driver.shown == driver.desk.session.seen.photos.names[place])
    assert "has changed since" in driver.texts(driver.desk.window.decision)


def test_a_comment_waits_for_its_verdict_on_its_own_photo(start: Start, model_file: Path, lot: Path) -> None:
    driver = start(model_file, lot).signed()
    place = at_verdict(driver, Verdict.ACCEPT)
    driver.press("c")
    driver.type("pore at the rim")
    driver.press("Return")
    assert "stored with your verdict" in driver.message
    driver.press("n")
    driver.until(lambda: driver.desk.session.current != place and driver.shown)
    field = driver.desk.window.decision.comment
    assert field.get() == ""
    driver.desk.show_place(place)
    driver.until(lambda: driver.shown == driver.desk.session.seen.photos.names[place])
    assert field.get() == "pore at the rim"
    driver.desk.set_preference("theme", "dark")
    driver.rest(0.1)
    assert driver.desk.window.decision.comment.get() == "pore at the rim"
    driver.press("Return")
    driver.until(lambda: place in driver.desk.session.verdicts)
    assert driver.desk.session.verdicts[place].comment == "pore at the rim"


def test_while_a_photo_takes_long_neither_its_verdict_nor_the_one_before_is_beside_another_picture(
    start: Start, model_file: Path, lot: Path
) -> None:
    driver = start(model_file, lot).signed()
    place = at_verdict(driver, Verdict.ACCEPT)
    driver.desk.engine._looking.submit(time.sleep, 1.0)
    driver.press("n")
    driver.rest(0.4)
    assert driver.desk.looked is None
    assert "Reading" in driver.desk.window.photo._message
    driver.press("g")
    assert "not shown yet" in driver.message
    assert not driver.desk.session.verdicts
    driver.until(lambda: driver.shown and driver.desk.session.current == place + 1)


def test_windows_made_anew_leave_nothing_behind(start: Start, model_file: Path, lot: Path) -> None:
    driver = start(model_file, lot)
    for theme in ("dark", "light", "dark", "light"):
        driver.desk.set_preference("theme", theme)
        driver.rest(0.1)
    gc.collect()
    windows = [one for one in gc.get_objects() if type(one) is Window]
    assert [one for one in windows if one._root_window is driver.desk.root] == [driver.desk.window]
