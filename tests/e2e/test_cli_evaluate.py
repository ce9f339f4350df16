"""`castproof evaluate`: another folder at the run's own threshold."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference
from castproof_process import Server
from small_run import COUNTS, Trained, fill_class, only_run


def metrics_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def test_the_training_photos_again_give_the_figures_of_training(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    done = castproof.run(
        ["evaluate", trained.run, "--data", trained.data, "--outdir", "out", "--no-bars"], tmp_path
    )
    assert done.code == 0, done.text
    before, again = metrics_of(trained.run), metrics_of(tmp_path / "out")
    assert list(again["splits"]) == list(COUNTS)
    assert again["threshold"] == before["threshold"]
    assert again["data_hash"] == before["data_hash"]
    for split in COUNTS:
        assert again["splits"][split] == pytest.approx(before["splits"][split], abs=1e-4)


def test_a_folder_without_splits_is_scored_as_one_at_the_threshold_of_the_run(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    fill_class(tmp_path / "new" / "ok", 9, 50, bright=True)
    fill_class(tmp_path / "new" / "Kaltlauf", 5, 51, bright=False)
    shutil.copytree(trained.run, tmp_path / "run")
    done = castproof.run(["evaluate", "run", "--data", "new"], tmp_path)
    assert done.code == 0, done.text
    folder = only_run(tmp_path / "run" / "evaluations")
    assert folder.name.startswith("new_")
    found = metrics_of(folder)
    assert found["threshold"] == metrics_of(trained.run)["threshold"]
    assert found["classes"] == {"good": ["ok"], "defective": ["Kaltlauf"]}
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    defective = np.array([row["class"] == "Kaltlauf" for row in rows])
    p = np.array([float(row["p_defective"]) for row in rows])
    figures = found["splits"]["all"]
    assert (figures["n"], figures["n_defective"]) == (14, 5)
    assert figures["auc_roc"] == pytest.approx(reference.roc_auc_score(defective, p))
    called = p >= found["threshold"]
    assert figures["macro_f1"] == pytest.approx(reference.f1_score(defective, called, average="macro"))
    names = {path.name for path in folder.iterdir()}
    assert {"confusion_matrices.png", "pr_curve.png", "roc_curve.png", "reliability.png"} < names


def test_other_class_names_need_ok(castproof: Server, trained: Trained, tmp_path: Path) -> None:
    fill_class(tmp_path / "new" / "A", 4, 50, bright=True)
    fill_class(tmp_path / "new" / "B", 4, 51, bright=False)
    command = ["evaluate", trained.run, "--data", "new", "--outdir", "out"]
    unclear = castproof.run(command, tmp_path)
    assert unclear.code == 1
    assert "--ok NAME" in " ".join(unclear.err.split())
    done = castproof.run([*command, "--ok", "A"], tmp_path)
    assert done.code == 0, done.text
    assert metrics_of(tmp_path / "out")["classes"] == {"good": ["A"], "defective": ["B"]}


def test_unreadable_photos_stop_it_or_are_recorded(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    fill_class(tmp_path / "new" / "ok", 4, 50, bright=True)
    fill_class(tmp_path / "new" / "bad", 4, 51, bright=False)
    (tmp_path / "new" / "ok" / "zero.png").write_bytes(b"")
    command = ["evaluate", trained.run, "--data", "new", "--outdir", "out"]
    stopped = castproof.run(command, tmp_path)
    assert stopped.code == 1
    assert "ok/zero.png" in stopped.err
    assert not (tmp_path / "out" / "metrics.json").exists()
    done = castproof.run([*command, "--skip-unreadable"], tmp_path)
    assert done.code == 0, done.text
    assert [one["file"] for one in metrics_of(tmp_path / "out")["unreadable"]] == ["ok/zero.png"]


@pytest.mark.parametrize("missing", ["run", "data"])
def test_a_missing_run_or_folder_is_told(
    missing: str, castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    run, data = (
        (tmp_path / "no run", trained.data) if missing == "run" else (trained.run, tmp_path / "nothing")
    )
    done = castproof.run(["evaluate", run, "--data", data, "--outdir", "out"], tmp_path)
    assert done.code == 1
    assert ("no run" if missing == "run" else "nothing") in done.err
    assert "Traceback" not in done.text


def test_an_evaluation_never_replaces_the_results_of_a_run(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    before = {path.name: path.read_bytes() for path in trained.run.iterdir() if path.is_file()}
    done = castproof.run(["evaluate", trained.run, "--data", trained.data, "--outdir", trained.run], tmp_path)
    assert done.code == 1, done.text
    assert "is a run folder" in done.err
    assert {path.name: path.read_bytes() for path in trained.run.iterdir() if path.is_file()} == before


def test_a_failed_evaluation_leaves_no_folder(castproof: Server, trained: Trained, tmp_path: Path) -> None:
    done = castproof.run(["evaluate", trained.run, "--data", "nowhere", "--outdir", "out"], tmp_path)
    assert done.code == 1, done.text
    assert not (tmp_path / "out").exists()
