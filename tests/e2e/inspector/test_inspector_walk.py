"""The way of somebody new: open a model, judge ten parts, hand in the table; by keyboard, in native dialogs."""

import csv
import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from driver import Driver
from screen import xdotool

import castproof

Start = Callable[..., Driver]


class Answer(threading.Thread):
    """Types a path into the file dialog of Tk, which keeps the window's own thread until it is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._path = path
        self.start()

    def run(self) -> None:
        """Wait for the dialog, then type and press Enter."""
        time.sleep(0.7)
        xdotool("key", "ctrl+slash")
        xdotool("type", "--delay", "1", str(self._path))
        for _ in range(
            2 if self._path.is_dir() else 1
        ):  # the first one goes into a folder, the second chooses it
            xdotool("key", "Return")
            time.sleep(0.2)


def test_ten_parts_are_judged_and_handed_in_by_keyboard(
    start: Start, model_file: Path, lot: Path, tmp_path: Path
) -> None:
    driver = start()
    assert "Open a model" in driver.desk.window.photo._message
    Answer(model_file)
    driver.press("ctrl+m")
    driver.until(lambda: driver.desk.session.model is not None)
    assert "Defective (positive) = blowhole, crack · Good = ok" in driver.texts(driver.desk.window.model)
    Answer(lot)
    driver.press("ctrl+d")
    driver.until(lambda: driver.desk.session.photos is not None)
    driver.judged()
    decide_ten(driver)
    table = tmp_path / "handed in.csv"
    Answer(table)
    driver.press("ctrl+e")
    driver.until(table.is_file)
    check_table(table, model_file, lot)


def decide_ten(driver: Driver) -> None:
    for number in range(10):
        verdict = driver.desk.session.verdict(driver.desk.session.current or 0)
        before = driver.shown
        driver.press("Return" if verdict in (castproof.Verdict.ACCEPT, castproof.Verdict.REJECT) else "d")
        if number == 0:
            assert "asked for once" in driver.texts(driver.dialog())
            driver.type("Anna Nowak")
            driver.press("Return")
        driver.until(lambda before=before: driver.shown not in ("", before), "next photo")  # type: ignore[misc]


def check_table(table: Path, model_file: Path, lot: Path) -> None:
    model = castproof.load(model_file)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    for row in rows:
        photo = lot / row["file"]
        inspection = model.inspect(photo)
        assert row["verdict"] == str(inspection.verdict)
        assert float(row["p_defective"]) == inspection.p_defective
        sure = inspection.verdict in (castproof.Verdict.ACCEPT, castproof.Verdict.REJECT)
        assert row["decided"] == (str(inspection.verdict) if sure else "REJECT")
        assert row["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()
        assert (row["inspector"], row["model"]) == ("Anna Nowak", model.model_id)
        assert (row["good_classes"], row["defective_classes"]) == ("ok", "blowhole; crack")
