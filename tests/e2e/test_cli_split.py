"""`castproof split`: a new split in a folder of its own, no part in two splits."""

import csv
import hashlib
import shutil
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from castproof_process import Done, Server
from small_run import COUNTS, fill_class, fill_splits

from castproof.data.folders import read_folders
from castproof.data.manifest import SPLITS
from castproof.data.synthetic import write_dataset


def content(folder: Path) -> dict[str, str]:
    """Return the hash of every file below `folder`."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def photos_in(folder: Path) -> dict[str, str]:
    return {file: digest for file, digest in content(folder).items() if not file.endswith(".csv")}


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def split(castproof: Server, place: Path, *arguments: str) -> Done:
    return castproof.run(["split", *arguments, "--no-bars"], place, {"CASTPROOF_CACHE": str(place / "cache")})


@pytest.fixture(scope="module")
def castings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return generated castings without splits, with copies of some photos under other names."""
    data = write_dataset(
        tmp_path_factory.mktemp("castings") / "data", parts_per_class=6, photos_per_part=2, size=96, workers=1
    )
    (data / "truth.csv").unlink()
    for name in ("ok", "defective"):
        for photo in sorted((data / name).iterdir())[:3]:
            shutil.copyfile(photo, data / name / f"copy of {photo.name}")
    return data


def test_every_photo_is_placed_once_and_no_part_is_in_two_splits(
    castproof: Server, castings: Path, tmp_path: Path
) -> None:
    before = content(castings)
    done = split(castproof, tmp_path, str(castings), "out")
    assert done.code == 0, done.text
    assert content(castings) == before
    placed = photos_in(tmp_path / "out")
    assert Counter(placed.values()) == Counter(before.values())
    assert sorted(file.partition("/")[2] for file in placed) == sorted(before)
    assert read_folders(tmp_path / "out").counts().keys() == set(SPLITS)
    homes, splits = defaultdict(set), defaultdict(set)
    rows = rows_of(tmp_path / "out" / "manifest.csv")
    for row in rows:
        homes[row["part"]].add(row["split"])
        splits[row["sha256"]].add(row["split"])
        assert row["file"].startswith(f"{row['split']}/{row['class']}/")
        assert 0 <= float(row["confidence"]) <= 1
    assert {row["file"]: row["sha256"] for row in rows} == placed
    assert {len(found) for found in (*homes.values(), *splits.values())} == {1}
    assert f"30 photos of {len(homes)} parts; none found in more than one of the splits." in done.out
    assert "castproof train --data out --weights castings" in done.out
    assert rows_of(tmp_path / "out" / "left_out.csv") == []


def test_the_same_command_again_changes_nothing_and_another_split_is_refused(
    castproof: Server, castings: Path, tmp_path: Path
) -> None:
    first = split(castproof, tmp_path, str(castings), "out", "--seed", "3")
    made = content(tmp_path / "out")
    again = split(castproof, tmp_path, str(castings), "out", "--seed", "3")
    assert (first.code, again.code) == (0, 0), again.text
    assert "30 photos copied" in first.out
    assert "30 photos there already" in again.out
    other = split(castproof, tmp_path, str(castings), "out", "--seed", "4", "--val", "0.3")
    assert other.code == 1
    assert "do not belong there" in other.err
    assert content(tmp_path / "out") == made


def test_a_split_that_is_there_already_is_ignored(castproof: Server, tmp_path: Path) -> None:
    fill_splits(tmp_path / "data", COUNTS)
    done = split(
        castproof, tmp_path, "data", "out", "--by", "image", "--val", "0.2", "--test", "0.4", "--seed", "1"
    )
    assert done.code == 0, done.text
    placed = photos_in(tmp_path / "out")
    assert Counter(placed.values()) == Counter(photos_in(tmp_path / "data").values())
    assert any(file.startswith("test/ok/") and "_train." in file for file in placed)
    counts = {name: sum(found.values()) for name, found in read_folders(tmp_path / "out").counts().items()}
    total = 2 * sum(COUNTS.values())
    assert counts == pytest.approx({"train": 0.4 * total, "val": 0.2 * total, "test": 0.4 * total}, abs=1)
    assert "photos of one part land in different splits" in done.out


def fill_with_doubt(data: Path) -> None:
    """Write photos of which one is in ok three times and in bad once, and another one in both once."""
    fill_class(data / "ok", 8, 1, bright=True)
    fill_class(data / "bad", 8, 2, bright=False)
    one, other = sorted((data / "ok").iterdir())[:2]
    for copy in ("ok/a.png", "ok/b.png", "bad/c.png"):
        shutil.copyfile(one, data / copy)
    shutil.copyfile(other, data / "bad/d.png")


