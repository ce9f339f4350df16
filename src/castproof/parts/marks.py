"""Marks: torn parts are recognised by chips, holes and cracks that lie at the same places under another light.

The photos of a part, laid over each other, make one picture of it. Its marks are where brightness is curved in both
directions, as the determinant of the Hessian says (Lindeberg, IJCV 30(2), 1998): a small hole is, while an outline, a
shadow and a streak of light are not. Strength is measured against what is usual at the same distance from the middle,
and what the most similar parts show at the same place is structure of the product and is taken off. The marks of every
two parts are laid over each other at every turn, plain and mirrored. Nearly all of these pairs show different parts, so
they themselves tell how well marks agree by chance.
"""

import math
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from castproof.parts.compare import Comparer
from castproof.parts.frames import Frame, object_frames, whole_frame
from castproof.parts.photo import WORKING_SIDE_PX, Plane
from castproof.parts.registration import seen_through
from castproof.parts.search import Pair
from castproof.threads import map_in_threads

Planes = NDArray[np.float32]  # (parts, rings, angles)

_FEWEST_PHOTOS = 8  # of a part: a picture made of fewer is too much that of their light
_MOST_PHOTOS = 6
_FEWEST_PARTS, _MOST_PARTS = 24, 400
_SIDE_PX = WORKING_SIDE_PX
_EXTENTS = 1.05, 2.2  # in units of the frame
_RINGS = np.linspace(0.1, 2.0, 56, dtype=np.float32)
_ANGLES = 256
_BLOB_PX, _BORDER_PX = 1.2, 7
_USUAL, _STRONGEST = 0.95, 6.0  # quantile of what is usual; how many times that counts at most
_SIMILAR = (
    17  # parts whose middle is taken for the product's structure: more than twice those that one is torn into
)
_BULK, _TAIL = 0.8, 0.96  # quantiles that the chance agreement is extended from
_WRONG = 0.05  # pairs of different parts expected to reach the level, in the whole data set


def same_marks(
    compare: Comparer, parts: Sequence[Sequence[int]], links: Mapping[int, Mapping[int, float]], link: float
) -> list[Pair]:
    """Return pairs of parts, as places in `parts`, whose marks agree more than by chance.

    Args:
        compare: lays photos over each other.
        parts: the photos of every part; those with fewer than 8 photos, and all but the 400 largest, are not looked at.
        links: for every photo the scores with those it was compared with.
        link: score from which two photos of a part match well enough to be laid over each other.
    """
    large = [place for place, photos in enumerate(parts) if len(photos) >= _FEWEST_PHOTOS]
    chosen = sorted(large, key=lambda place: -len(parts[place]))[:_MOST_PARTS]
    if len(chosen) < _FEWEST_PARTS:
        return []
    found = map_in_threads(
        lambda place: _marks(compare, parts[place], links, link),
        chosen,
        "looking at marks",
        workers=compare.workers,
        progress=compare.progress,
    )
    scores = agreement_of_marks(np.stack(found))
    first, second = np.triu_indices(len(chosen), 1)
    level = chance_level(scores[first, second])
    return [(chosen[i], chosen[j]) for i, j in zip(first, second, strict=True) if scores[i, j] >= level]


def agreement_of_marks(marks: Planes) -> NDArray[np.float32]:
    """Return float32 (parts, parts), at most 1: how well the marks of two parts agree at the best turn.

    Args:
        marks: float32 (parts, rings, angles), as `marks_in` finds them.
    """
    usual = np.quantile(np.abs(marks), _USUAL, axis=(0, 2), keepdims=True)
    strength = marks / np.maximum(usual, np.median(usual) / 2 + 1e-4)
    clear = np.sign(strength) * np.clip(np.abs(strength) - 1, 0, _STRONGEST)
    softened = np.stack([_softened(plane) for plane in clear.astype(np.float32)])
    scores, turns = _at_best_turn(_unit(softened, 1e-3))
    own = softened - np.stack([_structure(softened, place, scores, turns) for place in range(len(marks))])
    return _at_best_turn(_unit(own, 1.0))[0]


def chance_level(scores: NDArray[np.float32]) -> float:
    """Return the score that hardly any of so many pairs of different parts reaches.

    The tail of chance agreement is taken to fall exponentially, as it does between two quantiles that are low enough
    for the few pairs of one part not to move them.
    """
    bulk, tail = np.quantile(scores, [_BULK, _TAIL])
    fall = (tail - bulk) / math.log((1 - _BULK) / (1 - _TAIL))
    return float(bulk + fall * math.log((1 - _BULK) * len(scores) / _WRONG))


