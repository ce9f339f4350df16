"""Whether the groups of photos that look alike can be physical parts: the evidence as a whole.

On some products every photo resembles others: wafers of one ingot, threads of one spindle. What is found then are
groups of look-alikes, however sure each single comparison is. Two signs tell it, each with a wide margin on the
products that it was tried on (docs/decisions/0014):

- photos of one group carry different labels nearly as often as photos of different groups do;
- the pairs within groups and across groups overlap: there is no fall between them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.data.manifest import Photo

MOST_DISSENT: Final = 0.3  # of what chance gives
LEAST_DISSENTERS: Final = 5  # photos with the rarer label of their group; with fewer, labels say nothing
LEAST_GAP: Final = 0.15  # in Fisher's z
LEAST_PAIRS: Final = 100  # of either sort; with fewer, their overlap says nothing
_WORST_SAME, _BEST_DIFFERENT = 0.1, 0.9  # quantiles


@dataclass(frozen=True)
class Doubt:
    """What makes groups unlikely as parts.

    Args:
        dissent: how often two photos of one group carry different labels, as a multiple of what chance gives.
        dissenters: photos that carry the rarer label of their group.
        gap: from the best pairs across groups to the worst within, in Fisher's z; None with few pairs.
        groups: groups of two photos or more.
        grouped: photos in these.
    """

    dissent: float
    dissenters: int
    gap: float | None
    groups: int
    grouped: int

    @property
    def by_labels(self) -> bool:
        """Whether labels are mixed in the groups more than those of parts can be."""
        return self.dissenters >= LEAST_DISSENTERS and self.dissent > MOST_DISSENT

    @property
    def by_scores(self) -> bool:
        """Whether pairs within groups and across groups overlap."""
        return self.gap is not None and self.gap < LEAST_GAP


def doubt_of(
    photos: Sequence[Photo], same: NDArray[np.float32], different: NDArray[np.float32]
) -> Doubt | None:
    """Return what makes the groups that `photos` are in unlikely; None where they may be parts.

    Args:
        photos: with the group that was found for each of them as its `part`; without classes, labels say nothing.
        same: float32 (m,), scores of pairs within groups.
        different: float32 (k,), scores of pairs across groups.
    """
    evidence = group_evidence(photos, same, different)
    return evidence if evidence.by_labels or evidence.by_scores else None


def group_evidence(
    photos: Sequence[Photo], same: NDArray[np.float32], different: NDArray[np.float32]
) -> Doubt:
    """Return the figures that `doubt_of` judges by, whatever they say."""
    labelled = [photo for photo in photos if photo.class_name]
    size = Counter(photo.part for photo in labelled)
    bad = Counter(photo.part for photo in labelled if photo.defective)
    several = [part for part, count in size.items() if count > 1]
    grouped = sum(size[part] for part in several)
    dissent = sum(_dissent(bad[part], size[part]) * size[part] for part in several) / max(grouped, 1)
    by_chance = _dissent(sum(bad.values()), len(labelled))
    return Doubt(
        dissent=dissent / by_chance if by_chance else 0.0,
        dissenters=sum(min(bad[part], size[part] - bad[part]) for part in several),
        gap=_gap(same, different) if min(len(same), len(different)) >= LEAST_PAIRS else None,
        groups=len(several),
        grouped=grouped,
    )


def _dissent(defective: int, photos: int) -> float:
    """Return how often two of so many photos carry different labels."""
    return 2 * defective * (photos - defective) / (photos * (photos - 1)) if photos > 1 else 0.0


def _gap(same: NDArray[np.float32], different: NDArray[np.float32]) -> float:
    worst, best = np.quantile(same, _WORST_SAME), np.quantile(different, _BEST_DIFFERENT)
    low, high = np.arctanh(np.clip([best, worst], 0, 0.99))
    return float(high - low)
