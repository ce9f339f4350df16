import io
import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from castproof.errors import ImageError
from castproof.images import MAX_SIDE_PX, decode, decode_plain, is_image_file
from castproof.preprocess import COMPARED_BYTES, is_grey

RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
PLAIN = Image.linear_gradient("L").resize((96, 64))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.copy().save(stream, kind, **options)  # a saved image keeps settings of its last format
    return stream.getvalue()


def repeated(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[:, :, None], 3, axis=2)


def png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = b"IDAT" + zlib.compress(b"\0" * 100)
    chunks = [
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, body, b"IEND")
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
@pytest.mark.parametrize("pixels", [GREY, COLOUR], ids=["grey", "colour"])
def test_lossless_formats_give_the_stored_pixels(kind: str, pixels: np.ndarray) -> None:
    result = decode(encoded(Image.fromarray(pixels), kind))
    np.testing.assert_array_equal(result, pixels if pixels.ndim == 3 else repeated(pixels))
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
    assert result.flags.writeable


def test_webp_and_jpeg_give_the_stored_colour() -> None:
    flat = np.full((16, 24, 3), (200, 100, 50), np.uint8)
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(flat), "WEBP", lossless=True)), flat)
    assert np.abs(decode(encoded(Image.fromarray(flat), "JPEG", quality=95)).astype(int) - flat).max() <= 3


def test_path_string_and_bytes_agree_and_the_content_decides_on_the_format(tmp_path: Path) -> None:
    path = tmp_path / "Gußteil 鋳物 #1.JPG"
    path.write_bytes(encoded(Image.fromarray(COLOUR), "PNG"))
    for source in (path, str(path), path.read_bytes()):
        np.testing.assert_array_equal(decode(source), COLOUR)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "TIFF lzw", "TIFF pages"])
def test_exif_orientation_is_applied(kind: str, orientation: int) -> None:
    small = RNG.integers(0, 256, (3, 4), dtype=np.uint8)
    blocks = np.kron(small, np.ones((16, 16), np.uint8))  # large blocks survive JPEG
    upright = {
        1: blocks,
        2: blocks[:, ::-1],
        3: blocks[::-1, ::-1],
        4: blocks[::-1],
        5: blocks.T,
        6: np.rot90(blocks, -1),
        7: blocks[::-1, ::-1].T,
        8: np.rot90(blocks),
    }[orientation]
    image = Image.fromarray(blocks)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, object] = {"exif": exif}
    if kind == "TIFF lzw":
        options["compression"] = "tiff_lzw"
    if kind == "TIFF pages":
        options |= {"save_all": True, "append_images": [PLAIN]}
    if kind == "JPEG":
        options["quality"] = 95
    if kind == "WEBP":
        options["lossless"] = True
    result = decode(encoded(image, kind.split()[0], **options))
    assert result.shape == (*upright.shape, 3)
    assert np.abs(result.astype(int) - repeated(upright)).max() <= (6 if kind == "JPEG" else 0)


def test_a_damaged_exif_block_does_not_hide_the_photo() -> None:
    data = encoded(PLAIN, "JPEG", exif=b"Exif\0\0rubbish")
    assert decode(data).shape == (64, 96, 3)


SIXTEEN = np.array([[0, 255, 256, 4095], [4096, 32768, 65279, 65535]], np.uint16)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "TIFF lzw"])
def test_16_bit_grey_keeps_the_upper_byte(kind: str) -> None:
    options = {"compression": "tiff_lzw"} if "lzw" in kind else {}
    data = encoded(Image.fromarray(SIXTEEN), kind.split()[0], **options)
    np.testing.assert_array_equal(decode(data), repeated((SIXTEEN >> 8).astype(np.uint8)))


