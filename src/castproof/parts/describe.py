"""Describing a data set: small grey photos, their frames and their signatures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from castproof.parts.compare import Described
from castproof.parts.frames import Frame, frames_in
from castproof.parts.photo import Grey, read_small
from castproof.parts.search import SignatureTable, best_turns
from castproof.parts.signature import (
    LOWEST,
    RINGS,
    Spectra,
    agreement,
    common_gain,
    ring_spectra,
    unit,
    weights,
)
from castproof.progress import SILENT, Progress
from castproof.threads import map_in_threads

Frames = Sequence[Sequence[Frame]]

_SAMPLE = 400  # frames that the whitening is learnt from
_BEST_SHARE = 0.3  # of the sample's frames: their best partners are taken for matches
_RANDOM_PAIRS = 1500
_FEWEST_TO_LEARN = 40
_LEARNING_ROUNDS = 2
_FINE_FROM = 8  # harmonic
_LEAST_WEIGHT = 0.05
_EXTENT_SHARE = 0.9  # of the weight of all rings


@dataclass(frozen=True, eq=False)
class _Learnt:
    """What a sample of frames tells about a data set.

    Args:
        gain: float32 (rings, harmonics), to be multiplied with spectra.
        fine: float32 (rings, harmonics), to be multiplied with signatures to see fine marks rather than light.
        extent: radius within which most of what tells parts apart lies, in units of the frame.
        separation: how far best partners stand out from the bulk of partners; 1 is nothing special.
    """

    gain: NDArray[np.float32]
    fine: NDArray[np.float32]
    extent: float
    separation: float


def read_greys(photos: Sequence[Path], workers: int, progress: Progress = SILENT) -> list[Grey]:
    """Return the photos in grey at working size. Raises ImageError."""
    small = map_in_threads(read_small, photos, "reading photos", workers=workers, progress=progress)
    return [photo.grey for photo in small]


def describe(greys: Sequence[Grey], *, workers: int = 0, progress: Progress = SILENT) -> Described:
    """Return what tells the parts of a data set apart.

    The frames are those of objects or of whole photos: what lets the best partners in a sample stand out more.
    """
    whole, learnt = _best_learnt(greys, workers, progress)

    def seen(grey: Grey) -> tuple[list[Frame], list[Spectra]]:
        found = frames_in(grey, whole=whole)
        return found, [unit(ring_spectra(grey, frame)[None] * learnt.gain)[0] for frame in found]

    views = map_in_threads(seen, greys, "describing photos", workers=workers, progress=progress)
    frames = [frame for found, _ in views for frame in found]
    spectra = [signature for _, found in views for signature in found]
    starts = np.cumsum([0, *(len(found) for found, _ in views)])
    extent = 1.0 if whole else learnt.extent
    return Described(greys, frames, np.stack(spectra), learnt.fine, starts, extent, whole)


def _best_learnt(greys: Sequence[Grey], workers: int, progress: Progress) -> tuple[bool, _Learnt]:
    """Return whether whole photos are the better frames, and what a sample tells with these."""
    chosen = np.sort(np.random.default_rng(0).permutation(len(greys))[:_SAMPLE])
    sample = [greys[photo] for photo in chosen]

    def learn(whole: bool) -> _Learnt:
        return _learn([frames_in(grey, whole=whole) for grey in sample], sample)

    title = "learning what tells parts apart"
    objects, wholes = map_in_threads(learn, (False, True), title, workers=workers, progress=progress)
    whole = wholes.separation > objects.separation
    return whole, wholes if whole else objects


def _learn(frames: Frames, greys: Sequence[Grey]) -> _Learnt:
    owner = np.repeat(np.arange(len(frames)), [len(found) for found in frames])[:_SAMPLE]
    every = [frame for found in frames for frame in found][:_SAMPLE]
    spectra = np.stack([ring_spectra(greys[photo], frame) for photo, frame in zip(owner, every, strict=True)])
    gain = common_gain(spectra)
    weight = np.ones_like(gain)
    if len(set(owner)) >= _FEWEST_TO_LEARN:
        for round_ in range(_LEARNING_ROUNDS):
            learnt = _weights(unit(spectra * gain * weight), owner)
            weight = learnt if round_ == 0 else weight * learnt
    scores = _scores(unit(spectra * gain * weight), owner)
    return _Learnt(gain * weight, _fine(weight), _extent(weight), _separation(scores))


def _scores(signatures: Spectra, owner: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return how well every frame matches every other one; frames of one photo do not count."""
    every = np.arange(len(owner))
    scores = SignatureTable(signatures, np.arange(len(owner) + 1)).scores(every, every)
    scores[owner[:, None] == owner[None]] = -1
    return scores


def _weights(signatures: Spectra, owner: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return how much every ring and harmonic counts, by the agreement of best partners beyond chance."""
    scores = _scores(signatures, owner)
    partner = scores.argmax(axis=1)
    best = np.argsort(-scores.max(axis=1), kind="stable")[: int(_BEST_SHARE * len(owner))]
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, len(owner), (2, _RANDOM_PAIRS))
    apart = owner[a] != owner[b]
    return weights(_agreement(signatures, best, partner[best]), _agreement(signatures, a[apart], b[apart]))


def _agreement(signatures: Spectra, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    turn, mirrored, _ = best_turns(signatures[a], signatures[b])
    partners = np.where(mirrored[:, None, None], signatures[b].conj(), signatures[b])
    return agreement(signatures[a], partners, turn)


def _fine(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what takes the weights off again and keeps the higher harmonics only."""
    flat = 1 / np.maximum(weight, _LEAST_WEIGHT)
    flat[:, : _FINE_FROM - LOWEST] = 0
    return np.asarray(flat, np.float32)


def _extent(weight: NDArray[np.float32]) -> float:
    share = np.cumsum(weight.sum(axis=1)) / weight.sum()
    return float(RINGS[min(int(np.searchsorted(share, _EXTENT_SHARE)), len(RINGS) - 1)])


def _separation(scores: NDArray[np.float32]) -> float:
    known = scores[scores > -1]
    if not len(known):
        return 1.0
    middle, high = np.quantile(known, [0.5, 0.99])
    return float((np.median(scores.max(axis=1)) - middle) / max(high - middle, 1e-6))
