"""The input gate of a run: fitted on its training photos, measured on parts that it was not fitted on."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch

from castproof.data.manifest import Manifest, Photo
from castproof.data.splits import part_key
from castproof.errors import ImageError
from castproof.images import decode_plain, read_photo
from castproof.model.checkpoint import Checkpoint
from castproof.model.features import FeatureEngine, feature_engine
from castproof.model.novelty import FeatureNovelty, Scaled, fit_input_gate, fit_novelty, novelty_out_of_fold
from castproof.modelfile.card import COLOUR, GREY
from castproof.modelfile.input_gate import InputGate
from castproof.modelfile.photo_numbers import PhotoNumbers, photo_numbers
from castproof.pipeline.exporting.chosen_photos import check_unchanged, photos_gone
from castproof.preprocess import resize
from castproof.progress import SILENT, Progress
from castproof.threads import in_threads
from castproof.wording import counted, percent


@dataclass(frozen=True, eq=False)
class FittedInputGate:
    """An input gate, and what the graph must tell for it.

    Args:
        gate: limits.
        novelty: what the graph makes of the features.
        colour: GREY where all photos that it was fitted on are grey, else COLOUR.
    """

    gate: InputGate
    novelty: FeatureNovelty
    colour: str

    @property
    def false_alarms(self) -> str:
        """What it does on photos of parts that it was not fitted on, in words."""
        seen = self.gate.false_alarms
        return (
            f"of {counted(seen.of_photos, 'training photo')} of {counted(seen.of_parts, 'part')}, limits taken from "
            f"other parts alone call {seen.photos:,} unlike the others ({percent(seen.rate)}, every part "
            f"weighted equally; {percent(self.gate.false_alarm_rate)} was allowed)"
        )


@dataclass(frozen=True, eq=False)
class _Looked:
    """What the input gate learns from one photo."""

    features: Scaled
    numbers: PhotoNumbers
    grey: bool
    sha256: str


def input_gate_of(
    checkpoint: Checkpoint, manifest: Manifest, false_alarm_rate: float, progress: Progress = SILENT
) -> FittedInputGate:
    """Return the input gate of a run, fitted on its training photos.

    Args:
        checkpoint: its network, on the CPU.
        manifest: its photos.
        false_alarm_rate: see `fit_input_gate`.
        progress: told of every photo.

    Raises:
        DataError: the photos are not where they were, have another content, or show a single part.
    """
    photos = manifest.of_split("train")
    looked = _look_at([manifest.path(one) for one in photos], checkpoint, progress)
    read = [(photo, one) for photo, one in zip(photos, looked, strict=True) if one is not None]
    if not read:
        raise photos_gone(manifest, len(photos), len(photos))
    check_unchanged(manifest, {photo: one.sha256 for photo, one in read})
    with progress.task("fitting", 1) as task:
        fitted = _fitted(read, false_alarm_rate)
        task.advance()
    return fitted


def reasons_of(
    fitted: FittedInputGate, checkpoint: Checkpoint, paths: Sequence[Path], progress: Progress = SILENT
) -> list[tuple[str, ...]]:
    """Return in which ways each photo is unlike the training photos; nothing for one that cannot be read.

    Args:
        fitted: what `input_gate_of` returned.
        checkpoint: the network that it was fitted with, on the CPU.
        paths: the photos.
        progress: told of every photo.
    """
    looked = _look_at(paths, checkpoint, progress)
    return [
        ()
        if one is None
        else fitted.gate.reasons(one.numbers, float(fitted.novelty.novelty(one.features[None])[0]))
        for one in looked
    ]


def _fitted(read: Sequence[tuple[Photo, _Looked]], false_alarm_rate: float) -> FittedInputGate:
    names = {key: number for number, key in enumerate(sorted({part_key(photo) for photo, _ in read}))}
    part = np.array([names[part_key(photo)] for photo, _ in read], np.int64)
    scaled = np.stack([one.features for _, one in read])
    numbers = [one.numbers for _, one in read]
    return FittedInputGate(
        gate=fit_input_gate(numbers, novelty_out_of_fold(scaled, part), part, false_alarm_rate),
        novelty=fit_novelty(scaled, part),
        colour=GREY if all(one.grey for _, one in read) else COLOUR,
    )


def _look_at(paths: Sequence[Path], checkpoint: Checkpoint, progress: Progress) -> list[_Looked | None]:
    engine = feature_engine(checkpoint.network, torch.device("cpu"))
    found = []
    with (
        progress.task("input gate", len(paths)) as task,
        closing(in_threads(lambda path: _look(path, engine, checkpoint), paths)) as looked,
    ):
        for one in looked:
            found.append(one)
            task.advance()
    return found


@torch.no_grad()
def _look(path: Path, engine: FeatureEngine, checkpoint: Checkpoint) -> _Looked | None:
    try:
        data = read_photo(path)
        plain = decode_plain(data)
    except ImageError:
        return None
    pixels = np.repeat(plain[..., None], 3, axis=2) if plain.ndim == 2 else plain
    photo = torch.from_numpy(np.array(resize(pixels, checkpoint.spec.preprocess.size_px)))[None]
    head = checkpoint.network.head
    scaled = (engine.run(photo) - head.mean) / head.std
    return _Looked(scaled[0].numpy(), photo_numbers(plain), plain.ndim == 2, sha256(data).hexdigest())
