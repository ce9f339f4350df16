"""Ways in which a photo is damaged on its way: by any byte, and by what each format is made of."""

import re
import struct
import zlib
from collections.abc import Callable

import numpy as np

from photo_seeds import Seed, chunk

Damage = Callable[[bytes, np.random.Generator], bytes]


def damaged(seed: Seed, rng: np.random.Generator) -> tuple[str, bytes]:
    """Return how a photo was damaged, and its file then, which differs from the sound one."""
    while True:
        kinds = ANYWHERE if rng.random() < 0.6 else OF_FAMILY[seed.family]
        kind = kinds[int(rng.integers(len(kinds)))]
        data = kind(seed.data, rng)
        if data != seed.data:
            return kind.__name__.strip("_").replace("_", " "), data


def _place(data: bytes, rng: np.random.Generator) -> int:
    """Return a place; every third lies among the first bytes, where headers are."""
    return int(rng.integers(min(len(data), 200) if rng.random() < 0.3 else len(data)))


def _length(data: bytes, rng: np.random.Generator) -> int:
    return 1 + int(len(data) * rng.random() ** 3 / 2)


def _bit_flipped(data: bytes, rng: np.random.Generator) -> bytes:
    at = _place(data, rng)
    return data[:at] + bytes([data[at] ^ 1 << int(rng.integers(8))]) + data[at + 1 :]


def _bits_flipped(data: bytes, rng: np.random.Generator) -> bytes:
    for _ in range(int(rng.integers(2, 9))):
        data = _bit_flipped(data, rng)
    return data


def _noise(data: bytes, rng: np.random.Generator) -> bytes:
    at, size = _place(data, rng), _length(data, rng)
    return data[:at] + rng.bytes(len(data[at : at + size])) + data[at + size :]


def _zeros(data: bytes, rng: np.random.Generator) -> bytes:
    at, size = _place(data, rng), _length(data, rng)
    return data[:at] + bytes(len(data[at : at + size])) + data[at + size :]


def _cut_off(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: int(rng.integers(len(data)))]


def _cut_off_and_filled(data: bytes, rng: np.random.Generator) -> bytes:
    kept = int(rng.integers(len(data)))
    return data[:kept] + bytes([int(rng.choice([0, 255]))]) * (len(data) - kept)


def _cut_off_before_the_end_marker(data: bytes, rng: np.random.Generator) -> bytes:
    tail = 12 if data.startswith(b"\x89PNG") else 2
    return data[: int(rng.integers(len(data)))] + data[-tail:]


def _piece_missing(data: bytes, rng: np.random.Generator) -> bytes:
    at = _place(data, rng)
    return data[:at] + data[at + _length(data, rng) :]


def _piece_twice(data: bytes, rng: np.random.Generator) -> bytes:
    at, size = _place(data, rng), _length(data, rng)
    return data[: at + size] + data[at:]


