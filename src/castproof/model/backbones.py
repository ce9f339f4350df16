"""Backbones: networks of a library, cut after the last maps that are used, that turn a photo into features."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from castproof.errors import SettingError
from castproof.model.libraries import find_network
from castproof.model.network_maps import Maps, NetworkGraph, NoMapsError, block_names

LEAST_SPREAD: Final = 0.01
TINY_SQUARE: Final = 1e-12  # the root of zero has no gradient
CHOSEN: Final = {  # modules whose maps are the middle, where that is not what `_middle` finds
    "mobilenet": tuple(f"features.{index}.block.0" for index in range(3, 9)),
    "mobilenet_v2": tuple(f"features.{index}.conv.0" for index in (4, 7, 9, 11)),
}


class Backbone(nn.Module):
    """The convolutional part of a network, and what is kept of its maps over the picture.

    The parameters of `net` keep the key names of the network's library, so that its checkpoints fit.

    Args:
        name: see `find_network`.
        taken: "last" for the average of the last maps; "middle" for the spread of the maps in the middle (see
            `log_moments`): the expanded maps of inverted residual blocks at a stride of 8 or 16 pixels, or where
            there are none, what comes out of the stages at these strides. What comes after them is left away.

    Raises:
        SettingError: there is no such network, or it has no such maps.
        MissingExtraError: it is timm's, and timm is not installed.
    """

    def __init__(self, name: str, taken: str = "last") -> None:
        super().__init__()
        whole = find_network(name).build()
        self.name = name
        self.whole_keys = frozenset(whole.state_dict())
        self.takes_middle = taken == "middle"
        try:
            graph = NetworkGraph(whole)
            middle, last = _middle(name, graph), graph.last()
        except NoMapsError as error:
            raise SettingError(
                f"The network {name} cannot be a backbone.",
                rule="castproof takes convolutional networks, which keep maps of the photo at a stride of 8 and of "
                "16 pixels and take photos of any size; transformers do not.",
                found=f"({error})",
                fix="Give another --model, such as mobilenet, mobilenet_v2, lite0 or resnet18.",
            ) from error
        self.width = 2 * sum(one.count for one in middle) if self.takes_middle else last.count
        self.net = graph.cut(middle if self.takes_middle else [*middle, last])
        self._blocks = block_names(whole)

    def forward(self, batch: Tensor) -> Tensor:
        """Return features (n, width) of normalised photos (n, 3, size, size)."""
        if self.takes_middle:
            return log_moments(self.spreads(batch))
        pooled: Tensor = self.net(batch)[-1].mean(dim=(2, 3))
        return pooled

    def middle_and_last(self, batch: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the maps in the middle and the last ones, (n, c, h, w) each, where the last ones are taken.

        Args:
            batch: normalised photos (n, 3, size, size).
        """
        *middle, last = self.net(batch)
        return middle, last

    def spreads(self, batch: Tensor) -> list["Spread"]:
        """Return how the maps in the middle spread, of normalised photos (n, 3, size, size)."""
        return [Spread.of(maps) for maps in self.net(batch)]

    def blocks(self) -> list[nn.Module]:
        """Return the blocks with parameters, in order."""
        found = [_inside(self.net, name) for name in self._blocks]
        return [block for block in found if block is not None and any(True for _ in block.parameters())]

    def trainable_blocks(self, unfreeze: str) -> list[nn.Module]:
        """Return the blocks that `--unfreeze none|N|all` trains, last ones first counted.

        Raises:
            SettingError: more blocks are asked for than the network has.
        """
        blocks = self.blocks()
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


def _middle(name: str, graph: NetworkGraph) -> list[Maps]:
    if name in CHOSEN:
        return [graph.out_of(module) for module in CHOSEN[name]]
    return graph.expanded() or graph.stages()


def _inside(network: nn.Module, name: str) -> nn.Module | None:
    try:
        return network.get_submodule(name)
    except AttributeError:
        return None


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


def seeded_backbone(name: str, seed: int, taken: str = "last") -> Backbone:
    """Return a randomly initialised backbone that depends on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Backbone(name, taken)
