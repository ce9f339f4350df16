"""Two ways to learn from photos: a head on cached features, or the network end to end.

Both answer the same three questions of the training loop: which parameters learn, which batches an epoch
shows, and what the logits of a whole split are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from castproof.model.augmentation import LEVELS, augment
from castproof.model.defect_types import TypesFit, fit_types
from castproof.model.features import FeatureEngine, FeatureTable, feature_engine, split_features
from castproof.model.inference import network_outputs
from castproof.model.network import Classifier
from castproof.model.novelty import fit_novelty, folds_of_parts, novelty_out_of_fold, part_share, quantile
from castproof.model.photos import PhotoBatches
from castproof.model.ridge import Parts, RidgeFit, fit_ridge
from castproof.progress import SILENT, Progress
from castproof.settings import TrainSettings

TRAIN = "train"


@dataclass(frozen=True)
class LabelledPhotos:
    """The photos of one split.

    Args:
        photos: the photos.
        defective: int64 (n,), 1 = defective.
        weight: float32 (n,), mean 1: how much each photo counts in learning.
    """

    photos: PhotoBatches
    defective: Tensor
    weight: Tensor


Splits = Mapping[str, LabelledPhotos]
Features = Callable[[str, int, Progress], Tensor]  # split and views to (views, n, width)


class Batch(NamedTuple):
    """Logits (n, 2) with gradient, labels int64 (n,) and weights float32 (n,) of some photos."""

    logits: Tensor
    defective: Tensor
    weight: Tensor


class Learner(Protocol):
    """What the training loop needs to know."""

    network: Classifier

    def parameter_groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """Return the parameters that learn, in groups with a multiplier of the learning rate for each."""

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of one epoch, in the seeded order of that epoch."""

    def logits(self, split: str, progress: Progress = SILENT) -> Tensor:
        """Return logits (n, 2) of all photos of `split`, unvaried, with the network as it is."""


