"""One generated casting: its family, its defects, and the maps that a camera sees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from castproof.data.synthetic import defects as surface
from castproof.data.synthetic import edge_defects, flat_parts, round_parts
from castproof.data.synthetic.canvas import Canvas, Labels, Map, enlarge
from castproof.data.synthetic.marks import add_marks
from castproof.errors import SettingError

_FAMILIES: dict[str, Callable[[Canvas, np.random.Generator], None]] = {
    "impeller": round_parts.impeller,
    "flange": round_parts.flange,
    "wheel": round_parts.wheel,
    "disc": round_parts.disc,
    "rib_plate": flat_parts.rib_plate,
    "bracket": flat_parts.bracket,
    "cover": flat_parts.cover,
}
_DEFECTS: dict[str, Callable[[Canvas, np.random.Generator, surface.Stroke], None]] = {
    "blowhole": surface.blowhole,
    "pinholes": surface.pinholes,
    "crack": surface.crack,
    "cold_shut": surface.cold_shut,
    "chipped_rim": edge_defects.chipped_rim,
    "ragged_rim": edge_defects.ragged_rim,
    "flash": edge_defects.flash,
    "scratch": surface.scratch,
    "shrinkage": surface.shrinkage,
}
FAMILIES: tuple[str, ...] = tuple(_FAMILIES)
DEFECT_TYPES: tuple[str, ...] = tuple(_DEFECTS)
_TINTS = ((1.0, 1.0, 1.0), (1.03, 1.0, 0.95), (0.97, 1.0, 1.04), (1.12, 0.98, 0.78), (1.06, 0.97, 0.9))


@dataclass(frozen=True)
class Part:
    """One casting with its own tool marks, stains and small deviations of shape.

    The maps are float32, shape (resolution, resolution), over a square of -1 to 1 units; they are not to be
    changed. `defect_map` is uint8: 0, or k for `DEFECT_TYPES[k - 1]`. `seed` and `family` and the defect
    types give the same part again.
    """

    seed: int
    family: str
    defects: tuple[str, ...]
    height: Map
    albedo: Map
    gloss: Map
    tangent: Map
    grain: Map
    openness: Map
    alpha: Map
    defect_map: Labels
    tint: tuple[float, float, float]


def make_part(
    seed: int,
    *,
    family: str | None = None,
    defects: Sequence[str] | None = None,
    severity: float | None = None,
    resolution: int = 320,
) -> Part:
    """Return the casting that `seed` stands for; the same seed without defects is its flawless twin.

    Args:
        seed: a whole number, 0 or more.
        family: one of FAMILIES; None draws one.
        defects: names out of DEFECT_TYPES, () for a good part; None draws a good part or one to two defects.
        severity: 0 (barely visible) to 1 (plain), for every defect; None draws one for each.
        resolution: width of the maps in pixels, at least 64.

    Raises:
        SettingError: an unknown family or defect, or a number out of its range.
    """
    _check(family, defects, severity, resolution)
    shape_rng, mark_rng, defect_rng = (np.random.default_rng([seed, stream]) for stream in range(3))
    drawn = FAMILIES[int(shape_rng.integers(len(FAMILIES)))]
    family = family or drawn
    canvas = Canvas(resolution)
    _FAMILIES[family](canvas, shape_rng)
    tint = _TINTS[int(shape_rng.choice(len(_TINTS), p=(0.35, 0.2, 0.2, 0.1, 0.15)))]
    add_marks(canvas, mark_rng)
    names = _draw_defects(defect_rng) if defects is None else tuple(defects)
    for name in names:
        chosen = float(defect_rng.beta(1.2, 1.2)) if severity is None else severity
        _add_defect(canvas, defect_rng, name, chosen)
    return Part(
        seed=seed,
        family=family,
        defects=names,
        height=canvas.height,
        albedo=np.clip(canvas.albedo, 0.02, 1),
        gloss=np.clip(canvas.gloss, 0, 1),
        tangent=canvas.tangent,
        grain=canvas.grain,
        openness=_openness(canvas),
        alpha=canvas.alpha,
        defect_map=canvas.label,
        tint=tint,
    )


def _add_defect(canvas: Canvas, rng: np.random.Generator, name: str, severity: float) -> None:
    """Draw the defect; again, elsewhere, when it fell beside the part."""
    stroke = surface.Stroke(severity, DEFECT_TYPES.index(name) + 1)
    for _ in range(8):
        _DEFECTS[name](canvas, rng, stroke)
        if np.count_nonzero(canvas.label == stroke.label) * canvas.px**2 > 4e-4:
            return


def _draw_defects(rng: np.random.Generator) -> tuple[str, ...]:
    if rng.random() < 0.5:
        return ()
    count = 1 + int(rng.random() < 0.25)
    return tuple(DEFECT_TYPES[int(index)] for index in rng.choice(len(DEFECT_TYPES), count, replace=False))


def _openness(canvas: Canvas) -> Map:
    """Return how much of the surrounding light reaches each pixel, 0 to 1: pits and inner corners get less.

    A pixel that lies below the mean height of its surroundings, taken at two widths, is darkened.
    """
    near = ndimage.gaussian_filter(canvas.height, 0.012 / canvas.px)
    coarse = ndimage.gaussian_filter(canvas.height[::4, ::4], 0.05 / (4 * canvas.px))
    wide = enlarge(coarse, 4)
    below = 22 * np.maximum(near - canvas.height, 0) + 9 * np.maximum(wide - canvas.height, 0)
    return np.asarray(1 / (1 + below), np.float32)


def _check(
    family: str | None, defects: Sequence[str] | None, severity: float | None, resolution: int
) -> None:
    if family is not None and family not in FAMILIES:
        raise SettingError(f"Unknown family {family!r}.", rule=f"Families: {', '.join(FAMILIES)}.")
    unknown = [name for name in defects or () if name not in DEFECT_TYPES]
    if unknown:
        raise SettingError(f"Unknown defect {unknown[0]!r}.", rule=f"Defects: {', '.join(DEFECT_TYPES)}.")
    if severity is not None and not 0 <= severity <= 1:
        raise SettingError("severity is out of range.", rule="It is from 0 to 1.", found=f"Found {severity}.")
    if resolution < 64 or resolution % 4:
        raise SettingError(
            "resolution does not fit.",
            rule="It is a multiple of 4, at least 64.",
            found=f"Found {resolution}.",
        )
