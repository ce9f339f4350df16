"""One training run on photos that are split: learn, keep a network, score every split, write the run folder."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import torch

from castproof.data.manifest import SPLITS, Manifest, Photo
from castproof.data.splits import numbered, part_key
from castproof.files import write_csv, write_error, write_text
from castproof.measure.decision import Thresholds
from castproof.measure.evaluation import ScoredSplit, score_split
from castproof.model.checkpoint import Checkpoint, save_checkpoint
from castproof.model.defect_types import TypesFit, TypesTrial
from castproof.model.device import worker_threads
from castproof.model.features import FeatureTable
from castproof.model.learning import TRAIN, FinetuneLearner, FrozenLearner, LabelledPhotos, Learner
from castproof.model.libraries import find_network
from castproof.model.network import Classifier, NetworkSpec, build_network, p_defective
from castproof.model.photos import PhotoBatches
from castproof.model.ridge import StrengthTrial
from castproof.model.training import VAL, EpochRecord, Trainer, tuned_threshold
from castproof.model.weights import load_chosen, weights_hash
from castproof.pipeline.machine import Machine
from castproof.pipeline.photo_weights import photo_weights
from castproof.pipeline.results import Evaluation, evaluation_context, write_evaluation
from castproof.pipeline.samples import draw_train_samples
from castproof.progress import Progress
from castproof.report import training_curves as curves
from castproof.report.style import save
from castproof.run_folder import RunFolder
from castproof.settings import UNTUNED, TrainSettings

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
        manifest: its photos.
        learnt: what training came to.
        splits: train, and val and test where they have photos, scored with the network that was kept.
    """

    run: RunFolder
    manifest: Manifest
    learnt: "Learnt"
    splits: Sequence[ScoredSplit]


@dataclass(frozen=True)
class Learnt:
    """What training came to.

    Args:
        threshold: on `p_defective`.
        epoch: the epoch whose network was kept; 0 for a linear head, which is fitted at once.
        history: one record per epoch, epoch 0 first; none for a linear head.
        trials: the strengths of the ridge that were tried for a linear head.
        types: how well it names the types of defects; None where it names none.
    """

    threshold: float
    epoch: int
    history: Sequence[EpochRecord] = ()
    trials: Sequence[StrengthTrial] = ()
    types: TypesTrial | None = None


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
        settings.head,
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
    *,
    names_types: bool = True,
) -> TrainResult:
    """Return a complete run in `run`, resumed where it was stopped.

    Args:
        run: a folder that `begin_run` has written to.
        settings: those of the run.
        manifest: photos with their splits; val may be empty where the settings need none, test may be empty.
        start: the untrained network; it is trained in place.
        device: where it computes.
        observer: told of every epoch and batch.
        table: features of a frozen network that are known already.
        names_types: whether a linear head also learns to name the types of defects.

    Raises:
        CastproofError: a photo cannot be decoded, the run cannot be resumed, or training diverges.
    """
    with logged_to(run.log):
        log.info("settings %s", json.dumps(settings.to_json()))
        log.info("photos %s, unreadable %d", json.dumps(manifest.counts()), len(manifest.unreadable))
        log.info("weights %s", start.weights)
        draw_train_samples(manifest, settings, run.path / "train_samples.png")
        splits = labelled_photos(manifest, settings)
        labels = {name: split.defective for name, split in splits.items()}
        network = start.network.to(device)
        learner: Learner
        if settings.frozen:
            learner = frozen = FrozenLearner(network, splits, settings, device, observer, table)
        else:
            learner = FinetuneLearner(network, splits, settings, device, observer)
        if settings.by_epochs:
            trainer = Trainer(
                learner, settings, labels, manifest.classes, start.spec, run.best_model, run.last_state
            )
            learnt = _learn_by_epochs(trainer, run, observer)
            _write_history(learnt.history, manifest, run)
        else:
            learnt = _fit_at_once(frozen, labels, settings, manifest, observer)
            _write_trials(learnt.trials, run)
            types = _fit_types(frozen, manifest) if names_types else None
            useful = types is not None and types.trial.is_useful
            spec = replace(start.spec, types=types.names) if types and useful else start.spec
            learnt = learnt if types is None else replace(learnt, types=types.trial)
            save_checkpoint(
                Checkpoint(network, spec, manifest.classes, learnt.threshold, learnt.epoch),
                run.best_model,
            )
        scored = _score(learner, labels, learnt.threshold, settings, observer)
        write_evaluation(_evaluation(manifest, scored, learnt, settings, start.weights), run.path)
        for split in scored:
            log.info("%s %s", split.name, json.dumps(dict(split.metrics)))
        return TrainResult(run, manifest, learnt, scored)