def test_16_bit_big_endian_tiff() -> None:
    image = Image.frombytes("I;16B", (4, 2), SIXTEEN.astype(">u2").tobytes())
    data = encoded(image, "TIFF")
    assert data.startswith(b"MM")
    np.testing.assert_array_equal(decode(data), repeated((SIXTEEN >> 8).astype(np.uint8)))


def test_16_bit_white_is_zero_tiff_is_inverted() -> None:
    data = encoded(Image.fromarray(SIXTEEN), "TIFF")
    entry = struct.pack("<HHIH", 262, 3, 1, 1)
    assert data.count(entry) == 1
    data = data.replace(entry, struct.pack("<HHIH", 262, 3, 1, 0))
    np.testing.assert_array_equal(decode(data), repeated(((65535 - SIXTEEN) >> 8).astype(np.uint8)))


def test_32_bit_integer_tiff_is_read_as_16_bit_or_refused() -> None:
    data = encoded(Image.fromarray(SIXTEEN.astype(np.int32)), "TIFF")
    np.testing.assert_array_equal(decode(data), repeated((SIXTEEN >> 8).astype(np.uint8)))
    for extreme in (-1, 65536):
        with pytest.raises(ImageError, match="outside of 16 bits"):
            decode(encoded(Image.fromarray(np.array([[40000, extreme]], np.int32)), "TIFF"))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_12_bit_values_in_the_low_end_of_16_bits_are_refused_not_blackened(kind: str) -> None:
    with pytest.raises(ImageError, match="nearly black") as caught:
        decode(encoded(Image.fromarray(np.full((4, 4), 4095, np.uint16)), kind))
    assert "4096" in caught.value.found
    decode(encoded(Image.fromarray(np.full((4, 4), 4096, np.uint16)), kind))


def packed_12_bit_tiff(left: int, right: int) -> bytes:
    """Return a TIFF of two pixels with 12 bits each, in three bytes."""
    tags = (
        (256, 3, 2),
        (257, 3, 1),
        (258, 3, 12),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 0),
        (278, 3, 1),
        (279, 4, 3),
    )
    start = 8 + 2 + 12 * len(tags) + 4
    entries = [
        struct.pack("<HHII", tag, kind, 1, start if tag == 273 else value) for tag, kind, value in tags
    ]
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + b"".join(entries) + b"\0" * 4
    return head + (left << 12 | right).to_bytes(3, "big")


def test_packed_12_bit_tiff_keeps_its_upper_8_bits() -> None:
    np.testing.assert_array_equal(decode(packed_12_bit_tiff(80, 4095))[0, :, 0], (5, 255))
    np.testing.assert_array_equal(decode(packed_12_bit_tiff(80, 31))[0, :, 0], (5, 1))


def test_a_dark_8_bit_photo_is_not_refused() -> None:
    assert decode(encoded(Image.new("L", (4, 4), 3), "PNG")).max() == 3


def test_cmyk_jpeg_and_tiff() -> None:
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # magenta and yellow ink: red
    for kind in ("JPEG", "TIFF"):
        result = decode(encoded(cmyk, kind))
        assert np.abs(result.astype(int) - (255, 0, 0)).max() <= 4


