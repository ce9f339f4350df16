"""A run on photos of good parts alone: the distance from them, REVIEW and ACCEPT, no promise."""

import json
import logging
from dataclasses import asdict, dataclass, replace
from typing import Final

import torch

from castproof import __version__
from castproof.data.manifest import Manifest
from castproof.data.splits import part_key
from castproof.errors import DataError
from castproof.files import make_folder, write_json
from castproof.gate.gate import NO_DEFECTS_SEEN, Gate
from castproof.model.checkpoint import Checkpoint, save_checkpoint
from castproof.model.learning import TRAIN, DistanceFit, FrozenLearner
from castproof.pipeline.gate_file import FORMAT, gate_path, network_hash, sealed
from castproof.pipeline.samples import draw_train_samples
from castproof.pipeline.training_run import Untrained, labelled_photos, logged_to, part_places
from castproof.progress import Progress
from castproof.run_folder import RunFolder
from castproof.settings import DISTANCE, UNTUNED, TrainSettings
from castproof.wording import counted, percent

LEAST_PARTS: Final = 3
REVIEW_SHARE: Final = 0.02  # of the photos of new good parts

log = logging.getLogger("castproof")


@dataclass(frozen=True)
class GoodPartsRun:
    """A complete run that has seen good parts alone.

    Args:
        run: its folder.
        manifest: its photos.
        fit: the distance, and what it says of good parts that were hidden from it.
        gate: REVIEW from the limit up.
    """

    run: RunFolder
    manifest: Manifest
    fit: DistanceFit
    gate: Gate


def good_parts_settings(settings: TrainSettings) -> TrainSettings:
    """Return `settings` for good parts alone: the distance as head, nothing varied, no split. Raises SettingError."""
    return replace(settings, head=DISTANCE, aug_level="none", tune_for=UNTUNED)


def check_good_parts(manifest: Manifest) -> None:
    """Raise DataError where there are too few good parts to hide some of them."""
    parts = len({part_key(photo) for photo in manifest.photos})
    if parts < LEAST_PARTS:
        raise DataError(
            "There are too few good parts.",
            rule=f"How far good parts lie apart is measured on hidden ones, which takes at least {LEAST_PARTS}.",
            found=f"Found {counted(len(manifest.photos), 'photo')} of {counted(parts, 'part')}.",
            fix="Add photos of more good parts; where the parts are known, name them: --parts.",
        )


def learn_good_parts(
    run: RunFolder,
    settings: TrainSettings,
    manifest: Manifest,
    start: Untrained,
    device: torch.device,
    progress: Progress,
) -> GoodPartsRun:
    """Return a complete run in `run`, begun by `begin_run`, with its gate; metrics.json is written last.

    Raises:
        CastproofError: a photo cannot be decoded, or a file cannot be written.
    """
    with logged_to(run.log):
        log.info("settings %s", json.dumps(settings.to_json()))
        draw_train_samples(manifest, settings, run.path / "train_samples.png")
        network = start.network.to(device)
        splits = labelled_photos(manifest, settings)
        learner = FrozenLearner(network, splits, settings, device, progress)
        fit = learner.fit_distance(part_places(manifest.of_split(TRAIN)), REVIEW_SHARE)
        gate = Gate.of_good_parts(gate_sentence(fit))
        threshold = gate.thresholds.threshold
        save_checkpoint(Checkpoint(network, start.spec, manifest.classes, threshold, 0), run.best_model)
        told = {"good_parts_only": True, "review_share": REVIEW_SHARE, **asdict(fit)}
        content = {
            "format": FORMAT,
            "castproof": __version__,
            "network": network_hash(run),
            "gate": gate.to_json(),
            "rests_on": {**told, "data_hash": manifest.data_hash()},
        }
        make_folder(gate_path(run.path).parent)
        write_json(gate_path(run.path), sealed(content))
        write_json(run.metrics, told)
        log.info("good parts only %s", json.dumps(told))
    return GoodPartsRun(run, manifest, fit, gate)


def gate_sentence(fit: DistanceFit) -> str:
    """Return what the gate of good parts does, and why it does no more."""
    return (
        f"REVIEW begins where {percent(REVIEW_SHARE)} of the photos of new good parts are expected. Of "
        f"{counted(fit.photos, 'good photo')} of {counted(fit.parts, 'part')}, each hidden once, {fit.reviewed:,} go "
        f"to REVIEW at a limit set without them. Good parts only: {NO_DEFECTS_SEEN}; nothing is rejected."
    )
