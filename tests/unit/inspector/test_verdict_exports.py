"""Verdicts as a table, and the photos in dispute as a data set that castproof can train on."""

import csv
import hashlib
import os
from pathlib import Path

import pytest
from made_verdicts import made

from castproof.data.classes import Classes
from castproof.data.folders import read_folders, verify_photos
from castproof.errors import OutputError, SettingError
from castproof.files import CSV_ERRORS, unguarded
from castproof.measure.decision import Verdict
from castproof.pipeline.inspecting.inspector_verdict import InspectorVerdict
from castproof.pipeline.inspecting.verdict_exports import (
    COLUMNS,
    TABLE,
    export_disagreements,
    write_verdicts_csv,
)

ACCEPT, REVIEW, REJECT = Verdict.ACCEPT, Verdict.REVIEW, Verdict.REJECT
GOOD, DEFECTIVE = ("ok_front",), ("def_front",)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", errors=CSV_ERRORS, newline="") as file:
        return list(csv.DictReader(file))


def on(folder: Path, file: str, verdict: Verdict, decided: Verdict) -> InspectorVerdict:
    digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    return made(file, decided, verdict=verdict, sha256=digest)


@pytest.fixture
def batch(class_folder) -> Path:  # type: ignore[no-untyped-def]
    """Return a folder with the classes of the model, a folder of no class, and loose photos; some names are alike."""
    layout = {"ok_front": 4, "def_front": 4, "unsorted": 2}
    root: Path = class_folder(layout, name="batch")
    (root / "unsorted" / "photo 001.png").rename(root / "PHOTO 001.png")
    return root


def test_the_table_holds_every_verdict(tmp_path: Path) -> None:
    odd = os.fsdecode(b"d/p\xff.png")
    table = tmp_path / "verdicts.csv"
    verdicts = [
        made("=1+1.png", REJECT, comment='a;b,\n"c"', p_defective=0.1 + 0.2),
        made(odd, ACCEPT, verdict=REVIEW, p_defective=None),
        made("c.png", ACCEPT),
    ]
    write_verdicts_csv(table, verdicts, {"cd" * 32: Classes(("ok", "fine"), ("def",))})
    rows = rows_of(table)
    assert tuple(rows[0]) == COLUMNS
    assert [unguarded(row["file"]) for row in rows] == ["=1+1.png", odd, "c.png"]
    assert [row["agrees"] for row in rows] == ["0", "", "1"]
    assert [row["decided"] for row in rows] == ["REJECT", "ACCEPT", "ACCEPT"]
    assert float(rows[0]["p_defective"]) == 0.1 + 0.2
    assert rows[1]["p_defective"] == ""
    assert rows[0]["comment"] == 'a;b,\n"c"'
    assert {row["good_classes"] for row in rows} == {"ok; fine"}
    assert {(row["defective_classes"], row["model"], row["threshold"]) for row in rows} == {
        ("def", "cd" * 32, "0.25")
    }


def test_the_classes_of_a_row_are_those_of_its_own_model(tmp_path: Path) -> None:
    models = {"1" * 64: Classes(("ok",), ("crack", "pore")), "2" * 64: Classes(("good",), ("ng",))}
    verdicts = [made(f"{one[0]}.png", model_id=one) for one in ("2" * 64, "3" * 64, "1" * 64)]
    write_verdicts_csv(tmp_path / "verdicts.csv", verdicts, models)
    rows = rows_of(tmp_path / "verdicts.csv")
    assert [(row["model"][0], row["good_classes"], row["defective_classes"]) for row in rows] == [
        ("2", "good", "ng"),
        ("3", "", ""),
        ("1", "ok", "crack; pore"),
    ]


def test_photos_in_dispute_become_a_data_set_in_the_classes_of_the_inspector(
    batch: Path, tmp_path: Path
) -> None:
    cases = {
        ("ok_front/photo 000.png", ACCEPT, REJECT): "def_front/photo 000.png",
        ("def_front/photo 001.png", REJECT, ACCEPT): "ok_front/photo 001.png",
        ("ok_front/photo 001.png", REVIEW, ACCEPT): "ok_front/photo 001_2.png",
        ("def_front/photo 002.png", REVIEW, REJECT): "def_front/photo 002.png",
        ("PHOTO 001.png", REVIEW, ACCEPT): "ok_front/PHOTO 001_3.png",
        ("unsorted/photo 000.png", ACCEPT, REJECT): "def_front/photo 000_2.png",
        ("ok_front/photo 002.png", ACCEPT, ACCEPT): "",
        ("def_front/photo 003.png", Verdict.NOT_INSPECTED, REJECT): "",
    }
    verdicts = [on(batch, *case) for case in cases]
    target = tmp_path / "for training"
    exported = export_disagreements(batch, verdicts, target, GOOD, DEFECTIVE)
    assert (exported.count, exported.left_out) == (6, ())
    assert {row["file"]: row["photo"] for row in rows_of(target / TABLE)} == {
        file: name for (file, _, _), name in cases.items() if name
    }
    for (file, _, _), name in cases.items():
        assert not name or (target / name).read_bytes() == (batch / file).read_bytes()
    manifest = verify_photos(read_folders(target), skip_unreadable=False)
    assert (manifest.classes.good, manifest.classes.defective) == (GOOD, DEFECTIVE)
    assert sorted(photo.file for photo in manifest.photos) == sorted(filter(None, cases.values()))
    assert target.stat().st_mode & 0o777 == batch.stat().st_mode & 0o777
    assert {path.name for path in tmp_path.iterdir()} == {"batch", "for training"}