def test_photos_in_doubt_are_set_aside_and_copies_left_out(castproof: Server, tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill_with_doubt(data)
    before = content(data)
    done = split(castproof, tmp_path, "data", "out", "--by", "image", "--set-aside", "--set-aside-any-share")
    assert done.code == 0, done.text
    aside, other = photos_in(tmp_path / "out_set_aside"), sorted((data / "ok").glob("G*"))[1].name
    assert sorted(aside) == ["bad/c.png", "bad/d.png", f"ok/{other}"]
    assert Counter(aside.values()) + Counter(photos_in(tmp_path / "out").values()) == Counter(before.values())
    assert "3 photos of 2 parts with both labels" in done.out
    listed = rows_of(tmp_path / "out" / "left_out.csv")
    assert sorted(row["placed"] for row in listed) == sorted(f"out_set_aside/{file}" for file in aside)
    assert {row["file"] for row in listed} == set(aside)

    dropped = split(castproof, tmp_path, "data", "dropped", "--by", "image", "--drop-duplicates")
    assert dropped.code == 0, dropped.text
    assert "2 identical copies" in dropped.out
    assert dropped.out.count("carries both labels") == 2
    kept = Counter(photos_in(tmp_path / "dropped").values())
    assert kept == Counter(before.values()) - Counter({before["ok/a.png"]: 2})
    reasons = Counter(row["reason"] for row in rows_of(tmp_path / "dropped" / "left_out.csv"))
    assert reasons == {f"a copy of ok/{min(path.name for path in (data / 'ok').iterdir())}": 2}
    assert content(data) == before


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        (40, 40, []),
        (40, 27, ["val has 4 defective photos", "test has 4 defective photos"]),
        (6, 27, ["val has 1 good photo and 4 defective photos; test has 1 good photo and 4"]),
    ],
)
def test_splits_with_few_parts_are_told(
    good: int, bad: int, told: list[str], castproof: Server, tmp_path: Path
) -> None:
    fill_class(tmp_path / "data" / "ok", good, 1, bright=True)
    fill_class(tmp_path / "data" / "bad", bad, 2, bright=False)
    done = split(castproof, tmp_path, "data", "out", "--by", "image")
    assert done.code == 0, done.text
    assert ("Figures on fewer than 5 photos say little" in done.out) == bool(told)
    for words in told:
        assert words in done.out


@pytest.mark.parametrize("table", ["manifest.csv", "left_out.csv"])
def test_tables_of_another_origin_are_never_replaced(castproof: Server, tmp_path: Path, table: str) -> None:
    fill_class(tmp_path / "data" / "ok", 4, 1, bright=True)
    fill_class(tmp_path / "data" / "bad", 4, 2, bright=False)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / table).write_text("serial number,date\n17,Monday\n")
    before = content(tmp_path / "out")
    refused = split(castproof, tmp_path, "data", "out", "--by", "image")
    assert refused.code == 1, refused.text
    assert "1 table of other content" in refused.err
    assert f"• {table}" in refused.err
    assert content(tmp_path / "out") == before


def test_a_table_that_was_edited_after_the_split_is_not_replaced(castproof: Server, tmp_path: Path) -> None:
    fill_class(tmp_path / "data" / "ok", 4, 1, bright=True)
    fill_class(tmp_path / "data" / "bad", 4, 2, bright=False)
    command = ("data", "out", "--by", "image", "--folds", "3")
    assert split(castproof, tmp_path, *command).code == 0
    assert split(castproof, tmp_path, *command).code == 0
    with (tmp_path / "out" / "folds.csv").open("a") as table:
        table.write("my note\n")
    before = content(tmp_path / "out")
    assert "• folds.csv" in split(castproof, tmp_path, *command).err
    assert content(tmp_path / "out") == before


