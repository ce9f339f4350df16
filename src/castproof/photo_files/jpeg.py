"""JPEG: what its markers say before a pixel is decoded (codes and layout: ITU-T T.81, 1992, annex B)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from castproof.photo_files.limits import (
    MAX_JPEG_BYTES,
    MAX_SCANNED_PIXELS,
    FlawError,
    OversizeError,
    UnreadKindError,
    check_segments,
    check_size,
)

BASELINE: Final = 0xC0
EXTENDED: Final = 0xC1
PROGRESSIVE: Final = 0xC2
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # C4, CC: tables; C8: reserved
_START_OF_SCAN: Final = 0xDA
_END_OF_IMAGE: Final = 0xD9
_WITHOUT_LENGTH: Final = frozenset((0x00, 0x01, *range(0xD0, 0xDA)))
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_DCT_COEFFICIENTS: Final = 64
_UNKNOWN: Final = 14  # no bit of a coefficient is known: more than any point transform


@dataclass(frozen=True)
class JpegHeader:
    """What stands before the pixels of a JPEG.

    Args:
        segments: code of the marker, and where its segment begins and ends, its two bytes of length left out.
        kind: code of the marker of its frame.
        width: in pixels.
        height: in pixels.
        components: their identifiers.
        first_scan: where the header of the first scan begins, its two bytes of length left out.
    """

    segments: tuple[tuple[int, int, int], ...]
    kind: int
    width: int
    height: int
    components: tuple[int, ...]
    first_scan: int


def read_header(data: bytes) -> JpegHeader:
    """Return the header of a JPEG whose kind, size and markers are in order.

    Args:
        data: the bytes of the file; it begins with a JPEG marker.

    Raises:
        FlawError: they are not, or it is of a kind in which damage cannot be noticed.
        OversizeError: it has more pixels, bytes or segments than are read.
    """
    if len(data) > MAX_JPEG_BYTES:
        raise OversizeError(
            f"It has {len(data) >> 20} MiB.", f"A JPEG file has at most {MAX_JPEG_BYTES >> 20} MiB."
        )
    segments: list[tuple[int, int, int]] = []
    frame = b""
    kind = 0
    for code, start, end in _segments(data):
        if code in _FRAMES:
            if frame:
                raise FlawError("It has two frame headers.")
            kind, frame = code, data[start:end]
        elif code == _START_OF_SCAN:
            if not frame:
                raise FlawError("It has no frame header.")
            width, height, components = _frame(kind, frame)
            header = JpegHeader(tuple(segments), kind, width, height, components, start)
            _check_scans(data, header)
            return header
        segments.append((code, start, end))
    raise FlawError("It has no pixels.")


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield code, start and end of each segment until the first scan; nothing may stand between them."""
    at, steps = 2, 0
    while at + 4 <= len(data):
        steps += 1
        check_segments(steps)
        if data[at] != 0xFF:
            raise FlawError("There are bytes between its markers that belong to nothing.")
        code = data[at + 1]
        if code == 0xFF:  # a fill byte
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if code in _WITHOUT_LENGTH or end < at + 4 or end > len(data):
            raise FlawError("Its header is cut off or damaged.")
        yield code, at + 4, end
        at = end


def _frame(kind: int, frame: bytes) -> tuple[int, int, tuple[int, ...]]:
    if kind not in (BASELINE, EXTENDED, PROGRESSIVE):
        raise UnreadKindError("It is a lossless, hierarchical or arithmetic coded JPEG.")
    if len(frame) < 6 or len(frame) != 6 + 3 * frame[5]:
        raise FlawError("Its frame header is damaged.")
    if frame[0] != 8:
        raise UnreadKindError(f"It is a JPEG of {frame[0]} bits per channel; those of 8 bits are read.")
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    check_size(width, height, bits=8 * frame[5])
    return width, height, tuple(frame[6::3])


def _check_scans(data: bytes, header: JpegHeader) -> None:
    """Raise where the scans do not hold every bit of every coefficient, or are too many.

    A file that lacks whole scans decodes without a warning: colours are missing, or the photo is coarse.
    """
    components = _scan(data, header.first_scan)[0]
    if header.kind != PROGRESSIVE and set(components) == set(header.components):
        return
    missing = {one: [_UNKNOWN] * _DCT_COEFFICIENTS for one in header.components}
    for count, at in enumerate(_scans(data, header.first_scan), 1):
        if count * header.width * header.height > MAX_SCANNED_PIXELS:
            raise OversizeError(
                f"It has {header.width} x {header.height} pixels and more than {count - 1} scans.",
                f"Pixels times scans of a progressive JPEG are at most {MAX_SCANNED_PIXELS // 10**6} million.",
            )
        components, first, last, low = _scan(data, at)
        for one in components:
            if one not in missing or not first <= last < _DCT_COEFFICIENTS:
                raise FlawError("The header of a scan is damaged.")
            missing[one][first : last + 1] = [low] * (last + 1 - first)
    if any(any(bits) for bits in missing.values()):
        raise FlawError("Some of its scans are missing: its pixels are coarse, or lack colours.")


def _scans(data: bytes, at: int) -> Iterator[int]:
    """Yield where the header of each scan begins, up to the end marker or the end of the file."""
    steps = 0
    while True:
        yield at
        end = at - 2 + int.from_bytes(data[at - 2 : at], "big")
        while True:
            steps += 1
            check_segments(steps)
            found = _MARKER.search(data, end)
            if found is None or data[found.end() - 1] == _END_OF_IMAGE:
                return
            at = found.end() + 2
            if data[found.end() - 1] == _START_OF_SCAN:
                break
            end = found.end() + int.from_bytes(data[found.end() : at], "big")


def _scan(data: bytes, at: int) -> tuple[tuple[int, ...], int, int, int]:
    """Return the components of a scan, its first and last coefficient, and how many of their low bits it leaves out."""
    if at >= len(data) or at + 4 + 2 * data[at] > len(data):
        raise FlawError("It is cut off.")
    count = data[at]
    first, last, bits = data[at + 1 + 2 * count : at + 4 + 2 * count]
    return tuple(data[at + 1 : at + 1 + 2 * count : 2]), first, last, bits & 0x0F
