"""The fast path of JPEG files gives the pixels that Pillow gives, or nothing."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from castproof.errors import ImageError
from castproof.fast_jpeg import decode_ordinary
from castproof.images import MAX_SIDE_PX, decode, decode_plain
from castproof.photo_files.jpeg import read_header
from castproof.photo_files.limits import FlawError

pytest.importorskip("simplejpeg")


def photo(kind: str, width: int, height: int, seed: int) -> Image.Image:
    """Return soft shapes under noise: both the smooth and the sharp parts of the decoder have work."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)).resize((width, height))
    noise = rng.integers(-60, 61, (height, width, 3)) * rng.integers(0, 2)
    image = Image.fromarray(np.clip(np.asarray(coarse) + noise, 0, 255).astype(np.uint8))
    return {"colour": image, "grey": image.convert("L"), "grey RGB": image.convert("L").convert("RGB")}[kind]


def encoded(image: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def by_pillow(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


photos = st.builds(
    photo,
    st.sampled_from(["colour", "grey", "grey RGB"]),
    st.integers(1, 70),
    st.integers(1, 70),
    st.integers(0, 10**6),
)
ways_to_encode = st.fixed_dictionaries(
    {
        "quality": st.integers(1, 100),
        "subsampling": st.sampled_from(["4:4:4", "4:2:2", "4:2:0"]),
        "progressive": st.booleans(),
        "optimize": st.booleans(),
        "restart_marker_blocks": st.integers(0, 5),
        "comment": st.sampled_from([b"", b"from camera 7 \xff\xd9"]),
    }
)


@settings(max_examples=400, deadline=None)
@given(photos, ways_to_encode)
def test_every_ordinary_jpeg_has_the_pixels_of_pillow(image: Image.Image, options: dict[str, object]) -> None:
    data = encoded(image, **options)
    expected = by_pillow(data)
    for keep_grey in (False, True):
        pixels = decode_ordinary(data, read_header(data), max_side_px=MAX_SIDE_PX, keep_grey=keep_grey)
        assert pixels is not None
        assert pixels.dtype == np.uint8
        assert pixels.flags.c_contiguous
        one_plane = keep_grey and image.mode == "L"
        np.testing.assert_array_equal(pixels, expected[..., 0] if one_plane else expected)
    np.testing.assert_array_equal(decode(data), expected)
    is_grey = (expected == expected[..., :1]).all()
    np.testing.assert_array_equal(decode_plain(data), expected[..., 0] if is_grey else expected)


SEEDS = [
    encoded(photo(kind, 37, 21, 5), progressive=progressive, restart_marker_blocks=blocks)
    for kind in ("colour", "grey", "grey RGB")
    for progressive in (False, True)
    for blocks in (0, 2)
]


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=600, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=3),
    st.none() | st.integers(0, 2**16),
    st.binary(max_size=4),
)
def test_a_damaged_jpeg_has_the_pixels_of_pillow_or_is_refused(
    seed: bytes, changes: list[tuple[int, int]], cut: int | None, tail: bytes
) -> None:
    damaged = bytearray(seed)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    data = bytes(damaged if cut is None else damaged[: cut % len(damaged)]) + tail
    try:
        result = decode(data)
    except ImageError:
        return
    np.testing.assert_array_equal(result, by_pillow(data))
    warns = False
    try:
        decode_ordinary(data, read_header(data), max_side_px=MAX_SIDE_PX, keep_grey=False)
    except FlawError:
        warns = True
    assert not warns
