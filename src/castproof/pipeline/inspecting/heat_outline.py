"""The line around the strongest place of a heat map, as points that can be drawn at any size."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.report.heat_pictures import Heat, enlarged, strongest_region

Ring = NDArray[np.float64]
_Node = tuple[int, int]
_Edge = tuple[_Node, _Node]

_SAMPLES: Final = 100
_HALF: Final = 0.5
# Sides of a cell: 0 above, 1 right, 2 below, 3 left. The key adds 1, 2, 4, 8 for each hot corner, clockwise from the
# upper left one. Every piece of the line has the heat on its left.
_PIECES: Final[dict[int, tuple[tuple[int, int], ...]]] = {
    1: ((3, 0),),
    2: ((0, 1),),
    3: ((3, 1),),
    4: ((1, 2),),
    5: ((3, 0), (1, 2)),
    6: ((0, 2),),
    7: ((3, 2),),
    8: ((2, 3),),
    9: ((2, 0),),
    10: ((0, 1), (2, 3)),
    11: ((2, 1),),
    12: ((1, 3),),
    13: ((1, 0),),
    14: ((0, 3),),
}


def heat_outline(heat: Heat) -> list[Ring]:
    """Return the closed lines around the strongest place, where the heat is above half of its maximum.

    The lines are found by marching squares (Lorensen and Cline 1987, in the plane) on the enlarged map. There is more
    than one where the place has holes, and none where there is no heat.

    Args:
        heat: float32 (h, w), nats, at least 0.

    Returns:
        Rings, float64 (n, 2): x and y as a share of the photo's width and height, in [0, 1]; the last point joins the
        first.
    """
    if float(heat.max()) <= 0:
        return []
    field = _strongest_place(heat)
    height, width = field.shape
    rings = _rings(_joined(field))
    share = np.array([width - 2, height - 2], np.float64)
    return [
        np.clip((np.array([_crossing(field, edge) for edge in ring]) - 0.5) / share, 0, 1) for ring in rings
    ]


def _strongest_place(heat: Heat) -> Heat:
    """Return the enlarged map over its maximum, bordered by zeros, with no other place above one half."""
    times = max(_SAMPLES // max(heat.shape), 1) | 1  # odd, so that the middle of a place is a sample
    large = enlarged(heat, (heat.shape[1] * times, heat.shape[0] * times))
    large = large / large.max()
    inside = np.asarray(strongest_region(large)) > 0
    return np.pad(np.where(inside | (large <= _HALF), large, 0), 1)


def _joined(field: Heat) -> dict[_Edge, _Edge]:
    """Return, for every side of a cell that the line crosses, the side that it crosses next."""
    hot = (field > _HALF).astype(np.int64)
    cases = hot[:-1, :-1] + 2 * hot[:-1, 1:] + 4 * hot[1:, 1:] + 8 * hot[1:, :-1]
    following = {}
    for row, column in np.argwhere((cases > 0) & (cases < 15)).tolist():
        a, b = (row, column), (row, column + 1)
        c, d = (row + 1, column + 1), (row + 1, column)
        sides = ((a, b), (b, c), (d, c), (a, d))
        for start, end in _PIECES[int(cases[row, column])]:
            following[sides[start]] = sides[end]
    return following


def _rings(following: dict[_Edge, _Edge]) -> list[list[_Edge]]:
    rings = []
    left = dict(following)
    while left:
        first, edge = left.popitem()
        ring = [first]
        while edge != first:
            ring.append(edge)
            edge = left.pop(edge)
        rings.append(ring)
    return rings


def _crossing(field: Heat, edge: _Edge) -> tuple[float, float]:
    """Return x and y, in samples of the bordered field, where the field is one half between two samples."""
    (row, column), (row_b, column_b) = edge
    a, b = float(field[row, column]), float(field[row_b, column_b])
    share = (_HALF - a) / (b - a)
    return column + share * (column_b - column), row + share * (row_b - row)
