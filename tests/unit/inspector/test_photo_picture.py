"""What a window shows of a photo, in numbers: pixels, colour of the heat, line, brightness, lens."""

import io
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from castproof.pipeline.inspecting.photo_picture import (
    LENS_ENLARGES,
    LENS_PX,
    Look,
    ShownPhoto,
    brightness_table,
    heat_bar,
    magnified,
    picture,
)
from castproof.pipeline.inspecting.viewport import Viewport, fitted
from castproof.report.colours import DEFECTIVE
from castproof.report.heat_pictures import FAINT_NATS, FULL_NATS, heat_picture

BARE = Look(heat_on=False, outline_on=False)
COLOUR_ALONE = Look(outline_on=False)
LINE_ALONE = Look(heat_on=False)
ORANGE = np.array([int(DEFECTIVE[start : start + 2], 16) for start in (1, 3, 5)], np.float64)
RNG_SEED = 5


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(RNG_SEED).integers(0, 256, shape, dtype=np.uint8)


def grey(value: int = 128, size: int = 240) -> NDArray[np.uint8]:
    return np.full((size, size), value, np.uint8)


def heat(*spots: tuple[int, int, float], places: int = 20) -> NDArray[np.float32]:
    made = np.zeros((places, places), np.float32)
    for row, column, nats in spots:
        made[row, column] = nats
    return made


def drawn(photo: ShownPhoto, viewport: Viewport, look: Look, scale: float = 1.0) -> NDArray[np.float64]:
    return np.asarray(picture(photo, viewport, look, background="#102030", scale=scale), np.float64)


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3)])
def test_one_to_one_shows_every_pixel_as_it_is(shape: tuple[int, ...]) -> None:
    pixels = noise(*shape)
    shown = drawn(ShownPhoto(pixels), Viewport((60, 40), (60, 40), 1.0, (30, 20)), BARE)
    assert np.array_equal(shown, pixels if len(shape) == 3 else np.repeat(pixels[..., None], 3, axis=2))


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3)])
def test_a_large_zoom_shows_squares_of_single_pixels(shape: tuple[int, ...]) -> None:
    pixels = noise(*shape)
    shown = drawn(ShownPhoto(pixels), Viewport((60, 40), (160, 96), 8.0, (30, 20)), BARE)
    part = pixels[14:26, 20:40]
    coloured = part if len(shape) == 3 else np.repeat(part[..., None], 3, axis=2)
    assert np.array_equal(shown, np.kron(coloured, np.ones((8, 8, 1))))


def test_beside_the_photo_there_is_the_background() -> None:
    shown = drawn(ShownPhoto(grey(200, 100)), fitted((100, 100), (300, 200)), BARE)
    assert (shown[:, :50] == (0x10, 0x20, 0x30)).all()
    assert (shown[:, 250:] == (0x10, 0x20, 0x30)).all()
    assert (shown[:, 50:250] == 200).all()


@pytest.mark.parametrize("shape", [(1200, 1600), (1200, 1600, 3)])
@pytest.mark.parametrize("view", [(160, 120), (500, 375), (1000, 750)])
def test_a_large_photo_is_averaged_and_keeps_its_place(shape: tuple[int, ...], view: tuple[int, int]) -> None:
    ramp = np.linspace(0, 255, 1600)[None, :] * np.ones((1200, 1))
    pixels = np.rint(ramp if len(shape) == 2 else np.repeat(ramp[..., None], 3, axis=2)).astype(np.uint8)
    shown = drawn(ShownPhoto(pixels), fitted((1600, 1200), view), BARE)
    middles = (np.arange(view[0]) + 0.5) / view[0] * 1600 - 0.5
    expected = np.interp(middles, np.arange(1600), ramp[0])
    assert np.abs(shown - expected[None, :, None])[:, 2:-2].max() < 1.5


def test_a_part_of_the_view_is_the_same_as_the_part_of_the_picture() -> None:
    photo = ShownPhoto(noise(200, 200), heat((4, 13, 0.5), (12, 6, 0.4)))
    whole = drawn(photo, Viewport((200, 200), (600, 600), 3.0, (100, 100)), Look())
    part = drawn(photo, Viewport((200, 200), (240, 180), 3.0, (120, 60)), Look())
    assert np.abs(part - whole[90:270, 240:480]).max() <= 2


def test_neither_brightness_nor_contrast_leaves_every_value_as_it_is() -> None:
    assert brightness_table(Look()) == list(range(256))


