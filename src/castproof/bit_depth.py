"""What a photo of any mode and depth is in 8 bits; the rules are those of `castproof.images`."""

from typing import Final

import numpy as np
from PIL import Image, TiffImagePlugin

from castproof.errors import ImageError
from castproof.preprocess import Pixels

MIN_LEVELS_OF_16_BIT: Final = 16
BACKGROUND: Final = "white"
_STRIP_PIXELS: Final = 2**18


def eight_bit(image: Image.Image, tiles: str, name: str) -> Image.Image:
    """Return `image` in mode L or RGB.

    Args:
        image: loaded.
        tiles: how Pillow described its tiles before it loaded them, "" where there are none.
        name: how errors call it.

    Raises:
        ImageError: its numbers are of no photo.
    """
    if image.mode == "F":
        raise ImageError(
            f"{name} contains floating-point pixels.",
            rule="Photos have 8 or 16 bits per channel.",
            fix="Save it with 8 or 16 bits; only you know which value is white.",
        )
    plain: Image.Image = image
    if image.mode.startswith("I"):
        plain = Image.fromarray(_upper_byte(image, tiles, name))
    deep = image.mode.startswith("I") or (";16" in tiles and image.format in ("PNG", "TIFF"))
    if deep and "I;12" not in tiles:
        _refuse_low_range(plain, name)
    if plain.has_transparency_data or plain.mode in ("La", "RGBa"):
        return _over_white(plain)
    return plain if plain.mode in ("L", "RGB") else plain.convert("L" if plain.mode == "1" else "RGB")


def _over_white(image: Image.Image) -> Image.Image:
    """Return `image` laid over white, in mode RGB, strip by strip: all at once takes four copies of it."""
    width, height = image.size
    whole = Image.new("RGB", image.size)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(height, top + rows)))
        if strip.mode not in ("RGBA", "LA"):
            strip = strip.convert("LA" if strip.mode == "La" else "RGBA")
        base = Image.new("RGBA", strip.size, BACKGROUND)
        base.alpha_composite(strip.convert("RGBA"))
        whole.paste(base.convert("RGB"), (0, top))
    return whole


def _upper_byte(image: Image.Image, tiles: str, name: str) -> Pixels:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise ImageError(
            f"{name} contains numbers outside of 16 bits.",
            rule="Photos have 8 or 16 bits per channel.",
            found=f"Its values run from {values.min()} to {values.max()}.",
            fix="Save it with 8 or 16 bits.",
        )
    if "I;12" in tiles:
        return (values >> 4).astype(np.uint8)
    top = (values >> 8).astype(np.uint8)
    white_is_zero = isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(262) == 0
    return 255 - top if white_is_zero else top


def _refuse_low_range(image: Image.Image, name: str) -> None:
    """Raise ImageError where the upper bytes leave fewer than `MIN_LEVELS_OF_16_BIT` grey levels."""
    colours = [number for number, letter in enumerate(image.getbands()) if letter in "LRGB"]
    highest = max((int(np.max(np.asarray(image.getchannel(number)))) for number in colours), default=255)
    if highest < MIN_LEVELS_OF_16_BIT:
        raise ImageError(
            f"{name} is nearly black: its 16-bit numbers use only the low end of their range.",
            rule="White is 65535 in a 16-bit photo.",
            found=f"Its brightest value is below {(highest + 1) * 256}, as from a 10-bit or 12-bit camera.",
            fix="Save 8-bit photos, or let the camera use the full 16-bit range (often called MSB-aligned).",
        )
