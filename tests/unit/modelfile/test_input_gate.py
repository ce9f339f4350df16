"""The input gate: numbers of a photo's pixels, limits on them, and the way to JSON and back."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from castproof.errors import DataError
from castproof.modelfile.input_gate import FalseAlarms, InputGate, Limit
from castproof.modelfile.photo_numbers import PhotoNumbers, Pixels, photo_numbers

SIDE = 300
GATE = InputGate(
    size=(SIDE, SIDE),
    limits=(
        Limit("shape", 0.95, 1.05, 1.0, 1.0),
        Limit("side", 150.0, None, 300.0, 300.0),
        Limit("brightness", 80.0, 200.0, 95.0, 160.0),
        Limit("contrast", 10.0, 100.0, 15.0, 60.0),
        Limit("dark_share", None, 0.2, 0.0, 0.05),
        Limit("bright_share", None, 0.2, 0.0, 0.05),
        Limit("sharpness", 0.02, 0.9, 0.05, 0.5),
        Limit("colourfulness", -6.0, 6.0, 0.0, 0.0),
    ),
    novelty_limit=0.5,
    false_alarm_rate=0.01,
    false_alarms=FalseAlarms(0.004, 7, 900, 40),
)


def scene(height: int = SIDE, width: int = SIDE, seed: int = 0) -> Pixels:
    """Return a photo uint8 (height, width) of blotches with fine detail, mean about 128."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.normal(128, 30, (height // 12, width // 12)).astype(np.float32))
    blotches = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    return np.clip(blotches + rng.normal(0, 4, (height, width)), 0, 255).astype(np.uint8)


def blurred(pixels: Pixels, radius: float) -> Pixels:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def test_light_is_that_of_all_pixels_where_the_photo_is_small() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (120, 140), dtype=np.uint8)
    numbers = photo_numbers(pixels)
    assert (numbers.width, numbers.height, numbers.side, numbers.shape) == (140, 120, 120, 140 / 120)
    assert numbers.brightness == pytest.approx(pixels.mean())
    assert numbers.contrast == pytest.approx(pixels.std())
    assert numbers.dark_share == pytest.approx((pixels < 16).mean())
    assert numbers.bright_share == pytest.approx((pixels >= 250).mean())


def test_a_sample_stands_for_a_large_photo() -> None:
    pixels = scene(900, 1200)
    numbers = photo_numbers(pixels)
    assert numbers.brightness == pytest.approx(pixels.mean(), abs=1)
    assert numbers.contrast == pytest.approx(pixels.std(), rel=0.05)


def test_sharpness_runs_from_a_smooth_shade_to_white_noise() -> None:
    row = np.linspace(0, 255, 256).astype(np.uint8)
    shade = (row[:, None].astype(int) + row) // 2
    noise = np.random.default_rng(2).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
    assert photo_numbers(shade.astype(np.uint8)).sharpness == pytest.approx(0, abs=0.02)
    assert photo_numbers(noise).sharpness == pytest.approx(1, abs=0.02)
    assert photo_numbers(np.full((SIDE, SIDE), 90, np.uint8)).sharpness == 0


def test_blur_lowers_sharpness_and_light_does_not() -> None:
    pixels = scene()
    sharp = photo_numbers(pixels).sharpness
    assert photo_numbers((pixels * 0.6).astype(np.uint8)).sharpness == pytest.approx(sharp, rel=0.05)
    falling = [sharp, *(photo_numbers(blurred(pixels, radius)).sharpness for radius in (1, 2, 4))]
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] < 0.1 * sharp


def test_motion_in_either_direction_counts_as_blur() -> None:
    pixels = scene().astype(np.float32)
    across = np.mean([np.roll(pixels, by, axis=1) for by in range(9)], axis=0).astype(np.uint8)
    down = np.mean([np.roll(pixels, by, axis=0) for by in range(9)], axis=0).astype(np.uint8)
    for moved in (across, down):
        assert photo_numbers(moved).sharpness < 0.5 * photo_numbers(scene()).sharpness


def test_a_turned_photo_has_the_same_numbers() -> None:
    pixels = scene(301, 301)
    straight, turned = photo_numbers(pixels), photo_numbers(np.rot90(pixels))
    assert turned.brightness == pytest.approx(straight.brightness, abs=0.5)
    assert turned.sharpness == pytest.approx(straight.sharpness, rel=0.05)


def test_grey_in_three_channels_is_grey() -> None:
    pixels = scene()
    assert photo_numbers(np.repeat(pixels[..., None], 3, axis=2)) == photo_numbers(pixels)


def test_colour_is_the_range_of_the_channels_and_grey_their_luma() -> None:
    numbers = photo_numbers(np.full((20, 20, 3), (200, 100, 50), np.uint8))
    assert numbers.colourfulness == 150
    assert numbers.brightness == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((2, 2, 3, 1), np.uint8),
    ],
)
def test_other_arrays_are_refused(pixels: Any) -> None:
    with pytest.raises(DataError, match="cannot be measured"):
        photo_numbers(pixels)


