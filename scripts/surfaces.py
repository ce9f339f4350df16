"""Random lit surfaces, each photographed without and with one defect, under two lights.

A surface is a height and an albedo per pixel, put together from a few random patterns: noise of many spectra,
overlapping shapes, stripes, rings, grids, holes and bosses. It is not meant to look like any product: what helps
to see a defect on all of these cannot be the look of one of them. The photo with the defect shares surface and
lights with the one without, so nothing but the defect tells them apart.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from patterns import (
    SIDE,
    TILE,
    Plane,
    Point,
    Random,
    between,
    holes,
    letters,
    noise_tile,
    rings,
    shapes,
    turned,
)

TILES: Final = 160
TRIES: Final = 20
LOUDER: Final = 1.6  # a defect that cannot be seen is made this much stronger
SEEN: Final = 9  # difference in grey levels that can be seen
SEEN_PIXELS: Final = 8
LARGEST_SHARE: Final = 0.3
NOISE_KEY, SURFACE_KEY = 7, 3

Photos = NDArray[np.uint8]


@dataclass(frozen=True)
class Surface:
    """Height in pixels and albedo in [0, 1.3], each float32 (SIDE, SIDE)."""

    height: Plane
    albedo: Plane

    def blended(self, other: "Surface", share: Plane) -> "Surface":
        """Return this surface with `share` of the other one in each pixel."""
        return Surface(
            self.height * (1 - share) + other.height * share, self.albedo * (1 - share) + other.albedo * share
        )


@dataclass(frozen=True)
class Light:
    """One lamp and camera.

    Args:
        direction: unit vector from the surface to the lamp.
        relief: how much heights count.
        gloss: strength of the highlight.
        shininess: exponent of the highlight.
        ambient: share of the light that comes from everywhere.
        gain: exposure.
        slope: how much the light falls off across and down the photo.
        noise: standard deviation of the camera's noise.
        blur_px: standard deviation of the lens's blur; below 0.3 there is none.
        seed: of the noise.
    """

    direction: tuple[float, float, float]
    relief: float
    gloss: float
    shininess: float
    ambient: float
    gain: float
    slope: tuple[float, float]
    noise: float
    blur_px: float
    seed: int


def random_light(rng: Random) -> Light:
    turn, elevation = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 1.4)
    flat = np.cos(elevation)
    return Light(
        direction=(float(np.cos(turn) * flat), float(np.sin(turn) * flat), float(np.sin(elevation))),
        relief=between(rng, 0.3, 3.7),
        gloss=rng.uniform(0, 0.8) if rng.random() < 0.6 else 0.0,
        shininess=between(rng, 2.7, 55),
        ambient=rng.uniform(0.1, 0.7),
        gain=between(rng, 0.6, 1.65),
        slope=(rng.uniform(-0.4, 0.4), rng.uniform(-0.4, 0.4)),
        noise=rng.uniform(0, 0.02),
        blur_px=rng.uniform(0, 0.8),
        seed=int(rng.integers(2**31)),
    )


def photograph(surface: Surface, light: Light) -> Photos:
    """Return a photo uint8 (SIDE, SIDE): Lambert's law, a Blinn-Phong highlight, lens and camera noise."""
    slope_x = cv2.Sobel(surface.height, -1, 1, 0, scale=0.5) * light.relief
    slope_y = cv2.Sobel(surface.height, -1, 0, 1, scale=0.5) * light.relief
    length = np.sqrt(1 + slope_x**2 + slope_y**2)
    x, y, z = light.direction
    diffuse = np.maximum((z - slope_x * x - slope_y * y) / length, 0) / max(z, 0.4)
    halfway = np.sqrt(x * x + y * y + (z + 1) ** 2)
    glare = (
        np.maximum((z + 1 - slope_x * x - slope_y * y) / length / halfway, 0) ** light.shininess * light.gloss
    )
    place = np.linspace(-0.5, 0.5, SIDE, dtype=np.float32)
    fall_off = 1 + light.slope[0] * place + light.slope[1] * place[:, None]
    seen = (
        (surface.albedo * (light.ambient + (1 - light.ambient) * diffuse) + 0.5 * glare)
        * light.gain
        * fall_off
    )
    seen = seen.astype(np.float32)
    if light.blur_px > 0.3:
        seen = cv2.GaussianBlur(seen, (0, 0), light.blur_px)
    grain = np.random.default_rng(light.seed).standard_normal((SIDE, SIDE), dtype=np.float32)
    photo: Photos = (np.clip(seen + light.noise * grain, 0, 1) * 255).astype(np.uint8)
    return photo


