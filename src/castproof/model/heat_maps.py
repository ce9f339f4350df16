"""Heat maps: where in a photo the network sees that the part is defective.

The evidence that a photo shows a defective part is -ln(1 - p_defective). The heat of a place is how much of it goes
when a window around the place is left out. That is the idea of occlusion (Zeiler and Fergus 2014), but what is left
out are the places of the network's maps, not the pixels of the photo: nothing foreign has to be put in their stead,
and the network runs once. docs/decisions/0008 holds the study behind it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from castproof.model.backbones import (
    LEAST_SPREAD,
    SPECS,
    TINY_SQUARE,
    after_expansion,
    expand,
    log_moments,
)
from castproof.model.network import DEFECTIVE, Classifier

PLACES: Final = 20
WINDOW_SHARE: Final = 1 / 8


def heat_maps(network: Classifier, photos: Tensor) -> Tensor:
    """Return heat float32 (n, PLACES, PLACES), nats, at least 0: the evidence that hangs on each place of a photo.

    The places are the middles of PLACES x PLACES equal fields; the window around each has a WINDOW_SHARE of the
    photo's sides. No heat exceeds the evidence of the whole photo, which is 0.01 at a p_defective of 0.01, 0.7 at 0.5
    and 4.6 at 0.99: heat can be compared between photos, and one that is surely good has none.

    Args:
        network: used in eval mode, and left as it was.
        photos: float32 (n, 3, size, size) in [0, 1], on the network's device.
    """
    with _in_eval_mode(network), torch.inference_mode(mode=False):
        margin, fall = (_left_out if network.backbone.middle else _estimated)(network, photos)
    whole = margin[:, None, None]
    return (F.softplus(whole) - F.softplus(whole - fall)).clamp_min(0)


@contextmanager
def _in_eval_mode(network: nn.Module) -> Iterator[None]:
    learning = [module for module in network.modules() if module.training]
    network.eval()
    try:
        yield
    finally:
        for module in learning:
            module.training = True


@torch.no_grad()
def _left_out(network: Classifier, photos: Tensor) -> tuple[Tensor, Tensor]:
    """Return the margins (n,), and how far they fall (n, PLACES, PLACES) if windows are left out of the moments."""
    maps, _ = _middle_maps(network, photos)
    margin = _margin(network, torch.cat([log_moments(one) for one in maps], dim=1))
    without = torch.cat([_log_moments_without(one) for one in maps], dim=1)
    rows = without.permute(0, 2, 3, 1).flatten(end_dim=2)
    return margin, margin[:, None, None] - _margin(network, rows).view(-1, PLACES, PLACES)


@torch.enable_grad()
def _estimated(network: Classifier, photos: Tensor) -> tuple[Tensor, Tensor]:
    """Return the margins (n,), and how far they would fall (n, PLACES, PLACES), to first order.

    The fall is that if the maps of a middle block were brought to their means within the window, on average over
    these blocks. The maps of the last layer do not tell places apart: each of theirs sees the whole photo.
    """
    maps, last = _middle_maps(network, photos)
    margin = _margin(network, last.mean(dim=(2, 3)))
    fall = photos.new_zeros(len(photos), PLACES, PLACES)
    for one, slope in zip(maps, torch.autograd.grad(margin.sum(), maps), strict=True):
        deviation = one.detach() - one.detach().mean(dim=(2, 3), keepdim=True)
        fall += _sums_in_windows((slope * deviation).sum(dim=1)) / len(maps)
    return margin.detach(), fall


def _middle_maps(network: Classifier, photos: Tensor) -> tuple[list[Tensor], Tensor]:
    """Return the expanded maps (n, c, h, w) of the middle blocks, and the maps that come out of the backbone."""
    taken = []
    maps = network.normalise(photos).contiguous(memory_format=torch.channels_last)
    for index, block in enumerate(network.backbone.features):
        if index not in SPECS[network.backbone.name].middle:
            maps = block(maps)
            continue
        expanded = expand(block, maps)
        taken.append(expanded if expanded.requires_grad else expanded.requires_grad_())
        maps = after_expansion(block, maps, expanded)
    return taken, maps


def _margin(network: Classifier, features: Tensor) -> Tensor:
    """Return by how much the logit of *defective* exceeds that of *good*, (n,), of features (n, width)."""
    logits = network.head(features)
    margin: Tensor = logits[:, DEFECTIVE] - logits[:, 1 - DEFECTIVE]
    return margin


def _log_moments_without(maps: Tensor) -> Tensor:
    """Return features (n, 2 c, PLACES, PLACES): `log_moments` of maps (n, c, h, w), a window left out of each."""
    exact = maps.double().contiguous()
    deviation = exact - exact.mean(dim=(2, 3), keepdim=True)
    squared = deviation.square()
    powers = (torch.ones_like(deviation[:, :1]), deviation, squared, squared * deviation, squared.square())
    left = [one.sum(dim=(2, 3), keepdim=True) - _sums_in_windows(one) for one in powers]
    mean, square, cube, fourth = (one / left[0] for one in left[1:])
    second_moment = (square - mean.square()).clamp_min(TINY_SQUARE)
    fourth_moment = fourth - 4 * mean * cube + 6 * mean.square() * square - 3 * mean.square().square()
    roots = [second_moment.sqrt(), fourth_moment.clamp_min(TINY_SQUARE**2).sqrt().sqrt()]
    return torch.log(torch.cat(roots, dim=1) + LEAST_SPREAD).to(maps.dtype)


def _sums_in_windows(maps: Tensor) -> Tensor:
    """Return the sums (..., PLACES, PLACES) of maps (..., h, w) within each window."""
    rows, columns = (_covered(size).to(maps) for size in maps.shape[-2:])
    return rows @ maps @ columns.T


def _covered(size: int) -> Tensor:
    """Return float64 (PLACES, size): the share of each of `size` equal pieces of a side that each window covers."""
    middle = (torch.arange(PLACES, dtype=torch.float64)[:, None] + 0.5) / PLACES
    edge = torch.arange(size + 1, dtype=torch.float64)[None] / size
    inside = edge.clamp(middle - WINDOW_SHARE / 2, middle + WINDOW_SHARE / 2)
    return inside.diff(dim=1) * size
