"""How a part sends light to the camera: broad lamps, grooved metal, cast shadows.

Grooved metal reflects a lamp where the half vector between lamp and camera is square to the groove (Kajiya
and Kay 1989, Ward 1992). On a turned face the grooves are circles, so the highlights are bow ties.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from castproof.data.synthetic.canvas import Map
from castproof.data.synthetic.part import Part


@dataclass(frozen=True)
class Lamp:
    """One lamp or window, seen from the part.

    x, y: where it stands beside the camera, in units of its height above the table. power: its strength.
    width: half width of the highlight, as the sine of the angle from its middle. soft: how gradually
    the highlight ends.
    """

    x: float
    y: float
    power: float
    width: float
    soft: float


@dataclass(frozen=True)
class Lighting:
    """All light of one photo: lamps, light from everywhere, and how near the lamps are (0: far away)."""

    lamps: tuple[Lamp, ...]
    ambient: float
    nearness: float
    shadow: float


def draw_lighting(rng: np.random.Generator) -> Lighting:
    """Return the light of one photo."""
    main = rng.uniform(0, 2 * np.pi)
    lamps = []
    for index in range(int(rng.choice([1, 2, 3], p=(0.35, 0.4, 0.25)))):
        azimuth = main if index == 0 else rng.uniform(0, 2 * np.pi)
        side = rng.uniform(0.35, 1.3)
        power = 1.0 if index == 0 else rng.uniform(0.2, 0.7)
        lamps.append(
            Lamp(
                x=side * np.cos(azimuth),
                y=side * np.sin(azimuth),
                power=power,
                width=rng.uniform(0.05, 0.42),
                soft=float(np.exp(rng.uniform(np.log(0.03), np.log(0.2)))),
            )
        )
    return Lighting(tuple(lamps), rng.uniform(0.3, 0.6), rng.uniform(0, 0.5), rng.uniform(0.35, 0.85))


def shade(part: Part, lighting: Lighting, turn: float, mirror: float) -> tuple[Map, Map]:
    """Return the part's brightness, and how far the first lamp reaches each pixel (0 to 1), both float32.

    Args:
        part: the casting.
        lighting: lamps in the directions of the photo.
        turn: by how much the part is turned in the photo, radians.
        mirror: -1 when the photo is mirrored left to right, else 1.
    """
    slope_x, slope_y = _slopes(part.height)
    upright = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)
    diffuse = np.full_like(part.height, lighting.ambient) * part.openness
    metal = np.float32(0.2 + 0.55 * lighting.ambient) * (1 + np.float32(0.08) * part.grain)
    lit = np.ones_like(part.height)
    for index, lamp in enumerate(lighting.lamps):
        x, y = _into_part(lamp, turn, mirror)
        facing = np.maximum((1 - slope_x * np.float32(x) - slope_y * np.float32(y)) * upright, 0)
        facing *= np.float32(lamp.power / np.sqrt(1 + x * x + y * y))
        if index == 0:
            lit = 1 - np.float32(lighting.shadow) * _shadow(part.height, x, y)
            facing = facing * lit
        diffuse += np.float32(0.75) * facing
        metal = metal + np.float32(0.55 * lamp.power) * _highlight(part, lamp, x, y, lighting.nearness)
        metal = metal - np.float32(0.5 * lamp.power) * (slope_x * np.float32(x) + slope_y * np.float32(y))
    metal = np.maximum(metal, 0.03) * np.sqrt(part.openness) * (0.35 + 0.65 * lit)
    bright = part.albedo * (diffuse * (1 - np.float32(0.75) * part.gloss) + part.gloss * metal)
    return bright, lit


def _into_part(lamp: Lamp, turn: float, mirror: float) -> tuple[float, float]:
    """Return the lamp's place seen from the part, which is mirrored, then turned, in the photo."""
    x = lamp.x * np.cos(turn) + lamp.y * np.sin(turn)
    y = lamp.y * np.cos(turn) - lamp.x * np.sin(turn)
    return float(x * mirror), float(y)


def _slopes(height: Map) -> tuple[Map, Map]:
    scale = np.float32(height.shape[0] / 4)
    slope_x, slope_y = np.zeros_like(height), np.zeros_like(height)
    slope_x[:, 1:-1] = np.clip((height[:, 2:] - height[:, :-2]) * scale, -1.2, 1.2)
    slope_y[1:-1] = np.clip((height[2:] - height[:-2]) * scale, -1.2, 1.2)
    return slope_x, slope_y


def _highlight(part: Part, lamp: Lamp, x: float, y: float, nearness: float) -> Map:
    """Return the lamp's highlight on grooved metal, 0 to about 1.3."""
    axis = np.linspace(-1, 1, part.height.shape[0], dtype=np.float32)
    half_x = np.float32(x) - np.float32(nearness) * axis
    half_y = np.float32(y) - np.float32(nearness) * axis[:, None]
    length = np.float32(1 / np.hypot(x, y))
    along = np.abs(part.tangent[0] * half_x + part.tangent[1] * half_y) * length
    along += np.float32(0.035) * part.grain
    lobe = 1 / (1 + np.exp(np.clip((along - np.float32(lamp.width)) / np.float32(lamp.soft), -20, 20)))
    side = part.tangent[1] * np.float32(x) - part.tangent[0] * np.float32(y)
    return np.asarray(lobe * (1 + np.float32(0.3) * length * side), np.float32)


def _shadow(height: Map, x: float, y: float) -> Map:
    """Return how deep each pixel lies in shadow, 0 to 1, by walking towards the lamp in growing steps."""
    pixel = 2 / height.shape[0]
    side = float(np.hypot(x, y))
    blocked = np.zeros_like(height)
    for step in (1, 2, 4, 6, 9, 13, 18, 24, 32):
        moved_x, moved_y = round(step * x / side), round(step * y / side)
        needed = np.float32(step * pixel / side)
        towards = _moved(height, moved_x, moved_y)
        np.maximum(blocked, (towards - height - needed) * np.float32(1 / (0.012 + 0.5 * needed)), out=blocked)
    return ndimage.uniform_filter(np.minimum(blocked, 1), 3)


def _moved(height: Map, columns: int, rows: int) -> Map:
    """Return the map whose pixel (r, c) is `height` at (r + rows, c + columns), 0 outside."""
    size = height.shape[0]
    moved = np.zeros_like(height)
    to_rows = slice(max(0, -rows), size - max(0, rows))
    to_columns = slice(max(0, -columns), size - max(0, columns))
    from_rows = slice(max(0, rows), size - max(0, -rows))
    from_columns = slice(max(0, columns), size - max(0, -columns))
    moved[to_rows, to_columns] = height[from_rows, from_columns]
    return moved
