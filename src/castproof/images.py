"""The one image decoder: what a photo's bytes mean as pixels, for training and for every program.

The rules are fixed: nothing is stretched by a photo's own content, since brightness means something.

- EXIF orientation is applied; a colour profile is ignored, the stored values are taken as they are.
- 16-bit grey becomes 8-bit by its upper byte (v >> 8), a packed 12-bit TIFF by v >> 4. A camera that
  stores 10 or 12 bits in the *lower* end of 16-bit numbers would come out nearly black by that rule (at most
  16 grey levels); such a photo is refused with a message, since a scale guessed photo by photo would change
  the brightness between photos. 14 bits come out dark, but alike in every photo.
- Transparent pixels are laid over white, as viewers show them.
- Of a file with several pages or frames the first one is read.
- A photo whose longer side exceeds `MAX_SIDE_PX` is averaged over k x k pixel boxes, k the smallest integer
  that fits.
- Half a photo is never accepted.
"""

import io
import stat
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import (
    BmpImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from castproof.errors import ImageError

IMAGE_SUFFIXES: frozenset[str] = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp"}
)
MAX_SIDE_PX = 4096
MAX_PIXELS = 200_000_000
LARGE_PIXELS = 24_000_000
MAX_FILE_BYTES = 2**30
MIN_LEVELS_OF_16_BIT = 16
BACKGROUND = "white"

_one_large_at_a_time = threading.Lock()  # threads that each decode 200 megapixels would fill the memory
_REMOVE = "Copy it again from the camera or its source, or remove it."
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Called directly, since Image.open tries further formats and brings a global size limit of its own.
_OPENERS: tuple[tuple[bytes, Callable[[io.BytesIO], ImageFile.ImageFile]], ...] = (
    (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"BM", BmpImagePlugin.BmpImageFile),
    (b"II*\x00", TiffImagePlugin.TiffImageFile),
    (b"MM\x00*", TiffImagePlugin.TiffImageFile),
    (b"II+\x00", TiffImagePlugin.TiffImageFile),
    (b"MM\x00+", TiffImagePlugin.TiffImageFile),
    (b"RIFF", WebPImagePlugin.WebPImageFile),
)


def is_image_file(path: Path | str) -> bool:
    """Return whether the suffix of `path` (any letter case) is one of `IMAGE_SUFFIXES`."""
    return Path(path).suffix.lower() in IMAGE_SUFFIXES


def decode(source: Path | str | bytes) -> npt.NDArray[np.uint8]:
    """Return the photo as a C-contiguous uint8 RGB array of shape (H, W, 3), by the rules of this module.

    Args:
        source: the path of a photo, or the bytes of its file. Its content tells the format, not its suffix.

    Raises:
        ImageError: the file is missing, empty, cut off, damaged, too large, or no photo of a known format.
    """
    name = "the photo" if isinstance(source, bytes) else str(source)
    data = source if isinstance(source, bytes) else read_photo(Path(source))
    try:
        return _decoded(data, name)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(
            f"Cannot decode {name}: there is not enough free memory.",
            fix="Close other programs, or store the photo in a smaller size.",
        ) from error
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ImageError(
            f"Cannot decode {name}: the file is damaged, cut off or of an unknown kind.",
            found=f"The decoder says: {reason}.",
            fix=_REMOVE,
        ) from error


def read_photo(path: Path) -> bytes:
    """Return the bytes of the file at `path`.

    Raises:
        ImageError: it is missing, no regular file, may not be read, or exceeds `MAX_FILE_BYTES`.
    """
    try:
        info = path.stat()
        if stat.S_ISDIR(info.st_mode):
            raise ImageError(f"{path} is a folder.", rule="One photo is one file.", fix="Name a photo in it.")
        if not stat.S_ISREG(info.st_mode):
            raise ImageError(f"{path} is not a regular file.", fix="Name a photo.")
        if info.st_size > MAX_FILE_BYTES:
            raise ImageError(
                f"{path} is too large.",
                rule=f"A photo file has at most {MAX_FILE_BYTES // 2**20} MiB.",
                found=f"It has {info.st_size // 2**20} MiB.",
                fix="Store it in a smaller size.",
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {path}.", fix="Check the spelling of the path.") from error
    except PermissionError as error:
        raise ImageError(f"{path} may not be read.", fix="Give yourself the right to read it.") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"Cannot read {str(path)!r}.", found=f"{error}.", fix="Check the path.") from error


