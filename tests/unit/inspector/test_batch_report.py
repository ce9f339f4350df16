"""The quick report of a batch: the figures are right, every text is escaped, and nothing outside of it is needed."""

import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from made_verdicts import made
from numpy.typing import NDArray

from castproof.files import CSV_ERRORS, unguarded
from castproof.measure.decision import Thresholds, Verdict, decide
from castproof.pipeline.inspecting.batch_content import MOST_PICTURES, batch_page
from castproof.pipeline.inspecting.batch_report import INSPECTOR_COLUMNS, Batch, write_batch_report
from castproof.pipeline.predicting.prediction import Prediction
from castproof.pipeline.predicting.tables import COLUMNS, CSV, write_table
from castproof.translation import use_language

THRESHOLDS = Thresholds(0.3, 0.6)
WHEN = datetime(2026, 11, 26, 6, 0, 0, tzinfo=timezone(timedelta(hours=1)))
LABELS = {"ok_front": "good", "def_front": "defective"}


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    use_language("en")


def predicted(path: Path, p: float | None, warnings: tuple[str, ...] = (), reason: str = "") -> Prediction:
    verdict = decide(float("nan") if p is None else p, THRESHOLDS, unlike_training=bool(warnings))
    label = LABELS.get(path.parent.name, "")
    name = path.parent.name if label else ""
    return Prediction(path, verdict, p, THRESHOLDS, reason, name, label, warnings, "cd" * 32)


@pytest.fixture
def batch(class_folder) -> Batch:  # type: ignore[no-untyped-def]
    """Return a batch with 2 of 5 defects missed and 1 of 4 false alarms, one REVIEW, and one photo not judged."""
    folder: Path = class_folder({"ok_front": 4, "def_front": 5}, name="batch <1>")
    good = [folder / "ok_front" / f"photo 00{number}.png" for number in range(4)]
    bad = [folder / "def_front" / f"photo 00{number}.png" for number in range(5)]
    values = [(good[0], 0.01), (good[1], 0.02), (good[2], 0.99), (good[3], None)]
    values += [(bad[0], 0.2), (bad[1], 0.1), (bad[2], 0.7), (bad[3], 0.8), (bad[4], 0.45)]
    predictions = [
        predicted(path, p, reason="" if p is not None else "<script>alert('cut off')</script>")
        for path, p in values
    ]
    told = {"threshold": 0.3, "reject_from": 0.6, "inspector": "Żaneta <b>", "comment": "at the rim & below"}
    verdicts = {
        "def_front/photo 001.png": made("def_front/photo 001.png", Verdict.REJECT, **told),
        "def_front/photo 002.png": made("def_front/photo 002.png", Verdict.REJECT, **told),
        "ok_front/photo 002.png": made("ok_front/photo 002.png", Verdict.ACCEPT, **told),
        "def_front/photo 004.png": made("def_front/photo 004.png", Verdict.REJECT, **told),
    }
    return Batch(
        folder=folder,
        predictions=predictions,
        verdicts=verdicts,
        model_name="line & 3",
        model_id="cd" * 32,
        good=("ok_front",),
        defective=("def_front",),
        thresholds=THRESHOLDS,
        own_thresholds=THRESHOLDS,
        promises=True,
        inspector="Żaneta <b>",
        when=WHEN,
    )


