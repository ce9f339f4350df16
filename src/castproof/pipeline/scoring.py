"""Probabilities of photos by a stored network."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from castproof.errors import ImageError
from castproof.model.checkpoint import Checkpoint
from castproof.model.device import worker_threads
from castproof.model.inference import Outputs, network_outputs
from castproof.model.network import p_defective
from castproof.model.photos import PhotoBatches
from castproof.pipeline.machine import prepare_device
from castproof.progress import SILENT, Progress


def score_photos(
    checkpoint: Checkpoint,
    paths: Sequence[Path],
    device_name: str,
    progress: Progress = SILENT,
    failures: dict[int, ImageError] | None = None,
) -> npt.NDArray[np.float64]:
    """Return p_defective, float64 (n,), of the photos at `paths`, see `look_at_photos`."""
    return p_defective(look_at_photos(checkpoint, paths, device_name, progress, failures).logits).numpy()


def look_at_photos(
    checkpoint: Checkpoint,
    paths: Sequence[Path],
    device_name: str,
    progress: Progress = SILENT,
    failures: dict[int, ImageError] | None = None,
    only_checksummed: bool = False,
) -> Outputs:
    """Return what the network says of the photos at `paths`.

    Args:
        checkpoint: the network, with its preprocessing.
        paths: the photos.
        device_name: "auto", "cpu", "cuda" or "mps".
        progress: told of every batch.
        failures: see `PhotoBatches`; all is NaN for a photo noted there.
        only_checksummed: see `PhotoBatches`.

    Raises:
        ImageError: a photo cannot be decoded, and `failures` is not given.
    """
    device = prepare_device(device_name)
    size_px = checkpoint.spec.preprocess.size_px
    photos = PhotoBatches(paths, size_px, worker_threads(0), failures, only_checksummed)
    return network_outputs(checkpoint.network.to(device), photos, device, "scoring", progress)
