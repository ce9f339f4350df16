"""Heat maps as pictures: the photo in grey, the heat laid over it, a line around the strongest place.

How strong the colour is hangs on the heat itself. A map that is scaled by its own maximum glows on a sound part, too.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from castproof.report.colours import DEFECTIVE
from castproof.report.thumbnails import Picture, Pixels, thumbnail

Heat = NDArray[np.float32]

FULL_NATS: Final = 1.0
FAINT_NATS: Final = 0.05
MOST_COVERED: Final = 0.6
DASH_PX: Final = 4
_COLOUR: Final = np.frombuffer(bytes.fromhex(DEFECTIVE.removeprefix("#")), np.uint8)
_REGION: Final = 128


def heat_picture(pixels: Pixels, heat: Heat, longest_px: int) -> Picture:
    """Return the photo in grey with its heat in one colour, scaled down to a longer side of `longest_px`.

    The colour is strongest where the heat is, and fades with it in proportion. How strong it is there grows with the
    square root of that heat, up to FULL_NATS, so that weak evidence can be seen and looks weak. A line runs around
    the strongest place, where the heat is above half of its maximum. It is dashed where the maximum is below
    FAINT_NATS: p_defective would fall by less than that without the place.

    Args:
        pixels: uint8 (H, W, 3), RGB in [0, 255].
        heat: float32 (h, w) over the same photo, nats, at least 0.
        longest_px: longer side of the picture, pixels.
    """
    grey = Image.fromarray(pixels).convert("L")
    grey.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS)
    mixed = np.repeat(np.asarray(grey, np.float32)[..., None], 3, axis=2)
    strongest = float(heat.max())
    if strongest > 0:
        relative = enlarged(heat / strongest, grey.size)
        cover = covered(relative, strongest)[..., None]
        mixed = (1 - cover) * mixed + cover * _COLOUR
        _draw_line(mixed, relative, dashed=strongest < FAINT_NATS)
    return thumbnail(np.rint(mixed).astype(np.uint8), longest_px)


def covered(relative: Heat, strongest: float, most: float = MOST_COVERED) -> Heat:
    """Return how much of the photo the colour covers, float32 in [0, `most`], of the shape of `relative`.

    Args:
        relative: float32, heat over the maximum of its map, in [0, 1].
        strongest: maximum of the map, nats, above 0.
        most: share that is covered where the heat is FULL_NATS or more, in [0, 1].
    """
    return relative * np.float32(most * min(strongest / FULL_NATS, 1) ** 0.5)


def enlarged(heat: Heat, size: tuple[int, int], box: tuple[float, float, float, float] | None = None) -> Heat:
    """Return the map interpolated to float32 (height, width).

    Args:
        heat: float32 (h, w).
        size: width and height.
        box: left, top, right, bottom of the part that is wanted, in places of `heat`; None for all of it.
    """
    plane = Image.fromarray(np.asarray(heat, np.float32)).resize(size, Image.Resampling.BILINEAR, box)
    return np.asarray(plane, np.float32)


def _draw_line(mixed: NDArray[np.float32], heat: Heat, *, dashed: bool) -> None:
    """Draw a white line with a black edge around the strongest place."""
    region = strongest_region(heat)
    wide = region.filter(ImageFilter.MaxFilter(3))
    white = np.asarray(ImageChops.subtract(wide, region)) > 0
    black = np.asarray(ImageChops.subtract(wide.filter(ImageFilter.MaxFilter(3)), wide)) > 0
    if dashed:
        rows, columns = np.indices(heat.shape)
        dash = (rows + columns) // DASH_PX % 2 == 0
        white, black = white & dash, black & dash
    mixed[black] = 0
    mixed[white] = 255


def strongest_region(heat: Heat) -> Image.Image:
    """Return 255 in the one piece around the maximum where the heat is above half of it, 0 elsewhere.

    Args:
        heat: float32 (h, w), its maximum above 0.
    """
    above = Image.fromarray(np.where(heat > heat.max() / 2, 255, 0).astype(np.uint8)).copy()
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    ImageDraw.floodfill(above, (int(column), int(row)), _REGION)
    return above.point([255 if value == _REGION else 0 for value in range(256)])
