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
- Half a photo is never accepted, and none that its own checksums, its lengths or its decoder contradict;
  `castproof.photo_files` tells. How large a photo may be: `castproof.photo_files.limits`.

Ordinary JPEG files take the fast path of `castproof.fast_jpeg`; Pillow decodes the rest.
"""

import io
import re
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from castproof.bit_depth import eight_bit
from castproof.errors import ImageError
from castproof.fast_jpeg import check_decodes, decode_ordinary
from castproof.photo_files.jpeg import JpegHeader, read_header
from castproof.photo_files.lengths import check_bmp, check_webp
from castproof.photo_files.limits import MAX_FILE_BYTES, FlawError, OversizeError, UnreadKindError, check_size
from castproof.photo_files.png import WholePng
from castproof.photo_files.tags import orientation
from castproof.photo_files.tiff import check_tiff
from castproof.preprocess import Pixels, is_grey

IMAGE_SUFFIXES: frozenset[str] = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp"}
)
MAX_SIDE_PX = 4096
LARGE_PIXELS = 24_000_000

_one_large_at_a_time = threading.Lock()  # threads that each decode 70 megapixels would fill the memory
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
_APP1: Final = 0xE1  # the segment of a JPEG with EXIF or XMP
_EXIF: Final = b"Exif\0\0"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_TURNED_BY_XMP: Final = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')
_CHECKED_FORMATS: Final = frozenset({"JPEG", "MPO", "PNG", "BMP", "TIFF"})


def is_image_file(path: Path | str) -> bool:
    """Return whether the suffix of `path` (any letter case) is one of `IMAGE_SUFFIXES`."""
    return Path(path).suffix.lower() in IMAGE_SUFFIXES


def decode(source: Path | str | bytes, *, only_checksummed: bool = False) -> Pixels:
    """Return the photo as a C-contiguous uint8 RGB array of shape (H, W, 3), by the rules of this module.

    Args:
        source: the path of a photo, or the bytes of its file. Its content tells the format, not its suffix.
        only_checksummed: refuse formats without checksums, in which damage can pass unnoticed: all but PNG.

    Raises:
        ImageError: the file is missing, empty, cut off, damaged, too large, or no photo of a known format.
    """
    return _decode(source, keep_grey=False, only_checksummed=only_checksummed)


def decode_plain(source: Path | str | bytes, *, only_checksummed: bool = False) -> Pixels:
    """Return the photo as `decode` does, but a grey one (red = green = blue everywhere) as one plane (H, W).

    Args:
        source: as in `decode`.
        only_checksummed: as in `decode`.

    Raises:
        ImageError: as in `decode`.
    """
    pixels = _decode(source, keep_grey=True, only_checksummed=only_checksummed)
    return _one_plane_where_grey(pixels)


def plain_pixels(image: Pixels | Image.Image, *, only_checksummed: bool = False) -> Pixels:
    """Return pixels that are decoded already, as `decode_plain` would: (H, W, 3), RGB, or (H, W) where they are grey.

    Args:
        image: uint8 array (H, W) or (H, W, 1), grey, or (H, W, 3), RGB; or a Pillow image, which is turned by its EXIF
            orientation and laid over white like a file. One that Pillow has not loaded yet is judged as its file is.
        only_checksummed: as in `decode`, for what is judged as its file is.

    Raises:
        ImageError: it has no pixels, too many, or numbers of another kind, or cannot be loaded.
        TypeError: it is neither an array nor a Pillow image.
    """
    if not isinstance(image, np.ndarray | Image.Image):
        raise TypeError(f"a path, bytes, an array or a Pillow image is needed, not {type(image).__name__}")
    with _told_as_image_error("the photo"):
        data = _file_of(image)
        if data is not None:
            return decode_plain(data, only_checksummed=only_checksummed)
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        if isinstance(image, np.ndarray):
            plain = _checked(image)
            if max(plain.shape) <= MAX_SIDE_PX:
                return _one_plane_where_grey(plain)
            image = Image.fromarray(plain)
        check_size(*image.size, bits=8 * len(image.getbands()))
        return _one_plane_where_grey(np.array(_upright(image, "the photo", _orientation(image))))


def _file_of(image: Pixels | Image.Image) -> bytes | None:
    """Return the file of a Pillow image whose pixels were not read yet; None where it is anything else."""
    if not isinstance(image, ImageFile.ImageFile) or image.format not in _CHECKED_FORMATS:
        return None
    if not image.tile or image.fp is None or image.tell():
        return None
    place = image.fp.tell()
    image.fp.seek(0)
    data: bytes = image.fp.read()
    image.fp.seek(place)
    return data


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


def _decode(source: Path | str | bytes, *, keep_grey: bool, only_checksummed: bool) -> Pixels:
    """Return (H, W, 3); with `keep_grey` (H, W) where the file itself holds one channel."""
    name = "the photo" if isinstance(source, bytes) else str(source)
    data = source if isinstance(source, bytes) else read_photo(Path(source))
    if only_checksummed and not data.startswith(_PNG):
        raise ImageError(
            f"{name} is no PNG.",
            rule="Only photos with checksums are taken here (--only-checksummed); of all formats PNG alone has them.",
            fix="Let the camera store PNG files.",
        )
    with _told_as_image_error(name):
        header = read_header(data) if data.startswith(_JPEG) else None
        if header is not None:
            pixels = decode_ordinary(data, header, max_side_px=MAX_SIDE_PX, keep_grey=keep_grey)
            if pixels is not None:
                return pixels
        return _decoded(data, header, name, keep_grey)


@contextmanager
def _told_as_image_error(name: str) -> Iterator[None]:
    try:
        yield
    except ImageError:
        raise
    except OversizeError as error:
        raise ImageError(
            f"{name} is too large.", rule=error.rule, found=error.found, fix="Store it in a smaller size."
        ) from error
    except UnreadKindError as error:
        raise ImageError(
            f"{name} is of a kind that castproof does not read.",
            rule="Damage must not pass unnoticed.",
            found=error.found,
            fix="Store it as PNG.",
        ) from error
    except FlawError as error:
        raise ImageError(f"{name} is cut off or damaged.", found=error.found, fix=_REMOVE) from error
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


def _decoded(data: bytes, header: JpegHeader | None, name: str, keep_grey: bool) -> Pixels:
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # another library may have switched it on
    image = _opened(data, name) if header is None else _opened_jpeg(data, header)
    width, height = image.size
    with _one_large_at_a_time if width * height > LARGE_PIXELS else nullcontext():
        if header is not None:
            check_decodes(data)
        # Pillow turns a TIFF by itself while it loads.
        turn = 1 if isinstance(image, TiffImagePlugin.TiffImageFile) else _orientation_of_file(image)
        plain = _upright(image, name, turn)
        return np.array(plain if keep_grey or plain.mode == "RGB" else plain.convert("RGB"))


def _upright(image: Image.Image, name: str, turned: int) -> Image.Image:
    """Return `image` in mode L or RGB, turned from an EXIF orientation and reduced."""
    tiles = str(image.tile) if isinstance(image, ImageFile.ImageFile) else ""
    image.load()
    if isinstance(image, WholePng):
        image.check_pixels()
    plain = eight_bit(image, tiles, name)
    turn = _TURNS.get(turned)
    if turn is not None:
        plain = plain.transpose(turn)
    factor = -(-max(plain.size) // MAX_SIDE_PX)
    if factor > 1:
        plain = plain.reduce(factor)
    return plain


def _opened(data: bytes, name: str) -> ImageFile.ImageFile:
    """Return a photo whose pixels are not read yet; what can be told of its size and wholeness before is told."""
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
    return opener(data)


def _opened_jpeg(data: bytes, header: JpegHeader) -> ImageFile.ImageFile:
    """Return a JPEG without EXIF and XMP, whose tags Pillow would unfold in memory, but for their bytes in `info`."""
    notes = [(start, end) for code, start, end in header.segments if code == _APP1]
    kept, at = [], 0
    for start, end in notes:
        kept.append(data[at : start - 4])
        at = end
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(b"".join([*kept, data[at:]])))
    for key, head in (("exif", _EXIF), ("xmp", _XMP)):
        found = [data[start + len(head) : end] for start, end in notes if data.startswith(head, start)]
        if found:
            image.info[key] = b"".join(found)
    return image


def _opened_bmp(data: bytes) -> ImageFile.ImageFile:
    image = BmpImagePlugin.BmpImageFile(io.BytesIO(data))
    check_size(*image.size)
    check_bmp(image, len(data))
    return image


def _opened_tiff(data: bytes) -> ImageFile.ImageFile:
    check_tiff(data)
    return TiffImagePlugin.TiffImageFile(io.BytesIO(data))


def _opened_webp(data: bytes) -> ImageFile.ImageFile:
    check_webp(data)
    return WebPImagePlugin.WebPImageFile(io.BytesIO(data))


# Called directly, since Image.open tries further formats and brings a global size limit of its own.
_JPEG: Final = b"\xff\xd8\xff"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_OPENERS: Final[tuple[tuple[bytes, Callable[[bytes], ImageFile.ImageFile]], ...]] = (
    (_PNG, WholePng),
    (b"BM", _opened_bmp),
    (b"II*\x00", _opened_tiff),
    (b"MM\x00*", _opened_tiff),
    (b"II+\x00", _opened_tiff),
    (b"MM\x00+", _opened_tiff),
    (b"RIFF", _opened_webp),
)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation 1 to 8; 1 where the EXIF block is missing or damaged."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:
        return 1


def _orientation_of_file(image: ImageFile.ImageFile) -> int:
    """Return the orientation that EXIF gives, or else XMP, without unfolding their other tags; 1 where neither does."""
    exif = image.info.get("exif", b"")
    if not exif and "Raw profile type exif" in image.info:  # of a PNG: three lines, then hexadecimal digits
        try:
            exif = bytes.fromhex("".join(image.info["Raw profile type exif"].split("\n")[3:]))
        except ValueError:
            exif = b""
    xmp = image.info.get("XML:com.adobe.xmp") or image.info.get("xmp") or b""
    found = _TURNED_BY_XMP.search(xmp.encode() if isinstance(xmp, str) else xmp)
    return orientation(exif) or (int(found[1]) if found else 1)
