"""Laying one photo over another photo of the same part."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


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
    return Alignment(np.eye(2, 3), 0.0)
