"""Pictures of heat: grey without it, colour that grows with it, a line around its strongest place."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from castproof.report.heat_pictures import FAINT_NATS, FULL_NATS, heat_picture
from castproof.report.thumbnails import Picture


def pixels(grey: int = 128, height: int = 240, width: int = 240) -> NDArray[np.uint8]:
    return np.full((height, width, 3), grey, np.uint8)


def heat(*spots: tuple[int, int, float], places: int = 24) -> NDArray[np.float32]:
    """Return a map of `places` x `places` with single places (row, column, nats) that are hot."""
    made = np.zeros((places, places), np.float32)
    for row, column, nats in spots:
        made[row, column] = nats
    return made


def seen(picture: Picture) -> NDArray[np.float64]:
    return np.asarray(Image.open(io.BytesIO(picture.jpeg)).convert("RGB"), np.float64)


def colour(shown: NDArray[np.float64]) -> NDArray[np.float64]:
    return shown[..., 0] - shown[..., 2]


def white(shown: NDArray[np.float64]) -> NDArray[np.bool_]:
    return shown.min(axis=2) > 215


def test_a_photo_without_heat_is_the_photo_in_grey() -> None:
    rng = np.random.default_rng(1)
    photo = np.kron(rng.integers(0, 256, (6, 6, 3)), np.ones((20, 20, 1))).astype(np.uint8)
    shown = seen(heat_picture(photo, heat(), 120))
    expected = np.asarray(Image.fromarray(photo).convert("L"), np.float64)
    assert np.ptp(shown, axis=2).max() == 0
    assert np.abs(shown[..., 0] - expected).mean() < 2


@pytest.mark.parametrize(("height", "width"), [(300, 300), (120, 480), (512, 90)])
@pytest.mark.parametrize("longest_px", [60, 200])
def test_the_picture_has_the_photos_shape_at_the_size_asked_for(
    height: int, width: int, longest_px: int
) -> None:
    picture = heat_picture(pixels(90, height, width), heat((3, 5, 0.4)), longest_px)
    assert max(picture.width, picture.height) == longest_px
    assert picture.width / picture.height == pytest.approx(width / height, rel=0.05)
    assert seen(picture).shape == (picture.height, picture.width, 3)


def test_a_photo_smaller_than_asked_for_is_not_enlarged() -> None:
    picture = heat_picture(pixels(90, 50, 40), heat((3, 5, 0.4)), 200)
    assert (picture.height, picture.width) == (50, 40)


def test_colour_lies_where_the_heat_is_and_nowhere_else() -> None:
    shown = colour(seen(heat_picture(pixels(), heat((4, 17, FULL_NATS)), 240)))
    assert shown[45, 175] > 60, "place (4, 17) of 24 is pixel (45, 175) of 240"
    shown[20:70, 150:200] = 0
    assert np.abs(shown).max() < 12


def test_colour_grows_with_heat_up_to_the_full_one_and_no_further() -> None:
    nats = [0.0, 0.02 * FULL_NATS, 0.1 * FULL_NATS, 0.4 * FULL_NATS, FULL_NATS]
    at = [
        colour(seen(heat_picture(pixels(), heat((4, 17, one)), 240)))[43:48, 173:178].mean() for one in nats
    ]
    assert at == sorted(at)
    assert min(np.diff(at)) > 5
    above = heat_picture(pixels(), heat((4, 17, 9 * FULL_NATS)), 240)
    assert above.jpeg == heat_picture(pixels(), heat((4, 17, FULL_NATS)), 240).jpeg


def test_a_weaker_place_has_its_proportion_of_the_colour() -> None:
    given = heat()
    given[2:7, 15:20], given[16:21, 4:9] = 0.3, 0.1
    shown = colour(seen(heat_picture(pixels(), given, 240)))
    assert shown[183:188, 63:68].mean() == pytest.approx(shown[43:48, 173:178].mean() / 3, rel=0.1)


def test_a_line_closes_around_the_strongest_place_alone() -> None:
    line = white(seen(heat_picture(pixels(), heat((4, 17, 0.4), (18, 6, 0.35)), 240)))
    assert line.sum() > 20
    assert not line[:, :100].any()
    rows, columns = np.nonzero(line)
    assert rows.min() < 45 < rows.max()
    assert columns.min() < 175 < columns.max()
    assert rows.max() - rows.min() < 30
    assert line[45, 150:175].sum() >= 1, "left of the place"
    assert line[45, 176:200].sum() >= 1, "right of it"


def test_the_line_can_be_seen_on_white_and_on_black() -> None:
    on_white = seen(heat_picture(pixels(255), heat((12, 12, 0.3)), 240)).max(axis=2)
    on_black = seen(heat_picture(pixels(0), heat((12, 12, 0.3)), 240)).min(axis=2)
    assert on_white.min() < 90
    assert on_black.max() > 165


def test_the_line_is_dashed_where_the_network_sees_next_to_nothing() -> None:
    count = {
        nats: white(seen(heat_picture(pixels(40), heat((12, 12, nats), (12, 13, nats)), 240))).sum()
        for nats in (FAINT_NATS * 0.9, FAINT_NATS * 1.1)
    }
    faint, clear = count.values()
    assert 0.25 * clear < faint < 0.75 * clear


def test_turning_photo_and_heat_turns_the_picture() -> None:
    rng = np.random.default_rng(2)
    photo = np.kron(rng.integers(60, 200, (6, 6, 3)), np.ones((40, 40, 1))).astype(np.uint8)
    given = heat((4, 17, 0.4), (5, 17, 0.2))
    turned = heat_picture(photo[::-1, ::-1].copy(), given[::-1, ::-1].copy(), 240)
    difference = np.abs(seen(turned) - seen(heat_picture(photo, given, 240))[::-1, ::-1])
    assert np.quantile(difference, 0.99) < 25


@pytest.mark.parametrize("row", [0, 23])
@pytest.mark.parametrize("column", [0, 23])
def test_heat_at_the_border_is_drawn(row: int, column: int) -> None:
    shown = seen(heat_picture(pixels(60), heat((row, column, 0.4)), 240))
    assert white(shown).any()


def test_a_map_of_one_place_colours_the_whole_photo() -> None:
    shown = colour(seen(heat_picture(pixels(), np.full((1, 1), 0.5, np.float32), 100)))
    assert shown.min() > 60


def test_nothing_that_was_given_is_changed() -> None:
    photo, given = pixels(), heat((4, 17, 0.4))
    heat_picture(photo, given, 100)
    assert np.array_equal(photo, pixels())
    assert np.array_equal(given, heat((4, 17, 0.4)))
