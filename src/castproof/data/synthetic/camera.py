"""Photos of a generated part: placed on a table, lit, blurred, exposed, with the camera's noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from castproof.data.synthetic.canvas import Labels, Map, cloud, enlarge, smooth_noise
from castproof.data.synthetic.light import draw_lighting, shade
from castproof.data.synthetic.part import Part

Rng = np.random.Generator


@dataclass(frozen=True)
class Shot:
    """One photo: `image` uint8 (size, size) or (size, size, 3), `defect_map` uint8 (size, size) beside it."""

    image: NDArray[np.uint8]
    defect_map: Labels


@dataclass(frozen=True)
class _Pose:
    """Where the part lies: part = matrix @ photo + offset, both as (row, column) in units from the middle."""

    turn: float
    mirror: float
    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]


def photograph(part: Part, shot_seed: int, *, size: int = 300, colour: bool = False) -> Shot:
    """Return one photo of `part`; the whole part is in the frame.

    Turn, mirror, place, distance, squeeze, lamps, table, exposure, gamma, blur and noise are drawn from
    `shot_seed` and the part's seed; nothing of it depends on whether the part is defective.

    Args:
        part: the casting.
        shot_seed: a whole number, 0 or more; another one is another photo of the same part.
        size: width and height of the photo, pixels.
        colour: RGB with the tint of the metal, the table and the light, instead of grey.
    """
    rng = np.random.default_rng([part.seed, 7, shot_seed])
    pose = _draw_pose(part, rng)
    bright, lit = shade(part, draw_lighting(rng), pose.turn, pose.mirror)
    channels = 3 if colour else 1
    backdrop = _table(rng, size) * _warp(_penumbra(rng, lit) * part.openness, pose, size, 1.0)
    cover = _warp(part.alpha, pose, size, 0.0)
    seen = _warp(bright, pose, size, 0.0)
    plain = np.stack([seen, backdrop, cover])
    plain = _blur(rng, plain, size)
    image = _expose(rng, _tinted(rng, plain, part, channels), size)
    return Shot(image[..., 0] if channels == 1 else image, _warp_labels(part.defect_map, pose, size))


def _draw_pose(part: Part, rng: Rng) -> _Pose:
    turn, mirror = rng.uniform(0, 2 * np.pi), float(rng.choice([-1, 1]))
    squeeze, axis = rng.uniform(0.9, 1.0), rng.uniform(0, np.pi)
    rotate = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    flip = np.diag([1.0, mirror])
    along = np.array([[np.cos(axis), np.sin(axis)], [-np.sin(axis), np.cos(axis)]])
    placed = along.T @ np.diag([1, squeeze]) @ along @ rotate @ flip
    points = placed @ _outline(part.alpha)
    low, high = points.min(axis=1), points.max(axis=1)
    zoom = 2 * rng.uniform(0.74, 0.95) / float((high - low).max())
    spare = np.maximum(0.97 - zoom * (high - low) / 2, 0)
    centre = np.clip(rng.normal(0, 0.05, 2), -spare, spare)
    matrix = np.linalg.inv(placed * zoom)
    return _Pose(turn, mirror, matrix, (low + high) / 2 @ np.linalg.inv(placed).T - matrix @ centre)


def _outline(alpha: Map) -> NDArray[np.float64]:
    """Return the first and last point of the part in every row, shape (2, n), as (row, column) in units."""
    body = alpha > 0.02
    rows = np.flatnonzero(body.any(axis=1))
    first = body[rows].argmax(axis=1)
    last = alpha.shape[1] - 1 - body[rows, ::-1].argmax(axis=1)
    points = np.stack([np.tile(rows, 2), np.concatenate([first, last])])
    return np.asarray((points + 0.5) * 2 / alpha.shape[0] - 1, np.float64)


def _grid(pose: _Pose, source: int, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return matrix and offset in pixels for scipy's affine_transform."""
    matrix = pose.matrix * (source / size)
    corner = np.full(2, 1 / size - 1)
    return matrix, (pose.matrix @ corner + pose.offset + 1) * source / 2 - 0.5


def _warp(values: Map, pose: _Pose, size: int, outside: float) -> Map:
    matrix, offset = _grid(pose, values.shape[0], size)
    warped: Map = ndimage.affine_transform(
        values, matrix, offset, (size, size), order=1, mode="constant", cval=outside
    )
    return warped


