import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from castproof.errors import ImageError
from castproof.images import decode

IMAGE = Image.linear_gradient("L").resize((24, 16)).convert("RGB")


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


SEEDS = [
    _encoded(IMAGE, "JPEG"),
    _encoded(IMAGE, "JPEG", progressive=True),
    _encoded(IMAGE.convert("CMYK"), "JPEG"),
    _encoded(IMAGE, "PNG"),
    _encoded(IMAGE.convert("P"), "PNG", transparency=3),
    _encoded(Image.fromarray(np.full((16, 24), 50000, np.uint16)), "PNG"),
    _encoded(IMAGE, "BMP"),
    _encoded(IMAGE.convert("P"), "BMP"),
    _encoded(IMAGE, "TIFF"),
    _encoded(IMAGE, "TIFF", compression="tiff_lzw"),
    _encoded(IMAGE, "TIFF", compression="jpeg"),
    _encoded(Image.fromarray(np.full((16, 24), 50000, np.uint16)), "TIFF"),
    _encoded(IMAGE, "WEBP"),
    _encoded(IMAGE.convert("RGBA"), "WEBP", lossless=True),
]


def _is_array_or_image_error(data: bytes) -> None:
    try:
        result = decode(data)
    except ImageError:
        return
    assert result.dtype == np.uint8
    assert result.ndim == 3
    assert result.shape[2] == 3
    assert result.size > 0
    assert result.flags.c_contiguous


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(0, 200),
)
def test_changed_bytes_give_an_array_or_an_image_error(
    seed: bytes, changes: list[tuple[int, int]], head: int
) -> None:
    data = bytearray(seed)
    for number, (place, value) in enumerate(changes):
        span = len(data) if number % 2 else min(len(data), head + 1)  # headers are where damage does most
        data[place % span] = value
    _is_array_or_image_error(bytes(data))


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SEEDS), st.integers(0, 2**16), st.binary(max_size=64))
def test_cut_and_replaced_tails_give_an_array_or_an_image_error(seed: bytes, place: int, tail: bytes) -> None:
    _is_array_or_image_error(seed[: place % (len(seed) + 1)] + tail)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused_or_decoded(data: bytes) -> None:
    _is_array_or_image_error(data)
