"""The classifier: a backbone, and one or several two-class heads with dropout on its features."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from castproof.model.backbones import Backbone, seeded_backbone
from castproof.model.photos import Normalise
from castproof.preprocess import PreprocessSpec

HIDDEN_WIDTH: Final = 256
DEFECTIVE: Final = 1
CONSTANT_FEATURE: Final = 1e-4


class Head(nn.Module):
    """Features (n, width) to logits (n, 2): good, defective; the mean of its members' logits.

    The features are first brought to mean 0 and standard deviation 1, as measured once on the training
    photos: pretrained features differ in scale by orders of magnitude. The members start from different random
    weights and learn side by side; what hangs on the start of one of them averages out.

    Args:
        width: number of features.
        dropout: of each member.
        members: how many there are.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, width: int, dropout: float, members: int = 1) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("std", torch.ones(width))
        self.members = nn.ModuleList(
            nn.Sequential(
                nn.Linear(width, HIDDEN_WIDTH),
                nn.Hardswish(),
                nn.Dropout(dropout),
                nn.Linear(HIDDEN_WIDTH, 2),
            )
            for _ in range(members)
        )

    def fit_scale(self, features: Tensor) -> None:
        """Measure mean and standard deviation on training features (n, width)."""
        std = features.std(dim=0, correction=0)
        self.mean.copy_(features.mean(dim=0))
        self.std.copy_(torch.where(std > CONSTANT_FEATURE * std.max(), std, 1.0))

    def each(self, features: Tensor) -> Tensor:
        """Return logits (members, n, 2) of features (n, width)."""
        scaled = (features - self.mean) / self.std
        return torch.stack([member(scaled) for member in self.members])

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (n, 2) of features (n, width)."""
        return self.each(features).mean(dim=0)

    def slope(self, features: Tensor) -> Tensor:
        """Return how the margin between the two logits grows with each feature, (n, width), without dropout.

        It is the gradient, written out, so that a graph without gradients can hold it.
        """
        scaled = (features - self.mean) / self.std
        slopes = []
        for member in self.members:
            hidden, last = member[0], member[3]  # type: ignore[index]
            inside = hidden(scaled)
            rise = torch.where(inside.abs() < 3, (2 * inside + 3) / 6, (inside > 0).to(inside.dtype))
            slopes.append((rise * (last.weight[DEFECTIVE] - last.weight[1 - DEFECTIVE])) @ hidden.weight)
        return torch.stack(slopes).mean(dim=0) / self.std


class Classifier(nn.Module):
    """Photos (n, 3, size, size) in [0, 1] to logits (n, 2): good, defective."""

    def __init__(self, backbone: Backbone, head: Head, spec: PreprocessSpec) -> None:
        super().__init__()
        self.size_px = spec.size_px
        self.normalise = Normalise(spec)
        self.backbone = backbone
        self.head = head

    def features(self, photos: Tensor) -> Tensor:
        """Return features (n, width) of photos (n, 3, size, size) in [0, 1]."""
        normalised = self.normalise(photos).contiguous(memory_format=torch.channels_last)
        features: Tensor = self.backbone(normalised)
        return features

    def forward(self, photos: Tensor) -> Tensor:
        """Return logits (n, 2) of photos (n, 3, size, size) in [0, 1]."""
        logits: Tensor = self.head(self.features(photos))
        return logits


@dataclass(frozen=True)
class NetworkSpec:
    """What it takes to build a network that a checkpoint's tensors fit into."""

    model: str
    dropout: float
    preprocess: PreprocessSpec
    features: str = "last"
    heads: int = 1


def build_network(spec: NetworkSpec, seed: int) -> Classifier:
    """Return an untrained network that depends on `spec` and `seed` alone."""
    backbone = seeded_backbone(spec.model, seed, spec.features)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        head = Head(backbone.width, spec.dropout, spec.heads)
    network = Classifier(backbone, head, spec.preprocess)
    return network.to(memory_format=torch.channels_last)


def p_defective(logits: Tensor) -> Tensor:
    """Return the probability of *defective*, float64 (n,), of logits (n, 2)."""
    return torch.softmax(logits.double(), dim=1)[:, DEFECTIVE]
