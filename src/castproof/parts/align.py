"""Laying one photo over another photo of the same part."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from castproof.parts.compare import Comparer, Described
from castproof.parts.frames import frames_in
from castproof.parts.photo import SmallPhoto, read_small
from castproof.parts.signature import WHOLE_SPECTRUM, ring_spectra, unit

_TURNS_TRIED = 8
_EXTENT = 1.5
_BY_CHANCE = 10.0  # keypoints; here, where two photos are to be laid over each other anyhow


@dataclass(frozen=True, eq=False)
class Alignment:
    """How photo `a` lies on photo `b`.

    Args:
        matrix: float64 (2, 3); a pixel (x, y) of `a` lies at matrix @ (x, y, 1) in `b`.
        score: how well the two match there, from about 0 (not at all) to 1.
    """

    matrix: NDArray[np.float64]
    score: float


def align(a: Path, b: Path) -> Alignment:
    """Return the best alignment of the photo `a` on the photo `b`. Raises ImageError."""
    photos = read_small(a), read_small(b)
    found = [_aligned(photos, whole=whole) for whole in (False, True)]
    return max(found, key=lambda one: one.score)


def _aligned(photos: tuple[SmallPhoto, SmallPhoto], *, whole: bool) -> Alignment:
    greys = [photo.grey for photo in photos]
    frames = [frames_in(grey, whole=whole) for grey in greys]
    spectra = [
        ring_spectra(grey, frame) for grey, found in zip(greys, frames, strict=True) for frame in found
    ]
    described = Described(
        greys,
        [frame for found in frames for frame in found],
        unit(np.stack(spectra)),
        WHOLE_SPECTRUM,
        np.cumsum([0, *(len(found) for found in frames)]),
        1.0 if whole else _EXTENT,
        whole,
    )
    still, match = Comparer(described, by_chance=_BY_CHANCE, turns=_TURNS_TRIED).laid((0, 1))
    linear = match.frame.matrix @ np.linalg.inv(still.matrix)
    # Between pixel centres of the photos themselves: working pixel = scale * (pixel + 0.5) - 0.5.
    scales = photos[0].scale, photos[1].scale
    matrix = linear * scales[0] / scales[1]
    shift = linear @ (np.full(2, 0.5 * scales[0] - 0.5) - still.centre) + match.frame.centre
    return Alignment(np.hstack([matrix, ((shift + 0.5) / scales[1] - 0.5)[:, None]]), match.score)
