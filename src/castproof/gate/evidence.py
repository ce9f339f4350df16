"""What a decision rests on: photos of parts that the network was not trained on, as inspections of parts."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.errors import DataError
from castproof.gate.combine import Combine, inspections_of
from castproof.measure.scores import Counts, Flags, Floats, check_scores
from castproof.wording import counted

FOLDS: Final = 5


@dataclass(frozen=True, eq=False)
class Evidence:
    """Photos of parts that the network was not trained on, and what it says about them.

    Args:
        defective: bool (n,), True for a photo labelled defective.
        logit: float64 (n,), finite: what the network says about it, see `logit_of`.
        part: int64 (n,), which part a photo shows; the good and the defective photos of one part are two numbers.
        fold: int64 (n,), which of several like pieces a photo belongs to; no part is in two.

    Raises:
        DataError: the input cannot be measured, or a part's number is used for both labels.
    """

    defective: Flags
    logit: Floats
    part: Counts
    fold: Counts

    def __post_init__(self) -> None:
        check_scores(self.defective, np.isfinite(self.logit).astype(np.float64))
        both = np.intersect1d(self.part[self.defective], self.part[~self.defective])
        if both.size or not np.isfinite(self.logit).all():
            raise DataError(
                "The evidence cannot be used.",
                rule="The good and the defective photos of one part count as two parts; all logits are finite.",
                found=f"Found {both.size} parts with photos of both kinds.",
            )

    def __len__(self) -> int:
        return len(self.logit)

    @property
    def weight(self) -> Floats:
        """float64 (n,), mean 1: a part weighs as much as the square root of its number of photos, as in learning."""
        _, place, count = np.unique(self.part, return_inverse=True, return_counts=True)
        weight = 1 / np.sqrt(count[place].astype(np.float64))
        return np.asarray(weight / weight.mean(), np.float64)

    def parts(self, *, defective: bool) -> int:
        """Return how many good or defective parts there are."""
        return len(np.unique(self.part[self.defective == defective]))

    def photos(self, *, defective: bool) -> int:
        """Return how many good or defective photos there are."""
        return int((self.defective == defective).sum())

    def rows(self, chosen: NDArray[np.bool_]) -> "Evidence":
        """Return the photos where `chosen`, bool (n,), is True."""
        return Evidence(self.defective[chosen], self.logit[chosen], self.part[chosen], self.fold[chosen])


@dataclass(frozen=True, eq=False)
class Inspections:
    """Every inspection of the good or of the defective parts that the photos stand for.

    A part may be inspected in several ways, once with each of its photos for example; their weights sum to 1, so
    that every part has the same weight, however often it was photographed.

    Args:
        logit: float64 (m,), what is compared with cuts.
        weight: float64 (m,), above 0.
        part: int64 (m,), places of the parts, from 0 without gaps.
        photos: int64 (parts,), photos of each part.
    """

    logit: Floats
    weight: Floats
    part: Counts
    photos: Counts

    @property
    def parts(self) -> int:
        """Number of parts."""
        return len(self.photos)

    @property
    def binary(self) -> bool:
        """Whether every part has a single inspection, so that it either passes or does not."""
        return len(self.logit) == self.parts

    def photo_weighted(self) -> "Inspections":
        """Return the same inspections, each part weighing as much as it has photos; the mean weight of a part is 1."""
        return Inspections(
            self.logit,
            self.weight * (self.photos / self.photos.mean())[self.part],
            self.part,
            self.photos,
        )

    def per_part(self, chosen: Flags) -> Floats:
        """Return, float64 (parts,), the share of each part's inspections where `chosen`, bool (m,), is True."""
        total = np.bincount(self.part, weights=self.weight, minlength=self.parts)
        return np.bincount(self.part, weights=self.weight * chosen, minlength=self.parts) / total

    def share_below(self, cuts: NDArray[np.floating]) -> Floats:
        """Return, float64 (k,), the weighted share of inspections with a logit below each cut, in [0, 1]."""
        order = np.argsort(self.logit, kind="stable")
        total = np.append(0.0, np.cumsum(self.weight[order]))
        place = np.searchsorted(self.logit[order], np.asarray(cuts, np.float64), side="left")
        return np.clip(total[place] / total[-1], 0.0, 1.0) if len(order) else np.zeros(len(place))


def inspections(evidence: Evidence, combine: Combine, *, defective: bool) -> Inspections:
    """Return the inspections of the good or of the defective parts.

    Args:
        evidence: photos with their parts.
        combine: how many photos of a part make one inspection, and how.
        defective: which parts.

    Raises:
        DataError: no part has enough photos.
    """
    chosen = evidence.defective == defective
    numbers, place = np.unique(evidence.part[chosen], return_inverse=True)
    order = np.argsort(place, kind="stable")
    ends = np.cumsum(np.bincount(place, minlength=len(numbers)))[:-1]
    groups = np.split(evidence.logit[chosen][order], ends)
    groups = [one for one in groups if len(one) >= combine.n]
    if not groups:
        kind = "defective" if defective else "good"
        raise DataError(
            f"There is no {kind} part to decide by.",
            rule=f"A verdict takes {counted(combine.n, 'photo')} of a part that the network never saw.",
            found=f"Found {counted(evidence.photos(defective=defective), f'{kind} photo')}.",
            fix="Add photos of more parts, or more of each part, or give another --combine.",
        )
    made = [inspections_of(one, combine) for one in groups]
    return Inspections(
        logit=np.concatenate([logit for logit, _ in made]),
        weight=np.concatenate([weight for _, weight in made]),
        part=np.repeat(np.arange(len(made)), [len(logit) for logit, _ in made]),
        photos=np.array([len(one) for one in groups], np.int64),
    )


def share_out_folds(defective: Flags, part: Counts, *, folds: int = FOLDS, seed: int = 1337) -> Counts:
    """Return a fold from 1 for each photo, int64 (n,): parts whole, good and defective parts spread evenly.

    Args:
        defective: bool (n,), True for a photo labelled defective.
        part: int64 (n,), which part a photo shows.
        folds: number of folds.
        seed: any integer from 0.
    """
    fold = np.zeros(len(part), np.int64)
    rng = np.random.default_rng(seed)
    for kind in (False, True):
        numbers = rng.permutation(np.unique(part[defective == kind]))
        home = {int(number): place % folds + 1 for place, number in enumerate(numbers)}
        rows = np.flatnonzero(defective == kind)
        fold[rows] = [home[int(number)] for number in part[rows]]
    return fold
