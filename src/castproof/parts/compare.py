"""Comparing pairs of photos: how well two photos match after they are laid over each other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from castproof.parts.frames import Frame
from castproof.parts.keypoints import KeypointMatch, Keypoints, find_keypoints, match_keypoints
from castproof.parts.photo import Grey
from castproof.parts.registration import NO_MATCH, Match, Still, register, still, turned, view
from castproof.parts.search import Pair, best_turns, several_turns
from castproof.parts.signature import Spectra
from castproof.progress import SILENT, Progress
from castproof.threads import map_in_threads

_CONVINCING = 0.9  # nothing more to look for
_BEYOND_CHANCE = 2.0  # times the keypoints that agree by chance
_VIEWS_KEPT = 256
_KEYPOINTS_KEPT = 8000  # photos, of 160 kB each


@dataclass(frozen=True, eq=False)
class Described:
    """What a data set's photos look like, for comparisons.

    Args:
        greys: uint8 (H, W) at working size, one for each photo.
        frames: the frames of all photos in one row, those of a photo side by side.
        signatures: complex64 (frames, rings, harmonics), of length 1.
        fine: float32 (rings, harmonics); signatures times `fine` show fine marks rather than light.
        start: int64 (photos + 1,): the frames of photo i are start[i] to start[i + 1] - 1.
        extent: how far around a frame photos are compared, in units of the frame.
        whole: the frames are the whole photos.
    """

    greys: Sequence[Grey]
    frames: Sequence[Frame]
    signatures: Spectra
    fine: NDArray[np.float32]
    start: NDArray[np.int64]
    extent: float
    whole: bool


@dataclass(eq=False)
class Comparer:
    """Compares pairs of photos.

    Args:
        described: the photos.
        by_chance: how many keypoints of photos of different parts agree; twice as many begin to be evidence.
        workers: threads; 0 takes one per core, at most 8.
        turns: how many turns are tried; more than one finds parts whose light did not turn with them.
        progress: told of every pair.
    """

    described: Described
    by_chance: float = math.inf
    workers: int = 0
    turns: int = 1
    progress: Progress = SILENT
    _views: dict[int, Still] = field(default_factory=dict)
    _keypoints: dict[int, Keypoints] = field(default_factory=dict)

    def __call__(self, pairs: Sequence[Pair]) -> list[float]:
        """Return the score of each pair, at most 1; 0 or less where the two have nothing in common."""
        return map_in_threads(
            lambda pair: self.match(pair).score,
            pairs,
            "matching pairs",
            workers=self.workers,
            progress=self.progress,
        )

    def agreeing(self, pairs: Sequence[Pair]) -> list[int]:
        """Return how many keypoints of each pair agree on one affine map."""
        return map_in_threads(
            self._agreeing, pairs, "matching keypoints", workers=self.workers, progress=self.progress
        )

    def points(self, photos: Sequence[int]) -> list[Keypoints]:
        """Return the keypoints of each photo."""
        return map_in_threads(
            self._points, photos, "finding keypoints", workers=self.workers, progress=self.progress
        )

    def match(self, pair: Pair) -> Match:
        """Return how the second photo of `pair` lies on the first."""
        return self.laid(pair)[1]

    def laid(self, pair: Pair) -> tuple[Frame, Match]:
        """Return the frame used of the first photo of `pair`, and how the second photo is on the first."""
        first, second = pair
        place, starts = self._starts(first, second)
        seen = self._view(first, place)

        def better(best: Match, start: Frame) -> Match:
            known = self.described
            found = register(seen, known.greys[second], start, disc=not known.whole)
            return max(best, found, key=lambda match: match.score)

        best = better(Match(NO_MATCH, starts[0]), starts[0])
        if best.score >= _CONVINCING:
            return seen.view.frame, best
        shared = self._matched(pair)
        if shared and shared.agreeing > _BEYOND_CHANCE * self.by_chance:
            best = better(best, _corresponding(seen.view.frame, shared))
        for start in starts[1:]:
            if self._supported(best.score, shared) < _CONVINCING:
                best = better(best, start)
        return seen.view.frame, replace(best, score=self._supported(best.score, shared))

    def _supported(self, score: float, shared: KeypointMatch | None) -> float:
        """Return `score` after keypoints, where more agree than by chance, have taken away their share of the doubt."""
        beyond = shared.agreeing / self.by_chance - _BEYOND_CHANCE if shared else 0
        return 1 - (1 - max(score, 0.0)) * math.exp(-beyond) if beyond > 0 else score

    def _agreeing(self, pair: Pair) -> int:
        shared = self._matched(pair)
        return shared.agreeing if shared else 0

    def _matched(self, pair: Pair) -> KeypointMatch | None:
        return match_keypoints(self._points(pair[0]), self._points(pair[1]))

    def _starts(self, first: int, second: int) -> tuple[int, list[Frame]]:
        """Return which frame of the first photo to use, and frames of the second that may correspond to it."""
        known = self.described
        crossed = np.meshgrid(
            np.arange(known.start[first], known.start[first + 1]),
            np.arange(known.start[second], known.start[second + 1]),
        )
        a, b = (frames.ravel() for frames in crossed)
        turn, mirrored, score = best_turns(known.signatures[a], known.signatures[b])
        best = int(score.argmax())
        moved, still = known.frames[b[best]], int(a[best])
        if self.turns == 1:
            return still, [turned(moved, int(turn[best]), bool(mirrored[best]))]
        left, right = known.signatures[a[best]], known.signatures[b[best]]
        half = self.turns // 2
        tried = several_turns(left * known.fine, right * known.fine, half)
        tried = [*several_turns(left, right, self.turns - half), *tried]
        return still, [turned(moved, *hypothesis) for hypothesis in dict.fromkeys(tried)]

    def _view(self, photo: int, frame: int) -> Still:
        """Return the photo through one of its frames; kept for the next pairs, which are often of the same photo."""
        kept = self._views.get(frame)
        if kept is None:
            known = self.described
            seen = view(known.greys[photo], known.frames[frame], known.extent, disc=not known.whole)
            kept = still(seen)
            if len(self._views) >= _VIEWS_KEPT:
                self._views.clear()
            self._views[frame] = kept
        return kept

    def _points(self, photo: int) -> Keypoints:
        kept = self._keypoints.get(photo)
        if kept is None:
            kept = find_keypoints(self.described.greys[photo])
            if len(self._keypoints) >= _KEYPOINTS_KEPT:
                self._keypoints.clear()
            self._keypoints[photo] = kept
        return kept


def _corresponding(frame: Frame, shared: KeypointMatch) -> Frame:
    """Return where a frame of the first photo is on the second one, as the shared keypoints say."""
    return Frame(shared.matrix[:, :2] @ frame.matrix, shared.matrix @ np.append(frame.centre, 1.0))
