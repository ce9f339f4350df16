"""How many bytes a compressed strip of a TIFF makes, counted without making them (TIFF 6.0, sections 9 and 13).

libtiff stops as soon as it has the pixels that it wants, so it does not notice a wrong bit after which rows come out
longer than they are. Their number tells.
"""

import zlib
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from castproof.photo_files.limits import MAX_COUNTED_BYTES, FlawError, OversizeError

_CLEAR, _END, _FIRST = 256, 257, 258
_LITERALS: Final = 128  # a PackBits count up to it copies bytes, a count above it repeats one
_MOST_CODES: Final = 4096
_MOST_RUNS: Final = 8192  # a table is full after some 5 kB
_PIECE: Final = 2**18  # of a stream, in and out: the whole of it may not lie in memory twice
# The codes after a clear code are as wide as the table that they fill makes them, whatever they are.
_FREE: Final = _FIRST - 1 + np.maximum(1, np.arange(_MOST_CODES))
_WIDTHS: Final = 9 + (_FREE > 510) + (_FREE > 1022) + (_FREE > 2046)
_OFFSETS: Final = np.cumsum(_WIDTHS) - _WIDTHS


def check_countable(total: int) -> None:
    """Raise OversizeError where counting takes too long.

    Args:
        total: compressed bytes of the whole photo.
    """
    if total > MAX_COUNTED_BYTES:
        raise OversizeError(
            f"It has {total >> 20} MiB.",
            f"LZW or PackBits pixels take at most {MAX_COUNTED_BYTES >> 20} MiB.",
        )


def deflate_length(stretches: Iterable[memoryview], most: int) -> tuple[int, bool]:
    """Return how many bytes a deflated stream makes, `most` or little more of them, and whether it is finished.

    Args:
        stretches: the stream, one after the other.
        most: bytes.

    Raises:
        FlawError: the stream is damaged, or its checksum is wrong.
    """
    inflate, got = zlib.decompressobj(), 0
    try:
        for stretch in stretches:
            for start in range(0, len(stretch), _PIECE):
                left: bytes | memoryview = stretch[start : start + _PIECE]
                while left and not inflate.eof:
                    got += len(inflate.decompress(left, _PIECE))
                    left = inflate.unconsumed_tail
                    if got > most:
                        return got, inflate.eof
    except zlib.error as error:
        raise FlawError(f"Its pixels are damaged: {error}.") from error
    return got, inflate.eof


def pack_bits_length(data: bytes) -> int:
    """Return how many bytes `data` makes."""
    at, total, size = 0, 0, len(data)
    while at < size:
        count = data[at]
        if count < _LITERALS:
            at += count + 2
            total += count + 1
        else:
            at += 2 if count > _LITERALS else 1
            total += 257 - count if count > _LITERALS else 0
    return total


def lzw_length(data: bytes) -> int:
    """Return how many bytes `data` makes; codes begin with the highest bit.

    Raises:
        FlawError: a code is used before it is made, or the end code is missing.
    """
    padded = np.frombuffer(data + bytes(4), np.uint8).astype(np.uint32)
    at, total = 0, 0
    for _ in range(_MOST_RUNS):
        codes = _codes(padded, at, 8 * len(data))
        ends = np.flatnonzero((codes == _CLEAR) | (codes == _END))
        if not ends.size:
            break
        run = int(ends[0])
        total += _made(codes[:run].tolist())
        if codes[run] == _END:
            return total
        at += int(_OFFSETS[run] + _WIDTHS[run])
    raise FlawError("A strip or tile ends before its pixels do.")


def _codes(padded: npt.NDArray[np.uint32], at: int, bits: int) -> npt.NDArray[np.uint32]:
    """Return the codes from the bit `at` as if none of them cleared the table."""
    places = at + _OFFSETS[: int(np.searchsorted(_OFFSETS + _WIDTHS, bits - at, side="right"))]
    first, shift = places >> 3, (places & 7).astype(np.uint32)
    four = padded[first] << 24 | padded[first + 1] << 16 | padded[first + 2] << 8 | padded[first + 3]
    codes: npt.NDArray[np.uint32] = (four << shift) >> (32 - _WIDTHS[: len(places)]).astype(np.uint32)
    return codes


def _made(codes: list[int]) -> int:
    """Return how many bytes the codes after a clear code make."""
    lengths: list[int] = []
    for code in codes:
        if code < _CLEAR:
            lengths.append(1)
        elif code - _FIRST < len(lengths):
            lengths.append(lengths[code - _FIRST] + 1)
        else:
            raise FlawError("A strip or tile is damaged.")
    return sum(lengths)
