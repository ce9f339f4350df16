"""The classifier: a backbone, and a two-class head on its features."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from castproof.model.backbones import Backbone, seeded_backbone
from castproof.model.photos import Normalise
from castproof.preprocess import PreprocessSpec

HIDDEN_WIDTH: Final = 256
DEFECTIVE: Final = 1
LINEAR: Final = "linear"
CONSTANT_FEATURE: Final = 1e-4


class Head(nn.Module):
    """Features (n, width) to logits (n, 2): good, defective.

    The features are first brought to mean 0 and standard deviation 1, as measured once on the training
    photos: pretrained features differ in scale by orders of magnitude.

    Args:
        width: number of features.
        kind: "linear", or "hidden" for one hidden layer with dropout.
        dropout: of the hidden layer.
    """

    mean: Tensor
    std: Tensor
    hidden: nn.Linear | None
    bend: nn.Sequential
    last: nn.Linear

    def __init__(self, width: int, kind: str, dropout: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("std", torch.ones(width))
        self.hidden = None if kind == LINEAR else nn.Linear(width, HIDDEN_WIDTH)
        self.bend = nn.Sequential(nn.Hardswish(), nn.Dropout(dropout))
        self.last = nn.Linear(width if self.hidden is None else HIDDEN_WIDTH, 2)

    def fit_scale(self, features: Tensor) -> None:
        """Measure mean and standard deviation on training features (n, width)."""
        std = features.std(dim=0, correction=0)
        self.mean.copy_(features.mean(dim=0))
        self.std.copy_(torch.where(std > CONSTANT_FEATURE * std.max(), std, 1.0))

    def scaled(self, features: Tensor) -> Tensor:
        """Return features (n, width) brought to the scale of the training photos."""
        return (features - self.mean) / self.std

    @torch.no_grad()
    def set_linear(self, slope: Tensor, bias: float) -> None:
        """Make the margin between the two logits `scaled(features) @ slope + bias`; of a linear head alone.

        Args:
            slope: (width,).
            bias: the margin where all scaled features are 0.
        """
        for row, sign in ((DEFECTIVE, 0.5), (1 - DEFECTIVE, -0.5)):
            self.last.weight[row], self.last.bias[row] = sign * slope, sign * bias

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (n, 2) of features (n, width)."""
        scaled = self.scaled(features)
        logits: Tensor = self.last(scaled if self.hidden is None else self.bend(self.hidden(scaled)))
        return logits

    def slope(self, features: Tensor) -> Tensor:
        """Return how the margin between the two logits grows with each feature, (n, width), without dropout.

        Of a linear head it is the same for all photos, and (1, width): to repeat it would take an operator that a model
        file may not hold.
        It is the gradient, written out, so that a graph without gradients can hold it.
        """
        rise = self.last.weight[DEFECTIVE] - self.last.weight[1 - DEFECTIVE]
        if self.hidden is None:
            return (rise / self.std)[None]
        inside = self.hidden(self.scaled(features))
        bend = torch.where(inside.abs() < 3, (2 * inside + 3) / 6, (inside > 0).to(inside.dtype))
        return (bend * rise) @ self.hidden.weight / self.std


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
    head: str = "hidden"


def build_network(spec: NetworkSpec, seed: int) -> Classifier:
    """Return an untrained network that depends on `spec` and `seed` alone."""
    backbone = seeded_backbone(spec.model, seed, spec.features)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        head = Head(backbone.width, spec.head, spec.dropout)
    network = Classifier(backbone, head, spec.preprocess)
    return network.to(memory_format=torch.channels_last)


def p_defective(logits: Tensor) -> Tensor:
    """Return the probability of *defective*, float64 (n,), of logits (n, 2)."""
    return torch.softmax(logits.double(), dim=1)[:, DEFECTIVE]
