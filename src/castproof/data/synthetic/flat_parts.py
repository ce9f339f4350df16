"""Part families that are milled flat or left as cast: rib plate, bracket, cover."""

import numpy as np

from castproof.data.synthetic.canvas import Canvas, Map
from castproof.data.synthetic.round_parts import Rng, cast_skin, machined


def _mill(canvas: Canvas, rng: Rng) -> None:
    """Groove the canvas by a face mill (arcs) or a belt (nearly straight strokes)."""
    far, angle = float(rng.choice([0.9, 1.6, 3.0, 8.0])), rng.uniform(0, 6.28)
    canvas.turn(
        rng,
        far * np.cos(angle),
        far * np.sin(angle),
        lines=canvas.size * rng.uniform(0.15, 0.4),
        per_turn=int(12 * (1 + far)),
    )


def _box(canvas: Canvas, x: float, y: float, half: tuple[float, float], corner: float, turn: float) -> Map:
    """Return the signed distance (units) to a rectangle with round corners."""
    dx, dy = canvas.x - np.float32(x), canvas.y - np.float32(y)
    along = dx * np.float32(np.cos(turn)) + dy * np.float32(np.sin(turn))
    across = dy * np.float32(np.cos(turn)) - dx * np.float32(np.sin(turn))
    ax = np.abs(along) - np.float32(half[0] - corner)
    ay = np.abs(across) - np.float32(half[1] - corner)
    outside = np.sqrt(np.maximum(ax, 0) ** 2 + np.maximum(ay, 0) ** 2)
    return np.asarray(outside + np.minimum(np.maximum(ax, ay), 0) - np.float32(corner), np.float32)


def _drill(canvas: Canvas, x: float, y: float, hole: float) -> None:
    distance, _ = canvas.polar(x, y)
    cover = canvas.cover(distance - np.float32(hole))
    canvas.lay(cover, height=0)
    canvas.alpha *= 1 - cover


def rib_plate(canvas: Canvas, rng: Rng) -> None:
    """Draw a rectangular tile: milled or cast floor, a raised frame, parallel or crossed ribs."""
    _mill(canvas, rng)
    half = (rng.uniform(0.55, 0.7), rng.uniform(0.38, 0.62))
    corner, turn = rng.uniform(0.02, 0.12), rng.uniform(-0.03, 0.03)
    outline = _box(canvas, 0, 0, half, corner, turn)
    top, tone = rng.uniform(0.1, 0.18), rng.uniform(0.6, 0.82)
    canvas.alpha[:] = canvas.cover(outline)
    machined(canvas, rng, canvas.alpha, height=top, tone=tone)
    floor = canvas.cover(outline + np.float32(rng.uniform(0.05, 0.1)), rng.uniform(1, 5))
    ribs = _ribs(canvas, rng, half, turn)
    pocket = floor * (1 - ribs)
    finish = cast_skin if rng.random() < 0.6 else machined
    finish(canvas, rng, pocket, height=top - rng.uniform(0.03, 0.09), tone=tone * rng.uniform(0.45, 0.8))
    if rng.random() < 0.5:
        inset, hole = rng.uniform(0.03, 0.05), rng.uniform(0.018, 0.03)
        for sx in (-1, 1):
            for sy in (-1, 1):
                _drill(canvas, sx * (half[0] - inset - hole), sy * (half[1] - inset - hole), hole)


def _ribs(canvas: Canvas, rng: Rng, half: tuple[float, float], turn: float) -> Map:
    ribs = np.zeros_like(canvas.alpha)
    width = rng.uniform(0.015, 0.045)
    for axis in (0, 1):
        count = int(rng.integers(0, 5))
        for index in range(count):
            at = (2 * (index + 1) / (count + 1) - 1) * half[axis]
            x, y, size = (at, 0.0, (width, 2.0)) if axis == 0 else (0.0, at, (2.0, width))
            ribs = np.maximum(ribs, canvas.cover(_box(canvas, x, y, size, 0.0, turn), 3))
    return ribs


