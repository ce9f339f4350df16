"""Part families that are turned on a lathe: impeller, flange, wheel, disc."""

import numpy as np

from castproof.data.synthetic.canvas import Canvas, Map, cloud, ring_noise

Rng = np.random.Generator


def cast_skin(canvas: Canvas, rng: Rng, cover: Map, *, height: float | Map, tone: float) -> None:
    """Lay unmachined casting surface of albedo `tone` at `height`: dull, grainy, a little uneven."""
    grain = cloud(rng, canvas.size, int(rng.integers(70, 150)), 2) + 0.4 * cloud(rng, canvas.size, 9, 2)
    bump = grain * np.float32(rng.uniform(0.0007, 0.002))
    speck = np.float32(rng.uniform(0.02, 0.06)) * grain
    canvas.lay(cover, height=height + bump, albedo=tone * (1 + speck), gloss=rng.uniform(0.02, 0.15))


def machined(canvas: Canvas, rng: Rng, cover: Map, *, height: float | Map, tone: float) -> None:
    """Lay a machined face of albedo `tone` at `height`."""
    canvas.lay(cover, height=height, albedo=tone, gloss=rng.uniform(0.65, 1.0))


def _lathe(canvas: Canvas, rng: Rng) -> tuple[Map, Map]:
    canvas.turn(
        rng, 0, 0, lines=canvas.size * rng.uniform(0.2, 0.45), per_turn=int(rng.choice([8, 12, 24, 48]))
    )
    radius, angle = canvas.polar()
    wobble = ring_noise(rng, angle, 90) * np.float32(rng.uniform(0.0003, 0.0013))
    return radius + wobble, angle


def _bore(canvas: Canvas, rng: Rng, radius: Map, bore: float, top: float) -> None:
    """Drill the centre: through to the table, or blind with a dished grey floor."""
    hole = canvas.cover(radius - np.float32(bore))
    if rng.random() < 0.35:
        canvas.lay(hole, height=0)
        canvas.alpha *= 1 - hole
        return
    dish = np.float32(top - rng.uniform(0.03, 0.1)) - rng.uniform(0.02, 0.12) * (1 - (radius / bore) ** 2)
    canvas.lay(hole, height=dish, albedo=rng.uniform(0.35, 0.6), gloss=0.05)


def impeller(canvas: Canvas, rng: Rng) -> None:
    """Draw a closed pump impeller: turned shroud, step ring, dark vaned eye, hub."""
    radius, _ = _lathe(canvas, rng)
    outer = rng.uniform(0.74, 0.82)
    eye = outer * rng.uniform(0.5, 0.68)
    gap, step = rng.uniform(0.012, 0.045), rng.uniform(0.03, 0.065)
    hub = outer * rng.uniform(0.21, 0.31)
    bore = hub * rng.uniform(0.6, 0.78)
    top, tone = rng.uniform(0.14, 0.22), rng.uniform(0.68, 0.85)
    canvas.alpha[:] = canvas.cover(radius - np.float32(outer))
    cone = np.float32(top) - np.float32(rng.uniform(-0.08, 0.25)) * np.maximum(radius - np.float32(eye), 0)
    machined(canvas, rng, canvas.alpha, height=cone, tone=tone)
    off = rng.normal(0, 0.006, 2)
    inner, angle = canvas.polar(off[0], off[1])
    machined(
        canvas, rng, canvas.cover(inner - np.float32(eye)), height=top - rng.uniform(0.015, 0.05), tone=0.3
    )
    rim = eye - gap
    machined(
        canvas, rng, canvas.cover(inner - np.float32(rim)), height=top + rng.uniform(-0.01, 0.03), tone=tone
    )
    _eye(canvas, rng, inner, angle, rim - step, top)
    machined(
        canvas,
        rng,
        canvas.cover(inner - np.float32(hub)),
        height=top + rng.uniform(-0.03, 0.04),
        tone=min(tone * rng.uniform(0.95, 1.15), 0.92),
    )
    _bore(canvas, rng, inner, bore, top)


def _eye(canvas: Canvas, rng: Rng, radius: Map, angle: Map, eye: float, top: float) -> None:
    """Cut the dark inlet with its curved vanes."""
    cover = canvas.cover(radius - np.float32(eye), 2)
    floor = top - rng.uniform(0.14, 0.2)
    cast_skin(canvas, rng, cover, height=floor, tone=rng.uniform(0.06, 0.13))
    count, sweep = int(rng.integers(5, 9)), rng.uniform(0.9, 2.2) * rng.choice([-1, 1])
    spiral = np.cos(
        count * (angle - np.float32(sweep) * np.log(np.maximum(radius, 0.05))) + rng.uniform(0, 6.28)
    )
    vane = np.clip((spiral - rng.uniform(0.75, 0.9)) * 6, 0, 1) * cover
    inward = np.clip((eye - radius) / (0.7 * eye), 0, 1)
    canvas.height += vane * np.float32(rng.uniform(0.02, 0.06)) * (1 - 0.6 * inward)
    canvas.albedo += vane * np.float32(rng.uniform(0.04, 0.14)) * (1 - inward)


