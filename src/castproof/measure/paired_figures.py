"""How two models differ on each part, for every figure in which they are compared."""

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from castproof.errors import DataError
from castproof.measure.scores import Counts, Flags, Floats, check_scores

_LOG_FLOOR = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Judgement:
    """What one model said of each photo.

    Args:
        p_defective: float64 (n,), probability of *defective* in [0, 1].
        called: bool (n,), True for a photo that it called defective.
    """

    p_defective: Floats
    called: Flags


@dataclass(frozen=True, eq=False)
class Figure:
    """One figure of two models, A and B.

    Args:
        a: the figure of A.
        b: the figure of B.
        by_part: float64 (parts,), numbers that have b - a as their mean, one for each part that it rests on.
        reach: how far from zero such a number can be.
        limit: how far from zero b - a can be.
    """

    a: float
    b: float
    by_part: Floats
    reach: float
    limit: float = inf


def paired_figures(
    defective: Flags, part: Counts, a: Judgement, b: Judgement, cost_fn: float, cost_fp: float
) -> dict[str, Figure]:
    """Return each figure that these photos define, by its stable name.

    - missed_defects, good_not_passed, wrong_verdicts: share of the photos of a part, over the defective, the good and
      all parts; each part has the same weight.
    - expected_cost: mean cost of a photo, each part alike.
    - macro_f1: of all photos. Its numbers per part are pseudo-values: b - a, plus how fast it grows with the weight of
      the part, times the number of parts (infinitesimal jackknife, Jaeckel 1972).
    - brier, log_loss: mean of a photo, each part alike; log loss as in `metrics`.

    Args:
        defective: bool (n,), True for a photo labelled defective.
        part: int64 (n,), number of the part on each photo; good and defective photos are taken as of two parts.
        a: what A said of these photos.
        b: what B said of these photos.
        cost_fn: cost of one missed defect, >= 0.
        cost_fp: cost of one good photo that does not pass, >= 0.

    Raises:
        DataError: there are no photos, or the arrays do not belong together.
    """
    photos = _photos(defective, part, a, b)
    wrong = a.called != photos.defective, b.called != photos.defective
    return {
        **_of_verdicts(photos, *wrong),
        **_of_costs(photos, *wrong, cost_fn, cost_fp),
        **_of_macro_f1(photos, *wrong),
        **_of_probabilities(photos, a.p_defective, b.p_defective),
    }


@dataclass(frozen=True, eq=False)
class _Photos:
    """Labels, and the place of each photo's part among the parts, of which some are defective."""

    defective: Flags
    place: Counts
    part_defective: Flags

    def mean_by_part(self, values: NDArray[np.generic]) -> Floats:
        means: Floats = np.bincount(self.place, weights=values) / np.bincount(self.place)
        return means


def _photos(defective: Flags, part: Counts, a: Judgement, b: Judgement) -> _Photos:
    labels, _ = check_scores(defective, a.p_defective)
    check_scores(defective, b.p_defective)
    for name, rows in (("verdicts of A", a.called), ("verdicts of B", b.called), ("parts", part)):
        if rows.shape != labels.shape:
            raise DataError(
                f"Labels and {name} do not belong together.",
                rule="There must be one for each photo.",
                found=f"Found {labels.size} labels and {name} of shape {rows.shape}.",
            )
    kinds, place = np.unique(np.stack([part, labels]), axis=1, return_inverse=True)
    return _Photos(labels, place.reshape(-1), kinds[1].astype(np.bool_))


def _of_verdicts(photos: _Photos, wrong_a: Flags, wrong_b: Flags) -> dict[str, Figure]:
    a, b = photos.mean_by_part(wrong_a), photos.mean_by_part(wrong_b)
    of_kind = {
        "missed_defects": photos.part_defective,
        "good_not_passed": ~photos.part_defective,
        "wrong_verdicts": np.ones(len(a), dtype=np.bool_),
    }
    return {name: _mean_figure(a[parts], b[parts], 1.0) for name, parts in of_kind.items() if parts.any()}


def _of_costs(
    photos: _Photos, wrong_a: Flags, wrong_b: Flags, cost_fn: float, cost_fp: float
) -> dict[str, Figure]:
    cost = np.where(photos.defective, cost_fn, cost_fp)
    if not cost.any():
        return {}
    a, b = photos.mean_by_part(cost * wrong_a), photos.mean_by_part(cost * wrong_b)
    return {"expected_cost": _mean_figure(a, b, float(cost.max()))}


def _of_probabilities(photos: _Photos, p_a: Floats, p_b: Floats) -> dict[str, Figure]:
    figures = {}
    for name, loss in (("brier", _squared), ("log_loss", _log)):
        a, b = (photos.mean_by_part(loss(np.where(photos.defective, p, 1.0 - p))) for p in (p_a, p_b))
        figures[name] = _mean_figure(a, b)
    return figures


def _of_macro_f1(photos: _Photos, wrong_a: Flags, wrong_b: Flags) -> dict[str, Figure]:
    if photos.defective.all() or not photos.defective.any():
        return {}
    a, influence_a = _macro_f1(photos, wrong_a)
    b, influence_b = _macro_f1(photos, wrong_b)
    by_part = b - a + len(influence_a) * (influence_b - influence_a)
    return {"macro_f1": Figure(a, b, by_part, _largest_seen(by_part), limit=1.0)}


def _macro_f1(photos: _Photos, wrong: Flags) -> tuple[float, Floats]:
    """Return macro-F1 of all photos, and how fast it grows with the weight of each part."""
    counts = np.stack(
        [np.bincount(photos.place, weights=rows) for rows in _four_kinds(photos.defective, wrong)], axis=1
    )
    tp, fn, tn, fp = counts.sum(axis=0)
    errors, of_defective, of_good = fn + fp, 2 * tp + fn + fp, 2 * tn + fn + fp
    by_error = -(tp / of_defective**2 + tn / of_good**2)
    growth = np.array([errors / of_defective**2, by_error, errors / of_good**2, by_error])
    return float(tp / of_defective + tn / of_good), counts @ growth


def _squared(p_true: Floats) -> Floats:
    return (1.0 - p_true) ** 2


def _log(p_true: Floats) -> Floats:
    return -np.log(np.maximum(p_true, _LOG_FLOOR))


def _four_kinds(defective: Flags, wrong: Flags) -> tuple[Flags, ...]:
    return defective & ~wrong, defective & wrong, ~defective & ~wrong, ~defective & wrong


def _mean_figure(a: Floats, b: Floats, reach: float | None = None) -> Figure:
    by_part = b - a
    return Figure(float(a.mean()), float(b.mean()), by_part, reach or _largest_seen(by_part))


def _largest_seen(by_part: Floats) -> float:
    """Return the largest difference of a part, in size; 1 where no part differs, so that nothing is taken as equal."""
    return float(np.abs(by_part).max()) or 1.0
