"""A photo as a window shows it: the part in view, its brightness and contrast, and the heat over it."""

import math
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from castproof.pipeline.inspecting.heat_outline import Ring, heat_outline
from castproof.pipeline.inspecting.outline_drawing import draw_rings
from castproof.pipeline.inspecting.viewport import Point, Size, Viewport, Visible
from castproof.preprocess import Pixels
from castproof.report.colours import DEFECTIVE
from castproof.report.heat_pictures import FAINT_NATS, MOST_COVERED, Heat, covered, enlarged

PIXELS_SEEN_ZOOM: Final = 4.0
LENS_ENLARGES: Final = 4.0
LENS_PX: Final = 160
_LENS_RIM: Final = "#ffffff"
_LENS_EDGE: Final = "#202020"
_MOST_SLOPE: Final = 4.0
_MIDDLE: Final = 127.5
_SMOOTH: Final = 1.5
_KERNEL_PX: Final = 3


@dataclass(frozen=True)
class Look:
    """How a photo is shown.

    Attributes:
        brightness: -1 (black is added) to 1 (white is added); 0 leaves the photo as it is.
        contrast: -1 (a quarter of it) to 1 (four times as much); 0 leaves the photo as it is.
        heat_on: whether the heat is laid over the photo, which is grey then.
        heat_opacity: share of the photo that the colour covers where the heat is FULL_NATS or more, 0 to 1.
        outline_on: whether a line runs around the strongest place.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    heat_on: bool = True
    heat_opacity: float = MOST_COVERED
    outline_on: bool = True


@dataclass(frozen=True, eq=False)
class ShownPhoto:
    """A photo and its heat, with what is computed once for all of its pictures.

    Attributes:
        pixels: uint8 (H, W), grey, or (H, W, 3), RGB.
        heat: float32 (h, w) over the same photo, nats, at least 0; None for no heat.
    """

    pixels: Pixels
    heat: Heat | None = None
    _reduced: dict[int, Image.Image] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> Size:
        """Width and height, pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @cached_property
    def strongest(self) -> float:
        """The maximum of the heat, nats; 0 where there is none."""
        return 0.0 if self.heat is None else max(float(self.heat.max()), 0.0)

    @property
    def is_faint(self) -> bool:
        """Whether there is heat, and even the strongest place hardly counts."""
        return 0 < self.strongest < FAINT_NATS

    @cached_property
    def outline(self) -> list[Ring]:
        """The lines around the strongest place, see `heat_outline`."""
        return [] if self.heat is None else heat_outline(self.heat)

    def with_heat(self, heat: Heat | None) -> "ShownPhoto":
        """Return the same photo with other heat."""
        return replace(self, heat=heat)

    def reduced(self, factor: int) -> Image.Image:
        """Return the photo averaged over boxes of `factor` x `factor` pixels."""
        if factor not in self._reduced:
            self._reduced[factor] = Image.fromarray(self.pixels).reduce(factor)
        return self._reduced[factor]


def picture(
    photo: ShownPhoto, viewport: Viewport, look: Look, *, background: str = "#000000", scale: float = 1.0
) -> Image.Image:
    """Return an RGB image of the view's size, with the part of the photo that lies in it.

    Every pixel of the photo is one square of a single value from PIXELS_SEEN_ZOOM on. The heat has the colour and the
    line of `castproof.report.heat_pictures`: how strong the colour is at the strongest place grows with the square
    root of its heat, and fades from there in proportion; the line is dashed where the heat is faint.

    Args:
        photo: the photo and its heat.
        viewport: a view of a photo of this size.
        look: brightness, contrast, and what is laid over the photo.
        background: colour beside the photo, #rrggbb.
        scale: screen pixels per pixel at 96 dots per inch, for the width of the line.
    """
    seen = viewport.visible()
    shown = Image.new("RGB", viewport.view_size, background)
    if seen is None:
        return shown
    part = _resampled(photo, viewport.zoom, seen)
    part = part.point(brightness_table(look) * len(part.getbands()))
    has_colour = look.heat_on and photo.strongest > 0
    shown.paste(part.convert("L") if has_colour else part, seen.screen[:2])
    if has_colour:
        shown.paste(DEFECTIVE, seen.screen[:2], _cover(photo, seen, look.heat_opacity))
    if look.outline_on:
        draw_rings(shown, photo.outline, viewport, dashed=photo.is_faint, scale=scale)
    return shown


