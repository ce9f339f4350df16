"""The fast path for ordinary JPEG files: libjpeg-turbo called directly, with the pixels that Pillow gives.

Pillow reads through a stream and packs its own copy of the pixels; `simplejpeg` decodes from the bytes of the
file into one array. Both use libjpeg-turbo with the accurate inverse DCT and smooth chroma upsampling, so the
pixels are the same bit by bit. What is not ordinary, and whatever `simplejpeg` warns of, is left to Pillow,
which alone decides what is refused.
"""

import re

import numpy as np
import numpy.typing as npt
import simplejpeg

# Marker codes and the layout of the segments: ITU-T T.81 (1992), annex B.
_START_OF_FRAME = (0xC0, 0xC2)  # baseline, progressive; both Huffman coded
_START_OF_SCAN = 0xDA
# Huffman, quantisation, restart interval, JFIF, EXIF or XMP, colour profile, comment
_TABLES_AND_NOTES = (0xC4, 0xDB, 0xDD, 0xE0, 0xE1, 0xE2, 0xFE)
_END_OF_IMAGE = b"\xff\xd9"
_SAMPLING = (0x11, 0x21, 0x22)  # luma samples per chroma sample, across and down: 4:4:4, 4:2:2, 4:2:0
_CUT_OFF = (
    "premature end of data segment",
    "instead of RST",
)  # warnings of libjpeg, which Pillow passes over
_ORIENTATION = re.compile(rb"\x12\x01|\x01\x12|Orientation")  # the tag, in either order of bytes, or in XMP
_UPRIGHT = (b"\x12\x01\x03\x00\x01\x00\x00\x00\x01\x00", b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x01")
_JFIF_BYTES = 16  # the length of the APP0 segment that every writer makes


def decode_ordinary(data: bytes, *, max_side_px: int, keep_grey: bool) -> npt.NDArray[np.uint8] | None:
    """Return the pixels of an ordinary JPEG as a new C-contiguous uint8 array, or None: leave it to Pillow.

    Args:
        data: the bytes of a file of any kind.
        max_side_px: a photo with a longer side is not ordinary.
        keep_grey: a file with one component gives (H, W) instead of (H, W, 3).
    """
    components = _components(data, max_side_px)
    if not components:
        return None
    one_plane = keep_grey and components == 1
    try:
        pixels: npt.NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data, "GRAY" if one_plane else "RGB", fastdct=False, fastupsample=False, strict=True
        )
    except Exception:
        return None
    return pixels[..., 0] if one_plane else pixels


def is_cut_off(data: bytes) -> bool:
    """Return whether the pixels of a JPEG end before the file does: what is missing would be grey, without an error.

    Args:
        data: the bytes of a JPEG file.
    """
    try:
        simplejpeg.decode_jpeg(data, "GRAY", fastdct=True, fastupsample=True, strict=True)
    except Exception as error:
        return any(words in str(error) for words in _CUT_OFF)
    return False


def _components(data: bytes, max_side_px: int) -> int:
    """Return 1 (grey) or 3 (YCbCr) for an ordinary JPEG with an end marker, 0 for everything else."""
    if not data.startswith(b"\xff\xd8"):
        return 0
    components, at = 0, 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, end = data[at + 1], at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _START_OF_SCAN:
            return components if data.find(_END_OF_IMAGE, end) >= 0 else 0
        if marker in _START_OF_FRAME and not components:
            components = _components_of_frame(data[at + 4 : end], max_side_px)
            if not components:
                return 0
        elif (
            marker not in _TABLES_AND_NOTES
            or (marker == 0xE0 and end - at - 2 < _JFIF_BYTES)
            or (marker == 0xE1 and not _is_upright(data[at:end]))
        ):
            return 0
        at = end
    return 0


def _is_upright(notes: bytes) -> bool:
    """Return whether EXIF or XMP data say nothing of an orientation, or that it is upright; False where in doubt."""
    found = list(_ORIENTATION.finditer(notes))
    return all(notes.startswith(_UPRIGHT, one.start()) for one in found)


def _components_of_frame(frame: bytes, max_side_px: int) -> int:
    if len(frame) not in (9, 15) or frame[0] != 8:  # 8 bits per sample
        return 0
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    components = frame[5]
    if not (0 < height <= max_side_px and 0 < width <= max_side_px and len(frame) == 6 + 3 * components):
        return 0
    if frame[7] not in _SAMPLING:
        return 0
    # Other identifiers than 1, 2, 3 may mean RGB.
    is_ycbcr = frame[6::3] == b"\1\2\3" and frame[10::3] == b"\x11\x11"
    return components if components == 1 or is_ycbcr else 0