class SurfaceMaker:
    """Makes surfaces and defects from a stock of noise tiles.

    Args:
        seed: of the noise tiles.
    """

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng((seed, NOISE_KEY))
        self._tiles = [noise_tile(rng) for _ in range(TILES)]

    def quadruple(self, seed: int) -> tuple[Photos, Photos]:
        """Return what photos show with and without one defect.

        Returns:
            photos uint8 (4, SIDE, SIDE), flawless under two lights and defective under the same two, and the map
            of the defect uint8 (SIDE, SIDE), 0 or its place in DEFECTS from 1.
        """
        rng = np.random.default_rng((seed, SURFACE_KEY))
        for _ in range(TRIES):
            surface, lights = self.surface(rng), (random_light(rng), random_light(rng))
            flawless = np.stack([photograph(surface, light) for light in lights])
            kind, strength = int(rng.integers(len(DEFECTS))), between(rng, 0.35, 3)
            if not _is_exposed(flawless):
                continue
            found = self._with_defect(surface, lights, flawless, kind, strength, int(rng.integers(2**31)))
            if found is not None:
                return found
        return np.concatenate([flawless, flawless]), np.zeros((SIDE, SIDE), np.uint8)

    def _with_defect(
        self,
        surface: Surface,
        lights: tuple[Light, Light],
        flawless: Photos,
        kind: int,
        strength: float,
        seed: int,
    ) -> tuple[Photos, Photos] | None:
        for _ in range(4):
            changed = DEFECTS[kind](self, np.random.default_rng(seed), surface, strength)
            changed = Surface(changed.height, np.clip(changed.albedo, 0.01, 1.3))
            defective = np.stack([photograph(changed, light) for light in lights])
            difference = np.abs(defective.astype(np.float32) - flawless)
            if (difference > SEEN).sum(axis=(1, 2)).min() >= SEEN_PIXELS:
                smooth = np.stack([cv2.GaussianBlur(one, (0, 0), 0.8) for one in difference])
                where = smooth.max(axis=0) > SEEN - 1
                if where.mean() >= LARGEST_SHARE:
                    return None
                return np.concatenate([flawless, defective]), (where * (kind + 1)).astype(np.uint8)
            strength *= LOUDER
        return None

    def noise(self, rng: Random) -> Plane:
        """Return noise float32 (SIDE, SIDE) with mean near 0 and standard deviation near 1."""
        tile = self._tiles[rng.integers(TILES)]
        top, left = rng.integers(0, TILE - SIDE, size=2)
        window = np.rot90(tile[top : top + SIDE, left : left + SIDE], int(rng.integers(4)))
        return np.ascontiguousarray(window[:, ::-1] if rng.random() < 0.5 else window)

    def blob(self, rng: Random, centre: Point, size_px: float) -> Plane:
        """Return an uneven spot float32 (SIDE, SIDE): 1 inside, 0 outside, with a sharp or a soft rim."""
        turn = rng.uniform(0, np.pi)
        along, across = turned(centre, turn)
        distance = np.hypot(along, across / rng.uniform(0.4, 1)) / size_px + 0.25 * rng.random() * self.noise(
            rng
        )
        steepness = 2 * rng.uniform(1, 8)
        spot: Plane = (1 / (1 + np.exp(np.clip(steepness * (distance - 1), -30, 30)))).astype(np.float32)
        return spot

    def surface(self, rng: Random) -> Surface:
        """Return a surface; every fifth is a part before another surface."""
        plain = self._plain(rng)
        if rng.random() < 0.8:
            return plain
        outline = cv2.GaussianBlur(np.minimum(np.abs(shapes(rng)) * 4, 1), (0, 0), rng.uniform(0.4, 1.2))
        return self._plain(rng).blended(plain, np.asarray(outline, np.float32))

    def _plain(self, rng: Random) -> Surface:
        height = np.zeros((SIDE, SIDE), np.float32)
        albedo = np.zeros((SIDE, SIDE), np.float32)
        for _ in range(rng.integers(1, 4)):
            height += self._pattern(rng) * np.float32(np.exp(0.8 * rng.normal()))
        if rng.random() < 0.8:
            height += self.noise(rng) * np.float32(between(rng, 0.05, 1))
        for _ in range(rng.integers(0, 3)):
            albedo += self._pattern(rng) * np.float32(rng.uniform(0.03, 0.25))
        if rng.random() < 0.6:
            albedo += self.noise(rng) * np.float32(rng.uniform(0, 0.08))
        if rng.random() < 0.5:
            albedo *= np.float32(0.3)
        if rng.random() < 0.4:
            height *= np.float32(rng.uniform(0.03, 0.4))
        return Surface(height, 0.5 + np.clip(albedo, -0.42, 0.45))

    def _pattern(self, rng: Random) -> Plane:
        patterns = (self.noise, self.noise, shapes, self._stripes, rings, self._grid, holes, letters)
        return patterns[rng.integers(len(patterns))](rng)

    def _stripes(self, rng: Random) -> Plane:
        along, _ = self._wavy(rng)
        wave: Plane = np.sin(along * 2 * np.pi / between(rng, 3, 50) + rng.uniform(0, 6)).astype(np.float32)
        return wave

    def _grid(self, rng: Random) -> Plane:
        along, across = self._wavy(rng)
        pitch = between(rng, 5, 40)
        waves = np.sin(along * 2 * np.pi / pitch) * np.sin(across * 2 * np.pi / pitch * rng.uniform(0.5, 2))
        grid: Plane = np.tanh(waves * rng.uniform(1, 6)).astype(np.float32)
        return grid

    def _wavy(self, rng: Random) -> tuple[Plane, Plane]:
        along, across = turned(np.zeros(2), rng.uniform(0, 2 * np.pi))
        if rng.random() < 0.3:
            along = along + 0.3 * np.float32(rng.uniform(1, 8)) * self.noise(rng)
        return along, across


