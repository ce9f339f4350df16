"""The line around the strongest place: closed forms, and every point of it on half of the maximum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from castproof.pipeline.inspecting.heat_outline import heat_outline

Heat = NDArray[np.float32]


def interpolated(heat: Heat, x: float, y: float) -> float:
    """Return the heat at a share of width and height, bilinear between the middles of the places."""
    rows, columns = heat.shape
    across = min(max(x * columns - 0.5, 0), columns - 1)
    down = min(max(y * rows - 0.5, 0), rows - 1)
    column, row = min(int(across), columns - 2), min(int(down), rows - 2)
    u, v = across - column, down - row
    (a, b), (c, d) = heat[row : row + 2, column : column + 2]
    return float((a * (1 - u) + b * u) * (1 - v) + (c * (1 - u) + d * u) * v)


def test_one_hot_place_has_a_line_half_a_place_from_its_middle() -> None:
    heat = np.zeros((20, 20), np.float32)
    heat[4, 13] = 0.7
    (ring,) = heat_outline(heat)
    places = ring * 20
    assert places.min(axis=0) == pytest.approx([13, 4], abs=0.02)
    assert places.max(axis=0) == pytest.approx([14, 5], abs=0.02)


def test_a_weaker_place_of_its_own_has_no_line() -> None:
    heat = np.zeros((20, 20), np.float32)
    heat[4, 13], heat[15, 3], heat[6, 15] = 0.7, 0.69, 0.69
    (ring,) = heat_outline(heat)
    assert (ring * 20).max(axis=0)[1] < 5.1


def test_no_heat_has_no_line() -> None:
    assert heat_outline(np.zeros((20, 20), np.float32)) == []


def test_heat_everywhere_has_the_line_along_the_border_of_the_photo() -> None:
    (ring,) = heat_outline(np.full((20, 20), 0.3, np.float32))
    assert ring.min() == 0
    assert ring.max() == 1
    on_border = np.isclose(ring, 0, atol=0.01) | np.isclose(ring, 1, atol=0.01)
    assert on_border.any(axis=1).all()


def test_a_place_with_a_hole_has_two_lines() -> None:
    heat = np.zeros((20, 20), np.float32)
    heat[5:14, 5:14] = 1
    heat[8:11, 8:11] = 0
    inner, outer = sorted(heat_outline(heat), key=np.ptp)
    assert (inner * 20).min(axis=0) == pytest.approx([8, 8], abs=0.02)
    assert (outer * 20).min(axis=0) == pytest.approx([5, 5], abs=0.02)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(20, 20), (7, 12), (2, 2)]))
def test_the_line_lies_on_half_of_the_maximum_and_goes_around_it(seed: int, shape: tuple[int, int]) -> None:
    heat = np.random.default_rng(seed).random(shape).astype(np.float32) ** 3 + np.float32(1e-3)
    rings = heat_outline(heat)
    assert rings
    half = heat.max() / 2
    inner = [
        interpolated(heat, x, y)
        for ring in rings
        for x, y in ring.tolist()
        if min(x, y) > 0.01 and max(x, y) < 0.99
    ]
    # A saddle between two pieces is cut, and a straight side of a cell stands for a curve.
    assert np.quantile(np.abs(np.array(inner or [half]) - half), 0.9) < 0.06 * heat.max()
    row, column = np.unravel_index(int(heat.argmax()), shape)
    x, y = (column + 0.5) / shape[1], (row + 0.5) / shape[0]
    assert sum(_windings(ring, x, y) for ring in rings) != 0


def _windings(ring: NDArray[np.float64], x: float, y: float) -> int:
    """Return how often the ring goes around a point: its angles summed (O'Rourke 1998, section 7.4.2)."""
    angles = np.arctan2(ring[:, 1] - y, ring[:, 0] - x)
    turns = np.diff(np.concatenate([angles, angles[:1]]))
    return round(float(((turns + np.pi) % (2 * np.pi) - np.pi).sum() / (2 * np.pi)))