def test_brightness_and_contrast_are_monotone() -> None:
    for brightness in (-1, -0.4, 0, 0.4, 1):
        for contrast in (-1, -0.5, 0, 0.5, 1):
            table = brightness_table(Look(brightness=brightness, contrast=contrast))
            assert table == sorted(table)
            assert min(table) >= 0
            assert max(table) <= 255
    at_100 = [brightness_table(Look(brightness=one))[100] for one in (-1, -0.5, -0.1, 0, 0.1, 0.5, 1)]
    assert at_100 == sorted(at_100)
    assert (at_100[0], at_100[3], at_100[-1]) == (0, 100, 255)
    steps = [
        brightness_table(Look(contrast=one))[140] - brightness_table(Look(contrast=one))[116]
        for one in (-1, -0.5, 0, 0.5, 1)
    ]
    assert steps == [6, 12, 24, 48, 96]


def test_brightness_is_seen() -> None:
    viewport = fitted((240, 240), (240, 240))
    assert (drawn(ShownPhoto(grey(100)), viewport, replace(BARE, brightness=0.2)) == 151).all()


@pytest.mark.parametrize("nats", [0.01, 0.2, FULL_NATS, 5.0])
@pytest.mark.parametrize("opacity", [0.0, 0.3, 1.0])
def test_the_colour_has_the_strength_of_the_heat(nats: float, opacity: float) -> None:
    given = np.full((20, 20), nats / 4, np.float32)
    given[5:10, 5:10] = nats
    look = replace(COLOUR_ALONE, heat_opacity=opacity)
    shown = drawn(ShownPhoto(grey(90), given), fitted((240, 240), (480, 480)), look)
    cover = opacity * min(nats / FULL_NATS, 1) ** 0.5
    for at, share in (((180, 180), cover), ((400, 400), cover / 4)):
        assert shown[at] == pytest.approx((1 - share) * 90 + share * ORANGE, abs=1.5)


def test_the_heat_looks_as_in_the_reports() -> None:
    pixels = np.repeat(np.kron(noise(6, 6), np.ones((40, 40), np.uint8))[..., None], 3, axis=2)
    given = heat((4, 13, 0.5), (12, 6, 0.4))
    report = np.asarray(Image.open(io.BytesIO(heat_picture(pixels, given, 240).jpeg)), np.float64)
    shown = drawn(ShownPhoto(pixels, given), fitted((240, 240), (240, 240)), Look())
    assert np.quantile(np.abs(shown - report).max(axis=2), 0.97) < 20
    assert np.abs(shown - report).mean() < 4


def test_a_coloured_photo_is_grey_under_the_heat_and_coloured_without() -> None:
    pixels = np.zeros((240, 240, 3), np.uint8)
    pixels[..., 1] = 200
    photo, viewport = ShownPhoto(pixels, heat((4, 13, 0.5))), fitted((240, 240), (240, 240))
    assert np.ptp(drawn(photo, viewport, COLOUR_ALONE)[200, 50]) == 0
    assert drawn(photo, viewport, BARE)[200, 50] == pytest.approx([0, 200, 0])


@pytest.mark.parametrize("given", [None, heat()])
def test_without_heat_the_photo_is_left_alone(given: NDArray[np.float32] | None) -> None:
    pixels, viewport = noise(50, 50, 3), Viewport((50, 50), (50, 50), 1.0, (25, 25))
    assert np.array_equal(drawn(ShownPhoto(pixels, given), viewport, Look()), pixels)


def light(shown: NDArray[np.float64]) -> NDArray[np.bool_]:
    return shown.min(axis=2) > 215


@pytest.mark.parametrize("zoom", [2.0, 5.0, 16.0])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_the_line_runs_around_the_hottest_place_at_the_same_width_at_every_zoom(
    zoom: float, scale: float
) -> None:
    """A single hot place of 12 pixels: the line is half a place, 6 pixels, from its middle."""
    middle = (13.5 * 12, 4.5 * 12)
    viewport = Viewport((240, 240), (400, 400), zoom, middle)
    shown = drawn(ShownPhoto(grey(60), heat((4, 13, 0.4))), viewport, LINE_ALONE, scale)
    across = shown[200].min(axis=1)
    where = np.nonzero(across > 150)[0]
    assert where.min() == pytest.approx(200 - 6 * zoom, abs=1 + 2 * scale)
    assert where.max() == pytest.approx(200 + 6 * zoom, abs=1 + 2 * scale)
    bright = (across - 60).clip(0).sum() / (255 - 60) / 2
    assert bright == pytest.approx(2 * scale, abs=1.5), (
        "the line is 2 pixels wide; here it is crossed at a corner"
    )
    assert (shown.max(axis=2) < 40).any(), "dark edge"
    inside = light(shown)[
        200 - int(2 * zoom) : 200 + int(2 * zoom), 200 - int(2 * zoom) : 200 + int(2 * zoom)
    ]
    assert not inside.any()


