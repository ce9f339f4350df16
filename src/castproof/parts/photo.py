"""What the part finder keeps of a photo: a small grey image."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from castproof.images import decode

Grey = NDArray[np.uint8]
Plane = NDArray[np.float32]

WORKING_SIDE_PX = 192
_DARKEST = 8.0  # keeps the logarithm of noise in black areas small
_LOGARITHMS = np.log(np.arange(256, dtype=np.float32) + np.float32(_DARKEST))
_FLATTEST = 0.02  # local contrast below this is noise and is not raised to full contrast
_LARGEST = 3.0


@dataclass(frozen=True, eq=False)
class SmallPhoto:
    """A photo at working size.

    Args:
        grey: uint8 (H, W), the longer side is at most `WORKING_SIDE_PX`.
        scale: working pixels per photo pixel.
    """

    grey: Grey
    scale: float


def read_small(path: Path) -> SmallPhoto:
    """Return the photo at `path` in grey at working size. Raises ImageError."""
    return shrunk(decode(path))


def shrunk(pixels: NDArray[np.uint8]) -> SmallPhoto:
    """Return a photo, uint8 (H, W, 3) RGB, in grey at working size."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, WORKING_SIDE_PX / max(grey.shape))
    if scale < 1:
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return SmallPhoto(np.asarray(grey, np.uint8), scale)


def log_brightness(grey: Grey) -> Plane:
    """Return the logarithm of the brightness: exposure becomes an offset, uneven light a slow change."""
    return np.asarray(cv2.LUT(grey, _LOGARITHMS), np.float32)


def local_contrast(plane: Plane, sigma_px: float) -> Plane:
    """Return `plane` with its local mean taken off and divided by its local spread, clipped to +-3."""
    rest = plane - cv2.GaussianBlur(plane, (0, 0), sigma_px)
    spread = np.sqrt(cv2.GaussianBlur(rest * rest, (0, 0), sigma_px)) + np.float32(_FLATTEST)
    return np.asarray(np.clip(rest / spread, -_LARGEST, _LARGEST), np.float32)


def edge_strength(plane: Plane) -> Plane:
    """Return the logarithm of the gradient's size: it stays when a lamp on the other side turns edges over."""
    across = cv2.Sobel(plane, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(plane, cv2.CV_32F, 0, 1)
    return np.asarray(np.log(np.sqrt(across * across + down * down) + np.float32(_FLATTEST)), np.float32)
