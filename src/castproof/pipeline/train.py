"""From a folder of photos to a trained and evaluated model in a run folder."""

from datetime import datetime
from pathlib import Path
from typing import Protocol

from castproof.data.folders import read_folders, verify_photos
from castproof.data.manifest import Manifest, read_csv
from castproof.data.placing import check_outside
from castproof.data.splits import split_photos
from castproof.errors import RunError
from castproof.files import make_folder
from castproof.pipeline.machine import Machine, describe_machine, prepare_device
from castproof.pipeline.part_ids import known_parts
from castproof.pipeline.training_run import EpochObserver, TrainResult, begin_run, run_training, start_network
from castproof.progress import Progress
from castproof.run_folder import RunFolder, create_run_folder
from castproof.settings import TrainSettings


class TrainObserver(EpochObserver, Protocol):
    """Hears how a training run goes on; a face shows it."""

    def machine_ready(self, machine: Machine) -> None:
        """The device is chosen."""

    def data_ready(self, manifest: Manifest) -> None:
        """The photos are read, verified and split."""

    def run_ready(self, run: RunFolder, settings: TrainSettings, weights: str) -> None:
        """The run folder exists and the backbone has its starting weights."""


def train(settings: TrainSettings, outdir: Path, observer: TrainObserver) -> TrainResult:
    """Return a complete run in a new folder under `outdir`.

    Raises:
        CastproofError: a setting, the data, the weights or the output folder does not fit.
        KeyboardInterrupt: the run folder then holds what `resume` needs.
    """
    check_outside(Path(settings.data), outdir)
    make_folder(outdir)
    device = prepare_device(settings.device)
    machine = describe_machine(device)
    observer.machine_ready(machine)
    manifest = read_data(settings, observer)
    observer.data_ready(manifest)
    start = start_network(settings)
    run = create_run_folder(outdir, settings.run_name, datetime.now())
    observer.run_ready(run, settings, start.weights)
    begin_run(run, settings, manifest, start, machine)
    return run_training(run, settings, manifest, start, device, observer)


def resume(run: RunFolder, observer: TrainObserver) -> TrainResult:
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
    manifest = read_data(settings, observer)
    if manifest.data_hash() != stored.get("data_hash"):
        raise RunError(
            f"The photos in {settings.data} are not those that {run.path} was started with.",
            rule="A resumed run must end like an uninterrupted one.",
            fix="Restore the photos, or train a new run.",
        )
    _check_parts_of(run, manifest)
    observer.data_ready(manifest)
    start = start_network(settings)
    if start.weights_hash() != stored.get("weights_hash"):
        raise RunError(
            f"The weights {settings.weights} are not those that {run.path} was started with.",
            rule="A resumed run must end like an uninterrupted one.",
            fix="Restore the file, or train a new run.",
        )
    observer.run_ready(run, settings, start.weights)
    return run_training(run, settings, manifest, start, device, observer)


def _check_parts_of(run: RunFolder, manifest: Manifest) -> None:
    """Raise RunError where photos show other parts than those that `run` was started with."""
    before = {photo.file: photo.part for photo in read_csv(run.manifest, manifest.root).photos}
    if any(before.get(photo.file) != photo.part for photo in manifest.photos):
        raise RunError(
            f"Photos of {run.path} are said to show other parts than when it was started.",
            rule="A resumed run must end like an uninterrupted one.",
            fix="Restore the table of parts, or train a new run.",
        )


def read_photos(settings: TrainSettings, progress: Progress) -> Manifest:
    """Return the verified photos, as they are split in their folder, with the part that each of them shows.

    Raises:
        DataError: folders or classes do not fit, or photos cannot be decoded.
    """
    manifest = read_folders(Path(settings.data), settings.ok)
    manifest = verify_photos(manifest, skip_unreadable=settings.skip_unreadable, progress=progress)
    return known_parts(manifest, settings.parts, progress=progress).manifest


def read_data(settings: TrainSettings, progress: Progress) -> Manifest:
    """Return the photos of a run, see `read_photos`, with the splits that its settings ask for.

    Raises:
        DataError: folders, classes or splits do not fit, or photos cannot be decoded.
    """
    manifest = read_photos(settings, progress)
    if settings.split == "parts":
        manifest = manifest.unsplit()
    if manifest.of_split(""):
        manifest = split_photos(
            manifest, val=settings.val_share, test=settings.test_share, seed=settings.seed
        )
    return manifest
