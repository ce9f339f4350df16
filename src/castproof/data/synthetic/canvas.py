"""The maps that a generated casting is drawn on, and the noise they are drawn with.

Lengths are in *units*: the canvas is a square from -1 to 1, so one unit is half its width.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Map = NDArray[np.float32]
Labels = NDArray[np.uint8]
Window = tuple[slice, slice]


@dataclass
class Canvas:
    """The maps of one part while it is drawn; all float32, shape (size, size).

    height: above the table, in units. albedo: share of light sent back, 0 to 1. gloss: 0 cast skin to 1
    turned metal. alpha: 1 where there is part, 0 where one sees the table. tangent: (2, size, size), the
    direction (x, y) of the tool's grooves. grain: the grooves' own texture, mean 0, deviation about 1.
    label: uint8, 0 or the number of the defect.
    """

    size: int
    x: Map = field(init=False)
    y: Map = field(init=False)
    height: Map = field(init=False)
    albedo: Map = field(init=False)
    gloss: Map = field(init=False)
    alpha: Map = field(init=False)
    tangent: Map = field(init=False)
    grain: Map = field(init=False)
    label: Labels = field(init=False)

    def __post_init__(self) -> None:
        axis = ((np.arange(self.size, dtype=np.float32) + 0.5) * self.px - 1).astype(np.float32)
        self.x = np.broadcast_to(axis, (self.size, self.size))
        self.y = np.broadcast_to(axis[:, None], (self.size, self.size))
        shape = (self.size, self.size)
        self.height, self.albedo, self.gloss, self.alpha, self.grain = (
            np.zeros(shape, np.float32) for _ in range(5)
        )
        self.tangent = np.zeros((2, *shape), np.float32)
        self.label = np.zeros(shape, np.uint8)

    @property
    def px(self) -> float:
        """The width of one pixel in units."""
        return 2 / self.size

    def polar(self, x: float = 0.0, y: float = 0.0) -> tuple[Map, Map]:
        """Return radius (units) and angle (radians) of every pixel around (x, y)."""
        dx, dy = self.x - np.float32(x), self.y - np.float32(y)
        return np.sqrt(dx * dx + dy * dy), np.arctan2(dy, dx)

    def cover(self, distance: Map, soft_px: float = 1.2) -> Map:
        """Return how far each pixel lies inside a shape, 0 to 1, from its signed distance (inside < 0)."""
        inside: Map = np.clip(0.5 - distance * np.float32(1 / (soft_px * self.px)), 0, 1)
        return inside

    def lay(
        self,
        cover: Map,
        *,
        height: float | Map | None = None,
        albedo: float | Map | None = None,
        gloss: float | Map | None = None,
    ) -> None:
        """Blend the values given into the maps where `cover` is above 0."""
        for target, value in ((self.height, height), (self.albedo, albedo), (self.gloss, gloss)):
            if value is not None:
                target += cover * (np.asarray(value, np.float32) - target)

    def turn(self, rng: np.random.Generator, x: float, y: float, *, lines: float, per_turn: int) -> None:
        """Groove the whole canvas with circles around (x, y); a far centre gives straight strokes.

        Args:
            rng: source of the grooves' texture.
            x: centre of the tool's path, units.
            y: centre of the tool's path, units.
            lines: grooves per unit of radius.
            per_turn: how often a groove changes along one turn.
        """
        radius, angle = self.polar(x, y)
        inverse = 1 / np.maximum(radius, 1e-4)
        self.tangent[0] = -(self.y - np.float32(y)) * inverse
        self.tangent[1] = (self.x - np.float32(x)) * inverse
        width = per_turn if per_turn <= 64 else 64 * round(per_turn / 64)
        table = rng.standard_normal((256, min(width, 64))).astype(np.float32)
        table += np.float32(rng.uniform(0, 0.8)) * rng.standard_normal((256, 1)).astype(np.float32)
        table *= np.float32(rng.uniform(0.35, 1.1))
        at = np.stack([radius * np.float32(lines), angle * np.float32(width / (2 * np.pi))])
        self.grain[:] = ndimage.map_coordinates(table, at, order=1, mode="grid-wrap")

    def window(self, x: float, y: float, reach: float) -> Window:
        """Return the slices of the square of half width `reach` (units) around (x, y)."""
        column, row, half = (x + 1) / self.px, (y + 1) / self.px, reach / self.px + 2
        rows = slice(max(0, int(row - half)), min(self.size, int(row + half) + 1))
        return rows, slice(max(0, int(column - half)), min(self.size, int(column + half) + 1))


@lru_cache(maxsize=64)
def _spread(cells: int, size: int) -> Map:
    """Return the (size, cells) matrix that interpolates `cells` samples to `size` by cubic B-splines."""
    at = (np.arange(size) + 0.5) / size * (cells - 1)
    distance = np.abs(at[:, None] - np.arange(cells)[None, :])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    weights = np.where(distance < 1, near, far)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def smooth_noise(rng: np.random.Generator, rows: int, columns: int, cells: tuple[int, int]) -> Map:
    """Return float32 noise, shape (rows, columns), mean about 0, deviation about 1, blobs of 1/cells."""
    coarse = rng.standard_normal(cells).astype(np.float32)
    fine = _spread(cells[0], rows) @ coarse @ _spread(cells[1], columns).T
    return np.asarray(fine * np.float32(1.9), np.float32)


def cloud(rng: np.random.Generator, size: int, cells: int, octaves: int = 3) -> Map:
    """Return noise of several scales, shape (size, size), deviation about 1, halved at every octave."""
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        count = min(cells * 2**octave, size)
        total += smooth_noise(rng, size, size, (count, count)) * np.float32(0.5**octave)
    return total * np.float32(0.8)


def ring_noise(rng: np.random.Generator, angle: Map, cells: int) -> Map:
    """Return noise that depends on `angle` (radians) alone and closes on itself, deviation about 1."""
    knots = rng.standard_normal(cells).astype(np.float32)
    at = (angle / np.float32(2 * np.pi)) * np.float32(cells) + np.float32(cells)
    index = at.astype(np.int32)
    share = at - index.astype(np.float32)
    return np.asarray(knots[index % cells] * (1 - share) + knots[(index + 1) % cells] * share, np.float32)


def enlarge(values: Map, factor: int) -> Map:
    """Return `values`, square, enlarged by `factor` with linear interpolation between pixel centres."""
    spread = _linear(values.shape[0], factor)
    return np.asarray(spread @ values @ spread.T, np.float32)


@lru_cache(maxsize=16)
def _linear(cells: int, factor: int) -> Map:
    at = np.clip((np.arange(cells * factor) + 0.5) / factor - 0.5, 0, cells - 1)
    weights = np.maximum(1 - np.abs(at[:, None] - np.arange(cells)[None, :]), 0)
    return np.asarray(weights, np.float32)
