"""Networks that turn a photo into features: torchvision's, by a short name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torchvision import models

from castproof.errors import SettingError


@dataclass(frozen=True)
class BackboneSpec:
    """How to build a backbone, and where its public ImageNet weights are.

    Args:
        build: torchvision's constructor, called with `weights=None`.
        imagenet: torchvision's weights entry (url with a checksum in its name, licence in its metadata).
        width: number of features per photo.
    """

    build: Callable[..., nn.Module]
    imagenet: models.WeightsEnum
    width: int


SPECS: Final[dict[str, BackboneSpec]] = {
    "mobilenet": BackboneSpec(
        models.mobilenet_v3_small, models.MobileNet_V3_Small_Weights.IMAGENET1K_V1, width=576
    ),
    "mobilenet_v2": BackboneSpec(models.mobilenet_v2, models.MobileNet_V2_Weights.IMAGENET1K_V1, width=1280),
}


class Backbone(nn.Module):
    """The convolutional part of a torchvision network and an average over the picture.

    Its parameters keep torchvision's key names (`features.…`), so that torchvision's own checkpoints fit.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        spec = SPECS[name]
        self.name = name
        self.width = spec.width
        self.features: nn.Sequential = spec.build(weights=None).features  # type: ignore[assignment]

    def forward(self, batch: Tensor) -> Tensor:
        """Return features (n, width) of normalised photos (n, 3, size, size)."""
        pooled: Tensor = self.features(batch).mean(dim=(2, 3))
        return pooled

    def trainable_blocks(self, unfreeze: str) -> list[nn.Module]:
        """Return the blocks that `--unfreeze none|N|all` trains, last ones first counted.

        Raises:
            SettingError: more blocks are asked for than the network has.
        """
        blocks = list(self.features)
        if unfreeze == "none":
            return []
        count = len(blocks) if unfreeze == "all" else int(unfreeze)
        if count > len(blocks):
            raise SettingError(
                f"--unfreeze {unfreeze} is too much for {self.name}.",
                rule=f"It has {len(blocks)} blocks.",
                fix=f"Give a number up to {len(blocks)}, or all.",
            )
        return blocks[len(blocks) - count :]


def seeded_backbone(name: str, seed: int) -> Backbone:
    """Return a randomly initialised backbone that depends on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Backbone(name)