def magnified(
    photo: ShownPhoto,
    viewport: Viewport,
    at: Point,
    look: Look,
    *,
    background: str = "#000000",
    scale: float = 1.0,
) -> Image.Image:
    """Return a round lens, RGBA, with LENS_ENLARGES times what `viewport` shows at a screen point.

    It enlarges no further than to the largest zoom of the view. The photo is seen without the colour of the heat,
    which would hide what the lens is for; the line is there.

    Args:
        photo: the photo and its heat.
        viewport: the view under the lens.
        at: screen point in the middle of the lens.
        look: as in `picture`.
        background: as in `picture`.
        scale: as in `picture`; the lens is LENS_PX times as wide.
    """
    width = round(LENS_PX * scale)
    under = replace(
        viewport,
        view_size=(width, width),
        zoom=min(viewport.zoom * LENS_ENLARGES, viewport.most_zoom),
        centre=viewport.to_photo(at),
    )
    seen = picture(photo, under, replace(look, heat_on=False), background=background, scale=scale)
    lens = Image.new("RGB", seen.size, _LENS_EDGE)
    lens.paste(_LENS_RIM, (0, 0), _disc(width, scale))
    lens.paste(seen, (0, 0), _disc(width, 3 * scale))
    lens.putalpha(_disc(width, 0))
    return lens


def heat_bar(strongest: float, opacity: float, size: Size, *, grey: int = 128) -> Image.Image:
    """Return the colours of a photo's heat from none (left) to its strongest place (right), RGB.

    Args:
        strongest: maximum of the heat, nats, at least 0.
        opacity: as `Look.heat_opacity`.
        size: width and height, pixels.
        grey: value of the photo under it, 0 to 255.
    """
    bar = Image.new("RGB", size, (grey, grey, grey))
    if strongest > 0:
        relative = np.tile(np.linspace(0, 1, size[0], dtype=np.float32), (size[1], 1))
        bar.paste(DEFECTIVE, (0, 0), _mask(covered(relative, strongest, opacity)))
    return bar


def brightness_table(look: Look) -> list[int]:
    """Return what each value 0 to 255 becomes: stretched around the middle by 4 ** contrast, and then shifted."""
    values = np.arange(256, dtype=np.float64)
    stretched = (values - _MIDDLE) * _MOST_SLOPE**look.contrast + _MIDDLE + look.brightness * 255
    table: list[int] = np.clip(np.rint(stretched), 0, 255).astype(int).tolist()
    return table


def _resampled(photo: ShownPhoto, zoom: float, seen: Visible) -> Image.Image:
    if zoom >= PIXELS_SEEN_ZOOM:
        part, box = _cut(photo.pixels, seen.photo, margin=0)
        return part.resize(seen.size, Image.Resampling.NEAREST, box)
    resampling = Image.Resampling.HAMMING if zoom < 1 else Image.Resampling.BICUBIC
    factor = int(1 / (_SMOOTH * zoom))
    if factor > 1:
        left, top, right, bottom = (edge / factor for edge in seen.photo)
        return photo.reduced(factor).resize(seen.size, resampling, (left, top, right, bottom))
    part, box = _cut(photo.pixels, seen.photo, margin=math.ceil(_KERNEL_PX * max(1 / zoom, 1)))
    return part.resize(seen.size, resampling, box)


def _cut(
    pixels: Pixels, box: tuple[float, float, float, float], margin: int
) -> tuple[Image.Image, tuple[float, float, float, float]]:
    """Return the pixels in `box` with some around it, and where the box lies in them."""
    left, top = max(math.floor(box[0]) - margin, 0), max(math.floor(box[1]) - margin, 0)
    part = pixels[top : math.ceil(box[3]) + margin, left : math.ceil(box[2]) + margin]
    inside = (box[0] - left, box[1] - top, box[2] - left, box[3] - top)
    return Image.fromarray(np.ascontiguousarray(part)), inside


def _cover(photo: ShownPhoto, seen: Visible, opacity: float) -> Image.Image:
    assert photo.heat is not None
    rows, columns = photo.heat.shape
    width, height = photo.size
    left, top, right, bottom = seen.photo
    box = (left / width * columns, top / height * rows, right / width * columns, bottom / height * rows)
    return _mask(covered(enlarged(photo.heat / photo.strongest, seen.size, box), photo.strongest, opacity))


def _mask(share: Heat) -> Image.Image:
    return Image.fromarray((share * 255 + 0.5).astype(np.uint8))


@lru_cache(maxsize=8)
def _disc(width: int, margin: float) -> Image.Image:
    """Return 255 inside of a circle `margin` pixels from the border, 0 outside, with a smooth edge."""
    times = 4
    large = Image.new("L", (width * times, width * times), 0)
    edge = margin * times
    ImageDraw.Draw(large).ellipse((edge, edge, width * times - 1 - edge, width * times - 1 - edge), fill=255)
    return large.reduce(times)
