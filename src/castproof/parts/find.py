"""From photos to parts: which photos show the same physical part, and how sure that is.

1. Every photo is unrolled around its frame (frames, signature); all pairs are searched for the best partners (search).
2. A sample tells how well photos of different parts match, and how many keypoints they share by chance (null).
3. The best partners of every photo are laid over each other by frame and by keypoints, and scored (compare).
4. Photos are joined to parts along confirmed links (grouping).
5. Parts that share keypoints are compared more thoroughly: torn ones are joined (second_look).
6. Parts with the same small marks at the same places are one, whatever light they were photographed in (marks).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from castproof.parts.compare import Comparer
from castproof.parts.describe import describe, read_greys
from castproof.parts.grouping import Grouping
from castproof.parts.marks import same_marks
from castproof.parts.null import Levels, agreeing_by_chance, fisher, learn_levels, sampled_ranks
from castproof.parts.photo import Grey
from castproof.parts.search import Pair, SignatureTable, search
from castproof.parts.second_look import likely_splits
from castproof.progress import SILENT, Progress

ENGINE_VERSION = (
    10  # to be raised when the same photos may give other parts: results kept in a cache are void
)

_PARTNERS = 8
_COMPARED_CLEAR, _COMPARED_UNCLEAR = 2, 8  # partners of every photo that are laid over it
_SAMPLED_PHOTOS = 56
_MOST_PROPOSED_FROM = 24  # photos of a part that further pairs are proposed from
_TURNS_TRIED, _LOOKS = 4, 2  # in the second look
_SUPPORT = 2  # best own links that tell how sure a photo's part is
_DOUBT = 0.12  # in Fisher's z
_RAREST = 0.02  # share of photos without a partner that is taken for possible anyhow


@dataclass(frozen=True, eq=False)
class FoundParts:
    """The part of every photo, and the evidence.

    Args:
        part: an id for every photo, in the order given; equal for photos of one part.
        confidence: float32 (n,) in [0, 1], how sure it is that the photo shows this part.
        threshold: score from which a pair of photos counts as one part.
        different: float32 (k,), scores of pairs of photos of different parts.
        same: float32 (m,), scores of pairs of photos that were found to show one part.
    """

    part: tuple[str, ...]
    confidence: NDArray[np.float32]
    threshold: float
    different: NDArray[np.float32]
    same: NDArray[np.float32]


def find_parts(
    photos: Sequence[Path],
    digests: Sequence[str],
    *,
    known: Mapping[str, Grey] | None = None,
    workers: int = 0,
    progress: Progress = SILENT,
) -> FoundParts:
    """Return which photos show the same physical part.

    Args:
        photos: files to look at; unreadable ones are refused.
        digests: the hex SHA-256 of each file; equal digests are one photo, and so are equal pixels.
        known: photos at working size by their digest, for those that were read before; the others are read.
        workers: threads; 0 takes one per core, at most 8.
        progress: told of every photo and every comparison.

    Raises:
        ImageError: a photo cannot be decoded.
    """
    first = {digest: place for place, digest in reversed(list(enumerate(digests)))}
    # In the order of their content, so that neither names nor folders change the result.
    files = sorted(first)
    cv2.setNumThreads(1)
    greys = dict(known or {})
    unread = [digest for digest in files if digest not in greys]
    read = read_greys([photos[first[digest]] for digest in unread], workers, progress)
    greys.update(zip(unread, read, strict=True))
    looks = [(greys[digest].shape, sha256(greys[digest].tobytes()).digest()) for digest in files]
    alike = dict(zip(looks, (greys[digest] for digest in files), strict=True))
    grouping, levels = group(list(alike.values()), workers=workers, progress=progress)
    index = {look: place for place, look in enumerate(alike)}
    place_of = {digest: index[look] for digest, look in zip(files, looks, strict=True)}
    places = [place_of[digest] for digest in digests]
    same, different = _scores(grouping)
    sure = _confidence(grouping, levels, Counter(places))
    confidence = np.array([sure[place] for place in places], np.float32).round(3)
    names = _names([grouping.part[place] for place in places])
    return FoundParts(tuple(names), confidence, levels.link, different, same)


def group(greys: Sequence[Grey], *, workers: int = 0, progress: Progress = SILENT) -> tuple[Grouping, Levels]:
    """Return the photos joined to parts, and the levels that they were joined at.

    Args:
        greys: uint8 (H, W), the photos at working size.
        workers: threads; 0 takes one per core, at most 8.
        progress: told of every photo and every comparison.
    """
    with threadpool_limits(1):  # threads of our own work on several photos at once
        return _group(greys, workers, progress)


def _group(greys: Sequence[Grey], workers: int, progress: Progress) -> tuple[Grouping, Levels]:
    described = describe(greys, workers=workers, progress=progress)
    table = SignatureTable(described.signatures, described.start)
    partners = search(table, _PARTNERS, workers=workers, progress=progress).partner
    sample = _sample(table)
    compare = Comparer(described, workers=workers, progress=progress)
    every_second = sorted({photo for photo, _ in sample})[::2]
    few = [pair for pair in sample if pair[0] in every_second]
    compare.by_chance = agreeing_by_chance(_rows(few, compare.agreeing(few)))
    levels = learn_levels(_rows(sample, scores := compare(sample)))
    grouping = Grouping(len(greys), levels, compare, _Proposer(table))
    grouping.store(sample, scores)
    compared = _COMPARED_CLEAR if levels.clear else _COMPARED_UNCLEAR
    grouping.add(
        (photo, int(other)) for photo, row in enumerate(partners) for other in row[:compared] if other >= 0
    )
    grouping.join()
    _look_again(grouping, replace(compare, turns=_TURNS_TRIED))
    parts = grouping.members()
    grouping.unite(
        (parts[a][0], parts[b][0]) for a, b in same_marks(compare, parts, grouping.scores, levels.link)
    )
    return grouping, levels


def _look_again(grouping: Grouping, compare: Comparer) -> None:
    """Compare parts that share keypoints more thoroughly, and join those that are one."""
    grouping.compare = compare
    known: set[Pair] = set()
    for _ in range(_LOOKS):
        parts = grouping.members()
        pairs = likely_splits(compare, parts, known)
        known.update(pairs)
        grouping.compare_again(pairs)
        grouping.join()
        if len(grouping.members()) == len(parts):
            break


def _sample(table: SignatureTable) -> list[Pair]:
    """Return pairs of sampled photos with others, from the most to the least alike."""
    chosen = np.sort(np.random.default_rng(0).permutation(table.photos)[:_SAMPLED_PHOTOS])
    scores = table.scores(chosen, range(table.photos))
    pairs: list[Pair] = []
    for photo, row in zip(chosen, scores, strict=True):
        row[photo] = -2
        order = np.argsort(-row, kind="stable")
        pairs += [(int(photo), int(order[rank])) for rank in sampled_ranks(table.photos)]
    return pairs


def _rows(pairs: Sequence[Pair], scores: Sequence[float]) -> list[list[float]]:
    rows: dict[int, list[float]] = {}
    for (photo, _), score in zip(pairs, scores, strict=True):
        rows.setdefault(photo, []).append(score)
    return list(rows.values())


class _Proposer:
    """Proposes the pairs across two parts whose signatures match best, each photo at most a few times."""

    def __init__(self, table: SignatureTable) -> None:
        self._table = table

    def __call__(self, left: Sequence[int], right: Sequence[int], count: int) -> list[Pair]:
        left, right = _thinned(left), _thinned(right)
        scores = self._table.scores(left, right)
        most = [-(-count // len(side)) for side in (left, right)]
        taken: tuple[Counter[int], Counter[int]] = (Counter(), Counter())
        pairs: list[Pair] = []
        for flat in np.argsort(-scores, axis=None, kind="stable"):
            i, j = divmod(int(flat), len(right))
            if taken[0][i] < most[0] and taken[1][j] < most[1]:
                taken[0][i] += 1
                taken[1][j] += 1
                pairs.append((left[i], right[j]))
            if len(pairs) == count:
                break
        return pairs


def _thinned(photos: Sequence[int]) -> list[int]:
    step = -(-len(photos) // _MOST_PROPOSED_FROM)
    return sorted(photos)[::step]


def _names(parts: Sequence[int]) -> list[str]:
    """Return an id for each photo: part-0001 has the most photos; equal counts go by the first photo."""
    counts = Counter(parts)
    first = {part: place for place, part in reversed(list(enumerate(parts)))}
    order = sorted(counts, key=lambda part: (-counts[part], first[part]))
    digits = max(4, len(str(len(order))))
    names = {part: f"part-{number:0{digits}d}" for number, part in enumerate(order, start=1)}
    return [names[part] for part in parts]


def _scores(grouping: Grouping) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the scores of compared pairs within parts, and across parts."""
    within: list[float] = []
    across: list[float] = []
    for photo, others in sorted(grouping.scores.items()):
        for other, score in sorted(others.items()):
            if photo < other:
                (within if grouping.part[photo] == grouping.part[other] else across).append(score)
    return np.array(within, np.float32), np.array(across, np.float32)


