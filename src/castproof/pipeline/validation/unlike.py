"""Whether new photos are of the kind that a run was trained on, as the input gate of its model file tells."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from castproof.data.manifest import Photo
from castproof.errors import DataError
from castproof.measure.intervals import Rate, rate_by_part
from castproof.model.checkpoint import Checkpoint
from castproof.model.novelty import FALSE_ALARM_RATE
from castproof.pipeline.exporting.input_gate import input_gate_of, reasons_of
from castproof.pipeline.judged import Source, part_numbers
from castproof.pipeline.validation.new_photos import NewPhotos
from castproof.progress import SILENT, Progress

MOST: Final = 0.5  # of the photos, parts weighted equally: then they are of another kind


@dataclass(frozen=True)
class Unlike:
    """New photos that the input gate calls unlike the training photos.

    Args:
        rate: how many they are, each part weighted equally.
        reasons: in which ways, and how many photos: the commonest first.
    """

    rate: Rate
    reasons: tuple[tuple[str, int], ...]

    @property
    def is_another_kind(self) -> bool:
        """Whether most of the photos are unlike those of training."""
        return (self.rate.share or 0.0) > MOST

    @property
    def is_more_than_expected(self) -> bool:
        """Whether more photos are unlike those of training than the input gate was made for, by more than chance."""
        return (self.rate.low or 0.0) > FALSE_ALARM_RATE


def unlike_training(
    checkpoint: Checkpoint, source: Source, new: NewPhotos, progress: Progress = SILENT
) -> Unlike | None:
    """Return which of the new photos that count are unlike the training photos of a run.

    None where its training photos are not where they were, or show a single part: then there is no input gate.

    Args:
        checkpoint: the network of the run, on the CPU.
        source: the run.
        new: the new photos.
        progress: told of every photo.
    """
    try:
        fitted = input_gate_of(checkpoint, source.manifest, FALSE_ALARM_RATE, progress)
    except DataError:
        return None
    photos: Sequence[Photo] = new.counted
    reasons = reasons_of(fitted, checkpoint, [new.manifest.path(one) for one in photos], progress)
    counts = Counter(reason.partition(":")[0] for one in reasons for reason in one)
    return Unlike(
        rate_by_part(np.array([bool(one) for one in reasons]), part_numbers(photos), by="parts"),
        tuple(counts.most_common()),
    )