def test_palette_one_bit_and_ycbcr() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 150, 100])
    palette.putpixel((1, 0), 1)
    for kind in ("PNG", "BMP", "TIFF"):
        np.testing.assert_array_equal(decode(encoded(palette, kind)), [[(10, 20, 30), (200, 150, 100)]])
    bits = np.array([[True, False, True]])
    for kind in ("PNG", "BMP", "TIFF"):
        np.testing.assert_array_equal(
            decode(encoded(Image.fromarray(bits), kind)), repeated(bits * np.uint8(255))
        )
    grey = Image.new("RGB", (16, 16), (90, 90, 90)).convert("YCbCr")
    assert np.abs(decode(encoded(grey, "TIFF")).astype(int) - 90).max() <= 2


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_alpha_is_laid_over_white(kind: str) -> None:
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    image = Image.new("RGBA", (3, 1), (100, 0, 200, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    image.putpixel((2, 0), (0, 100, 200, 128))
    result = decode(encoded(image, kind, **options)).astype(int)
    np.testing.assert_array_equal(result[0, 0], (100, 0, 200))
    np.testing.assert_array_equal(result[0, 1], (255, 255, 255))
    np.testing.assert_allclose(result[0, 2], (127, 177, 227), atol=1)


def test_grey_alpha_and_palette_transparency() -> None:
    grey = Image.new("LA", (2, 1), (40, 255))
    grey.putpixel((1, 0), (40, 0))
    np.testing.assert_array_equal(decode(encoded(grey, "PNG"))[0, :, 0], (40, 255))
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 150, 100])
    palette.putpixel((1, 0), 1)
    data = encoded(palette, "PNG", transparency=1)
    np.testing.assert_array_equal(decode(data), [[(10, 20, 30), (255, 255, 255)]])


