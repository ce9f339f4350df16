"""What leaves the window: the report, the table of verdicts, the photos in dispute, and its own picture."""

import csv
import shutil
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from driver import Driver
from guest import as_nobody, for_everybody
from PIL import Image

import castproof
from castproof.data.folders import read_folders
from castproof.pipeline.inspecting import batch_report  # noqa: F401  before a guest, who cannot read this Python

Start = Callable[..., Driver]
Row = dict[str, str]
ACCEPT, REVIEW, REJECT = castproof.Verdict.ACCEPT, castproof.Verdict.REVIEW, castproof.Verdict.REJECT


class Page(HTMLParser):
    """What a page says, and what it would load."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.pictures: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag loads."""
        found = [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        self.loads += found
        self.pictures += found if tag == "img" else []

    def handle_data(self, data: str) -> None:
        """Note what is said."""
        self.text += " ".join(data.split()) + " "


def reported(driver: Driver, folder: Path) -> tuple[list[Row], Page]:
    """Press the key of the report, and return the rows of the new table and the new page in `folder`."""
    before = set(folder.glob("*"))
    driver.press("Escape", "ctrl+p")
    driver.until(lambda: "The report is in" in driver.message, "no report")
    table, page = sorted(set(folder.glob("*")) - before)
    assert str(page) in driver.message
    return rows_of(table), Page(page)


def rows_of(table: Path) -> list[Row]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def decided_lot(start: Start, model_file: Path, lot: Path) -> Driver:
    """Return the window on a lot in which the first photo of each kind was decided; a rejected one was overruled."""
    driver = start(model_file, lot).signed("Żaneta <b>")
    for verdict, key, reason in ((ACCEPT, "Return", ""), (REVIEW, "g", ""), (REJECT, "g", "2")):
        places = range(len(driver.desk.session.seen.photos))
        driver.desk.show_place(next(one for one in places if driver.desk.session.verdict(one) is verdict))
        driver.until(lambda: driver.shown)
        driver.decide(key, reason)
    return driver


def test_the_report_says_what_the_window_says(start: Start, model_file: Path, lot: Path) -> None:
    driver = decided_lot(start, model_file, lot)
    rows, page = reported(driver, lot.with_name("lot 17_reports"))
    tally = driver.desk.session.tally()
    counts = Counter(row["verdict"] for row in rows)
    assert (counts["ACCEPT"], counts["REVIEW"], counts["REJECT"]) == (
        tally.accept,
        tally.review,
        tally.reject,
    )
    wrong = Counter(row["label"] for row in rows if row["correct"] in ("False", "0", "false"))
    assert (wrong["defective"], wrong["good"]) == (tally.missed, tally.false_alarms)
    assert tally.missed
    assert tally.false_alarms
    assert f"Missed defects: {tally.missed} of {tally.defective}" in driver.texts(
        driver.desk.window.thresholds
    )
    for words in (
        f"{tally.missed} of {tally.defective}",
        f"{tally.false_alarms} of {tally.good}",
        "Żaneta <b>",
    ):
        assert words in page.text
    decided = [(row["decided"], row["agrees"], row["inspector"]) for row in rows if row["decided"]]
    assert sorted(decided) == [
        ("ACCEPT", "", "Żaneta <b>"),
        ("ACCEPT", "0", "Żaneta <b>"),
        ("ACCEPT", "1", "Żaneta <b>"),
    ]
    assert len(page.pictures) >= tally.missed + tally.false_alarms + 1
    assert all(one.startswith("data:image/jpeg;base64,") for one in page.loads)
    assert "not the model's own thresholds" not in page.text


def test_other_thresholds_are_marked_in_the_window_and_in_the_report(
    start: Start, model_file: Path, lot: Path
) -> None:
    driver = start(model_file, lot)
    bar = driver.desk.window.thresholds.bar.canvas
    own = driver.desk.session.thresholds
    driver.click(bar, (bar.winfo_width() // 10, bar.winfo_height() // 2))
    assert driver.desk.session.thresholds != own
    assert "not the model's own thresholds" in driver.texts(driver.desk.window.thresholds)
    rows, page = reported(driver, lot.with_name("lot 17_reports"))
    assert "not the model's own thresholds" in page.text
    tally = driver.desk.session.tally()
    counts = Counter(row["verdict"] for row in rows)
    assert (counts["ACCEPT"], counts["REVIEW"], counts["REJECT"]) == (
        tally.accept,
        tally.review,
        tally.reject,
    )
    assert {float(row["threshold"]) for row in rows} == {driver.desk.session.thresholds.threshold}
    driver.press("ctrl+r")
    assert driver.desk.session.thresholds == own
    again, page = reported(driver, lot.with_name("lot 17_reports"))
    assert "not the model's own thresholds" not in page.text
    assert [row["file"] for row in again] == [row["file"] for row in rows]


def test_without_a_judged_photo_there_is_nothing_to_report(start: Start, lot: Path) -> None:
    driver = start()
    driver.press("ctrl+p")
    assert "nothing to report yet" in driver.message
    driver.desk.commands.opening.use_paths([lot])
    driver.until(lambda: driver.shown)
    driver.press("Escape", "ctrl+p")
    assert "nothing to report yet" in driver.message
    assert not lot.with_name("lot 17_reports").exists()


def test_the_report_on_a_read_only_place_goes_to_the_data_folder(
    start: Start, model_file: Path, lot: Path, open_place: Path
) -> None:
    line = open_place / "line"
    photos = Path(shutil.copytree(lot, line / "lot"))
    line.chmod(0o555)
    driver = start(model_file)
    reports = driver.desk.data_folder / "reports"
    reports.mkdir(parents=True)
    for_everybody(open_place / "guest")
    with as_nobody():
        driver.open(photos=photos)
        rows, page = reported(driver, reports)
        driver.close()
    assert len(rows) == 16
    assert "Inspection of lot" in page.text
    assert [one.name for one in line.iterdir()] == ["lot"]


def test_the_table_of_verdicts_holds_what_was_decided(
    start: Start, model_file: Path, lot: Path, tmp_path: Path
) -> None:
    driver = decided_lot(start, model_file, lot)
    table = tmp_path / "new folder" / "verdicts.csv"
    driver.desk.commands.handing_on.write_verdicts(table)
    driver.until(lambda: str(table) in driver.message)
    model = castproof.load(model_file)
    rows = rows_of(table)
    assert {row["verdict"]: (row["decided"], row["agrees"]) for row in rows} == {
        "ACCEPT": ("ACCEPT", "1"),
        "REVIEW": ("ACCEPT", ""),
        "REJECT": ("ACCEPT", "0"),
    }
    for row in rows:
        assert row["verdict"] == model.inspect(lot / row["file"]).verdict.value
        assert row["reason"] == ("only a reflection or shadow" if row["verdict"] == "REJECT" else "")
        assert row["inspector"] == "Żaneta <b>"


def test_the_photos_in_dispute_are_a_data_set_by_the_classes_of_the_inspector(
    start: Start, model_file: Path, lot: Path, tmp_path: Path
) -> None:
    driver = decided_lot(start, model_file, lot)
    session = driver.desk.session
    places = range(len(session.seen.photos))
    driver.desk.show_place(
        next(one for one in places if session.verdict(one) is ACCEPT and one not in session.verdicts)
    )
    driver.until(lambda: driver.shown)
    driver.decide("d", "1")
    target = tmp_path / "for retraining"
    driver.desk.commands.handing_on.write_disagreements(target)
    driver.until(lambda: "Photos copied for retraining: 3" in driver.message)
    disputed = [one for one in session.verdicts.values() if one.agrees is not True]
    photos = read_folders(target, ["ok"]).photos
    found = {(target / one.file).read_bytes(): one.class_name for one in photos}
    assert len(found) == len(disputed) == 3
    for one in disputed:
        folder = one.file.partition("/")[0]
        defective = folder if folder == "blowhole" else "defective"
        assert found[(lot / one.file).read_bytes()] == ("ok" if one.decided is ACCEPT else defective)
    assert len(list(lot.rglob("*.png"))) == 16


def test_the_screenshot_is_what_the_window_shows(
    start: Start, model_file: Path, lot: Path, tmp_path: Path
) -> None:
    driver = start(model_file, lot)
    driver.press("h")
    path = tmp_path / "window.of today"
    driver.desk.commands.handing_on.write_screenshot(path)
    assert str(path) in driver.message
    root, view = driver.desk.root, driver.desk.window.photo
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.size == (root.winfo_width(), root.winfo_height())
        pixels = np.asarray(picture.convert("RGB"))
    background = driver.desk.colours.background.lstrip("#")
    is_plain = (pixels == np.frombuffer(bytes.fromhex(background), np.uint8)).all(axis=-1)
    assert is_plain.mean() > 0.2
    x = view.winfo_rootx() - root.winfo_rootx() + view.winfo_width() // 2
    y = view.winfo_rooty() - root.winfo_rooty() + view.winfo_height() // 2
    looked = driver.desk.looked
    assert looked is not None
    assert looked.pixels is not None
    height, width = looked.pixels.shape[:2]
    middle = looked.pixels[height // 3 : -height // 3, width // 3 : -width // 3].mean()
    assert abs(pixels[y - 60 : y + 60, x - 60 : x + 60].mean() - middle) < 10


def test_a_screenshot_that_cannot_be_written_is_told_of(start: Start, tmp_path: Path) -> None:
    driver = start()
    (tmp_path / "no folder").touch()
    driver.desk.commands.handing_on.write_screenshot(tmp_path / "no folder" / "window.png")
    assert "Save screenshot" in driver.message
    assert "What to do" in driver.message