def _is_exposed(photos: Photos) -> bool:
    return all(photo.std() >= 4 and 12 <= photo.mean() <= 243 for photo in photos)


def _place(rng: Random) -> tuple[Point, float]:
    """Return where a defect is, (x, y) in px, and its size in px."""
    return rng.uniform(22, SIDE - 22, 2), between(rng, 2.5, 16)


def _pit(maker: SurfaceMaker, rng: Random, surface: Surface, strength: float) -> Surface:
    centre, size = _place(rng)
    spot = maker.blob(rng, centre, size)
    dark = min(0.8 * strength, 0.85) * rng.uniform(0.3, 1) if rng.random() < 0.6 else 0.0
    depth = 0.25 * strength * min(size, 8)
    return Surface(surface.height - np.float32(depth) * spot, surface.albedo * (1 - np.float32(dark) * spot))


def _bump(maker: SurfaceMaker, rng: Random, surface: Surface, strength: float) -> Surface:
    centre, size = _place(rng)
    height = np.float32(0.25 * strength * min(size, 8))
    return Surface(surface.height + height * maker.blob(rng, centre, size), surface.albedo)


def _line(rng: Random, centre: Point, steps: int, step_px: float, bend: float) -> Plane:
    turn, points = rng.uniform(0, 2 * np.pi), [centre]
    for _ in range(steps):
        points.append(points[-1] + step_px * np.array([np.cos(turn), np.sin(turn)]))
        turn += bend * rng.normal()
    plane = np.zeros((SIDE, SIDE), np.float32)
    eighths = np.round(np.array(points) * 8).astype(np.int32)
    cv2.polylines(plane, [eighths], False, 1.0, int(rng.integers(1, 4)), cv2.LINE_8, 3)
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), rng.uniform(0.4, 1.1)), np.float32)


