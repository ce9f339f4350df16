"""The attacks on half photos, format by format, with their counts."""

import io
import re
import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL import Image

from castproof.errors import ImageError
from castproof.images import decode, decode_plain, plain_pixels
from castproof.photo_files import png
from photo_damage import OF_FAMILY, damaged
from photo_seeds import Seed, chunk, interlaced, seeds, tiled

RNG = np.random.default_rng(7)
GREY = (RNG.integers(0, 256, (8, 9), dtype=np.uint8).repeat(6, axis=0).repeat(6, axis=1)[:45, :51] // 2) + 60
SOUND = {one.name: one for one in seeds(GREY)}


def of_family(family: str) -> list[Seed]:
    return [one for one in SOUND.values() if one.family == family]


def is_refused(data: bytes) -> bool:
    try:
        decode(data)
    except ImageError:
        return True
    return False


def chunks_of(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        at += 12 + size


def with_rows(data: bytes, rows: bytes) -> bytes:
    """Return a PNG with another stream of pixels, in chunks of a few bytes; all its checksums fit."""
    stream, done, parts = zlib.compress(rows), False, [data[:8]]
    for kind, content in chunks_of(data):
        if kind != b"IDAT":
            parts.append(chunk(kind, content))
        elif not done:
            done = True
            parts += [chunk(b"IDAT", stream[at : at + 99]) for at in range(0, len(stream), 99)]
    return b"".join(parts)


def rows_of(data: bytes) -> bytes:
    return zlib.decompress(b"".join(content for kind, content in chunks_of(data) if kind == b"IDAT"))


@pytest.mark.parametrize("seed", of_family("PNG"), ids=lambda seed: seed.name)
def test_a_png_whose_pixel_stream_ends_early_is_refused(seed: Seed) -> None:
    rows = rows_of(seed.data)
    np.testing.assert_array_equal(decode(with_rows(seed.data, rows)), decode(seed.data))
    np.testing.assert_array_equal(decode(with_rows(seed.data, rows + bytes(500))), decode(seed.data))
    shorter = [with_rows(seed.data, rows[:size]) for size in np.linspace(0, len(rows) - 1, 60).astype(int)]
    assert sum(map(is_refused, shorter)) == 60


def test_a_png_that_ends_early_on_the_very_mark_is_refused_and_a_whole_one_is_not() -> None:
    mark = np.asarray(png._mark("L", 51))
    photo = np.vstack([GREY, mark])
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "PNG")
    np.testing.assert_array_equal(decode_plain(stream.getvalue()), photo)
    assert is_refused(with_rows(stream.getvalue(), rows_of(stream.getvalue())[:-52]))


@pytest.mark.parametrize("seed", of_family("PNG"), ids=lambda seed: seed.name)
def test_every_wrong_byte_of_a_png_is_told_by_its_checksum(seed: Seed) -> None:
    places = np.linspace(8, len(seed.data) - 1, 80).astype(int)
    wrong = [seed.data[:at] + bytes([seed.data[at] ^ 0x10]) + seed.data[at + 1 :] for at in places]
    assert sum(map(is_refused, wrong)) == 80


def test_a_png_that_pillow_has_opened_is_judged_as_its_file_is() -> None:
    data = SOUND["PNG grey"].data
    np.testing.assert_array_equal(plain_pixels(Image.open(io.BytesIO(data))), decode_plain(data))
    half = with_rows(data, rows_of(data)[:1000])
    with pytest.raises(ImageError, match="damaged"):
        plain_pixels(Image.open(io.BytesIO(half)))


def warns(data: bytes) -> bool:
    try:
        colours = simplejpeg.decode_jpeg_header(data)[2]
        simplejpeg.decode_jpeg(data, "CMYK" if colours in ("CMYK", "YCCK") else "RGB", strict=True)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("seed", of_family("JPEG"), ids=lambda seed: seed.name)
def test_a_jpeg_that_libjpeg_warns_of_is_refused(seed: Seed) -> None:
    assert not warns(seed.data)
    rng = np.random.default_rng(1)
    wrong = [data for _, data in (damaged(seed, rng) for _ in range(120)) if warns(data)]
    assert len(wrong) >= 60
    assert sum(map(is_refused, wrong)) == len(wrong)


@pytest.mark.parametrize("name", ["JPEG restart grey", "JPEG restart colour"])
def test_restart_markers_out_of_order_are_refused(name: str) -> None:
    data = SOUND[name].data
    places = [
        one.start() for one in re.finditer(rb"\xff[\xd0-\xd7]", data) if one.start() > data.index(b"\xff\xda")
    ]
    other = [
        data[: at + 1] + bytes([code]) + data[at + 2 :]
        for at in places
        for code in range(0xD0, 0xD8)
        if code != data[at + 1]
    ]
    missing = [data[:at] + data[at + 2 :] for at in places]
    cut_out = [data[:a] + data[b:] for a, b in pairwise(places)]
    assert len(places) >= 2
    assert sum(map(is_refused, other + missing + cut_out)) == 9 * len(places) - 1


@pytest.mark.parametrize("seed", of_family("JPEG"), ids=lambda seed: seed.name)
def test_a_header_that_claims_fewer_or_more_rows_than_the_stream_holds_is_refused(seed: Seed) -> None:
    """Within one row of blocks, of 8 or 16 lines, nothing tells."""
    at = re.search(rb"\xff[\xc0-\xc2]\0[\x0b\x11\x14]\x08", seed.data)
    assert at is not None
    rows = at.start() + 5
    claimed = [*range(1, 32), *range(49, 300, 7)]
    wrong = [seed.data[:rows] + struct.pack(">H", one) + seed.data[rows + 2 :] for one in claimed]
    assert sum(map(is_refused, wrong)) == len(wrong)


@pytest.mark.parametrize("name", ["JPEG progressive", "JPEG progressive grey"])
def test_a_progressive_jpeg_without_one_of_its_scans_is_refused(name: str) -> None:
    data = SOUND[name].data
    scans = [one.start() for one in re.finditer(rb"\xff\xda", data)] + [len(data) - 2]
    wrong = [data[:a] + data[b:] for a, b in pairwise(scans)]
    wrong += [data[:a] + b"\xff\xd9" for a in scans[1:-1]]
    assert len(scans) > 5
    assert sum(map(is_refused, wrong)) == len(wrong)


def test_a_jpeg_that_lacks_the_scan_of_a_colour_is_refused() -> None:
    """Made by hand: each component of a baseline JPEG in a scan of its own, grey noise in each."""
    grey = SOUND["JPEG grey"].data
    frame = grey.index(b"\xff\xc0")
    end = grey.index(b"\xff\xda")
    body = grey[end + 10 : -2]
    size = grey[frame + 4 : frame + 9]
    head = b"\xff\xc0\0\x11" + size + b"\x03" + b"".join(bytes([one, 0x11, 0]) for one in (1, 2, 3))
    start = grey[:frame] + head + grey[frame + 13 : end]
    scans = [b"\xff\xda\0\x08\x01" + bytes([one, 0, 0, 63, 0]) + body for one in (1, 2, 3)]
    whole = start + b"".join(scans) + b"\xff\xd9"
    assert decode(whole).shape == (45, 51, 3)
    for left_out in range(3):
        assert is_refused(start + b"".join(scans[:left_out] + scans[left_out + 1 :]) + b"\xff\xd9")


@pytest.mark.parametrize("name", ["TIFF JPEG", "TIFF JPEG strips"])
def test_damaged_jpeg_in_a_tiff_is_refused_like_any_other(name: str) -> None:
    data = SOUND[name].data
    tags = Image.open(io.BytesIO(data)).tag_v2
    rng, wrong = np.random.default_rng(2), 0
    for _ in range(120):
        strip = int(rng.integers(len(tags[273])))
        start, size = tags[273][strip], tags[279][strip]
        changed = bytearray(data)
        for at in rng.integers(start + 2, start + size, 4):
            changed[at] = int(rng.integers(256))
        part = bytes(changed[start : start + size])
        if warns(bytes(tags[347])[:-2] + part[2:]):
            wrong += 1
            assert is_refused(bytes(changed))
    assert wrong >= 60


@pytest.mark.parametrize(
    "name", ["BMP grey", "BMP colour", "TIFF grey", "TIFF colour", "TIFF strips", "TIFF tiles"]
)
def test_files_whose_length_contradicts_their_header_are_refused(name: str) -> None:
    data = SOUND[name].data
    shorter = [data[: len(data) - cut] for cut in (1, 7, 50, 500)]
    longer = [data + bytes(more) for more in (60, 500)]
    inside = [data[: len(data) // 2] + bytes(100) + data[len(data) // 2 :]]
    assert sum(map(is_refused, [*shorter, *longer, *inside])) == 7


@pytest.mark.parametrize("code", [256, 257, 258, 259, 262, 273, 277, 278, 279, 322, 323, 324, 325])
def test_a_tiff_whose_tags_contradict_its_pixels_is_refused(code: int) -> None:
    for name in ("TIFF strips", "TIFF colour", "TIFF tiles", "TIFF grey"):
        data = SOUND[name].data
        at = struct.unpack_from("<I", data, 4)[0]
        for place in range(at + 2, at + 2 + 12 * struct.unpack_from("<H", data, at)[0], 12):
            found, kind, count, value = struct.unpack_from("<HHII", data, place)
            if found != code:
                continue
            # A strip may be said to hold more rows than there are.
            others = {262: (99,), 278: (0,)}.get(code, (0, 77_777, value * 3 + 1000))
            for other in others:
                wrong = data[:place] + struct.pack("<HHII", found, kind, count, other) + data[place + 12 :]
                assert is_refused(wrong), (name, other)
            assert is_refused(
                data[:place] + struct.pack("<HHII", code, 99, count, value) + data[place + 12 :]
            )


def test_what_cannot_show_damage_is_not_read() -> None:
    for compression in ("group3", "group4", "tiff_ccitt", "zstd", "lzma"):
        stream = io.BytesIO()
        Image.fromarray(GREY > 90).save(stream, "TIFF", compression=compression)
        with pytest.raises(ImageError, match="compressed by method"):
            decode(stream.getvalue())
    bmp = SOUND["BMP grey"].data
    with pytest.raises(ImageError, match="run-length"):
        decode(bmp[:30] + struct.pack("<I", 1) + bmp[34:])


@pytest.mark.parametrize("family", OF_FAMILY)
def test_every_kind_is_sound_before_it_is_damaged(family: str) -> None:
    kept = {"turned": GREY.shape[::-1]}
    for seed in of_family(family):
        assert decode(seed.data).shape[:2] == kept.get(seed.name.split()[-1], GREY.shape)
    np.testing.assert_array_equal(decode_plain(interlaced(GREY)), GREY)
    np.testing.assert_array_equal(decode_plain(tiled(GREY, 16)), GREY)


WRITTEN_BY_OPENCV = [
    (".jpg", []),
    (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
    (".jpg", [cv2.IMWRITE_JPEG_RST_INTERVAL, 5, cv2.IMWRITE_JPEG_OPTIMIZE, 1]),
    (".png", []),
    (".bmp", []),
    (".webp", []),
    (".webp", [cv2.IMWRITE_WEBP_QUALITY, 60]),
    *[(".tiff", [cv2.IMWRITE_TIFF_COMPRESSION, kind]) for kind in (1, 5, 8, 32773, 32946)],
    (".tiff", [cv2.IMWRITE_TIFF_COMPRESSION, 5, cv2.IMWRITE_TIFF_ROWSPERSTRIP, 7]),
]


@pytest.mark.parametrize(("suffix", "options"), WRITTEN_BY_OPENCV)
def test_what_another_library_writes_is_read(suffix: str, options: list[int]) -> None:
    colour = cv2.applyColorMap(GREY, cv2.COLORMAP_BONE)
    kinds = [GREY, colour, cv2.cvtColor(colour, cv2.COLOR_BGR2BGRA)]
    if suffix in (".png", ".tiff"):
        kinds.append(GREY.astype(np.uint16) * 257)
    for pixels in kinds:
        done, data = cv2.imencode(suffix, pixels, options)
        assert done
        assert decode(data.tobytes()).shape == (*GREY.shape, 3)


def test_only_formats_with_checksums_are_taken_where_that_is_asked_for() -> None:
    for seed in SOUND.values():
        if seed.family == "PNG":
            np.testing.assert_array_equal(decode(seed.data, only_checksummed=True), decode(seed.data))
            continue
        for read in (decode, decode_plain):
            with pytest.raises(ImageError, match="no PNG"):
                read(seed.data, only_checksummed=True)
    with pytest.raises(ImageError, match="no PNG"):
        plain_pixels(Image.open(io.BytesIO(SOUND["JPEG grey"].data)), only_checksummed=True)
    np.testing.assert_array_equal(plain_pixels(GREY, only_checksummed=True), GREY)
