"""Whatever is wrong, `castproof train` says what, where and what to do, and leaves no half-written file."""

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from castproof_process import Done, Server
from small_run import SMALL, fill_class, fill_splits, only_run

from castproof.model.checkpoint import load_state

TINY = {"train": 4, "val": 3, "test": 2}
TRAIN = ("train", "--data", "photos", *SMALL)


def assert_told(done: Done, *words: str) -> None:
    assert done.code == 1, done.text
    told = " ".join(done.err.replace("│", " ").split())
    for word in words:
        assert word in told
    assert "could not go on" in told
    assert "Traceback" not in done.text


def nothing(data: Path) -> None:
    """Make no folder at all."""


def a_file(data: Path) -> None:
    data.write_text("no folder")


def empty(data: Path) -> None:
    data.mkdir()


def one_class(data: Path) -> None:
    fill_class(data / "crack", 5, 1, bright=False)


def empty_class(data: Path) -> None:
    fill_splits(data, TINY)
    (data / "val" / "crack").mkdir()


def no_test_split(data: Path) -> None:
    fill_splits(data, {"train": 4, "val": 3})


def split_without_good_photos(data: Path) -> None:
    fill_splits(data, TINY)
    for photo in (data / "val" / "ok").iterdir():
        photo.unlink()
    (data / "val" / "ok").rmdir()


def unclear_names(data: Path) -> None:
    fill_class(data / "A", 8, 1, bright=True)
    fill_class(data / "B", 8, 2, bright=False)


def loose_photos(data: Path) -> None:
    fill_splits(data, TINY)
    next((data / "train" / "ok").iterdir()).rename(data / "loose.png")


def unreadable(data: Path) -> None:
    fill_splits(data, TINY)
    (data / "train" / "ok" / "zero.png").write_bytes(b"")
    (data / "val" / "Riß" / "text.JPG").write_text("no photo")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (nothing, ("There is no folder", "photos")),
        (a_file, ("photos is a file",)),
        (empty, ("There are no photos in",)),
        (one_class, ("good", "'crack'")),
        (empty_class, ("photos/val/crack is empty",)),
        (no_test_split, ("no folder test",)),
        (split_without_good_photos, ("The split val has no good photos",)),
        (unclear_names, ("'A', 'B'", "--ok NAME")),
        (loose_photos, ("1 photo is outside of the class folders", "loose.png")),
        (unreadable, ("2 of 20 photos", "train/ok/zero.png", "val/Riß/text.JPG", "--skip-unreadable")),
    ],
)
def test_photos_that_do_not_fit_are_told(
    make: Callable[[Path], None], words: tuple[str, ...], castproof: Server, tmp_path: Path
) -> None:
    make(tmp_path / "photos")
    assert_told(castproof.run(TRAIN, tmp_path), *words)
    runs = tmp_path / "runs"
    assert not runs.exists() or not list(runs.iterdir()), "nothing that looks like a run is left behind"


def test_ok_says_which_folder_is_good(castproof: Server, tmp_path: Path) -> None:
    unclear_names(tmp_path / "photos")
    done = castproof.run([*TRAIN, "--ok", "B"], tmp_path)
    assert done.code == 0, done.text
    metrics = json.loads((only_run(tmp_path / "runs") / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["classes"] == {"good": ["B"], "defective": ["A"]}
    wrong = castproof.run([*TRAIN, "--ok", "C"], tmp_path)
    assert_told(wrong, "--ok 'C'", "'A', 'B'")


def test_skip_unreadable_goes_on_and_records_them(castproof: Server, tmp_path: Path) -> None:
    unreadable(tmp_path / "photos")
    done = castproof.run([*TRAIN, "--skip-unreadable"], tmp_path)
    assert done.code == 0, done.text
    assert "Left out 2 photos" in done.out
    run = only_run(tmp_path / "runs")
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    names = ["train/ok/zero.png", "val/Riß/text.JPG"]
    assert [one["file"] for one in metrics["unreadable"]] == names
    assert {split["n"] for split in metrics["splits"].values()} == {8, 6, 4}
    with (run / "manifest.csv").open(encoding="utf-8", newline="") as file:
        recorded = {row["file"]: row["unreadable"] for row in csv.DictReader(file) if row["unreadable"]}
    assert list(recorded) == names
    assert "empty" in recorded["train/ok/zero.png"]


def test_a_loop_of_links_is_not_followed(castproof: Server, tmp_path: Path) -> None:
    data = fill_splits(tmp_path / "photos", TINY)
    try:
        (data / "train" / "ok" / "again").symlink_to(data, target_is_directory=True)
        (data / "train" / "ok" / "self").symlink_to("self", target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    done = castproof.run(TRAIN, tmp_path)
    assert done.code == 0, done.text
    with (only_run(tmp_path / "runs") / "predictions.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 18


WRONG = {
    "--epochs": "0",
    "--batch-size": "1",
    "--img-size": "8",
    "--lr": "-1",
    "--min-lr": "-1",
    "--wd": "nan",
    "--seed": "-1",
    "--num-workers": "-2",
    "--patience": "-1",
    "--min-delta": "-0.1",
    "--warmup-epochs": "-1",
    "--sched": "linear",
    "--clip-norm": "-1",
    "--optimizer": "lion",
    "--momentum": "1",
    "--label-smoothing": "1",
    "--dropout": "1.5",
    "--aug-level": "light",
    "--tune-for": "accuracy",
    "--cost-fn": "-1",
    "--cost-fp": "inf",
    "--unfreeze": "some",
    "--backbone-lr-mult": "-1",
    "--head-only-epochs": "-1",
    "--device": "gpu",
    "--model": "no name",
    "--weights": "weights.txt",
    "--val-share": "0",
    "--test-share": "1",
}


def test_settings_out_of_range_are_all_listed(castproof: Server, tmp_path: Path) -> None:
    flags = [word for pair in WRONG.items() for word in pair]
    (tmp_path / "photos").mkdir()
    done = castproof.run(["train", "--data", "photos", *flags], tmp_path)
    assert_told(done, *(f"{flag} must be" for flag in WRONG))
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train"], ("--data DATA", "--resume RUN")),
        ([*TRAIN, "--resume", "photos"], ("either --data DATA", "--resume RUN")),
        ([*TRAIN, "--min-lr", "0.1", "--lr", "0.01"], ("--min-lr must not exceed --lr",)),
        ([*TRAIN, "--val-share", "0.6", "--test-share", "0.5"], ("must leave photos for training",)),
        ([*TRAIN, "--weights", "nowhere.pt"], ("nowhere.pt not found",)),
        ([*TRAIN, "--weights", "photos/train.pt"], ("photos/train.pt not found",)),
        ([*TRAIN, "--recipe", "reference", "--unfreeze", "99"], ("--unfreeze 99", "13 blocks")),
    ],
)
def test_settings_that_contradict_are_told(
    arguments: list[str], words: tuple[str, ...], castproof: Server, tmp_path: Path
) -> None:
    fill_splits(tmp_path / "photos", TINY)
    assert_told(castproof.run(arguments, tmp_path), *words)
    runs = tmp_path / "runs"
    assert not runs.exists() or not list(runs.iterdir()), "nothing that looks like a run is left behind"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["train", "--epochs", "many"], "--epochs"),
        (["train", "--no-such-flag"], "--no-such-flag"),
        (["tran"], "tran"),
    ],
)
def test_a_mistyped_command_line_is_told(
    arguments: list[str], word: str, castproof: Server, tmp_path: Path
) -> None:
    done = castproof.run(arguments, tmp_path)
    assert done.code == 2
    assert word in done.err
    assert "Traceback" not in done.text


