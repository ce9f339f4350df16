"""Ctrl-C keeps a usable run, and --resume ends like a run that was never stopped."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from castproof_process import Server
from safetensors.torch import save_file
from small_run import SMALL, Trained, fill_class, fill_splits, only_run

from castproof.model.backbones import seeded_backbone

STEADY = (
    "--recipe",
    "reference",
    "--weights",
    "none",
    "--img-size",
    "64",
    "--num-workers",
    "1",
    "--no-bars",
    "--patience",
    "99",
)
RESULTS = ("metrics.json", "predictions.csv", "history.csv", "history.jsonl", "manifest.csv")


def epochs_logged(runs: Path, count: int) -> Callable[[], bool]:
    """Return a question: has the only run logged `count` epochs?"""

    def reached() -> bool:
        logs = list(runs.glob("*/train.log"))
        return bool(logs) and logs[0].read_text(encoding="utf-8").count(" epoch {") >= count

    return reached


@pytest.mark.parametrize(
    "learning",
    [("--epochs", "60"), ("--epochs", "12", "--unfreeze", "2", "--head-only-epochs", "2")],
    ids=["frozen", "two blocks"],
)
def test_an_interrupted_run_is_usable_and_resumes_to_the_same_result(
    learning: tuple[str, ...], castproof: Server, tmp_path: Path
) -> None:
    data = fill_splits(tmp_path / "photos", {"train": 8, "val": 5, "test": 3})
    command = ["train", "--data", "photos", *STEADY, *learning]
    whole = castproof.run([*command, "--outdir", "whole"], tmp_path)
    assert whole.code == 0, whole.text
    runs = tmp_path / "runs"
    stopped = castproof.run(command, tmp_path, interrupt_when=epochs_logged(runs, 4))
    run = only_run(runs)
    assert stopped.code == 130, stopped.text
    message = " ".join(stopped.err.split())
    assert f"castproof train --resume runs/{run.name}" in message
    assert "Traceback" not in stopped.text
    assert not (run / "metrics.json").exists(), "the run is stopped before its end"
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []

    judged = castproof.run(["predict", run, data / "test", "--csv", "verdicts.csv"], tmp_path)
    assert judged.code == 0, judged.text
    assert len((tmp_path / "verdicts.csv").read_text(encoding="utf-8").splitlines()) == 1 + 6

    resumed = castproof.run(["train", "--resume", run, "--no-bars"], tmp_path)
    assert resumed.code == 0, resumed.text
    for name in RESULTS:
        assert (run / name).read_bytes() == (only_run(tmp_path / "whole") / name).read_bytes(), name


def test_a_run_stopped_before_its_first_epoch_resumes(castproof: Server, tmp_path: Path) -> None:
    fill_splits(tmp_path / "photos", {"train": 8, "val": 5, "test": 3})
    runs = tmp_path / "runs"
    stopped = castproof.run(
        ["train", "--data", "photos", *SMALL],
        tmp_path,
        interrupt_when=lambda: bool(list(runs.glob("*/hparams.json"))),
    )
    assert stopped.code == 130, stopped.text
    run = only_run(runs)
    assert f"--resume runs/{run.name}" in " ".join(stopped.err.split())
    resumed = castproof.run(["train", "--resume", run, "--no-bars"], tmp_path)
    assert resumed.code == 0, resumed.text
    assert (run / "metrics.json").is_file()


def test_a_complete_run_is_not_resumed(castproof: Server, trained: Trained) -> None:
    done = castproof.run(["train", "--resume", trained.run], trained.run.parents[1])
    assert done.code == 1
    assert "is complete" in " ".join(done.err.split())


def test_a_folder_that_is_no_run_is_not_resumed(castproof: Server, tmp_path: Path) -> None:
    done = castproof.run(["train", "--resume", tmp_path], tmp_path)
    assert done.code == 1
    assert "is not a run folder" in " ".join(done.err.split())


def test_a_run_whose_photos_have_changed_is_not_resumed(castproof: Server, tmp_path: Path) -> None:
    data = fill_splits(tmp_path / "photos", {"train": 4, "val": 3, "test": 2})
    done = castproof.run(["train", "--data", "photos", *SMALL], tmp_path)
    assert done.code == 0, done.text
    run = only_run(tmp_path / "runs")
    (run / "metrics.json").unlink()
    shutil.rmtree(data / "train" / "ok")
    fill_class(data / "train" / "ok", 4, 99, bright=True)
    resumed = castproof.run(["train", "--resume", run], tmp_path)
    assert resumed.code == 1
    told = " ".join(resumed.err.replace("│", " ").split())
    assert "are not those that" in told
    assert "was started with" in told
    assert "Traceback" not in resumed.text


def test_a_run_whose_weights_have_changed_is_not_resumed(castproof: Server, tmp_path: Path) -> None:
    fill_splits(tmp_path / "photos", {"train": 4, "val": 3, "test": 2})
    weights = tmp_path / "start.safetensors"
    save_file(seeded_backbone("mobilenet", seed=1).net.state_dict(), weights)
    done = castproof.run(["train", "--data", "photos", *SMALL, "--weights", weights], tmp_path)
    assert done.code == 0, done.text
    run = only_run(tmp_path / "runs")
    (run / "metrics.json").unlink()
    save_file(seeded_backbone("mobilenet", seed=2).net.state_dict(), weights)
    resumed = castproof.run(["train", "--resume", run], tmp_path)
    assert resumed.code == 1
    assert "start.safetensors are not those that" in " ".join(resumed.err.replace("│", " ").split())


@pytest.mark.parametrize("name", ["hparams.json", "last_state.pt"])
@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"{}"])
def test_a_run_with_a_broken_file_is_not_resumed(
    name: str, content: bytes, castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    (tmp_path / "my photos").symlink_to(trained.data)
    shutil.copytree(trained.run, tmp_path / "run")
    (tmp_path / "run" / "metrics.json").unlink()
    (tmp_path / "run" / name).write_bytes(content)
    done = castproof.run(["train", "--resume", "run"], tmp_path)
    assert done.code == 1, done.text
    assert name in done.err
    assert "Traceback" not in done.text
