"""From a folder of photos to a trained and evaluated model in a run folder."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import torch

from castproof.data.folders import read_folders, verify_photos
from castproof.data.manifest import SPLITS, Manifest
from castproof.data.splits import split_photos
from castproof.errors import RunError
from castproof.files import make_folder, write_csv, write_error, write_text
from castproof.measure.evaluation import ScoredSplit, score_split
from castproof.model.device import pick_device, prepare, worker_threads
from castproof.model.learning import FinetuneLearner, FrozenLearner, LabelledPhotos, Learner
from castproof.model.network import Classifier, NetworkSpec, build_network, p_defective
from castproof.model.photos import PhotoBatches
from castproof.model.training import EpochRecord, Trainer
from castproof.model.weights import load_weights, weights_hash
from castproof.pipeline.machine import Machine, describe_machine
from castproof.pipeline.part_ids import with_recorded_parts
from castproof.pipeline.results import Evaluation, evaluation_context, write_evaluation
from castproof.pipeline.samples import draw_train_samples
from castproof.preprocess import PreprocessSpec
from castproof.progress import Progress
from castproof.report import training_curves as curves
from castproof.report.style import save
from castproof.run_folder import RunFolder, create_run_folder
from castproof.settings import TrainSettings

log = logging.getLogger("castproof")
LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(message)s"


class TrainObserver(Progress, Protocol):
    """Hears how a training run goes on; a face shows it."""

    def machine_ready(self, machine: Machine) -> None:
        """The device is chosen."""

    def data_ready(self, manifest: Manifest) -> None:
        """The photos are read, verified and split."""

    def run_ready(self, run: RunFolder, settings: TrainSettings, weights: str) -> None:
        """The run folder exists and the backbone has its starting weights."""

    def epoch_done(self, record: EpochRecord) -> None:
        """One more epoch is trained, measured and stored."""


@dataclass(frozen=True)
class TrainResult:
    """A complete run.

    Args:
        run: its folder.
        history: one record per epoch, epoch 0 first.
        splits: train, val and test, scored with the network of the best epoch.
    """

    run: RunFolder
    history: Sequence[EpochRecord]
    splits: Sequence[ScoredSplit]

    @property
    def best(self) -> EpochRecord:
        """The epoch whose network was kept."""
        return best_epoch(self.history)


def train(settings: TrainSettings, outdir: Path, observer: TrainObserver) -> TrainResult:
    """Return a complete run in a new folder under `outdir`.

    Raises:
        CastproofError: a setting, the data, the weights or the output folder does not fit.
        KeyboardInterrupt: the run folder then holds what `resume` needs.
    """
    make_folder(outdir)
    device = pick_device(settings.device)
    machine = _start(device, observer)
    manifest = read_data(settings, observer)
    observer.data_ready(manifest)
    start = _start_network(settings)
    run = create_run_folder(outdir, settings.run_name, datetime.now())
    observer.run_ready(run, settings, start.weights)
    run.write_hparams(
        {
            "settings": settings.to_json(),
            "data_hash": manifest.data_hash(),
            "weights_hash": weights_hash(start.network.backbone),
            "machine": machine.to_json(),
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        }
    )
    manifest.write_csv(run.manifest)
    return _run(run, settings, manifest, start, device, observer)


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
    device = pick_device(settings.device)
    _start(device, observer)
    manifest = read_data(settings, observer)
    if manifest.data_hash() != stored.get("data_hash"):
        raise RunError(
            f"The photos in {settings.data} are not those that {run.path} was started with.",
            rule="A resumed run must end like an uninterrupted one.",
            fix="Restore the photos, or train a new run.",
        )
    observer.data_ready(manifest)
    start = _start_network(settings)
    if weights_hash(start.network.backbone) != stored.get("weights_hash"):
        raise RunError(
            f"The weights {settings.weights} are not those that {run.path} was started with.",
            rule="A resumed run must end like an uninterrupted one.",
            fix="Restore the file, or train a new run.",
        )
    observer.run_ready(run, settings, start.weights)
    return _run(run, settings, manifest, start, device, observer)


def read_data(settings: TrainSettings, progress: Progress) -> Manifest:
    """Return the verified and split photos of a run, with the part that each of them shows.

    Raises:
        DataError: folders, classes or splits do not fit, or photos cannot be decoded.
    """
    manifest = read_folders(Path(settings.data), settings.ok)
    manifest = verify_photos(manifest, skip_unreadable=settings.skip_unreadable, progress=progress)
    manifest = with_recorded_parts(manifest, progress=progress)
    if settings.split == "parts":
        manifest = replace(manifest, photos=tuple(replace(photo, split="") for photo in manifest.photos))
    if manifest.of_split(""):
        manifest = split_photos(
            manifest, val=settings.val_share, test=settings.test_share, seed=settings.seed
        )
    return manifest


@dataclass(frozen=True)
class _Untrained:
    """The network before training, and where its weights came from."""

    network: Classifier
    spec: NetworkSpec
    weights: str


def _start_network(settings: TrainSettings) -> _Untrained:
    spec = NetworkSpec(settings.model, settings.dropout, PreprocessSpec(settings.img_size))
    network = build_network(spec, settings.seed)
    network.backbone.trainable_blocks(settings.unfreeze)
    return _Untrained(network, spec, load_weights(network.backbone, settings.weights))


def _start(device: torch.device, observer: TrainObserver) -> Machine:
    prepare(device)
    machine = describe_machine(device)
    observer.machine_ready(machine)
    return machine


def _run(
    run: RunFolder,
    settings: TrainSettings,
    manifest: Manifest,
    start: _Untrained,
    device: torch.device,
    observer: TrainObserver,
) -> TrainResult:
    with _logged_to(run.log):
        log.info("settings %s", json.dumps(settings.to_json()))
        log.info("photos %s, unreadable %d", json.dumps(manifest.counts()), len(manifest.unreadable))
        log.info("weights %s", start.weights)
        draw_train_samples(manifest, settings, run.path / "train_samples.png")
        splits = _labelled_photos(manifest, settings)
        make_learner = FrozenLearner if settings.frozen else FinetuneLearner
        learner = make_learner(start.network.to(device), splits, settings, device, observer)
        labels = {name: split.defective for name, split in splits.items()}
        trainer = Trainer(
            learner, settings, labels, manifest.classes, start.spec, run.best_model, run.last_state
        )
        if run.last_state.is_file():
            trainer.resume()
            log.info("resumed")
        history = trainer.run(lambda record: _note_epoch(record, observer), observer)
        _write_history(history, manifest, run)
        scored = _score(learner, labels, history, settings, observer)
        write_evaluation(_evaluation(manifest, scored, history, settings, start.weights), run.path)
        for split in scored:
            log.info("%s %s", split.name, json.dumps(dict(split.metrics)))
        return TrainResult(run, history, scored)


def _labelled_photos(manifest: Manifest, settings: TrainSettings) -> dict[str, LabelledPhotos]:
    threads = worker_threads(settings.num_workers)
    labelled = {}
    for name in SPLITS:
        photos = manifest.of_split(name)
        labelled[name] = LabelledPhotos(
            PhotoBatches([manifest.path(photo) for photo in photos], settings.img_size, threads),
            torch.tensor([int(photo.defective) for photo in photos]),
        )
    return labelled


def _note_epoch(record: EpochRecord, observer: TrainObserver) -> None:
    log.info("epoch %s", json.dumps(asdict(record)))
    observer.epoch_done(record)


def _score(
    learner: Learner,
    labels: dict[str, torch.Tensor],
    history: Sequence[EpochRecord],
    settings: TrainSettings,
    progress: Progress,
) -> list[ScoredSplit]:
    threshold = best_epoch(history).threshold
    return [
        score_split(
            name,
            labels[name].numpy().astype(bool),
            p_defective(learner.logits(name, progress)).numpy(),
            threshold,
            settings.cost_fn,
            settings.cost_fp,
        )
        for name in SPLITS
    ]


def best_epoch(history: Sequence[EpochRecord]) -> EpochRecord:
    """Return the record of the epoch whose network was kept."""
    return next(record for record in reversed(history) if record.is_best)


def _evaluation(
    manifest: Manifest,
    scored: Sequence[ScoredSplit],
    history: Sequence[EpochRecord],
    settings: TrainSettings,
    weights: str,
) -> Evaluation:
    best = best_epoch(history)
    context = evaluation_context(manifest, settings, best.threshold, "val", best.epoch)
    context["weights"] = weights
    return Evaluation(manifest, scored, {name: manifest.of_split(name) for name in SPLITS}, context)


def _write_history(history: Sequence[EpochRecord], manifest: Manifest, run: RunFolder) -> None:
    rows = [asdict(record) for record in history]
    write_text(run.history_jsonl, "".join(json.dumps(row) + "\n" for row in rows))
    columns = [column.name for column in fields(EpochRecord)]
    write_csv(run.history_csv, columns, [[row[name] for name in columns] for row in rows])
    photos = {name: manifest.of_split(name) for name in ("train", "val")}
    sizes = {name: (len(split), sum(one.defective for one in split)) for name, split in photos.items()}
    for draw in (curves.loss_curves, curves.f1_curves, curves.learning_curves, curves.lr_schedule):
        save(draw(rows, sizes), run.path / f"{draw.__name__}.png")


class _LogFile(logging.FileHandler):
    """Leaves out what a full disk does not take; the results that cannot be written tell of it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        pass

    def close(self) -> None:
        with suppress(OSError):
            super().close()


@contextmanager
def _logged_to(path: Path) -> Iterator[None]:
    try:
        handler = _LogFile(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise write_error(path, error) from error
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    except BaseException as error:
        log.error("stopped: %s", f"{type(error).__name__} {error}".strip())
        raise
    finally:
        log.removeHandler(handler)
        handler.close()
