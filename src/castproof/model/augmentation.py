"""Seeded variations of training photos that change pose and light, never the defect.

Every variation keeps the whole photo in the frame: what is turned or squeezed is made as much smaller as it
takes, so a rim cannot be cut off, and the free border continues the background. Nothing is erased, painted
over or mixed from two photos.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class AugmentLevel:
    """How far one level goes; every amount is drawn uniformly up to the limit, in both directions.

    Mirroring and quarter turns are part of every level that varies.

    Args:
        views: variations of each photo that a frozen network sees, the photo itself included; 1: none at all.
        turn_deg: free rotation.
        squeeze: relative change of one axis against the other, and shear.
        gain: relative change of exposure.
        contrast: relative change about the photo's mean.
        gamma: exponent, as a power of two.
        gradient: relative brightness change from one edge of the photo to the other, in any direction.
        noise: largest standard deviation of added noise, on the scale [0, 1].
    """

    views: int
    turn_deg: float
    squeeze: float
    gain: float
    contrast: float
    gamma: float
    gradient: float
    noise: float


LEVELS: Final = {
    "none": AugmentLevel(views=1, turn_deg=0, squeeze=0, gain=0, contrast=0, gamma=0, gradient=0, noise=0),
    "minimal": AugmentLevel(
        views=2, turn_deg=0, squeeze=0, gain=0.05, contrast=0.05, gamma=0, gradient=0, noise=0
    ),
    "standard": AugmentLevel(
        views=4, turn_deg=12, squeeze=0.05, gain=0.2, contrast=0.15, gamma=0, gradient=0.15, noise=0
    ),
    "heavy": AugmentLevel(
        views=6, turn_deg=180, squeeze=0.12, gain=0.35, contrast=0.3, gamma=0.4, gradient=0.35, noise=0.03
    ),
}


def augment(batch: Tensor, level: AugmentLevel, seeds: Sequence[tuple[int, ...]]) -> Tensor:
    """Return a variation of each photo, float32 in [0, 1], same shape.

    Args:
        batch: photos (n, 3, size, size) in [0, 1].
        level: how far to go.
        seeds: one per photo; the same photo, level and seed give the same variation in any batch.
    """
    if level.views == 1:
        return batch
    generators = [np.random.default_rng(seed) for seed in seeds]
    maps = np.stack([draw_affine(level, generator) for generator in generators])
    light = np.stack([_draw_light(level, generator) for generator in generators])
    planes = batch[:, :1] if _is_grey(batch) else batch
    warped = _warp(planes, torch.from_numpy(maps).to(batch))
    lit = _relight(warped, torch.from_numpy(light).to(batch))
    return _add_noise(lit, level, generators).expand_as(batch)


def draw_affine(level: AugmentLevel, generator: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return a (2, 3) map from output to input places, both in [-1, 1], that shows the whole input."""
    turn = math.radians(generator.uniform(-level.turn_deg, level.turn_deg))
    squeeze, shear = generator.uniform(-level.squeeze, level.squeeze, size=2)
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    forward = rotation @ np.array([[1 + squeeze, shear], [0, 1 - squeeze]])
    quarter = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), int(generator.integers(4)))
    mirror = np.diag([generator.choice([-1, 1]), 1])
    forward = forward @ quarter @ mirror
    reach = np.abs(forward).sum(axis=1).max()
    forward = forward / max(reach, 1.0)
    slack = np.maximum(1 - np.abs(forward).sum(axis=1), 0)
    shift = generator.uniform(-slack, slack)
    backward = np.linalg.inv(forward)
    return np.column_stack([backward, -backward @ shift]).astype(np.float32)


def _is_grey(batch: Tensor) -> bool:
    return torch.equal(batch[:, 0], batch[:, 1]) and torch.equal(batch[:, 0], batch[:, 2])


def _draw_light(level: AugmentLevel, generator: np.random.Generator) -> npt.NDArray[np.float32]:
    gain, contrast = generator.uniform(-1, 1, 2) * (level.gain, level.contrast)
    gamma = 2 ** generator.uniform(-level.gamma, level.gamma)
    slope = generator.uniform(0, level.gradient)
    direction = generator.uniform(0, 2 * math.pi)
    values = [1 + gain, 1 + contrast, gamma, slope * math.cos(direction), slope * math.sin(direction)]
    return np.array(values, np.float32)


def _warp(batch: Tensor, maps: Tensor) -> Tensor:
    grid = F.affine_grid(maps, list(batch.shape), align_corners=False)
    return F.grid_sample(batch, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _relight(batch: Tensor, light: Tensor) -> Tensor:
    gain, contrast, gamma, slope_x, slope_y = light[:, :, None, None, None].unbind(dim=1)
    mean = batch.mean(dim=(1, 2, 3), keepdim=True)
    place = torch.linspace(-0.5, 0.5, batch.shape[-1]).to(batch)
    gradient = 1 + slope_x * place.view(1, 1, 1, -1) + slope_y * place.view(1, 1, -1, 1)
    lit = ((batch - mean).mul_(contrast).add_(mean)).mul_(gain * gradient).clamp_(0, 1)
    return lit if torch.all(gamma == 1) else lit.pow_(gamma)


def _add_noise(batch: Tensor, level: AugmentLevel, generators: list[np.random.Generator]) -> Tensor:
    if level.noise == 0:
        return batch
    size = batch.shape[-1]
    noise = [
        generator.uniform(0, level.noise) * generator.standard_normal((1, size, size), dtype=np.float32)
        for generator in generators
    ]
    return batch.add_(torch.from_numpy(np.stack(noise).astype(np.float32)).to(batch)).clamp_(0, 1)
