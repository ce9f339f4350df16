"""Running a network over photos without learning."""

from typing import Final, NamedTuple

import torch
from torch import Tensor

from castproof.model.network import Classifier
from castproof.model.photos import PhotoBatches
from castproof.progress import SILENT, Progress

BATCH: Final = 32


class Outputs(NamedTuple):
    """Logits float32 (n, 2) and scores of defect types float32 (n, types), (n, 0) where the network knows none."""

    logits: Tensor
    types: Tensor


@torch.inference_mode()
def network_outputs(
    network: Classifier,
    photos: PhotoBatches,
    device: torch.device,
    description: str = "scoring",
    progress: Progress = SILENT,
) -> Outputs:
    """Return what the network says of `photos`, unvaried; leaves the network in eval mode.

    All is NaN for a photo that is noted in `photos.failures`.

    Raises:
        ImageError: a photo cannot be decoded.
    """
    network.eval()
    count = 0 if network.head.types is None else network.head.types.out_features
    logits, types = (torch.full((len(photos.paths), width), torch.nan) for width in (2, count))
    left = len(photos.paths)
    with progress.task(description, left) as task:
        for indices, batch in photos.read_all(BATCH):
            if indices:
                features = network.features(batch.to(device))
                logits[list(indices)] = network.head(features).cpu()
                types[list(indices)] = network.head.type_scores(features).cpu()
            task.advance(min(BATCH, left))
            left -= BATCH
    return Outputs(logits, types)
