"""`castproof train`: the run folder, its numbers, and that the same command gives the same result."""

import csv
import json
import re
import shlex
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference
import torch
from castproof_process import SCRIPT, Server, run_script
from PIL import Image
from small_run import COUNTS, SMALL, Trained, fill_class, fill_splits, only_run
from torchvision.models import mobilenet_v3_small

from castproof.data.manifest import read_csv
from castproof.measure.threshold import tune_threshold
from castproof.model.checkpoint import load_checkpoint
from castproof.model.libraries import find_network

PLOTS = (
    "train_samples.png",
    "loss_curves.png",
    "f1_curves.png",
    "learning_curves.png",
    "lr_schedule.png",
    "confusion_matrices.png",
    "pr_curve.png",
    "roc_curve.png",
    "reliability.png",
    "top-errors.png",
)
AS_WRITTEN = shlex.split("train --data casting_data --model mobilenet --aug-level standard --lr 2e-4")


def metrics_of(run: Path) -> dict[str, Any]:
    return json.loads((run / "metrics.json").read_text(encoding="utf-8"))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def scored(run: Path, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return label, p_defective and verdict of the photos of a split, as predictions.csv tells them."""
    rows = [row for row in rows_of(run / "predictions.csv") if row["split"] == split]
    return (
        np.array([row["label"] == "defective" for row in rows]),
        np.array([float(row["p_defective"]) for row in rows]),
        np.array([row["verdict"] == "REJECT" for row in rows]),
    )


def test_the_run_folder_is_named_after_the_settings(trained: Trained) -> None:
    assert re.fullmatch(r"mobilenet_adamw_standard_dr0\.5_\d{8}_\d{6}", trained.run.name)


@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_is_a_picture_that_shows_something(trained: Trained, name: str) -> None:
    with Image.open(trained.run / name) as image:
        pixels = np.asarray(image.convert("L"))
    assert min(pixels.shape) >= 200
    assert len(np.unique(pixels)) > 10


def test_no_file_is_left_over(trained: Trained) -> None:
    names = {path.name for path in trained.run.iterdir()}
    tables = {
        "hparams.json",
        "history.csv",
        "history.jsonl",
        "manifest.csv",
        "metrics.json",
        "predictions.csv",
    }
    assert names == {*PLOTS, *tables, "best_model.pt", "last_state.pt", "train.log"}


def test_hparams_hold_settings_versions_and_the_hash_of_the_photos(trained: Trained) -> None:
    hparams = json.loads((trained.run / "hparams.json").read_text(encoding="utf-8"))
    assert hparams["settings"]["img_size"] == 64
    assert hparams["settings"]["seed"] == 1337
    assert hparams["machine"]["versions"]["torch"] == version("torch")
    manifest = read_csv(trained.run / "manifest.csv", trained.data)
    assert hparams["data_hash"] == manifest.data_hash() == metrics_of(trained.run)["data_hash"]


def test_the_history_is_the_same_in_both_formats_and_starts_before_training(trained: Trained) -> None:
    table = rows_of(trained.run / "history.csv")
    lines = (trained.run / "history.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["epoch"] for record in records] == [0, 1, 2]
    for row, record in zip(table, records, strict=True):
        assert row == {name: "" if value is None else str(value) for name, value in record.items()}


def test_the_log_tells_settings_epochs_and_results(trained: Trained) -> None:
    log = (trained.run / "train.log").read_text(encoding="utf-8")
    for word in ("settings {", "photos {", "weights ", 'epoch {"epoch": 2', "test {"):
        assert word in log


def test_predictions_hold_every_photo_once_with_its_own_label(trained: Trained) -> None:
    rows = rows_of(trained.run / "predictions.csv")
    assert {row["file"] for row in rows} == {
        path.relative_to(trained.data).as_posix() for path in trained.data.rglob("*.png")
    }
    assert Counter(row["split"] for row in rows) == {split: 2 * count for split, count in COUNTS.items()}
    for row in rows:
        split, name, _ = row["file"].split("/")
        assert (row["split"], row["class"]) == (split, name)
        assert row["label"] == ("good" if name == "ok" else "defective")
        rejected = float(row["p_defective"]) >= float(row["threshold"])
        assert row["verdict"] == ("REJECT" if rejected else "ACCEPT")
        assert row["correct"] == str(int(rejected == (name != "ok")))


def test_the_threshold_is_that_of_the_validation_photos_on_every_split(trained: Trained) -> None:
    metrics = metrics_of(trained.run)
    defective, p, _ = scored(trained.run, "val")
    assert tune_threshold(defective, p, "macro_f1").threshold == metrics["threshold"]
    assert {split["threshold"] for split in metrics["splits"].values()} == {metrics["threshold"]}
    assert load_checkpoint(trained.run / "best_model.pt").threshold == metrics["threshold"]


@pytest.mark.parametrize("split", COUNTS)
def test_metrics_follow_from_the_predictions(trained: Trained, split: str) -> None:
    found = metrics_of(trained.run)["splits"][split]
    defective, p, called = scored(trained.run, split)
    tn, fp, fn, tp = (int(count) for count in reference.confusion_matrix(defective, called).ravel())
    assert (found["tn"], found["fp"], found["fn"], found["tp"]) == (tn, fp, fn, tp)
    expected = {
        "accuracy": reference.accuracy_score(defective, called),
        "balanced_accuracy": reference.balanced_accuracy_score(defective, called),
        "recall": reference.recall_score(defective, called),
        "macro_f1": reference.f1_score(defective, called, average="macro"),
        "auc_pr": reference.average_precision_score(defective, p),
        "auc_roc": reference.roc_auc_score(defective, p),
        "brier": reference.brier_score_loss(defective, p),
        "log_loss": reference.log_loss(defective, p),
        "expected_cost": (10 * fn + fp) / len(defective),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_the_program_prints_machine_photos_epochs_and_results(trained: Trained) -> None:
    for word in ("Hardware", "blow hole", "Riß", "0/2", "2/2", "best", "macro-F1", trained.run.name):
        assert word in trained.done.out
    assert trained.done.err == ""


def test_the_console_script_run_again_gives_the_same_bytes(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "my photos").symlink_to(trained.data)
    done = run_script(
        ["train", "--data", "my photos", "--recipe", "reference", "--no-gate", *SMALL], tmp_path
    )
    assert done.code == 0, done.text
    again = only_run(tmp_path / "runs")
    for name in ("metrics.json", "predictions.csv", "history.csv", "history.jsonl", "manifest.csv"):
        assert (again / name).read_bytes() == (trained.run / name).read_bytes(), name


def test_a_new_split_is_made_by_class_where_it_is_asked_for(castproof: Server, tmp_path: Path) -> None:
    fill_class(tmp_path / "photos" / "Gut", 20, 1, bright=True)
    fill_class(tmp_path / "photos" / "Ausschuss", 10, 2, bright=False)
    done = castproof.run(
        ["train", "--data", "photos", *SMALL, "--split", "parts", "--val-share", "0.2"], tmp_path
    )
    assert done.code == 0, done.text
    run = only_run(tmp_path / "runs")
    counts = Counter((row["split"], row["class"]) for row in rows_of(run / "predictions.csv"))
    assert sum(counts.values()) == 30
    assert [counts[split, "Gut"] for split in COUNTS] == [13, 4, 3]
    assert [counts[split, "Ausschuss"] for split in COUNTS] == pytest.approx([6.5, 2, 1.5], abs=0.5)
    assert metrics_of(run)["classes"] == {"good": ["Gut"], "defective": ["Ausschuss"]}


def test_a_run_inside_of_the_photos_is_refused(castproof: Server, tmp_path: Path) -> None:
    fill_splits(tmp_path / "photos", COUNTS)
    before = sorted(tmp_path.rglob("*"))
    done = castproof.run(["train", "--data", "photos", *SMALL, "--outdir", "photos/runs"], tmp_path)
    assert done.code == 1, done.text
    assert "lies in" in done.err
    assert sorted(tmp_path.rglob("*")) == before


def test_every_setting_reaches_the_run(castproof: Server, tmp_path: Path) -> None:
    fill_splits(tmp_path / "photos", {"train": 4, "val": 3, "test": 2})
    values = {
        "recipe": "reference",
        "features": "last",
        "head": "hidden",
        "split": "given",
        "folds": 4,
        "weigh": "parts",
        "weights": "none",
        "img_size": 48,
        "epochs": 3,
        "batch_size": 3,
        "lr": 1e-3,
        "min_lr": 1e-5,
        "wd": 0.01,
        "seed": 5,
        "num_workers": 2,
        "patience": 3,
        "min_delta": 0.001,
        "warmup_epochs": 1,
        "sched": "constant",
        "clip_norm": 0.5,
        "optimizer": "sgd",
        "momentum": 0.8,
        "label_smoothing": 0.1,
        "dropout": 0.25,
        "aug_level": "heavy",
        "tune_for": "def_f1",
        "cost_fn": 7.0,
        "cost_fp": 2.0,
        "unfreeze": "1",
        "backbone_lr_mult": 0.2,
        "head_only_epochs": 1,
        "device": "cpu",
    }
    flags = [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    done = castproof.run(["train", "--data", "photos", "--outdir", "my runs", "--no-bars", *flags], tmp_path)
    assert done.code == 0, done.text
    run = only_run(tmp_path / "my runs")
    settings = json.loads((run / "hparams.json").read_text(encoding="utf-8"))["settings"]
    assert not (run / "crossval").exists(), "validation photos are the evidence"
    assert {name: settings[name] for name in values} == values
    assert run.name.startswith("mobilenet_sgd_heavy_dr0.25_")
    assert metrics_of(run)["costs"] == {"missed_defect": 7, "good_not_passed": 2}
    rates = [float(row["lr_backbone"]) for row in rows_of(run / "history.csv")]
    assert rates[:3] == pytest.approx([0, 0, 0.2e-3])
    defective, p, _ = scored(run, "val")
    assert tune_threshold(defective, p, "def_f1").threshold == metrics_of(run)["threshold"]


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    """Return an environment without downloaded weights where every download fails at once."""
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9")
    return {"TORCH_HOME": str(tmp_path / "torch"), **proxies}


def test_imagenet_weights_asked_for_offline_are_an_error_that_says_what_to_do(
    castproof: Server, tmp_path: Path, offline: dict[str, str]
) -> None:
    fill_splits(tmp_path / "casting_data", {"train": 4, "val": 3, "test": 2})
    done = castproof.run([*AS_WRITTEN, "--weights", "imagenet"], tmp_path, offline)
    assert done.code == 1
    for word in ("could not be downloaded", "--weights castings", "--weights FILE"):
        assert word in " ".join(done.err.split())
    assert "Traceback" not in done.text
    assert not list((tmp_path / "runs").iterdir()), "nothing that looks like a run is left behind"


def test_the_command_of_the_readme_goes_on_offline_with_shipped_weights_and_says_so(
    castproof: Server, tmp_path: Path, offline: dict[str, str]
) -> None:
    fill_splits(tmp_path / "casting_data", {"train": 4, "val": 3, "test": 2})
    done = castproof.run([*AS_WRITTEN, "--epochs", "2"], tmp_path, offline)
    assert done.code == 0, done.text
    said = "ImageNet's are not on this machine and could not be downloaded"
    assert said in " ".join(done.out.split())
    run = only_run(tmp_path / "runs")
    assert said in metrics_of(run)["weights"]
    hparams = json.loads((run / "hparams.json").read_text(encoding="utf-8"))
    assert hparams["settings"]["weights"] == "castings", (
        "so that it can be resumed wherever weights are found"
    )


def test_the_command_of_the_readme_trains_with_weights_in_the_cache(
    castproof: Server, tmp_path: Path, offline: dict[str, str]
) -> None:
    fill_splits(tmp_path / "casting_data", {"train": 4, "val": 3, "test": 2})
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.manual_seed(1)
    weights = mobilenet_v3_small(weights=None).state_dict()
    torch.save(weights, folder / find_network("mobilenet").imagenet.url.rpartition("/")[2])
    done = castproof.run([*AS_WRITTEN, "--epochs", "2"], tmp_path, offline)
    assert done.code == 0, done.text
    run = only_run(tmp_path / "runs")
    assert metrics_of(run)["weights"] == "torchvision IMAGENET1K_V1"
    kept = load_checkpoint(run / "best_model.pt")
    assert kept.spec.preprocess.size_px == 300
    assert all(
        torch.equal(value, weights[key]) for key, value in kept.network.backbone.net.state_dict().items()
    ), "a frozen backbone keeps its starting weights"


def test_the_script_is_installed() -> None:
    assert SCRIPT.is_file()
    done = run_script(["--version"], Path.cwd())
    assert (done.code, done.out.split()[0]) == (0, "castproof")
