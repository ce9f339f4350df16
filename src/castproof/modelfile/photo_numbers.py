"""A few plain numbers about the pixels of one photo, at a cost that hardly grows with its size; needs numpy alone."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.errors import DataError

DARK_BELOW: Final = 16
BRIGHT_FROM: Final = 250
_LEVELS: Final = np.arange(256)
_DETAIL_SIDE: Final = 300  # what counts as one step of fine detail is this share of the longer side
_LINES: Final = 30  # rows, and columns, that are looked at; light and colour are those of the rows
_SMALL: Final = 20_000  # pixels; of such a photo all rows are looked at
_FAR: Final = 4
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class PhotoNumbers:
    """What was measured on one photo.

    Args:
        width: pixels.
        height: pixels.
        brightness: mean grey level, 0 to 255.
        contrast: standard deviation of the grey levels.
        dark_share: share of pixels below grey level 16, in [0, 1].
        bright_share: share of pixels from grey level 250, in [0, 1].
        sharpness: 0 for nothing but smooth shades, 1 for white noise (see `photo_numbers`).
        colourfulness: mean difference of a pixel's largest and smallest channel, 0 (grey) to 255.
    """

    width: int
    height: int
    brightness: float
    contrast: float
    dark_share: float
    bright_share: float
    sharpness: float
    colourfulness: float

    @property
    def shape(self) -> float:
        """Width divided by height."""
        return self.width / self.height

    @property
    def side(self) -> int:
        """The shorter side, pixels."""
        return min(self.width, self.height)


def photo_numbers(pixels: Pixels) -> PhotoNumbers:
    """Return the numbers of one photo, from a sample of its pixels.

    Sharpness compares the mean difference of grey levels one step apart with that four steps apart, a step
    being 1/300 of the longer side: a quarter in a smooth shade, as large in white noise. Light and contrast drop
    out, size nearly so. Of the two directions the less sharp one counts, as motion blurs only one.

    Args:
        pixels: uint8 (H, W, 3), RGB, or (H, W), grey; in [0, 255].

    Raises:
        DataError: the array is of another kind, or empty.
    """
    if pixels.dtype != np.uint8 or pixels.size == 0 or not (pixels.ndim == 2 or pixels.shape[2:] == (3,)):
        raise DataError(
            "The photo cannot be measured.",
            rule="Pixels are a uint8 array (height, width) or (height, width, 3).",
            found=f"Found {pixels.dtype} {pixels.shape}.",
            fix="Convert the photo first.",
        )
    height, width = pixels.shape[:2]
    step = max(1, round(max(height, width) / _DETAIL_SIDE))
    every = max(1, height // _LINES) if height * width > _SMALL else 1
    sample = pixels[::every, ::step]
    colourfulness = _colourfulness(sample)
    is_grey = pixels.ndim == 2 or colourfulness == 0
    plane = pixels[..., 0] if pixels.ndim == 3 and is_grey else pixels
    rows = _grey(sample[..., 0] if pixels.ndim == 3 and is_grey else sample)
    columns = _grey(plane[::step, :: max(1, width // _LINES)])
    share = np.bincount(rows.ravel(), minlength=256) / rows.size
    brightness = float(share @ _LEVELS)
    return PhotoNumbers(
        width=width,
        height=height,
        brightness=brightness,
        contrast=float(np.sqrt(share @ (_LEVELS - brightness) ** 2)),
        dark_share=float(share[:DARK_BELOW].sum()),
        bright_share=float(share[BRIGHT_FROM:].sum()),
        sharpness=min(_fine_detail(rows), _fine_detail(np.ascontiguousarray(columns.T))),
        colourfulness=colourfulness,
    )


def _colourfulness(sample: Pixels) -> float:
    if sample.ndim == 2:
        return 0.0
    red, green, blue = (sample[..., channel] for channel in range(3))
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return float(spread.mean())


def _grey(pixels: Pixels) -> Pixels:
    if pixels.ndim == 2:
        return pixels
    return np.asarray(np.rint(pixels @ _LUMA), np.uint8)


def _fine_detail(lines: Pixels) -> float:
    """Return 0 for smooth lines, about 1 for white noise; 0 where nothing changes along the lines (n, length)."""
    if lines.shape[1] <= _FAR:
        return 0.0
    levels = lines.astype(np.int16)
    near, far = (float(np.abs(levels[:, by:] - levels[:, :-by]).mean()) for by in (1, _FAR))
    return max(0.0, (_FAR * near / far - 1) / (_FAR - 1)) if far > 0 else 0.0
