"""Whatever is in the files of a run, the commands that read it say what is wrong, and nothing becomes a verdict."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from castproof_process import Server
from small_run import Trained

from castproof.model.checkpoint import load_state, save_state
from castproof.run_folder import RunFolder

DEEP = '{"settings": ' + "[" * 100_000 + "]" * 100_000 + "}"
READERS = ("evaluate", "predict", "export", "validate", "decide", "report")


Spoil = Callable[[RunFolder], None]


def setting(**changes: Any) -> Spoil:
    def spoil(run: RunFolder) -> None:
        stored = run.read_hparams()
        run.write_hparams({**stored, "settings": {**stored["settings"], **changes}})

    return spoil


def network(size_px: int = 64, **changes: Any) -> Spoil:
    def spoil(run: RunFolder) -> None:
        state = load_state(run.best_model)
        preprocess = {**state["spec"]["preprocess"], "size_px": size_px}
        save_state({**state, "spec": {**state["spec"], **changes, "preprocess": preprocess}}, run.best_model)

    return spoil


def deep_hparams(run: RunFolder) -> None:
    run.hparams.write_text(DEEP)


def deep_gate(run: RunFolder) -> None:
    (run.path / "gate").mkdir(exist_ok=True)
    (run.path / "gate" / "gate.json").write_text(DEEP)


def huge_cell(run: RunFolder) -> None:
    text = run.predictions.read_text(encoding="utf-8")
    run.predictions.write_text(text.replace("\n", "\n" + "x" * 200_000, 2), encoding="utf-8")


def endless_tensor(run: RunFolder) -> None:
    save_state({"tensors": torch.zeros(1).expand(10**13)}, run.best_model)


ATTACKS: dict[str, tuple[Spoil, str, tuple[str, ...]]] = {
    "deep hparams": (deep_hparams, "hparams.json", READERS),
    "deep gate": (deep_gate, "gate.json", ("predict", "export", "validate", "report")),
    "huge cell": (huge_cell, "predictions.csv", ("decide", "report")),
    "epochs without end": (setting(epochs=10**15), "--epochs", ("decide", "evaluate")),
    "workers without end": (setting(num_workers=10**9), "--num-workers", ("evaluate",)),
    "data is a number": (setting(data=5), "--data", ("decide", "report")),
    "size of a million": (network(10**6), "best_model.pt", ("predict", "export")),
    "size of zero": (network(0), "best_model.pt", ("predict",)),
    "negative size": (network(-5), "best_model.pt", ("evaluate",)),
    "dropout that is no number": (network(dropout=float("nan")), "best_model.pt", ("export",)),
    "a billion heads": (network(head=10**9), "best_model.pt", ("predict",)),
    "a tensor without end": (endless_tensor, "best_model.pt", ("predict",)),
}


def words(command: str, run: Path, data: Path) -> list[str | Path]:
    return {
        "evaluate": ["evaluate", run, "--data", data, "--no-bars"],
        "predict": ["predict", run, data, "--no-bars"],
        "export": ["export", run, "-o", "model.onnx"],
        "validate": ["validate", run, "--data", data],
        "decide": ["decide", run],
        "report": ["report", run],
    }[command]


@pytest.mark.parametrize(
    ("attack", "command"), [(attack, one) for attack, (_, _, commands) in ATTACKS.items() for one in commands]
)
def test_a_run_with_absurd_files_is_refused_in_words(
    attack: str, command: str, castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    spoil, said, _ = ATTACKS[attack]
    run = RunFolder(tmp_path / "run")
    shutil.copytree(trained.run, run.path)
    spoil(run)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    done = castproof.run(words(command, run.path, trained.data), tmp_path)
    told = " ".join(done.err.replace("│", " ").split())
    assert done.code == 1, done.text
    assert "could not go on" in told
    assert said in told
    assert "Traceback" not in done.text
    assert len(done.text) < 5_000
    assert not (tmp_path / "model.onnx").exists()
    after = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert {path: data for path, data in after.items() if path in before} == before


def test_a_run_of_absurd_settings_does_not_resume(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    shutil.copytree(trained.run, run.path)
    run.metrics.unlink()
    stored = json.loads(run.hparams.read_text(encoding="utf-8"))
    for name, value in (("batch_size", 10**12), ("epochs", 2.5), ("seed", 2**70), ("ok", 5)):
        run.write_hparams({**stored, "settings": {**stored["settings"], name: value}})
        done = castproof.run(["train", "--resume", run.path], tmp_path)
        assert done.code == 1, done.text
        assert "Traceback" not in done.text
        assert f"--{name.replace('_', '-')}" in done.err or "do not fit" in done.err
