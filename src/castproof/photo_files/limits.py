"""How large a photo may be, and what a file is that exceeds it or contradicts itself.

The limits hold together so that no file takes more than 1 GB of memory or 2 s of one core until it is pixels, whatever
it is made of; `benchmarks/damaged_photos.py` measures both. Pixels alone are no limit: the same 50 megapixels take
50 MB as grey levels and 1 GB where WebP lays frames with transparency over each other.
"""

from typing import Final

MAX_FILE_BYTES: Final = 256 * 2**20  # it lies in memory while it is decoded
MAX_PIXELS: Final = (
    70_000_000  # a full-frame camera has 61; four times what is left after averaging to 4096 pixels
)
MAX_LONG_SIDE_PX: Final = 32_768  # twice the widest line camera; every row costs, however short it is
MAX_STORED_BYTES: Final = 210_000_000  # pixels as the file holds them: three channels of 8 bits at MAX_PIXELS
MAX_WEBP_PIXELS: Final = 25_000_000  # its decoder holds five canvases of four channels
MAX_JPEG_BYTES: Final = (
    64 * 2**20
)  # twice a photo of MAX_PIXELS at quality 95; 100 MB are decoded in a second
MAX_COUNTED_BYTES: Final = 16 * 2**20  # of LZW and PackBits in TIFF, which Python counts through
MAX_SCANNED_PIXELS: Final = 160_000_000  # of progressive JPEG, times scans: 16 megapixels in the usual 10
MAX_SEGMENTS: Final = (
    65_536  # chunks, markers and fill bytes of a header, frames: each is a step of a loop in Python
)
MAX_TAG_NUMBERS: Final = (
    2**18
)  # in one tag of TIFF or EXIF; the colour map of a 16-bit palette is the largest


class FlawError(Exception):
    """A file contradicts itself, or is no whole photo.

    Args:
        found: one sentence.
    """

    def __init__(self, found: str) -> None:
        super().__init__(found)
        self.found = found


class UnreadKindError(FlawError):
    """A file is of a kind that is not read, since damage in it cannot be noticed."""


class OversizeError(FlawError):
    """A file is within its format, but beyond what is read.

    Args:
        found: one sentence.
        rule: the limit, one sentence.
    """

    def __init__(self, found: str, rule: str) -> None:
        super().__init__(found)
        self.rule = rule


def check_size(width: int, height: int, *, bits: int = 8, most_pixels: int = MAX_PIXELS) -> None:
    """Raise where a photo has no pixels, or more than are read.

    Args:
        width: in pixels.
        height: in pixels.
        bits: that one pixel takes in the file before compression, all channels together.
        most_pixels: the limit of its format.

    Raises:
        FlawError: it has no pixels.
        OversizeError: it has too many, a side is too long, or its pixels take too many bytes.
    """
    if not width * height:
        raise FlawError(f"It has no pixels: {width} x {height}.")
    found = f"It has {width} x {height} pixels."
    if width * height > most_pixels:
        raise OversizeError(found, f"Such a photo has at most {most_pixels // 10**6} megapixels.")
    if max(width, height) > MAX_LONG_SIDE_PX:
        raise OversizeError(found, f"A photo has at most {MAX_LONG_SIDE_PX} pixels on a side.")
    if width * height * bits > 8 * MAX_STORED_BYTES:
        raise OversizeError(
            f"It has {width} x {height} pixels of {bits} bits.",
            f"The pixels of a photo take at most {MAX_STORED_BYTES // 10**6} MB before compression.",
        )


def check_segments(count: int) -> None:
    """Raise OversizeError where a file has more segments than are read."""
    if count > MAX_SEGMENTS:
        raise OversizeError(
            "It has more.", f"A photo has at most {MAX_SEGMENTS} segments (markers, chunks, frames)."
        )
