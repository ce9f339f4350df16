"""The numbers that describe one photo: exact on drawn photos, and equal after a round trip through JSON."""

import json
from typing import Any

import cv2
import numpy as np
import pytest

from castproof.data.photo_statistics import APPEARANCE_LENGTH, PhotoStatistics, Pixels, photo_statistics


def flat(level: int, height: int = 120, width: int = 160) -> Pixels:
    return np.full((height, width, 3), level, np.uint8)


def textured(seed: int = 0, height: int = 160, width: int = 160) -> Pixels:
    """Return a photo with fine and coarse structure."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.integers(60, 200, (6, 6)).astype(np.float32), (width, height))
    fine = rng.normal(0, 12, (height, width))
    return np.repeat(np.clip(coarse + fine, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def test_a_flat_photo_has_its_level_and_neither_contrast_nor_detail() -> None:
    found = photo_statistics(flat(100), 4321)
    assert (found.width, found.height, found.file_bytes) == (160, 120, 4321)
    assert (found.brightness, found.contrast, found.background, found.sharpness) == (100, 0, 100, 0)
    assert (found.dark_share, found.bright_share, found.glare) == (0, 0, 0)


def test_shares_of_dark_and_white_pixels_are_counted_at_their_levels() -> None:
    pixels = flat(100, 100, 100)
    pixels[:10] = 15
    pixels[10:20] = 16
    pixels[80:85] = 250
    pixels[85:90] = 249
    found = photo_statistics(pixels, 1)
    assert found.dark_share == pytest.approx(0.10)
    assert found.bright_share == pytest.approx(0.05)


def test_the_background_is_that_of_the_border_whatever_stands_in_the_middle() -> None:
    pixels = flat(180, 200, 200)
    pixels[20:180, 20:180] = 30
    assert photo_statistics(pixels, 1).background == 180


def test_glare_is_the_largest_white_spot_not_all_white_pixels() -> None:
    one, many = flat(90, 128, 128), flat(90, 128, 128)
    one[32:64, 32:64] = 255
    for y in range(0, 128, 16):
        for x in range(0, 128, 16):
            many[y : y + 4, x : x + 4] = 255
    assert photo_statistics(one, 1).glare == pytest.approx(32 * 32 / 128**2)
    assert photo_statistics(many, 1).glare == pytest.approx(16 / 128**2, abs=1e-5)
    assert photo_statistics(many, 1).bright_share == pytest.approx(photo_statistics(one, 1).bright_share)


def test_blur_lowers_sharpness_and_light_hardly_changes_it() -> None:
    pixels = textured()
    sharp = photo_statistics(pixels, 1).sharpness
    assert photo_statistics(cv2.GaussianBlur(pixels, (0, 0), 2), 1).sharpness < sharp / 2
    darker = (pixels * 0.6).astype(np.uint8)
    assert photo_statistics(darker, 1).sharpness == pytest.approx(sharp, rel=0.05)


def test_the_pixel_hash_tells_pixels_and_shape_apart() -> None:
    pixels = textured(height=80, width=120)
    same = photo_statistics(pixels.copy(), 99).pixel_hash
    assert photo_statistics(pixels, 1).pixel_hash == same
    changed = pixels.copy()
    changed[3, 4, 2] ^= 1
    reshaped = np.ascontiguousarray(pixels.reshape(120, 80, 3))
    hashes = {
        photo_statistics(one, 1).pixel_hash for one in (pixels, changed, reshaped, flat(5), flat(5, 160, 120))
    }
    assert len(hashes) == 5


@pytest.mark.parametrize("change", ["turned", "mirrored", "brighter"])
def test_appearance_hardly_changes_when_the_part_is_turned_mirrored_or_lit(change: str) -> None:
    pixels, other = textured(1), textured(2)
    variant = {
        "turned": np.ascontiguousarray(np.rot90(pixels)),
        "mirrored": np.ascontiguousarray(pixels[:, ::-1]),
        "brighter": np.clip(pixels.astype(np.int64) + 20, 0, 255).astype(np.uint8),
    }[change]
    a, b, c = (np.array(photo_statistics(one, 1).appearance) for one in (pixels, variant, other))
    assert np.linalg.norm(a - b) < np.linalg.norm(a - c) / 4


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 50, 3), (700, 3, 3)])
def test_photos_of_any_shape_are_measured(shape: tuple[int, int, int]) -> None:
    found = photo_statistics(np.full(shape, 255, np.uint8), 1)
    assert found.glare == found.bright_share == 1
    assert len(found.appearance) == APPEARANCE_LENGTH
    assert np.isfinite(found.appearance).all()


def test_json_gives_the_same_numbers_back() -> None:
    found = photo_statistics(textured(), 12)
    assert PhotoStatistics.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize(
    "change",
    [
        {"brightness": "bright"},
        {"brightness": None},
        {"glare": True},
        {"contrast": float("nan")},
        {"pixel_hash": 5},
        {"appearance": [1.0]},
        {"appearance": ["x"] * APPEARANCE_LENGTH},
        {"surplus": 1},
    ],
)
def test_json_that_holds_anything_else_is_refused(change: dict[str, Any]) -> None:
    data = json.loads(json.dumps(photo_statistics(textured(), 12).to_json()))
    assert PhotoStatistics.from_json({**data, **change}) is None
    assert PhotoStatistics.from_json([data]) is None
    assert PhotoStatistics.from_json({name: data[name] for name in list(data)[1:]}) is None
