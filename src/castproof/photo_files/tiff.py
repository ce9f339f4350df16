"""TIFF: whether strips or tiles hold as many bytes as the header asks for (TIFF revision 6.0, 1992; supplements).

TIFF has no checksums. What can be told is whether lengths agree: where pixels are stored as they are, by the tags
alone; where they are compressed, by expanding them. Compressions in which damage passes in silence, such as those of
fax machines, are not read.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from castproof.fast_jpeg import check_decodes
from castproof.photo_files.expanded import check_countable, deflate_length, lzw_length, pack_bits_length
from castproof.photo_files.jpeg import read_header
from castproof.photo_files.limits import (
    MAX_JPEG_BYTES,
    MAX_STORED_BYTES,
    FlawError,
    OversizeError,
    UnreadKindError,
    check_size,
)
from castproof.photo_files.tags import Tags, read_tags

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _FILL_ORDER = 256, 257, 258, 259, 266
_STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES, _PLANAR = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _JPEG_TABLES, _PREDICTOR = 322, 323, 324, 325, 347, 317
_PLAIN, _LZW, _JPEG, _DEFLATE, _OLD_DEFLATE, _PACK_BITS = 1, 5, 7, 8, 32946, 32773
_MOST_SAMPLES: Final = 6
_PHOTOMETRIC, _CIE_LAB = 262, 8
# Tags with few values: the one where the tag is missing, and those that there are.
_CHOICES: Final = {
    _PHOTOMETRIC: (-1, range(9)),
    _FILL_ORDER: (1, (1, 2)),
    _PLANAR: (1, (1, 2)),
    _PREDICTOR: (1, (1, 2)),
}
_HEADER_BYTES: Final = 8
_PADDING: Final = 15  # bytes by which writers fill up the last page
_MOST_EXPANDED: Final = 8192  # strips or tiles that are looked at one by one, which takes 0.1 ms each


@dataclass(frozen=True)
class _Layout:
    """How the pixels of a TIFF are cut into segments, which are strips or tiles.

    Args:
        width: of a segment, in pixels.
        rows: of a segment, but for the last one of strips.
        row_bytes: of one row of a segment before compression.
        heights: how many rows each segment has at least.
    """

    width: int
    rows: int
    row_bytes: int
    heights: tuple[int, ...]


def check_tiff(data: bytes) -> None:
    """Raise where the first page of a TIFF is not whole.

    Raises:
        UnreadKindError: it is compressed in a way in which damage passes unnoticed.
        FlawError: its tags, or the lengths of its strips or tiles, contradict each other.
        OversizeError: it has more pixels than are read.
    """
    pages = read_tags(data)
    tags = pages[0]
    width, height = tags.number(_WIDTH, 0), tags.number(_HEIGHT, 0)
    samples, bits = tags.number(_SAMPLES, 1), tags.numbers(_BITS, (1,))
    if not 1 <= samples <= _MOST_SAMPLES or len(bits) not in (1, samples):
        raise FlawError("The number of its channels is damaged.")
    if any(tags.number(code, usual) not in allowed for code, (usual, allowed) in _CHOICES.items()):
        raise FlawError("Its tags do not say how its pixels are stored.")
    bits = bits * samples if len(bits) == 1 else bits
    slow = 2 if tags.number(_PHOTOMETRIC, -1) == _CIE_LAB else 1
    check_size(width, height, bits=sum(bits) * slow)
    _check_places(pages)
    planar = tags.number(_PLANAR, 1) == 2
    layout = _layout(tags, width, height, bits, planar)
    segments = _segments(tags, layout)
    _check_expanded(tags, layout, segments, samples=1 if planar else samples)


def _layout(tags: Tags, width: int, height: int, bits: tuple[int, ...], planar: bool) -> _Layout:
    if (_STRIPS in tags.tags) == (_TILES in tags.tags):
        raise FlawError("It must have either strips or tiles.")
    tiled = _TILES in tags.tags
    across = tags.number(_TILE_WIDTH, 0) if tiled else width
    rows = tags.number(_TILE_HEIGHT, 0) if tiled else min(tags.number(_ROWS, height), height)
    if not across * rows:
        raise FlawError("Its strips or tiles have no pixels.")
    columns, lines = -(-width // across), -(-height // rows)
    planes = bits if planar else (sum(bits),)
    row_bytes = (across * max(planes) + 7) // 8
    if columns * lines * rows * row_bytes * len(planes) > MAX_STORED_BYTES:
        raise OversizeError(
            f"Its tiles have {across} x {rows} pixels.",
            f"The pixels of a photo take at most {MAX_STORED_BYTES // 10**6} MB before compression.",
        )
    last = rows if tiled else height - (lines - 1) * rows
    heights = tuple(last if line == lines - 1 else rows for line in range(lines) for _ in range(columns))
    return _Layout(across, rows, row_bytes, heights * len(planes))


def _check_places(pages: list[Tags]) -> None:
    """Raise FlawError where pixels lie beyond the end of the file or on each other, or bytes belong to nothing.

    Bytes that belong to nothing tell that some were put in, where pixels are stored as they are.
    """
    data = pages[0].data
    taken = [(0, _HEADER_BYTES)]
    for page in pages:
        taken += [(page.start, page.end), *page.stretches()]
    taken.sort()
    if any(before[1] > after[0] for before, after in pairwise(taken)):
        raise FlawError("Its strips or tiles overlap.")
    last = max(taken[-1][1], *(tag.end for page in pages for tag in page.tags.values()))
    if last > len(data):
        raise FlawError("It ends before its pixels do.")
    if last + _PADDING < len(data) and pages[0].number(_COMPRESSION, _PLAIN) == _PLAIN:
        raise FlawError(f"The file has {len(data)} bytes; its tags account for {last}.")


def _segments(tags: Tags, layout: _Layout) -> list[tuple[int, int]]:
    """Return where each segment begins and ends."""
    segments = tags.stretches()
    if len(segments) != len(layout.heights):
        raise FlawError(
            f"It has {len(segments)} strips or tiles; {len(layout.heights)} make a photo of this size."
        )
    return segments


def _check_expanded(tags: Tags, layout: _Layout, segments: list[tuple[int, int]], samples: int) -> None:
    compression = tags.number(_COMPRESSION, _PLAIN)
    total = sum(end - start for start, end in segments)
    if compression in (_LZW, _PACK_BITS):
        check_countable(total)
        if tags.number(_FILL_ORDER, 1) != 1:
            raise UnreadKindError("Its bits are in reverse order.")
    if compression == _JPEG and total > MAX_JPEG_BYTES:
        raise OversizeError(
            f"It has {total >> 20} MiB.", f"JPEG in a TIFF takes at most {MAX_JPEG_BYTES >> 20} MiB."
        )
    if compression in (_LZW, _PACK_BITS, _JPEG) and len(segments) > _MOST_EXPANDED:
        raise OversizeError(
            f"It has {len(segments)}.", f"Such a TIFF has at most {_MOST_EXPANDED} strips or tiles."
        )
    for (start, end), rows in zip(segments, layout.heights, strict=True):
        if compression == _PLAIN:
            _check_length(end - start, rows, layout)
        elif compression == _JPEG:
            _check_jpeg(tags, tags.data[start:end], rows, layout, samples)
        else:
            _check_length(_expanded_length(compression, tags.data[start:end], layout), rows, layout)


def _expanded_length(compression: int, data: bytes, layout: _Layout) -> int:
    if compression in (_DEFLATE, _OLD_DEFLATE):
        length, finished = deflate_length([memoryview(data)], layout.rows * layout.row_bytes)
        if not finished:
            raise FlawError("A strip or tile does not end with its pixels.")
        return length
    if compression == _LZW:
        return lzw_length(data)
    if compression == _PACK_BITS:
        return pack_bits_length(data)
    raise UnreadKindError(f"Its pixels are compressed by method {compression}.")


def _check_length(found: int, rows: int, layout: _Layout) -> None:
    """Raise FlawError where a segment has too few bytes, or at least a row too many that do not make it a full one."""
    needed, row = rows * layout.row_bytes, layout.row_bytes
    if found < needed or (found >= needed + row and found != layout.rows * row):
        raise FlawError(f"A strip or tile has {found} bytes; its rows make {needed}.")


def _check_jpeg(tags: Tags, data: bytes, rows: int, layout: _Layout, samples: int) -> None:
    """Raise FlawError where a segment is no whole JPEG of the size that the tags say."""
    tables = tags.tags.get(_JPEG_TABLES)
    if tables is not None:
        data = tags.data[tables.start : tables.end].removesuffix(b"\xff\xd9") + data.removeprefix(b"\xff\xd8")
    header = read_header(data)
    if header.width != layout.width or header.height not in (rows, layout.rows):
        raise FlawError(
            f"A strip or tile has {header.width} x {header.height} pixels, not {layout.width} x {rows}."
        )
    if len(header.components) != samples:
        raise FlawError("A strip or tile has other channels than the tags say.")
    check_decodes(data)
