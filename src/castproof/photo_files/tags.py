"""The tags of TIFF and EXIF, read just far enough to tell whether a library may be given them.

Layout: TIFF revision 6.0 (1992), section 2; BigTIFF. A library reads the numbers of every tag into a list of its own,
and tags may all point to the same bytes: 1 MB of file would become gigabytes.
"""

import struct
from dataclasses import dataclass
from typing import Final

from castproof.photo_files.limits import MAX_TAG_NUMBERS, FlawError, check_segments

_BYTES: Final = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_NUMBERS: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_TEXT: Final = (1, 2, 6, 7)  # kinds that stay one string of bytes
_FURTHER: Final = (34665, 34853, 40965)  # tags that point to more tags: EXIF, GPS, interoperability
_DEEPEST: Final = 3
_ORIENTATION: Final = 0x0112
_SHORT, _LONG = 3, 4


@dataclass(frozen=True)
class Tag:
    """One tag.

    Args:
        kind: code of what its numbers are.
        count: how many.
        start: where they stand.
        end: where they end.
    """

    kind: int
    count: int
    start: int
    end: int


@dataclass(frozen=True)
class Tags:
    """The tags of the first page of a TIFF, or of an EXIF block.

    Args:
        data: the file.
        order: "<" or ">", that of the bytes of a number.
        tags: by their code.
        start: where the directory of the tags begins.
        end: where it ends.
    """

    data: bytes
    order: str
    tags: dict[int, Tag]
    start: int
    end: int

    def numbers(self, code: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return the whole numbers of a tag, `default` where it is missing.

        Raises:
            FlawError: they are no whole numbers.
        """
        tag = self.tags.get(code)
        if tag is None:
            return default
        if tag.kind not in _NUMBERS or not 0 < tag.count <= MAX_TAG_NUMBERS:
            raise FlawError(f"Its tag {code} holds no whole numbers.")
        return struct.unpack_from(f"{self.order}{tag.count}{_NUMBERS[tag.kind]}", self.data, tag.start)

    def number(self, code: int, default: int) -> int:
        """Return the first of `numbers`."""
        return (self.numbers(code) or (default,))[0]


def read_tags(data: bytes) -> Tags:
    """Return the tags of the first page, after all that they point to were found within bounds.

    Args:
        data: a TIFF file, or the EXIF block of another file.

    Raises:
        FlawError: they are not.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 16:
        raise FlawError("Its tags are damaged.")
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    first = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0]
    found, _ = _directory(data, order, big, first, len(data), 1)
    return found


def _directory(data: bytes, order: str, big: bool, at: int, budget: int, depth: int) -> tuple[Tags, int]:
    """Return a directory and what is left of `budget`, in bytes."""
    head, entry = (8, 20) if big else (2, 12)
    if at + head > len(data):
        raise FlawError("Its tags lie beyond the end of the file.")
    count = struct.unpack_from(order + ("Q" if big else "H"), data, at)[0]
    check_segments(count)
    end = at + head + count * entry
    tags = {}
    for place in range(at + head, end, entry):
        code, tag = _tag(data, order, big, place)
        if tag is None:
            continue
        budget -= tag.end - tag.start
        if budget < 0:
            raise FlawError("Its tags claim more bytes than the file has.")
        if code in tags:
            raise FlawError(f"Its tag {code} is there twice.")
        tags[code] = tag
    found = Tags(data, order, tags, at, end)
    for code in _FURTHER:
        if code in tags and depth < _DEEPEST:
            _, budget = _directory(data, order, big, found.number(code, 0), budget, depth + 1)
    return found, budget


def _tag(data: bytes, order: str, big: bool, place: int) -> tuple[int, Tag | None]:
    """Return a code and its tag; None where a reader passes over it."""
    layout, inline = ("HHQ", 8) if big else ("HHI", 4)
    if place + struct.calcsize(order + layout) + inline > len(data):
        raise FlawError("Its tags lie beyond the end of the file.")
    code, kind, count = struct.unpack_from(order + layout, data, place)
    size, start = count * _BYTES.get(kind, 0), place + struct.calcsize(order + layout)
    if kind not in _BYTES:
        return code, None
    if kind not in _TEXT and count > MAX_TAG_NUMBERS:
        raise FlawError(f"Its tag {code} claims {count} numbers.")
    if size > inline:
        start = struct.unpack_from(order + ("Q" if big else "I"), data, start)[0]
    if start + size > len(data):
        raise FlawError(f"Its tag {code} lies beyond the end of the file.")
    return code, Tag(kind, count, start, start + size)


def orientation(block: bytes) -> int | None:
    """Return the orientation that an EXIF block gives, 1 to 8; None where it gives none, or is damaged.

    Nothing but this one number is read.

    Args:
        block: with or without the word Exif before it.
    """
    data = block.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return None
    at = struct.unpack_from(order + "I", data, 4)[0]
    if at + 2 > len(data):
        return None
    count = struct.unpack_from(order + "H", data, at)[0]
    for place in range(at + 2, min(at + 2 + 12 * count, len(data) - 11), 12):
        code, kind = struct.unpack_from(order + "HH", data, place)
        if code == _ORIENTATION and kind in (_SHORT, _LONG):
            found = struct.unpack_from(order + _NUMBERS[kind], data, place + 8)[0]
            return found if 1 <= found <= 8 else None
    return None
