"""Photos of good parts in a model file: the most similar one is found, and laid as the photo is."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from castproof.modelfile.references import (
    LARGEST_REFERENCE_BYTES,
    REFERENCE_SIDE_PX,
    SIDE_PX,
    MostSimilar,
    Reference,
    disc_spectrum,
    poses_of,
)
from castproof.preprocess import Pixels
from made_models import png

SIDE = 96
COUNT = 6


def blobs(seed: int, height: int = SIDE, width: int = SIDE, channels: tuple[int, ...] = ()) -> Pixels:
    """Return a picture of smooth blobs, uint8 (height, width, *channels)."""
    noise = np.random.default_rng(seed).normal(size=(height, width, *channels))
    smooth = gaussian_filter(noise, (5, 5) + (0,) * len(channels))
    return np.asarray(128 + 45 * smooth / smooth.std()).clip(0, 255).astype(np.uint8)


def turned(pixels: Pixels, clockwise_deg: float, *, flipped: bool) -> Pixels:
    """Return a picture, flipped top to bottom where `flipped`, then turned; by Pillow, which turns counterclockwise."""
    image = Image.fromarray(pixels[::-1] if flipped else pixels)
    return np.array(image.rotate(-clockwise_deg, Image.Resampling.BICUBIC, fillcolor=128))


def reference(seed: int, pixels: Pixels | None = None) -> Reference:
    return Reference(f"{seed}.png", f"part-{seed}", png(blobs(seed) if pixels is None else pixels))


@pytest.fixture(scope="module")
def most_similar() -> MostSimilar:
    return MostSimilar([reference(seed) for seed in range(COUNT)])


def disc_correlation(a: Pixels, b: Pixels) -> float:
    """Return the correlation of two grey pictures in the disc that touches their edges, pixel by pixel."""
    rows, columns = np.mgrid[: len(a), : len(a)] - (len(a) - 1) / 2
    inside = np.hypot(rows, columns) < len(a) / 2 - 1
    return float(np.corrcoef(a[inside], b[inside])[0, 1])


def apart_deg(a: float, b: float) -> float:
    return abs((a - b + 180) % 360 - 180)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, COUNT - 1), st.floats(0, 360), st.booleans(), st.floats(0.3, 1.0), st.integers(0, 60))
def test_a_turned_mirrored_picture_in_other_light_is_found_and_laid_as_it_lies(
    most_similar: MostSimilar, seed: int, turn_deg: float, flipped: bool, contrast: float, offset: int
) -> None:
    photo = (contrast * turned(blobs(seed), turn_deg, flipped=flipped) + offset).clip(0, 255).astype(np.uint8)
    found = most_similar.find(photo)
    assert found is not None
    assert (found.name, found.part) == (f"{seed}.png", f"part-{seed}")
    assert found.similarity > 0.97
    assert disc_correlation(photo, found.pixels) > 0.97, "it lies as the photo does, at full size"


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 99), st.floats(0, 360), st.booleans())
def test_turn_and_mirror_are_those_by_which_the_picture_was_made(
    seed: int, turn_deg: float, flipped: bool
) -> None:
    photo = turned(blobs(seed), turn_deg, flipped=flipped)
    poses = poses_of(disc_spectrum(photo), disc_spectrum(blobs(seed))[None])
    assert bool(poses.mirrored[0]) is flipped
    assert apart_deg(float(poses.turn_deg[0]), turn_deg) < 1.5


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 99), st.integers(100, 199))
def test_similarity_is_the_correlation_in_the_disc_at_the_best_turn(seed: int, other: int) -> None:
    """Against turning the picture itself, step by step, and correlating pixel by pixel."""
    photo, picture = blobs(seed, SIDE_PX, SIDE_PX), blobs(other, SIDE_PX, SIDE_PX)
    found = float(poses_of(disc_spectrum(photo), disc_spectrum(picture)[None]).similarity[0])
    tried = [
        disc_correlation(photo, turned(picture, turn_deg, flipped=flipped))
        for turn_deg in range(0, 360, 6)
        for flipped in (False, True)
    ]
    assert -1 <= found <= 1
    assert found == pytest.approx(max(tried), abs=0.08)


@pytest.mark.parametrize("seed", range(4))
def test_similarity_is_mutual_and_that_with_itself_is_one(seed: int) -> None:
    one, other = disc_spectrum(blobs(seed)), disc_spectrum(blobs(seed + 50))
    there, back = (poses_of(a, b[None]).similarity[0] for a, b in ((one, other), (other, one)))
    assert there == pytest.approx(back, abs=1e-5)
    assert poses_of(one, one[None]).similarity[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("height", "width"), [(300, 300), (2000, 2000), (96, 150), (150, 96), (40, 40)])
def test_photos_of_any_size_and_shape_are_compared_by_their_middle(
    most_similar: MostSimilar, height: int, width: int
) -> None:
    side = min(height, width)
    photo = np.zeros((height, width), np.uint8)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(blobs(3)).resize((side, side), Image.Resampling.BICUBIC)
    photo[top : top + side, left : left + side] = np.asarray(square)
    found = most_similar.find(photo)
    assert found is not None
    assert found.name == "3.png"
    assert found.similarity > 0.97


def test_colour_is_kept_and_a_grey_photo_finds_it() -> None:
    picture = blobs(1, 60, 90, (3,))
    similar = MostSimilar([reference(0, blobs(0, 60, 90)), reference(1, picture)])
    found = similar.find(np.asarray(Image.fromarray(picture).convert("L")))
    assert found is not None
    assert found.name == "1.png"
    assert found.pixels.shape == picture.shape
    np.testing.assert_array_equal(found.pixels, picture)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (2, 2), (50, 50), (50, 50, 3)])
def test_a_photo_without_contrast_or_hardly_any_pixels_is_like_nothing(
    most_similar: MostSimilar, shape: tuple[int, ...]
) -> None:
    found = most_similar.find(np.full(shape, 77, np.uint8))
    assert found is not None
    assert found.similarity == 0


def test_corners_that_the_turn_sets_free_get_the_level_of_the_edge() -> None:
    picture = blobs(2)
    picture[[0, -1]] = picture[:, [0, -1]] = 201
    found = MostSimilar([reference(2, picture)]).find(turned(picture, 45, flipped=False))
    assert found is not None
    assert found.pixels[0, 0] == 201


def bomb() -> bytes:
    """Return the first bytes of a PNG file that says it has 10,000 x 10,000 pixels."""
    head = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + head
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def large() -> bytes:
    return png(np.zeros((REFERENCE_SIDE_PX + 1, 4), np.uint8))


@pytest.mark.parametrize(
    "photo", [bomb(), large(), b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n" + b"x" * 99, png(blobs(0))[:-300]]
)
def test_a_reference_that_cannot_be_shown_is_left_out(photo: bytes) -> None:
    broken = Reference("broken", "", photo)
    assert MostSimilar([broken]).find(blobs(0)) is None
    found = MostSimilar([broken, reference(5)]).find(blobs(0))
    assert found is not None
    assert found.name == "5.png"


@pytest.mark.parametrize(
    "photo", [b"", b"GIF89a", b"II*\x00", png(blobs(0)) + b"x" * LARGEST_REFERENCE_BYTES]
)
def test_bytes_of_another_kind_or_too_many_are_refused(photo: bytes) -> None:
    with pytest.raises(ValueError, match="JPEG or PNG"):
        Reference("one", "", photo)


def test_what_is_written_is_read() -> None:
    stream = io.BytesIO()
    Image.fromarray(blobs(0)).save(stream, "JPEG")
    one = Reference("Gußteil 1.jpg", "part-0001", stream.getvalue())
    assert vars(Reference.from_json(one.to_json())) == vars(one)


def test_no_references_no_similar_one() -> None:
    assert MostSimilar([]).find(blobs(0)) is None
