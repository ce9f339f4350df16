"""Networks that turn a photo into features: torchvision's, by a short name."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torchvision import models

from castproof.errors import SettingError

LEAST_SPREAD: Final = 0.01
TINY_SQUARE: Final = 1e-12  # the root of zero has no gradient


@dataclass(frozen=True)
class BackboneSpec:
    """How to build a backbone, and where its public ImageNet weights are.

    Args:
        build: torchvision's constructor, called with `weights=None`.
        imagenet: torchvision's weights entry (url with a checksum in its name, licence in its metadata).
        width: number of maps of the last layer.
        middle: blocks whose expanded maps, at a stride of 4 to 16 pixels, are the middle of the network.
    """

    build: Callable[..., nn.Module]
    imagenet: models.WeightsEnum
    width: int
    middle: tuple[int, ...]


SPECS: Final[dict[str, BackboneSpec]] = {
    "mobilenet": BackboneSpec(
        models.mobilenet_v3_small,
        models.MobileNet_V3_Small_Weights.IMAGENET1K_V1,
        width=576,
        middle=(3, 4, 5, 6, 7, 8),
    ),
    "mobilenet_v2": BackboneSpec(
        models.mobilenet_v2, models.MobileNet_V2_Weights.IMAGENET1K_V1, width=1280, middle=(4, 7, 9, 11)
    ),
}


class Backbone(nn.Module):
    """The convolutional part of a torchvision network, and what is kept of its maps over the picture.

    Its parameters keep torchvision's key names (`features.…`), so that torchvision's own checkpoints fit.

    Args:
        name: one of SPECS.
        taken: "last" for the average of the last layer's maps; "middle" for the spread of the maps in the middle
            (see `log_moments`); the blocks after them are then left away.
    """

    def __init__(self, name: str, taken: str = "last") -> None:
        super().__init__()
        spec = SPECS[name]
        self.name = name
        self.features: nn.Sequential = spec.build(weights=None).features  # type: ignore[assignment]
        self.middle = spec.middle if taken == "middle" else ()
        self.width = spec.width
        if self.middle:
            self.features = self.features[: self.middle[-1] + 1]
            counts = [int(str(_layers(self.features[index])[0].out_channels)) for index in self.middle]
            self.width = 2 * sum(counts)

    def forward(self, batch: Tensor) -> Tensor:
        """Return features (n, width) of normalised photos (n, 3, size, size)."""
        if self.middle:
            return log_moments(list(self.spreads(batch)))
        pooled: Tensor = self.features(batch).mean(dim=(2, 3))
        return pooled

    def spreads(self, maps: Tensor) -> Iterator["Spread"]:
        """Yield how the expanded maps of each block in the middle spread, of normalised photos (n, 3, size, size)."""
        for index, block in enumerate(self.features):
            if index not in self.middle:
                maps = block(maps)
                continue
            expanded = expand(block, maps)
            yield Spread.of(expanded)
            if index != self.middle[-1]:
                maps = after_expansion(block, maps, expanded)

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


class Spread(NamedTuple):
    """How far maps stray from their means over the picture.

    Args:
        square: squared deviations (n, c, h, w).
        fourth: their squares (n, c, h, w).
        moments: the means of both over the picture (n, 2 c), `square` first.
    """

    square: Tensor
    fourth: Tensor
    moments: Tensor

    @classmethod
    def of(cls, maps: Tensor) -> "Spread":
        """Return the spread of maps (n, c, h, w)."""
        square = (maps - maps.mean(dim=(2, 3), keepdim=True)).square()
        fourth = square.square()
        return cls(square, fourth, torch.cat([square.mean(dim=(2, 3)), fourth.mean(dim=(2, 3))], dim=1))


def log_moments(spreads: Sequence[Spread]) -> Tensor:
    """Return features (n, width): the logarithms of the roots of the moments, see `roots_of_moments`.

    Fourth roots of the fourth central moments answer to a few places that differ from all others. Brightness, which
    shifts a map, drops out; contrast, which stretches it, becomes a constant.

    Args:
        spreads: of the maps of each block.
    """
    return torch.log(roots_of_moments(spreads)[0] + LEAST_SPREAD)


def roots_of_moments(spreads: Sequence[Spread]) -> tuple[Tensor, Tensor]:
    """Return the roots (n, width) of the moments of each block, and which of them are fourth roots, bool (width,).

    The others are square roots: standard deviations.

    Args:
        spreads: of the maps of each block.
    """
    moments = torch.cat([one.moments for one in spreads], dim=1)
    counts = [int(one.square.shape[1]) for one in spreads]
    is_fourth = torch.cat([torch.arange(2 * count, device=moments.device) >= count for count in counts])
    square = moments.clamp_min(TINY_SQUARE).sqrt()
    fourth = moments.clamp_min(TINY_SQUARE**2).sqrt().sqrt()
    return torch.where(is_fourth, fourth, square), is_fourth


def expand(block: nn.Module, maps: Tensor) -> Tensor:
    """Return the expanded maps of an inverted residual block, of the maps (n, c, h, w) that go into it."""
    expanded: Tensor = _layers(block)[0](maps)
    return expanded


def after_expansion(block: nn.Module, maps: Tensor, expanded: Tensor) -> Tensor:
    """Return what comes out of an inverted residual block, of what goes into it and of what `expand` made of it."""
    for layer in _layers(block)[1:]:
        expanded = layer(expanded)
    return maps + expanded if block.use_res_connect else expanded


def _layers(block: nn.Module) -> list[nn.Module]:
    """Return the layers of an inverted residual block: the expansion first."""
    layers: nn.Module = block.block if hasattr(block, "block") else block.conv  # type: ignore[assignment]
    return list(layers.children())


def seeded_backbone(name: str, seed: int, taken: str = "last") -> Backbone:
    """Return a randomly initialised backbone that depends on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Backbone(name, taken)
