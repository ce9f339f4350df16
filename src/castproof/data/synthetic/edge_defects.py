"""Defects of the outer edge: chips, ragged rims, flash. See `defects` for how they are drawn."""

import numpy as np
from scipy import ndimage

from castproof.data.synthetic.canvas import Canvas, Map, cloud, enlarge, ring_noise
from castproof.data.synthetic.defects import Rng, Stroke, blob, dig, pick_site


def rim_distance(canvas: Canvas) -> Map:
    """Return the signed distance (units) to the part's outer outline, inside < 0; holes count as inside."""
    solid = ndimage.binary_fill_holes(canvas.alpha[::2, ::2] > 0.5)
    outside = ndimage.distance_transform_edt(~solid)
    inside = ndimage.distance_transform_edt(solid)
    half = ((outside - inside) * (2 * canvas.px)).astype(np.float32)
    return enlarge(half, 2)


def _rim_point(canvas: Canvas, rng: Rng, distance: Map) -> tuple[float, float]:
    rows, columns = np.nonzero(np.abs(distance) < 1.5 * canvas.px)
    index = int(rng.integers(len(rows)))
    return float(canvas.x[0, columns[index]]), float(canvas.y[rows[index], 0])


def chipped_rim(canvas: Canvas, rng: Rng, stroke: Stroke) -> None:
    """Break one to three bites out of the outer edge, at times an inner one, with a rough fracture face."""
    distance = rim_distance(canvas)
    for _ in range(1 + int(rng.random() < 0.3) + int(rng.random() < 0.1)):
        inner = rng.random() < 0.3
        at = pick_site(canvas, rng, edge=1.0) if inner else _rim_point(canvas, rng, distance)
        radius = stroke.between(0.022, rng.uniform(0.035, 0.08)) * (0.7 if inner else 1)
        window, bite = blob(canvas, rng, at, radius, 0.45)
        inside = np.clip(0.5 - bite / np.float32(1.5 * canvas.px), 0, 1)
        was_part = canvas.alpha[window] > 0.5
        fracture = 1 + 0.5 * cloud(rng, max(bite.shape), 6, 2)[: bite.shape[0], : bite.shape[1]]
        dig(canvas, window, bite, stroke, depth=stroke.between(0.03, 0.08), lip=0.0)
        canvas.albedo[window] *= 1 + (fracture - 1) * inside
        canvas.label[window][(inside > 0.4) & was_part] = stroke.label
        if inner:
            continue
        gone = np.clip(0.5 - (bite + radius * rng.uniform(0.35, 1.0)) / np.float32(1.5 * canvas.px), 0, 1)
        canvas.alpha[window] *= 1 - gone
        canvas.height[window] *= 1 - gone


def flash(canvas: Canvas, rng: Rng, stroke: Stroke) -> None:
    """Leave thin torn fins of metal standing out beyond the edge along parts of the outline."""
    distance = rim_distance(canvas)
    angle = canvas.polar()[1]
    arcs = _arcs(rng, angle, stroke)
    torn = 0.6 + 0.45 * ring_noise(rng, angle, int(rng.integers(16, 60)))
    torn += 0.25 * ring_noise(rng, angle, 120)
    width = arcs * np.maximum(torn, 0) * np.float32(stroke.between(0.026, rng.uniform(0.035, 0.075)))
    _grow(canvas, rng, distance, width, stroke)


def ragged_rim(canvas: Canvas, rng: Rng, stroke: Stroke) -> None:
    """Nibble and pull out the outline over long stretches, as torn or badly fettled edges show."""
    distance = rim_distance(canvas)
    angle = canvas.polar()[1]
    arcs = _arcs(rng, angle, stroke)
    rough = 0.6 * ring_noise(rng, angle, 60) + 0.6 * ring_noise(rng, angle, 130)
    size = np.float32(stroke.between(0.018, rng.uniform(0.03, 0.06)))
    _grow(canvas, rng, distance, arcs * np.maximum(rough, 0) * size, stroke)
    depth = arcs * np.maximum(-rough, 0) * size * np.float32(1.2)
    share = np.clip(0.5 + (distance + depth) / np.float32(1.5 * canvas.px), 0, 1)
    cut = np.asarray(share * (depth > 0.5 * canvas.px) * (distance < canvas.px), np.float32)
    patch = np.clip(1 + 0.5 * cloud(rng, canvas.size, 60, 2), 0.2, 1.9)
    canvas.lay(cut, height=canvas.height * 0.55, albedo=0.22 * patch, gloss=0.1)
    canvas.label[(cut > 0.5) & (canvas.alpha > 0.3)] = stroke.label


def _arcs(rng: Rng, angle: Map, stroke: Stroke) -> Map:
    """Return along which arcs of the outline a defect runs, 0 to 1; there is always one."""
    noise = ring_noise(rng, angle, int(rng.integers(4, 12))) + np.float32(
        stroke.between(-0.9, rng.uniform(-0.2, 0.7))
    )
    sure = np.cos(angle - np.float32(rng.uniform(0, 6.28))) * 4 - 3
    return np.asarray(np.clip(np.maximum(1.8 * noise, sure), 0, 1), np.float32)


def _grow(canvas: Canvas, rng: Rng, distance: Map, width: Map, stroke: Stroke) -> None:
    """Add metal from the outline out to `width` (units): low, torn, dark with bright flecks."""
    level = float(canvas.height[(distance < -0.02) & (distance > -0.06)].mean())
    fin = np.clip(0.5 - (distance - width) / np.float32(1.3 * canvas.px), 0, 1)
    fin = np.asarray(fin * (distance > -0.7 * canvas.px) * (width > 0.6 * canvas.px), np.float32)
    fleck = cloud(rng, canvas.size, 60, 2)
    tone = np.clip(0.25 + 0.4 * fleck, 0.04, 1)
    tone *= np.clip(0.25 + distance / np.float32(2.5 * canvas.px), 0.25, 1)
    rise = np.float32(level) * (0.65 + 0.2 * fleck)
    canvas.lay(fin, height=np.maximum(rise, 0.02), albedo=tone, gloss=np.clip(0.3 + 0.3 * fleck, 0, 1))
    np.maximum(canvas.alpha, fin, out=canvas.alpha)
    canvas.label[fin > 0.5] = stroke.label