def bracket(canvas: Canvas, rng: Rng) -> None:
    """Draw an irregular plate: arms that meet in a body, round ends with holes, a web of cast skin."""
    _mill(canvas, rng)
    count, phase = int(rng.integers(2, 5)), rng.uniform(0, 6.28)
    outline = canvas.polar()[0] - np.float32(rng.uniform(0.22, 0.4))
    ends = []
    for index in range(count):
        angle = phase + 2 * np.pi * index / count + rng.uniform(-0.3, 0.3)
        reach, width = rng.uniform(0.45, 0.62), rng.uniform(0.1, 0.17)
        x, y = reach * np.cos(angle), reach * np.sin(angle)
        arm = _box(canvas, x / 2, y / 2, (reach / 2 + width, width), width * 0.98, angle)
        outline = _blend(outline, arm, 0.12)
        ends.append((x, y, width))
    canvas.alpha[:] = canvas.cover(outline)
    top, tone = rng.uniform(0.1, 0.18), rng.uniform(0.58, 0.8)
    face = machined if rng.random() < 0.6 else cast_skin
    face(canvas, rng, canvas.alpha, height=top, tone=tone * (1 if face is machined else 0.65))
    if rng.random() < 0.5:
        pocket = canvas.cover(outline + np.float32(rng.uniform(0.06, 0.09)), 5)
        cast_skin(canvas, rng, pocket, height=top - rng.uniform(0.03, 0.07), tone=tone * 0.6)
    for x, y, width in [*ends, (0.0, 0.0, rng.uniform(0.12, 0.25))]:
        boss = canvas.cover(canvas.polar(x, y)[0] - np.float32(width * 0.85), 2)
        machined(canvas, rng, boss, height=top + rng.uniform(0, 0.04), tone=tone)
        _drill(canvas, x, y, width * rng.uniform(0.4, 0.62))


def _blend(first: Map, second: Map, radius: float) -> Map:
    """Return the smooth union of two signed distances, filleted by about `radius` (polynomial minimum)."""
    share = np.clip(0.5 + (second - first) / np.float32(2 * radius), 0, 1)
    fillet = np.float32(radius) * share * (1 - share)
    return np.asarray(second + (first - second) * share - fillet, np.float32)


def cover(canvas: Canvas, rng: Rng) -> None:
    """Draw a housing cover: cast skin, raised border, screw bosses, an embossed badge."""
    _mill(canvas, rng)
    half = (rng.uniform(0.5, 0.66), rng.uniform(0.42, 0.6))
    corner = min(half) * rng.uniform(0.2, 0.95)
    outline = _box(canvas, 0, 0, half, corner, 0)
    top, tone = rng.uniform(0.09, 0.16), rng.uniform(0.3, 0.6)
    inset = corner * (1 - 0.7071)
    screws = [(sx * (half[0] - inset), sy * (half[1] - inset)) for sx in (-1, 1) for sy in (-1, 1)]
    boss = rng.uniform(0.07, 0.1)
    for x, y in screws:
        outline = _blend(outline, canvas.polar(x, y)[0] - np.float32(boss), 0.05)
    canvas.alpha[:] = canvas.cover(outline)
    cast_skin(canvas, rng, canvas.alpha, height=top, tone=tone)
    for depth, rise in ((rng.uniform(0.05, 0.09), -0.03), (rng.uniform(0.13, 0.22), rng.uniform(0, 0.06))):
        inner = canvas.cover(outline + np.float32(depth), 6)
        canvas.height += inner * np.float32(rise)
    badge = _box(canvas, 0, 0, (half[0] * 0.4, half[1] * rng.uniform(0.15, 0.5)), 0.04, 0)
    canvas.height += canvas.cover(badge, 4) * np.float32(rng.uniform(-0.03, 0.03))
    for x, y in screws:
        if rng.random() < 0.95:
            land = canvas.cover(canvas.polar(x, y)[0] - np.float32(boss * 0.75))
            machined(canvas, rng, land, height=top, tone=rng.uniform(0.55, 0.75))
            _drill(canvas, x, y, boss * 0.42)