def test_a_rejected_photo_keeps_its_defect_type_and_else_has_none(batch: Path, tmp_path: Path) -> None:
    verdicts = [
        on(batch, "def_front/photo 000.png", REVIEW, REJECT),
        on(batch, "ok_front/photo 000.png", ACCEPT, REJECT),
        on(batch, "ok_front/photo 001.png", REVIEW, ACCEPT),
    ]
    target = tmp_path / "out"
    export_disagreements(batch, verdicts, target, ("best", "ok_front"), ("crack", "def_front"))
    files = [row["photo"] for row in rows_of(target / TABLE)]
    assert files == ["def_front/photo 000.png", "defective/photo 000.png", "ok_front/photo 001.png"]
    assert read_folders(target).classes.defective == ("def_front", "defective")


def test_the_class_of_a_loose_photo_is_that_of_the_folder_itself(batch: Path, tmp_path: Path) -> None:
    folder = batch / "def_front"
    target = tmp_path / "out"
    export_disagreements(
        folder, [on(folder, "photo 000.png", REVIEW, REJECT)], target, GOOD, ("a", "def_front")
    )
    assert (target / "def_front" / "photo 000.png").is_file()


def test_what_is_not_the_photo_of_the_verdict_is_left_out_with_the_reason(
    batch: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.png").write_bytes((batch / "ok_front" / "photo 003.png").read_bytes())
    verdicts = [on(batch, f"ok_front/photo 00{number}.png", ACCEPT, REJECT) for number in (0, 1, 2)] + [
        on(batch, "../secret.png", ACCEPT, REJECT),
        made(str(tmp_path / "secret.png"), REJECT),
    ]
    (batch / "ok_front" / "photo 000.png").unlink()
    (batch / "ok_front" / "photo 001.png").write_bytes((tmp_path / "secret.png").read_bytes())
    exported = export_disagreements(batch, verdicts, tmp_path / "out", GOOD, DEFECTIVE)
    assert exported.count == 1
    reasons = dict(exported.left_out)
    assert list(reasons) == [one.file for index, one in enumerate(verdicts) if index != 2]
    assert (
        "no longer" in reasons["ok_front/photo 000.png"] or "There is no" in reasons["ok_front/photo 000.png"]
    )
    assert reasons["ok_front/photo 001.png"] == "The photo has changed since the verdict."
    assert reasons["../secret.png"] == "Its path leads out of the folder of photos."
    assert len(list((tmp_path / "out").rglob("*.png"))) == 1


def test_the_target_is_new_or_empty_and_not_among_the_photos(batch: Path, tmp_path: Path) -> None:
    verdicts = [on(batch, "ok_front/photo 000.png", ACCEPT, REJECT)]
    full = tmp_path / "full"
    full.mkdir()
    (full / "notes.txt").write_text("mine")
    for target in (full, full / "notes.txt", batch / "disputed"):
        with pytest.raises(SettingError):
            export_disagreements(batch, verdicts, target, GOOD, DEFECTIVE)
    assert [path.name for path in full.iterdir()] == ["notes.txt"]
    assert not (batch / "disputed").exists()
    empty = tmp_path / "empty"
    empty.mkdir()
    assert export_disagreements(batch, verdicts, empty, GOOD, DEFECTIVE).count == 1
    with pytest.raises(OutputError):
        export_disagreements(batch, verdicts, full / "notes.txt" / "out", GOOD, DEFECTIVE)


@pytest.mark.parametrize("good", [(), ("../evil",), ("..",), ("",), ("a/b",)])
def test_classes_that_are_no_folders_are_refused(batch: Path, tmp_path: Path, good: tuple[str, ...]) -> None:
    verdicts = [on(batch, "def_front/photo 000.png", REJECT, ACCEPT)]
    with pytest.raises(SettingError):
        export_disagreements(batch, verdicts, tmp_path / "out", good, DEFECTIVE)
    assert {path.name for path in tmp_path.iterdir()} == {"batch"}


class Stopped:
    """A progress whose task is stopped by the user at the second photo."""

    def __init__(self) -> None:
        self.left = 1

    def task(self, description: str, total: int) -> "Stopped":
        return self

    def __enter__(self) -> "Stopped":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


def test_an_export_that_is_stopped_leaves_nothing(batch: Path, tmp_path: Path) -> None:
    verdicts = [on(batch, f"ok_front/photo 00{number}.png", ACCEPT, REJECT) for number in range(4)]
    with pytest.raises(KeyboardInterrupt):
        export_disagreements(batch, verdicts, tmp_path / "out", GOOD, DEFECTIVE, Stopped())
    assert {path.name for path in tmp_path.iterdir()} == {"batch"}


def test_without_disagreements_no_folder_is_made(batch: Path, tmp_path: Path) -> None:
    verdicts = [on(batch, "ok_front/photo 000.png", ACCEPT, ACCEPT)]
    assert export_disagreements(batch, verdicts, tmp_path / "out", GOOD, DEFECTIVE).count == 0
    assert not (tmp_path / "out").exists()
