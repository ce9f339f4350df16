"""Random patterns, of which the heights and the albedo of a surface are put together."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE: Final = 144
TILE: Final = 2 * SIDE

Plane = NDArray[np.float32]
Random = np.random.Generator
Point = NDArray[np.float64]


def between(rng: Random, low: float, high: float) -> float:
    """Return a number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def turned(centre: Point, turn: float) -> tuple[Plane, Plane]:
    """Return both coordinates of every pixel, in px, seen from `centre` (x, y) and turned by `turn` radians."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    x, y = x - np.float32(centre[0]), y - np.float32(centre[1])
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    return x * cos + y * sin, y * cos - x * sin


def noise_tile(rng: Random) -> Plane:
    """Return noise with a random spectrum: coarse to fine, drawn out or not, with or without a typical size."""
    down = np.fft.fftfreq(TILE)[:, None]
    right = np.fft.rfftfreq(TILE)[None]
    turn = rng.uniform(0, np.pi)
    drawn_out = np.exp(rng.uniform(0, 2.5)) if rng.random() < 0.4 else 1.0
    along, across = (
        right * np.cos(turn) + down * np.sin(turn),
        down * np.cos(turn) - right * np.sin(turn),
    )
    frequency = np.hypot(along * drawn_out, across) + 1 / TILE
    amplitude = frequency ** -rng.uniform(0.2, 2.2)
    if rng.random() < 0.5:
        amplitude *= np.exp(-((np.log(frequency / between(rng, 0.01, 0.3)) / rng.uniform(0.2, 1)) ** 2) / 2)
    waves = amplitude * np.exp(2j * np.pi * rng.random(amplitude.shape))
    noise = np.fft.irfft2(waves, s=(TILE, TILE))
    noise = (noise - noise.mean()) / noise.std()
    shape = rng.random()
    if shape < 0.15:
        noise = np.abs(noise) - 0.8
    elif shape < 0.3:
        noise = (noise > rng.uniform(0, 1.5)).astype(float)
    elif shape < 0.4:
        noise = np.tanh(3 * noise)
    return np.ascontiguousarray(noise, np.float32)


def shapes(rng: Random) -> Plane:
    """Return overlapping ellipses, rectangles or polygons of random heights, with soft rims."""
    plane = np.zeros((SIDE, SIDE), np.float32)
    size, kind = between(rng, 6, 50), int(rng.integers(4))
    for _ in range(rng.integers(2, 60)):
        x, y = (int(value) for value in rng.integers(-10, SIDE + 10, size=2))
        value, reach = float(rng.normal()), float(size * np.exp(0.5 * rng.normal()))
        shape = int(rng.integers(3)) if kind == 3 else kind
        if shape == 0:
            axes = (int(reach) + 1, int(reach * rng.uniform(0.3, 1)) + 1)
            cv2.ellipse(plane, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, value, -1)
        elif shape == 1:
            box = cv2.boxPoints(
                ((x, y), (2 * reach, reach * rng.uniform(0.2, 2)), float(rng.uniform(0, 180)))
            )
            cv2.fillPoly(plane, [box.astype(np.int32)], value)
        else:
            turns = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 8)))
            rays = reach * rng.uniform(0.4, 1.2, len(turns))
            corners = np.stack([x + rays * np.cos(turns), y + rays * np.sin(turns)], axis=1)
            cv2.fillPoly(plane, [corners.astype(np.int32)], value)
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), between(rng, 0.37, 3.3)), np.float32)


def rings(rng: Random) -> Plane:
    """Return rings about a centre in or near the photo: a wave, or a few steps."""
    along, across = turned(rng.uniform(-0.5, 1.5, 2) * SIDE, 0.0)
    distance = np.hypot(along, across)
    if rng.random() < 0.5:
        return np.sin(distance * np.float32(2 * np.pi / between(rng, 3, 60)))
    steps = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(rng.integers(1, 5)):
        steps += np.float32(rng.normal()) * np.tanh(
            (distance - np.float32(rng.uniform(0, 1.2 * SIDE))) / np.float32(rng.uniform(0.6, 4))
        )
    return steps


def holes(rng: Random) -> Plane:
    """Return a few round holes and bosses."""
    plane = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(rng.integers(1, 6)):
        along, across = turned(rng.uniform(0, SIDE, 2), 0.0)
        inside = np.float32(rng.uniform(4, 40)) - np.hypot(along, across)
        plane += np.float32(rng.choice([-1, 1])) * np.tanh(inside / np.float32(rng.uniform(0.7, 3)))
    return plane


def letters(rng: Random) -> Plane:
    """Return lines of letters, as they are printed on a part, cast or stamped into it."""
    plane = np.zeros((SIDE, SIDE), np.float32)
    scale = between(rng, 0.35, 2.5)
    for _ in range(rng.integers(1, 6)):
        text = "".join(chr(code) for code in rng.integers(33, 127, rng.integers(2, 14)))
        corner = tuple(int(value) for value in rng.integers(-20, SIDE, size=2))
        thickness = int(rng.integers(1, 2 + int(2 * scale)))
        line = np.zeros((SIDE, SIDE), np.uint8)
        cv2.putText(line, text, corner, int(rng.integers(8)), scale, 255, thickness, cv2.LINE_AA)
        plane += line * np.float32(rng.normal() / 255)
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), float(rng.uniform(0, 360)), 1.0)
    turned = cv2.warpAffine(plane, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(cv2.GaussianBlur(turned, (0, 0), between(rng, 0.37, 2)), np.float32)
