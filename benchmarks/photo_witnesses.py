"""What else could have told that a photo is damaged: other decoders, checksums, lengths; no code of castproof."""

import io
import warnings
import zlib
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import simplejpeg
from PIL import Image

from photo_seeds import PASSES, Seed

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def witness(seed: Seed, data: bytes) -> str:
    """Return who could have told that `data`, made from `seed`, is damaged; "" where no one could."""
    for name, tells in (
        ("Pillow", _pillow),
        ("OpenCV", _opencv),
        (f"{seed.family} itself", OF_FAMILY[seed.family]),
    ):
        try:
            told = tells(data) and not tells(seed.data)
        except Exception as error:
            return f"{name}: {type(error).__name__}"
        if told:
            return name
    scans = [one.count(b"\xff\xda") for one in (seed.data, data)]
    return "scans" if seed.family == "JPEG" and scans[1] < scans[0] else ""


def _pillow(data: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.open(io.BytesIO(data)).load()
    return False


def _opencv(data: bytes) -> bool:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) is None
    except cv2.error:
        return True


def _jpeg(data: bytes) -> bool:
    space = simplejpeg.decode_jpeg_header(data)[2]
    simplejpeg.decode_jpeg(data, "CMYK" if space in ("CMYK", "YCCK") else "RGB", strict=True)
    return False


def _png(data: bytes) -> bool:
    at, stream, header = 8, b"", b""
    while True:
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        content, check = data[at + 8 : at + 8 + size], data[at + 8 + size : at + 12 + size]
        if len(check) < 4 or zlib.crc32(kind + content) != int.from_bytes(check, "big"):
            return True
        if kind == b"IHDR":
            header = content
        stream += content if kind == b"IDAT" else b""
        if kind == b"IEND":
            break
        at += 12 + size
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    bits = header[8] * CHANNELS[header[9]]
    inflate = zlib.decompressobj()
    rows = inflate.decompress(stream)
    passes = PASSES if header[12] else ((0, 0, 1, 1),)
    sizes = [(-((x - width) // dx), -((y - height) // dy)) for x, y, dx, dy in passes]
    return len(rows) < sum(down * (1 + -(-across * bits // 8)) for across, down in sizes if across > 0)


def _bmp(data: bytes) -> bool:
    start, width = int.from_bytes(data[10:14], "little"), int.from_bytes(data[18:22], "little", signed=True)
    height = abs(int.from_bytes(data[22:26], "little", signed=True))
    end = start + height * ((width * int.from_bytes(data[28:30], "little") + 31) // 32 * 4)
    return not end <= len(data) < end + 4


def _webp(data: bytes) -> bool:
    return int.from_bytes(data[4:8], "little") + 8 > len(data)


def _tiff(data: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tags: Any = Image.open(io.BytesIO(data)).tag_v2  # type: ignore[attr-defined]
    if 322 in tags:
        width, rows, starts, lengths = tags[322], tags[323], tags[324], tags[325]
        heights = [rows] * (-(-tags[256] // width) * -(-tags[257] // rows))
    else:
        width, starts, lengths = tags[256], tags[273], tags[279]
        rows = min(tags.get(278, tags[257]), tags[257])
        heights = [min(rows, tags[257] - top) for top in range(0, tags[257], rows)]
    row = -(-width * sum(tags[258]) // 8)
    pieces = list(_pieces(data, starts, lengths))
    if len(pieces) != len(heights) or len(lengths) != len(heights):
        return True
    for piece, length, height in zip(pieces, lengths, heights, strict=True):
        made = length if tags.get(259, 1) == 1 else _made(piece, tags)
        if len(piece) < length or (made is not None and not height * row <= made < (height + 1) * row):
            return True
    return False


def _pieces(data: bytes, starts: Any, lengths: Any) -> Iterator[bytes]:
    for start, length in zip(starts, lengths, strict=False):
        yield data[start : start + length]


def _made(piece: bytes, tags: Any) -> int | None:
    """Return how many bytes a strip makes; None where its decoder says so itself."""
    if tags[259] in (8, 32946):
        return len(zlib.decompress(piece))
    if tags[259] == 5:
        return len(_lzw(piece))
    if tags[259] == 32773:
        return len(_pack_bits(piece))
    if tags[259] == 7:
        tables = bytes(tags[347])[:-2] + piece[2:] if 347 in tags else piece
        simplejpeg.decode_jpeg(tables, "GRAY", strict=True)
    return None


def _lzw(data: bytes) -> bytes:
    bits = "".join(f"{one:08b}" for one in data)
    table: list[bytes] = []
    made: list[bytes] = []
    at, width, last = 0, 9, b""
    while True:
        code = int(bits[at : at + width], 2)
        at += width
        if code == 257:
            return b"".join(made)
        if code == 256:
            table, width, last = [bytes([one]) for one in range(256)] + [b"", b""], 9, b""
            continue
        now = table[code] if code < len(table) else last + last[:1]
        if code > len(table) or (code == len(table) and not last):
            raise ValueError("a code before it is made")
        made.append(now)
        if last:
            table.append(last + now[:1])
        last = now
        width = 9 + (len(table) > 510) + (len(table) > 1022) + (len(table) > 2046)


def _pack_bits(data: bytes) -> bytes:
    made, at = b"", 0
    while at < len(data):
        count = data[at]
        if count < 128:
            made += data[at + 1 : at + 2 + count]
            at += 2 + count
        else:
            made += data[at + 1 : at + 2] * (257 - count) if count > 128 else b""
            at += 2 if count > 128 else 1
    return made


OF_FAMILY = {"JPEG": _jpeg, "PNG": _png, "BMP": _bmp, "TIFF": _tiff, "WEBP": _webp}
