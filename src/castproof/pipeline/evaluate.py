"""Scoring a labelled folder with a trained run, at the thresholds of its gate."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from castproof.data.folders import read_folders, verify_photos
from castproof.data.manifest import Manifest
from castproof.errors import ClassNameError, OutputError
from castproof.files import make_folder
from castproof.gate.gate import Gate
from castproof.measure.evaluation import ScoredSplit, score_split
from castproof.model.checkpoint import Checkpoint, load_checkpoint
from castproof.pipeline.gate_file import check_single, load_gate
from castproof.pipeline.judged import refuse_good_parts
from castproof.pipeline.results import Evaluation, evaluation_context, write_evaluation
from castproof.pipeline.scoring import score_photos
from castproof.progress import SILENT, Progress
from castproof.run_folder import RunFolder
from castproof.settings import TrainSettings

WHOLE_FOLDER = "all"


def evaluate(
    run: RunFolder,
    data: Path,
    outdir: Path,
    *,
    ok: Sequence[str] = (),
    skip_unreadable: bool = False,
    device: str = "auto",
    progress: Progress = SILENT,
) -> list[ScoredSplit]:
    """Return the scored splits of `data` (one called "all" where it has no splits); write them to `outdir`.

    Args:
        run: the trained run; its network and gate are used unchanged.
        data: folder of class folders, with or without train, val and test.
        outdir: receives metrics.json, predictions.csv and the plots.
        ok: names of the good class folders; by default those given at training, else recognised by name.
        skip_unreadable: go on without photos that cannot be decoded, and record them.
        device: "auto", "cpu", "cuda" or "mps".
        progress: told of the photos checked and scored.

    Raises:
        CastproofError: the run, the photos or the output folder do not fit.
    """
    settings = TrainSettings.from_json(run.read_hparams()["settings"])
    refuse_good_parts(run.path, settings)
    checkpoint = load_checkpoint(run.best_model)
    gate = load_gate(run, checkpoint.threshold)
    check_single(gate, run.path, "evaluate")
    if RunFolder(outdir).hparams.exists():
        raise OutputError(
            f"{outdir} is a run folder.",
            rule="The results of an evaluation must not replace those of a run.",
            fix="Choose another --outdir, or leave it out.",
        )
    manifest = _read(data, ok, settings.ok)
    manifest = verify_photos(manifest, skip_unreadable=skip_unreadable, progress=progress)
    names = {name or WHOLE_FOLDER: name for name in manifest.counts()}
    photos = {shown: manifest.of_split(name) for shown, name in names.items()}
    scored = []
    for shown, members in photos.items():
        p = gate.p(score_photos(checkpoint, [manifest.path(photo) for photo in members], device, progress))
        defective = np.array([photo.defective for photo in members])
        threshold = gate.thresholds.threshold
        scored.append(score_split(shown, defective, p, threshold, settings.cost_fn, settings.cost_fp))
    make_folder(outdir)
    context = _context(run, manifest, gate, checkpoint, settings)
    write_evaluation(Evaluation(manifest, scored, photos, context, gate.thresholds), outdir)
    return scored


def _read(data: Path, ok: Sequence[str], trained_ok: Sequence[str]) -> Manifest:
    try:
        return read_folders(data, ok or trained_ok)
    except ClassNameError as error:
        if ok or not trained_ok:
            raise
        raise ClassNameError(
            f"It is not clear which class folders in {data} contain good parts.",
            rule=f"The run was trained with --ok {' --ok '.join(trained_ok)}.",
            found=error.found,
            fix="Name the good folders of this data set with --ok NAME.",
        ) from error


def _context(
    run: RunFolder, manifest: Manifest, gate: Gate, checkpoint: Checkpoint, settings: TrainSettings
) -> dict[str, Any]:
    context = evaluation_context(
        manifest, settings, gate.thresholds.threshold, "val of the run", checkpoint.epoch
    )
    if gate != Gate.at(checkpoint.threshold):
        context["threshold_from"] = f"gate of the run, {gate.policy.name}"
    context["run"] = run.path.name
    return context