def epoch_order(count: int, batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Return the seeded batches of one epoch; a last batch of one photo joins the one before."""
    order = np.random.default_rng((seed, epoch)).permutation(count).tolist()
    batches = [order[start : start + batch_size] for start in range(0, count, batch_size)]
    if len(batches) > 1 and len(batches[-1]) == 1:
        single = batches.pop()
        batches[-1] += single
    return batches


@dataclass(frozen=True)
class DistanceFit:
    """Where REVIEW of good parts begins, and what good parts that were hidden in turn say to it.

    Args:
        limit: distance at which the margin is 0.
        photos: good photos, each of them hidden once with its part.
        parts: their parts.
        reviewed: how many of them lie at or beyond a limit that was set without their fold.
    """

    limit: float
    photos: int
    parts: int
    reviewed: int


class FrozenLearner:
    """Trains the head alone: the backbone runs once per photo and view, before the first epoch, or not at all.

    Args:
        network: its head learns.
        splits: train, and others that are asked for later.
        settings: those of the run.
        device: where it computes.
        progress: told of every photo.
        table: features that are known already; without it they are computed.
    """

    def __init__(
        self,
        network: Classifier,
        splits: Splits,
        settings: TrainSettings,
        device: torch.device,
        progress: Progress,
        table: FeatureTable | None = None,
    ) -> None:
        self.network = network
        self._settings = settings
        self._labels = splits[TRAIN].defective.to(device)
        self._weights = splits[TRAIN].weight.to(device)
        self._features = (
            _looked_up(table, device)
            if table
            else _computed(feature_engine(network, device), splits, settings)
        )
        self._views = self._features(TRAIN, LEVELS[settings.aug_level].views, progress)
        self._unvaried = {TRAIN: self._views[0]}
        network.head.fit_scale(self._views[0])

    def fit_at_once(self, part: Parts) -> RidgeFit:
        """Return the linear head that the train photos define, after giving it to the network.

        Args:
            part: which part each of them shows, int64 (n,).
        """
        views, head = len(self._views), self.network.head
        scaled = head.scaled(self._views.flatten(0, 1)).cpu().numpy()
        defective = self._labels.cpu().numpy().astype(bool)
        weight = self._weights.cpu().numpy().astype(np.float64)
        fit = fit_ridge(
            scaled,
            np.tile(defective, views),
            np.tile(weight, views),
            np.tile(part, views),
            seed=self._settings.seed,
        )
        slope = torch.from_numpy(fit.slope).to(head.mean)
        head.set_linear(slope, fit.bias)
        return fit

    def fit_types(self, class_name: Sequence[str], part: Parts) -> TypesFit | None:
        """Return the head of defect types that the defective train photos define, after giving it to the network.

        None where fewer than two types have parts enough; the network gets none that is no better than chance.

        Args:
            class_name: class folder of each train photo.
            part: which part each of them shows, int64 (n,).
        """
        head, rows = self.network.head, np.flatnonzero(self._labels.cpu().numpy())
        fit = fit_types(
            head.scaled(self._unvaried[TRAIN][rows]).cpu().numpy(),
            [class_name[row] for row in rows.tolist()],
            self._weights.cpu().numpy().astype(np.float64)[rows],
            part[rows],
            seed=self._settings.seed,
        )
        if fit is not None and fit.trial.is_useful:
            head.set_types(*(torch.from_numpy(one).to(head.mean) for one in (fit.slope, fit.bias)))
        return fit

    def fit_distance(self, part: Parts, share: float) -> DistanceFit:
        """Return what the distance from the good train photos came to, after giving it to a "distance" head.

        Args:
            part: which part each of them shows, int64 (n,), at least 3 parts.
            share: of the photos of good parts that were not measured from, how many lie beyond the limit, each part
                weighted equally.
        """
        head = self.network.head
        if head.distance is None:
            raise ValueError("a head of another kind measures no distance")
        scaled = head.scaled(self._unvaried[TRAIN]).cpu().numpy()
        novelty, fold = novelty_out_of_fold(scaled, part), folds_of_parts(part)
        beyond = np.zeros(len(part), np.bool_)
        for hidden in np.unique(fold):
            here = fold == hidden
            beyond[here] = novelty[here] >= quantile(novelty[~here], part_share(part[~here]), 1 - share)
        limit = quantile(novelty, part_share(part), 1 - share)
        head.distance.set(fit_novelty(scaled, part), limit)
        return DistanceFit(limit, len(part), len(np.unique(part)), int(beyond.sum()))

    def parameter_groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """Return the head's parameters, at the full rate."""
        return [(list(self.network.head.parameters()), 1.0)]

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of one epoch; each photo appears once, in one of its views."""
        views, count, _ = self._views.shape
        chosen = np.random.default_rng((self._settings.seed, epoch, views)).integers(views, size=count)
        view_of = torch.from_numpy(chosen)
        self.network.head.train()
        for indices in epoch_order(count, self._settings.batch_size, self._settings.seed, epoch):
            rows = torch.tensor(indices)
            logits = self.network.head(self._views[view_of[rows], rows])
            yield Batch(logits, self._labels[rows], self._weights[rows])

    @torch.inference_mode()
    def logits(self, split: str, progress: Progress = SILENT) -> Tensor:
        """Return logits (n, 2) of the unvaried photos; the features of a split are computed when first asked for."""
        if split not in self._unvaried:
            self._unvaried[split] = self._features(split, 1, progress)[0]
        self.network.head.eval()
        logits: Tensor = self.network.head(self._unvaried[split])
        return logits.cpu()


def _looked_up(table: FeatureTable, device: torch.device) -> Features:
    return lambda split, views, progress: table.of_split(split)[:views].to(device)


def _computed(engine: FeatureEngine, splits: Splits, settings: TrainSettings) -> Features:
    return lambda split, views, progress: split_features(
        engine, splits[split].photos, views, settings, progress
    )


class FinetuneLearner:
    """Trains the head and the last blocks of the backbone, from photos varied again each epoch."""

    def __init__(
        self,
        network: Classifier,
        splits: Splits,
        settings: TrainSettings,
        device: torch.device,
        progress: Progress,
    ) -> None:
        self.network = network
        self._splits = splits
        self._settings = settings
        self._device = device
        self._blocks = network.backbone.trainable_blocks(settings.unfreeze)
        engine = feature_engine(network, device)
        features = split_features(engine, splits[TRAIN].photos, 1, settings, progress)
        network.head.fit_scale(features[0])

    def parameter_groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """Return the head's parameters and those of the trained blocks, which rest in the head-only epochs."""
        blocks = [parameter for block in self._blocks for parameter in block.parameters()]
        return [(list(self.network.head.parameters()), 1.0), (blocks, self._settings.backbone_lr_mult)]

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of one epoch; each photo appears once, varied again."""
        settings, train = self._settings, self._splits[TRAIN]
        level = LEVELS[settings.aug_level]
        order = epoch_order(len(train.defective), settings.batch_size, settings.seed, epoch)
        self._set_modes(epoch)
        for indices, photos in train.photos.read(order):
            seeds = [(settings.seed, epoch, index) for index in indices]
            varied = augment(photos.to(self._device), level, seeds)
            rows = list(indices)
            defective, weight = (told[rows].to(self._device) for told in (train.defective, train.weight))
            yield Batch(self.network.head(self.network.features(varied)), defective, weight)

    def logits(self, split: str, progress: Progress = SILENT) -> Tensor:
        """Return logits (n, 2) of the unvaried photos."""
        photos = self._splits[split].photos
        return network_outputs(self.network, photos, self._device, f"scoring {split}", progress).logits

    def _set_modes(self, epoch: int) -> None:
        self.network.eval()
        self.network.head.train()
        self.network.requires_grad_(False)
        self.network.head.requires_grad_(True)
        if epoch > self._settings.head_only_epochs:
            for block in self._blocks:
                block.train().requires_grad_(True)
