"""--parts: what a person says about parts holds in every command, and is never half ignored."""

import csv
import json
import os
import pty
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from castproof_process import ENVIRONMENT, SCRIPT, Done, Server
from PIL import Image
from small_run import CROSSVAL, SMALL, only_run

REAL = Path(
    os.environ.get("CASTPROOF_DATA", Path(__file__).parents[2] / ".." / "shared" / "data" / "casting")
)
SCREWS = REAL.parent / "screws"
CELLS = REAL.parent / "cells"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return photos of noise of 6 good and 6 defective parts, three of each, in folders and files of their names."""
    rng = np.random.default_rng(3)
    for name, base in (("ok", 150), ("bad", 60)):
        for part in range(6):
            folder = tmp_path / "photos" / name / f"{name} {part}"
            folder.mkdir(parents=True)
            for shot in "abc":
                pixels = rng.integers(base, base + 80, (40, 40), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"S{part}_{name}_{shot}.png")
    return tmp_path / "photos"


def run(castproof: Server, place: Path, *arguments: str) -> Done:
    return castproof.run([*arguments, "--no-bars"], place, {"CASTPROOF_CACHE": str(place / "cache")})


def files(photos: Path) -> list[str]:
    return sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*.png"))


def write_table(photos: Path, table: Path, *, drop: int = 0) -> None:
    """Write a table as a German spreadsheet does: with a mark, semicolons, backslashes and CRLF."""
    rows = [f"{file.replace('/', chr(92))};{Path(file).parent.name}" for file in files(photos)[drop:]]
    table.write_bytes("\r\n".join(["Nr;File;Part"[3:], *rows, ""]).encode("utf-8-sig"))


def groups(manifest: Path) -> set[frozenset[str]]:
    found = defaultdict(set)
    with manifest.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["part"]].add(Path(row["file"]).name)
    return {frozenset(names) for names in found.values()}


@pytest.mark.parametrize(
    ("rule", "parts", "words"),
    [
        ("by-file", 36, "36, each photo another one"),
        ("by-folder", 12, "12, one per folder"),
        (r"(S\d_\w+)_", 12, r"12, by the pattern (S\d_\w+)_"),
        (r"S\d", 6, r"6, by the pattern S\d"),
        ("serials.csv", 12, "12, from serials.csv"),
    ],
)
def test_every_form_holds_in_audit_and_split(
    castproof: Server, photos: Path, rule: str, parts: int, words: str
) -> None:
    place = photos.parent
    write_table(photos, place / "serials.csv")
    audited = run(castproof, place, "audit", "photos", "--parts", rule)
    assert audited.code == 0, audited.text
    assert f"Parts    {words}" in audited.out
    assert len(groups(place / "audit" / "manifest.csv")) == parts
    made = run(castproof, place, "split", "photos", "out", "--parts", rule)
    assert made.code == 0, made.text
    assert f"Parts    {words}" in made.out
    assert groups(place / "out" / "manifest.csv") == groups(place / "audit" / "manifest.csv")
    again = run(castproof, place, "audit", "out", "--outdir", "second")
    assert f"Parts    {words}" in again.out, "what was said holds in the next command"
    assert groups(place / "second" / "manifest.csv") == groups(place / "out" / "manifest.csv")
    leak = json.loads((place / "second" / "audit.json").read_text())["leak"]
    assert leak["shared"] == []


def test_train_and_crossval_go_by_it_and_keep_it(castproof: Server, photos: Path) -> None:
    place = photos.parent
    write_table(photos, place / "serials.csv")
    trained = run(castproof, place, "train", "--data", "photos", "--parts", "serials.csv", *SMALL[:-1])
    assert trained.code == 0, trained.text
    assert "Parts    12, from serials.csv" in trained.out
    folder = only_run(place / "runs")
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["part_from"] for row in rows} == {"table serials.csv"}
    splits = defaultdict(set)
    for row in rows:
        splits[row["part"]].add(row["split"])
    assert {len(one) for one in splits.values()} == {1}
    stored = json.loads((folder / "hparams.json").read_text())["settings"]["parts"]
    assert stored == str((place / "serials.csv").resolve())
    done = run(
        castproof,
        place,
        *CROSSVAL[:2],
        "--parts",
        "by-folder",
        *CROSSVAL[2:-3],
        "--folds",
        "3",
        "--outdir",
        "cv",
    )
    assert done.code == 0, done.text
    assert "Parts    12, one per folder" in done.out
    assert "--parts by-folder" in done.out, "the next command goes by it, too"
    plan = json.loads((place / "cv" / "crossval.json").read_text())
    assert plan["settings"]["parts"] == "by-folder"


@pytest.mark.parametrize("command", ["audit", "split", "train", "crossval"])
def test_a_table_that_does_not_fit_stops_every_command(castproof: Server, photos: Path, command: str) -> None:
    place = photos.parent
    write_table(photos, photos / "manifest.csv", drop=1)
    words = {
        "audit": ["audit", "photos"],
        "split": ["split", "photos", "out"],
        "train": ["train", "--data", "photos", *SMALL[:-1]],
        "crossval": [*CROSSVAL[:-3], "--folds", "3"],
    }[command]
    refused = run(castproof, place, *words)
    assert refused.code == 1, refused.text
    assert "does not name the part of every photo" in refused.err
    assert files(photos)[0] in refused.err
    assert (
        sorted(path.name for path in place.iterdir() if path.name not in ("photos", "cache", "runs", "audit"))
        == []
    )


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("by-name", ["--parts", "by-picture, by-file, by-folder"]),
        ("(", ["--parts", "regular expression"]),
        ("X_", ["It is not known which part bad/bad 0/S0_bad_a.png shows"]),
        ("none.csv", ["none.csv cannot be read"]),
    ],
)
def test_what_is_no_rule_is_told(castproof: Server, photos: Path, rule: str, told: list[str]) -> None:
    for words in (
        ["audit", "photos"],
        ["split", "photos", "out"],
        ["train", "--data", "photos", *SMALL[:-1]],
    ):
        refused = run(castproof, photos.parent, *words, "--parts", rule)
        assert refused.code == 1, refused.text
        assert [one for one in told if one not in refused.err.replace("\n", " ")] == []


def with_doubt(photos: Path) -> None:
    """Put a photo of each of two good parts, a tenth of the good photos, into the defective ones."""
    for part in (0, 1):
        (photos / "bad" / f"ok {part}").mkdir()
        shutil.move(photos / "ok" / f"ok {part}" / f"S{part}_ok_a.png", photos / "bad" / f"ok {part}")


def test_a_large_share_is_not_set_aside_without_a_yes(castproof: Server, photos: Path) -> None:
    with_doubt(photos)
    words = ("split", "photos", "out", "--parts", "by-folder", "--set-aside")
    refused = run(castproof, photos.parent, *words)
    assert refused.code == 1, refused.text
    assert "more than 5% of a class" in refused.err
    assert "--set-aside-any-share" in refused.err
    assert "ok: 4 of 16 photos (25.0%)" in refused.err
    assert not (photos.parent / "out").exists()
    cross = (*CROSSVAL[:-3], "--folds", "3", "--parts", "by-folder", "--set-aside")
    refused = run(castproof, photos.parent, *cross)
    assert refused.code == 1, refused.text
    assert "--set-aside-any-share" in refused.err
    done = run(castproof, photos.parent, *words, "--set-aside-any-share")
    assert done.code == 0, done.text
    assert "bad: 2 of 20 photos (10.0%); ok: 4 of 16 photos (25.0%)" in done.out


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"n\n", 1)])
def test_at_a_terminal_a_person_is_asked(photos: Path, answer: bytes, code: int) -> None:
    with_doubt(photos)
    words = ["split", "photos", "out", "--parts", "by-folder", "--set-aside", "--no-bars"]
    ours, theirs = pty.openpty()
    asked = subprocess.Popen(
        [SCRIPT, *words],
        cwd=photos.parent,
        env={**os.environ, **ENVIRONMENT},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, answer)
    shown = b""
    try:
        while more := os.read(ours, 4096):
            shown += more
    except OSError:  # the terminal is gone when the program has ended
        pass
    os.close(ours)
    assert asked.wait(timeout=60) == code, shown.decode()
    assert b"Set these photos aside?" in shown
    assert (photos.parent / "out").exists() == (code == 0)


@pytest.mark.skipif(not SCREWS.is_dir(), reason="no real photos of screws")
def test_the_table_of_the_screws_is_read(castproof: Server, tmp_path: Path) -> None:
    with (SCREWS / "parts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[::12]
    for row in rows:
        (tmp_path / "data" / row["file"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SCREWS / row["file"], tmp_path / "data" / row["file"])
    text = "".join(f"{Path(row['file']).name};{row['part']}\r\n" for row in rows)
    (tmp_path / "names.csv").write_bytes(("file;part\r\n" + text).encode("utf-8-sig"))
    done = run(castproof, tmp_path, "audit", "data", "--parts", "names.csv")
    assert done.code == 0, done.text
    assert f"Parts    {len({row['part'] for row in rows})}, from names.csv" in done.out


@pytest.mark.skipif(not CELLS.is_dir(), reason="no real photos of cells")
def test_parts_of_cells_cannot_be_told_apart(castproof: Server, tmp_path: Path) -> None:
    """Every photo shows another cell, but mono cells look alike."""
    for name in ("ok", "defect"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for path in sorted((CELLS / name).glob("mono*"))[::4]:
            shutil.copy(path, tmp_path / "data" / name)
    done = run(castproof, tmp_path, "audit", "data", "--strict")
    assert done.code == 4, done.text
    assert "Parts cannot be told apart on these photos." in done.out
    assert "castproof audit data --parts by-file" in done.out
    assert "castproof split" not in done.out
    with (tmp_path / "audit" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["part"] for row in rows}) == len(rows)
    assert {row["part_from"] for row in rows} == {"unknown"}
    made = run(castproof, tmp_path, "split", "data", "out", "--set-aside")
    assert made.code == 0, made.text
    assert "Parts cannot be told apart on these photos." in made.out
    sure = run(castproof, tmp_path, "audit", "data", "--parts", "by-file", "--strict")
    assert sure.code == 0, sure.text