def test_the_line_is_dashed_where_the_heat_is_faint() -> None:
    viewport = fitted((240, 240), (720, 720))
    wide = np.zeros((20, 20), np.float32)
    wide[5:12, 5:12] = 1
    counts = [
        light(drawn(ShownPhoto(grey(60), wide * np.float32(nats)), viewport, LINE_ALONE)).sum()
        for nats in (FAINT_NATS * 0.9, FAINT_NATS * 1.1)
    ]
    assert 0.4 * counts[1] < counts[0] < 0.6 * counts[1]


def test_a_dashed_line_has_dashes_of_the_same_length_at_every_zoom() -> None:
    wide = np.zeros((20, 20), np.float32)
    wide[5:12, 5:12] = FAINT_NATS * 0.9
    lengths = []
    for zoom in (3.0, 20.0):
        viewport = Viewport((240, 240), (300, 300), zoom, (5 * 12, 8.5 * 12))
        shown = drawn(ShownPhoto(grey(60), wide), viewport, LINE_ALONE)
        along = shown[:, 145:155].min(axis=2).max(axis=1) > 150
        starts = np.nonzero(np.diff(along.astype(int)) == 1)[0]
        lengths.append(np.diff(starts).mean())
    assert lengths == pytest.approx([16, 16], abs=1)


def test_the_line_can_be_switched_off() -> None:
    photo, viewport = ShownPhoto(grey(60), heat((4, 13, 0.4))), fitted((240, 240), (240, 240))
    assert not light(drawn(photo, viewport, COLOUR_ALONE)).any()


def test_heat_that_comes_later_lies_over_the_same_photo() -> None:
    bare = ShownPhoto(noise(1000, 1000))
    viewport = fitted((1000, 1000), (200, 200))
    before = drawn(bare, viewport, Look())
    late = bare.with_heat(heat((4, 13, 0.4)))
    assert np.array_equal(drawn(late, viewport, BARE), before)
    assert not np.array_equal(drawn(late, viewport, Look()), before)


def test_the_lens_shows_four_times_what_is_under_the_mouse() -> None:
    pixels = noise(50, 50)
    viewport = Viewport((50, 50), (200, 200), 4.0, (25, 25))
    lens = np.asarray(magnified(ShownPhoto(pixels), viewport, (122.0, 82.0), BARE), np.int64)
    assert lens.shape == (LENS_PX, LENS_PX, 4)
    assert lens[0, 0, 3] == 0, "round"
    assert lens[LENS_PX // 2, LENS_PX // 2, 3] == 255
    side = int(4 * LENS_ENLARGES)
    around = LENS_PX // 2 + side * np.arange(-3, 4)
    squares = lens[np.ix_(around, around)][..., 0]
    assert np.array_equal(squares, pixels[17:24, 27:34]), "(122, 82) lies in the middle of pixel (30, 20)"


def test_the_lens_enlarges_no_further_than_the_view_can() -> None:
    viewport = Viewport((50, 50), (200, 200), 20.0, (25, 25))
    lens = np.asarray(magnified(ShownPhoto(noise(50, 50)), viewport, (110.0, 110.0), BARE), np.int64)
    around = LENS_PX // 2 + 32 * np.arange(-1, 2)
    assert np.array_equal(lens[np.ix_(around, around)][..., 0], noise(50, 50)[24:27, 24:27])


def test_the_lens_takes_the_brightness_and_hides_the_colour() -> None:
    photo = ShownPhoto(grey(100), np.ones((20, 20), np.float32))
    viewport = fitted((240, 240), (480, 480))
    lens = np.asarray(magnified(photo, viewport, (240, 240), Look(brightness=0.2), scale=2.0))
    assert lens.shape[0] == 2 * LENS_PX
    assert tuple(lens[LENS_PX, LENS_PX]) == (151, 151, 151, 255)


def test_the_bar_has_the_colours_of_the_photo() -> None:
    bar = np.asarray(heat_bar(0.25, 0.6, (101, 8)), np.float64)
    assert bar[4, 0] == pytest.approx([128, 128, 128])
    assert bar[4, 100] == pytest.approx(0.7 * 128 + 0.3 * ORANGE, abs=1.5)
    assert bar[4, 50] == pytest.approx(0.85 * 128 + 0.15 * ORANGE, abs=1.5)
    assert np.ptp(np.asarray(heat_bar(0.0, 0.6, (20, 4)))) == 0


def test_nothing_that_was_given_is_changed() -> None:
    pixels, given = noise(90, 90), heat((4, 13, 0.4))
    picture(ShownPhoto(pixels, given), fitted((90, 90), (300, 300)), Look(brightness=0.5))
    assert np.array_equal(pixels, noise(90, 90))
    assert np.array_equal(given, heat((4, 13, 0.4)))
