"""PNG: every checksum, and whether the pixel stream is as long as the header asks for (W3C PNG, third edition, 2025).

Pillow neither compares checksums of pixel chunks nor notices a pixel stream that ends early: what is missing is black.
Inflating every photo a second time would tell, at a quarter of the time of decoding. Instead the last row is marked
before decoding: rows are written whole and from top to bottom, so a row that still contains the mark was not in the
stream, or the photo happens to look like it. Only then, and where rows are interlaced, is the stream inflated again.
"""

import hashlib
import io
import zlib
from collections.abc import Iterator
from typing import Final

from PIL import Image, PngImagePlugin

from castproof.photo_files.expanded import deflate_length
from castproof.photo_files.limits import FlawError, check_segments, check_size

_SIGNATURE_BYTES: Final = 8
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
# Left, top, step to the right, step down of the seven passes of an interlaced photo.
_PASSES: Final = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
_WHOLE: Final = ((0, 0, 1, 1),)


class WholePng(PngImagePlugin.PngImageFile):
    """A PNG that raises FlawError where its file is damaged or its pixel stream ends early.

    Args:
        data: its file.

    Raises:
        FlawError: a checksum is wrong, chunks are missing, or (by `load`) pixels are.
        OversizeError: it has more pixels, bytes or chunks than are read.
    """

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._bits, self._interlaced, self._pixels = _read_chunks(self._data)
        super().__init__(io.BytesIO(data))
        check_size(
            *self.size, bits=self._bits * (2 if self.mode == "LA" else 1)
        )  # Pillow holds four channels
        if any(box != (0, 0, *self.size) for _, box, *_ in self.tile):
            raise FlawError("Its first frame is smaller than the photo.")

    def load_prepare(self) -> None:
        """Mark the last row."""
        super().load_prepare()
        width, height = self.size
        self.im.paste(_mark(self.mode, width).im, (0, height - 1, width, height))

    def check_pixels(self) -> None:
        """Raise FlawError where the pixel stream, which was loaded, ended early."""
        width, height = self.size
        last = self.crop((0, height - 1, width, height))
        if self._interlaced or last.tobytes() == _mark(self.mode, width).tobytes():
            self._check_length()

    def _check_length(self) -> None:
        needed = _stream_bytes(*self.size, self._bits, _PASSES if self._interlaced else _WHOLE)
        got, _ = deflate_length((self._data[start:end] for start, end in self._pixels), needed - 1)
        if got < needed:
            raise FlawError(f"Its pixel stream has {got} bytes; {needed} make a photo of this size.")


def _read_chunks(data: memoryview) -> tuple[int, bool, list[tuple[int, int]]]:
    """Return bits per pixel, whether rows are interlaced, and where the pixels stand."""
    header, pixels = b"", []
    for kind, start, end in _chunks(data):
        if kind == b"IHDR":
            header = bytes(data[start:end])
        elif kind == b"IDAT":
            pixels.append((start, end))
    if len(header) != 13 or header[9] not in _CHANNELS:
        raise FlawError("Its header is damaged.")
    return header[8] * _CHANNELS[header[9]], header[12] != 0, pixels


def _chunks(data: memoryview) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the content of each chunk up to the last, and raise FlawError where one is wrong."""
    at, count = _SIGNATURE_BYTES, 0
    while at + 12 <= len(data):
        count += 1
        check_segments(count)
        kind, start = bytes(data[at + 4 : at + 8]), at + 8
        end = start + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            break
        if zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise FlawError(f"The checksum of its chunk {kind!r} does not match.")
        yield kind, start, end
        if kind == b"IEND":
            return
        at = end + 4
    raise FlawError("It ends before its last chunk does.")


def _stream_bytes(width: int, height: int, bits: int, passes: tuple[tuple[int, int, int, int], ...]) -> int:
    total = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)  # one byte per row: its filter
    return total


def _mark(mode: str, width: int) -> Image.Image:
    """Return a row that no photo holds but by intent."""
    row = Image.new(mode, (width, 1))
    row.frombytes(hashlib.shake_128(b"castproof").digest(len(row.tobytes())))
    return row
