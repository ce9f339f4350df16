"""Cross-validation over parts: every photo is judged by a network that never saw its part."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import torch

from castproof import __version__
from castproof.data.destination import remains_of
from castproof.data.folds import Folds, fold_photos
from castproof.data.left_out import Allow
from castproof.data.manifest import SPLITS, Manifest, Photo
from castproof.data.placing import check_outside
from castproof.errors import OutputError
from castproof.files import LOCK, atomic_path, in_use, make_folder, read_json, write_json
from castproof.model.augmentation import LEVELS
from castproof.model.features import feature_engine, split_features
from castproof.pipeline.crossval_results import CrossvalResult, collect, write_results
from castproof.pipeline.crossval_rounds import Round, RoundObserver, train_rounds
from castproof.pipeline.machine import Machine, describe_machine, prepare_device
from castproof.pipeline.training_photos import read_photos
from castproof.pipeline.training_run import Untrained, photo_batches, rows_by_split, start_network
from castproof.progress import Progress
from castproof.run_folder import CROSSVAL_PLAN, FEATURES, RunFolder
from castproof.settings import AUTO, TrainSettings

GIVEN: Final = "given"


class CrossvalObserver(RoundObserver, Protocol):
    """Hears how a cross-validation goes on; a face shows it."""

    def machine_ready(self, machine: Machine) -> None:
        """The device is chosen."""

    def folds_ready(self, folds: Folds, aside: Sequence[Photo]) -> None:
        """The photos are read and shared out; those in doubt are set aside."""


@dataclass(frozen=True)
class FoldedPhotos:
    """Photos in folds.

    Args:
        folds: the photos.
        given: the same photos as they are split in their folder; None where they are not.
        aside: those left out.
        rows: the place of each photo in a file of features of more photos; None where it holds these alone.
    """

    folds: Folds
    given: Manifest | None = None
    aside: tuple[Photo, ...] = ()
    rows: Sequence[int] | None = None


def crossval(
    settings: TrainSettings, dest: Path, observer: CrossvalObserver, allow_aside: Allow = lambda _: False
) -> CrossvalResult:
    """Return how well networks trained with `settings` judge parts that they never saw; everything is kept in `dest`.

    The photos are shared out to folds, parts kept whole; for each fold a network learns from the others. Where the
    folder has splits, one more network learns from its train photos, for comparison. A cross-validation that was
    stopped goes on.

    Args:
        settings: those of every network; `split` plays no part.
        dest: a new folder, or one of a cross-validation with the same settings and photos.
        observer: told of machine, folds, photos, epochs and rounds.
        allow_aside: asked where a large share of a class would be left out.

    Raises:
        CastproofError: a setting, the photos, the weights or the folder does not fit.
        KeyboardInterrupt: where `is_begun`, `dest` then contains what it takes to go on.
    """
    device = prepare_device(settings.device)
    observer.machine_ready(describe_machine(device))
    check_outside(Path(settings.data), dest)
    _check_dest(dest)
    start = start_network(_with_the_weights_begun_with(settings, dest))
    settings = start.settings
    manifest, aside = read_photos(settings, observer, allow_aside)
    has_splits = all(manifest.of_split(name) for name in SPLITS)
    folds = fold_photos(manifest.unsplit(), settings.folds, seed=settings.seed)
    data = FoldedPhotos(folds, manifest if has_splits else None, aside)
    observer.folds_ready(data.folds, data.aside)
    with in_use(make_folder(dest)):
        return cross_validate(settings, data, dest, start, device, observer)


def cross_validate(
    settings: TrainSettings,
    data: FoldedPhotos,
    dest: Path,
    start: Untrained,
    device: torch.device,
    observer: RoundObserver,
    features: Path | None = None,
) -> CrossvalResult:
    """Return what `crossval` does of photos that are read already, after training what is not trained yet.

    Args:
        settings: those of every network.
        data: the photos.
        dest: a folder that nobody else writes to.
        start: the untrained network.
        device: where it computes.
        observer: told of epochs and rounds.
        features: a file of features float32 (views, n, width), see `data.rows`; without it they are computed.

    Raises:
        CastproofError, KeyboardInterrupt: see `crossval`.
    """
    goes_on = _claim(dest, settings, data, start)
    data.folds.write_csv(dest / "folds.csv")
    tested = [
        _round(data.folds.split(fold, validates=settings.needs_validation), data.rows, dest / f"fold_{fold}")
        for fold in range(1, data.folds.count + 1)
    ]
    given = None if data.given is None else _round(data.given, data.rows, dest / GIVEN)
    rounds = [*tested, given] if given else tested
    _clean(dest, rounds)
    done = sum(one.run.is_complete for one in rounds)
    if goes_on and done < len(rounds):
        observer.going_on(done, len(rounds))
    if features is None and settings.frozen and done < len(rounds):
        features = dest / FEATURES
        if not features.is_file():
            write_features(start, settings, data.folds.manifest, device, features, observer)
    train_rounds(rounds, settings, features, observer)
    result = collect(data.folds.manifest, tested, given, settings)
    write_results(result, settings, data.aside, dest)
    (dest / FEATURES).unlink(missing_ok=True)
    return result


def is_begun(dest: Path) -> bool:
    """Return whether `dest` contains a cross-validation that can be resumed."""
    return (dest / CROSSVAL_PLAN).is_file()


def _round(manifest: Manifest, rows: Sequence[int] | None, folder: Path) -> Round:
    return Round(RunFolder(folder), manifest, rows_by_split(manifest, rows))


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
    remove_remains(
        dest / FEATURES, *(path for one in rounds for path in (one.run.best_model, one.run.last_state))
    )


def remove_remains(*paths: Path) -> None:
    """Remove what a killed process that was writing `paths` has left beside them."""
    for path in paths:
        for one in remains_of(path):
            one.unlink(missing_ok=True)


def _is_free(dest: Path) -> bool:
    return all(one.name == LOCK for one in dest.iterdir())


def _with_the_weights_begun_with(settings: TrainSettings, dest: Path) -> TrainSettings:
    """Return the settings with the weights that a cross-validation begun in `dest` found where they say "auto"."""
    if settings.weights != AUTO or not is_begun(dest):
        return settings
    try:
        return replace(settings, weights=_read_plan(dest / CROSSVAL_PLAN)["settings"]["weights"])
    except (KeyError, TypeError):
        return settings


def _read_plan(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{path} cannot be read.", found=f"({error})", fix="Give another --outdir."
        ) from error


def _claim(dest: Path, settings: TrainSettings, data: FoldedPhotos, start: Untrained) -> bool:
    """Begin in `dest`, or check that it belongs to the same cross-validation; return whether it was begun before."""
    plan: dict[str, Any] = {
        "castproof": __version__,
        "settings": {name: value for name, value in settings.to_json().items() if name != "num_workers"},
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
                f"{dest} contains a cross-validation of other photos, settings or weights, or of another castproof.",
                rule="Only the same one can be resumed.",
                fix="Give another --outdir.",
            )
        return True
    write_json(path, plan)
    return False


def write_features(
    start: Untrained,
    settings: TrainSettings,
    manifest: Manifest,
    device: torch.device,
    path: Path,
    progress: Progress,
) -> None:
    """Write the features float32 (views, n, width) of all photos to the file `path`, which rounds share."""
    photos = photo_batches(manifest, manifest.photos, settings)
    engine = feature_engine(start.network, device)
    values = split_features(engine, photos, LEVELS[settings.aug_level].views, settings, progress)
    with atomic_path(path) as temporary:
        np.save(temporary, values.cpu().numpy())
