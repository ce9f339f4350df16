"""From a folder of photos to a trained and evaluated model with its gate, in a run folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from castproof.data.folds import Folds
from castproof.data.left_out import Allow
from castproof.data.manifest import Manifest, read_csv
from castproof.data.placing import check_outside
from castproof.errors import DataError, PromiseError, RunError
from castproof.files import in_use, make_folder
from castproof.model.features import FeatureTable
from castproof.model.learning import TRAIN
from castproof.pipeline.crossval import FoldedPhotos, cross_validate, remove_remains, write_features
from castproof.pipeline.crossval_rounds import RoundObserver
from castproof.pipeline.decide import Decision, auto_gate
from castproof.pipeline.good_parts import (
    GoodPartsRun,
    check_good_parts,
    good_parts_settings,
    learn_good_parts,
)
from castproof.pipeline.machine import Machine, describe_machine, prepare_device
from castproof.pipeline.recipe_choice import RecipeTrial, choose_recipe
from castproof.pipeline.training_photos import TrainingPhotos, read_training_photos
from castproof.pipeline.training_run import (
    EpochObserver,
    TrainResult,
    Untrained,
    begin_run,
    rows_by_split,
    run_training,
    start_network,
)
from castproof.recipes import AUTO
from castproof.run_folder import RunFolder, check_name, create_run_folder, names_by_time
from castproof.settings import TrainSettings


class TrainObserver(EpochObserver, RoundObserver, Protocol):
    """Hears how a training run goes on; a face shows it."""

    def machine_ready(self, machine: Machine) -> None:
        """The device is chosen."""

    def data_ready(self, photos: TrainingPhotos) -> None:
        """The photos are read, verified and split."""

    def recipe_chosen(self, recipe: str, trials: Sequence[RecipeTrial]) -> None:
        """Recipes were compared, and one of them is taken."""

    def run_ready(self, run: RunFolder, settings: TrainSettings, weights: str) -> None:
        """The run folder exists and the backbone has its starting weights."""


@dataclass(frozen=True)
class Trained:
    """A complete run with its gate.

    Args:
        result: the run.
        gate: the gate, or why the evidence carries none; None where none was wanted.
    """

    result: TrainResult
    gate: Decision | DataError | PromiseError | None


def train(
    settings: TrainSettings,
    outdir: Path,
    observer: TrainObserver,
    *,
    name: str | None = None,
    gate: bool = True,
    allow_aside: Allow = lambda _: False,
) -> Trained | GoodPartsRun:
    """Return a complete run in a new folder under `outdir`.

    Args:
        settings: those of the run.
        outdir: receives the run's folder.
        observer: told how it goes on.
        name: of the run's folder; without it, it is named by settings and time.
        gate: whether a gate is chosen at the end.
        allow_aside: asked where a large share of a class would be left out.

    Raises:
        CastproofError: a setting, the data, the weights or the output folder does not fit.
        KeyboardInterrupt: the run folder then contains what `resume` needs.
    """
    check_outside(Path(settings.data), outdir)
    make_folder(outdir)
    if name is not None:
        check_name(outdir, name)
    device = prepare_device(settings.device)
    machine = describe_machine(device)
    observer.machine_ready(machine)
    photos = read_training_photos(settings, observer, allow_aside)
    if photos.good_only:
        check_good_parts(photos.manifest)
        settings = good_parts_settings(settings)
    observer.data_ready(photos)
    if settings.recipe == AUTO:
        settings, trials = choose_recipe(settings, photos.folds, device, observer)
        observer.recipe_chosen(settings.recipe, trials)
    start = start_network(settings)
    settings = start.settings
    names = [name] if name is not None else names_by_time(settings.run_name, datetime.now())
    run = create_run_folder(outdir, names)
    observer.run_ready(run, settings, start.weights)
    begin_run(run, settings, photos.manifest, start, machine)
    return _complete(run, settings, photos, start, device, observer, gate=gate)


def resume(
    run: RunFolder, observer: TrainObserver, *, gate: bool = True, allow_aside: Allow = lambda _: False
) -> Trained | GoodPartsRun:
    """Return a complete run after going on where it stopped, with its own settings.

    Raises:
        RunError: the folder is no run, is complete already, or its photos have changed.
        CastproofError: as for `train`.
    """
    stored = run.read_hparams()
    if run.is_complete:
        raise RunError(f"{run.path} is complete.", fix="There is nothing to resume; train a new run.")
    settings = TrainSettings.from_json(stored["settings"])
    device = prepare_device(settings.device)
    observer.machine_ready(describe_machine(device))
    photos = read_training_photos(settings, observer, allow_aside)
    if photos.manifest.data_hash() != stored.get("data_hash"):
        raise RunError(
            f"The photos in {settings.data} are not those that {run.path} was started with.",
            rule="A resumed run must end like an uninterrupted one.",
            fix="Restore the photos, or train a new run.",
        )
    _check_parts_of(run, photos.manifest)
    observer.data_ready(photos)
    start = start_network(settings)
    if start.weights_hash() != stored.get("weights_hash"):
        raise RunError(
            f"The weights {settings.weights} are not those that {run.path} was started with.",
            rule="A resumed run must end like an uninterrupted one.",
            fix="Restore the file, or train a new run.",
        )
    observer.run_ready(run, settings, start.weights)
    return _complete(run, settings, photos, start, device, observer, gate=gate)


def _complete(
    run: RunFolder,
    settings: TrainSettings,
    photos: TrainingPhotos,
    start: Untrained,
    device: torch.device,
    observer: TrainObserver,
    *,
    gate: bool,
) -> Trained | GoodPartsRun:
    """Return the run with its evidence and its gate: folds first, since metrics.json marks a complete run."""
    if photos.good_only:
        return learn_good_parts(run, settings, photos.manifest, start, device, observer)
    table = None
    if photos.folds is not None:
        table = _evidence(run, settings, photos, photos.folds, start, device, observer)
    result = run_training(run, settings, photos.manifest, start, device, observer, table)
    run.features.unlink(missing_ok=True)
    return Trained(result, auto_gate(run.path) if gate else None)


def _check_parts_of(run: RunFolder, manifest: Manifest) -> None:
    """Raise RunError where photos show other parts than those that `run` was started with."""
    before = {photo.file: photo.part for photo in read_csv(run.manifest, manifest.root).photos}
    if any(before.get(photo.file) != photo.part for photo in manifest.photos):
        raise RunError(
            f"Photos of {run.path} are said to show other parts than when it was started.",
            rule="A resumed run must end like an uninterrupted one.",
            fix="Restore the table of parts, or train a new run.",
        )


def _evidence(
    run: RunFolder,
    settings: TrainSettings,
    photos: TrainingPhotos,
    folds: Folds,
    start: Untrained,
    device: torch.device,
    observer: TrainObserver,
) -> FeatureTable:
    """Return the features of all photos, computed once, after judging those of train by a cross-validation."""
    remove_remains(run.features)
    if not run.features.is_file():
        write_features(start, settings, photos.manifest, device, run.features, observer)
    rows = rows_by_split(photos.manifest)
    data = FoldedPhotos(folds, aside=photos.aside, rows=rows[TRAIN])
    with in_use(make_folder(run.crossval)):
        cross_validate(settings, data, run.crossval, start, device, observer, run.features)
    values = torch.from_numpy(np.load(run.features, mmap_mode="c"))
    return FeatureTable(values, {name: torch.tensor(of_split) for name, of_split in rows.items()})
