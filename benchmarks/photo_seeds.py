"""Small sound photos of every kind that castproof reads, to damage.

Pillow writes no interlaced PNG and no tiled TIFF; those are written here.
"""

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

Grey = npt.NDArray[np.uint8]
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


@dataclass(frozen=True)
class Seed:
    """A sound photo.

    Args:
        name: how it is stored.
        family: "JPEG", "PNG", "BMP", "TIFF" or "WEBP".
        data: its file.
    """

    name: str
    family: str
    data: bytes


def seeds(grey: Grey) -> list[Seed]:
    """Return one photo stored in every way.

    Args:
        grey: uint8 (height, width).
    """
    plain, colour = Image.fromarray(grey), tinted(grey)
    clear = colour.copy()
    clear.putalpha(Image.fromarray(255 - grey // 3))
    deep = Image.fromarray(grey.astype(np.uint16) << 8 | grey[::-1])
    turned = Image.Exif()
    turned[0x0112] = 6
    frames: dict[str, Any] = {
        "save_all": True,
        "append_images": [colour.transpose(Image.Transpose.ROTATE_180)],
    }
    written: list[tuple[str, str, Image.Image, dict[str, Any]]] = [
        ("JPEG", "grey", plain, {}),
        ("JPEG", "4:2:0", colour, {"subsampling": "4:2:0"}),
        ("JPEG", "4:4:4", colour, {"subsampling": "4:4:4", "quality": 92}),
        ("JPEG", "progressive", colour, {"progressive": True}),
        ("JPEG", "progressive grey", plain, {"progressive": True}),
        ("JPEG", "restart grey", plain, {"restart_marker_blocks": 4}),
        ("JPEG", "restart colour", colour, {"restart_marker_rows": 1}),
        ("JPEG", "turned", colour, {"exif": turned}),
        ("JPEG", "CMYK", colour.convert("CMYK"), {}),
        ("JPEG", "stored as RGB", colour, {"keep_rgb": True}),
        ("PNG", "grey", plain, {}),
        ("PNG", "colour", colour, {}),
        ("PNG", "alpha", clear, {}),
        ("PNG", "grey alpha", clear.convert("LA"), {}),
        ("PNG", "palette", colour.quantize(64), {}),
        ("PNG", "4 bits", plain.quantize(16), {"bits": 4}),
        ("PNG", "1 bit", plain.convert("1"), {}),
        ("PNG", "16 bits", deep, {}),
        ("PNG", "frames", colour, frames),
        ("BMP", "grey", plain, {}),
        ("BMP", "colour", colour, {}),
        ("BMP", "1 bit", plain.convert("1"), {}),
        ("TIFF", "grey", plain, {}),
        ("TIFF", "colour", colour, {}),
        ("TIFF", "strips", colour, {"tiffinfo": {278: 16}}),
        ("TIFF", "alpha", clear, {}),
        ("TIFF", "16 bits", deep, {}),
        ("TIFF", "pages", colour, frames),
        ("TIFF", "LZW", plain, {"compression": "tiff_lzw"}),
        ("TIFF", "LZW strips", colour, {"compression": "tiff_lzw", "tiffinfo": {278: 16}}),
        ("TIFF", "deflate", colour, {"compression": "tiff_adobe_deflate"}),
        ("TIFF", "PackBits", plain, {"compression": "packbits"}),
        ("TIFF", "JPEG", plain, {"compression": "jpeg"}),
        ("TIFF", "JPEG strips", colour, {"compression": "jpeg", "tiffinfo": {278: 16}}),
        ("WEBP", "lossy", colour, {}),
        ("WEBP", "lossless", colour, {"lossless": True}),
        ("WEBP", "alpha", clear, {}),
        ("WEBP", "frames", colour, frames),
    ]
    found = [
        Seed(f"{kind} {name}", kind, _encoded(image, kind, options)) for kind, name, image, options in written
    ]
    odd = simplejpeg.encode_jpeg(np.ascontiguousarray(np.asarray(colour)), 90, colorsubsampling="440")
    return [
        *found,
        Seed("JPEG 4:4:0", "JPEG", odd),
        Seed("PNG interlaced", "PNG", interlaced(grey)),
        Seed("TIFF tiles", "TIFF", tiled(grey, 32)),
    ]


def tinted(grey: Grey) -> Image.Image:
    """Return a photo in colour with the content of a grey one."""
    level = grey / 255
    return Image.fromarray(
        np.stack([255 * level**power for power in (0.8, 1.0, 1.3)], axis=-1).astype(np.uint8)
    )


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def interlaced(grey: Grey) -> bytes:
    """Return an interlaced grey PNG."""
    height, width = grey.shape
    rows = b"".join(
        b"\0" + row.tobytes() for x, y, across, down in PASSES for row in grey[y::down, x::across] if row.size
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1)
    chunks = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def tiled(grey: Grey, side: int) -> bytes:
    """Return a grey TIFF in several tiles of `side` pixels."""
    height, width = grey.shape
    across, down = -(-width // side), -(-height // side)
    whole = np.zeros((down * side, across * side), np.uint8)
    whole[:height, :width] = grey
    tiles = whole.reshape(down, side, across, side).swapaxes(1, 2).reshape(-1, side * side)
    count = len(tiles)
    entries = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 277: 1, 322: side, 323: side}
    start = 8 + 2 + 12 * (len(entries) + 2) + 4
    pixels = start + 8 * count
    packed = [struct.pack("<HHII", code, 4, 1, value) for code, value in entries.items()]
    packed += [
        struct.pack("<HHII", 324, 4, count, start),
        struct.pack("<HHII", 325, 4, count, start + 4 * count),
    ]
    offsets = struct.pack(f"<{count}I", *(pixels + number * side * side for number in range(count)))
    lengths = struct.pack(f"<{count}I", *[side * side] * count)
    head = b"II*\0" + struct.pack("<IH", 8, len(packed)) + b"".join(packed) + bytes(4)
    return head + offsets + lengths + tiles.tobytes()


def _encoded(image: Image.Image, kind: str, options: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    image.copy().save(stream, kind, **options)
    return stream.getvalue()
