"""Searching all pairs of photos for those whose signatures match, at any turn and mirroring."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from castproof.parts.signature import ANGLES, HIGHEST, LOWEST, Spectra
from castproof.progress import SILENT, Progress
from castproof.threads import in_threads

Scores = NDArray[np.float32]
Pair = tuple[int, int]
Places = NDArray[np.int64]
Photos = Sequence[int] | Places
LaidOut = tuple[NDArray[np.float32], Places]  # planes of photos, and where each photo starts in them

_ROWS, _COLUMNS = 52, 208  # photos compared at a time: what the processor's cache holds
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


class SignatureTable:
    """The signatures of photos, ready for comparing lists of photos; a photo with several frames goes by the best.

    Args:
        signatures: complex64 (frames, rings, harmonics) of length 1.
        start: int64 (photos + 1,): the frames of photo i are start[i] to start[i + 1] - 1.
    """

    def __init__(self, signatures: Spectra, start: Places) -> None:
        self.photos = len(start) - 1
        self._start = start
        self._planes = planes(signatures)

    def scores(self, left: Photos, right: Photos) -> Scores:
        """Return float32 (len(left), len(right)) in [-1, 1]: how well the signatures of two photos match at best."""
        found = np.empty((len(left), len(right)), np.float32)
        for first in range(0, len(right), _COLUMNS):
            columns = self._laid_out(right[first : first + _COLUMNS])
            for row in range(0, len(left), _ROWS):
                block = self._block(self._laid_out(left[row : row + _ROWS]), columns)
                found[row : row + _ROWS, first : first + _COLUMNS] = block
        return found

    def _block(self, left: LaidOut, right: LaidOut) -> Scores:
        by_frame = best_scores(left[0], right[0])
        return np.maximum.reduceat(np.maximum.reduceat(by_frame, left[1], axis=0), right[1], axis=1)

    def _laid_out(self, photos: Photos) -> LaidOut:
        """Return the planes of `photos`, and where each photo starts in them."""
        frames, starts = frames_of(self._start, photos)
        return self._planes[:, :, frames], starts


def frames_of(start: Places, photos: Photos) -> tuple[Places, Places]:
    """Return the frames of `photos` in one row, and where each photo starts in that row."""
    frames = [np.arange(start[photo], start[photo + 1]) for photo in photos]
    return np.concatenate(frames), np.cumsum([0, *(len(one) for one in frames[:-1])])


class Neighbours:
    """The best partners of every photo, kept while blocks of scores come in.

    Args:
        photos: how many photos there are.
        keep: how many partners of each photo are kept.
    """

    def __init__(self, photos: int, keep: int) -> None:
        self.score = np.full((photos, keep), -1.0, np.float32)
        self.partner = np.full((photos, keep), -1, np.int64)

    def take(self, rows: Places, columns: Places, scores: Scores) -> None:
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


def search(table: SignatureTable, keep: int, *, workers: int = 0, progress: Progress = SILENT) -> Neighbours:
    """Return the best partners of every photo, out of all pairs of photos.

    Args:
        table: the signatures of the photos.
        keep: partners to keep for each photo.
        workers: threads; 0 takes one per core, at most 8.
        progress: told of every photo done.
    """
    count = table.photos
    found = Neighbours(count, min(keep, max(1, count - 1)))

    def later(corner: Pair) -> tuple[Places, Places, Scores]:
        """Return scores of each pair once, and none of a photo with itself."""
        top, left = corner
        rows, columns = (
            np.arange(top, min(top + _ROWS, count)),
            np.arange(left, min(left + _COLUMNS, count)),
        )
        above = columns[None, :] > rows[:, None]
        return rows, columns, np.where(above, table.scores(rows, columns), np.float32(-1))

    corners = [(top, left) for top in range(0, count, _ROWS) for left in range(top, count, _COLUMNS)]
    with progress.task("comparing photos", count) as task:
        for rows, columns, scores in in_threads(later, corners, workers=workers):
            found.take(rows, columns, scores)
            found.take(columns, rows, scores.T)
            if columns[-1] == count - 1:
                task.advance(len(rows))
    return found