@given(st.integers(1, 40), st.integers(1, 40), st.booleans(), st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_any_photo_has_finite_numbers(height: int, width: int, colour: bool, seed: int) -> None:
    shape = (height, width, 3) if colour else (height, width)
    numbers = photo_numbers(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))
    assert all(map(math.isfinite, vars(numbers).values()))


def test_a_photo_like_the_training_photos_has_no_reason() -> None:
    assert GATE.reasons(photo_numbers(scene()), 0.5) == ()
    assert GATE.reasons(photo_numbers(scene(600, 600)), 0.5) == ()


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        ((scene() * 0.1).astype(np.uint8), "far too dark: mean grey level 12, at least"),
        (255 - (255 - scene()) // 4, "far too bright: mean grey level"),
        (np.full((SIDE, SIDE), 120, np.uint8), "hardly any contrast: standard deviation of grey levels 0,"),
        (np.where(scene() > 120, 255, 0).astype(np.uint8), "far too much contrast"),
        (np.where(scene() > 120, 130, 0).astype(np.uint8), "too much of it is black"),
        (np.where(scene() > 120, 255, 90).astype(np.uint8), "too much of it is white"),
        (blurred(scene(), 4), "blurred: sharpness"),
        (np.random.default_rng(3).integers(90, 160, (SIDE, SIDE), dtype=np.uint8), "grainy or full of fine"),
        (
            np.stack([scene(), scene() // 2, scene()], axis=2),
            "too much colour: mean difference of the colour",
        ),
        (scene(600, 800), "wrong shape: 800 x 600 pixels, training photos 300 x 300"),
        (scene(800, 600), "wrong shape: 600 x 800 pixels"),
        (
            scene(120, 120),
            "much smaller than the training photos: 120 x 120 pixels, training photos 300 x 300",
        ),
    ],
)
def test_each_reason_is_said_in_words(pixels: Pixels, words: str) -> None:
    assert any(reason.startswith(words) for reason in GATE.reasons(photo_numbers(pixels), 0.0))


@pytest.mark.parametrize("novelty", [0.51, math.inf, math.nan])
def test_novelty_above_the_limit_or_no_number_is_a_reason(novelty: float) -> None:
    (reason,) = GATE.reasons(photo_numbers(scene()), novelty)
    assert reason.startswith("unlike the training photos")


@pytest.mark.parametrize("name", ["brightness", "sharpness", "bright_share"])
def test_a_number_that_is_none_is_a_reason(name: str) -> None:
    assert GATE.reasons(PhotoNumbers(**{**vars(photo_numbers(scene())), name: math.nan}), 0.0)


def test_json_gives_the_gate_back() -> None:
    assert InputGate.from_json(json.loads(json.dumps(GATE.to_json(), allow_nan=False))) == GATE


def _changed(path: tuple[Any, ...], value: Any) -> Any:
    data: Any = json.loads(json.dumps(GATE.to_json()))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return data


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("more",), 1),
        (("size",), [300]),
        (("size",), [300, 0]),
        (("size",), ["300", 300]),
        (("limits",), []),
        (("limits",), "none"),
        (("limits", 0), 5),
        (("limits", 0, "name"), "side"),
        (("limits", 2, "low"), math.nan),
        (("limits", 2, "low"), None),
        (("limits", 2, "low"), True),
        (("limits", 2, "low"), 120.0),
        (("limits", 2, "high"), math.inf),
        (("limits", 2, "high"), "200"),
        (("limits", 4, "low"), 0.0),
        (("limits", 2, "trained_low"), 170.0),
        (("limits", 2, "more"), 1),
        (("novelty_limit",), math.nan),
        (("novelty_limit",), math.inf),
        (("novelty_limit",), 0),
        (("novelty_limit",), None),
        (("novelty_limit",), 10**400),
        (("false_alarm_rate",), 1),
        (("false_alarms",), None),
        (("false_alarms", "photos"), 901),
        (("false_alarms", "photos"), 1.5),
        (("false_alarms", "of_parts"), 0),
        (("false_alarms", "rate"), -0.1),
    ],
)
def test_other_json_is_refused(path: tuple[Any, ...], value: Any) -> None:
    with pytest.raises((DataError, KeyError, TypeError, ValueError)):
        InputGate.from_json(_changed(path, value))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(GATE.to_json())), inner)
        ),
        max_leaves=8,
    )
)
@settings(deadline=None, max_examples=100)
def test_any_json_but_a_gate_is_refused_by_a_known_error(data: Any) -> None:
    with pytest.raises((DataError, KeyError, TypeError, ValueError)):
        InputGate.from_json(data)
