"""A linear head, fitted at once: logistic regression with a ridge, whose strength is chosen by hiding parts.

The loss is convex: one answer, nothing to start from, to stop early or to draw at random. With few parts the strength
decides: too weak a ridge learns the parts by heart and now and then rejects nearly every photo of a good part that it
never saw. With few parts, choosing the strength costs more than it gains, since the hard parts are few: so a strong
ridge stays unless hidden parts speak for another one by more than chance; docs/decisions/0017 has the study.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Parts = NDArray[np.int64]

STRENGTHS: Final = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
DIRECTIONS: Final = 300  # of the photos' largest differences, which are enough to compare strengths by
ROUNDS: Final = 3
GROUPS: Final = 4  # of parts; each is hidden once in every round
LEAST_PARTS: Final = 4  # of each kind, below which strengths are not compared
USUAL: Final = 0.1
STANDARD_ERRORS: Final = 2.0  # by which another strength must be better than the usual one
_POWER_ITERATIONS: Final = 4
_SPARE_DIRECTIONS: Final = 20
_STEPS: Final = 200


@dataclass(frozen=True)
class StrengthTrial:
    """What one strength did to hidden parts.

    Args:
        strength: of the ridge, see `ridge_path`.
        loss: mean log loss, each part weighted equally and both kinds alike, nats.
        loss_se: standard error over parts of the difference from the loss of the usual strength; 0 for that one.
        worst_good: share of the photos of the worst good part that p_defective >= 0.5 rejects.
        worst_defective: share of the photos of the worst defective part that pass there.
        chosen: whether the head has this strength.
    """

    strength: float
    loss: float
    loss_se: float
    worst_good: float
    worst_defective: float
    chosen: bool


@dataclass(frozen=True)
class RidgeFit:
    """A fitted linear head: margin = features @ slope + bias, on features of mean 0 and standard deviation 1.

    Args:
        slope: float64 (width,).
        bias: the margin at the mean of the features.
        strength: of the ridge.
        trials: one for each strength that was tried, the strongest first; none where parts are too few to hide any.
    """

    slope: Floats
    bias: float
    strength: float
    trials: tuple[StrengthTrial, ...]


def fit_ridge(
    scaled: NDArray[np.float32], defective: Flags, weight: Floats, part: Parts, *, seed: int
) -> RidgeFit:
    """Return the linear head that these photos define.

    Args:
        scaled: features of mean 0 and standard deviation 1, (n, width).
        defective: (n,), both kinds present.
        weight: how much each photo counts, (n,), mean 1.
        part: which part each photo shows, (n,).
        seed: of the parts that are hidden.
    """
    with threadpool_limits(
        1
    ):  # the figures must not hang on the number of cores, nor cores wait for each other
        basis = largest_differences(scaled, weight)
        along = (scaled @ basis).astype(np.float64)
        strengths: tuple[float, ...] = (USUAL,)
        trials: tuple[StrengthTrial, ...] = ()
        if _can_hide(defective, part):
            trials = _try_strengths(along, defective, weight, part, seed)
            strengths = tuple(one.strength for one in trials)
        chosen = next((place for place, one in enumerate(trials) if one.chosen), 0)
        slope, bias = ridge_path(along, defective, weight, strengths[: chosen + 1])[-1]
        start = np.append(basis.astype(np.float64) @ slope, bias)
        ((slope, bias),) = ridge_path(scaled, defective, weight, [strengths[chosen]], start)
    return RidgeFit(slope, bias, strengths[chosen], trials)


def ridge_path(
    features: Floats | NDArray[np.float32],
    defective: Flags,
    weight: Floats,
    strengths: Sequence[float],
    start: Floats | None = None,
) -> list[tuple[Floats, float]]:
    """Return slope and bias that minimise, for each strength,

        mean(weight * ln(1 + exp(-s * margin))) + strength / 2 * |slope|^2,   s = 1 for defective, -1 for good.

    scikit-learn's LogisticRegression gives the same with C = 1 / (n * strength).

    Args:
        features: (n, width).
        defective: (n,), both kinds present.
        weight: (n,), mean 1.
        strengths: above 0, best in falling order: each starts from the one before.
        start: slope and bias to start from, (width + 1,); zeros without it.
    """
    sign, share = np.where(defective, 1.0, -1.0), weight / len(weight)
    width = features.shape[1]
    at_first, path = np.zeros(width + 1) if start is None else start, []
    for strength in strengths:

        def loss(at: Floats, strength: float = strength) -> tuple[float, Floats]:
            slope = at[:width]
            margin = sign * (features @ slope.astype(features.dtype) + at[width])
            pull = -share * sign / (1 + np.exp(np.clip(margin, -500, 500)))
            value = share @ np.logaddexp(0, -margin) + strength / 2 * slope @ slope
            rise = features.T @ pull.astype(features.dtype)
            return float(value), np.append(rise + strength * slope, pull.sum())

        at_first = lowest(loss, at_first)
        path.append((at_first[:width].copy(), float(at_first[width])))
    return path


def lowest(loss: Callable[[Floats], tuple[float, Floats]], start: Floats) -> Floats:
    """Return where a convex loss is lowest.

    Args:
        loss: gives value and gradient at a place.
        start: a place to start from.
    """
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS, "ftol": 1e-10, "gtol": 1e-6}
    )
    return np.asarray(found.x, np.float64)


def largest_differences(scaled: NDArray[np.float32], weight: Floats) -> NDArray[np.float32]:
    """Return orthonormal columns (width, k): the directions in which the weighted photos differ most."""
    count, width = scaled.shape
    kept = min(DIRECTIONS, count, width)
    if kept == width:
        return np.eye(width, dtype=np.float32)
    rows = torch.from_numpy(scaled * np.sqrt(weight, dtype=np.float64).astype(np.float32)[:, None])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _, _, directions = torch.svd_lowrank(
            rows, min(kept + _SPARE_DIRECTIONS, count, width), _POWER_ITERATIONS
        )
    basis: NDArray[np.float32] = directions[:, :kept].numpy()
    return basis


def _can_hide(defective: Flags, part: Parts) -> bool:
    return all(len(np.unique(part[defective == kind])) >= LEAST_PARTS for kind in (False, True))


def _try_strengths(
    along: Floats, defective: Flags, weight: Floats, part: Parts, seed: int
) -> tuple[StrengthTrial, ...]:
    margins = _hidden_margins(along, defective, weight, part, seed)
    good, bad = (_of_parts(margins, defective, part, kind=kind) for kind in (False, True))
    loss = (good.loss.mean(axis=0) + bad.loss.mean(axis=0)) / 2
    usual = STRENGTHS.index(USUAL)
    se = np.sqrt(sum(_variance_of_mean(kind.loss - kind.loss[:, [usual]]) for kind in (good, bad)) / 4)
    better = loss < loss[usual] - STANDARD_ERRORS * se
    chosen = int(np.argmin(np.where(better, loss, np.inf))) if better.any() else usual
    worst_good, worst_defective = (kind.wrong.max(axis=0) for kind in (good, bad))
    return tuple(
        StrengthTrial(
            strength,
            float(loss[place]),
            float(se[place]),
            float(worst_good[place]),
            float(worst_defective[place]),
            place == chosen,
        )
        for place, strength in enumerate(STRENGTHS)
    )


def _hidden_margins(along: Floats, defective: Flags, weight: Floats, part: Parts, seed: int) -> Floats:
    """Return what heads say that were not trained on the part of a photo, (ROUNDS, strengths, n)."""
    margins = np.empty((ROUNDS, len(STRENGTHS), len(part)))
    for number in range(ROUNDS):
        group = _groups(defective, part, np.random.default_rng((seed, number)))
        for hidden in (group == one for one in range(GROUPS)):
            kept = ~hidden
            path = ridge_path(along[kept], defective[kept], _balanced(weight, defective, kept), STRENGTHS)
            margins[number][:, hidden] = [along[hidden] @ slope + bias for slope, bias in path]
    return margins


class _OfParts(NamedTuple):
    """Mean log loss and share of photos judged wrong, both (parts, strengths), each a mean over the rounds."""

    loss: Floats
    wrong: Floats


def _of_parts(margins: Floats, defective: Flags, part: Parts, *, kind: bool) -> _OfParts:
    of_kind = margins[..., defective == kind]
    loss = np.logaddexp(0, -of_kind if kind else of_kind).mean(axis=0)
    wrong = (of_kind < 0 if kind else of_kind >= 0).mean(axis=0)
    parts = part[defective == kind]
    rows = [parts == one for one in np.unique(parts)]
    return _OfParts(*(np.stack([values[:, each].mean(axis=1) for each in rows]) for values in (loss, wrong)))


def _variance_of_mean(values: Floats) -> Floats:
    return np.asarray(values.var(axis=0, ddof=1) / len(values), np.float64)


def _groups(defective: Flags, part: Parts, rng: np.random.Generator) -> Parts:
    """Return the group, 0 to GROUPS - 1, in which each photo is hidden: parts kept whole, both kinds shared out evenly.

    A part with photos of both kinds is shared out with the defective ones.
    """
    group = np.empty(len(part), np.int64)
    both = np.unique(part[defective])
    for parts in (np.setdiff1d(part[~defective], both), both):
        for place, one in enumerate(rng.permutation(parts)):
            group[part == one] = place % GROUPS
    return group


def _balanced(weight: Floats, defective: Flags, kept: Flags) -> Floats:
    """Return the weights of the photos that are kept, both kinds with the share that they have among all, mean 1."""
    balanced = weight.copy()
    for kind in (False, True):
        of_kind = defective == kind
        balanced[of_kind] *= weight[of_kind].sum() / weight[of_kind & kept].sum()
    balanced = balanced[kept]
    return np.asarray(balanced / balanced.mean(), np.float64)
