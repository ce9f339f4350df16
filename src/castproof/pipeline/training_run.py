"""One training run on photos that are split: learn, keep a network, score every split, write the run folder."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import torch

from castproof.data.manifest import SPLITS, Manifest
from castproof.files import write_csv, write_error, write_text
from castproof.measure.decision import Thresholds
from castproof.measure.evaluation import ScoredSplit, score_split
from castproof.model.device import worker_threads
from castproof.model.features import FeatureTable
from castproof.model.learning import FinetuneLearner, FrozenLearner, LabelledPhotos, Learner
from castproof.model.libraries import find_network
from castproof.model.network import Classifier, NetworkSpec, build_network, p_defective
from castproof.model.photos import PhotoBatches
from castproof.model.training import EpochRecord, Trainer
from castproof.model.weights import load_chosen, weights_hash
from castproof.pipeline.machine import Machine
from castproof.pipeline.photo_weights import photo_weights
from castproof.pipeline.results import Evaluation, evaluation_context, write_evaluation
from castproof.pipeline.samples import draw_train_samples
from castproof.progress import Progress
from castproof.report import training_curves as curves
from castproof.report.style import save
from castproof.run_folder import RunFolder
from castproof.settings import TrainSettings

log = logging.getLogger("castproof")
LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(message)s"


class EpochObserver(Progress, Protocol):
    """Hears of every epoch."""

    def epoch_done(self, record: EpochRecord) -> None:
        """One more epoch is trained, measured and stored."""


@dataclass(frozen=True)
class TrainResult:
    """A complete run.

    Args:
        run: its folder.
        history: one record per epoch, epoch 0 first.
        splits: train, and val and test where they have photos, scored with the network that was kept.
    """

    run: RunFolder
    history: Sequence[EpochRecord]
    splits: Sequence[ScoredSplit]

    @property
    def best(self) -> EpochRecord:
        """The epoch whose network was kept."""
        return best_epoch(self.history)


@dataclass(frozen=True)
class Untrained:
    """The network before training.

    Args:
        network: with its starting weights.
        spec: how it is built.
        weights: where they came from, in words.
        settings: those given, with the weights that were really used instead of "auto".
    """

    network: Classifier
    spec: NetworkSpec
    weights: str
    settings: TrainSettings

    def weights_hash(self) -> str:
        """Return a hex SHA-256 of the starting weights."""
        return weights_hash(self.network.backbone)


def start_network(settings: TrainSettings) -> Untrained:
    """Return the network that a run with `settings` starts from.

    Raises:
        SettingError: there is no such backbone, or more blocks are to learn than there are.
        WeightsError: the starting weights cannot be had.
    """
    spec = NetworkSpec(
        settings.model,
        settings.dropout,
        find_network(settings.model).preprocess(settings.img_size),
        settings.features,
        settings.heads,
    )
    network = build_network(spec, settings.seed)
    network.backbone.trainable_blocks(settings.unfreeze)
    used, words = load_chosen(network.backbone, settings.weights)
    return Untrained(network, spec, words, replace(settings, weights=used))


def begin_run(
    run: RunFolder, settings: TrainSettings, manifest: Manifest, start: Untrained, machine: Machine
) -> None:
    """Write manifest.csv and last hparams.json, which makes the folder a run. Raises OutputError."""
    manifest.write_csv(run.manifest)
    run.write_hparams(
        {
            "settings": settings.to_json(),
            "data_hash": manifest.data_hash(),
            "weights_hash": start.weights_hash(),
            "machine": machine.to_json(),
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        }
    )


def run_training(
    run: RunFolder,
    settings: TrainSettings,
    manifest: Manifest,
    start: Untrained,
    device: torch.device,
    observer: EpochObserver,
    table: FeatureTable | None = None,
) -> TrainResult:
    """Return a complete run in `run`, gone on with where it was stopped.

    Args:
        run: a folder that `begin_run` has written to.
        settings: those of the run.
        manifest: photos with their splits; val may be empty where the settings need none, test may be empty.
        start: the untrained network; it is trained in place.
        device: where it computes.
        observer: told of every epoch and batch.
        table: features of a frozen network that are known already.

    Raises:
        CastproofError: a photo cannot be decoded, the run cannot be gone on with, or training diverges.
    """
    with _logged_to(run.log):
        log.info("settings %s", json.dumps(settings.to_json()))
        log.info("photos %s, unreadable %d", json.dumps(manifest.counts()), len(manifest.unreadable))
        log.info("weights %s", start.weights)
        draw_train_samples(manifest, settings, run.path / "train_samples.png")
        splits = _labelled_photos(manifest, settings)
        learner = _learner(start.network.to(device), splits, settings, device, observer, table)
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


def _learner(
    network: Classifier,
    splits: dict[str, LabelledPhotos],
    settings: TrainSettings,
    device: torch.device,
    progress: Progress,
    table: FeatureTable | None,
) -> Learner:
    if settings.frozen:
        return FrozenLearner(network, splits, settings, device, progress, table)
    return FinetuneLearner(network, splits, settings, device, progress)


def _labelled_photos(manifest: Manifest, settings: TrainSettings) -> dict[str, LabelledPhotos]:
    threads = worker_threads(settings.num_workers)
    labelled = {}
    for name in SPLITS:
        if not (photos := manifest.of_split(name)):
            continue
        labelled[name] = LabelledPhotos(
            PhotoBatches([manifest.path(photo) for photo in photos], settings.img_size, threads),
            torch.tensor([int(photo.defective) for photo in photos]),
            torch.from_numpy(photo_weights(photos, settings.weigh)),
        )
    return labelled


def _note_epoch(record: EpochRecord, observer: EpochObserver) -> None:
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
        for name in labels
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
    return Evaluation(
        manifest,
        scored,
        {split.name: manifest.of_split(split.name) for split in scored},
        context,
        Thresholds.single(best.threshold),
    )


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
