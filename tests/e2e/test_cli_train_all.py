"""`castproof train` as it is by default: it learns from all photos, and folds over parts carry its gate."""

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from castproof_process import Server
from small_run import COUNTS, SMALL, Trained, fill_class, fill_classes, fill_splits, only_run

PER_CLASS = 18
RUN_FILES = {
    "best_model.pt",
    "confusion_matrices.png",
    "crossval",
    "gate",
    "hparams.json",
    "manifest.csv",
    "metrics.json",
    "pr_curve.png",
    "predictions.csv",
    "reliability.png",
    "roc_curve.png",
    "strengths.csv",
    "top-errors.png",
    "train.log",
    "train_samples.png",
}


@pytest.fixture
def run(learnt_from_all: Trained, tmp_path: Path) -> Path:
    """Return a copy of the run, to work in."""
    return Path(shutil.copytree(learnt_from_all.run, tmp_path / learnt_from_all.run.name))


def sentence(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def json_of(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_it_learns_from_all_photos_and_folds_judge_each_part_without_it(learnt_from_all: Trained) -> None:
    run = learnt_from_all.run
    assert run.name.startswith("mobilenet_linear_")
    assert {path.name for path in run.iterdir()} - {".castproof-lock"} == RUN_FILES
    metrics = json_of(run / "metrics.json")
    assert {name: one["n"] for name, one in metrics["splits"].items()} == {"train": 2 * PER_CLASS}
    told = Counter(row["file"] for row in rows_of(run / "crossval" / "predictions.csv"))
    assert told == Counter(row["file"] for row in rows_of(run / "predictions.csv"))
    for fold in ("1", "2", "3"):
        manifest = rows_of(run / "crossval" / f"fold_{fold}" / "manifest.csv")
        parts = {
            name: {row["part"] for row in manifest if row["split"] == name} for name in ("train", "test")
        }
        assert parts["test"]
        assert not parts["test"] & parts["train"]


def test_its_gate_rests_on_the_folds(learnt_from_all: Trained) -> None:
    gate = json_of(learnt_from_all.run / "gate" / "gate.json")
    assert gate["gate"]["policy"]["name"] == "auto"
    assert gate["rests_on"]["kind"] == "crossval"
    assert gate["rests_on"]["also_chose_the_network"] is False
    assert gate["rests_on"]["defective_parts"] == PER_CLASS
    assert gate["told_on"] == "out of fold"


def test_the_screen_tells_the_gate_and_what_was_learnt_from(learnt_from_all: Trained) -> None:
    told = sentence(learnt_from_all.done.out)
    for word in (
        f"The network was trained on {2 * PER_CLASS} photos of {PER_CLASS} good parts and {PER_CLASS} defective parts",
        "from all",
        "linear head",
        "castproof export",
    ):
        assert word in told
    assert "Best epoch" not in told
    assert "Last epoch" not in told
    assert "balanced_accuracy" not in told


def test_strengths_name_the_one_that_was_chosen(learnt_from_all: Trained) -> None:
    rows = rows_of(learnt_from_all.run / "strengths.csv")
    assert [row["chosen"] for row in rows].count("True") == 1
    assert len(rows) > 1


def test_the_same_command_again_gives_the_same_bytes(
    castproof: Server, learnt_from_all: Trained, tmp_path: Path
) -> None:
    (tmp_path / "my photos").symlink_to(learnt_from_all.data)
    done = castproof.run(["train", "--data", "my photos", *SMALL, "--folds", "3", "--full"], tmp_path)
    assert done.code == 0, done.text
    assert "macro-F1" in done.out
    again = only_run(tmp_path / "runs")
    for name in (
        "metrics.json",
        "predictions.csv",
        "manifest.csv",
        "strengths.csv",
        "crossval/predictions.csv",
        "gate/photos.csv",
    ):
        assert (again / name).read_bytes() == (learnt_from_all.run / name).read_bytes(), name


def test_a_run_stopped_between_its_folds_and_its_network_resumes_to_the_same_end(
    castproof: Server, learnt_from_all: Trained, tmp_path: Path
) -> None:
    (tmp_path / "my photos").symlink_to(learnt_from_all.data)
    runs = tmp_path / "runs"
    stopped = castproof.run(
        ["train", "--data", "my photos", *SMALL, "--folds", "3"],
        tmp_path,
        interrupt_when=lambda: bool(list(runs.glob("*/crossval/fold_1/metrics.json"))),
    )
    run = only_run(runs)
    assert stopped.code == 130, stopped.text
    assert f"castproof train --resume runs/{run.name}" in sentence(stopped.err)
    assert not (run / "metrics.json").exists()
    resumed = castproof.run(["train", "--resume", run, "--no-bars"], tmp_path)
    assert resumed.code == 0, resumed.text
    assert {path.name for path in run.iterdir()} - {".castproof-lock"} == RUN_FILES
    for name in ("metrics.json", "predictions.csv", "crossval/predictions.csv", "gate/photos.csv"):
        assert (run / name).read_bytes() == (learnt_from_all.run / name).read_bytes(), name


def test_complete_folds_are_not_made_again(
    castproof: Server, run: Path, learnt_from_all: Trained, tmp_path: Path
) -> None:
    (run / "metrics.json").unlink()
    (run / "best_model.pt").unlink()
    shutil.rmtree(run / "gate")
    folds = {path: path.stat().st_mtime_ns for path in run.glob("crossval/fold_*/best_model.pt")}
    resumed = castproof.run(["train", "--resume", run, "--no-gate", "--no-bars"], tmp_path)
    assert resumed.code == 0, resumed.text
    assert {path: path.stat().st_mtime_ns for path in folds} == folds
    assert (run / "metrics.json").read_bytes() == (learnt_from_all.run / "metrics.json").read_bytes()
    assert not (run / "gate").exists()


def test_too_few_parts_for_folds_give_a_run_without_a_gate_and_the_reason(
    castproof: Server, tmp_path: Path
) -> None:
    data = fill_classes(tmp_path / "photos", 2)
    done = castproof.run(["train", "--data", "photos", *SMALL], tmp_path)
    assert done.code == 0, done.text
    run, told = only_run(tmp_path / "runs"), sentence(done.out)
    assert "No gate:" in told
    assert "too few for folds" in told
    assert "at the threshold 0.5, which nothing proves" in told
    assert not (run / "gate").exists()
    judged = castproof.run(["predict", run, data, "--csv", "v.csv"], tmp_path)
    assert judged.code == 0, judged.text
    assert len(rows_of(tmp_path / "v.csv")) == 4


def test_splits_are_kept_or_dropped_as_it_is_asked(castproof: Server, tmp_path: Path) -> None:
    fill_splits(tmp_path / "photos", COUNTS)
    for split, learnt in (("given", 2 * COUNTS["train"]), ("none", 2 * sum(COUNTS.values()))):
        flags = ["--split", split, "--folds", "3", "--no-gate", "--outdir", split]
        done = castproof.run(["train", "--data", "photos", *SMALL, *flags], tmp_path)
        assert done.code == 0, done.text
        run = only_run(tmp_path / split)
        sizes = {name: one["n"] for name, one in json_of(run / "metrics.json")["splits"].items()}
        assert sizes["train"] == len(rows_of(run / "crossval" / "predictions.csv")) == learnt
        assert set(sizes) == ({"train"} if split == "none" else set(COUNTS))
        assert not (run / "gate").exists()
        assert ("were held back" in sentence(done.out)) == (split == "given")


def test_a_promise_says_so_where_parts_cannot_be_told(castproof: Server, run: Path) -> None:
    warning = "Each photo counts as a part of its own."
    known = castproof.run(["decide", run], run.parent)
    assert "Promise:" in known.out, known.text
    assert warning not in sentence(known.out)
    rows = rows_of(run / "manifest.csv")
    with (run / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows({**row, "part_from": "unknown"} for row in rows)
    untold = castproof.run(["decide", run], run.parent)
    assert warning in sentence(untold.out), untold.text


def test_every_other_command_takes_such_a_run(
    castproof: Server, run: Path, learnt_from_all: Trained, tmp_path: Path
) -> None:
    data = learnt_from_all.data
    later = tmp_path / "later"
    fill_class(later / "ok", 12, 101, bright=True)
    fill_class(later / "blow hole", 12, 111, bright=False)
    for arguments in (
        ["decide", run, "--policy", "manual", "--threshold", "0.3", "--reject-from", "0.8"],
        ["report", run, "--no-bars"],
        ["export", run, "-o", "model.onnx", "--no-bars"],
        ["evaluate", run, "--data", data, "--outdir", "scored", "--no-bars"],
        ["predict", run, data, "--csv", "run.csv"],
        ["predict", "model.onnx", data, "--csv", "file.csv"],
        ["validate", run, "--data", later, "--outdir", "checked"],
    ):
        done = castproof.run(arguments, tmp_path)
        assert done.code in ((0, 4) if arguments[0] == "validate" else (0,)), (arguments, done.text)
        assert "Traceback" not in done.text
    assert (run / "gate" / "report.html").is_file()
    found, filed = (rows_of(tmp_path / name) for name in ("run.csv", "file.csv"))
    assert {row["threshold"] for row in (*found, *filed)} == {"0.3"}
    assert [float(row["p_defective"]) for row in filed] == pytest.approx(
        [float(row["p_defective"]) for row in found], abs=1e-3
    )
