"""`castproof collect`: what inspectors decided becomes class folders; and the page on retraining."""

import csv
import hashlib
import re
import shlex
import shutil
from pathlib import Path

import pytest
from castproof_process import Done, Server
from small_run import SMALL, Trained, fill_class, fill_classes

from castproof.measure.decision import Verdict
from castproof.pipeline.inspecting.inspector_verdict import InspectorVerdict, utc_now
from castproof.pipeline.inspecting.verdict_exports import write_verdicts_csv
from castproof.pipeline.inspecting.verdict_file import VerdictFile

ACCEPT, REJECT = Verdict.ACCEPT, Verdict.REJECT
PAGE = Path(__file__).parents[2] / "docs" / "retraining.md"


def on(folder: Path, file: str, decided: Verdict, verdict: Verdict = ACCEPT) -> InspectorVerdict:
    digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    return InspectorVerdict(
        file, digest, "ab" * 32, 0.3, 0.7, 0.2, verdict, decided, "", "=1+1", "Ada", utc_now()
    )


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def reasons(dest: Path) -> dict[str, str]:
    return {Path(row["file"]).name: row["reason"] for row in rows(dest / "left_out.csv")}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with data/, and today/ with verdicts of every kind beside it."""
    fill_classes(tmp_path / "data", 4)
    fill_class(tmp_path / "made", 12, 77, bright=True)
    made = sorted((tmp_path / "made").iterdir())
    today = tmp_path / "today"
    names = ("good", "bad", "crack", "back", "again", "changed", "gone", "nobody", "twin 1", "twin 2")
    for number, name in enumerate(names):
        home = today / ("Riß" if name == "crack" else f"serial_{number}")
        home.mkdir(parents=True)
        shutil.copy(made[min(number, 8)], home / f"{name}.png")
    shutil.copy(next((tmp_path / "data" / "ok").iterdir()), today / "serial_0" / "known.png")
    shutil.rmtree(tmp_path / "made")
    found = {path.stem: path.relative_to(today).as_posix() for path in today.rglob("*.png")}
    journal = VerdictFile.open(today, tmp_path / "fallback")
    for name in ("good", "changed", "gone", "twin 1", "known"):
        journal.add(on(today, found[name], ACCEPT))
    for name in ("bad", "crack", "twin 2"):
        journal.add(on(today, found[name], REJECT))
    journal.withdraw(journal.add(on(today, found["back"], REJECT)))
    journal.add(on(today, found["again"], REJECT))
    journal.withdraw(journal.add(on(today, found["again"], ACCEPT)))
    write_verdicts_csv(tmp_path / "verdicts.csv", journal.latest().values(), {})
    journal.close()
    with (today / found["changed"]).open("ab") as file:
        file.write(b"more")
    (today / found["gone"]).unlink()
    return tmp_path


def collect(castproof: Server, place: Path, *arguments: str) -> Done:
    return castproof.run(["collect", *arguments, "--no-bars"], place)


def test_verdicts_become_class_folders_and_what_is_left_out_is_listed(castproof: Server, place: Path) -> None:
    before = content(place)
    dry = collect(castproof, place, "today", "all", "--data", "data", "--dry-run")
    assert dry.code == 0, dry.text
    assert content(place) == before
    done = collect(castproof, place, "today", "all", "--data", "data")
    assert done.code == 0, done.text
    assert {name: data for name, data in content(place).items() if not name.startswith("all/")} == before
    old = content(place / "data")
    new = {
        "ok/today/serial_0/good.png": "serial_0/good.png",
        "defective/today/serial_1/bad.png": "serial_1/bad.png",
        "defective/today/serial_4/again.png": "serial_4/again.png",
        "Riß/today/crack.png": "Riß/crack.png",
    }
    photos = {name: data for name, data in content(place / "all").items() if "/" in name}
    assert photos == old | {to: (place / "today" / of).read_bytes() for to, of in new.items()}
    told = reasons(place / "all")
    assert told.pop("gone.png")
    assert told == {
        "back.png": "the verdict was taken back",
        "changed.png": "the photo has changed since the verdict",
        "nobody.png": "nobody judged it",
        "known.png": f"identical to {Path('data') / 'ok' / next((place / 'data' / 'ok').iterdir()).name}",
        "twin 1.png": "its other copies are labelled otherwise",
        "twin 2.png": "its other copies are labelled otherwise",
    }
    assert {row["photo"]: row["decided"] for row in rows(place / "all" / "verdicts.csv")} == {
        name: "ACCEPT" if name.startswith("ok/") else "REJECT" for name in new
    }
    again = collect(castproof, place, "today", "all", "--data", "data")
    assert again.code == 0, again.text
    assert "0 copied" in again.out


def test_a_table_of_verdicts_does_the_same_as_the_journal(castproof: Server, place: Path) -> None:
    assert collect(castproof, place, "today", "one").code == 0
    done = collect(castproof, place, "verdicts.csv", "two", "--photos", "today")
    assert done.code == 0, done.text
    one, two = ({k: v for k, v in content(place / name).items() if "/" in k} for name in ("one", "two"))
    assert one == two
    assert {name.split("/")[0] for name in one} == {"ok", "defective"}
    refused = collect(castproof, place, "verdicts.csv", "three")
    assert refused.code == 1
    assert "--photos" in refused.text


def test_named_parts_are_kept_and_other_commands_go_by_them(castproof: Server, place: Path) -> None:
    done = collect(castproof, place, "today", "all", "--data", "data", "--parts", "by-file")
    assert done.code == 0, done.text
    parts = {row["file"]: row["part"] for row in rows(place / "all" / "manifest.csv")}
    assert len(set(parts.values())) == len(parts) == len(rows(place / "all" / "verdicts.csv")) + 8
    audited = castproof.run(["audit", "all", "--no-bars"], place)
    assert audited.code == 0, audited.text
    table = "file;part\n" + "".join(
        f"{path.name};{path.parent.name}\n" for path in (place / "today").rglob("*.png")
    )
    (place / "serials.csv").write_text(table, encoding="utf-8")
    mixed = collect(castproof, place, "today", "mixed", "--data", "data", "--parts", "serials.csv")
    assert mixed.code == 1
    assert "It is not known which part" in mixed.text


def test_a_part_of_the_same_name_is_the_same_part(castproof: Server, place: Path) -> None:
    for name in ("ok", "blow hole", "Riß"):
        home = place / "data" / name
        for number, path in enumerate(sorted(home.iterdir())):
            (home / f"serial_{number}").mkdir()
            path.rename(home / f"serial_{number}" / path.name)
    (place / "data" / "ok" / "serial_0" / "broken.png").write_bytes(b"no photo")
    shutil.rmtree(place / "today" / "Riß")
    asked = ("today", "all", "--data", "data", "--parts", "by-folder")
    stopped = collect(castproof, place, *asked)
    assert stopped.code == 1
    assert not (place / "all").exists()
    done = collect(castproof, place, *asked, "--skip-unreadable")
    assert done.code == 0, done.text
    assert "broken.png" in reasons(place / "all")
    parts = {row["file"]: row["part"] for row in rows(place / "all" / "manifest.csv")}
    assert parts["ok/today/serial_0/good.png"] == "serial_0"
    assert {part for file, part in parts.items() if file.startswith("ok/serial_0/")} == {"serial_0"}
    assert {part for file, part in parts.items() if "/today/" in file} == {"serial_0", "serial_1", "serial_4"}


def test_nothing_that_is_there_is_replaced(castproof: Server, place: Path) -> None:
    (place / "all" / "ok").mkdir(parents=True)
    (place / "all" / "ok" / "mine.png").write_bytes(b"mine")
    refused = collect(castproof, place, "today", "all", "--data", "data")
    assert refused.code == 1
    assert content(place / "all") == {"ok/mine.png": b"mine"}
    inside = collect(castproof, place, "today", "today/all")
    assert inside.code == 1
    assert not (place / "today" / "all").exists()


@pytest.mark.parametrize(
    "table", ["file,when\n", "", "file\x00", "file,when,inspector,verdict,decided,reason\na,b,c,d,e,f\n"]
)
def test_what_is_no_table_of_verdicts_is_refused(castproof: Server, place: Path, table: str) -> None:
    (place / "verdicts.csv").write_text(table, encoding="utf-8")
    refused = collect(castproof, place, "verdicts.csv", "all", "--photos", "today")
    assert refused.code == 1
    assert "is not a table of verdicts" in refused.text
    assert not (place / "all").exists()


def test_the_page_on_retraining_works_command_by_command(
    castproof: Server, learnt_from_all: Trained, tmp_path: Path
) -> None:
    shutil.copytree(learnt_from_all.data, tmp_path / "casting_data")
    shutil.copytree(learnt_from_all.run, tmp_path / "runs" / "first")
    short = ["--parts", "by-file", *SMALL, "--folds", "3"]
    for seed, name in enumerate(("monday", "tuesday", "wednesday_photos")):
        folder = tmp_path / name
        fill_class(folder / "1", 4, 50 + seed, bright=True)
        fill_class(folder / "2", 4, 60 + seed, bright=False)
        journal = VerdictFile.open(folder, tmp_path / "fallback")
        for path in sorted(folder.rglob("*.png")):
            decided = ACCEPT if path.parent.name == "1" else REJECT
            journal.add(on(folder, path.relative_to(folder).as_posix(), decided))
        journal.close()
    assert collect(castproof, tmp_path, "wednesday_photos", "wednesday").code == 0
    by_file = ["--parts", "by-file"]
    further = {"train": short, "collect": by_file, "audit": by_file, "validate": by_file}

    for line in re.findall(r"^castproof (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        words = shlex.split(line)
        done = castproof.run([*words, *further.get(words[0], [])], tmp_path)
        assert done.code == 0, f"{line}: {done.text}"
    assert (tmp_path / "model_2.onnx").is_file()
    assert len(rows(tmp_path / "casting_data_2" / "verdicts.csv")) == 16
