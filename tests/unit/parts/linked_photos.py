"""Made-up photos of known parts for tests of the grouping: scores come from an oracle."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from castproof.parts.grouping import Grouping, Pair
from castproof.parts.null import Levels, fisher

LINK = 0.5
Z = float(fisher(LINK))
LEVELS = Levels(LINK, float(np.tanh(Z - 0.08)), float(np.tanh(Z + 0.12)), clear=True)


class Oracle:
    """Scores pairs by their true part, but for the `wrong` ones; proposes those that look most alike.

    Args:
        truth: the part of every photo.
        wrong: pairs across parts with the score that they get.
        seed: of the scores: 0.8 to 0.9 within parts, 0 to 0.35 across.
    """

    def __init__(self, truth: Sequence[int], wrong: Mapping[Pair, float], seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.wrong = wrong
        self.asked: list[Pair] = []
        self.scores: dict[Pair, float] = {}
        for i, j in combinations(range(len(truth)), 2):
            true = rng.uniform(0.8, 0.9) if truth[i] == truth[j] else rng.uniform(0, 0.35)
            self.scores[i, j] = wrong.get((i, j), true)

    def compare(self, pairs: Sequence[Pair]) -> list[float]:
        self.asked += pairs
        return [self.scores[pair] for pair in pairs]

    def propose(self, left: Sequence[int], right: Sequence[int], count: int) -> list[Pair]:
        across = [(min(i, j), max(i, j)) for i in left for j in right]
        return sorted(across, key=lambda pair: -self.scores[pair])[:count]


def grouped(truth: Sequence[int], oracle: Oracle, near: int = 2) -> Grouping:
    """Return the photos joined along wrong links, and those between each one and the `near` most alike ones."""
    grouping = Grouping(len(truth), LEVELS, oracle.compare, oracle.propose)
    for photo in range(len(truth)):
        others = [other for other in range(len(truth)) if other != photo]
        grouping.add(oracle.propose([photo], others, near))
    grouping.add(oracle.wrong)
    grouping.join()
    return grouping


def as_sets(parts: Sequence[int]) -> set[frozenset[int]]:
    return {frozenset(i for i, p in enumerate(parts) if p == part) for part in parts}
