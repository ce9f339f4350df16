import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from PIL import Image, ImageOps

from castproof import images
from castproof.errors import ImageError
from castproof.fast_jpeg import decode_ordinary
from castproof.images import MAX_SIDE_PX, decode, decode_plain
from castproof.photo_files.jpeg import read_header

PHOTOS = Path(os.environ.get("CASTPROOF_DATA", Path(__file__).parents[3] / "shared" / "data" / "casting"))
RNG = np.random.default_rng(11)
COLOUR = Image.fromarray(RNG.integers(0, 256, (40, 56, 3), dtype=np.uint8))


def encoded(image: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def by_pillow(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def fast(data: bytes) -> np.ndarray | None:
    return decode_ordinary(data, read_header(data), max_side_px=MAX_SIDE_PX, keep_grey=False)


PLAIN = encoded(COLOUR)
FRAME = PLAIN.index(b"\xff\xc0")  # then length (2), bits (1), height (2), width (2), components (1)


def with_byte(place: int, value: int) -> bytes:
    return PLAIN[:place] + bytes([value]) + PLAIN[place + 1 :]


def turned(orientation: int, order: str = ">") -> bytes:
    """Return an EXIF block that tells an orientation, with the bytes of numbers in this order."""
    head = {">": b"MM\0*", "<": b"II*\0"}[order]
    entry = struct.pack(f"{order}HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    return b"Exif\0\0" + head + struct.pack(f"{order}I", 8) + entry


def segment(marker: int, content: bytes) -> bytes:
    """Return `PLAIN` with one more segment after its start marker."""
    return PLAIN[:2] + bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content + PLAIN[2:]


def test_an_ordinary_jpeg_takes_the_fast_path() -> None:
    np.testing.assert_array_equal(fast(PLAIN), by_pillow(PLAIN))
    result = fast(PLAIN)
    assert result is not None
    assert result.flags.c_contiguous
    assert result.flags.writeable


@pytest.mark.parametrize(
    "data",
    [
        encoded(COLOUR, keep_rgb=True),  # stored as RGB
        encoded(COLOUR.convert("CMYK")),
        encoded(COLOUR, exif=turned(6)),
        encoded(COLOUR, exif=turned(6, "<")),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation='6'/>"),
        segment(0xEE, b"Adobe\0\x64\0\0\0\0\0"),
        segment(0xEE, b"Adobe\0\x64\0\0\0\0\1"),
        segment(0xE0, b"JFIF"),
        with_byte(FRAME + 1, 0xC1),
        with_byte(FRAME + 11, 0x12),  # 4:4:0
        with_byte(FRAME + 14, 0x21),
        PLAIN[:2] + b"\xff\xec\0\2" + PLAIN[2:],  # a segment that Pillow may look at
        encoded(Image.new("L", (MAX_SIDE_PX + 1, 1))),
        encoded(Image.new("L", (1, MAX_SIDE_PX + 1))),
    ],
)
def test_what_is_not_ordinary_is_left_to_pillow(data: bytes) -> None:
    assert fast(data) is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (with_byte(FRAME + 1, 0xC3), "lossless"),
        (with_byte(FRAME + 1, 0xC9), "arithmetic"),
        (with_byte(FRAME + 4, 12), "12 bits"),
        (with_byte(FRAME + 9, 4), "frame header"),
        (PLAIN[:FRAME] + PLAIN[FRAME + 19 :], "no frame"),
        (PLAIN[: FRAME + 19] + PLAIN[FRAME:], "two frame"),
        (PLAIN[:20] + b"\0" + PLAIN[20:], "belong to nothing"),
        (with_byte(FRAME + 10, ord("R")), "header of a scan"),
        (PLAIN[:-2], "Premature end"),
        (PLAIN[:-40] + b"\xff\xd9", "premature end"),
        (PLAIN[:-40] + b"\0" * 38 + b"\xff\xd9", "decoder says"),
        (PLAIN[:-2] + bytes(9) + PLAIN[-2:], "extraneous"),
        (PLAIN[: FRAME + 6], "cut off"),
        (b"\xff\xd8\xff", "no pixels"),
    ],
)
@pytest.mark.parametrize("notes", [b"", b"\xff\xec\0\2"], ids=["fast", "Pillow"])
def test_a_jpeg_that_libjpeg_warns_of_is_refused_whoever_decodes_it(
    data: bytes, words: str, notes: bytes
) -> None:
    with pytest.raises(ImageError, match=r"cut off or damaged|does not read") as caught:
        decode(data[:2] + notes + data[2:])
    assert words in caught.value.found


@pytest.mark.parametrize(
    "data",
    [
        encoded(COLOUR, exif=b"Exif\0\0"),
        encoded(COLOUR, exif=turned(1)),
        encoded(COLOUR, exif=turned(1, "<")),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0"),
        encoded(COLOUR, icc_profile=bytes(200)),
    ],
)
def test_notes_that_leave_the_photo_upright_take_the_fast_path(data: bytes) -> None:
    np.testing.assert_array_equal(fast(data), by_pillow(data))


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_is_turned(order: str, orientation: int) -> None:
    data = encoded(COLOUR, exif=turned(orientation, order))
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(decode(data), np.asarray(upright))


def test_the_largest_side_takes_the_fast_path() -> None:
    for size in ((MAX_SIDE_PX, 1), (1, MAX_SIDE_PX)):
        result = fast(encoded(Image.new("L", size)))
        assert result is not None
        assert result.shape == (size[1], size[0], 3)


def test_rgb_jpeg_and_other_sampling_are_decoded_by_pillow() -> None:
    pixels = np.ascontiguousarray(COLOUR)
    odd = [simplejpeg.encode_jpeg(pixels, 90, colorsubsampling=name) for name in ("440", "411")]
    for data in (encoded(COLOUR, keep_rgb=True), *odd):
        assert fast(data) is None
        np.testing.assert_array_equal(decode(data), by_pillow(data))


@pytest.mark.parametrize("sampling", [0x21, 0x22])
def test_grey_jpeg_with_needless_sampling_factors(sampling: int) -> None:
    data = encoded(COLOUR.convert("L"))
    at = data.index(b"\xff\xc0") + 11
    data = data[:at] + bytes([sampling]) + data[at + 1 :]
    np.testing.assert_array_equal(fast(data), by_pillow(data))


@pytest.mark.parametrize("image", [COLOUR, COLOUR.convert("L")], ids=["colour", "grey"])
def test_without_the_fast_path_pillow_gives_the_same(
    image: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded(image)
    results = decode(data), decode_plain(data)
    monkeypatch.setattr(images, "decode_ordinary", lambda *_, **__: None)
    for result, expected in zip((decode(data), decode_plain(data)), results, strict=True):
        np.testing.assert_array_equal(result, expected)
        assert result.flags.c_contiguous


@pytest.mark.skipif(
    not (PHOTOS / "test" / "ok_front").is_dir(),
    reason="needs real photos: set CASTPROOF_DATA to a folder that holds test/ok_front and so on",
)
def test_real_photos_take_the_fast_path_and_have_the_pixels_of_pillow() -> None:
    for name in ("ok_front", "def_front"):
        for path in sorted((PHOTOS / "test" / name).glob("*.jp*g"))[:100]:
            data, expected = path.read_bytes(), by_pillow(path.read_bytes())
            np.testing.assert_array_equal(fast(data), expected)
            is_grey = (expected == expected[..., :1]).all()
            np.testing.assert_array_equal(decode_plain(path), expected[..., 0] if is_grey else expected)
