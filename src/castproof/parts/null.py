"""How well photos of *different* parts match in this data set: from which score on a match means something.

For a sample of photos, partners are compared from the most to the least alike: the 1st, 2nd, ... 8th, 12th, 16th, 24th
and so on. Scores of one part lie above those of other parts, so each photo's scores, in order, fall at some place
most: above that gap lie its own part's, below it the best that another part reached. The data set's level lies
where few photos of other parts reach and few of the same part fall below.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_IMPOSTORS, _OWN = 0.9, 0.1  # quantiles of the best foreign and of the worst own score
_LEAST_LINK = 0.2
_LEAST_FALL = 0.3  # in squared scores; a photo without a partner has no deeper one
_FEWEST_DEEP = 0.05  # of the sampled photos; with fewer, parts are taken to be photographed once
_UNREPEATED, _UNREPEATED_MARGIN = 0.98, 0.25
_CLEARANCE = 0.1  # between foreign and own scores, where nothing more needs to be looked at
_CONFIRM_STEP, _ALONE_STEP = 0.08, 0.12  # in Fisher's z
_FEWEST_SCORES = 5
_FEWEST_AGREEING = 6.0  # keypoints that agree by chance in any data set
_TYPICAL = 0.5  # quantile of the most keypoints that agree by chance, over photos
_UNKNOWN_LINK = 0.6  # where there are too few photos to learn it


@dataclass(frozen=True)
class Levels:
    """From which score on pairs count.

    Args:
        link: a pair that may join two parts.
        confirm: a pair that confirms such a link.
        alone: a pair of photos that have no other partner.
        clear: whether scores of one part and of different parts lie apart.
    """

    link: float
    confirm: float
    alone: float
    clear: bool


def sampled_ranks(photos: int) -> list[int]:
    """Return which partners of a sampled photo to compare, 0 for the most alike: dense first, then wider."""
    ranks = [*range(8)]
    step = 4
    while ranks[-1] + step < photos - 1:
        ranks += [ranks[-1] + step, ranks[-1] + 2 * step]
        step *= 2
    return [rank for rank in ranks if rank < photos - 1]


def learn_levels(scores: Sequence[Sequence[float]]) -> Levels:
    """Return the levels of a data set.

    Args:
        scores: for each sampled photo its scores with others, in any order.
    """
    rows = [np.sort(np.maximum(np.asarray(row, float), 0)) for row in scores if len(row) >= _FEWEST_SCORES]
    if len(rows) < _FEWEST_SCORES:
        return _levels(_UNKNOWN_LINK, clear=False)
    falls = np.array([_fall(row) for row in rows])
    depth = falls[:, 2]
    deep = depth >= max(
        _LEAST_FALL, np.quantile(depth, 0.9) / 2
    )  # the others have no partner in the data set
    if deep.sum() < max(2, _FEWEST_DEEP * len(rows)):
        best = float(np.quantile([row[-1] for row in rows], _UNREPEATED))
        return _levels(max(best + _UNREPEATED_MARGIN * (1 - best), _LEAST_LINK), clear=True)
    impostor, member = np.quantile(falls[deep, 0], _IMPOSTORS), np.quantile(falls[deep, 1], _OWN)
    link = max((impostor + member) / 2, impostor, _LEAST_LINK)
    return _levels(float(link), clear=bool(member > impostor + _CLEARANCE))


def agreeing_by_chance(counts: Sequence[Sequence[float]]) -> float:
    """Return how many keypoints agree by chance between photos of different parts of the data set.

    Args:
        counts: for each sampled photo its agreeing keypoints with others, in any order.
    """
    roots = [
        np.sort(np.sqrt(np.asarray(row, float))) for row in counts if len(row) > 1
    ]  # evens out the spread
    below = [row[int(np.argmax(np.diff(row)))] ** 2 for row in roots]
    return max(float(np.quantile(below, _TYPICAL)), _FEWEST_AGREEING) if below else _FEWEST_AGREEING


def fisher(score: Floats | float) -> Floats:
    """Return Fisher's z of scores; those below 0 say nothing and count as 0."""
    return np.asarray(np.arctanh(np.clip(score, 0, 0.99)))


def _fall(ordered: Floats) -> tuple[float, float, float]:
    """Return the scores below and above the largest gap, and its depth; gaps between high scores count for more."""
    gaps = np.diff(ordered**2)
    gap = int(np.argmax(gaps))
    return float(ordered[gap]), float(ordered[gap + 1]), float(gaps[gap])


def _levels(link: float, *, clear: bool) -> Levels:
    z = float(fisher(link))
    return Levels(
        link, float(np.tanh(max(z - _CONFIRM_STEP, 0))), max(link, float(np.tanh(z + _ALONE_STEP))), clear
    )
