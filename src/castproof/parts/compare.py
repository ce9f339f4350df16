"""Comparing pairs of photos: how well two photos match after they are laid over each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from castproof.parts.frames import Frame
from castproof.parts.keypoints import KeypointMatch, Keypoints, find_keypoints, match_keypoints
from castproof.parts.photo import Grey
from castproof.parts.registration import NO_MATCH, Match, Still, register, still, turned, view
from castproof.parts.search import Pair, best_turns, several_turns
from castproof.parts.signature import Spectra
from castproof.progress import SILENT, Progress
from castproof.threads import in_threads

_CONVINCING = 0.9  # nothing more to look for
_FEWEST_AGREEING = 6  # keypoints that agree by chance
_AGREEING_SCALE = 12.0  # further agreeing keypoints that shrink the doubt by a factor e
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
        with_keypoints: look for shared keypoints, too: slower, finds parts whose look changes with the light.
        workers: threads; 0 takes one per core, at most 8.
        turns: how many turns are tried; more than one finds parts whose light did not turn with them.
        progress: told of every pair.
    """

    described: Described
    with_keypoints: bool
    workers: int = 0
    turns: int = 1
    progress: Progress = SILENT
    _views: dict[int, Still] = field(default_factory=dict)
    _keypoints: dict[int, Keypoints] = field(default_factory=dict)

    def __call__(self, pairs: Sequence[Pair]) -> list[float]:
        """Return the score of each pair, at most 1; 0 or less where the two have nothing in common."""
        scores = []
        with self.progress.task("matching pairs", len(pairs)) as task:
            for match in in_threads(self.match, pairs, workers=self.workers):
                scores.append(match.score)
                task.advance()
        return scores

    def match(self, pair: Pair) -> Match:
        """Return how the second photo of `pair` lies on the first."""
        return self.laid(pair)[1]

    def laid(self, pair: Pair) -> tuple[Frame, Match]:
        """Return the frame used of the first photo of `pair`, and how the second photo lies on the first."""
        first, second = pair
        known = self.described
        place, starts = self._starts(first, second)
        seen = self._view(first, place)
        best = Match(NO_MATCH, starts[0])
        for start in starts:
            if best.score < _CONVINCING:
                found = register(seen, known.greys[second], start, disc=not known.whole)
                best = max(best, found, key=lambda match: match.score)
        if not self.with_keypoints or best.score >= _CONVINCING:
            return seen.view.frame, best
        return seen.view.frame, self._with_keypoints(
            seen, second, best, match_keypoints(self._points(first), self._points(second))
        )

    def _with_keypoints(self, seen: Still, second: int, best: Match, shared: KeypointMatch | None) -> Match:
        if shared is None or shared.agreeing <= _FEWEST_AGREEING:
            return best
        linear, centre = shared.matrix[:, :2], np.append(seen.view.frame.centre, 1.0)
        guess = Frame(linear @ seen.view.frame.matrix, shared.matrix @ centre)
        known = self.described
        found = register(seen, known.greys[second], guess, disc=not known.whole)
        best = max(best, found, key=lambda match: match.score)
        return Match(_supported(best.score, shared), best.frame if best.score > NO_MATCH else guess)

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


def _supported(score: float, shared: KeypointMatch) -> float:
    """Return `score` after the agreeing keypoints have taken away their share of the doubt."""
    doubt = 1 - max(score, 0.0)
    return 1 - doubt * float(np.exp(-(shared.agreeing - _FEWEST_AGREEING) / _AGREEING_SCALE))
