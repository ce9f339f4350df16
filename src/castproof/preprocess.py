"""What happens between the pixels of a photo and the input of the network: one rule, everywhere.

The whole photo is resized to a square (no crop: the rim is where many defects are), as float32 with an
antialiased bilinear (triangle) filter and without rounding in between, scaled to [0, 1] and normalised per
channel. The rule has no library of its own: Pillow's float resize, torch's
`interpolate(mode="bilinear", antialias=True)` and ONNX `Resize(antialias=1)` agree on it within 1e-5.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
SAMPLE_STEP_PX = 16
COMPARED_BYTES = 2**20

Pixels = npt.NDArray[np.uint8]
Planes = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PreprocessSpec:
    """The numbers of the rule; they travel with every model.

    Args:
        size_px: side of the square network input.
        mean: per channel (red, green, blue), on the scale [0, 1].
        std: per channel, on the scale [0, 1].
    """

    size_px: int = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


def resize(image: Pixels, size_px: int) -> Planes:
    """Return `image` as float32 (3, size_px, size_px) in [0, 1].

    Args:
        image: uint8 RGB (H, W, 3).
        size_px: side of the result.
    """
    if is_grey(image):
        plane = _resize_plane(image[..., 0], size_px)
        return np.broadcast_to(plane, (3, size_px, size_px))
    return np.stack([_resize_plane(image[..., channel], size_px) for channel in range(3)])


def is_grey(image: Pixels) -> bool:
    """Return whether red = green = blue in every pixel.

    Args:
        image: uint8 RGB (H, W, 3).
    """
    sample = image[::SAMPLE_STEP_PX, ::SAMPLE_STEP_PX]
    if (sample != sample[..., :1]).any():  # tells most colour photos at once
        return False
    height, width, _ = image.shape
    rows = max(1, COMPARED_BYTES // (3 * width))
    return all(_is_grey_block(image[top : top + rows]) for top in range(0, height, rows))


def _is_grey_block(image: Pixels) -> bool:
    """Compare each byte with the next one: contiguous bytes are several times faster than strided planes."""
    height, width, _ = image.shape
    values = np.ascontiguousarray(image).reshape(-1)
    changes = np.empty_like(values)
    np.bitwise_xor(values[1:], values[:-1], out=changes[:-1])
    changes[-1] = 0
    in_any_row = np.bitwise_or.reduce(changes.reshape(height, 3 * width), axis=0)
    return not in_any_row.reshape(width, 3)[:, :2].any()  # the third is the step to the next pixel


def _resize_plane(plane: Pixels, size_px: int) -> Planes:
    resized = Image.fromarray(plane.astype(np.float32)).resize((size_px, size_px), Image.Resampling.BILINEAR)
    return np.asarray(resized, np.float32) / np.float32(255)
