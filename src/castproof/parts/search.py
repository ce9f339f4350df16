"""Searching all pairs of photos for those whose signatures match, at any turn and mirroring."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from castproof.parts.signature import ANGLES, HIGHEST, LOWEST, Spectra
from castproof.progress import SILENT, Progress

Scores = NDArray[np.float32]

_ROWS, _COLUMNS = 64, 256  # items compared at a time: what the processor's cache holds
_PEAK_WIDTH = 4  # steps on either side that belong to a peak
_PHASE = np.outer(np.arange(ANGLES), np.arange(LOWEST, HIGHEST)) * (2 * np.pi / ANGLES)
_TO_TURNS = np.concatenate([np.cos(_PHASE), -np.sin(_PHASE)], axis=1).astype(np.float32)


def planes(signatures: Spectra) -> NDArray[np.float32]:
    """Return `signatures` (items, rings, harmonics) laid out for the search: float32 (harmonics, 2, items, rings)."""
    turned = signatures.transpose(2, 0, 1)
    return np.ascontiguousarray(np.stack([turned.real, turned.imag], axis=1), np.float32)


def correlations(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32 (2, ANGLES, len(a), len(b)) in [-1, 1]: the correlation at every turn, plain and mirrored.

    Args:
        a: planes of some items.
        b: planes of others; those are turned and mirrored.
    """
    harmonics, _, n, rings = a.shape
    m = b.shape[2]
    left = a.reshape(harmonics, 2 * n, rings)
    right = b.reshape(harmonics, 2 * m, rings).transpose(0, 2, 1)
    product = (left @ right).reshape(harmonics, 2, n, 2, m)
    rr, ri, ir, ii = product[:, 0, :, 0], product[:, 0, :, 1], product[:, 1, :, 0], product[:, 1, :, 1]
    parts = np.empty((2, 2, harmonics, n, m), np.float32)
    np.add(rr, ii, out=parts[0, 0])
    np.subtract(ir, ri, out=parts[0, 1])
    np.subtract(rr, ii, out=parts[1, 0])
    np.add(ir, ri, out=parts[1, 1])
    return np.asarray(_TO_TURNS @ parts.reshape(2, 2 * harmonics, n * m)).reshape(2, ANGLES, n, m)


def best_scores(a: NDArray[np.float32], b: NDArray[np.float32]) -> Scores:
    """Return float32 (len(a), len(b)): the best correlation over turns and mirroring, in [-1, 1]."""
    return np.asarray(correlations(a, b).max(axis=(0, 1)))


def best_turns(a: Spectra, b: Spectra) -> tuple[NDArray[np.intp], NDArray[np.bool_], Scores]:
    """Return turn (steps of 1 / ANGLES), mirroring and score of the best match of each pair a[i], b[i]."""
    found = _at_every_turn(a, b)
    best = found.argmax(axis=1)
    return best % ANGLES, best >= ANGLES, found.max(axis=1)


def several_turns(a: Spectra, b: Spectra, count: int) -> list[tuple[int, bool]]:
    """Return the turns and mirrorings of the `count` best matches of one item with another, each well apart."""
    found = _at_every_turn(a[None], b[None]).reshape(2, ANGLES)
    turns = []
    for _ in range(count):
        mirrored, turn = divmod(int(found.argmax()), ANGLES)
        turns.append((turn, bool(mirrored)))
        found[mirrored, np.arange(turn - _PEAK_WIDTH, turn + _PEAK_WIDTH + 1) % ANGLES] = -np.inf
    return turns


def _at_every_turn(a: Spectra, b: Spectra) -> NDArray[np.float32]:
    """Return float32 (pairs, 2 * ANGLES): the correlation of a[i] and b[i] at every turn, plain, then mirrored."""
    pairs = np.stack([(a * b.conj()).sum(axis=1), (a * b).sum(axis=1)])
    halves = np.concatenate([pairs.real, pairs.imag], axis=2).astype(np.float32)
    return np.asarray((halves @ _TO_TURNS.T).transpose(1, 0, 2).reshape(len(a), -1), np.float32)


class Neighbours:
    """The best partners of every photo, kept while blocks of scores come in.

    Args:
        photos: how many photos there are.
        keep: how many partners of each photo are kept.
    """

    def __init__(self, photos: int, keep: int) -> None:
        self.score = np.full((photos, keep), -1.0, np.float32)
        self.partner = np.full((photos, keep), -1, np.int64)

    def take(self, rows: NDArray[np.int64], columns: NDArray[np.int64], scores: Scores) -> None:
        """Take in scores (len(rows), len(columns)); a pair must come at most once for each row."""
        keep = self.score.shape[1]
        if scores.shape[1] > keep:
            best = np.argpartition(-scores, keep - 1, axis=1)[:, :keep]
            scores = np.take_along_axis(scores, best, axis=1)
            partners = columns[best]
        else:
            partners = np.broadcast_to(columns, scores.shape)
        merged = np.concatenate([self.score[rows], scores], axis=1)
        names = np.concatenate([self.partner[rows], partners], axis=1)
        order = np.argsort(-merged, axis=1, kind="stable")[:, :keep]
        self.score[rows] = np.take_along_axis(merged, order, axis=1)
        self.partner[rows] = np.take_along_axis(names, order, axis=1)


def search(
    signatures: Spectra, owner: NDArray[np.int64], keep: int, *, progress: Progress = SILENT
) -> Neighbours:
    """Return the best partners of every photo, out of all pairs of photos.

    Args:
        signatures: complex64 (items, rings, harmonics) of length 1.
        owner: int64 (items,), ascending: the photo of each item, 0 to n - 1, each at least once.
        keep: partners to keep for each photo.
        progress: told of every item done.
    """
    laid_out = planes(signatures)
    photos = int(owner[-1]) + 1
    found = Neighbours(photos, min(keep, max(1, photos - 1)))
    blocks = list(_blocks(owner, _ROWS))
    with progress.task("comparing photos", len(owner)) as task:
        for start, stop in blocks:
            for left, right in _blocks(owner, _COLUMNS, start):
                _compare(laid_out, owner, (start, stop), (left, right), found)
            task.advance(stop - start)
    return found


def _blocks(owner: NDArray[np.int64], size: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """Yield runs of about `size` items that never cut the items of one photo apart."""
    while start < len(owner):
        stop = start + size
        while stop < len(owner) and owner[stop] == owner[stop - 1]:
            stop += 1
        yield start, min(stop, len(owner))
        start = min(stop, len(owner))


def _compare(
    laid_out: NDArray[np.float32],
    owner: NDArray[np.int64],
    rows: tuple[int, int],
    columns: tuple[int, int],
    found: Neighbours,
) -> None:
    scores = best_scores(laid_out[:, :, slice(*rows)], laid_out[:, :, slice(*columns)])
    row_photos, row_starts = np.unique(owner[slice(*rows)], return_index=True)
    column_photos, column_starts = np.unique(owner[slice(*columns)], return_index=True)
    scores = np.maximum.reduceat(np.maximum.reduceat(scores, row_starts, axis=0), column_starts, axis=1)
    later = column_photos[None, :] > row_photos[:, None]  # each pair once, none with itself
    found.take(row_photos, column_photos, np.where(later, scores, -1))
    found.take(column_photos, row_photos, np.where(later, scores, -1).T)
