"""Lines over a photo on the screen: white with a dark edge, smooth, of the same width at every zoom."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from castproof.pipeline.inspecting.heat_outline import Ring
from castproof.pipeline.inspecting.viewport import Viewport
from castproof.report.heat_pictures import DASH_PX

Line = NDArray[np.float64]

WHITE_PX: Final = 2.0
EDGED_PX: Final = 4.0
_FINER: Final = 2
_STROKE_DASHES: Final = 10  # drawn together; strokes of a long line cover less of the picture than the whole
_LIGHT: Final = "#ffffff"
_DARK: Final = "#101010"
_DASH_PX: Final = 2 * DASH_PX


def draw_rings(
    shown: Image.Image, rings: Iterable[Ring], viewport: Viewport, *, dashed: bool, scale: float = 1.0
) -> None:
    """Draw closed lines onto the picture `shown` of what `viewport` shows.

    Args:
        shown: RGB, of the view's size; it is changed.
        rings: float64 (n, 2), x and y as a share of the photo's width and height.
        viewport: where the photo is.
        dashed: whether the lines are dashed.
        scale: as in `picture`.
    """
    around = EDGED_PX * scale
    split = _dashes if dashed else _pieces
    strokes = [
        [line for line in stroke if _is_seen(line, viewport.view_size, around)]
        for ring in rings
        for stroke in split(_on_screen(ring, viewport), _DASH_PX * scale)
    ]
    for colour, width in ((_DARK, EDGED_PX), (_LIGHT, WHITE_PX)):
        for stroke in strokes:
            if stroke:
                _draw(shown, stroke, colour, width * scale)


def _on_screen(ring: Ring, viewport: Viewport) -> Line:
    """Return the ring in screen pixels, its first point again at the end."""
    left, top = viewport.to_screen((0, 0))
    size = np.array(viewport.photo_size, np.float64) * viewport.zoom
    return np.concatenate([ring, ring[:1]]) * size + (left, top)


def _pieces(line: Line, dash_px: float) -> Iterator[list[Line]]:
    """Yield the whole line in strokes of about _STROKE_DASHES dashes, each with the first steps of the next one."""
    stroke = (_along(line) // (_STROKE_DASHES * dash_px)).astype(int)
    starts = [0, *(np.nonzero(np.diff(stroke))[0] + 1).tolist()]
    for start, end in zip(starts, [*starts[1:], len(line)], strict=True):
        yield [line[max(start - 1, 0) : end + 1]]


def _dashes(line: Line, dash_px: float) -> Iterator[list[Line]]:
    """Yield every second piece of `dash_px` along the line in strokes, with as many pieces as close it evenly."""
    along = _along(line)
    periods = max(round(float(along[-1]) / dash_px / 2), 1)
    stops = np.linspace(0, along[-1], 4 * periods + 1)
    points = np.stack([np.interp(stops, along, line[:, axis]) for axis in (0, 1)], axis=1)
    dashes = [points[start : start + 3] for start in range(0, 4 * periods, 4)]
    for start in range(0, periods, _STROKE_DASHES):
        yield dashes[start : start + _STROKE_DASHES]


def _along(line: Line) -> NDArray[np.float64]:
    """Return how far along the line each of its points lies, pixels."""
    return np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()])


def _draw(shown: Image.Image, stroke: list[Line], colour: str, width: float) -> None:
    points = np.concatenate(stroke)
    low = np.maximum(np.floor(points.min(axis=0) - width), 0).astype(int)
    high = np.minimum(np.ceil(points.max(axis=0) + width), shown.size).astype(int)
    if (high <= low).any():
        return
    large = Image.new("L", (int(high[0] - low[0]) * _FINER, int(high[1] - low[1]) * _FINER), 0)
    draw = ImageDraw.Draw(large)
    for line in stroke:
        draw.line(((line - low) * _FINER).ravel().tolist(), fill=255, width=round(width * _FINER))
    shown.paste(colour, (int(low[0]), int(low[1])), large.reduce(_FINER))


def _is_seen(line: Line, view_size: tuple[int, int], around: float) -> bool:
    return bool((line.max(axis=0) > -around).all() and (line.min(axis=0) < np.add(view_size, around)).all())