def marks_in(log: Plane, inside: Plane, extent: float) -> Plane:
    """Return the marks of a picture, unrolled: float32 (rings, angles), above 0 for dark ones, 0 where nothing is.

    Args:
        log: float32 square, logarithm of the brightness.
        inside: float32, above 0.95 where the picture is to be believed.
        extent: half its side, in units of the frame.
    """
    blurred = cv2.GaussianBlur(log, (0, 0), _BLOB_PX)
    across, down, mixed = (cv2.Sobel(blurred, cv2.CV_32F, dx, dy) / 4 for dx, dy in ((2, 0), (0, 2), (1, 1)))
    curved = np.sqrt(np.maximum(across * down - mixed * mixed, 0)) * np.sign(across + down)
    trusted = cv2.erode(inside, np.ones((_BORDER_PX, _BORDER_PX), np.uint8)) > 0.95
    angles = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
    half = len(log) / 2
    x, y = ((_RINGS[:, None] * turn(angles) / extent + 1) * half - 0.5 for turn in (np.cos, np.sin))
    softened = cv2.GaussianBlur(np.asarray(curved * trusted, np.float32), (0, 0), 1.0)
    return np.asarray(
        cv2.remap(softened, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR), np.float32
    )


def _marks(
    compare: Comparer, photos: Sequence[int], links: Mapping[int, Mapping[int, float]], link: float
) -> Plane:
    """Return the marks of one part in the mean of its photos, laid on the one that matches the others best."""
    inside_part = set(photos)
    own = {photo: {o: s for o, s in links[photo].items() if o in inside_part} for photo in photos}
    centre = max(photos, key=lambda photo: (sum(own[photo].values()), -photo))
    greys = compare.described.greys
    frame = next(iter(object_frames(greys[centre])), whole_frame(greys[centre]))
    extent = float(np.clip(_SIDE_PX / 2 / frame.radius_px, *_EXTENTS))
    seen = [seen_through(greys[centre], frame, extent, _SIDE_PX)]
    matching = [
        other
        for other in sorted(own[centre], key=lambda o: (-own[centre][o], o))
        if own[centre][other] >= link
    ]
    for other in matching[: _MOST_PHOTOS - 1]:
        still, match = compare.laid((centre, other))
        if match.score >= link:
            linear = match.frame.matrix @ np.linalg.inv(still.matrix)
            moved = Frame(linear @ frame.matrix, linear @ (frame.centre - still.centre) + match.frame.centre)
            seen.append(seen_through(greys[other], moved, extent, _SIDE_PX))
    log, inside = (np.asarray(np.mean(planes, axis=0), np.float32) for planes in zip(*seen, strict=True))
    return marks_in(log, inside, extent)


def _softened(plane: Plane) -> Plane:
    """Return `plane` blurred a little, around the circle as well."""
    margin = 8
    wrapped = np.concatenate([plane[:, -margin:], plane, plane[:, :margin]], axis=1)
    return np.asarray(cv2.GaussianBlur(wrapped, (0, 0), 1.0)[:, margin:-margin], np.float32)


def _unit(planes: Planes, least: float) -> Planes:
    """Return `planes`, every ring weighted by its length, scaled to a length of 1; `least` keeps faint ones faint."""
    weighted = planes * np.sqrt(_RINGS)[:, None]
    length = np.sqrt((weighted**2).sum(axis=(1, 2), keepdims=True))
    return np.asarray(weighted / (length + least), np.float32)


def _at_best_turn(planes: Planes) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the best correlation of every two planes and its turn, from _ANGLES on mirrored; -1 with itself."""
    spectra = rfft(planes, axis=2)
    scores = np.full((len(planes), len(planes)), -1, np.float32)
    turns = np.zeros(scores.shape, np.int64)
    for place, one in enumerate(spectra.conj()):
        both = [irfft((other * one).sum(axis=1), _ANGLES, axis=1) for other in (spectra, spectra.conj())]
        found = np.concatenate(both, axis=1)
        turns[place] = found.argmax(axis=1)
        scores[place] = found.max(axis=1)
    np.fill_diagonal(scores, -1)
    return scores, turns


def _structure(planes: Planes, place: int, scores: NDArray[np.float32], turns: NDArray[np.int64]) -> Plane:
    """Return what most of the parts most similar to the one at `place` show where it shows it."""
    similar = np.argsort(-scores[place], kind="stable")[:_SIMILAR]
    return np.asarray(np.median([_turned(planes[one], int(turns[place, one])) for one in similar], axis=0))


def _turned(plane: Plane, turn: int) -> Plane:
    mirrored, steps = divmod(turn, _ANGLES)
    return np.roll(np.roll(plane[:, ::-1], 1, axis=1) if mirrored else plane, -steps, axis=1)
