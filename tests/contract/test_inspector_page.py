"""The page of the QA Inspector: keys, columns, fields, files and figures are those of the code."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from test_docs import ROOT, first_names, names_in, page, table

from castproof.apps.inspector.asking import _MOST_NUMBERED
from castproof.apps.inspector.handing_on import _DISAGREEMENTS, _REPORTS
from castproof.apps.inspector.hearing import VERDICTS
from castproof.apps.inspector.keys import keys
from castproof.apps.inspector.menus import SCALES
from castproof.apps.inspector.pasting import FOLDER
from castproof.apps.inspector.threshold_bar import _FINE_STEP, _STEP
from castproof.measure.decision import Verdict
from castproof.pipeline.inspecting.batch_report import INSPECTOR_COLUMNS
from castproof.pipeline.inspecting.old_model_settings import labels
from castproof.pipeline.inspecting.photo_picture import LENS_ENLARGES
from castproof.pipeline.inspecting.preferences import Preferences, load_preferences
from castproof.pipeline.inspecting.telling import PENDING_SYMBOL, SYMBOLS
from castproof.pipeline.inspecting.user_folders import NAME, PORTABLE
from castproof.pipeline.inspecting.verdict_exports import ANY_DEFECT, COLUMNS, TABLE
from castproof.pipeline.inspecting.verdict_file import VerdictFile
from castproof.pipeline.inspecting.verdict_places import path_beside
from castproof.report.heat_pictures import FAINT_NATS
from castproof.translation import ENGLISH, languages, use_language

PAGE = page("inspector.md")


def test_keys_are_those_of_the_window() -> None:
    use_language(ENGLISH)
    told = [tuple(row) for row in table("inspector.md", "Keys").rows]
    assert told == [(title, key.shown, key.words) for title, group in keys().items() for key in group]


def test_letters_named_in_the_text_do_what_it_says() -> None:
    shown = {key.shown: key.action for group in keys().values() for key in group}
    told = {
        "Heat map": "toggle_heat",
        "Outline": "toggle_outline",
        "Magnifier": "toggle_magnifier",
        "Known good part": "toggle_reference",
        "Take the last one back": "undo",
    }
    for words, action in told.items():
        found = re.search(rf"\*\*{words}\*\* \(([^)]+)\)", PAGE)
        assert found is not None, words
        assert shown[found[1]] == action
    assert (shown["F5"], shown["Ctrl+F5"]) == ("predict", "judge_folder")
    assert set(re.findall(r"Ctrl\+[\w+]+", PAGE)) <= set(shown)


def test_verdicts_and_signs_are_those_of_the_window() -> None:
    rows = table("inspector.md", "Verdicts").rows
    assert [row[:2] for row in rows[:-1]] == [(SYMBOLS[one], one.value) for one in Verdict]
    assert rows[-1][:2] == (PENDING_SYMBOL, "")


def test_columns_of_the_journal_are_those_of_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "today"
    folder.mkdir()
    file = VerdictFile.open(folder, tmp_path / "elsewhere")
    file.close()
    assert file.path.name == "today.verdicts.sqlite"
    assert f"`{path_beside(folder).name}`" in PAGE
    with closing(sqlite3.connect(file.path)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(journal)")]
    assert first_names(table("inspector.md", "The journal")) == columns


def test_columns_of_the_tables_are_those_of_the_code() -> None:
    assert first_names(table("inspector.md", "Verdicts as CSV")) == list(COLUMNS)
    assert first_names(table("inspector.md", "Quick report")) == list(INSPECTOR_COLUMNS)


def test_fields_of_an_old_model_are_those_that_are_asked() -> None:
    use_language(ENGLISH)
    assert [row[0] for row in table("inspector.md", "Old models").rows] == list(labels().values())


def test_files_and_folders_are_called_so() -> None:
    rows = table("inspector.md", "Settings and data").rows
    assert names_in([rows[0][0]]) == [NAME]
    assert names_in([rows[1][0]]) == [VERDICTS, "reports", FOLDER]
    for name in (f"today{_DISAGREEMENTS}", f"today{_REPORTS}", TABLE, ANY_DEFECT, PORTABLE[0]):
        assert f"`{name}`" in PAGE


def test_the_reasons_of_the_page_are_settings(tmp_path: Path) -> None:
    setting = re.search(r'`("reasons": \[.*?\])`', PAGE)
    assert setting is not None
    content = {"version": Preferences().version} | json.loads(f"{{{setting[1]}}}")
    (tmp_path / NAME).write_text(json.dumps(content), encoding="utf-8")
    preferences, problem = load_preferences(tmp_path / NAME)
    assert preferences.reasons
    assert problem is None
    assert _MOST_NUMBERED == 9
    assert "the first nine have a number" in PAGE


def test_figures_are_those_of_the_code() -> None:
    assert f"below {FAINT_NATS} nats" in PAGE
    assert f"{LENS_ENLARGES:g} times" in PAGE
    assert f"by {_STEP}, with Shift by {_FINE_STEP}" in PAGE
    assert f"from {min(filter(None, SCALES))} to {max(SCALES)}%" in PAGE


def test_every_language_is_named() -> None:
    english_names = {"en": "English", "pl": "Polish"}
    section = PAGE.partition("## Languages")[2].partition("\n## ")[0]
    assert [code for code in languages() if english_names[code] not in section] == []


def test_the_pages_lead_to_it() -> None:
    for text in (page("index.md"), page("commands.md"), page("legacy.md")):
        assert "(inspector.md" in text
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(docs/inspector.md" in readme
