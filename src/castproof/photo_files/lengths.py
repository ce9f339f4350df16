"""BMP and WebP: neither has a checksum, and lengths are all that can be compared."""

from typing import Final

from PIL import BmpImagePlugin

from castproof.photo_files.limits import (
    MAX_WEBP_PIXELS,
    FlawError,
    UnreadKindError,
    check_segments,
    check_size,
)

_PADDING: Final = 3  # bytes by which a writer may fill up the last word of a BMP
_RIFF_BYTES: Final = 12
_CHUNK_BYTES: Final = 8


def check_bmp(image: BmpImagePlugin.BmpImageFile, length: int) -> None:
    """Raise where a BMP has more or fewer bytes than its header asks for.

    Args:
        image: not loaded.
        length: of its file, in bytes.

    Raises:
        FlawError: it has.
        UnreadKindError: its rows are run-length encoded: then no length tells.
    """
    coding, box, start, arguments = image.tile[0]
    if coding != "raw" or box is None or not isinstance(arguments, tuple):
        raise UnreadKindError("Its pixels are run-length encoded, in which damage cannot be noticed.")
    end = start + box[3] * arguments[1]
    if not end <= length <= end + _PADDING:
        raise FlawError(f"The file has {length} bytes; its header asks for {end}.")


def check_webp(data: bytes) -> None:
    """Raise where a WebP is not as long as it says, or larger than is read.

    The size is read before a library sees the file, since it makes room for all pixels as soon as it opens one.

    Raises:
        FlawError: it has more or fewer bytes than its header asks for, or its header is damaged.
        OversizeError: it has too many pixels or frames.
    """
    end = int.from_bytes(data[4:8], "little") + 8
    if not end <= len(data) <= end + 1:  # a writer may fill up the last word
        raise FlawError(f"The file has {len(data)} bytes; its header asks for {end}.")
    sizes, count, at = [], 0, _RIFF_BYTES
    while at + _CHUNK_BYTES <= end:
        count += 1
        check_segments(count)
        kind, start = data[at : at + 4], at + _CHUNK_BYTES
        at = start + int.from_bytes(data[at + 4 : start], "little")
        if at > end:
            raise FlawError("It ends before its last chunk does.")
        size = _size(kind, data[start : start + 10])
        if size is not None:
            check_size(*size, bits=32, most_pixels=MAX_WEBP_PIXELS)
            sizes.append(size)
        at += at % 2
    if not sizes or any(size != sizes[0] for size in sizes):
        raise FlawError("Its chunks give no size, or different ones.")


def _size(kind: bytes, head: bytes) -> tuple[int, int] | None:
    """Return width and height that the chunk of a still photo, or of its canvas, gives. Source: RFC 9649, section 2."""
    if kind == b"VP8X":
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    if kind == b"VP8 ":
        return int.from_bytes(head[6:8], "little") & 0x3FFF, int.from_bytes(head[8:10], "little") & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None