def _confidence(grouping: Grouping, levels: Levels, copies: Counter[int]) -> list[float]:
    """Return how sure each photo's part is: its best own links against the best link to another part.

    0.5 is thin evidence: own links no better than foreign ones, or than the level itself. A photo without a partner is
    the less sure the fewer photos of the data set have none. Where a part consists of copies of one photo, it is sure.
    """
    sizes = Counter(grouping.part)
    alone = sum(size == 1 for size in sizes.values()) / len(grouping.part)
    prior = float(np.clip(alone, _RAREST, 1 - _RAREST))
    sure = []
    for photo, part in enumerate(grouping.part):
        margin = _margin(grouping, photo, float(fisher(levels.link)))
        if sizes[part] > 1:
            sure.append(_sigmoid(margin / _DOUBT))
        elif copies[photo] > 1:
            sure.append(1.0)
        else:
            sure.append(_sigmoid(margin / _DOUBT + math.log(prior / (1 - prior))))
    return sure


def _margin(grouping: Grouping, photo: int, level: float) -> float:
    """Return by how much, in Fisher's z, the part of `photo` is the best one for it."""
    part = grouping.part[photo]
    own: list[float] = []
    foreign: list[float] = [0.0]
    for other, score in grouping.scores[photo].items():
        (own if grouping.part[other] == part else foreign).append(float(fisher(score)))
    if not own:
        return level - max(foreign)
    return float(np.mean(sorted(own)[-_SUPPORT:])) - max(*foreign, level)


def _sigmoid(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))