def test_each_fold_tests_other_photos(castproof: Server, castings: Path, tmp_path: Path) -> None:
    if tmp_path.stat().st_dev != castings.stat().st_dev:
        pytest.skip("hard links need one file system")
    done = split(castproof, tmp_path, str(castings), "out", "--folds", "3", "--link")
    assert done.code == 0, done.text
    folds = [tmp_path / "out" / f"fold_{number}" for number in (1, 2, 3)]
    tested = Counter(file for fold in folds for file in photos_in(fold / "test"))
    assert set(tested) == set(photos_in(castings))
    assert set(tested.values()) == {1}
    for fold, following in zip(folds, (*folds[1:], folds[0]), strict=True):
        assert photos_in(fold / "val") == photos_in(following / "test")
        assert len(photos_in(fold)) == 30
        assert {row["split"] for row in rows_of(fold / "manifest.csv")} == set(SPLITS)
    told = {row["file"]: f"fold_{row['fold']}" for row in rows_of(tmp_path / "out" / "folds.csv")}
    assert told == {file: fold.name for fold in folds for file in photos_in(fold / "test")}
    one = next(iter(tested))
    links = {path.stat().st_ino for path in (tmp_path / "out").rglob(Path(one).name)}
    assert links == {(castings / one).stat().st_ino}
    assert "90 photos hard-linked" in done.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--folds", "4", "--val", "0.2"], ["--folds was given together with --val or --test"]),
        (["--folds", "0"], ["too few folds", "At least 3", "Found 0", "Give --folds 3 or more"]),
        (["--folds", "2"], ["too few folds", "At least 3", "Found 2", "Give --folds 3 or more"]),
        (["--by", "class"], ["--by does not fit", "part, image", "'class'", "Leave it out"]),
        (["--val", "0.9", "--test", "0.9"], ["shares of val and test", "Give other shares"]),
        (["--seed", "-1"], ["seed is negative", "Leave the minus out"]),
        (["--by", "image", "--folds", "9"], ["too few good parts", "7 parts", "at least 9"]),
        (["--ok", "nothing"], ["nothing"]),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(
    arguments: list[str], told: list[str], castproof: Server, tmp_path: Path
) -> None:
    fill_class(tmp_path / "data" / "ok", 7, 1, bright=True)
    fill_class(tmp_path / "data" / "bad", 12, 2, bright=False)
    done = split(castproof, tmp_path, "data", "out", *arguments)
    assert done.code == 1, done.text
    assert "Traceback" not in done.text
    for words in (*told, "→"):
        assert words in done.err
    assert not (tmp_path / "out").exists()


def test_a_destination_within_the_data_is_refused(castproof: Server, tmp_path: Path) -> None:
    fill_class(tmp_path / "data" / "ok", 4, 1, bright=True)
    fill_class(tmp_path / "data" / "bad", 4, 2, bright=False)
    done = split(castproof, tmp_path, "data", "data/out", "--by", "image")
    assert done.code == 1, done.text
    assert "are inside one another" in done.err
    assert not (tmp_path / "data" / "out").exists()


def test_a_full_place_for_photos_in_doubt_stops_it_before_anything_is_written(
    castproof: Server, tmp_path: Path
) -> None:
    fill_with_doubt(tmp_path / "data")
    (tmp_path / "out_set_aside").mkdir()
    (tmp_path / "out_set_aside" / "mine.txt").write_text("notes")
    done = split(castproof, tmp_path, "data", "out", "--by", "image", "--set-aside", "--set-aside-any-share")
    assert done.code == 1, done.text
    assert "mine.txt" in done.err
    assert not (tmp_path / "out").exists()


def test_unreadable_photos_stop_it_or_are_listed(castproof: Server, tmp_path: Path) -> None:
    fill_class(tmp_path / "data" / "ok", 4, 1, bright=True)
    fill_class(tmp_path / "data" / "bad", 4, 2, bright=False)
    (tmp_path / "data" / "ok" / "zero.png").write_bytes(b"")
    stopped = split(castproof, tmp_path, "data", "out", "--by", "image")
    assert stopped.code == 1
    assert "ok/zero.png" in stopped.err
    done = split(castproof, tmp_path, "data", "out", "--by", "image", "--skip-unreadable")
    assert done.code == 0, done.text
    assert "1 photo that cannot be read" in done.out
    (row,) = rows_of(tmp_path / "out" / "left_out.csv")
    assert row["file"] == "ok/zero.png"
    assert row["reason"].startswith("unreadable: ")


def test_a_rare_defect_type_is_told(castproof: Server, tmp_path: Path) -> None:
    fill_class(tmp_path / "data" / "ok", 6, 1, bright=True)
    fill_class(tmp_path / "data" / "crack", 6, 2, bright=False)
    fill_class(tmp_path / "data" / "hole", 2, 3, bright=False)
    done = split(castproof, tmp_path, "data", "out", "--by", "image")
    assert done.code == 0, done.text
    assert "hole is too rare to be in each" in done.out
    counts = read_folders(tmp_path / "out").counts()
    missing = [name for name in SPLITS if not counts[name]["hole"]]
    assert f"none in {', '.join(missing)}" in done.out
    assert len(missing) in (1, 2)
