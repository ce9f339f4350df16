"""What cross-validation found, over all folds together and part by part."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from castproof.measure.decision import is_defective
from castproof.measure.evaluation import ScoredSplit
from castproof.measure.metrics import Metrics, metrics

_OF_PROBABILITY = ("auc_pr", "auc_roc", "brier", "ece", "mce", "log_loss")


@dataclass(frozen=True)
class PartResult:
    """How the photos of one part were judged.

    Args:
        part: the part.
        defective: the label of these photos; a part with both labels has two results.
        rows: places of its photos.
        right: how many were judged as they are labelled.
    """

    part: str
    defective: bool
    rows: tuple[int, ...]
    right: int

    @property
    def wrong(self) -> int:
        """How many were not judged as they are labelled."""
        return len(self.rows) - self.right

    @property
    def share_right(self) -> float:
        """Share of its photos that were judged as they are labelled, in [0, 1]."""
        return self.right / len(self.rows)


def pooled_metrics(folds: Sequence[ScoredSplit], cost_fn: float, cost_fp: float) -> Metrics:
    """Return the metrics of all folds' photos together; each verdict is that of its own fold's threshold.

    `threshold` is None where the folds have different ones.

    Args:
        folds: the test photos of each fold, scored.
        cost_fn: cost of one missed defect, >= 0.
        cost_fp: cost of one false alarm, >= 0.
    """
    defective = np.concatenate([fold.defective for fold in folds])
    p_defective = np.concatenate([fold.p_defective for fold in folds])
    called = np.concatenate([is_defective(fold.p_defective, fold.threshold) for fold in folds])
    pooled = metrics(defective, called.astype(np.float64), 0.5, cost_fn, cost_fp)
    of_probability = metrics(defective, p_defective, 0.5, cost_fn, cost_fp)
    thresholds = {fold.threshold for fold in folds}
    return {
        **pooled,
        **{name: of_probability[name] for name in _OF_PROBABILITY},
        "threshold": thresholds.pop() if len(thresholds) == 1 else None,
    }


def part_results(
    parts: Sequence[str], defective: NDArray[np.bool_], right: NDArray[np.bool_]
) -> list[PartResult]:
    """Return one result per part and label: the smallest share right first, then the most wrong ones, then by name.

    Args:
        parts: the part of each photo.
        defective: bool (n,), True for a photo labelled defective.
        right: bool (n,), whether each photo was judged as it is labelled.
    """
    rows: dict[tuple[str, bool], list[int]] = {}
    for row, key in enumerate(zip(parts, defective.tolist(), strict=True)):
        rows.setdefault(key, []).append(row)
    found = [
        PartResult(part, kind, tuple(places), int(right[places].sum()))
        for (part, kind), places in rows.items()
    ]
    return sorted(found, key=lambda one: (one.share_right, -one.wrong, one.part))
