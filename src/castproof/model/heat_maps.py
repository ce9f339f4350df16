"""Heat maps: where in a photo the network sees that the part is defective.

The evidence that a photo shows a defective part is -ln(1 - p_defective). The heat of a place is how much of it goes
when a window around the place is left out. That is the idea of occlusion (Zeiler and Fergus 2014), but what is left
out are the places of the network's maps, not the pixels of the photo: nothing foreign has to be put in their stead,
and the network runs once. How far the margin of the logits falls is computed to first order, so that the map costs
little beside the verdict. docs/decisions/0008 has the study behind it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Final, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from castproof.model.backbones import LEAST_SPREAD, Spread, roots_of_moments
from castproof.model.network import Classifier, margin_of
from castproof.modelfile.outputs import PLACES

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
        if network.backbone.takes_middle:
            with torch.no_grad():
                return look(network, network.normalise(photos)).heat
        return _heat(*_estimated(network, photos))


class Look(NamedTuple):
    """What a network makes of photos, in one pass.

    Args:
        features: (n, width), see `Classifier.features`.
        logits: (n, 2), see `Classifier`.
        heat: (n, PLACES, PLACES), see `heat_maps`.
    """

    features: Tensor
    logits: Tensor
    heat: Tensor


def look(network: Classifier, normalised: Tensor) -> Look:
    """Return features, logits and heat of normalised photos (n, 3, size, size), by forward operations alone.

    Args:
        network: with features of the middle, in eval mode.
        normalised: see `castproof.model.photos.Normalise`.
    """
    spreads = network.backbone.spreads(normalised)
    roots, is_fourth = roots_of_moments(spreads)
    features = torch.log(roots + LEAST_SPREAD)
    logits = network.head(features)
    powers = torch.where(is_fourth, 4 * roots**3, 2 * roots)
    slopes = network.head.slope(features) / (powers * (roots + LEAST_SPREAD))
    fall = _fall_without_windows(spreads, slopes)
    return Look(features, logits, _heat(margin_of(logits), fall))


def _fall_without_windows(spreads: Sequence[Spread], slopes: Tensor) -> Tensor:
    """Return how far the margins fall if windows are left out of the moments, to first order, (n, PLACES, PLACES).

    The means that deviations are measured from stay as they are.

    Args:
        spreads: of the maps of each block.
        slopes: of the margin, per moment, (n, width).
    """
    counts = [int(one.square.shape[1]) for one in spreads for _ in ("square", "fourth")]
    parts = iter(torch.split(slopes[:, None], counts, dim=2))
    by_size = defaultdict[tuple[int, int], list[Tensor]](list)
    for one in spreads:
        height, width = (int(size) for size in one.square.shape[2:])
        by_size[height, width] += [next(parts) @ maps.flatten(2) for maps in (one.square, one.fourth)]
    falls = []
    for (height, width), pulls in by_size.items():
        pull = reduce(torch.add, pulls)
        share = (pull - pull.mean(dim=2, keepdim=True)) / (height * width)
        falls.append(_sums_in_windows(share.view(-1, height, width)))
    return reduce(torch.add, falls)


def _heat(margin: Tensor, fall: Tensor) -> Tensor:
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


@torch.enable_grad()
def _estimated(network: Classifier, photos: Tensor) -> tuple[Tensor, Tensor]:
    """Return the margins (n,), and how far they would fall (n, PLACES, PLACES), to first order.

    The fall is that if the maps of a middle block were brought to their means within the window, on average over
    these blocks. The maps of the last layer do not tell places apart: each of theirs sees the whole photo.
    """
    normalised = network.normalise(photos).contiguous(memory_format=torch.channels_last)
    maps, last = network.backbone.middle_and_last(normalised.requires_grad_())
    margin = margin_of(network.head(last.mean(dim=(2, 3))))
    fall = photos.new_zeros(len(photos), PLACES, PLACES)
    for one, slope in zip(maps, torch.autograd.grad(margin.sum(), maps), strict=True):
        deviation = one.detach() - one.detach().mean(dim=(2, 3), keepdim=True)
        fall += _sums_in_windows((slope * deviation).sum(dim=1)) / len(maps)
    return margin.detach(), fall


def _sums_in_windows(maps: Tensor) -> Tensor:
    """Return the sums (..., PLACES, PLACES) of maps (..., h, w) within each window."""
    rows, columns = (_covered(int(size)).to(maps) for size in maps.shape[-2:])
    return rows @ maps @ columns.T


def _covered(size: int) -> Tensor:
    """Return float64 (PLACES, size): the share of each of `size` equal pieces of a side that each window covers."""
    middle = (np.arange(PLACES)[:, None] + 0.5) / PLACES
    edge = np.arange(size + 1)[None] / size
    inside = np.clip(edge, middle - WINDOW_SHARE / 2, middle + WINDOW_SHARE / 2)
    return torch.from_numpy(np.diff(inside, axis=1) * size)
