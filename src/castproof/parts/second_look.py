"""A second look at parts that may be one: their photos differ in light or pose, so no near partners linked them.

A lamp stays where it is while the part turns under it. Photos of one part in two poses then match best where the light
lies alike, and the marks of the part do not. Fine marks alone rank other parts and other turns first.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from castproof.parts.compare import Described
from castproof.parts.search import Pair, SignatureTable, frames_of
from castproof.parts.signature import unit

_EXAMPLES = 6  # photos of a part that stand for it
_NEAREST, _NEAREST_OF_SMALL = 2, 4  # other parts looked at, for each part and kind of signature
_SMALL = 20  # photos; a small part is more often a piece of another one
_MOST_PARTS = 2000  # the largest; bounds memory and time where most parts were photographed once
_MOST_PART_PAIRS = 600  # of each kind of signature, the most alike first
_PAIRS = 2  # of photos compared for each pair of parts


def likely_splits(described: Described, parts: Sequence[Sequence[int]]) -> list[Pair]:
    """Return pairs of photos to compare across parts that are the most alike, by light and by fine marks.

    Args:
        described: the photos.
        parts: the photos of every part.
    """
    parts = sorted(parts, key=len, reverse=True)[:_MOST_PARTS]
    examples = [_examples(photos) for photos in parts]
    every = [photo for photos in examples for photo in photos]
    if len(parts) < 2:
        return []
    part_of = np.repeat(np.arange(len(parts)), [len(photos) for photos in examples])
    found: list[Pair] = []
    for fine in (False, True):
        scores = _scores(described, every, fine=fine)
        for a, b in _nearest(scores, part_of, [len(photos) for photos in parts]):
            rows, columns = np.flatnonzero(part_of == a), np.flatnonzero(part_of == b)
            inside = scores[np.ix_(rows, columns)]
            for flat in np.argsort(-inside, axis=None, kind="stable")[:_PAIRS]:
                i, j = divmod(int(flat), len(columns))
                found.append((every[rows[i]], every[columns[j]]))
    return found


def _examples(photos: Sequence[int]) -> Sequence[int]:
    return photos[:: -(-len(photos) // _EXAMPLES)]


def _scores(described: Described, photos: Sequence[int], *, fine: bool) -> NDArray[np.float32]:
    """Return float32 (photos, photos), how well signatures match."""
    frames, starts = frames_of(described.start, photos)
    signatures = described.signatures[frames]
    table = SignatureTable(
        unit(signatures * described.fine) if fine else signatures, np.append(starts, len(frames))
    )
    return table.scores(range(len(photos)), range(len(photos)))


def _nearest(scores: NDArray[np.float32], part_of: NDArray[np.int64], sizes: Sequence[int]) -> list[Pair]:
    """Return the pairs of parts that are one's or each other's nearest, by the mean of their best matches."""
    first = np.flatnonzero(np.diff(part_of, prepend=-1))
    # The mean over one part's examples of their best match in the other part.
    best = np.maximum.reduceat(scores, first, axis=1)
    across = np.add.reduceat(best, first, axis=0) / np.diff([*first, len(part_of)])[:, None]
    across = (across + across.T) / 2
    np.fill_diagonal(across, -1)
    pairs: set[Pair] = set()
    for a, row in enumerate(np.argsort(-across, axis=1, kind="stable")):
        count = min(_NEAREST_OF_SMALL if sizes[a] < _SMALL else _NEAREST, len(sizes) - 1)
        pairs |= {(min(a, int(b)), max(a, int(b))) for b in row[:count]}
    return sorted(pairs, key=lambda pair: (-across[pair], pair))[:_MOST_PART_PAIRS]
