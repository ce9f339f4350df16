"""Harmless variation: stains, smudges, tool marks, dust. Good and defective parts bear it alike."""

import numpy as np

from castproof.data.synthetic.canvas import Canvas, cloud, ring_noise

Rng = np.random.Generator


def add_marks(canvas: Canvas, rng: Rng) -> None:
    """Draw a random number of harmless marks; nothing here may depend on the part's label."""
    _uneven_tone(canvas, rng)
    for mark, most in ((_stain, 3), (_smudge, 2), (_feed_lines, 2), (_radial_streak, 3), (_chatter, 1)):
        for _ in range(int(rng.integers(0, most + 1))):
            mark(canvas, rng)
    _worn_edges(canvas, rng)
    _dust(canvas, rng)


def _spot(canvas: Canvas, rng: Rng) -> tuple[float, float]:
    """Return a random place on the part, units."""
    for _ in range(50):
        row, column = rng.integers(0, canvas.size, 2)
        if canvas.alpha[row, column] > 0.5:
            break
    return float(canvas.x[row, column]), float(canvas.y[row, column])


def _uneven_tone(canvas: Canvas, rng: Rng) -> None:
    canvas.albedo *= 1 + np.float32(rng.uniform(0.01, 0.08)) * cloud(rng, canvas.size, 4, 5)


def _stain(canvas: Canvas, rng: Rng) -> None:
    """Darken or lighten a soft irregular patch; no relief."""
    x, y = _spot(canvas, rng)
    reach = rng.uniform(0.04, 0.28)
    rows, columns = canvas.window(x, y, reach * 1.8)
    dx, dy = canvas.x[rows, columns] - np.float32(x), canvas.y[rows, columns] - np.float32(y)
    shape = cloud(rng, max(dx.shape), 5, 3)[: dx.shape[0], : dx.shape[1]]
    body = 1 - np.sqrt(dx * dx + dy * dy) / np.float32(reach) + 0.35 * shape
    fade = np.clip(body * np.float32(rng.uniform(1.2, 4)), 0, 1)
    strength = rng.uniform(0.04, 0.22) * (1 if rng.random() < 0.75 else -0.6)
    canvas.albedo[rows, columns] *= 1 - np.float32(strength) * fade


def _smudge(canvas: Canvas, rng: Rng) -> None:
    """Take gloss off a patch: a finger mark or an oil film."""
    fade = np.clip(cloud(rng, canvas.size, 3, 3) - rng.uniform(0.3, 1.2), 0, 1)
    canvas.gloss *= 1 - np.float32(rng.uniform(0.1, 0.4)) * fade


def _feed_lines(canvas: Canvas, rng: Rng) -> None:
    """Lighten or darken a few circles (or strokes) that the tool left."""
    centre = _tool_centre(canvas)
    radius, angle = canvas.polar(*centre)
    x, y = _spot(canvas, rng)
    start = np.hypot(x - centre[0], y - centre[1])
    present = np.clip(ring_noise(rng, angle, 9) + 0.6, 0, 1)
    for _ in range(int(rng.integers(1, 5))):
        start += rng.uniform(0.01, 0.05)
        line = np.exp(-(((radius - np.float32(start)) / np.float32(rng.uniform(0.003, 0.007))) ** 2))
        canvas.albedo *= 1 + np.float32(rng.uniform(-0.12, 0.12)) * line * present * canvas.gloss


def _tool_centre(canvas: Canvas) -> tuple[float, float]:
    """Return where the grooves' normals meet, from the tangents at two corners."""
    normals = canvas.tangent[::-1, [0, -1], [0, 0]].T * (1, -1)
    points = np.array([[canvas.x[0, 0], canvas.y[0, 0]], [canvas.x[-1, 0], canvas.y[-1, 0]]], np.float64)
    system = np.stack([normals[0], -normals[1]], axis=1)
    if abs(np.linalg.det(system)) < 1e-6:
        return 0.0, 0.0
    along = np.linalg.solve(system, points[1] - points[0])[0]
    meet = points[0] + along * normals[0]
    return float(meet[0]), float(meet[1])


def _radial_streak(canvas: Canvas, rng: Rng) -> None:
    """Draw a faint soft streak across the grooves, such as a wiped or scraped film leaves."""
    x, y = _spot(canvas, rng)
    turn = np.arctan2(y, x) + rng.normal(0, 0.15)
    across = np.abs(
        (canvas.y - np.float32(y)) * np.float32(np.cos(turn))
        - (canvas.x - np.float32(x)) * np.float32(np.sin(turn))
    )
    away = np.hypot(canvas.x - np.float32(x), canvas.y - np.float32(y)) / np.float32(rng.uniform(0.05, 0.2))
    body = np.clip(1 - across / np.float32(rng.uniform(0.008, 0.04)), 0, 1) * np.clip(1.5 - away, 0, 1)
    canvas.albedo *= 1 + np.float32(rng.uniform(-0.12, 0.16)) * body


def _chatter(canvas: Canvas, rng: Rng) -> None:
    """Ripple the gloss along the cut: the tool vibrated."""
    _, angle = canvas.polar(*_tool_centre(canvas))
    x, y = _spot(canvas, rng)
    reach = np.float32(rng.uniform(0.1, 0.3))
    near = np.clip(1.3 - np.hypot(canvas.x - np.float32(x), canvas.y - np.float32(y)) / reach, 0, 1)
    ripple = np.sin(angle * np.float32(rng.integers(120, 260)))
    canvas.albedo *= 1 + np.float32(rng.uniform(0.02, 0.07)) * ripple * near * canvas.gloss


def _worn_edges(canvas: Canvas, rng: Rng) -> None:
    """Brighten or darken the steps between faces here and there: wear, burnish, dirt in corners."""
    slope = np.abs(np.diff(canvas.height, axis=0, append=canvas.height[-1:]))
    slope += np.abs(np.diff(canvas.height, axis=1, append=canvas.height[:, -1:]))
    patches = np.clip(cloud(rng, canvas.size, 14, 2) - np.float32(rng.uniform(0.2, 1.2)), 0, 1)
    canvas.albedo *= 1 + np.float32(rng.uniform(-0.3, 0.25)) * patches * np.minimum(slope / 0.012, 1)


def _dust(canvas: Canvas, rng: Rng) -> None:
    """Scatter specks of a pixel or less in width, lighter or darker, without relief."""
    for _ in range(int(rng.integers(0, 25))):
        row, column = rng.integers(1, canvas.size - 1, 2)
        change = rng.uniform(-0.25, 0.3)
        canvas.albedo[row, column] *= 1 + change
        canvas.albedo[row, column + int(rng.integers(-1, 2))] *= 1 + change / 2
