"""Marks of parts: what they are, and when they agree; light and structure of the product do not make them agree."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from castproof.parts.compare import Comparer
from castproof.parts.describe import describe
from castproof.parts.marks import agreement_of_marks, chance_level, marks_in, same_marks

Places = NDArray[np.float64]

SIDE = 160
EXTENT = 2.2
PARTS = 26
INSIDE = np.ones((SIDE, SIDE), np.float32)


def picture(dots: Places, depth: float = 0.8) -> NDArray[np.float32]:
    """Return a plane with a dark dot at each of `dots`, (n, 2) as x and y in units of the frame."""
    axis = (np.arange(SIDE) + 0.5) / SIDE * 2 * EXTENT - EXTENT
    away = (axis - dots[:, 0, None, None]) ** 2 + (axis[:, None] - dots[:, 1, None, None]) ** 2
    return np.asarray(5 - depth * np.exp(-away / (2 * 0.04**2)).sum(axis=0), np.float32)


def scattered(seed: int, count: int = 12) -> Places:
    rng = np.random.default_rng(seed)
    radius, angle = rng.uniform(0.3, 1.9, count), rng.uniform(0, 2 * np.pi, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def turned(dots: Places, angle: float, mirrored: bool) -> Places:
    c, s = math.cos(angle), math.sin(angle)
    matrix = np.array([[c, -s], [s, c]]) @ np.diag([1.0, -1.0 if mirrored else 1.0])
    return np.asarray(dots @ matrix.T)


def marks(dots: Places) -> NDArray[np.float32]:
    return marks_in(picture(dots), INSIDE, EXTENT)


def agreeing(planes: list[NDArray[np.float32]]) -> list[tuple[int, int]]:
    scores = agreement_of_marks(np.stack(planes))
    upper = np.triu_indices(len(planes), 1)
    level = chance_level(scores[upper])
    return [(int(i), int(j)) for i, j in zip(*upper, strict=True) if scores[i, j] >= level]


def test_a_mark_lies_at_its_radius_and_angle() -> None:
    plane = marks(np.array([[0.0, 1.2]]))
    ring, angle = np.unravel_index(int(plane.argmax()), plane.shape)
    assert 0.1 + 1.9 * ring / (plane.shape[0] - 1) == pytest.approx(1.2, abs=0.05)
    assert angle / plane.shape[1] == pytest.approx(0.25, abs=0.01)


def test_a_bright_dot_is_a_mark_of_the_other_sign() -> None:
    dots = scattered(0)
    np.testing.assert_allclose(
        marks_in(picture(dots, -0.8), INSIDE, EXTENT), -marks_in(picture(dots), INSIDE, EXTENT), atol=1e-4
    )


def test_an_edge_a_streak_and_uneven_light_are_no_marks() -> None:
    axis = np.linspace(-1, 1, SIDE, dtype=np.float32)
    edge, streak = np.where(axis > 0.3, 1.0, 0.0), np.exp(-((axis + 0.4) ** 2) / 0.0008)
    straight = np.asarray(np.tile(edge + streak, (SIDE, 1)) + axis[:, None], np.float32)
    assert np.abs(marks_in(straight, INSIDE, EXTENT)).max() < 0.05 * marks(np.array([[0.0, 1.2]])).max()


def test_nothing_is_a_mark_outside_of_the_photo() -> None:
    assert not marks_in(picture(scattered(0)), 0 * INSIDE, EXTENT).any()


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_same_marks_agree_at_any_turn_and_different_ones_do_not(mirrored: bool) -> None:
    parts = [scattered(seed) for seed in range(PARTS)]
    again = turned(parts[3], 1.1, mirrored)
    assert agreeing([marks(dots) for dots in [*parts, again]]) == [(3, PARTS)]


def test_what_all_parts_of_a_product_show_makes_none_of_them_agree() -> None:
    holes = np.array(
        [[1.4 * math.cos(a), 1.4 * math.sin(a)] for a in 2 * np.pi / 5 * np.array([0, 1, 2, 3.3, 4])]
    )
    parts = [
        turned(np.concatenate([holes, scattered(seed, 4)]), seed * 0.7, bool(seed % 2))
        for seed in range(PARTS)
    ]
    assert agreeing([marks(dots) for dots in parts]) == []


def test_flat_pictures_do_not_agree() -> None:
    scores = agreement_of_marks(np.zeros((PARTS, 56, 256), np.float32))
    assert np.isfinite(scores).all()
    assert scores.max() == 0


def test_the_level_of_an_exponential_chance_is_the_one_that_few_of_so_many_reach() -> None:
    count = 20000
    scores = -np.log(1 - (np.arange(count) + 0.5) / count)
    assert chance_level(scores.astype(np.float32)) == pytest.approx(math.log(count / 0.05), rel=0.01)


Photographed = tuple[Comparer, list[list[int]], dict[int, dict[int, float]]]


def test_photos_of_one_part_under_another_light_are_found_in_the_data_set(photographed: Photographed) -> None:
    compare, parts, links = photographed
    assert same_marks(compare, parts, links, 0.3) == [(3, PARTS)]


def test_few_parts_or_parts_of_few_photos_are_left_alone(photographed: Photographed) -> None:
    compare, parts, links = photographed
    assert same_marks(compare, [parts[3], parts[-1]], links, 0.3) == []
    assert same_marks(compare, [photos[:7] for photos in parts], links, 0.3) == []


@pytest.fixture(scope="module")
def photographed() -> Photographed:
    """Return discs photographed 8 times each; the last part is part 3 again, its light from another side."""
    rng = np.random.default_rng(0)
    greys: list[NDArray[np.uint8]] = []
    for part in range(PARTS + 1):
        dots, light = scattered(3 if part == PARTS else part), rng.uniform(0, 2 * np.pi)
        for _ in range(8):
            greys.append(disc(rng, dots, light))
    parts = [list(range(8 * part, 8 * part + 8)) for part in range(PARTS + 1)]
    links = {i: {j: 0.9 for j in photos if j != i} for photos in parts for i in photos}
    with threadpool_limits(1):
        return Comparer(describe(greys, workers=1), workers=1), parts, links


def disc(rng: np.random.Generator, dots: Places, light: float) -> NDArray[np.uint8]:
    """Return a photo of a bright disc of radius 2 with `dots`, at any turn; its light turns with it."""
    turn = rng.uniform(0, 2 * np.pi)
    axis = (np.arange(SIDE) + 0.5) / SIDE * 2 * EXTENT - EXTENT
    rim = 1 / (1 + np.exp((np.hypot(axis, axis[:, None]) - 2.0) / 0.02))
    shade = 0.25 * (axis * math.cos(light + turn) + axis[:, None] * math.sin(light + turn)) * rim
    logs = picture(turned(dots, turn, False)) - 1.2 * (1 - rim) + shade
    return np.asarray(np.clip(np.exp(logs) + rng.normal(0, 1.5, logs.shape), 0, 255), np.uint8)
