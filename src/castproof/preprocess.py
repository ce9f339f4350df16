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
    if _is_grey(image):
        plane = _resize_plane(image[..., 0], size_px)
        return np.broadcast_to(plane, (3, size_px, size_px))
    return np.stack([_resize_plane(image[..., channel], size_px) for channel in range(3)])


def _is_grey(image: Pixels) -> bool:
    red = image[..., 0]
    return np.array_equal(red, image[..., 1]) and np.array_equal(red, image[..., 2])


def _resize_plane(plane: Pixels, size_px: int) -> Planes:
    resized = Image.fromarray(plane.astype(np.float32)).resize((size_px, size_px), Image.Resampling.BILINEAR)
    return np.asarray(resized, np.float32) / np.float32(255)