def _bolt_circle(canvas: Canvas, rng: Rng, pitch: float, hole: float, top: float) -> None:
    count, phase = int(rng.integers(3, 11)), rng.uniform(0, 6.28)
    hole = min(hole, pitch * np.pi / count * 0.6)
    recess = rng.random() < 0.4
    for turn in range(count):
        angle = phase + 2 * np.pi * turn / count
        x, y = pitch * np.cos(angle), pitch * np.sin(angle)
        distance, _ = canvas.polar(x, y)
        if recess:
            machined(
                canvas, rng, canvas.cover(distance - np.float32(hole * 1.5)), height=top - 0.03, tone=0.7
            )
        cover = canvas.cover(distance - np.float32(hole))
        canvas.lay(cover, height=0)
        canvas.alpha *= 1 - cover


def flange(canvas: Canvas, rng: Rng) -> None:
    """Draw a flange: turned face or cast skin, a bolt circle, a raised face or hub, a bore."""
    radius, _ = _lathe(canvas, rng)
    outer, top, tone = rng.uniform(0.74, 0.82), rng.uniform(0.1, 0.18), rng.uniform(0.6, 0.82)
    canvas.alpha[:] = canvas.cover(radius - np.float32(outer))
    face = machined if rng.random() < 0.65 else cast_skin
    face(canvas, rng, canvas.alpha, height=top, tone=tone * (1 if face is machined else 0.6))
    boss = outer * rng.uniform(0.4, 0.6)
    for share in np.sort(rng.uniform(0.75, 1.0, int(rng.integers(1, 4))))[::-1]:
        raised = top + rng.uniform(-0.05, 0.08)
        machined(
            canvas,
            rng,
            canvas.cover(radius - np.float32(boss * share), 2),
            height=raised,
            tone=tone * rng.uniform(0.85, 1.1),
        )
    _bore(canvas, rng, radius, boss * rng.uniform(0.3, 0.65), top)
    pitch = (outer + boss) / 2 * rng.uniform(0.97, 1.03)
    _bolt_circle(canvas, rng, pitch, (outer - boss) * rng.uniform(0.16, 0.3), top)


def wheel(canvas: Canvas, rng: Rng) -> None:
    """Draw a wheel: plain or toothed rim, web or spokes of cast skin, turned hub."""
    radius, angle = _lathe(canvas, rng)
    outer, top, tone = rng.uniform(0.72, 0.8), rng.uniform(0.12, 0.2), rng.uniform(0.6, 0.82)
    edge = np.full_like(radius, outer)
    if rng.random() < 0.6:
        teeth = np.cos(angle * int(rng.integers(16, 48)) + rng.uniform(0, 6.28))
        edge += np.clip(teeth * 3, -1, 1) * np.float32(rng.uniform(0.015, 0.04))
    canvas.alpha[:] = canvas.cover(radius - edge)
    machined(canvas, rng, canvas.alpha, height=top, tone=tone)
    web = outer * rng.uniform(0.72, 0.86)
    hub = outer * rng.uniform(0.25, 0.4)
    cover = canvas.cover(radius - np.float32(web), 3)
    cast_skin(canvas, rng, cover, height=top - rng.uniform(0.04, 0.1), tone=rng.uniform(0.25, 0.5))
    machined(canvas, rng, canvas.cover(radius - np.float32(hub), 2), height=top, tone=tone)
    if rng.random() < 0.65:
        _windows(canvas, rng, radius, angle, hub * 1.15, web * 0.95)
    _bore(canvas, rng, radius, hub * rng.uniform(0.35, 0.65), top)


def _windows(canvas: Canvas, rng: Rng, radius: Map, angle: Map, inner: float, outer: float) -> None:
    """Open the web between the spokes, or round holes on a circle."""
    if rng.random() < 0.4:
        _bolt_circle(canvas, rng, (inner + outer) / 2, (outer - inner) * 0.3, 0.1)
        return
    count, arm = int(rng.integers(3, 8)), rng.uniform(0.05, 0.1)
    sector = np.float32(2 * np.pi / count)
    local = np.mod(angle + np.float32(rng.uniform(0, 6.28)), sector) - sector / 2
    aside = arm - radius * np.sin(sector / 2 - np.abs(local))
    distance = np.maximum(np.maximum(radius - outer, inner - radius), aside)
    cover = canvas.cover(np.asarray(distance, np.float32))
    canvas.lay(cover, height=0)
    canvas.alpha *= 1 - cover


def disc(canvas: Canvas, rng: Rng) -> None:
    """Draw a plain disc or ring: concentric lands and grooves, some left as cast."""
    radius, _ = _lathe(canvas, rng)
    outer, top, tone = rng.uniform(0.72, 0.82), rng.uniform(0.08, 0.18), rng.uniform(0.62, 0.85)
    canvas.alpha[:] = canvas.cover(radius - np.float32(outer))
    machined(canvas, rng, canvas.alpha, height=top, tone=tone)
    bore = outer * rng.uniform(0.12, 0.6)
    for edge in np.sort(rng.uniform(bore + 0.05, outer - 0.04, int(rng.integers(0, 5))))[::-1]:
        cover = canvas.cover(radius - np.float32(edge), rng.uniform(1, 4))
        level = top + rng.uniform(-0.06, 0.03)
        if rng.random() < 0.25:
            cast_skin(canvas, rng, cover, height=level, tone=tone * 0.55)
        else:
            machined(canvas, rng, cover, height=level, tone=tone * rng.uniform(0.8, 1.1))
    _bore(canvas, rng, radius, bore, top)
