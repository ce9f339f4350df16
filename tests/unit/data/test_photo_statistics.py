"""The numbers that describe one photo: exact on drawn photos, and equal after a round trip through JSON."""

import json
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.data.photo_statistics import APPEARANCE_LENGTH, PhotoStatistics, Pixels, photo_statistics
from castproof.modelfile.photo_numbers import photo_numbers


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
    assert (found.rim_contrast, found.centre_x, found.centre_y, found.extent) == (0, 0.5, 0.5, 1)


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


def with_disc(x: int, y: int, radius: int, *, table: int = 160, metal: int = 100) -> Pixels:
    """Return a photo, 240 x 320, of a disc with a black and a white ring on it."""
    pixels = flat(table, 240, 320)
    for share, level in ((1.0, metal), (0.6, 0), (0.5, 255), (0.4, metal)):
        cv2.circle(pixels, (x, y), round(radius * share), (level,) * 3, cv2.FILLED, cv2.LINE_AA)
    return pixels


@pytest.mark.parametrize(("x", "y", "radius"), [(160, 120, 60), (130, 140, 60), (200, 100, 80)])
def test_place_and_size_are_those_of_the_part_up_to_its_soft_edge(x: int, y: int, radius: int) -> None:
    found = photo_statistics(with_disc(x, y, radius), 1)
    assert found.centre_x == pytest.approx(x / 320, abs=0.004)
    assert found.centre_y == pytest.approx(y / 240, abs=0.006)
    soft = 3 * 320 / 96  # pixels of the photo at the size it is looked at
    assert np.pi * radius**2 <= found.extent * 320 * 240 <= np.pi * (radius + soft) ** 2


@pytest.mark.parametrize("metal", [60, 130, 150, 220])
def test_contrast_at_the_rim_is_the_step_from_the_part_to_its_background(metal: int) -> None:
    found = photo_statistics(with_disc(150, 110, 85, metal=metal), 1)
    assert found.rim_contrast == pytest.approx(abs(160 - metal), rel=0.1)


def test_light_from_one_side_neither_moves_nor_resizes_the_part() -> None:
    pixels = with_disc(150, 110, 85)
    slope = np.linspace(0.7, 1.2, 320)[None, :, None]
    lit = np.clip(pixels * slope, 0, 255).astype(np.uint8)
    a, b = photo_statistics(pixels, 1), photo_statistics(lit, 1)
    assert (b.centre_x, b.centre_y) == pytest.approx((a.centre_x, a.centre_y), abs=0.005)
    assert b.extent == pytest.approx(a.extent, rel=0.03)


def test_the_part_is_found_on_a_grainy_table() -> None:
    grain = np.random.default_rng(0).normal(0, 15, (240, 320, 1))
    pixels = with_disc(130, 120, 80)
    clean = photo_statistics(pixels, 1)
    grainy = photo_statistics(np.clip(pixels + grain, 0, 255).astype(np.uint8), 1)
    assert grainy.centre_x == pytest.approx(clean.centre_x, abs=0.02)
    assert grainy.extent == pytest.approx(clean.extent, rel=0.1)


def test_a_part_of_any_shape_keeps_its_holes() -> None:
    pixels = flat(60, 300, 300)
    corners = np.array([[60, 60], [240, 90], [160, 150], [200, 240], [60, 220]], np.int32)
    cv2.fillPoly(pixels, [corners], (200, 200, 200))
    solid = photo_statistics(pixels, 1)
    cv2.circle(pixels, (110, 130), 30, (60, 60, 60), cv2.FILLED)
    holed = photo_statistics(pixels, 1)
    assert solid.extent == pytest.approx(cv2.contourArea(corners) / 300**2, abs=0.07)
    assert (holed.centre_x, holed.centre_y, holed.extent) == (solid.centre_x, solid.centre_y, solid.extent)


def test_where_no_part_stands_out_alone_the_whole_photo_is_the_part() -> None:
    two = flat(160, 240, 320)
    two[60:180, 40:140] = 90
    two[60:180, 180:280] = 90
    dot = flat(160, 240, 320)
    dot[100:130, 100:130] = 90
    for pixels in (two, dot, textured()):
        found = photo_statistics(pixels, 1)
        assert (found.centre_x, found.centre_y, found.extent) == (0.5, 0.5, 1)
    assert photo_statistics(two, 1).rim_contrast == 0
    assert photo_statistics(textured(), 1).rim_contrast > 10


@given(
    st.integers(110, 210), st.integers(100, 140), st.integers(50, 90), st.sampled_from([40, 140, 170, 230])
)
@settings(max_examples=40, deadline=None)
def test_a_mirrored_photo_has_the_mirrored_place(x: int, y: int, radius: int, metal: int) -> None:
    pixels = with_disc(x, y, radius, metal=metal)
    there = photo_statistics(pixels, 1)
    back = photo_statistics(np.ascontiguousarray(pixels[::-1, ::-1]), 1)
    assert (back.centre_x, back.centre_y) == pytest.approx((1 - there.centre_x, 1 - there.centre_y), abs=0.01)
    assert back.extent == pytest.approx(there.extent, abs=0.02)
    assert back.rim_contrast == pytest.approx(there.rim_contrast, rel=0.05)


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
        {"extent": "large"},
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


@pytest.mark.parametrize("shape", [(300, 300), (90, 1200), (1, 7)])
def test_an_audit_measures_light_and_sharpness_as_a_station_does(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (*shape, 3), dtype=np.uint8)
    for photo in (pixels, cv2.GaussianBlur(pixels, (0, 0), 2)):
        told, at_station = photo_statistics(np.asarray(photo, np.uint8), 1), photo_numbers(photo)
        for name in ("brightness", "contrast", "dark_share", "bright_share", "sharpness", "width", "height"):
            assert getattr(told, name) == pytest.approx(getattr(at_station, name), abs=1e-3), name