def _scratch(maker: SurfaceMaker, rng: Random, surface: Surface, strength: float) -> Surface:
    line = _line(rng, _place(rng)[0], 2, rng.uniform(10, 60), 0.08)
    side = rng.choice([-1, 1])
    tone = np.clip(0.5 * strength * rng.normal(), -0.8, 0.8)
    return Surface(
        surface.height - np.float32(0.8 * strength * side) * line,
        surface.albedo * (1 + np.float32(tone) * line),
    )


def _crack(maker: SurfaceMaker, rng: Random, surface: Surface, strength: float) -> Surface:
    line = _line(rng, _place(rng)[0], int(rng.integers(3, 14)), rng.uniform(4, 10), 0.7)
    dark = np.float32(min(0.5 * strength, 0.85))
    return Surface(surface.height - np.float32(strength) * line, surface.albedo * (1 - dark * line))


def _stain(maker: SurfaceMaker, rng: Random, surface: Surface, strength: float) -> Surface:
    centre, size = _place(rng)
    tone = np.float32(np.clip(0.45 * strength * rng.choice([-1, 1]), -0.8, 1))
    return Surface(surface.height, surface.albedo * (1 + tone * maker.blob(rng, centre, size)))


def _bite(maker: SurfaceMaker, rng: Random, surface: Surface, strength: float) -> Surface:
    """Return the surface with a piece missing: behind it is something even."""
    share = _patch(maker, rng, 1.3, 0.7)
    behind = Surface(
        np.full_like(surface.height, surface.height.mean() + rng.normal()),
        np.full_like(surface.albedo, rng.uniform(0.03, 0.95)),
    )
    return surface.blended(behind, share)


def _pasted(maker: SurfaceMaker, rng: Random, surface: Surface, strength: float) -> Surface:
    """Return the surface with a piece of itself, from elsewhere, or of another one."""
    share = _patch(maker, rng, 1.4, rng.uniform(0.5, 2))
    if rng.random() < 0.6:
        by = tuple(int(value) for value in rng.integers(20, SIDE - 20, size=2))
        other = Surface(np.roll(surface.height, by, (0, 1)), np.roll(surface.albedo, by, (0, 1)))
    else:
        other = maker.surface(rng)
    if rng.random() < 0.5:
        other = Surface(np.rot90(other.height), np.rot90(other.albedo))
    return surface.blended(other, share)


def _patch(maker: SurfaceMaker, rng: Random, scale: float, rim_px: float) -> Plane:
    centre, size = _place(rng)
    inside = (maker.blob(rng, centre, scale * size) > 0.5).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(inside, (0, 0), rim_px), np.float32)


def _smear(maker: SurfaceMaker, rng: Random, surface: Surface, strength: float) -> Surface:
    """Return the surface with its texture lost in one place, or exchanged for another."""
    centre, size = _place(rng)
    share, blur = maker.blob(rng, centre, 1.4 * size), partial(cv2.GaussianBlur, ksize=(0, 0))
    width = rng.uniform(2, 6)
    smooth = Surface(
        np.asarray(blur(surface.height, sigmaX=width), np.float32),
        np.asarray(blur(surface.albedo, sigmaX=width), np.float32),
    )
    smeared = surface.blended(smooth, share)
    if rng.random() < 0.5:
        return smeared
    return Surface(smeared.height + np.float32(0.3 * strength) * maker.noise(rng) * share, smeared.albedo)


def _warp(maker: SurfaceMaker, rng: Random, surface: Surface, strength: float) -> Surface:
    """Return the surface pushed aside in one place."""
    centre, size = _place(rng)
    push = np.float32(0.5 * size * strength) * maker.blob(rng, centre, 1.5 * size)
    turn = rng.uniform(0, 2 * np.pi)
    x, y = turned(np.zeros(2), 0.0)
    from_x, from_y = x + np.float32(np.cos(turn)) * push, y + np.float32(np.sin(turn)) * push
    moved = (
        cv2.remap(plane, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        for plane in (surface.height, surface.albedo)
    )
    return Surface(*(np.asarray(plane, np.float32) for plane in moved))


DEFECTS: Final[tuple[Callable[[SurfaceMaker, Random, Surface, float], Surface], ...]] = (
    _pit,
    _bump,
    _scratch,
    _crack,
    _stain,
    _bite,
    _pasted,
    _smear,
    _warp,
)