def test_an_output_folder_below_a_file_is_told(castproof: Server, tmp_path: Path) -> None:
    fill_splits(tmp_path / "photos", TINY)
    (tmp_path / "file").write_text("no folder")
    assert_told(castproof.run([*TRAIN, "--outdir", "file/runs"], tmp_path), "Cannot write file/runs")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_without_the_right_to_write_is_told(castproof: Server, tmp_path: Path) -> None:
    fill_splits(tmp_path / "photos", TINY)
    (tmp_path / "locked").mkdir(mode=0o555)
    assert_told(castproof.run([*TRAIN, "--outdir", "locked"], tmp_path), "Cannot write locked")


@pytest.mark.parametrize("largest_file", [20, 1_500, 3_000, 20_000, 300_000, 2_000_000])
def test_a_full_disk_stops_the_run_in_words_and_leaves_no_half_written_file(
    largest_file: int, castproof: Server, tmp_path: Path
) -> None:
    fill_splits(tmp_path / "photos", TINY)
    done = castproof.run([*TRAIN, "--recipe", "reference"], tmp_path, largest_file=largest_file)
    assert_told(done, "Cannot write")
    run = only_run(tmp_path / "runs")
    assert not (run / "metrics.json").exists()
    for path in run.iterdir():
        assert not path.name.startswith("."), "no temporary file is left behind"
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".pt":
            load_state(path)
        elif path.suffix == ".csv":
            assert path.read_text(encoding="utf-8").endswith("\n")


def test_a_run_stopped_by_a_full_disk_resumes_when_there_is_room_again(
    castproof: Server, tmp_path: Path
) -> None:
    fill_splits(tmp_path / "photos", TINY)
    train = [*TRAIN, "--recipe", "reference"]
    assert castproof.run(train, tmp_path, largest_file=2_000_000).code == 1
    run = only_run(tmp_path / "runs")
    resumed = castproof.run(["train", "--resume", run, "--no-bars"], tmp_path)
    assert resumed.code == 0, resumed.text
    whole = castproof.run([*train, "--outdir", "whole"], tmp_path)
    assert whole.code == 0, whole.text
    assert (run / "metrics.json").read_bytes() == (only_run(tmp_path / "whole") / "metrics.json").read_bytes()


def test_a_full_disk_stops_predict_and_evaluate_in_words(
    castproof: Server, tmp_path: Path, trained: object
) -> None:
    run, data, _ = trained  # type: ignore[misc]
    predicted = castproof.run(["predict", run, data, "--csv", "v.csv"], tmp_path, largest_file=500)
    assert_told(predicted, "Cannot write v.csv")
    assert not (tmp_path / "v.csv").exists()
    evaluated = castproof.run(
        ["evaluate", run, "--data", data, "--outdir", "out"], tmp_path, largest_file=20_000
    )
    assert_told(evaluated, "Cannot write out")
    assert not (tmp_path / "out" / "metrics.json").exists()
