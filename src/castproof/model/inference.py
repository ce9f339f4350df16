"""Running a network over photos without learning."""

from copy import deepcopy
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from castproof.model.augmentation import LEVELS, augment
from castproof.model.network import Classifier
from castproof.model.photos import PhotoBatches
from castproof.progress import SILENT, Progress
from castproof.settings import TrainSettings

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


@torch.no_grad()
def split_features(
    network: Classifier,
    photos: PhotoBatches,
    views: int,
    settings: TrainSettings,
    device: torch.device,
    progress: Progress = SILENT,
) -> Tensor:
    """Return features float32 (views, n, width) on `device`; view 0 is the photo itself, the others are variations.

    Every photo is decoded once. Batch norms are folded into their convolutions first, which changes features by
    rounding alone.

    Raises:
        ImageError: a photo cannot be decoded.
    """
    level = LEVELS[settings.aug_level]
    folded = fold_batch_norms(network)
    features = torch.empty(views, len(photos.paths), network.backbone.width, device=device)
    with progress.task("features", len(photos.paths)) as task:
        for indices, batch in photos.read_all(BATCH):
            unvaried = batch.to(device)
            rows = list(indices)
            features[0, rows] = folded.features(unvaried)
            for view in range(1, views):
                seeds = [(settings.seed, view, index) for index in indices]
                features[view, rows] = folded.features(augment(unvaried, level, seeds))
            task.advance(len(rows))
    return features


def fold_batch_norms(network: Classifier) -> Classifier:
    """Return a copy in eval mode whose batch norms are folded into the convolutions before them."""
    folded = deepcopy(network).eval()
    for module in list(folded.modules()):
        if not isinstance(module, nn.Sequential):
            continue
        for first, second in zip(range(len(module)), range(1, len(module)), strict=False):
            convolution, norm = module[first], module[second]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module[first] = fuse_conv_bn_eval(convolution, norm)
                module[second] = nn.Identity()
    return folded
