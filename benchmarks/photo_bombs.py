"""Small files that ask for much: memory or time far beyond their size."""

import struct
import zlib

import numpy as np

from photo_seeds import chunk, seeds

GREY = np.tile(np.arange(48, dtype=np.uint8) * 5, (40, 1))
SOUND = {seed.name: seed.data for seed in seeds(GREY)}
MANY = 300_000
SWELLING = zlib.compress(bytes(200_000_000), 1)


def bombs() -> dict[str, bytes]:
    """Return files by what they ask for."""
    jpeg, tiff = SOUND["JPEG grey"], SOUND["TIFF grey"]
    scan = jpeg.index(b"\xff\xda")
    progressive = SOUND["JPEG progressive grey"]
    last = progressive.rindex(b"\xff\xda")
    return {
        "WebP of 200 megapixels": _riff(_canvas(SOUND["WEBP frames"][12:], 16_383, 12_207)),
        "WebP with 100,000 frames": _riff(SOUND["WEBP frames"][12:] + (b"ANMF" + bytes(4)) * 100_000),
        "PNG of 80 megapixels with alpha": _png(10_000, 8_000, 6),
        "PNG of 60 megapixels with alpha": _png(10_000, 6_000, 6),
        "PNG of 65 megapixels in 16 bits with alpha": _png(10_000, 6_500, 6, bits=16),
        "PNG with 60 million rows": _png(1, 60_000_000, 0),
        "PNG with empty chunks": _between(SOUND["PNG grey"], chunk(b"teSt", b"") * MANY),
        "PNG with a text that swells": _between(SOUND["PNG grey"], chunk(b"zTXt", b"a\0\0" + SWELLING)),
        "PNG with a colour profile that swells": _between(
            SOUND["PNG grey"], chunk(b"iCCP", b"a\0\0" + SWELLING)
        ),
        "PNG whose EXIF tags all point to the same bytes": _between(
            SOUND["PNG grey"], chunk(b"eXIf", _tags(2**20))
        ),
        "JPEG whose EXIF tags all point to the same bytes": jpeg[:2]
        + b"".join(_segment(b"\xe1", b"Exif\0\0" + part) for part in _parts(_tags(2**20), 65_000))
        + jpeg[2:],
        "JPEG with fill bytes": jpeg[:2] + b"\xff" * 3_000_000 + jpeg[2:],
        "JPEG with empty segments": jpeg[:scan] + b"\xff\xfe\0\2" * MANY + jpeg[scan:],
        "JPEG of 900 megapixels": jpeg[:scan].replace(
            struct.pack(">HH", 40, 48), struct.pack(">HH", 30_000, 30_000)
        )
        + jpeg[scan:],
        "JPEG with 100,000 scans": progressive[:-2] + progressive[last:-2] * 100_000 + progressive[-2:],
        "TIFF whose tags all point to the same bytes": _tags(2**20),
        "TIFF with a tile of 400 megapixels": _tiff(
            {256: 10, 257: 10, 322: 20_000, 323: 20_000, 324: 0, 325: 9}, bytes(9)
        ),
        "TIFF with 200,000 rows": _tiff({256: 1, 257: 200_000, 278: 1, 273: 0, 279: 1}, bytes(9)),
        "TIFF whose width is a list": tiff.replace(
            struct.pack("<HHII", 256, 4, 1, 48), struct.pack("<HHII", 256, 1, 1_000, 8)
        ),
        "TIFF that clears its table at every code": _tiff_strip(5, _clears(2_000_000)),
        "TIFF that swells by deflate": _tiff_strip(8, SWELLING),
        "BMP of 200 megapixels": SOUND["BMP grey"].replace(
            struct.pack("<ii", 48, 40), struct.pack("<ii", 20_000, 10_000)
        ),
    }


def _canvas(chunks: bytes, width: int, height: int) -> bytes:
    """Return the chunks of a WebP with another size of its canvas."""
    return chunks[:12] + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little") + chunks[18:]


def _riff(content: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(content) + 4) + b"WEBP" + content


def _png(width: int, height: int, colour: int, bits: int = 8) -> bytes:
    """Return a PNG of zeros, whose stream is whole up to 60 MB."""
    size = height * (1 + width * bits // 8 * {0: 1, 6: 4}[colour])
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    stream = zlib.compress(bytes(min(size, 60_000_000)), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", stream) + chunk(b"IEND", b"")


def _between(png: bytes, chunks: bytes) -> bytes:
    at = png.index(b"IDAT") - 4
    return png[:at] + chunks + png[at:]


def _segment(code: bytes, content: bytes) -> bytes:
    return b"\xff" + code + struct.pack(">H", len(content) + 2) + content


def _parts(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def _tags(size: int) -> bytes:
    """Return a TIFF of `size` bytes with 60,000 tags that claim all of them."""
    entries = b"".join(struct.pack("<HHII", code, 7, size - 8, 8) for code in range(1000, 61_000))
    return (b"II*\0" + struct.pack("<IH", 8, 60_000) + entries + bytes(4)).ljust(size, b"\0")


def _tiff(values: dict[int, int], pixels: bytes = b"") -> bytes:
    entries = {258: 8, 259: 1, 262: 1, 277: 1, **values}
    start = 8 + 2 + 12 * len(entries) + 4
    packed = b"".join(
        struct.pack("<HHII", code, 4, 1, start if code in (273, 324) else value)
        for code, value in sorted(entries.items())
    )
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed + bytes(4) + pixels


def _tiff_strip(compression: int, strip: bytes) -> bytes:
    return _tiff({256: 100, 257: 100, 259: compression, 273: 0, 278: 100, 279: len(strip)}, strip)


def _clears(count: int) -> bytes:
    """Return LZW codes that clear the table, 9 bits each, in eights."""
    return int("100000000" * 8, 2).to_bytes(9, "big") * (count // 8)