def test_first_page_of_a_multi_page_tiff() -> None:
    pages = [Image.new("L", (4, 3), 10), Image.new("L", (9, 9), 99)]
    result = decode(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    np.testing.assert_array_equal(result, np.full((3, 4, 3), 10))


def test_floating_point_tiff_is_refused() -> None:
    with pytest.raises(ImageError, match="floating-point"):
        decode(encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"))


def test_one_pixel() -> None:
    np.testing.assert_array_equal(decode(encoded(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG")), [[(1, 2, 3)]])


def test_60_megapixels_are_reduced_by_box_means() -> None:
    image = Image.new("L", (10_000, 6_000), 40)
    image.paste(200, (0, 0, 3, 3))
    image.paste(100, (3, 0, 4, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = decode(encoded(image, "PNG", compress_level=1))
    assert result.shape == (2000, 3334, 3)
    assert max(result.shape) <= MAX_SIDE_PX
    assert tuple(result[0, :3, 0]) == (200, 60, 40)
    assert (result[1:] == 40).all()


def test_the_largest_side_that_is_kept() -> None:
    assert decode(encoded(Image.new("L", (MAX_SIDE_PX, 2)), "PNG")).shape == (2, MAX_SIDE_PX, 3)
    assert decode(encoded(Image.new("L", (MAX_SIDE_PX + 1, 2)), "PNG")).shape == (1, MAX_SIDE_PX // 2 + 1, 3)


def test_more_than_70_megapixels_are_refused_before_decoding() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError, match="at most 70 megapixels") as caught:
            decode(png_header(10_001, 7_000))
        assert "10001 x 7000" in caught.value.found
        with pytest.raises(ImageError, match="damaged"):  # within the limit, but its data end early
            decode(png_header(10_000, 7_000))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("tail", ["cut", "zeros"])
def test_half_a_photo_is_never_accepted(kind: str, tail: str) -> None:
    noise = RNG.integers(0, 256, (64, 96), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    whole = decode(data)
    for kept in range(0, len(data), max(1, len(data) // 60)):
        part = data[:kept] + (b"\0" * (len(data) - kept) if tail == "zeros" else b"")
        if tail == "zeros" and kind in ("BMP", "TIFF", "WEBP"):
            continue  # zeros are valid content there: nothing in the file tells them from a black region
        try:
            result = decode(part)
        except ImageError:
            continue
        np.testing.assert_array_equal(result, whole)


def test_truncated_stays_refused_when_another_library_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = encoded(PLAIN, "PNG")
    with pytest.raises(ImageError):
        decode(data[: len(data) // 2])


@pytest.mark.parametrize(
    "data", [b"not a photo", b"<html>", b"GIF89a" + b"\0" * 50, b"\xff", b"BMW", b"RIFFxxxxWAVE"]
)
def test_what_is_not_a_photo_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageError) as caught:
        decode(path)
    assert str(path) in caught.value.problem
    assert caught.value.fix


def test_formats_beyond_the_list_are_refused() -> None:
    for kind in ("GIF", "PPM", "ICO", "TGA", "PCX", "JPEG2000"):
        with pytest.raises(ImageError, match="not a photo"):
            decode(encoded(PLAIN, kind))


def test_empty_file_missing_file_and_folder(tmp_path: Path) -> None:
    empty = tmp_path / "empty.png"
    empty.touch()
    for source, words in ((empty, "0 bytes"), (tmp_path / "none.png", "no file"), (tmp_path, "is a folder")):
        with pytest.raises(ImageError, match=words) as caught:
            decode(source)
        assert str(source) in caught.value.problem
    for odd in ("a\0b.png", "x" * 5000 + ".png", ""):
        with pytest.raises(ImageError):
            decode(odd)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="regular"):
        decode(tmp_path / "pipe.png")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(encoded(PLAIN, "PNG"))
    path.chmod(0)
    with pytest.raises(ImageError, match="may not be read"):
        decode(path)


def test_is_image_file() -> None:
    assert all(
        is_image_file(f"a.b{suffix}")
        for suffix in (".jpg", ".JPEG", ".Png", ".bmp", ".TIF", ".tiff", ".webp")
    )
    assert not any(is_image_file(name) for name in ("jpg", ".jpg", "a.jpg.txt", "a.gif", "a", "a.jpg~"))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_grey_photo_has_one_plane(kind: str, mode: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(PLAIN.convert(mode), kind, **options)
    result = decode_plain(data)
    assert result.shape == (64, 96)
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(repeated(result), decode(data))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_a_colour_photo_keeps_three_planes(kind: str) -> None:
    data = encoded(Image.fromarray(COLOUR), kind)
    assert decode_plain(data).shape == COLOUR.shape
    np.testing.assert_array_equal(decode_plain(data), decode(data))


def test_a_plain_photo_is_turned_reduced_and_refused_like_any_other() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode_plain(encoded(PLAIN, "JPEG", exif=exif)).shape == (96, 64)
    assert decode_plain(encoded(Image.new("L", (MAX_SIDE_PX + 1, 2)), "PNG")).shape == (
        1,
        MAX_SIDE_PX // 2 + 1,
    )
    with pytest.raises(ImageError, match="0 bytes"):
        decode_plain(b"")


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (5, 7), (33, 20), (40, COMPARED_BYTES // 30)])
def test_one_value_off_anywhere_makes_a_photo_colour(shape: tuple[int, int]) -> None:
    grey = repeated(RNG.integers(0, 256, shape, dtype=np.uint8))
    assert is_grey(grey)
    assert is_grey(grey[::-1, ::-1])  # not contiguous
    places = range(grey.size) if grey.size < 2000 else RNG.integers(0, grey.size, 20)
    for place in (*places, 0, grey.size - 1):
        colour = grey.copy()
        colour.reshape(-1)[place] ^= 1
        assert not is_grey(colour)
        assert not is_grey(colour[::-1, ::-1])


def test_equal_green_and_blue_alone_are_not_grey() -> None:
    for odd in range(3):
        flat = np.full((4, 5, 3), 90, np.uint8)
        flat[..., odd] = 91
        assert not is_grey(flat)


@pytest.mark.parametrize("exif", [b"", b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00"])
@pytest.mark.parametrize("share", [0.4, 0.7, 0.95])
def test_half_a_jpeg_with_an_end_marker_is_half_a_jpeg(share: float, exif: bytes) -> None:
    noise = Image.fromarray(RNG.integers(0, 256, (96, 96, 3), dtype=np.uint8))
    whole = encoded(noise, "JPEG", quality=95, **({"exif": exif} if exif else {}))
    assert decode(whole).shape == (96, 96, 3)
    with pytest.raises(ImageError, match="cut off"):
        decode(whole[: int(share * len(whole))] + b"\xff\xd9")
