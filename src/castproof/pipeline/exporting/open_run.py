"""A complete run, opened with all that a model file is made of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from castproof.data.manifest import Manifest, read_csv
from castproof.errors import RunError
from castproof.gate.gate import Gate
from castproof.model.checkpoint import Checkpoint, load_checkpoint
from castproof.pipeline.gate_file import load_gate
from castproof.run_folder import CROSSVAL_PLAN, RunFolder
from castproof.settings import TrainSettings


@dataclass(frozen=True, eq=False)
class OpenRun:
    """A complete run with all that a model file is made of."""

    folder: RunFolder
    hparams: dict[str, Any]
    checkpoint: Checkpoint
    gate: Gate
    manifest: Manifest


def open_run(run: Path, data: Path | None) -> OpenRun:
    """Return a complete run with its network, gate and photos.

    Raises:
        RunError: it is a cross-validation, not complete or broken.
    """
    folder = RunFolder(run)
    if (run / CROSSVAL_PLAN).is_file():
        raise RunError(
            f"{run} is a cross-validation, which has no network of its own.",
            rule="A model file is made of one run.",
            fix=f"Train one with castproof train, decide with --evidence {run}, and export that.",
        )
    hparams = folder.read_hparams()
    if not folder.is_complete:
        raise RunError(f"{run} is not complete.", fix=f"Go on with it: castproof train --resume {run}")
    checkpoint = load_checkpoint(folder.best_model)
    root = data or Path(TrainSettings.from_json(hparams["settings"]).data)
    manifest = read_csv(folder.manifest, root)
    return OpenRun(folder, hparams, checkpoint, load_gate(folder, checkpoint.threshold), manifest)
