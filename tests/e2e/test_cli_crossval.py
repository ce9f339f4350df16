"""Every photo is judged by a network that never saw its part; a stopped cross-validation goes on to the same end."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from castproof_process import ENVIRONMENT, SCRIPT, TIMEOUT_S, Server
from small_run import CROSSVAL, CROSSVAL_COUNTS, ROUND, Crossvalidated

from castproof.files import in_use

BY_EPOCHS = (*CROSSVAL, "--head", "hidden", "--patience", "0", "--epochs")
RESULTS = ("metrics.json", "predictions.csv", "parts.csv", "folds.csv")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sentence(text: str) -> str:
    """Return what stands in a panel, in one line."""
    return " ".join(text.replace("│", " ").split())


@pytest.fixture(scope="module")
def whole(crossvalidated: Crossvalidated) -> Path:
    """Return a complete cross-validation of heads that are fitted at once."""
    return crossvalidated.home


def test_what_is_printed_is_what_is_written(crossvalidated: Crossvalidated) -> None:
    out = crossvalidated.done.out
    assert "all folds" in out
    assert "given split" in out
    told = dict(re.findall(r"^(fold \d|given split) is done: macro-F1 (\S+)$", out, re.MULTILINE))
    metrics = json.loads((crossvalidated.home / "metrics.json").read_text(encoding="utf-8"))
    found = {name.replace("_", " "): fold["macro_f1"] for name, fold in metrics["folds"].items()}
    assert told == {
        name: f"{value:.4f}" for name, value in {**found, "given split": metrics["given"]["macro_f1"]}.items()
    }
    assert "Going on" not in out


def test_every_photo_is_judged_once_by_a_network_that_never_saw_its_part(whole: Path) -> None:
    told = Counter(row["file"] for row in rows(whole / "predictions.csv"))
    folds = rows(whole / "folds.csv")
    assert told == Counter(row["file"] for row in folds)
    assert len(told) == 2 * sum(CROSSVAL_COUNTS.values())
    for number in ("1", "2", "3"):
        manifest = rows(whole / f"fold_{number}" / "manifest.csv")
        parts = {
            split: {row["part"] for row in manifest if row["split"] == split} for split in ("train", "test")
        }
        assert parts["test"] == {row["part"] for row in folds if row["fold"] == number}
        assert not parts["test"] & parts["train"]
        assert {row["split"] for row in manifest} == {"train", "test"}, (
            "the recipe needs no validation photos"
        )


def test_metrics_are_those_of_the_predictions(whole: Path) -> None:
    metrics = json.loads((whole / "metrics.json").read_text(encoding="utf-8"))
    told = rows(whole / "predictions.csv")
    missed = [row for row in told if row["label"] == "defective" and row["verdict"] == "ACCEPT"]
    assert metrics["pooled"]["fn"] == len(missed)
    assert metrics["pooled"]["n"] == metrics["photos"] == len(told)
    assert sum(fold["n"] for fold in metrics["folds"].values()) == len(told)
    assert metrics["given"]["n"] == 2 * CROSSVAL_COUNTS["test"]
    parts = rows(whole / "parts.csv")
    assert sum(int(row["photos"]) for row in parts) == len(told)
    assert sum(int(row["right"]) for row in parts) == sum(row["correct"] == "1" for row in told)
    assert {"leak.png", "worst_good_parts.png", "worst_defective_parts.png"} <= {
        path.name for path in whole.iterdir()
    }
    assert not (whole / "features.npy").exists()


def test_it_ends_with_the_gate_that_its_folds_carry(whole: Path, place: Path, castproof: Server) -> None:
    assert not (whole / "gate").exists()
    command = [word for word in CROSSVAL if word != "--no-gate"]
    done = castproof.run([*command, "--outdir", "gated"], place)
    assert done.code == 0, done.text
    assert "Out of fold: " in done.out
    assert "ACCEPT" in done.out
    gate = json.loads((place / "gated" / "gate" / "gate.json").read_text(encoding="utf-8"))
    assert gate["gate"]["policy"]["name"] == "auto"
    assert gate["rests_on"]["kind"] == "crossval"


def test_a_stopped_cross_validation_goes_on_to_the_same_end(
    whole: Path, place: Path, castproof: Server
) -> None:
    command = [*CROSSVAL, "--epochs", "4", "--outdir", "stopped"]
    begun = place / "stopped"
    stopped = castproof.run(command, place, interrupt_when=(begun / "crossval.json").is_file)
    assert stopped.code == 130, stopped.text
    assert "give the same command again to continue" in " ".join(stopped.err.split())
    assert "Traceback" not in stopped.text
    assert not (begun / "metrics.json").exists()
    rounds = len(list(begun.glob("*/metrics.json")))
    left = [
        begun / ".castproof-features-ab_c1234.npy",
        begun / "fold_1" / ".castproof-best_model-ab_c1234.pt",
    ]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half of it")
    again = castproof.run(command, place)
    assert again.code == 0, again.text
    assert f"Resuming: {rounds} of 4 rounds are done." in again.out
    assert not any(path.exists() for path in left)
    for name in RESULTS:
        assert (begun / name).read_bytes() == (whole / name).read_bytes(), name


def test_stopped_before_the_folder_is_there_nothing_is_said_to_be_kept(
    place: Path, castproof: Server, tmp_path: Path
) -> None:
    command = [*CROSSVAL, "--outdir", "not made"]
    stopped = castproof.run(
        command,
        place,
        {"CASTPROOF_CACHE": str(tmp_path)},
        interrupt_when=lambda: "Device" in castproof.printed(),
    )
    assert stopped.code == 130, stopped.text
    assert not (place / "not made").exists()
    assert "nothing is left behind" in stopped.err
    assert "kept" not in stopped.err


def test_the_same_command_again_shows_what_is_there(whole: Path, place: Path, castproof: Server) -> None:
    before = (whole / "fold_1" / "best_model.pt").stat().st_mtime_ns
    again = castproof.run([*CROSSVAL, "--epochs", "4", "--outdir", "whole"], place)
    assert again.code == 0, again.text
    assert "No effect: --epochs. A linear head is fitted at once" in again.out
    assert (whole / "fold_1" / "best_model.pt").stat().st_mtime_ns == before


def test_other_settings_and_strange_folders_are_refused(whole: Path, place: Path, castproof: Server) -> None:
    other = castproof.run([*CROSSVAL, "--epochs", "5", "--outdir", "whole"], place)
    assert other.code == 1
    assert "other photos, settings or weights" in " ".join(other.err.split())
    for folder, said in (
        ("whole/fold_1", "is not empty"),
        ("whole/leak.png", "is not a folder"),
        ("photos/results", "lies in"),
    ):
        strange = castproof.run([*CROSSVAL, "--outdir", folder], place)
        assert strange.code == 1
        assert said in " ".join(strange.err.split())
    assert not (place / "photos" / "results").exists()


def test_a_second_command_in_the_same_folder_is_refused(whole: Path, place: Path, castproof: Server) -> None:
    command = [*CROSSVAL, "--epochs", "4", "--outdir", "whole"]
    with in_use(whole):
        second = castproof.run(command, place)
    assert second.code == 1, second.text
    assert "Another command is at work in whole." in sentence(second.err)
    assert castproof.run(command, place).code == 0


def test_a_recipe_that_validates_keeps_a_fold_for_it(place: Path, castproof: Server) -> None:
    command = [*CROSSVAL, "--recipe", "reference", "--epochs", "1", "--outdir", "reference"]
    done = castproof.run(command, place)
    assert done.code == 0, done.text
    splits = Counter(row["split"] for row in rows(place / "reference" / "fold_1" / "manifest.csv"))
    assert set(splits) == {"train", "val", "test"}


def test_a_problem_in_a_round_is_told_in_words(place: Path, castproof: Server) -> None:
    wrong = [*CROSSVAL, "--recipe", "reference", "--lr", "1e30", "--outdir", "diverged"]
    done = castproof.run([*wrong, "--clip-norm", "0", "--optimizer", "sgd"], place)
    assert done.code == 1, done.text
    assert re.search(r"fold_[123]: Training has diverged", " ".join(done.err.split()))
    assert "Traceback" not in done.text
    few = castproof.run(["crossval", "photos", *ROUND, "--folds", "2"], place)
    assert few.code == 1
    assert "--folds must be a whole number from 3 to" in " ".join(few.err.split())


def test_a_broken_round_is_named_and_can_be_made_anew(place: Path, castproof: Server) -> None:
    broken, whole = place / "broken", place / "by epochs"
    made = castproof.run([*BY_EPOCHS, "2", "--outdir", whole.name], place)
    assert made.code == 0, made.text
    shutil.copytree(whole, broken)
    for unmade in (broken / "fold_2" / "metrics.json", broken / "metrics.json"):
        unmade.unlink()
    command = [*BY_EPOCHS, "2", "--outdir", broken.name]
    for name in ("last_state.pt", "best_model.pt"):
        (broken / "fold_2" / name).write_bytes(b"no checkpoint")
        failed = castproof.run(command, place)
        assert failed.code == 1, failed.text
        told = sentence(failed.err)
        assert f"fold_2: {Path(broken.name, 'fold_2', name)} cannot be opened" in told
        assert f"Delete the folder {Path(broken.name, 'fold_2')} and give the same command again." in told
        assert "Train again" not in told
        shutil.copy(whole / "fold_2" / name, broken / "fold_2" / name)
    shutil.rmtree(broken / "fold_2")
    again = castproof.run(command, place)
    assert again.code == 0, again.text
    assert "Resuming: 3 of 4 rounds are done." in again.out
    assert (broken / "predictions.csv").read_bytes() == (whole / "predictions.csv").read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="the script has another name there")
def test_no_process_outlives_a_killed_cross_validation(place: Path) -> None:
    command = [SCRIPT, *BY_EPOCHS, "1000000", "--outdir", "killed"]
    first = psutil.Popen(
        command,
        cwd=place,
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    others: list[psutil.Process] = []
    try:
        stop = time.monotonic() + TIMEOUT_S
        while not list(place.glob("killed/*/last_state.pt")):
            assert first.poll() is None
            assert time.monotonic() < stop, "no round was begun"
            time.sleep(0.05)
        others = first.children(recursive=True)
        assert others
        first.kill()
        first.wait()
        _, left = psutil.wait_procs(others, timeout=30)
        assert not left
    finally:
        for one in [first, *others]:
            if one.is_running():
                one.kill()
