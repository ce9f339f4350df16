"""A damaged journal of verdicts: nothing in it changes unseen, and what is sound is found again."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from made_verdicts import made

from castproof.errors import OutputError
from castproof.measure.decision import Verdict
from castproof.pipeline.inspecting import verdict_database
from castproof.pipeline.inspecting.inspector_verdict import InspectorVerdict, verdict_entry
from castproof.pipeline.inspecting.verdict_file import VerdictFile
from castproof.pipeline.inspecting.verdict_places import path_beside
from castproof.pipeline.inspecting.verdict_rows import cells_of
from castproof.pipeline.inspecting.verdict_salvage import salvage

FLIPS = 150
LONG = "left of the gate, „głęboka” " * 600  # 19 kB: SQLite spreads the row over several pages


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of photos in a folder of its own."""
    path = tmp_path / "line 3" / "batch"
    path.mkdir(parents=True)
    return path


def given(count: int, **others: object) -> list[InspectorVerdict]:
    """Return verdicts on photos 0.png, 1.png …, of which every third is REJECT."""
    decided = (Verdict.REJECT, Verdict.ACCEPT, Verdict.ACCEPT)
    return [made(f"{number}.png", decided[number % 3], **others) for number in range(count)]


def keep(folder: Path, verdicts: Sequence[InspectorVerdict]) -> Path:
    """Return the file of `verdicts`, written by one program that ends."""
    with closing(VerdictFile.open(folder, folder.parent / "user")) as file:
        file._waiting = [verdict_entry(one, "p" * 32) for one in verdicts]
        file.retry()
    return file.path


def files_beside(folder: Path) -> set[str]:
    return {path.name for path in folder.parent.iterdir()} - {folder.name}


def change(path: Path, *statements: str) -> None:
    """Run SQL on a journal whose triggers are gone for that long."""
    with closing(sqlite3.connect(path)) as database, database:
        triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            database.execute(f"DROP TRIGGER {name}")
        for statement in (*statements, *(sql for _, sql in triggers)):
            database.execute(statement)


def test_no_flipped_bit_changes_a_verdict_or_hides_more_than_one(folder: Path) -> None:
    """150 flips of a journal of 60 verdicts. Without checksums one in six hid all of them, one in seven changed one."""
    verdicts = {one.file: one for one in given(60)}
    path = keep(folder, list(verdicts.values()))
    whole, rng = path.read_bytes(), np.random.default_rng(20)
    for bit in rng.integers(0, 8 * len(whole), FLIPS):
        for name in files_beside(folder):
            (folder.parent / name).unlink(missing_ok=True)
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            with closing(VerdictFile.open(folder, folder.parent / "user")) as file:
                found = file.latest()
        except OutputError:
            assert path.read_bytes() == flipped, "a file that is taken for one of a newer program stays"
            continue
        assert found.items() <= verdicts.items()
        assert len(found) >= len(verdicts) - 1
        assert len(found) == len(verdicts) or file.set_aside
        assert not file.set_aside or file.salvaged == len(found)


@pytest.mark.parametrize(
    ("statement", "kept", "lost"),
    [
        ("DELETE FROM journal WHERE id = 1", 11, 1),
        ("DELETE FROM journal WHERE id = 7", 11, 1),
        ("DELETE FROM journal WHERE id IN (3, 4, 9)", 9, 3),
        ("DELETE FROM journal WHERE id = 12", 11, 0),  # that one is missing shows, which one does not
        ("UPDATE journal SET decided = 'ACCEPT' WHERE id = 1", 11, 1),
        ("UPDATE journal SET file = '3.png' WHERE id = 2", 11, 1),
        ("UPDATE journal SET p_defective = 0.2 WHERE id = 2", 11, 1),
        ("UPDATE journal SET id = 100 WHERE id = 2", 11, 1),
    ],
)
def test_a_row_that_is_gone_or_changed_shows(folder: Path, statement: str, kept: int, lost: int) -> None:
    verdicts = given(12)
    path = keep(folder, verdicts)
    change(path, "PRAGMA secure_delete=ON", statement)
    with closing(VerdictFile.open(folder, folder.parent / "user")) as file:
        found = file.latest()
    assert len(file.set_aside) == 1
    assert (file.salvaged, file.lost) == (kept, lost)
    assert found.items() <= {one.file: one for one in verdicts}.items()
    assert len(found) == kept
    with closing(VerdictFile.open(folder, folder.parent / "user")) as again:
        assert again.latest() == found
        assert again.set_aside == ()


def test_rows_of_any_length_and_odd_numbers_are_salvaged(folder: Path) -> None:
    verdicts = [
        *given(3),
        made("long.png", comment=LONG),
        made("longer.png", comment=3 * LONG),
        made("zero.png", p_defective=-0.0, threshold=0.0, reject_from=1.0),
        made("none.png", verdict=Verdict.NOT_INSPECTED, p_defective=None, comment="\0\ud800"),
    ]
    path = keep(folder, verdicts)
    with closing(VerdictFile.open(folder, folder.parent / "user")) as file:
        assert file.set_aside == ()
        assert file.withdraw(verdicts[0])
        expected = file.history()
    data = path.read_bytes()
    path.write_bytes(b"\xaa" * 15 + data[15:])
    found = salvage(path)
    assert (list(found.entries), found.lost) == (expected, 0)


def unsealed(folder: Path, verdicts: Sequence[InspectorVerdict]) -> Path:
    """Return a journal as version 1 of it was written, without checksums."""
    path = path_beside(folder)
    columns = ", ".join(verdict_database.COLUMNS)
    texts = ", ".join(
        "?" if one in verdict_database.NUMBERS else "CAST(? AS TEXT)" for one in verdict_database.COLUMNS
    )
    with closing(sqlite3.connect(path)) as database, database:
        for statement in verdict_database._UNSEALED.values():
            database.execute(statement)
        rows = [cells_of(verdict_entry(one, "p" * 32)) for one in verdicts]
        database.executemany(f"INSERT INTO journal ({columns}) VALUES ({texts})", rows)
        database.execute("PRAGMA user_version=1")
    return path


def test_a_journal_without_checksums_gets_them_when_it_is_opened(folder: Path) -> None:
    verdicts = {one.file: one for one in given(40)}
    path = unsealed(folder, list(verdicts.values()))
    assert [one.verdict for one in verdict_database.read_file(path)] == list(verdicts.values())
    with closing(VerdictFile.open(folder, folder.parent / "user")) as file:
        assert file.latest() == verdicts
        assert file.set_aside == ()
        file.add(made("new.png"))
    change(path, "UPDATE journal SET decided = 'ACCEPT' WHERE id = 1")
    with closing(VerdictFile.open(folder, folder.parent / "user")) as file:
        assert (file.salvaged, file.lost, len(file.set_aside)) == (40, 1, 1)
        assert file.latest() == {name: one for name, one in verdicts.items() if name != "0.png"} | {
            "new.png": made("new.png")
        }


def test_a_damaged_journal_without_checksums_gives_what_can_be_read(folder: Path) -> None:
    verdicts = {one.file: one for one in given(40)}
    path = unsealed(folder, list(verdicts.values()))
    path.write_bytes(b"\0" * 16 + path.read_bytes()[16:])
    with closing(VerdictFile.open(folder, folder.parent / "user")) as file:
        assert file.latest() == verdicts
        assert (file.salvaged, len(file.set_aside)) == (40, 1)
