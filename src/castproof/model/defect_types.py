"""Which of the folder's defect types a defective photo looks like: a second linear head, which changes no verdict.

Multinomial logistic regression with the ridge of the first head, on the features of the defective photos alone. Nothing
about it is proven: `TypesTrial` says how often it named parts right that it was not trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from castproof.model.ridge import USUAL, Flags, Floats, Parts, largest_differences, lowest

LEAST_PARTS: Final = 3  # of a type, below which it is left out
GROUPS: Final = 4  # of parts; each is hidden once


@dataclass(frozen=True)
class TypesTrial:
    """How often heads named the type of photos of parts that they were not trained on.

    Args:
        photos: defective photos that were named, one part in one fold alone.
        right: how many of them were named as their folder is.
        commonest: how many would be if every photo were named as the type with most photos.
        left_out: types of fewer than LEAST_PARTS parts.
    """

    photos: int
    right: int
    commonest: int
    left_out: tuple[str, ...]

    @property
    def is_useful(self) -> bool:
        """Whether more were named right than if all were named as the commonest, by more than chance over photos."""
        share = self.commonest / self.photos
        return self.right - self.commonest > 2 * sqrt(self.photos * share * (1 - share))


@dataclass(frozen=True)
class TypesFit:
    """A fitted head of types: scores = features @ slope.T + bias, on scaled features; the largest names the type.

    Args:
        names: of the types, in the order of the scores.
        slope: float64 (types, width).
        bias: float64 (types,).
        trial: how good it is.
    """

    names: tuple[str, ...]
    slope: Floats
    bias: Floats
    trial: TypesTrial


def fit_types(
    scaled: NDArray[np.float32],
    class_name: Sequence[str],
    weight: Floats,
    part: Parts,
    *,
    seed: int,
) -> TypesFit | None:
    """Return the head of types that defective photos define; None where fewer than two types have parts enough.

    Args:
        scaled: their features, (n, width), of mean 0 and standard deviation 1 over all photos.
        class_name: the class folder of each.
        weight: how much each counts, (n,).
        part: which part each shows, (n,).
        seed: of the parts that are hidden.
    """
    classes = np.array(class_name)
    parts_of = {name: len(np.unique(part[classes == name])) for name in sorted(set(class_name))}
    names = tuple(name for name, count in parts_of.items() if count >= LEAST_PARTS)
    if len(names) < 2:
        return None
    rows = np.isin(classes, names)
    kind, weight, part = np.searchsorted(names, classes[rows]), weight[rows] / weight[rows].mean(), part[rows]
    with threadpool_limits(1):  # see `castproof.model.ridge.fit_ridge`
        basis = largest_differences(scaled[rows], weight)
        along = (scaled[rows] @ basis).astype(np.float64)
        slope, bias = multinomial_ridge(along, kind, weight, len(names), USUAL)
        left_out = tuple(name for name in parts_of if name not in names)
        trial = _hide_parts(along, kind, weight, part, len(names), seed, left_out)
    return TypesFit(names, slope @ basis.T.astype(np.float64), bias, trial)


def multinomial_ridge(
    features: Floats, kind: Parts, weight: Floats, kinds: int, strength: float
) -> tuple[Floats, Floats]:
    """Return slope (kinds, width) and bias (kinds,) that minimise

        mean(weight * -ln p(kind)) + strength / 2 * |slope|^2,   p = softmax(features @ slope.T + bias).

    scikit-learn's LogisticRegression gives the same with C = 1 / (n * strength).

    Args:
        features: (n, width).
        kind: which of the kinds each photo is, 0 to kinds - 1, int64 (n,).
        weight: (n,), mean 1.
        kinds: how many there are.
        strength: above 0.
    """
    width, share, rows = features.shape[1], weight / len(weight), np.arange(len(kind))

    def loss(at: Floats) -> tuple[float, Floats]:
        slope, bias = at[kinds:].reshape(kinds, width), at[:kinds]
        scores = features @ slope.T + bias
        log_p = scores - logsumexp(scores, axis=1, keepdims=True)
        pull = np.exp(log_p)
        pull[rows, kind] -= 1
        pull *= share[:, None]
        value = -share @ log_p[rows, kind] + strength / 2 * np.square(slope).sum()
        return float(value), np.append(pull.sum(axis=0), pull.T @ features + strength * slope)

    found = lowest(loss, np.zeros(kinds * (width + 1)))
    return found[kinds:].reshape(kinds, width), found[:kinds] - found[:kinds].mean()


def _hide_parts(
    along: Floats,
    kind: Parts,
    weight: Floats,
    part: Parts,
    kinds: int,
    seed: int,
    left_out: tuple[str, ...],
) -> TypesTrial:
    group, right = _groups(kind, part, seed), 0
    for hidden in (group == one for one in range(GROUPS)):
        right += _named_right(along, kind, weight, kinds, hidden)
    return TypesTrial(len(kind), right, int(np.bincount(kind).max()), left_out)


def _named_right(along: Floats, kind: Parts, weight: Floats, kinds: int, hidden: Flags) -> int:
    kept = ~hidden
    slope, bias = multinomial_ridge(along[kept], kind[kept], weight[kept] / weight[kept].mean(), kinds, USUAL)
    return int((np.argmax(along[hidden] @ slope.T + bias, axis=1) == kind[hidden]).sum())


def _groups(kind: Parts, part: Parts, seed: int) -> Parts:
    """Return the group, 0 to GROUPS - 1, in which each photo is hidden: parts kept whole, each type shared out evenly.

    A part with photos of several types is shared out with the first of them.
    """
    rng, group, place = np.random.default_rng(seed), np.full(len(part), -1), 0
    for one_kind in np.unique(kind):
        for one in rng.permutation(np.unique(part[(kind == one_kind) & (group < 0)])):
            group[part == one] = place % GROUPS
            place += 1
    return group
