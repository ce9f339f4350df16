"""Heat maps: where in a photo the network sees that the part is defective.

The evidence that a photo is defective, -ln(1 - p_defective), is shared out over the places of the photo. What a place
gets is how far the maps of the middle of the network stray from their means there, times how much the network makes of
it: gradient times deviation, as LayerCAM (Jiang, Zhang, Hou, Cheng and Wei 2021) takes gradient times activation.
Where the features are log moments of these very maps, this is the exact share of each place in the moments (Euler's
rule for homogeneous functions). docs/decisions/0008 holds the study behind it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from castproof.model.backbones import SPECS, after_expansion, expand, log_moments
from castproof.model.network import DEFECTIVE, Classifier, Head

WINDOW_SHARE: Final = 0.08
_NOTHING: Final = 1e-12


def heat_maps(network: Classifier, photos: Tensor) -> Tensor:
    """Return heat float32 (n, h, w), at least 0: how much of the evidence for *defective* lies around each place.

    Its unit is the nat. The evidence of a whole photo is -ln(1 - p_defective): 0.01 at a p_defective of 0.01, 0.7 at
    0.5, 4.6 at 0.99. The heat of a place is what a square of a WINDOW_SHARE of the photo's side around it holds of
    that, so it can be compared between photos, and a photo that is surely good has none. The places lie evenly over
    the photo, as far apart as those of the finest map used (8 pixels with "mobilenet", 4 with "mobilenet_v2").

    Args:
        network: its weights, gradients and mode are left as they are; it is used in eval mode.
        photos: float32 (n, 3, size, size) in [0, 1], on the network's device.
    """
    with _in_eval_mode(network), torch.inference_mode(mode=False), torch.enable_grad():
        maps, features = _maps_and_features(network, photos)
        evidence, weights = _evidence_of_features(network.head, features)
        gradients = torch.autograd.grad((weights * features).sum(), maps)
    shares = _shares([one.detach() for one in maps], gradients)
    return _sum_in_windows(evidence[:, None, None] * shares)


@contextmanager
def _in_eval_mode(network: nn.Module) -> Iterator[None]:
    learning = [module for module in network.modules() if module.training]
    network.eval()
    try:
        yield
    finally:
        for module in learning:
            module.training = True


def _maps_and_features(network: Classifier, photos: Tensor) -> tuple[list[Tensor], Tensor]:
    """Return the maps of the middle blocks, (n, c, h, w) each, and the features (n, width) that follow from them.

    Where the features are taken from these very maps, they follow from each of them alone; elsewhere from all of
    them, one after the other.
    """
    backbone = network.backbone
    from_the_middle = bool(backbone.middle)
    taken: list[Tensor] = []
    with torch.set_grad_enabled(not from_the_middle):
        maps = network.normalise(photos).contiguous(memory_format=torch.channels_last)
        for index, block in enumerate(backbone.features):
            if index not in SPECS[backbone.name].middle:
                maps = block(maps)
                continue
            expanded = expand(block, maps)
            taken.append(expanded if expanded.requires_grad else expanded.requires_grad_())
            maps = after_expansion(block, maps, expanded)
    if from_the_middle:
        return taken, torch.cat([log_moments(one) for one in taken], dim=1)
    return taken, maps.mean(dim=(2, 3))


def _evidence_of_features(head: Head, features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the evidence (n,) of the photos, and how much each feature (n, width) counts when it is shared out.

    A feature counts with its gradient, times how far it lies beyond its mean over the training photos, on the side
    that speaks for *defective*, counted in a soft way (softplus of standard deviations). Without that, every edge of a
    sound casting would get a share, because it would count if it were stronger.
    """
    given = features.detach().requires_grad_()
    logits = head(given)
    margin = logits[:, DEFECTIVE] - logits[:, 1 - DEFECTIVE]
    (slope,) = torch.autograd.grad(margin.sum(), given)
    beyond = (given.detach() - head.mean) / head.std * slope.sign()
    return F.softplus(margin.detach()), slope * head.std * F.softplus(beyond)


def _shares(maps: list[Tensor], gradients: tuple[Tensor, ...]) -> Tensor:
    """Return shares (n, h, w) that sum to 1 for each photo, or to 0 where nothing speaks for *defective*.

    At each place of a block, what speaks for and what speaks against is offset; what is left against is dropped.
    """
    finest = maps[0].shape[2:]
    total = torch.zeros(len(maps[0]), 1, *finest, device=maps[0].device)
    for one, gradient in zip(maps, gradients, strict=True):
        deviation = one - one.mean(dim=(2, 3), keepdim=True)
        speaking = (gradient * deviation).sum(dim=1, keepdim=True).clamp_min(0)
        per_area = speaking * (speaking.shape[2] * speaking.shape[3])
        total += F.interpolate(per_area, size=finest, mode="bilinear")
    return (total / total.sum(dim=(2, 3), keepdim=True).clamp_min(_NOTHING))[:, 0]


def _sum_in_windows(values: Tensor) -> Tensor:
    """Return the sum of values (n, h, w) over the square around each place; beyond the border there is nothing."""
    side = window_places(values.shape[1])
    summed = F.avg_pool2d(values[:, None], side, stride=1, padding=side // 2) * side**2
    return summed[:, 0]


def window_places(places: int) -> int:
    """Return how many of the `places` along a side a window is wide: an odd number, as near to its share as can be."""
    return 2 * max(0, round((WINDOW_SHARE * places - 1) / 2)) + 1
