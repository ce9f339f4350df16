"""Which part of a photo a view shows, and how large. Geometry alone.

A photo point (x, y) counts photo pixels from the upper left corner of the photo: pixel (0, 0) covers [0, 1) x [0, 1). A
screen point counts screen pixels from the upper left corner of the view in the same way.
"""

from dataclasses import dataclass, replace
from typing import Final

Point = tuple[float, float]
Size = tuple[int, int]

ZOOM_STEP: Final = 1.25
MOST_ZOOM: Final = 32.0
LEAST_OF_FIT: Final = 0.25
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Visible:
    """The part of a photo that lies in the view.

    Attributes:
        screen: left, top, right, bottom in whole screen pixels.
        photo: the same four edges in photo pixels, inside of the photo.
    """

    screen: tuple[int, int, int, int]
    photo: tuple[float, float, float, float]

    @property
    def size(self) -> Size:
        """Width and height on the screen, pixels, at least 1."""
        left, top, right, bottom = self.screen
        return right - left, bottom - top


@dataclass(frozen=True)
class Viewport:
    """A view onto a photo. A photo that fits into the view is centred; of a larger one some part is always seen.

    Attributes:
        photo_size: width and height, photo pixels, at least 1.
        view_size: width and height, screen pixels, at least 1.
        zoom: screen pixels per photo pixel, above 0.
        centre: the photo point in the middle of the view.
    """

    photo_size: Size
    view_size: Size
    zoom: float
    centre: Point

    @property
    def fit_zoom(self) -> float:
        """The zoom at which the whole photo just fits into the view."""
        return _fit_zoom(self.photo_size, self.view_size)

    @property
    def least_zoom(self) -> float:
        """The smallest zoom: a quarter of the fit, and never above 1:1."""
        return min(LEAST_OF_FIT * self.fit_zoom, 1.0)

    @property
    def most_zoom(self) -> float:
        """The largest zoom: 32 screen pixels per photo pixel, and never below the fit."""
        return max(MOST_ZOOM, self.fit_zoom)

    @property
    def is_fit(self) -> bool:
        """Whether the whole photo fits into the view as large as it can."""
        return abs(self.zoom / self.fit_zoom - 1) < _ROUNDING

    @property
    def is_whole(self) -> bool:
        """Whether the whole photo is seen, as large as it can or smaller."""
        return self.zoom <= self.fit_zoom * (1 + _ROUNDING)

    def to_screen(self, point: Point) -> Point:
        """Return where a photo point lies on the screen."""
        x, y = (
            half / 2 + (at - middle) * self.zoom
            for at, middle, half in zip(point, self.centre, self.view_size, strict=True)
        )
        return x, y

    def to_photo(self, point: Point) -> Point:
        """Return which photo point lies at a screen point; it may lie outside of the photo."""
        x, y = (
            middle + (at - half / 2) / self.zoom
            for at, middle, half in zip(point, self.centre, self.view_size, strict=True)
        )
        return x, y

    def pixel_at(self, point: Point) -> tuple[int, int] | None:
        """Return column and row of the photo pixel at a screen point; None beside the photo."""
        x, y = self.to_photo(point)
        width, height = self.photo_size
        return (int(x), int(y)) if 0 <= x < width and 0 <= y < height else None

    def fitted(self) -> "Viewport":
        """Return the view of the whole photo."""
        return fitted(self.photo_size, self.view_size)

    def zoomed(self, factor: float, at: Point | None = None) -> "Viewport":
        """Return the view enlarged by `factor`, inside of the limits.

        The photo point under `at` stays there, but where the whole photo fits into the view (it is centred then), and
        where the photo would leave the middle of the view.

        Args:
            factor: above 0; below 1 makes it smaller.
            at: screen point; None for the middle of the view.
        """
        return self._at_zoom(self.zoom * factor, at)

    def one_to_one(self, at: Point | None = None) -> "Viewport":
        """Return the view with one screen pixel per photo pixel; `at` as in `zoomed`."""
        return self._at_zoom(1.0, at)

    def panned(self, dx: float, dy: float) -> "Viewport":
        """Return the view with the photo moved by (dx, dy) screen pixels, as far as it may go."""
        x, y = self.centre
        return replace(self, centre=(x - dx / self.zoom, y - dy / self.zoom))._kept_in_view()

    def resized(self, view_size: Size) -> "Viewport":
        """Return what was seen, in a view of another size: the whole photo, or the same middle at the same zoom."""
        if self.is_fit:
            return fitted(self.photo_size, view_size)
        return replace(self, view_size=view_size)._at_zoom(self.zoom, None)

    def onto(self, photo_size: Size, view_size: Size) -> "Viewport":
        """Return the same view of another photo: the same share of it, around the same place relative to its sides."""
        share = self.zoom / self.fit_zoom
        x, y = (
            at / own * other for at, own, other in zip(self.centre, self.photo_size, photo_size, strict=True)
        )
        return Viewport(photo_size, view_size, share * _fit_zoom(photo_size, view_size), (x, y))

    def visible(self) -> Visible | None:
        """Return the part of the photo that lies in the view; None where no part does."""
        left, top = self.to_screen((0, 0))
        across = self._visible_along(left, 0)
        down = self._visible_along(top, 1)
        if across is None or down is None:
            return None
        (x0, x1, u0, u1), (y0, y1, v0, v1) = across, down
        return Visible((x0, y0, x1, y1), (u0, v0, u1, v1))

    def _visible_along(self, start: float, axis: int) -> tuple[int, int, float, float] | None:
        """Return the edges on the screen and in the photo along one axis; `start` is the photo's edge on the screen."""
        size = self.photo_size[axis]
        end = start + size * self.zoom
        low = max(round(start), 0)
        high = min(max(round(end), round(start) + 1), self.view_size[axis])
        if high <= low:
            return None
        if end - start < 1:
            return low, high, 0.0, float(size)
        return low, high, max((low - start) / self.zoom, 0.0), min((high - start) / self.zoom, float(size))

    def _at_zoom(self, zoom: float, at: Point | None) -> "Viewport":
        zoom = min(max(zoom, self.least_zoom), self.most_zoom)
        middle = (self.view_size[0] / 2, self.view_size[1] / 2)
        at = middle if at is None else at
        x, y = self.to_photo(at)
        centre = (x + (middle[0] - at[0]) / zoom, y + (middle[1] - at[1]) / zoom)
        return replace(self, zoom=zoom, centre=centre)._kept_in_view()

    def _kept_in_view(self) -> "Viewport":
        if self.is_whole:
            return replace(self, centre=_middle(self.photo_size))
        x, y = (min(max(at, 0.0), float(size)) for at, size in zip(self.centre, self.photo_size, strict=True))
        return replace(self, centre=(x, y))


def fitted(photo_size: Size, view_size: Size) -> Viewport:
    """Return the view that shows the whole photo as large as it can.

    Args:
        photo_size: width and height, photo pixels, at least 1.
        view_size: width and height, screen pixels, at least 1.
    """
    return Viewport(photo_size, view_size, _fit_zoom(photo_size, view_size), _middle(photo_size))


def _fit_zoom(photo_size: Size, view_size: Size) -> float:
    return min(view_size[0] / photo_size[0], view_size[1] / photo_size[1])


def _middle(size: Size) -> Point:
    return size[0] / 2, size[1] / 2
