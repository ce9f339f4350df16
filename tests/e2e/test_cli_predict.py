"""`castproof predict`: a verdict for every photo, and never ACCEPT for one that could not be judged."""

import csv
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from castproof_process import Server
from PIL import Image
from small_run import Trained

from castproof.model.checkpoint import load_checkpoint

COLUMNS = [
    *("file", "verdict", "p_defective", "threshold", "reject_from", "reason"),
    *("class", "label", "warnings", "correct", "model"),
    "looks_like",
]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", errors="surrogatepass", newline="") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == COLUMNS
        return list(reader)


def test_a_folder_gives_the_probabilities_and_verdicts_of_training(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    done = castproof.run(["predict", trained.run, trained.data / "test", "--csv", "out/v.csv"], tmp_path)
    assert done.code == 0, done.text
    with (trained.run / "predictions.csv").open(encoding="utf-8", newline="") as file:
        expected = {row["file"]: row for row in csv.DictReader(file) if row["split"] == "test"}
    rows = rows_of(tmp_path / "out" / "v.csv")
    assert [row["file"] for row in rows] == sorted(str(trained.data / file) for file in expected)
    for row in rows:
        before = expected[Path(row["file"]).relative_to(trained.data).as_posix()]
        assert float(row["p_defective"]) == pytest.approx(float(before["p_defective"]), abs=1e-4)
        assert row["verdict"] == before["verdict"]
        assert row["threshold"] == before["threshold"]
        assert (float(row["p_defective"]) >= float(row["threshold"])) == (row["verdict"] == "REJECT")
    for verdict in ("ACCEPT", "REJECT"):
        count = sum(row["verdict"] == verdict for row in rows)
        assert count > 0
        assert f"{count} {verdict}" in done.out


def test_bad_files_get_a_reason_and_no_verdict_and_spare_the_others(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    folder = tmp_path / "Schicht 2 夜"
    folder.mkdir()
    good = sorted((trained.data / "test" / "ok").iterdir())[:2]
    shutil.copy(good[0], folder / "Gehäuse 鋳物 [1].png")
    shutil.copy(good[1], folder / "=cmd.PNG")
    (folder / "zero byte.png").write_bytes(b"")
    (folder / "text.jpg").write_text("no photo")
    (folder / "cut off.png").write_bytes(good[0].read_bytes()[:2000])
    missing = tmp_path / "missing.png"
    done = castproof.run(["predict", trained.run, folder, missing, good[0], "--csv", "v.csv"], tmp_path)
    assert done.code == 3, done.text
    rows = rows_of(tmp_path / "v.csv")
    names = [Path(row["file"]).name for row in rows]
    assert names[:5] == sorted(path.name for path in folder.iterdir())
    assert names[5:] == ["missing.png", good[0].name]
    for row in rows:
        if Path(row["file"]).name in {"zero byte.png", "text.jpg", "cut off.png", "missing.png"}:
            assert (row["verdict"], row["p_defective"]) == ("NOT_INSPECTED", "")
            assert Path(row["file"]).name in row["reason"]
        else:
            assert row["verdict"] in {"ACCEPT", "REJECT"}
            assert 0 <= float(row["p_defective"]) <= 1
            assert row["reason"] == ""
    assert "4 NOT_INSPECTED" in done.out
    assert "Traceback" not in done.text


def test_photos_are_named_from_their_common_folder_and_reasons_stand_below(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    folder = tmp_path / "a" / "long name of a folder that every photo of this shift lies in"
    for name in ("one.jpg", "two/three.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(next((trained.data / "test" / "ok").iterdir()), folder / name)
    (folder / "empty.png").write_bytes(b"")
    done = castproof.run(["predict", trained.run, folder], tmp_path)
    lines = [" ".join(line.replace("│", " ").split()) for line in done.out.splitlines()]
    assert f"In {folder}:" in lines
    assert "empty.png NOT_INSPECTED" in lines
    assert {line.split()[0] for line in lines if "REJECT 0" in line or "ACCEPT 0" in line} == {
        "one.jpg",
        "two/three.jpg",
    }
    assert any(line.startswith("• ") and "empty.png is empty" in line for line in lines)
    mixed = castproof.run(["predict", trained.run, folder / "one.jpg", "gone.jpg"], tmp_path)
    assert mixed.code == 3
    assert "There is no file gone.jpg" in mixed.out
    assert "In " not in mixed.out


def test_nothing_but_bad_files_gives_no_verdict_at_all(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    for number in range(40):
        (tmp_path / f"{number}.png").write_bytes(b"")
    done = castproof.run(["predict", trained.run, ".", "--csv", "v.csv"], tmp_path)
    assert done.code == 3, done.text
    assert [row["verdict"] for row in rows_of(tmp_path / "v.csv")] == ["NOT_INSPECTED"] * 40
    assert "40 NOT_INSPECTED" in done.out
    assert "and 20 more that are not ACCEPT" in done.out


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "I;16", "CMYK", "LA", "1"])
def test_photos_of_every_kind_are_judged(
    mode: str, castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.random.default_rng(1).integers(0, 65536, (30, 40)).astype(np.uint16))
    else:
        image = Image.effect_noise((40, 30), 60).convert(mode)
    path = tmp_path / ("photo.jpg" if mode == "CMYK" else "photo.png")
    image.save(path)
    done = castproof.run(["predict", trained.run, path], tmp_path)
    assert done.code == 0, done.text


def test_a_name_that_is_no_unicode_is_judged_and_written(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    photo = next((trained.data / "test" / "ok").iterdir())
    strange = os.fsencode(tmp_path) + b"/a \xff\xfe.png"
    try:
        Path(os.fsdecode(strange)).write_bytes(photo.read_bytes())
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    done = castproof.run(["predict", trained.run, os.fsdecode(strange), "--csv", "v.csv"], tmp_path)
    assert done.code == 0, done.text
    assert "Traceback" not in done.text
    assert len(rows_of(tmp_path / "v.csv")) == 1


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp932"])
def test_output_to_a_file_in_an_old_encoding_does_not_stop_the_program(
    encoding: str, castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    environment = {"PYTHONIOENCODING": encoding}
    photo = next((trained.data / "test" / "ok").iterdir())
    done = castproof.run(["predict", trained.run, photo], tmp_path, environment)
    assert done.code == 0, done.text
    failed = castproof.run(["predict", tmp_path / "no run", photo], tmp_path, environment)
    assert failed.code == 1
    assert "could not go on" in failed.err
    assert "Traceback" not in done.text + failed.text


def test_an_empty_folder_is_told(castproof: Server, trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = castproof.run(["predict", trained.run, "empty", "--csv", "v.csv"], tmp_path)
    assert done.code == 1
    assert "no photos in empty" in done.err
    assert not (tmp_path / "v.csv").exists()


def test_a_csv_that_cannot_be_written_is_told(castproof: Server, trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    photo = next((trained.data / "test" / "ok").iterdir())
    done = castproof.run(["predict", trained.run, photo, "--csv", "file/v.csv"], tmp_path)
    assert done.code == 1
    assert "Cannot write" in done.err
    assert "Traceback" not in done.text


@pytest.mark.parametrize("content", [None, b"", b"\xff" * 50])
def test_a_run_without_a_usable_network_is_told(
    content: bytes | None, castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(trained.run / "hparams.json", run)
    if content is not None:
        (run / "best_model.pt").write_bytes(content)
    photo = next((trained.data / "test" / "ok").iterdir())
    done = castproof.run(["predict", run, photo], tmp_path)
    assert done.code == 1
    assert "best_model.pt" in done.err
    assert "Traceback" not in done.text
    assert "ACCEPT" not in done.out


def test_the_verdict_follows_the_threshold_of_the_run(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    done = castproof.run(["predict", trained.run, trained.data, "--csv", "v.csv"], tmp_path)
    assert done.code == 0, done.text
    threshold = load_checkpoint(trained.run / "best_model.pt").threshold
    assert {float(row["threshold"]) for row in rows_of(tmp_path / "v.csv")} == {threshold}
    verdicts = Counter(row["verdict"] for row in rows_of(tmp_path / "v.csv"))
    assert f"{verdicts['ACCEPT']} ACCEPT, {verdicts['REJECT']} REJECT" in done.out
    shown = Counter(cell.strip() for line in done.out.splitlines() for cell in line.split("│")[2:3])
    assert (shown["REJECT"], shown["ACCEPT"]) == (verdicts["REJECT"], 0), "what passed is not listed"


def test_a_table_never_replaces_a_photo(castproof: Server, trained: Trained, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    shutil.copy(next((trained.data / "test" / "ok").iterdir()), photo)
    before = photo.read_bytes()
    done = castproof.run(["predict", trained.run, photo, "--csv", photo], tmp_path)
    assert done.code == 1, done.text
    assert "ends in .csv" in " ".join(done.err.replace("│", " ").split())
    assert photo.read_bytes() == before
