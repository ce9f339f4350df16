"""Single numbers that describe one photo: light, sharpness, size and, roughly, what it looks like.

They are computed once from the decoded pixels and kept by content, so they are plain numbers that JSON holds.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from castproof.modelfile.photo_numbers import BRIGHT_FROM, photo_numbers

STATISTICS_VERSION: Final = 4  # to be raised when the same photo may give other numbers

_GLARE_PX = 128
_OUTLINE_PX = 96
_CALM_TIMES, _CALM_LEAST = 2.5, 2.0  # gradient of the background: times that at the border; in grey levels
_GAP_PX, _SPUR_PX, _RIM_PX = 7, 9, 7  # in the photo at `_OUTLINE_PX`
_SMALLEST_PART = 0.05  # share of the photo
_MOST_BESIDE = 0.1  # what else stands out, as a share of the part
_APPEARANCE_PX = 32
_RINGS = 12
_TONES = 16
_EDGES = 8
APPEARANCE_LENGTH: Final = 2 * _RINGS + _TONES + _EDGES + 3

Number = TypeVar("Number", bound=np.generic)
Pixels = NDArray[np.uint8]
Values = NDArray[np.float32]

cv2.setNumThreads(1)  # photos are measured in several threads; cv2's own would only add to them


@dataclass(frozen=True)
class PhotoStatistics:
    """What was measured on one photo.

    Args:
        pixel_hash: hex SHA-256 of the decoded pixels and their shape; equal for files that show the same.
        width: of the decoded photo, pixels.
        height: of the decoded photo, pixels.
        file_bytes: size of the file.
        brightness: mean grey level, 0 to 255.
        contrast: standard deviation of the grey levels.
        sharpness: 0 for nothing but smooth shades, 1 for white noise (see `photo_numbers`).
        background: median grey level of the outermost twentieth of the photo.
        dark_share: share of pixels below grey level 16, in [0, 1].
        bright_share: share of pixels from grey level 250, in [0, 1].
        glare: share of the photo that its largest connected area from grey level 250 takes, in [0, 1].
        rim_contrast: how far the part stands out at its outline, 0 to 255 (see `photo_statistics`).
        centre_x: middle of the part, as a share of the photo's width from the left, in [0, 1].
        centre_y: middle of the part, as a share of the photo's height from the top, in [0, 1].
        extent: share of the photo that the part takes, holes included, in [0, 1].
        appearance: 51 numbers that hardly change when the part is turned or lit differently.
    """

    pixel_hash: str
    width: int
    height: int
    file_bytes: int
    brightness: float
    contrast: float
    sharpness: float
    background: float
    dark_share: float
    bright_share: float
    glare: float
    rim_contrast: float
    centre_x: float
    centre_y: float
    extent: float
    appearance: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON; `from_json` gives them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> "PhotoStatistics | None":
        """Return what `to_json` gave, or None where `data` is anything else."""
        if not isinstance(data, Mapping) or set(data) != _NAMES:
            return None
        appearance = data["appearance"]
        if not isinstance(appearance, list) or len(appearance) != APPEARANCE_LENGTH:
            return None
        numbers = all(map(_is_number, [*(data[name] for name in _NUMBERS), *appearance]))
        if not numbers or not isinstance(data["pixel_hash"], str):
            return None
        return cls(**{**data, "appearance": tuple(appearance)})


_NAMES = {field.name for field in fields(PhotoStatistics)}
_LARGEST_NUMBER = 1e300  # false for infinity and for no number, too
_NUMBERS = tuple(_NAMES - {"pixel_hash", "appearance"})


def photo_statistics(pixels: Pixels, file_bytes: int) -> PhotoStatistics:
    """Return the statistics of one photo.

    Brightness, contrast, shares and sharpness are those of `photo_numbers`, which a station measures, too: blurred and
    dark mean the same in an audit and at the line.

    The part is the one area that cannot be reached from the border of the photo without crossing an edge; a soft
    shadow beside it counts as the part. Contrast at the rim is the range of grey levels (lightest minus darkest)
    around a point of its outline, in a square of 7% of the longer side of the photo, as a mean over the outline.
    Where no such area stands out alone, as in a close-up of a rough surface, the whole photo is the part and its
    border the outline. Of a part that is smooth where the border of the photo cuts it off, only what lies within
    edges is found: its place then tells whether the camera moved, not where the part ends.

    Args:
        pixels: uint8 (H, W, 3), RGB in [0, 255].
        file_bytes: size of its file.
    """
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    numbers = photo_numbers(pixels)
    rim_contrast, centre_x, centre_y, extent = _place(grey)
    return PhotoStatistics(
        pixel_hash=_pixel_hash(pixels),
        width=numbers.width,
        height=numbers.height,
        file_bytes=file_bytes,
        brightness=round(numbers.brightness, 3),
        contrast=round(numbers.contrast, 3),
        sharpness=round(numbers.sharpness, 5),
        background=float(np.median(_border(grey).astype(np.float32))),
        dark_share=round(numbers.dark_share, 5),
        bright_share=round(numbers.bright_share, 5),
        glare=round(_glare(grey), 5),
        rim_contrast=round(rim_contrast, 3),
        centre_x=round(centre_x, 5),
        centre_y=round(centre_y, 5),
        extent=round(extent, 5),
        appearance=tuple(round(float(value), 3) for value in _appearance(pixels, grey)),
    )


def _pixel_hash(pixels: Pixels) -> str:
    digest = hashlib.sha256(f"{pixels.shape}".encode("ascii"))
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def _scaled(grey: Pixels, longer_px: int) -> Pixels:
    factor = longer_px / max(grey.shape)
    size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
    return np.asarray(
        cv2.resize(grey, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR), np.uint8
    )


def _border(plane: NDArray[Number]) -> NDArray[Number]:
    band = max(1, min(plane.shape) // 20)
    sides = (plane[:band], plane[-band:], plane[band:-band, :band], plane[band:-band, -band:])
    return np.concatenate([side.ravel() for side in sides])


def _glare(grey: Pixels) -> float:
    mask = (_scaled(grey, _GLARE_PX) >= BRIGHT_FROM).astype(np.uint8)
    if not mask.any():
        return 0.0
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    return float(stats[1:, cv2.CC_STAT_AREA].max()) / mask.size


def _place(grey: Pixels) -> tuple[float, float, float, float]:
    """Return the contrast at the rim of the part, its middle (across, down) and its extent."""
    small = np.asarray(cv2.GaussianBlur(_scaled(grey, _OUTLINE_PX), (0, 0), 0.8), np.uint8)
    height, width = small.shape
    part, outline = _part(small)
    window = np.ones((_RIM_PX, _RIM_PX), np.uint8)
    ranges = cv2.dilate(small, window) - cv2.erode(small, window)
    moments = cv2.moments(part, binaryImage=True)
    x, y = (moments[name] / moments["m00"] + 0.5 for name in ("m10", "m01"))
    at_rim = ranges[outline[:, 0, 1], outline[:, 0, 0]]
    return float(at_rim.mean()), x / width, y / height, moments["m00"] / small.size


def _part(grey: Pixels) -> tuple[Pixels, NDArray[np.int32]]:
    """Return the part as a filled mask and its outline; the whole photo where none stands out alone."""
    standing_out = _not_background(grey)
    outlines, _ = cv2.findContours(standing_out, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if outlines:
        outline = max(outlines, key=cv2.contourArea)
        part = cv2.drawContours(np.zeros_like(grey), [outline], 0, 1, cv2.FILLED)
        beside = int(standing_out[part == 0].sum())
        if part.mean() >= _SMALLEST_PART and beside <= _MOST_BESIDE * part.sum():
            return np.asarray(part, np.uint8), np.asarray(outline, np.int32)
    whole = np.ones_like(grey)
    outlines, _ = cv2.findContours(whole, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return whole, np.asarray(outlines[0], np.int32)


def _not_background(grey: Pixels) -> Pixels:
    """Return a mask of what a disc that rolls in from the border cannot reach without touching an edge."""
    across, down = cv2.Scharr(grey, cv2.CV_32F, 1, 0), cv2.Scharr(grey, cv2.CV_32F, 0, 1)
    edges = np.asarray(cv2.magnitude(across, down), np.float32) / np.float32(32)
    calm = (edges <= max(_CALM_TIMES * float(np.median(_border(edges))), _CALM_LEAST)).astype(np.uint8)
    open_to_disc = cv2.erode(np.pad(calm, _GAP_PX, constant_values=1), _disc(_GAP_PX))
    cv2.floodFill(open_to_disc, None, (0, 0), (2,))
    reached = cv2.dilate((open_to_disc == 2).astype(np.uint8), _disc(_GAP_PX))
    rest = 1 - reached[_GAP_PX:-_GAP_PX, _GAP_PX:-_GAP_PX]
    return np.asarray(cv2.morphologyEx(rest, cv2.MORPH_OPEN, _disc(_SPUR_PX)), np.uint8)


def _disc(side: int) -> Pixels:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _appearance(pixels: Pixels, grey: Pixels) -> Values:
    """Return rings around the middle, tones, edges and colour of the photo, free of brightness and contrast."""
    size = (_APPEARANCE_PX, _APPEARANCE_PX)
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    normal = (small - small.mean()) / (small.std() + 4.0)
    across, down = cv2.Sobel(normal, cv2.CV_32F, 1, 0), cv2.Sobel(normal, cv2.CV_32F, 0, 1)
    colour = cv2.mean(pixels)
    return np.concatenate(
        [
            _ring_means(normal),
            np.sqrt(np.maximum(_ring_means(normal**2) - _ring_means(normal) ** 2, 0)),
            2 * np.sqrt(_shares(normal, _TONES, (-3, 3))),
            2 * np.sqrt(_shares(np.hypot(across, down), _EDGES, (0, 8))),
            [
                (colour[0] - colour[1]) / 16,
                (colour[1] - colour[2]) / 16,
                math.log(grey.shape[1] / grey.shape[0]),
            ],
        ]
    ).astype(np.float32)


def _ring_means(values: Values) -> Values:
    return (np.bincount(_RING.ravel(), values.ravel(), _RINGS) / _RING_SIZE).astype(np.float32)


def _shares(values: Values, bins: int, between: tuple[float, float]) -> Values:
    low, high = between
    index = np.clip((values - low) * (bins / (high - low)), 0, bins - 1).astype(np.int64)
    return (np.bincount(index.ravel(), minlength=bins) / values.size).astype(np.float32)


def _rings() -> NDArray[np.int64]:
    middle = (_APPEARANCE_PX - 1) / 2
    y, x = np.mgrid[:_APPEARANCE_PX, :_APPEARANCE_PX] - middle
    radius = np.hypot(x, y) / (_APPEARANCE_PX / 2)
    return np.asarray(np.minimum(radius * (_RINGS - 1), _RINGS - 1), np.int64)


_RING = _rings()
_RING_SIZE = np.bincount(_RING.ravel(), minlength=_RINGS)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST_NUMBER