class _Reader(HTMLParser):
    """Collects the tags and the text of a page, and what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]

    def handle_data(self, data: str) -> None:
        if not self.tags or self.tags[-1] != "style":
            self.texts.append(data)


def read(path: Path) -> tuple[_Reader, str]:
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader, re.sub(r"\s+", " ", " ".join(reader.texts))


def heat_of(path: Path) -> NDArray[np.float32] | None:
    return np.eye(4, dtype=np.float32) if "001" in path.name else None


def test_the_table_is_that_of_predictions_with_the_words_of_the_inspector(
    batch: Batch, tmp_path: Path
) -> None:
    table, _ = write_batch_report(tmp_path / "out", batch)
    write_table(CSV, tmp_path / "plain.csv", batch.predictions)
    with table.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    with (tmp_path / "plain.csv").open(encoding="utf-8", newline="") as file:
        plain = list(csv.reader(file))
    assert header == [*COLUMNS, *INSPECTOR_COLUMNS]
    assert [row[: len(COLUMNS)] for row in rows] == plain[1:]
    found = {Path(row[0]).relative_to(batch.folder).as_posix(): row[len(COLUMNS) :][:2] for row in rows}
    assert found["def_front/photo 001.png"] == ["REJECT", "0"]
    assert found["def_front/photo 002.png"] == ["REJECT", "1"]
    assert found["def_front/photo 004.png"] == ["REJECT", ""]
    assert found["ok_front/photo 000.png"] == ["", ""]


def test_the_page_tells_counts_pictures_and_lists(batch: Batch, tmp_path: Path) -> None:
    _, page = write_batch_report(tmp_path / "out", batch, heat_of=heat_of)
    reader, text = read(page)
    content = batch_page(batch, {})
    cards = {card.title.replace("\xa0", " "): (card.figure, card.text) for card in content.cards}
    assert cards == {
        "✔ ACCEPT": ("4", "4 of 9 (44.4%)"),
        "? REVIEW": ("1", "1 of 9 (11.1%)"),
        "✖ REJECT": ("3", "3 of 9 (33.3%)"),
        "⊘ NOT_INSPECTED": ("1", "1 of 9 (11.1%)"),
        "Missed defects": ("2", "2 of 5 (40.0%)"),
        "False alarms": ("1", "1 of 4 (25.0%)"),
        "Decided by the inspector": ("4", "4 of 9 (44.4%)"),
    }
    tiles = {section.title: [tile.file for tile in section.tiles] for section in content.sections}
    assert tiles["Missed defects"] == ["def_front/photo 001.png", "def_front/photo 000.png"]
    assert tiles["False alarms"] == ["ok_front/photo 002.png"]
    assert tiles["Inspector and model"] == ["def_front/photo 001.png", "ok_front/photo 002.png"]
    for words in ("2 of 5 (40.0%)", "no promise for other photos", "Żaneta <b>", "line & 3", "2026-11-26"):
        assert words in text
    assert "own thresholds" not in text
    assert "between the thresholds" in text
    assert "<script>alert('cut off')</script>" in text
    assert reader.tags.count("img") == 3 + 2 + 2  # each photo; the heat of one, in two sections


def test_the_page_loads_nothing_and_runs_nothing(batch: Batch, tmp_path: Path) -> None:
    _, page = write_batch_report(tmp_path / "out", batch, heat_of=heat_of)
    reader, _ = read(page)
    assert "script" not in reader.tags
    assert reader.loads
    assert all(one.startswith("data:image/jpeg;base64,") for one in reader.loads)
    raw = page.read_text(encoding="utf-8")
    assert "Żaneta <b>" not in raw
    assert "<script" not in raw


def test_what_takes_the_worth_of_a_figure_is_said(batch: Batch) -> None:
    other = replace(batch, own_thresholds=Thresholds(0.25, 0.5), pending=17)
    said = " ".join(batch_page(other, {}).cautions)
    assert "not the model's own thresholds. What the model promises does not hold." in said
    assert "The model's own thresholds: ACCEPT < 0.25 ≤ REVIEW < 0.5 ≤ REJECT" in said
    assert "not judged yet, and not counted here: 17." in said
    assert "promises nothing" in " ".join(batch_page(replace(batch, promises=False), {}).cautions)
    assert "promises does not hold" not in " ".join(batch_page(replace(other, promises=False), {}).cautions)
    moved = replace(batch, thresholds=Thresholds(0.3, 0.7))
    assert "another model or other thresholds: 4." in " ".join(batch_page(moved, {}).cautions)
    assert len(batch_page(batch, {}).cautions) == 1


def test_without_labels_and_verdicts_there_is_nothing_about_them(batch: Batch) -> None:
    plain = [replace(one, label="", class_name="") for one in batch.predictions]
    page = batch_page(replace(batch, predictions=plain, verdicts={}), {})
    assert [one.title for one in page.sections] == [
        "Verdicts",
        "REVIEW: a person must look",
        "NOT_INSPECTED: the model could not judge",
    ]
    assert len(page.cards) == 4
    assert batch_page(replace(batch, predictions=[], verdicts={}), {}).cards[0].text == "0 of 0"


def test_many_misses_are_counted_and_the_worst_are_shown(batch: Batch) -> None:
    folder = batch.folder / "def_front"
    many = [predicted(folder / f"{number:03d}.png", 0.001 * number) for number in range(100)]
    page = batch_page(replace(batch, predictions=many[::-1]), {})
    section = next(one for one in page.sections if one.title == "Missed defects")
    assert [tile.file for tile in section.tiles] == [
        f"def_front/{number:03d}.png" for number in range(MOST_PICTURES)
    ]
    assert section.more.endswith(": 76")


def test_no_earlier_report_is_replaced_and_odd_names_survive(batch: Batch, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(bytes(batch.folder / "def_front") + b"/p\xff.png"))
    with_odd = replace(batch, predictions=[*batch.predictions, predicted(odd, 0.05)])
    first, second = (write_batch_report(tmp_path / "out", with_odd) for _ in range(2))
    assert len({*first, *second}) == 4
    assert {path.suffix for path in first} == {".csv", ".html"}
    assert "batch <1>-2026" in first[0].name
    with first[0].open(encoding="utf-8", errors=CSV_ERRORS, newline="") as file:
        assert unguarded(list(csv.reader(file))[-1][0]) == odd.as_posix()
    assert "not readable" in read(first[1])[1]
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_the_page_speaks_the_language_of_the_window(batch: Batch, tmp_path: Path) -> None:
    use_language("pl")
    _, page = write_batch_report(tmp_path, batch)
    assert '<html lang="pl">' in page.read_text(encoding="utf-8")


def test_the_report_needs_no_training_library() -> None:
    names = ["matplotlib", "torch", "scipy", "sklearn", "cv2", "onnx"]
    modules = ["batch_report", "verdict_exports", "verdict_file", "preferences"]
    script = f"""
import sys
for name in {names}: sys.modules[name] = None
for name in {modules}: __import__("castproof.pipeline.inspecting." + name)
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
