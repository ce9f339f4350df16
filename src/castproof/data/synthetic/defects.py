"""Defects of the trade that lie on a face: holes, cracks, seams, scratches, shrinkage.

Every function draws one defect of a `severity` between 0 (barely visible) and 1 (plain) on the canvas, with
relief of its own (the camera then lights it), and marks its pixels with `label`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from castproof.data.synthetic.canvas import Canvas, Map, Window, smooth_noise

Rng = np.random.Generator
Path = NDArray[np.float64]
_HAIR = 2 / 320


@dataclass(frozen=True)
class Stroke:
    """How one defect is drawn: its severity, 0 to 1, and its number in the label map."""

    severity: float
    label: int

    def between(self, faint: float, plain: float) -> float:
        """Return the value at this severity on the way from `faint` to `plain`."""
        return faint + (plain - faint) * self.severity


def pick_site(canvas: Canvas, rng: Rng, *, edge: float = 0.5) -> tuple[float, float]:
    """Return a place (units) on a face that a camera sees; steps are favoured with weight `edge`."""
    coarse = slice(2, None, 4)
    height, albedo = canvas.height[coarse, coarse], canvas.albedo[coarse, coarse]
    slope = np.abs(np.diff(height, axis=0, append=height[-1:])) + np.abs(
        np.diff(height, axis=1, append=height[:, -1:])
    )
    weight = (1 - edge) + edge * 8 * np.clip(slope / 0.02, 0, 1)
    weight = weight * (canvas.alpha[coarse, coarse] > 0.9) * np.clip(albedo - 0.12, 0.004, 0.3)
    total = np.cumsum(weight, dtype=np.float64)
    index = int(np.searchsorted(total, rng.random() * total[-1]))
    row, column = np.unravel_index(min(index, weight.size - 1), weight.shape)
    jitter = rng.uniform(-2, 2, 2) * canvas.px
    return (
        float(canvas.x[0, 4 * column + 2] + jitter[0]),
        float(canvas.y[4 * row + 2, 0] + jitter[1]),
    )


def blob(
    canvas: Canvas, rng: Rng, at: tuple[float, float], radius: float, wobble: float = 0.25
) -> tuple[Window, Map]:
    """Return the window and signed distance (units, inside < 0) of an irregular round shape."""
    window = canvas.window(*at, radius * 2.2 + 4 * canvas.px)
    dx, dy = canvas.x[window] - np.float32(at[0]), canvas.y[window] - np.float32(at[1])
    turn, stretch = rng.uniform(0, np.pi), rng.uniform(1, 1.6)
    u = (dx * np.float32(np.cos(turn)) + dy * np.float32(np.sin(turn))) / np.float32(stretch)
    v = dy * np.float32(np.cos(turn)) - dx * np.float32(np.sin(turn))
    angle = np.arctan2(v, u)
    edge = np.ones_like(u)
    for wave in range(2, 6):
        edge += np.float32(wobble * rng.normal() / wave) * np.cos(wave * angle + rng.uniform(0, 6.28))
    return window, np.sqrt(u * u + v * v) - np.float32(radius) * np.maximum(edge, 0.4)


def dig(canvas: Canvas, window: Window, distance: Map, stroke: Stroke, *, depth: float, lip: float) -> None:
    """Sink a pit where `distance` < 0: a steep wall, a dark dull floor, a slightly raised lip."""
    inside = np.clip(0.5 - distance / np.float32(1.6 * canvas.px), 0, 1)
    wall = np.clip(-distance / np.float32(2.5 * canvas.px), 0, 1)
    canvas.height[window] += np.float32(lip) * np.exp(-((distance / np.float32(1.5 * canvas.px)) ** 2))
    canvas.height[window] -= np.float32(depth) * wall
    canvas.albedo[window] *= 1 - np.float32(stroke.between(0.4, 0.75)) * inside
    canvas.gloss[window] *= 1 - 0.9 * inside
    _mark(canvas, window, inside > 0.4, stroke)


def _mark(canvas: Canvas, window: Window, where: NDArray[np.bool_], stroke: Stroke) -> None:
    seen = where & ((canvas.alpha[window] > 0.3) | (canvas.label[window] > 0))
    canvas.label[window][seen] = stroke.label


def blowhole(canvas: Canvas, rng: Rng, stroke: Stroke) -> None:
    """Draw one to three round smooth-walled gas holes, often at the edge of a face."""
    at = pick_site(canvas, rng, edge=0.7)
    for _ in range(1 + int(rng.random() < 0.3) + int(rng.random() < 0.15)):
        radius = stroke.between(0.014, rng.uniform(0.025, 0.05))
        window, distance = blob(canvas, rng, at, radius, 0.2)
        dig(
            canvas,
            window,
            distance,
            stroke,
            depth=stroke.between(0.012, 0.06),
            lip=rng.uniform(0, stroke.between(0.003, 0.015)),
        )
        at = (at[0] + rng.normal(0, 0.05), at[1] + rng.normal(0, 0.05))


def pinholes(canvas: Canvas, rng: Rng, stroke: Stroke) -> None:
    """Draw a cluster of small gas pores."""
    at, spread = pick_site(canvas, rng, edge=0.3), rng.uniform(0.03, 0.09)
    for _ in range(int(stroke.between(4, rng.uniform(8, 26)))):
        spot = (at[0] + rng.normal(0, spread), at[1] + rng.normal(0, spread))
        radius = stroke.between(0.0095, rng.uniform(0.009, 0.016))
        window, distance = blob(canvas, rng, spot, radius, 0.1)
        dig(canvas, window, distance, stroke, depth=stroke.between(0.01, 0.03), lip=0.002)


def shrinkage(canvas: Canvas, rng: Rng, stroke: Stroke) -> None:
    """Draw a sponge of ragged joined pits in a sunken patch."""
    at = pick_site(canvas, rng, edge=0.4)
    window, distance = blob(canvas, rng, at, stroke.between(0.03, rng.uniform(0.06, 0.12)), 0.5)
    rows, columns = distance.shape
    cells = (max(4, rows // 4), max(4, columns // 4))
    sponge = smooth_noise(rng, rows, columns, cells)
    canvas.height[window] -= np.float32(stroke.between(0.004, 0.02)) * np.clip(-distance / 0.03, 0, 1)
    pits = np.maximum(distance, (np.float32(stroke.between(0.4, 0.05)) - sponge) * np.float32(canvas.px * 2))
    dig(canvas, window, pits, stroke, depth=stroke.between(0.012, 0.05), lip=0.003)


def crack(canvas: Canvas, rng: Rng, stroke: Stroke) -> None:
    """Draw a jagged branching hairline that tapers out."""
    at = pick_site(canvas, rng, edge=0.5)
    length = stroke.between(0.12, rng.uniform(0.2, 0.45))
    path = _walk(rng, at, rng.uniform(0, 6.28), length, jag=0.6)
    half = _HAIR * stroke.between(0.8, rng.uniform(0.9, 1.5))
    _groove(canvas, rng, path, half, stroke, depth=stroke.between(0.012, 0.04), dark=stroke.between(0.4, 0.8))
    if rng.random() < stroke.between(0.2, 0.7):
        start = path[int(rng.integers(3, len(path) - 2))]
        branch = _walk(rng, (start[0], start[1]), rng.uniform(0, 6.28), length * 0.4, jag=0.6)
        _groove(canvas, rng, branch, half * 0.8, stroke, depth=0.015, dark=stroke.between(0.3, 0.7))


def cold_shut(canvas: Canvas, rng: Rng, stroke: Stroke) -> None:
    """Draw a smooth curved seam with rounded lips, where two fronts of metal met and did not join."""
    at = pick_site(canvas, rng, edge=0.2)
    path = _walk(rng, at, rng.uniform(0, 6.28), stroke.between(0.15, rng.uniform(0.25, 0.5)), jag=0.12)
    half = _HAIR * stroke.between(1.1, rng.uniform(1.5, 2.8))
    window, distance = _near(canvas, path, 6 * half)
    lips = np.exp(-(((distance - 2 * half) / (1.4 * half)) ** 2))
    canvas.height[window] += np.float32(stroke.between(0.003, 0.014)) * lips
    _groove(canvas, rng, path, half, stroke, depth=stroke.between(0.008, 0.03), dark=stroke.between(0.2, 0.6))


def scratch(canvas: Canvas, rng: Rng, stroke: Stroke) -> None:
    """Draw straight thin cuts with a burr that crosses the grooves: bright or dark by the light."""
    at, turn = pick_site(canvas, rng, edge=0.1), rng.uniform(0, 6.28)
    for _ in range(1 + int(rng.random() < 0.4) * int(rng.integers(1, 4))):
        path = _walk(rng, at, turn, stroke.between(0.12, rng.uniform(0.2, 0.6)), jag=0.015)
        half = _HAIR * stroke.between(0.7, rng.uniform(0.8, 1.3))
        window, distance = _near(canvas, path, 4 * half)
        burr = np.exp(-(((distance - 1.6 * half) / half) ** 2))
        canvas.height[window] += np.float32(stroke.between(0.002, 0.008)) * burr
        shine = rng.choice([-1, 1]) * rng.uniform(0.25, 0.55) * stroke.between(0.8, 1.0)
        _groove(canvas, rng, path, half, stroke, depth=stroke.between(0.004, 0.014), dark=shine)
        at = (at[0] + rng.normal(0, 0.02), at[1] + rng.normal(0, 0.02))
        turn += rng.normal(0, 0.08)


def _walk(rng: Rng, at: tuple[float, float], turn: float, length: float, jag: float) -> Path:
    """Return points, shape (n, 2), of a path of `length` units; `jag` is the kink per step, radians."""
    steps = max(6, int(length / 0.018))
    drift = np.cumsum(rng.normal(0, 0.03) + rng.normal(0, jag / 6, steps))
    heading = turn + drift - drift[-1] / 2 + rng.normal(0, jag, steps)
    moves = np.stack([np.cos(heading), np.sin(heading)], axis=1) * (length / steps)
    points = np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
    middle = points[steps // 2]
    return np.asarray(points - middle + np.asarray(at), np.float64)


def _near(canvas: Canvas, path: Path, reach: float) -> tuple[Window, Map]:
    """Return the window around `path` and every pixel's distance (units) to its line."""
    low, high = path.min(axis=0) - reach, path.max(axis=0) + reach
    centre, half = (low + high) / 2, (high - low) / 2
    rows = canvas.window(0.0, centre[1], half[1])[0]
    columns = canvas.window(centre[0], 0.0, half[0])[1]
    x, y = canvas.x[rows, columns], canvas.y[rows, columns]
    best = np.full(x.shape, 9, np.float32)
    for (ax, ay), (bx, by) in zip(path[:-1].astype(np.float32), path[1:].astype(np.float32), strict=True):
        ux, uy = bx - ax, by - ay
        along = np.clip(((x - ax) * ux + (y - ay) * uy) / (ux * ux + uy * uy), 0, 1)
        dx, dy = x - ax - along * ux, y - ay - along * uy
        np.minimum(best, dx * dx + dy * dy, out=best)
    return (rows, columns), np.sqrt(best)


def _groove(
    canvas: Canvas, rng: Rng, path: Path, half: float, stroke: Stroke, *, depth: float, dark: float
) -> None:
    """Cut a groove of half width `half` (units) along `path`, fading at places and towards its ends."""
    window, distance = _near(canvas, path, 3 * half)
    ends = np.hypot(canvas.x[window] - path[0, 0], canvas.y[window] - path[0, 1]) / 0.05
    ends = np.minimum(ends, np.hypot(canvas.x[window] - path[-1, 0], canvas.y[window] - path[-1, 1]) / 0.05)
    taper = np.float32(half) * np.clip(ends + 0.25, 0, 1) * np.float32(rng.uniform(0.9, 1.1))
    body = np.clip(1 - (distance - taper) / np.float32(1.2 * canvas.px), 0, 1)
    body *= canvas.alpha[window] > 0.5
    canvas.height[window] -= np.float32(depth) * body
    canvas.albedo[window] *= 1 - np.float32(dark) * body
    canvas.gloss[window] *= 1 - 0.6 * body
    _mark(canvas, window, body > 0.5, stroke)
