"""The photo with its heat, alone or beside a good part: zoom, pan, lens."""

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from tkinter import ttk
from typing import Final

from castproof.apps.inspector.coalesced import Coalesced
from castproof.apps.inspector.heat_legend import HeatLegend
from castproof.apps.inspector.photo_canvas import PhotoCanvas, ViewColours
from castproof.apps.inspector.photo_gestures import bind_gestures
from castproof.pipeline.inspecting.photo_picture import Look, ShownPhoto
from castproof.pipeline.inspecting.viewport import ZOOM_STEP, Point, Viewport, fitted
from castproof.preprocess import Pixels
from castproof.report.heat_pictures import Heat
from castproof.translation import tr

ARROW_PX: Final = 40
_BETWEEN_PX: Final = 3


@dataclass(frozen=True)
class PixelSeen:
    """The photo pixel under the mouse.

    Attributes:
        x: column, from 0.
        y: row, from 0.
        value: grey, or red, green and blue, as in the photo, 0 to 255.
    """

    x: int
    y: int
    value: tuple[int, ...]


class PhotoView(ttk.Frame):
    """Shows a photo, or says why there is none.

    Args:
        parent: the widget that it lies in.
        colours: around the photo.
        scale: see `theme.scale_of`.
        on_zoom: gets the zoom, such as "217%", whenever it changes; "" where there is no photo.
        on_pixel: gets the pixel under the mouse; None beside the photo.
    """

    def __init__(
        self,
        parent: tk.Misc,
        colours: ViewColours | None = None,
        *,
        scale: float = 1.0,
        on_zoom: Callable[[str], None] = lambda _: None,
        on_pixel: Callable[[PixelSeen | None], None] = lambda _: None,
    ) -> None:
        super().__init__(parent)
        self._scale, self._on_zoom, self._on_pixel = scale, on_zoom, on_pixel
        self._zoom_told = ""
        self._pixel_told: PixelSeen | None = None
        self._photo: ShownPhoto | None = None
        self._reference: ShownPhoto | None = None
        self._viewport: Viewport | None = None
        self._message = ""
        self._look = Look()
        self._has_lens = False
        self._mouse: Point | None = None
        self._redraw = Coalesced(self, self._draw)
        self._move_lens = Coalesced(self, self._draw_lenses)
        self._place(ViewColours() if colours is None else colours)

    @property
    def viewport(self) -> Viewport | None:
        """Which part of the photo is seen; None where there is no photo."""
        return self._viewport

    def show(self, pixels: Pixels | None, heat: Heat | None, message: str = "") -> None:
        """Show a photo as a whole. The same array again, such as with heat that came later, keeps zoom and place.

        Args:
            pixels: uint8 (H, W), grey, or (H, W, 3), RGB; None for no photo.
            heat: float32 (h, w) over the photo, nats; None for none.
            message: what is said where there is no photo.
        """
        self._message = message
        if pixels is None:
            self._photo = None
            self._viewport = None
        elif self._photo is not None and self._photo.pixels is pixels:
            self._photo = self._photo.with_heat(heat)
        else:
            self._photo = ShownPhoto(pixels, heat)
            self._viewport = fitted(self._photo.size, self.canvas.view_size)
        self._tell_pixel()
        self._redraw()

    def set_look(self, look: Look) -> None:
        """Take another brightness, contrast, and heat."""
        self._look = look
        self._redraw()

    def set_reference(self, pixels: Pixels | None, caption: str = "") -> None:
        """Show another photo beside this one, at the same share of zoom and the same relative place; None for none."""
        self._reference = None if pixels is None else ShownPhoto(pixels)
        self._reference_caption.configure(text=caption)
        self._lay_reference(visible=pixels is not None)
        self._redraw()

    def fit(self) -> None:
        """Show the whole photo."""
        self._change(lambda viewport: viewport.fitted())

    def one_to_one(self) -> None:
        """Show one photo pixel as one screen pixel."""
        self._change(lambda viewport: viewport.one_to_one())

    def zoom_in(self) -> None:
        """Enlarge by one step."""
        self.zoom(1)

    def zoom_out(self) -> None:
        """Make smaller by one step."""
        self.zoom(-1)

    def zoom(self, steps: float, at: Point | None = None) -> None:
        """Enlarge by steps, below 0 make smaller, about a screen point; None is the middle of the view."""
        self._change(lambda viewport: viewport.zoomed(ZOOM_STEP**steps, at))

    def pan(self, dx: float, dy: float) -> None:
        """Move the photo by screen pixels."""
        self._change(lambda viewport: viewport.panned(dx, dy))

    def pan_by_key(self, right: int, down: int) -> bool:
        """Move the view by steps; return whether it could move."""
        before, step = self._viewport, ARROW_PX * self._scale
        self.pan(-right * step, -down * step)
        return self._viewport != before

    def toggle_fit(self, at: Point) -> None:
        """Change between the whole photo and 1:1 about a screen point."""
        self._change(lambda viewport: viewport.one_to_one(at) if viewport.is_fit else viewport.fitted())

    def magnifier(self, on: bool) -> None:
        """Let a lens follow the mouse, or not."""
        self._has_lens = on
        for canvas in (self.canvas, self.reference_canvas):
            canvas.configure(cursor="crosshair" if on else "")
        self._move_lens()

    def mouse_at(self, at: Point | None) -> None:
        """Take the screen point of the mouse; None where it is outside."""
        self._mouse = at
        self._tell_pixel()
        if self._has_lens:
            self._move_lens()

    def _place(self, colours: ViewColours) -> None:
        self.canvas = PhotoCanvas(self, colours, self._scale)
        self.reference_canvas = PhotoCanvas(self, colours, self._scale)
        self.reference_canvas.configure(takefocus=False)
        self._caption = ttk.Label(self, text=tr("This photo"), anchor="center")
        self._reference_caption = ttk.Label(self, anchor="center")
        self.legend = HeatLegend(self, self._scale)
        self.canvas.grid(row=0, column=0, sticky="nsew")
        self.reference_canvas.grid(row=0, column=1, sticky="nsew", padx=(_BETWEEN_PX, 0))
        self._caption.grid(row=1, column=0, sticky="ew")
        self._reference_caption.grid(row=1, column=1, sticky="ew")
        self.legend.grid(row=2, column=0, columnspan=2, sticky="ew", pady=(2, 0))
        self._lay_reference(visible=False)
        self.rowconfigure(0, weight=1)
        self.columnconfigure(0, weight=1, uniform="photo")
        for canvas in (self.canvas, self.reference_canvas):
            bind_gestures(canvas, self)
            canvas.bind("<Configure>", lambda _: self._resized())

    def _lay_reference(self, *, visible: bool) -> None:
        for widget in (self.reference_canvas, self._caption, self._reference_caption):
            if visible:
                widget.grid()
            else:
                widget.grid_remove()
        self.canvas.grid(padx=(0, _BETWEEN_PX if visible else 0))
        self.columnconfigure(1, weight=1 if visible else 0, uniform="photo" if visible else "")

    def _change(self, change: Callable[[Viewport], Viewport]) -> None:
        if self._viewport is not None:
            self._viewport = change(self._viewport)
            self._tell_pixel()
            self._redraw()

    def _resized(self) -> None:
        self._change(lambda viewport: viewport.resized(self.canvas.view_size))
        self._redraw()

    def _tell_zoom(self) -> None:
        told = "" if self._viewport is None else f"{100 * self._viewport.zoom:.0f}%"
        if told != self._zoom_told:
            self._zoom_told = told
            self._on_zoom(told)

    def _tell_pixel(self) -> None:
        seen = self._pixel_seen()
        if seen != self._pixel_told:
            self._pixel_told = seen
            self._on_pixel(seen)

    def _pixel_seen(self) -> PixelSeen | None:
        if self._photo is None or self._viewport is None or self._mouse is None:
            return None
        at = self._viewport.pixel_at(self._mouse)
        if at is None:
            return None
        value = self._photo.pixels[at[1], at[0]]
        return PixelSeen(*at, tuple(int(one) for one in value.reshape(-1)))

    def _shown(self) -> list[tuple[PhotoCanvas, ShownPhoto, Viewport]]:
        if self._photo is None or self._viewport is None:
            return []
        shown = [(self.canvas, self._photo, self._viewport)]
        if self._reference is not None:
            beside = self.reference_canvas
            shown.append(
                (beside, self._reference, self._viewport.onto(self._reference.size, beside.view_size))
            )
        return shown

    def _draw(self) -> None:
        if min(self.canvas.view_size) <= 1:
            return  # not laid out yet; what is drawn then comes with its size
        shown = self._shown()
        if not shown:
            self.canvas.draw_message(self._message)
            self.reference_canvas.draw_message("")
        for canvas, photo, viewport in shown:
            canvas.draw_photo(photo, viewport, self._look)
        self.legend.show(self._photo, self._look)
        self._tell_zoom()
        self._draw_lenses()

    def _draw_lenses(self) -> None:
        at = self._mouse
        for canvas, photo, viewport in self._shown():
            if self._has_lens and at is not None and viewport.pixel_at(at) is not None:
                canvas.draw_lens(photo, viewport, at, self._look)
            else:
                canvas.hide_lens()
