"""Running a network over photos without learning."""

from typing import Final

import torch
from torch import Tensor

from castproof.model.network import Classifier
from castproof.model.photos import PhotoBatches
from castproof.progress import SILENT, Progress

BATCH: Final = 32


@torch.inference_mode()
def network_logits(
    network: Classifier,
    photos: PhotoBatches,
    device: torch.device,
    description: str = "scoring",
    progress: Progress = SILENT,
) -> Tensor:
    """Return logits float32 (n, 2) of `photos`, unvaried; leaves the network in eval mode.

    The logits of a photo that is noted in `photos.failures` are NaN.

    Raises:
        ImageError: a photo cannot be decoded.
    """
    network.eval()
    logits = torch.full((len(photos.paths), 2), torch.nan)
    left = len(photos.paths)
    with progress.task(description, left) as task:
        for indices, batch in photos.read_all(BATCH):
            if indices:
                logits[list(indices)] = network(batch.to(device)).cpu()
            task.advance(min(BATCH, left))
            left -= BATCH
    return logits