def _warp_labels(labels: Labels, pose: _Pose, size: int) -> Labels:
    if not labels.any():
        return np.zeros((size, size), np.uint8)
    matrix, offset = _grid(pose, labels.shape[0], size)
    warped: Labels = ndimage.affine_transform(labels, matrix, offset, (size, size), order=0, mode="constant")
    return warped


def _penumbra(rng: Rng, light: Map) -> Map:
    """Return the light on the table with its shadows blurred, as broad lamps do."""
    coarse = light.reshape(light.shape[0] // 4, 4, -1, 4).mean(axis=(1, 3))
    soft = ndimage.gaussian_filter(coarse, rng.uniform(0.6, 4) * coarse.shape[0] / 80, mode="nearest")
    fine: Map = np.minimum(enlarge(soft, 4) * np.float32(1.02), 1)
    return fine


def _table(rng: Rng, size: int) -> Map:
    """Return the table: an even tone with a gradient and a fine or coarse texture."""
    tone = float(np.clip(rng.normal(0.62, 0.1), 0.12, 0.85)) if rng.random() < 0.8 else rng.uniform(0.06, 0.5)
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    lean = rng.normal(0, 0.09, 2).astype(np.float32)
    texture = cloud(rng, size, int(rng.integers(2, 6)), int(rng.integers(1, 5)))
    value = 1 + lean[0] * axis + lean[1] * axis[:, None] + np.float32(rng.uniform(0.005, 0.04)) * texture
    if rng.random() < 0.3:
        fine = (size // 2, int(rng.integers(8, size // 2)))
        weave = smooth_noise(rng, size, size, fine if rng.random() < 0.5 else fine[::-1])
        value += np.float32(rng.uniform(0.01, 0.05)) * weave
    return np.asarray(np.float32(tone) * value, np.float32)


def _blur(rng: Rng, planes: Map, size: int) -> Map:
    """Blur as the lens does: by a Gaussian of 0.45 to 1.15 pixels at 300 pixels of width."""
    sigma = float(np.exp(rng.uniform(np.log(0.45), np.log(1.15)))) * size / 300
    blurred: Map = ndimage.gaussian_filter(planes, (0, sigma, sigma), truncate=2.5)
    return blurred


def _tinted(rng: Rng, planes: Map, part: Part, channels: int) -> Map:
    """Return part over table, shape (size, size, channels)."""
    seen, backdrop, cover = planes
    if channels == 1:
        return np.asarray(seen * cover + backdrop * (1 - cover), np.float32)[..., None]
    table_tint = 1 + rng.normal(0, 0.06, 3)
    light_tint = 1 + rng.normal(0, 0.03) * np.array([1.0, 0.1, -1.0])
    return np.stack(
        [
            (seen * cover * np.float32(part.tint[k]) + backdrop * (1 - cover) * np.float32(table_tint[k]))
            * np.float32(light_tint[k])
            for k in range(3)
        ],
        axis=-1,
    )


def _expose(rng: Rng, light: Map, size: int) -> NDArray[np.uint8]:
    """Turn light into 8-bit values: gain, vignette, glare, shoulder, gamma, noise."""
    gain, gamma = rng.uniform(0.8, 1.2), float(np.exp(rng.normal(0, 0.15)))
    axis = np.linspace(-1, 1, size, dtype=np.float32) ** 2
    falloff = 1 - np.float32(rng.uniform(0, 0.1)) * (axis + axis[:, None])
    light = light * (np.float32(gain) * falloff)[..., None] + np.float32(rng.uniform(0, 0.04))
    over = np.maximum(light - 0.75, 0)
    light = np.minimum(light, 0.75) + over / (1 + over * 3.2)
    light = np.maximum(light, 0) ** np.float32(gamma)
    noise = rng.standard_normal(light.shape, np.float32) * np.float32(rng.uniform(0.001, 0.013))
    if rng.random() < 0.4:
        noise = ndimage.gaussian_filter(noise, (0.6, 0.6, 0), truncate=2)
    return np.clip((light + noise) * 255 + 0.5, 0, 255).astype(np.uint8)
