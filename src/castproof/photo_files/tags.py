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
_FURTHER: Final = (
    330,
    34665,
    34853,
    40965,
)  # they point to directories: smaller pictures, EXIF, GPS, interoperability
_PIXELS: Final = ((273, 279), (324, 325), (513, 514))  # places and lengths of strips, of tiles, of a preview
_SHORTEST: Final = 16
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
    """One directory of tags: of a page, of a smaller picture, or of what EXIF says.

    Args:
        data: the file.
        order: "<" or ">", that of the bytes of a number.
        tags: by their code.
        start: where the directory begins.
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
            raise FlawError(f"Its tag {code} contains no whole numbers.")
        return struct.unpack_from(f"{self.order}{tag.count}{_NUMBERS[tag.kind]}", self.data, tag.start)

    def number(self, code: int, default: int) -> int:
        """Return the only one of `numbers`.

        Raises:
            FlawError: there are several.
        """
        found = self.numbers(code, (default,))
        if len(found) != 1:
            raise FlawError(f"Its tag {code} holds {len(found)} numbers.")
        return found[0]

    def stretches(self) -> list[tuple[int, int]]:
        """Return where the pixels that the directory tells of begin and end, however they are cut up."""
        found = []
        for starts, lengths in _PIXELS:
            where, sizes = self.numbers(starts), self.numbers(lengths)
            if len(where) != len(sizes):
                raise FlawError("The places and the lengths of its pixels are not as many.")
            found += [(start, start + size) for start, size in zip(where, sizes, strict=True)]
        return found


def read_tags(data: bytes) -> list[Tags]:
    """Return the directories of a TIFF, that of its first page first.

    Raises:
        FlawError: a directory, or what a tag points to, lies beyond the end of the file; a directory or a tag is there
            twice; or tags claim more bytes than the file has.
        OversizeError: there are too many tags.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < _SHORTEST:
        raise FlawError("Its header is damaged.")
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    word = "Q" if big else "I"
    left = [struct.unpack_from(order + word, data, 8 if big else 4)[0]]
    found: dict[int, Tags] = {}
    claimed, count = 0, 0
    while left:
        at = left.pop()
        if at in found:
            raise FlawError("One of its directories is there twice.")
        page = found[at] = _directory(data, order, big, at)
        count += len(page.tags)
        check_segments(count)
        claimed += sum(tag.end - tag.start for tag in page.tags.values())
        if claimed > len(data):
            raise FlawError("Its tags claim more bytes than the file has.")
        left += [one for code in _FURTHER for one in page.numbers(code)]
        left += [
            one for one in struct.unpack_from(order + word, data, page.end - struct.calcsize(word)) if one
        ]
    return list(found.values())


def _directory(data: bytes, order: str, big: bool, at: int) -> Tags:
    head, entry, tail = (8, 20, 8) if big else (2, 12, 4)
    if at + head > len(data):
        raise FlawError("Its tags are beyond the end of the file.")
    count = struct.unpack_from(order + ("Q" if big else "H"), data, at)[0]
    check_segments(count)
    end = at + head + count * entry
    if end + tail > len(data):
        raise FlawError("Its tags are beyond the end of the file.")
    tags: dict[int, Tag] = {}
    for place in range(at + head, end, entry):
        code, tag = _tag(data, order, big, place)
        if code in tags:
            raise FlawError(f"Its tag {code} is there twice.")
        tags[code] = tag
    return Tags(data, order, tags, at, end + tail)


def _tag(data: bytes, order: str, big: bool, place: int) -> tuple[int, Tag]:
    layout, inline = (order + "HHQ", 8) if big else (order + "HHI", 4)
    code, kind, count = struct.unpack_from(layout, data, place)
    start = place + struct.calcsize(layout)
    if kind not in _BYTES:
        raise FlawError(f"Its tag {code} is of an unknown kind.")
    if kind not in _TEXT and count > MAX_TAG_NUMBERS:
        raise FlawError(f"Its tag {code} claims {count} numbers.")
    size = count * _BYTES[kind]
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
