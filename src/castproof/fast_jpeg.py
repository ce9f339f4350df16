"""JPEG by libjpeg-turbo called directly: the pixels of ordinary files, and whether any other is whole.

Pillow reads through a stream and packs its own copy of the pixels; `simplejpeg` decodes from the bytes of the
file into one array. Both use libjpeg-turbo with the accurate inverse DCT and smooth chroma upsampling, so the
pixels are the same bit by bit. What is not ordinary is left to Pillow.

Pillow passes over the warnings of libjpeg, behind which pixels are missing or wrong. So one rule holds for every JPEG,
whoever gives its pixels: it is decoded without a warning, or refused.
"""

import re
from typing import Final

import numpy as np
import numpy.typing as npt
import simplejpeg

from castproof.photo_files.jpeg import EXTENDED, JpegHeader
from castproof.photo_files.limits import FlawError

# Huffman, quantisation, restart interval, JFIF, EXIF or XMP, colour profile, comment
_TABLES_AND_NOTES = (0xC4, 0xDB, 0xDD, 0xE0, 0xE1, 0xE2, 0xFE)
_SAMPLING = (0x11, 0x21, 0x22)  # luma samples per chroma sample, across and down: 4:4:4, 4:2:2, 4:2:0
_ORIENTATION = re.compile(rb"\x12\x01|\x01\x12|Orientation")  # the tag, in either order of bytes, or in XMP
_UPRIGHT = (b"\x12\x01\x03\x00\x01\x00\x00\x00\x01\x00", b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x01")
_JFIF_BYTES = 14  # the length of the APP0 segment that every writer makes
_SMALLEST: Final = 8  # libjpeg gives a photo at an eighth of its size at the least


def decode_ordinary(
    data: bytes, header: JpegHeader, *, max_side_px: int, keep_grey: bool
) -> npt.NDArray[np.uint8] | None:
    """Return the pixels of an ordinary JPEG as a new C-contiguous uint8 array, or None: leave it to Pillow.

    Args:
        data: the bytes of the file.
        header: its header.
        max_side_px: a photo with a longer side is not ordinary.
        keep_grey: a file with one component gives (H, W) instead of (H, W, 3).

    Raises:
        FlawError: the file is ordinary, and libjpeg warns of it.
    """
    if max(header.width, header.height) > max_side_px or not _is_ordinary(data, header):
        return None
    one_plane = keep_grey and len(header.components) == 1
    try:
        pixels: npt.NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data, "GRAY" if one_plane else "RGB", fastdct=False, fastupsample=False, strict=True
        )
    except ValueError as error:
        raise FlawError(_told(error)) from error
    return pixels[..., 0] if one_plane else pixels


def check_decodes(data: bytes) -> None:
    """Raise FlawError where libjpeg warns of a JPEG, decoded at an eighth of its size, which tells as much.

    Args:
        data: the bytes of the file.
    """
    try:
        simplejpeg.decode_jpeg(
            data,
            "GRAY",
            fastdct=True,
            fastupsample=True,
            min_height=1,
            min_width=1,
            min_factor=_SMALLEST,
            strict=True,
        )
    except ValueError as error:
        raise FlawError(_told(error)) from error


def _told(error: ValueError) -> str:
    return f"The decoder says: {' '.join(str(error).split())[:200]}."


def _is_ordinary(data: bytes, header: JpegHeader) -> bool:
    """Return whether a JPEG is grey or YCbCr, upright and free of what Pillow would look at."""
    for marker, start, end in header.segments:
        if marker == header.kind:
            if marker == EXTENDED or not _is_grey_or_ycbcr(data[start:end]):
                return False
        elif (
            marker not in _TABLES_AND_NOTES
            or (marker == 0xE0 and end - start < _JFIF_BYTES)
            or (marker == 0xE1 and not _is_upright(data[start:end]))
        ):
            return False
    return True


def _is_upright(notes: bytes) -> bool:
    """Return whether EXIF or XMP data say nothing of an orientation, or that it is upright; False where in doubt."""
    found = list(_ORIENTATION.finditer(notes))
    return all(notes.startswith(_UPRIGHT, one.start()) for one in found)


def _is_grey_or_ycbcr(frame: bytes) -> bool:
    components = frame[5]
    if components not in (1, 3) or frame[7] not in _SAMPLING:
        return False
    # Other identifiers than 1, 2, 3 may mean RGB.
    is_ycbcr = frame[6::3] == b"\1\2\3" and frame[10::3] == b"\x11\x11"
    return components == 1 or is_ycbcr
