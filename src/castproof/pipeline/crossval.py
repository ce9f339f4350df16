"""Cross-validation over parts: every photo is judged by a network that never saw its part."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import torch

from castproof import __version__
from castproof.data.destination import remains_of
from castproof.data.folds import Folds, check_folds, fold_photos
from castproof.data.left_out import Allow, put_aside
from castproof.data.manifest import SPLITS, Manifest, Photo
from castproof.data.placing import check_outside
from castproof.errors import OutputError
from castproof.files import LOCK, atomic_path, in_use, make_folder, write_json
from castproof.model.augmentation import LEVELS
from castproof.model.device import worker_threads
from castproof.model.features import FeatureEngine, feature_engine, split_features
from castproof.model.photos import PhotoBatches
from castproof.pipeline.crossval_results import CrossvalResult, collect, write_results
from castproof.pipeline.crossval_rounds import Round, RoundObserver, train_rounds
from castproof.pipeline.machine import Machine, describe_machine, prepare_device
from castproof.pipeline.train import read_photos
from castproof.pipeline.training_run import Untrained, start_network
from castproof.progress import Progress
from castproof.run_folder import CROSSVAL_PLAN, RunFolder
from castproof.settings import TrainSettings

GIVEN: Final = "given"
FEATURES: Final = "features.npy"


class CrossvalObserver(RoundObserver, Protocol):
    """Hears how a cross-validation goes on; a face shows it."""

    def machine_ready(self, machine: Machine) -> None:
        """The device is chosen."""

    def folds_ready(self, folds: Folds, aside: Sequence[Photo]) -> None:
        """The photos are read and shared out; those in doubt are set aside."""


@dataclass(frozen=True)
class _Data:
    """Photos in folds, the same photos as they are split in their folder (if they are), and those left out."""

    folds: Folds
    given: Manifest | None
    aside: tuple[Photo, ...]


def crossval(
    settings: TrainSettings,
    dest: Path,
    *,
    folds: int,
    set_aside: bool,
    observer: CrossvalObserver,
    allow_aside: Allow = lambda _: False,
) -> CrossvalResult:
    """Return how well networks trained with `settings` judge parts that they never saw; everything is kept in `dest`.

    The photos are shared out to folds, parts kept whole; for each fold a network learns from the others. Where the
    folder has splits, one more network learns from its train photos, for comparison. A cross-validation that was
    stopped goes on.

    Args:
        settings: those of every network; `split` plays no part.
        dest: a new folder, or one of a cross-validation with the same settings and photos.
        folds: number of folds, 3 or more.
        set_aside: leave out photos whose label is in doubt, see `put_aside`.
        observer: told of machine, folds, photos, epochs and rounds.
        allow_aside: asked where a large share of a class would be left out.

    Raises:
        CastproofError: a setting, the photos, the weights or the folder does not fit.
        KeyboardInterrupt: where `is_begun`, `dest` then holds what it takes to go on.
    """
    check_folds(folds)
    device = prepare_device(settings.device)
    observer.machine_ready(describe_machine(device))
    check_outside(Path(settings.data), dest)
    _check_dest(dest)
    start = start_network(settings)
    data = _read(settings, folds, allow_aside if set_aside else None, observer)
    observer.folds_ready(data.folds, data.aside)
    with in_use(make_folder(dest)):
        goes_on = _claim(dest, settings, data, folds, start)
        return _work(settings, data, dest, goes_on, start, device, observer)


def _work(
    settings: TrainSettings,
    data: _Data,
    dest: Path,
    goes_on: bool,
    start: Untrained,
    device: torch.device,
    observer: CrossvalObserver,
) -> CrossvalResult:
    """Return the result after training what is not trained yet."""
    data.folds.write_csv(dest / "folds.csv")
    tested = _fold_rounds(settings, data.folds, dest)
    given = None if data.given is None else _round(data.given, dest / GIVEN)
    rounds = [*tested, given] if given else tested
    _clean(dest, rounds)
    done = sum(one.run.is_complete for one in rounds)
    if goes_on and done < len(rounds):
        observer.going_on(done, len(rounds))
    features = None
    if settings.frozen and done < len(rounds):
        engine = feature_engine(start.network, device)
        features = _features(engine, settings, data.folds.manifest, dest / FEATURES, observer)
    train_rounds(rounds, settings, features, observer)
    result = collect(data.folds.manifest, tested, given, settings)
    write_results(result, settings, data.aside, dest)
    (dest / FEATURES).unlink(missing_ok=True)
    return result


def is_begun(dest: Path) -> bool:
    """Return whether `dest` holds a cross-validation that can be gone on with."""
    return (dest / CROSSVAL_PLAN).is_file()


def _read(settings: TrainSettings, folds: int, allow_aside: Allow | None, progress: Progress) -> _Data:
    manifest = read_photos(settings, progress)
    aside: tuple[Photo, ...] = ()
    if allow_aside is not None:
        manifest, aside = put_aside(manifest, allow_aside)
    has_splits = all(manifest.of_split(name) for name in SPLITS)
    return _Data(
        fold_photos(manifest.unsplit(), folds, seed=settings.seed), manifest if has_splits else None, aside
    )


def _fold_rounds(settings: TrainSettings, folds: Folds, dest: Path) -> list[Round]:
    return [
        _round(folds.split(fold, validates=settings.needs_validation), dest / f"fold_{fold}")
        for fold in range(1, folds.count + 1)
    ]


def _round(manifest: Manifest, folder: Path) -> Round:
    photos = list(enumerate(manifest.photos))
    rows = {name: [row for row, photo in photos if photo.split == name] for name in SPLITS}
    return Round(RunFolder(folder), manifest, rows)


def _check_dest(dest: Path) -> None:
    """Raise OutputError where `dest` holds something that is no cross-validation."""
    if dest.exists() and not dest.is_dir():
        raise OutputError(f"{dest} is not a folder.", fix="Give another --outdir.")
    if dest.exists() and not is_begun(dest) and not _is_free(dest):
        raise OutputError(
            f"{dest} is not empty.",
            rule="A cross-validation is kept in a folder of its own.",
            fix="Give another --outdir.",
        )


def _clean(dest: Path, rounds: Sequence[Round]) -> None:
    """Remove the large files that a killed process was writing in `dest`, which is ours alone."""
    states = [path for one in rounds for path in (one.run.best_model, one.run.last_state)]
    for path in (dest / FEATURES, *states):
        for one in remains_of(path):
            one.unlink(missing_ok=True)


def _is_free(dest: Path) -> bool:
    return all(one.name == LOCK for one in dest.iterdir())


def _read_plan(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{path} cannot be read.", found=f"({error})", fix="Give another --outdir."
        ) from error


def _claim(dest: Path, settings: TrainSettings, data: _Data, folds: int, start: Untrained) -> bool:
    """Begin in `dest`, or check that it belongs to the same cross-validation; return whether it was begun before."""
    plan: dict[str, Any] = {
        "castproof": __version__,
        "settings": {name: value for name, value in settings.to_json().items() if name != "num_workers"},
        "folds": folds,
        "set_aside": len(data.aside),
        "data_hash": (data.given or data.folds.manifest).data_hash(),
        "fold_hash": hashlib.sha256(repr(data.folds.of_photo).encode("ascii")).hexdigest(),
        "weights_hash": start.weights_hash(),
        "weights": start.weights,
    }
    path = dest / CROSSVAL_PLAN
    if path.is_file():
        if _read_plan(path) != json.loads(json.dumps(plan)):
            raise OutputError(
                f"{dest} holds a cross-validation of other photos, settings or weights, or of another castproof.",
                rule="Only the same one can be gone on with.",
                fix="Give another --outdir.",
            )
        return True
    write_json(path, plan)
    return False


def _features(
    engine: FeatureEngine, settings: TrainSettings, manifest: Manifest, path: Path, progress: Progress
) -> Path:
    """Return `path` after writing the features of all photos to it; all rounds share them."""
    if not path.is_file():
        paths = [manifest.path(photo) for photo in manifest.photos]
        photos = PhotoBatches(paths, settings.img_size, worker_threads(settings.num_workers))
        values = split_features(engine, photos, LEVELS[settings.aug_level].views, settings, progress)
        with atomic_path(path) as temporary:
            np.save(temporary, values.cpu().numpy())
    return path
