"""Grouping: from scores of pairs to parts, so that single wrong links do no harm.

Every photo starts as a part of its own. Parts are joined along their best links, the strongest first, but a link
has to be confirmed: the most promising other pairs across the two parts are compared as well, and enough of them, with
different photos on either side, have to match. A chance match between photos of different parts finds no such
confirmation. Parts of several photos must match each other about as well as within themselves, halfway at least: two
parts of one product come near each other, but not that near. Two single photos, which nobody can
confirm, need a stronger link.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from castproof.parts.null import Levels, fisher
from castproof.parts.search import Pair

Compare = Callable[[Sequence[Pair]], Sequence[float]]
Propose = Callable[[Sequence[int], Sequence[int], int], Sequence[Pair]]

_TESTS = 6  # comparisons across two parts that were compared too little
_KNOWN_ENOUGH = 4
_CONFIRMING = 2  # photos on either side that have to match
_LEAST_SHARE = 0.5  # of the compared pairs across two parts that has to match
_FEWEST_TO_KNOW = 3  # photos of a part whose own matches tell how well it matches


class Grouping:
    """Photos that are joined to parts step by step.

    Args:
        photos: how many there are.
        levels: from which score on a pair counts.
        compare: returns the score of each pair; called for pairs that were not compared yet.
        propose: returns up to so many pairs across two lists of photos, the most promising ones.
    """

    def __init__(self, photos: int, levels: Levels, compare: Compare, propose: Propose) -> None:
        self.part = list(range(photos))
        self.scores: dict[int, dict[int, float]] = defaultdict(dict)
        self._members = {photo: [photo] for photo in range(photos)}
        self._refused: dict[Pair, tuple[int, int]] = {}
        self._levels = levels
        self.compare = compare
        self._propose = propose

    def add(self, pairs: Iterable[Pair]) -> None:
        """Compare those of `pairs` that were not compared yet."""
        self.compare_again(pair for pair in pairs if pair[1] not in self.scores[pair[0]])

    def compare_again(self, pairs: Iterable[Pair]) -> None:
        """Compare `pairs`, known or not; a better score than the known one replaces it."""
        ordered = sorted({(min(pair), max(pair)) for pair in pairs})
        if ordered:
            self.store(ordered, self.compare(ordered))

    def store(self, pairs: Sequence[Pair], scores: Sequence[float]) -> None:
        """Take in the scores of pairs that were compared elsewhere."""
        for (i, j), score in zip(pairs, scores, strict=True):
            self.scores[i][j] = self.scores[j][i] = max(score, self.scores[i].get(j, score))

    def join(self) -> None:
        """Join parts along confirmed links until none is left."""
        self._refused.clear()
        while links := self._links():
            self.add(pair for a, b in links for pair in self._tests(a, b))
            self._decide(links)

    def unite(self, pairs: Iterable[Pair]) -> None:
        """Join the parts of two photos for each of `pairs`, on evidence other than their scores."""
        for i, j in pairs:
            a, b = sorted((self.part[i], self.part[j]))
            if a != b:
                self._unite(a, b)

    def members(self) -> list[list[int]]:
        """Return the photos of every part."""
        return [sorted(photos) for photos in self._members.values()]

    def _open(self, a: int, b: int) -> bool:
        """Return whether it is still to be decided if two parts, as they are now, are one."""
        return self._refused.get((a, b)) != (len(self._members[a]), len(self._members[b]))

    def _links(self) -> list[Pair]:
        """Return the pairs of parts that are linked, the strongest link first."""
        best: dict[Pair, float] = {}
        for i, others in self.scores.items():
            a = self.part[i]
            for j, score in others.items():
                b = self.part[j]
                if a < b and score >= max(self._levels.link, best.get((a, b), -1.0)) and self._open(a, b):
                    best[a, b] = score
        top: dict[int, float] = {}
        for parts, score in best.items():
            for part in parts:
                top[part] = max(top.get(part, -1.0), score)
        # A link that is the best one of neither part waits until those are settled.
        near = [parts for parts, score in best.items() if score in (top[parts[0]], top[parts[1]])]
        return sorted(near, key=lambda parts: (-best[parts], parts))

    def _tests(self, a: int, b: int) -> Sequence[Pair]:
        left, right = self._members[a], self._members[b]
        if len(self._across(left, right)) >= min(_KNOWN_ENOUGH, len(left) * len(right)):
            return ()
        return self._propose(left, right, min(_TESTS, len(left) * len(right)))

    def _decide(self, links: Sequence[Pair]) -> None:
        """Join the linked parts whose link is confirmed; remember the others as they are now."""
        changed: set[int] = set()
        for a, b in links:
            if a in changed or b in changed:
                # Tested as they were before: the link comes again, and until then no weaker one takes its place.
                changed |= {a, b}
                continue
            if self._confirmed(self._members[a], self._members[b]):
                self._unite(a, b)
                changed |= {a, b}
            else:
                self._refused[a, b] = (len(self._members[a]), len(self._members[b]))

    def _confirmed(self, left: Sequence[int], right: Sequence[int]) -> bool:
        across = self._across(left, right)
        if len(left) == len(right) == 1:
            return across[0][2] >= self._levels.alone
        few, many = sorted((len(left), len(right)))
        least = min(_CONFIRMING, few), min(_CONFIRMING, many)
        as_within = [(i, j) for i, j, score in across if fisher(score) >= self._as_within(i, j)]
        if _distinct(as_within, least):
            return True
        level = self._levels.confirm if many < _FEWEST_TO_KNOW else self._levels.alone
        matching = [(i, j) for i, j, score in across if score >= level]
        return (
            few < _FEWEST_TO_KNOW
            and len(matching) >= _LEAST_SHARE * len(across)
            and _distinct(matching, least)
        )

    def _across(self, left: Sequence[int], right: Sequence[int]) -> list[tuple[int, int, float]]:
        """Return the compared pairs across two parts, the photo of the smaller part first."""
        few, many = sorted((left, right), key=len)
        inside = set(many)
        return [(i, j, score) for i in few for j, score in self.scores[i].items() if j in inside]

    def _as_within(self, i: int, j: int) -> float:
        """Return from where on a match of two photos is like one within their parts, in Fisher's z."""
        known = [level for photo in (i, j) if (level := self._within(photo)) is not None]
        return (min(known) + float(fisher(self._levels.link))) / 2 if known else float("inf")

    def _within(self, photo: int) -> float | None:
        own = [s for other, s in self.scores[photo].items() if self.part[other] == self.part[photo]]
        return float(np.median(fisher(np.array(own)))) if len(own) >= _CONFIRMING else None

    def _unite(self, a: int, b: int) -> None:
        moved = self._members.pop(b)
        self._members[a] += moved
        for photo in moved:
            self.part[photo] = a


def _distinct(pairs: Sequence[Pair], least: tuple[int, int]) -> bool:
    """Return whether `pairs` name enough different photos on either side."""
    return len({i for i, _ in pairs}) >= least[0] and len({j for _, j in pairs}) >= least[1]
