"""Small pictures for a page that carries everything in itself."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

JPEG_QUALITY = 80


@dataclass(frozen=True)
class Picture:
    """A JPEG of `width` x `height` pixels."""

    jpeg: bytes
    width: int
    height: int

    @property
    def source(self) -> str:
        """The picture as a data URI."""
        return f"data:image/jpeg;base64,{base64.b64encode(self.jpeg).decode('ascii')}"


def thumbnail(pixels: Pixels, longest_px: int) -> Picture:
    """Return the photo scaled down to a longer side of `longest_px`.

    Args:
        pixels: uint8 (H, W, 3), RGB in [0, 255].
        longest_px: longer side of the picture, pixels.
    """
    return _jpeg(_small(Image.fromarray(pixels), longest_px))


def turned_onto(a: Pixels, b: Pixels, matrix: NDArray[np.float64], longest_px: int) -> Picture:
    """Return photo `b` as it looks when it is laid over photo `a`; what lies outside of `b` is grey.

    Args:
        a: uint8 (H, W, 3), the photo that stays.
        b: uint8 (H, W, 3), the photo that is turned.
        matrix: float64 (2, 3); a pixel (x, y) of `a` lies at matrix @ (x, y, 1) in `b`.
        longest_px: longer side of the picture, pixels.
    """
    lying, inside = _lay(Image.fromarray(b), a.shape[:2], matrix)
    grey = Image.new("RGB", lying.size, (128, 128, 128))
    return _jpeg(_small(Image.composite(lying, grey, inside), longest_px))


def overlay(a: Pixels, b: Pixels, matrix: NDArray[np.float64], longest_px: int) -> Picture:
    """Return photo `b` laid over photo `a`: `a` in red, `b` in cyan, so that grey is where both agree.

    `b` is first brought to the brightness and contrast of `a`; what lies outside of `b` is white.

    Args:
        a: uint8 (H, W, 3), the photo that stays.
        b: uint8 (H, W, 3), the photo that is turned.
        matrix: float64 (2, 3); a pixel (x, y) of `a` lies at matrix @ (x, y, 1) in `b`.
        longest_px: longer side of the picture, pixels.
    """
    lying, inside = _lay(Image.fromarray(b).convert("L"), a.shape[:2], matrix)
    covered = np.asarray(inside) > 0
    red = np.asarray(Image.fromarray(a).convert("L"), np.float32)
    cyan = np.asarray(lying, np.float32)
    if covered.any():
        cyan = (cyan - cyan[covered].mean()) / (cyan[covered].std() + 1.0)
        cyan = cyan * (red[covered].std() + 1.0) + red[covered].mean()
    mixed = np.stack([red, cyan, cyan], axis=-1)
    mixed[~covered] = 255
    return _jpeg(_small(Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8)), longest_px))


def _lay(
    b: Image.Image, shape: tuple[int, ...], matrix: NDArray[np.float64]
) -> tuple[Image.Image, Image.Image]:
    """Return `b` sampled on a grid of `shape`, and where the grid lies inside of it."""
    (a, c, e), (d, f, g) = (tuple(float(value) for value in row) for row in matrix)
    # Pillow counts from the corner of a pixel, the matrix from its middle.
    data = (a, c, e + 0.5 - 0.5 * (a + c), d, f, g + 0.5 - 0.5 * (d + f))
    size = (shape[1], shape[0])
    lying = b.transform(size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
    whole = Image.new("L", b.size, 255)
    inside = whole.transform(size, Image.Transform.AFFINE, data, Image.Resampling.NEAREST)
    return lying, inside


def _small(image: Image.Image, longest_px: int) -> Image.Image:
    image.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    return image


def _jpeg(image: Image.Image) -> Picture:
    pixels = np.asarray(image)
    is_grey = pixels.ndim == 2 or (pixels[..., :1] == pixels).all()
    buffer = io.BytesIO()
    (image.convert("L") if is_grey else image).save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return Picture(buffer.getvalue(), *image.size)
