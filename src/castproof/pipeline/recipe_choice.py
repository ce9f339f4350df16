"""Which named recipe suits the photos: each judges parts it never saw, and the simplest that is not worse is taken."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from castproof.data.folds import Folds
from castproof.data.manifest import Manifest
from castproof.errors import DataError, WeightsError
from castproof.measure.scores import Floats
from castproof.model.features import FeatureTable, feature_engine, split_features
from castproof.model.learning import TRAIN, FrozenLearner
from castproof.model.network import margin_of
from castproof.model.ridge import STANDARD_ERRORS
from castproof.pipeline.crossval_rounds import TESTED
from castproof.pipeline.training_run import (
    labelled_photos,
    part_places,
    photo_batches,
    rows_by_split,
    start_network,
)
from castproof.progress import Progress
from castproof.recipes import CANDIDATES, as_recipe
from castproof.settings import TrainSettings


@dataclass(frozen=True)
class RecipeTrial:
    """How one recipe judged parts that it was not trained on.

    Args:
        recipe: its name.
        loss: mean log loss, each part weighted equally and both kinds alike, nats; None where it could not be tried.
        ahead: by how much its loss is below that of the simplest recipe; None for that one itself.
        chance: what `ahead` may be by chance: two standard errors over parts.
        why_not: why it could not be tried.
    """

    recipe: str
    loss: float | None
    ahead: float | None = None
    chance: float = 0.0
    why_not: str = ""

    @property
    def is_better(self) -> bool:
        """Whether it is better than the simplest recipe by more than chance over parts."""
        return self.ahead is not None and self.ahead > self.chance


def choose_recipe(
    settings: TrainSettings, folds: Folds | None, device: torch.device, progress: Progress
) -> tuple[TrainSettings, tuple[RecipeTrial, ...]]:
    """Return the settings of the recipe to train with, and what each recipe did.

    Args:
        settings: with the recipe "auto"; what was given besides holds for every recipe.
        folds: the photos to learn from.
        device: where features are computed.
        progress: told of every photo.

    Raises:
        DataError: there are too few parts for folds.
        CastproofError: a photo cannot be decoded, or the simplest recipe cannot be tried.
    """
    if folds is None:
        raise DataError(
            "Recipes cannot be compared.",
            rule="That takes three parts of each kind, to judge parts that a network never saw.",
            fix="Add photos of more parts, or leave --recipe out.",
        )
    simplest, *others = CANDIDATES
    usual = _losses(as_recipe(settings, simplest), folds, device, progress)
    trials = [RecipeTrial(simplest, _mean(usual))]
    for recipe in others:
        try:
            losses = _losses(as_recipe(settings, recipe), folds, device, progress)
        except WeightsError as error:
            trials.append(RecipeTrial(recipe, None, why_not=f"{error.problem} {error.fix}".strip()))
            continue
        ahead = {kind: usual[kind] - losses[kind] for kind in usual}
        se = np.sqrt(sum(one.var(ddof=1) / len(one) for one in ahead.values())) / 2
        trials.append(RecipeTrial(recipe, _mean(losses), _mean(ahead), float(STANDARD_ERRORS * se)))
    better = [one for one in trials if one.is_better]
    chosen = min(better, key=lambda one: one.loss or 0.0).recipe if better else simplest
    return as_recipe(settings, chosen), tuple(trials)


def _mean(of_parts: Mapping[bool, Floats]) -> float:
    return float(np.mean([one.mean() for one in of_parts.values()]))


def _losses(
    settings: TrainSettings, folds: Folds, device: torch.device, progress: Progress
) -> dict[bool, Floats]:
    """Return the mean log loss of every good and of every defective part, out of fold, by kind."""
    network, photos = start_network(settings).network, folds.manifest.photos
    batches = photo_batches(folds.manifest, photos, settings)
    features = split_features(feature_engine(network, device), batches, 1, settings, progress)
    margins = np.empty(len(photos))
    with progress.task(f"recipe {settings.recipe}", folds.count) as task:
        for fold in range(1, folds.count + 1):
            manifest = folds.split(fold, validates=False)
            rows = {name: torch.tensor(of_split) for name, of_split in rows_by_split(manifest).items()}
            learner = FrozenLearner(
                network,
                labelled_photos(manifest, settings),
                settings,
                device,
                progress,
                FeatureTable(features, rows),
            )
            learner.fit_at_once(part_places(manifest.of_split(TRAIN)))
            margins[rows[TESTED]] = margin_of(learner.logits(TESTED)).double().numpy()
            task.advance()
    return _by_part(margins, folds.manifest)


def _by_part(margins: Floats, manifest: Manifest) -> dict[bool, Floats]:
    part = part_places(manifest.photos)
    defective = np.array([photo.defective for photo in manifest.photos])
    losses = np.logaddexp(0, np.where(defective, -margins, margins))
    of_kind = {}
    for kind in (False, True):
        count = np.bincount(part[defective == kind])
        total = np.bincount(part[defective == kind], weights=losses[defective == kind])
        of_kind[kind] = total[count > 0] / count[count > 0]
    return of_kind
