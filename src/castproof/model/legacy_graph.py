"""A model from elsewhere as the core of a graph: its channels and its scale; and its photos as PyTorch makes them."""

from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from castproof.model.inspection_graph import LEVELS
from castproof.model.photo_graph import CHANNELS
from castproof.preprocess import Pixels
from castproof.runtime.legacy_settings import GREY, LegacySettings

LUMA: Final = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's convert("L")


class LegacyCore(nn.Module):
    """Pixels to the margin of a model from elsewhere.

    Args:
        margin: module of normalised photos float32 (n, c, size, size) to margins (n,).
        settings: its channels and its scale.
    """

    mean: Tensor
    std: Tensor
    luma: Tensor

    def __init__(self, margin: nn.Module, settings: LegacySettings) -> None:
        super().__init__()
        self.margin = margin
        self.grey = settings.channels == GREY
        shape = (1, len(settings.mean), 1, 1)
        self.register_buffer("mean", torch.tensor(settings.mean).view(shape))
        self.register_buffer("std", torch.tensor(settings.std).view(shape))
        self.register_buffer("luma", torch.tensor(LUMA).view(1, CHANNELS, 1, 1))

    def forward(self, pixels: Tensor) -> tuple[Tensor]:
        """Return the margin float64 (1,) of a photo float32 (1, 1 or 3, size, size) in [0, 255]."""
        return (self.margin(self.normalised(pixels)).double().view(1),)

    def normalised(self, pixels: Tensor) -> Tensor:
        """Return what the network takes, float32 (1, c, size, size)."""
        planes = (pixels * self.luma).sum(dim=1, keepdim=True) if self.grey else pixels
        return (planes / LEVELS - self.mean) / self.std


def legacy_pixels(image: Pixels, settings: LegacySettings) -> Tensor:
    """Return what `photo_graph.crop_graph` gives, float32 (1, 3, size, size) in [0, 255], computed by PyTorch.

    Args:
        image: uint8 RGB (H, W, 3).
        settings: resize, crop and size.
    """
    batch = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
    if settings.resize_px is not None:
        height, width = batch.shape[2:]
        short = min(height, width)
        batch = _resized(batch, (height * settings.resize_px // short, width * settings.resize_px // short))
    if settings.crop_px is not None:
        top, left = (max(0, round((side - settings.crop_px) / 2)) for side in batch.shape[2:])
        batch = batch[:, :, top : top + settings.crop_px, left : left + settings.crop_px]
    return _resized(batch, (settings.size_px, settings.size_px))


def _resized(batch: Tensor, sides: tuple[int, int]) -> Tensor:
    return F.interpolate(batch, sides, mode="bilinear", antialias=True)