def _learn_by_epochs(trainer: Trainer, run: RunFolder, observer: EpochObserver) -> Learnt:
    if run.last_state.is_file():
        trainer.resume()
        log.info("resumed")
    history = trainer.run(lambda record: _note_epoch(record, observer), observer)
    kept = next(record for record in reversed(history) if record.is_best)
    return Learnt(kept.threshold, kept.epoch, history=history)


def _fit_at_once(
    learner: FrozenLearner,
    labels: dict[str, torch.Tensor],
    settings: TrainSettings,
    manifest: Manifest,
    progress: Progress,
) -> Learnt:
    """Return what fitting the linear head came to; its strength is chosen by hiding parts of train."""
    part = part_places(manifest.of_split(TRAIN))
    with progress.task("head", 1) as task:
        fit = learner.fit_at_once(part)
        task.advance()
    log.info("strength %g of %s", fit.strength, json.dumps([asdict(one) for one in fit.trials]))
    judged = {VAL: labels[VAL]} if VAL in labels and settings.tune_for != UNTUNED else {}
    threshold, _ = tuned_threshold(
        {name: values.numpy().astype(bool) for name, values in judged.items()},
        {name: p_defective(learner.logits(name, progress)).numpy() for name in judged},
        settings.tune_for,
    )
    return Learnt(threshold, 0, trials=fit.trials)


def _fit_types(learner: FrozenLearner, manifest: Manifest) -> TypesFit | None:
    """Return the head of defect types; None where the folder has no two types with parts enough."""
    if len(manifest.classes.defective) < 2:
        return None
    names = [photo.class_name for photo in manifest.of_split(TRAIN)]
    fit = learner.fit_types(names, part_places(manifest.of_split(TRAIN)))
    if fit is not None:
        log.info("types %s, %s", json.dumps(fit.names), json.dumps(asdict(fit.trial)))
    return fit


def part_places(photos: Sequence[Photo]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Return the place of each photo's part among the sorted parts of all of them, int64 (n,)."""
    return numbered([part_key(photo) for photo in photos])


def rows_by_split(manifest: Manifest, rows: Sequence[int] | None = None) -> dict[str, list[int]]:
    """Return the rows of the photos of each split; `rows` are those of all photos, without it their places."""
    both = list(zip(range(len(manifest.photos)) if rows is None else rows, manifest.photos, strict=True))
    return {name: [row for row, photo in both if photo.split == name] for name in SPLITS}


def photo_batches(manifest: Manifest, photos: Sequence[Photo], settings: TrainSettings) -> PhotoBatches:
    """Return what reads `photos` of `manifest` at the size of the network's input."""
    paths = [manifest.path(photo) for photo in photos]
    return PhotoBatches(paths, settings.img_size, worker_threads(settings.num_workers))


def labelled_photos(manifest: Manifest, settings: TrainSettings) -> dict[str, LabelledPhotos]:
    """Return the photos of each split that has some, with label and weight."""
    labelled = {}
    for name in SPLITS:
        if not (photos := manifest.of_split(name)):
            continue
        labelled[name] = LabelledPhotos(
            photo_batches(manifest, photos, settings),
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
    threshold: float,
    settings: TrainSettings,
    progress: Progress,
) -> list[ScoredSplit]:
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


def _evaluation(
    manifest: Manifest,
    scored: Sequence[ScoredSplit],
    learnt: Learnt,
    settings: TrainSettings,
    weights: str,
) -> Evaluation:
    context = evaluation_context(manifest, settings, learnt.threshold, "val", learnt.epoch)
    context["weights"] = weights
    if learnt.types is not None:
        context["defect_types"] = asdict(learnt.types)
    return Evaluation(
        manifest,
        scored,
        {split.name: manifest.of_split(split.name) for split in scored},
        context,
        Thresholds.single(learnt.threshold),
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


def _write_trials(trials: Sequence[StrengthTrial], run: RunFolder) -> None:
    columns = [column.name for column in fields(StrengthTrial)]
    write_csv(run.strengths, columns, [[asdict(one)[name] for name in columns] for one in trials])


class _LogFile(logging.FileHandler):
    """Leaves out what a full disk does not take; the results that cannot be written tell of it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        pass

    def close(self) -> None:
        with suppress(OSError):
            super().close()


@contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Write what is logged to the file `path`, too. Raises OutputError."""
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
