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

Ordinary JPEG files take the fast path of `castproof.fast_jpeg`; Pillow does the rest and words every refusal.
"""

import io
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from castproof.bit_depth import eight_bit
from castproof.errors import ImageError
from castproof.fast_jpeg import decode_ordinary, is_cut_off
from castproof.preprocess import Pixels, is_grey

IMAGE_SUFFIXES: frozenset[str] = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp"}
)
MAX_SIDE_PX = 4096
MAX_PIXELS = 200_000_000
LARGE_PIXELS = 24_000_000
MAX_FILE_BYTES = 2**30

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


def decode(source: Path | str | bytes) -> Pixels:
    """Return the photo as a C-contiguous uint8 RGB array of shape (H, W, 3), by the rules of this module.

    Args:
        source: the path of a photo, or the bytes of its file. Its content tells the format, not its suffix.

    Raises:
        ImageError: the file is missing, empty, cut off, damaged, too large, or no photo of a known format.
    """
    return _decode(source, keep_grey=False)


def decode_plain(source: Path | str | bytes) -> Pixels:
    """Return the photo as `decode` does, but a grey one (red = green = blue everywhere) as one plane (H, W).

    Args:
        source: as in `decode`.

    Raises:
        ImageError: as in `decode`.
    """
    pixels = _decode(source, keep_grey=True)
    return _one_plane_where_grey(pixels)


def plain_pixels(image: Pixels | Image.Image) -> Pixels:
    """Return pixels that are decoded already, as `decode_plain` would: (H, W, 3), RGB, or (H, W) where they are grey.

    Args:
        image: uint8 array (H, W) or (H, W, 1), grey, or (H, W, 3), RGB; or a Pillow image, which is turned by its EXIF
            orientation and laid over white like a file.

    Raises:
        ImageError: it has no pixels, too many, or numbers of another kind, or cannot be loaded.
        TypeError: it is neither an array nor a Pillow image.
    """
    if not isinstance(image, np.ndarray | Image.Image):
        raise TypeError(f"a path, bytes, an array or a Pillow image is needed, not {type(image).__name__}")
    with _told_as_image_error("the photo"):
        if isinstance(image, JpegImagePlugin.JpegImageFile) and image.tile and image.fp is not None:
            image.fp.seek(0)
            return decode_plain(image.fp.read())
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        if isinstance(image, np.ndarray):
            plain = _checked(image)
            if max(plain.shape) <= MAX_SIDE_PX:
                return _one_plane_where_grey(plain)
            image = Image.fromarray(plain)
        _check_size(image, "the photo")
        return _one_plane_where_grey(np.array(_upright(image, "the photo")))


def _one_plane_where_grey(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[..., 0] if pixels.ndim == 3 and is_grey(pixels) else pixels)


def _checked(image: NDArray[np.generic]) -> Pixels:
    plain = image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
    if (
        plain.dtype != np.uint8
        or plain.ndim not in (2, 3)
        or not plain.size
        or plain.shape[2:] not in ((), (3,))
    ):
        raise ImageError(
            "The array is no photo.",
            rule="It must be uint8, of shape (height, width), (height, width, 1) or (height, width, 3), RGB.",
            found=f"Found {image.dtype} {image.shape}.",
            fix="Convert it; only you know which value is white, and in which order the colours are.",
        )
    return np.asarray(plain, np.uint8)


def _decode(source: Path | str | bytes, keep_grey: bool) -> Pixels:
    """Return (H, W, 3); with `keep_grey` (H, W) where the file itself holds one channel."""
    name = "the photo" if isinstance(source, bytes) else str(source)
    data = source if isinstance(source, bytes) else read_photo(Path(source))
    with _told_as_image_error(name):
        pixels = decode_ordinary(data, max_side_px=MAX_SIDE_PX, keep_grey=keep_grey)
        return _decoded(data, name, keep_grey) if pixels is None else pixels


@contextmanager
def _told_as_image_error(name: str) -> Iterator[None]:
    try:
        yield
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


def _decoded(data: bytes, name: str, keep_grey: bool) -> Pixels:
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # another library may have switched it on
    image, header_end = _opened(data, name)
    _check_size(image, name)
    width, height = image.size
    with _one_large_at_a_time if width * height > LARGE_PIXELS else nullcontext():
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            _check_whole(data, header_end, name)
        plain = _upright(image, name)
        return np.array(plain if keep_grey or plain.mode == "RGB" else plain.convert("RGB"))


def _check_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if not width * height or width * height > MAX_PIXELS:
        raise ImageError(
            f"{name} has too many pixels." if width * height else f"{name} has no pixels.",
            rule=f"A photo has at most {MAX_PIXELS // 10**6} megapixels.",
            found=f"It has {width} x {height} pixels.",
            fix="Store it in a smaller size." if width * height else "Give another photo.",
        )


def _upright(image: Image.Image, name: str) -> Image.Image:
    """Return `image` in mode L or RGB, turned and reduced."""
    tiles = str(image.tile) if isinstance(image, ImageFile.ImageFile) else ""
    image.load()
    plain = eight_bit(image, tiles, name)
    # Pillow turns a TIFF by itself while it loads.
    turn = None if isinstance(image, TiffImagePlugin.TiffImageFile) else _TURNS.get(_orientation(image))
    if turn is not None:
        plain = plain.transpose(turn)
    factor = -(-max(plain.size) // MAX_SIDE_PX)
    if factor > 1:
        plain = plain.reduce(factor)
    return plain


def _opened(data: bytes, name: str) -> tuple[ImageFile.ImageFile, int]:
    """Return a photo whose pixels are not read yet, and where in its file its header ends."""
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
    return opener(stream), stream.tell()


def _check_whole(data: bytes, header_end: int, name: str) -> None:
    """Raise ImageError where a JPEG has no end marker, or one where its pixels are not all there.

    What is missing would be grey, without an error. A progressive file that ends between two scans is not noticed: it
    is whole, and coarser.
    """
    has_end = data.find(b"\xff\xd9", header_end) >= 0
    if has_end and not is_cut_off(data):
        return
    raise ImageError(
        f"{name} is cut off.",
        rule="A JPEG file ends with an end marker, after all of its pixels.",
        found="Some of its pixels are missing." if has_end else "It has none.",
        fix=_REMOVE,
    )


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation 1 to 8; 1 where the EXIF block is missing or damaged."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:
        return 1