def _decoded(data: bytes, name: str) -> npt.NDArray[np.uint8]:
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # another library may have switched it on
    image = _opened(data, name)
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{name} has too many pixels.",
            rule=f"A photo has at most {MAX_PIXELS // 10**6} megapixels.",
            found=f"It has {width} x {height} pixels.",
            fix="Store it in a smaller size.",
        )
    with _one_large_at_a_time if width * height > LARGE_PIXELS else nullcontext():
        return _pixels(image, name)


def _pixels(image: ImageFile.ImageFile, name: str) -> npt.NDArray[np.uint8]:
    tiles = str(image.tile)
    image.load()
    plain = _eight_bit(image, tiles, name)
    # Pillow turns a TIFF by itself while it loads.
    turn = None if isinstance(image, TiffImagePlugin.TiffImageFile) else _TURNS.get(_orientation(image))
    if turn is not None:
        plain = plain.transpose(turn)
    factor = -(-max(plain.size) // MAX_SIDE_PX)
    if factor > 1:
        plain = plain.reduce(factor)
    return np.array(plain.convert("RGB"), dtype=np.uint8, order="C")


def _opened(data: bytes, name: str) -> ImageFile.ImageFile:
    if not data:
        raise ImageError(f"{name} is empty (0 bytes).", fix=_REMOVE)
    opener = next((opener for magic, opener in _OPENERS if data.startswith(magic)), None)
    if opener is None:
        raise ImageError(
            f"{name} is not a photo that castproof can read.",
            rule="Photos are JPEG, PNG, BMP, TIFF or WebP files.",
            found=f"The file starts with {data[:8]!r}.",
            fix="Save it in one of these formats, or remove it.",
        )
    stream = io.BytesIO(data)
    image = opener(stream)
    # A file whose tail was never written (zeros) decodes to a half-grey photo without an error.
    if isinstance(image, JpegImagePlugin.JpegImageFile) and data.find(b"\xff\xd9", stream.tell()) < 0:
        raise ImageError(
            f"{name} is cut off.",
            rule="A JPEG file ends with an end marker.",
            found="It has none.",
            fix=_REMOVE,
        )
    return image


def _orientation(image: ImageFile.ImageFile) -> int:
    """Return the EXIF orientation 1 to 8; 1 where the EXIF block is missing or damaged."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:
        return 1


def _eight_bit(image: ImageFile.ImageFile, tiles: str, name: str) -> Image.Image:
    """Return `image` in mode L or RGB."""
    if image.mode == "F":
        raise ImageError(
            f"{name} holds floating-point pixels.",
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
        if plain.mode not in ("RGBA", "LA"):
            plain = plain.convert("LA" if plain.mode == "La" else "RGBA")
        base = Image.new("RGBA", plain.size, BACKGROUND)
        base.alpha_composite(plain.convert("RGBA"))
        return base.convert("RGB")
    return plain if plain.mode == "L" else plain.convert("L" if plain.mode == "1" else "RGB")


def _upper_byte(image: ImageFile.ImageFile, tiles: str, name: str) -> npt.NDArray[np.uint8]:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise ImageError(
            f"{name} holds numbers outside of 16 bits.",
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
    colours = [band for letter, band in zip(image.getbands(), image.split(), strict=True) if letter in "LRGB"]
    highest = max((int(np.max(np.asarray(band))) for band in colours), default=255)
    if highest < MIN_LEVELS_OF_16_BIT:
        raise ImageError(
            f"{name} is nearly black: its 16-bit numbers use only the low end of their range.",
            rule="White is 65535 in a 16-bit photo.",
            found=f"Its brightest value is below {(highest + 1) * 256}, as from a 10-bit or 12-bit camera.",
            fix="Save 8-bit photos, or let the camera use the full 16-bit range (often called MSB-aligned).",
        )
