"""`castproof import`: a folder or archive of photos becomes train, val and test."""

import json
import os
import shlex
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from castproof_process import Server, run_script
from small_run import fill_class

from castproof.data.folders import read_folders, verify_photos

REPOSITORY = Path(__file__).parents[2]
PHOTOS = Path(os.environ.get("CASTPROOF_DATA", REPOSITORY.parent / "shared" / "data" / "casting"))


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def photos_in(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in content(folder).items() if not name.endswith(".json")}


def record_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "castproof-import.json").read_text(encoding="utf-8"))


def shown(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """Return public.zip in the layout of the public archive, beside the unpacked folder `public`."""
    for seed, split in enumerate(("train", "test")):
        for count, name in ((12, "ok_front"), (14, "def_front")):
            home = tmp_path / "public" / "casting_data" / "casting_data" / split / name
            fill_class(home, count, seed, bright=name == "ok_front")
    for name in ("ok_front", "def_front"):
        home = tmp_path / "public" / "casting_512x512" / "casting_512x512" / name
        fill_class(home, 6, 5, bright=name == "ok_front")
    path = tmp_path / "public.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((tmp_path / "public").rglob("*.png")):
            archive.write(file, file.relative_to(tmp_path / "public").as_posix())
        archive.writestr("readme.txt", b"Castings of May")
    return path


def test_the_public_archive_zipped_and_unpacked(castproof: Server, public: Path, tmp_path: Path) -> None:
    before = content(tmp_path / "public")
    done = castproof.run(["import", "public.zip", "from zip", "--no-bars"], tmp_path)
    assert done.code == 0, done.text
    assert "Left out: the set casting_512x512 (12 photos)" in done.out
    assert "Left out: 1 file that is no photo: readme.txt." in done.out
    assert "no val: made out of train" in done.out
    assert "castproof audit 'from zip'" in done.out
    record = record_of(tmp_path / "from zip")
    assert record["counts"] == {
        "train": {"ok_front": 10, "def_front": 12},
        "val": {"ok_front": 2, "def_front": 2},
        "test": {"ok_front": 12, "def_front": 14},
    }
    assert (record["set"], record["made"], record["source"]) == ("casting_data", ["val"], str(public))
    again = castproof.run(["import", "public", "from folder", "--link", "--no-bars"], tmp_path)
    assert again.code == 0, again.text
    assert "0 copied, 52 linked" in again.out
    assert photos_in(tmp_path / "from zip") == photos_in(tmp_path / "from folder")
    assert record_of(tmp_path / "from folder")["data_hash"] == record["data_hash"]
    assert content(tmp_path / "public") == before


def test_what_was_imported_is_read_as_a_data_set(castproof: Server, public: Path, tmp_path: Path) -> None:
    assert castproof.run(["import", "public.zip", "casting"], tmp_path).code == 0
    manifest = verify_photos(read_folders(tmp_path / "casting"), skip_unreadable=False)
    record = record_of(tmp_path / "casting")
    assert (manifest.counts(), manifest.data_hash()) == (record["counts"], record["data_hash"])


def test_the_other_set_is_taken_when_named(castproof: Server, public: Path, tmp_path: Path) -> None:
    done = castproof.run(
        ["import", "public.zip", "large", "--set", "casting_512x512", "--val", "0.2", "--test", "0.2"],
        tmp_path,
    )
    assert done.code == 0, done.text
    assert "castproof split large large_by_part" in done.out
    record = record_of(tmp_path / "large")
    assert record["made"] == ["train", "val", "test"]
    assert {split: sum(counts.values()) for split, counts in record["counts"].items()} == {
        "train": 8,
        "val": 2,
        "test": 2,
    }


def test_a_dry_run_shows_the_same_and_writes_nothing(castproof: Server, public: Path, tmp_path: Path) -> None:
    dry = castproof.run(["import", "public.zip", "casting", "--dry-run"], tmp_path)
    assert dry.code == 0, dry.text
    assert "52 of 52 photos would be copied to casting; nothing was written." in dry.out
    assert not (tmp_path / "casting").exists()
    assert "→ Do it: castproof import public.zip casting\n" in dry.out
    real = castproof.run(["import", "public.zip", "casting"], tmp_path)
    table = dry.out.partition("Dry run")[0].partition("Photos")[2]
    assert table
    assert real.out.partition("Photos")[2].startswith(table)
    before = content(tmp_path / "casting")
    assert "0 of 52 photos" in castproof.run(["import", "public.zip", "casting", "--dry-run"], tmp_path).out
    assert content(tmp_path / "casting") == before


def test_a_dry_run_proposes_the_same_command_without_it(
    castproof: Server, public: Path, tmp_path: Path
) -> None:
    given = ["public", "my casting", "--set", "casting_512x512", "--ok", "ok_front", "--val", "0.2", "--link"]
    dry = castproof.run(["import", "--dry-run", *given], tmp_path)
    assert dry.code == 0, dry.text
    (proposed,) = (line for line in dry.out.splitlines() if "castproof import" in line)
    words = shlex.split(proposed.partition("castproof import ")[2])
    assert sorted(words) == sorted(given)
    real = castproof.run(["import", *words], tmp_path)
    assert real.code == 0, real.text
    assert record_of(tmp_path / "my casting")["options"]["set"] == "casting_512x512"


def test_lines_end_between_words_in_a_narrow_window(castproof: Server, public: Path, tmp_path: Path) -> None:
    wide = castproof.run(["import", "public.zip", "casting", "--dry-run"], tmp_path)
    narrow = castproof.run(["import", "public.zip", "casting", "--dry-run"], tmp_path, {"COLUMNS": "80"})
    assert max(map(len, narrow.out.splitlines())) <= 80
    assert narrow.out.split() == wide.out.split()


@pytest.mark.parametrize("source", ["public.zip", "public"])
def test_a_stopped_import_goes_on(source: str, castproof: Server, public: Path, tmp_path: Path) -> None:
    whole = castproof.run(["import", source, "whole"], tmp_path)
    assert whole.code == 0, whole.text
    # A full disk: no file may grow beyond what the smallest photos take.
    sizes = sorted(len(data) for data in photos_in(tmp_path / "whole").values())
    stopped = castproof.run(["import", source, "casting"], tmp_path, largest_file=sizes[len(sizes) // 2])
    assert stopped.code == 1, stopped.text
    assert "Cannot write" in stopped.err
    part = content(tmp_path / "casting")
    assert 0 < len(part) < 52
    assert part.items() <= photos_in(tmp_path / "whole").items(), "whole files only, and no record"
    done = castproof.run(["import", source, "casting"], tmp_path)
    assert done.code == 0, done.text
    assert f"{52 - len(part)} copied, 0 linked, {len(part)} there already" in done.out
    assert photos_in(tmp_path / "casting") == photos_in(tmp_path / "whole")
    record = (tmp_path / "casting" / "castproof-import.json").stat()
    third = castproof.run(["import", source, "casting"], tmp_path)
    assert "All 52 photos are in casting already." in third.out
    again = (tmp_path / "casting" / "castproof-import.json").stat()
    assert (again.st_mtime_ns, again.st_ino) == (record.st_mtime_ns, record.st_ino)


def test_there_is_no_record_while_photos_are_missing(castproof: Server, public: Path, tmp_path: Path) -> None:
    command = ["import", "public.zip", "casting"]
    assert castproof.run(command, tmp_path).code == 0
    whole = photos_in(tmp_path / "casting")
    lost = next((tmp_path / "casting" / "val" / "ok_front").iterdir())
    lost.unlink()
    assert castproof.run(command, tmp_path, largest_file=10).code == 1
    assert not (tmp_path / "casting" / "castproof-import.json").exists()
    assert castproof.run(command, tmp_path).code == 0
    assert photos_in(tmp_path / "casting") == whole
    assert (tmp_path / "casting" / "castproof-import.json").exists()


def test_ctrl_c_leaves_whole_files_and_no_record(castproof: Server, tmp_path: Path) -> None:
    for name, bright in (("ok", True), ("def", False)):
        fill_class(tmp_path / "mine" / name, 400, 1, bright=bright)
    dest = tmp_path / "casting"
    stopped = castproof.run(
        ["import", "mine", "casting"], tmp_path, interrupt_when=lambda: any(dest.rglob("Gussteil*.png"))
    )
    assert stopped.code == 130, stopped.text
    assert "Traceback" not in stopped.text
    part = content(dest)
    assert 0 < len(part) < 800
    originals = set(content(tmp_path / "mine").values())
    assert set(part.values()) <= originals
    done = castproof.run(["import", "mine", "casting"], tmp_path)
    assert done.code == 0, done.text
    assert f"{len(part)} there already" in done.out
    assert sorted(photos_in(dest).values()) == sorted(content(tmp_path / "mine").values())


def test_a_destination_with_other_files_or_other_content_is_refused(
    castproof: Server, public: Path, tmp_path: Path
) -> None:
    assert castproof.run(["import", "public.zip", "casting"], tmp_path).code == 0
    other_seed = castproof.run(["import", "public.zip", "casting", "--seed", "7"], tmp_path)
    assert other_seed.code == 1
    assert "do not belong there" in shown(other_seed.err)
    victim = next((tmp_path / "casting" / "test" / "ok_front").iterdir())
    victim.write_bytes(b"mine")
    before = content(tmp_path / "casting")
    done = castproof.run(["import", "public.zip", "casting"], tmp_path)
    assert done.code == 1
    assert f"test/ok_front/{victim.name}" in shown(done.err)
    assert content(tmp_path / "casting") == before


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../../evil.png", "leads out"),
        ("/evil.png", "absolute"),
        (r"..\evil.png", "backslash"),
        ("CASTING_DATA/casting_data/train/ok_front/Gussteil 00 鋳物.png", "letter case"),
    ],
)
def test_a_hostile_archive_writes_nothing(
    name: str, said: str, castproof: Server, public: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(public, "a") as archive:
        archive.writestr(name, b"evil")
    before = content(tmp_path)
    done = castproof.run(["import", "public.zip", "casting"], tmp_path)
    assert done.code == 1
    assert said in shown(done.err)
    assert "Traceback" not in done.text
    assert content(tmp_path) == before


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_cut_off_archive_writes_nothing(
    cut: float, castproof: Server, public: Path, tmp_path: Path
) -> None:
    data = public.read_bytes()
    public.write_bytes(data[: int(cut * len(data))])
    done = castproof.run(["import", "public.zip", "casting", "--skip-unreadable"], tmp_path)
    assert done.code == 1
    assert "broken or cut off" in shown(done.err)
    assert not (tmp_path / "casting").exists()


def test_unreadable_photos_stop_it_or_are_recorded(castproof: Server, public: Path, tmp_path: Path) -> None:
    bad = tmp_path / "public" / "casting_data" / "casting_data" / "train" / "ok_front" / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n")
    stopped = castproof.run(["import", "public", "casting"], tmp_path)
    assert stopped.code == 1
    assert "train/ok_front/bad.png" in shown(stopped.err)
    assert not (tmp_path / "casting").exists()
    done = castproof.run(["import", "public", "casting", "--skip-unreadable"], tmp_path)
    assert done.code == 0, done.text
    assert "Left out: 1 unreadable photo:" in done.out
    (told,) = record_of(tmp_path / "casting")["unreadable"]
    assert told["file"] == "casting_data/casting_data/train/ok_front/bad.png"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("public", "public/inside"), "are inside one another"),
        (("public", "public"), "are inside one another"),
        (("nowhere", "casting"), "no folder or archive"),
        (("public", "casting", "--set", "other"), "no set 'other'"),
        (("public", "casting", "--val", "1.5"), "shares of val and test"),
        (("public", "casting", "--ok", "other"), "not the name of a class folder"),
        (("public", "public.zip"), "is not a folder"),
        (("notes.txt", "casting"), "It is no archive at all. → Give the folder of the photos"),
    ],
)
def test_mistakes_are_told_and_change_nothing(
    arguments: tuple[str, ...], said: str, castproof: Server, public: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("Castings of May")
    before = content(tmp_path)
    done = castproof.run(["import", *arguments], tmp_path)
    assert done.code == 1, done.text
    assert said in shown(done.err)
    assert "Traceback" not in done.text
    assert content(tmp_path) == before


@pytest.mark.skipif(sys.platform != "linux", reason="needs file names in any bytes")
def test_names_in_any_bytes_are_kept_and_recorded(castproof: Server, public: Path, tmp_path: Path) -> None:
    source = tmp_path / os.fsdecode(b"Teile \xff")
    (tmp_path / "public").rename(source)
    done = castproof.run(["import", source.name, "casting"], tmp_path)
    assert done.code == 0, done.text
    assert record_of(tmp_path / "casting")["source"].endswith("Teile ?")


def test_the_installed_program_imports(public: Path, tmp_path: Path) -> None:
    done = run_script(["import", "public.zip", "casting", "--no-bars"], tmp_path)
    assert done.code == 0, done.text
    assert len(photos_in(tmp_path / "casting")) == 52


@pytest.mark.skipif(
    not (PHOTOS / "train" / "ok_front").is_dir(),
    reason="needs real photos: set CASTPROOF_DATA to a folder that holds train/ok_front and so on",
)
def test_real_photos_in_the_layout_of_the_public_archive(castproof: Server, tmp_path: Path) -> None:
    expected: dict[str, set[bytes]] = {}
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        for split, count in (("train", 4), ("test", 2)):
            for name in ("ok_front", "def_front"):
                photos = sorted((PHOTOS / split / name).iterdir())[:count]
                expected.setdefault(split, set()).update(photo.read_bytes() for photo in photos)
                for photo in photos:
                    archive.write(photo, f"casting_data/casting_data/{split}/{name}/{photo.name}")
    done = castproof.run(["import", "archive.zip", "casting"], tmp_path)
    assert done.code == 0, done.text
    found = {split: set(content(tmp_path / "casting" / split).values()) for split in ("train", "val", "test")}
    assert found["test"] == expected["test"]
    assert found["train"] | found["val"] == expected["train"]
    assert len(found["val"]) == 2