def _pieces_swapped(data: bytes, rng: np.random.Generator) -> bytes:
    a, b, c = sorted(int(one) for one in rng.integers(len(data), size=3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


# PNG, with checksums that fit.


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def _written(data: bytes, chunks: list[tuple[bytes, bytes]]) -> bytes:
    return data[:8] + b"".join(chunk(kind, content) for kind, content in chunks)


def _with_stream(data: bytes, stream: bytes) -> bytes:
    """Return a PNG with another stream of pixels."""
    chunks = [one for one in _chunks(data) if one[0] != b"IDAT"]
    at = next(place for place, one in enumerate(chunks) if one[0] in (b"IEND", b"fdAT") or one == chunks[-1])
    return _written(data, [*chunks[:at], (b"IDAT", stream), *chunks[at:]])


def _stream(data: bytes) -> bytes:
    return b"".join(content for kind, content in _chunks(data) if kind == b"IDAT")


def _png_stream_ends_early(data: bytes, rng: np.random.Generator) -> bytes:
    rows = zlib.decompress(_stream(data))
    return _with_stream(data, zlib.compress(rows[: int(rng.integers(len(rows)))]))


def _png_stream_cut(data: bytes, rng: np.random.Generator) -> bytes:
    stream = _stream(data)
    return _with_stream(data, stream[: int(rng.integers(len(stream)))])


def _png_stream_damaged(data: bytes, rng: np.random.Generator) -> bytes:
    return _with_stream(data, _bits_flipped(_stream(data), rng))


def _png_header_changed(data: bytes, rng: np.random.Generator) -> bytes:
    chunks = _chunks(data)
    return _written(data, [(b"IHDR", _bit_flipped(chunks[0][1], rng)), *chunks[1:]])


# JPEG; the same file where it has no such thing.


def _markers(data: bytes, code: bytes) -> list[int]:
    start = data.find(b"\xff\xda")
    return [one.start() + start for one in re.finditer(rb"\xff[" + code + rb"]", data[start:])]


def _restart_marker_changed(data: bytes, rng: np.random.Generator) -> bytes:
    places = _markers(data, rb"\xd0-\xd7")
    if not places:
        return data
    at = int(rng.choice(places))
    return data[: at + 1] + bytes([0xD0 + int(rng.integers(8))]) + data[at + 2 :]


def _restart_intervals_missing(data: bytes, rng: np.random.Generator) -> bytes:
    places = _markers(data, rb"\xd0-\xd7\xd9")
    if len(places) < 2:
        return data
    first, last = sorted(int(one) for one in rng.choice(len(places), 2, replace=False))
    return data[: places[first]] + data[places[last] :]


def _restart_intervals_swapped(data: bytes, rng: np.random.Generator) -> bytes:
    places = _markers(data, rb"\xd0-\xd7\xd9")
    if len(places) < 3:
        return data
    a, b, c = (places[int(one)] for one in sorted(rng.choice(len(places), 3, replace=False)))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def _scan_missing(data: bytes, rng: np.random.Generator) -> bytes:
    places = [*_markers(data, rb"\xda"), *_markers(data, rb"\xd9")[-1:]]
    if len(places) < 3:
        return data
    one = int(rng.integers(1, len(places) - 1))
    return data[: places[one]] + data[places[one + 1] :]


def _frame_changed(data: bytes, rng: np.random.Generator) -> bytes:
    """Return the file with other rows, columns or channels in its frame header."""
    found = re.search(rb"\xff[\xc0-\xc2]\x00[\x0b\x11\x14]\x08", data)
    if found is None:
        return data
    at = found.start() + 4 + int(rng.integers(1, 5))
    return data[:at] + bytes([data[at] ^ 1 << int(rng.integers(8))]) + data[at + 1 :]


def _fewer_rows(data: bytes, rng: np.random.Generator) -> bytes:
    found = re.search(rb"\xff[\xc0-\xc2]\x00[\x0b\x11\x14]\x08", data)
    if found is None:
        return data
    at = found.start() + 5
    rows = int.from_bytes(data[at : at + 2], "big")
    return data[:at] + struct.pack(">H", int(rng.integers(1, rows))) + data[at + 2 :]


# TIFF, BMP and WebP.


def _tag_changed(data: bytes, rng: np.random.Generator) -> bytes:
    at = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[at : at + 2], "little")
    place = at + 2 + 12 * int(rng.integers(count)) + int(rng.choice([0, 2, 4, 8, 8, 8, 8]))
    kind = int(rng.integers(3))
    value = int.from_bytes(data[place : place + 2], "little")
    other = (value ^ 1 << int(rng.integers(16)), int(value * rng.random()), min(value * 2, 65535))[kind]
    return data[:place] + struct.pack("<H", other) + data[place + 2 :]


def _header_changed(data: bytes, rng: np.random.Generator) -> bytes:
    """Return the file with one bit of its header flipped, where sizes and lengths stand."""
    at = int(rng.integers(2, min(len(data), 60)))
    return data[:at] + bytes([data[at] ^ 1 << int(rng.integers(8))]) + data[at + 1 :]


ANYWHERE: tuple[Damage, ...] = (
    _bit_flipped,
    _bits_flipped,
    _noise,
    _zeros,
    _cut_off,
    _cut_off_and_filled,
    _cut_off_before_the_end_marker,
    _piece_missing,
    _piece_twice,
    _pieces_swapped,
)
OF_FAMILY: dict[str, tuple[Damage, ...]] = {
    "JPEG": (
        _restart_marker_changed,
        _restart_intervals_missing,
        _restart_intervals_swapped,
        _scan_missing,
        _frame_changed,
        _fewer_rows,
    ),
    "PNG": (_png_stream_ends_early, _png_stream_cut, _png_stream_damaged, _png_header_changed),
    "BMP": (_header_changed,),
    "TIFF": (_tag_changed, _fewer_rows, _restart_intervals_missing),
    "WEBP": (_header_changed,),
}
