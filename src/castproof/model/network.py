"""The classifier: a backbone, and a two-class head on its features."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from castproof.errors import SettingError
from castproof.model.backbones import Backbone, seeded_backbone
from castproof.model.novelty import DIRECTIONS, FeatureNovelty, novelty_of
from castproof.model.photos import Normalise
from castproof.preprocess import PreprocessSpec
from castproof.settings import DISTANCE, out_of_range

HIDDEN_WIDTH: Final = 256
MOST_TYPES: Final = 1000
DEFECTIVE: Final = 1
HIDDEN: Final = "hidden"
CONSTANT_FEATURE: Final = 1e-4
STEEPNESS: Final = 4.0  # of the margin of good parts: twice as far from them is 2.8
MOST_MARGIN: Final = 30.0  # below what makes p_defective 1, from which a gate of good parts would reject
_LEAST_DISTANCE: Final = 1e-9


class Distance(nn.Module):
    """Scaled features (n, width) to a margin (n,) that grows with their distance from the good parts.

    It is STEEPNESS ln(distance / limit), within MOST_MARGIN of 0; the distance is that of `FeatureNovelty`.
    """

    centre: Tensor
    directions: Tensor
    shrink: Tensor
    limit: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("directions", torch.zeros(DIRECTIONS, width))
        self.register_buffer("shrink", torch.zeros(DIRECTIONS))
        self.register_buffer("limit", torch.ones(()))

    def set(self, novelty: FeatureNovelty, limit: float) -> None:
        """Measure from the good parts of `novelty`; at the distance `limit` the margin is 0."""
        kept = len(novelty.shrink)
        self.centre.copy_(torch.from_numpy(novelty.centre))
        self.directions.zero_()[:kept] = torch.from_numpy(novelty.directions)
        self.shrink.zero_()[:kept] = torch.from_numpy(novelty.shrink)
        self.limit.fill_(max(limit, _LEAST_DISTANCE))

    def forward(self, scaled: Tensor) -> Tensor:
        """Return the margin (n,)."""
        distance, _ = self._distance_and_pull(scaled)
        return (STEEPNESS * torch.log(distance / self.limit)).clamp(-MOST_MARGIN, MOST_MARGIN)

    def slope(self, scaled: Tensor) -> Tensor:
        """Return how the margin grows with each scaled feature, (n, width); see `Head.slope`."""
        distance, pull = self._distance_and_pull(scaled)
        return STEEPNESS * pull / distance[:, None]

    def _distance_and_pull(self, scaled: Tensor) -> tuple[Tensor, Tensor]:
        """Return the distance (n,), and how it grows with each scaled feature, (n, width)."""
        away = scaled - self.centre
        along = away @ self.directions.T
        pull = 2 * (away - (self.shrink * along) @ self.directions) / away.shape[1]
        return novelty_of(away, along, self.shrink).clamp_min(_LEAST_DISTANCE), pull


class Head(nn.Module):
    """Features (n, width) to logits (n, 2): good, defective.

    The features are first brought to mean 0 and standard deviation 1, as measured once on the training
    photos: pretrained features differ in scale by orders of magnitude.

    Args:
        width: number of features.
        kind: "linear", "hidden" for one hidden layer with dropout, or "distance" from good parts, see `Distance`.
        dropout: of the hidden layer.
        types: how many defect types it has scores for, see `castproof.model.defect_types`; 0 for none.
    """

    mean: Tensor
    std: Tensor
    hidden: nn.Linear | None
    bend: nn.Sequential
    last: nn.Linear
    types: nn.Linear | None
    distance: Distance | None

    def __init__(self, width: int, kind: str, dropout: float, types: int = 0) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("std", torch.ones(width))
        self.distance = Distance(width) if kind == DISTANCE else None
        self.hidden = nn.Linear(width, HIDDEN_WIDTH) if kind == HIDDEN else None
        self.bend = nn.Sequential(nn.Hardswish(), nn.Dropout(dropout))
        self.last = nn.Linear(width if self.hidden is None else HIDDEN_WIDTH, 2)
        self.types = nn.Linear(width, types) if types else None

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

    @torch.no_grad()
    def set_types(self, slope: Tensor, bias: Tensor) -> None:
        """Give the head scores of defect types: `scaled(features) @ slope.T + bias`.

        Args:
            slope: (types, width).
            bias: (types,).
        """
        count, width = slope.shape
        self.types = nn.Linear(width, count, device=self.mean.device).requires_grad_(False)
        self.types.weight.copy_(slope)
        self.types.bias.copy_(bias)

    def type_scores(self, features: Tensor) -> Tensor:
        """Return the scores (n, types) of features (n, width), the largest for the type that they look like."""
        if self.types is None:
            return features.new_zeros(len(features), 0)
        scores: Tensor = self.types(self.scaled(features))
        return scores

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (n, 2) of features (n, width)."""
        scaled = self.scaled(features)
        if self.distance is not None:
            margin = self.distance(scaled) / 2
            return torch.stack([-margin, margin], dim=1)
        logits: Tensor = self.last(scaled if self.hidden is None else self.bend(self.hidden(scaled)))
        return logits

    def slope(self, features: Tensor) -> Tensor:
        """Return how the margin between the two logits grows with each feature, without dropout.

        It is (n, width), of a linear head (1, width): to expand it would take an operator that model files refuse. It
        is the gradient, written out, so that a graph without gradients can hold it.
        """
        if self.distance is not None:
            return self.distance.slope(self.scaled(features)) / self.std
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
    """What it takes to build a network that a checkpoint's tensors fit into.

    Args:
        model: name of the backbone.
        dropout: of the head.
        preprocess: the rule from pixels to network input.
        features: which maps are pooled to features.
        head: "linear" or "hidden".
        types: names of the defect types that the head has scores for, in their order.

    Raises:
        SettingError: a number or a name is out of its range.
    """

    model: str
    dropout: float
    preprocess: PreprocessSpec
    features: str = "last"
    head: str = "hidden"
    types: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        size_px, mean, std = self.preprocess.size_px, self.preprocess.mean, self.preprocess.std
        named = {"model": self.model, "dropout": self.dropout, "features": self.features, "head": self.head}
        wrong = out_of_range({**named, "img_size": size_px})
        if len(mean) != 3 or len(std) != 3 or not np.isfinite((*mean, *std)).all() or min(std) <= 0:
            wrong.append(f"mean and std must be three finite numbers each; found {mean} and {std}")
        if len(self.types) > MOST_TYPES:
            wrong.append(f"there must be at most {MOST_TYPES:,} defect types; found {len(self.types):,}")
        if wrong:
            raise SettingError("No such network can be built.", found="; ".join(wrong))


def build_network(spec: NetworkSpec, seed: int) -> Classifier:
    """Return an untrained network that depends on `spec` and `seed` alone."""
    backbone = seeded_backbone(spec.model, seed, spec.features)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        head = Head(backbone.width, spec.head, spec.dropout, len(spec.types))
    network = Classifier(backbone, head, spec.preprocess)
    return network.to(memory_format=torch.channels_last)


def margin_of(logits: Tensor) -> Tensor:
    """Return by how much the logit of *defective* exceeds that of *good*, (n,), of logits (n, 2)."""
    return logits[:, DEFECTIVE] - logits[:, 1 - DEFECTIVE]


def p_defective(logits: Tensor) -> Tensor:
    """Return the probability of *defective*, float64 (n,), of logits (n, 2)."""
    return torch.softmax(logits.double(), dim=1)[:, DEFECTIVE]
