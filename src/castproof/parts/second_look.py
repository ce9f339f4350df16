"""A second look at parts that may be one: their photos share keypoints, but no near partners linked them.

A lamp stays where it is while the part turns under it, an outline is cut off by the border of the photo or taken for
another one: the signatures of two photos then have little in common, their keypoints still do. Examples of every part
are looked up among those of all others, after local naive Bayes nearest neighbours (McCann and Lowe, CVPR 2012): every
keypoint votes for the examples that have a similar one, the more the better it fits there than elsewhere.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from castproof.parts.compare import Comparer
from castproof.parts.keypoints import Floats, Keypoints, mirrored
from castproof.parts.search import Pair
from castproof.threads import map_in_threads

_MOST_PARTS = 2000  # bounds memory and time where most parts were photographed once
_EXAMPLES = 2  # photos of a part that stand for it
_LIKELY = 4  # other parts that an example is compared with
_POINTS = 64  # the strongest ones of a photo
_NUMBERS = 40  # that a descriptor is reduced to
_VOTES = 8  # of a keypoint
_LEARNT_FROM = 20000  # descriptors


def likely_splits(
    compare: Comparer, parts: Sequence[Sequence[int]], known: Collection[Pair] = ()
) -> list[Pair]:
    """Return pairs of photos to compare: examples of parts with those of other parts that share most keypoints.

    Args:
        compare: knows the keypoints of the photos.
        parts: the photos of every part; of more than 2,000 the largest are looked at.
        known: pairs (smaller, larger) that need not be returned again.
    """
    parts = sorted(parts, key=len, reverse=True)[:_MOST_PARTS]
    examples = [photos[:: -(-len(photos) // _EXAMPLES)] for photos in parts]
    every = [photo for photos in examples for photo in photos]
    if len(parts) < 2:
        return []
    points = compare.points(every)
    index = SharedPoints(points, [part for part, photos in enumerate(examples) for _ in photos])
    likely = map_in_threads(
        index.likely,
        range(len(every)),
        "looking for torn parts",
        workers=compare.workers,
        progress=compare.progress,
    )
    found = {
        (min(photo, every[other]), max(photo, every[other]))
        for photo, others in zip(every, likely, strict=True)
        for other in others
    }
    pairs = sorted(found.difference(known))
    agreeing = compare.agreeing(pairs)
    return [pair for pair, count in zip(pairs, agreeing, strict=True) if count > compare.by_chance]


class SharedPoints:
    """The keypoints of example photos, ready for asking which of these share most with one another.

    Args:
        examples: the keypoints of each photo.
        part: the part of each photo.
    """

    def __init__(self, examples: Sequence[Keypoints], part: Sequence[int]) -> None:
        self._part = np.asarray(part)
        axes = _axes(examples)
        self._descriptors, self._flipped = np.zeros((2, len(examples), _POINTS, _NUMBERS), np.float32)
        for place, example in enumerate(examples):
            strongest = example.descriptors[:_POINTS]
            self._descriptors[place, : len(strongest)] = strongest @ axes
            self._flipped[place, : len(strongest)] = mirrored(strongest) @ axes

    def likely(self, place: int) -> list[int]:
        """Return the examples of other parts that share most with the example at `place`."""
        order = np.argsort(-self._votes_for(place), kind="stable")
        foreign = order[self._part[order] != self._part[place]]
        best = list(dict.fromkeys(self._part[foreign].tolist()))[:_LIKELY]
        return [int(other) for other in foreign[: _LIKELY * _EXAMPLES] if self._part[other] in best]

    def _votes_for(self, place: int) -> Floats:
        """Return float32 (examples,): how much of one example each other one shows as well, mirrored or not."""
        own = self._part == self._part[place]
        return np.maximum(*(self._votes(one[place], own) for one in (self._descriptors, self._flipped)))

    def _votes(self, descriptors: Floats, own: NDArray[np.bool_]) -> Floats:
        every = self._descriptors.reshape(-1, _NUMBERS).T
        nearest = (descriptors @ every).reshape(_POINTS, -1, _POINTS).max(axis=2)
        nearest[:, own] = -1
        count = min(_VOTES + 1, nearest.shape[1])
        elsewhere = -np.partition(-nearest, count - 1, axis=1)[:, count - 1 : count]
        return np.asarray(np.maximum(nearest - elsewhere, 0).sum(axis=0), np.float32)


def _axes(examples: Sequence[Keypoints]) -> Floats:
    """Return float32 (128, numbers): the directions in which descriptors differ most."""
    every = np.concatenate([one.descriptors for one in examples])
    every = every[:: max(1, -(-len(every) // _LEARNT_FROM))]
    return np.asarray(np.linalg.eigh(every.T @ every)[1][:, -_NUMBERS:], np.float32)
