"""The canvas that a photo is drawn on."""

import tkinter as tk
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageTk

from castproof.pipeline.inspecting.photo_picture import Look, ShownPhoto, magnified, picture
from castproof.pipeline.inspecting.viewport import Point, Size, Viewport

_MESSAGE_SHARE: Final = 0.8
_FOCUS_PX: Final = 2
_LEAST_PX: Final = (200, 150)


@dataclass(frozen=True)
class ViewColours:
    """Colours around a photo, #rrggbb.

    Attributes:
        background: beside the photo.
        text: of a message in place of a photo.
        border: line around the photo.
        focus: line around the view that has the keyboard.
    """

    background: str = "#e9ebee"
    text: str = "#1f2933"
    border: str = "#9aa5b1"
    focus: str = "#005fb8"


class PhotoCanvas(tk.Canvas):
    """Draws a photo, or a message, and a lens over it. What it shows, another decides."""

    def __init__(self, parent: tk.Misc, colours: ViewColours, scale: float) -> None:
        super().__init__(
            parent,
            highlightthickness=round(_FOCUS_PX * scale),
            borderwidth=0,
            takefocus=True,
            width=round(_LEAST_PX[0] * scale),
            height=round(_LEAST_PX[1] * scale),
        )
        self._scale = scale
        self._image: ImageTk.PhotoImage | None = None
        self._lens: ImageTk.PhotoImage | None = None
        self._photo_item = self.create_image(0, 0, anchor="nw")
        self._border_item = self.create_rectangle(0, 0, 0, 0, state="hidden")
        self._text_item = self.create_text(0, 0, justify="center", font="TkDefaultFont", state="hidden")
        self._lens_item = self.create_image(0, 0, anchor="center", state="hidden")
        self.set_colours(colours)

    @property
    def view_size(self) -> Size:
        """Width and height of the part that is drawn on, screen pixels."""
        around = 2 * self._inset
        return max(self.winfo_width() - around, 1), max(self.winfo_height() - around, 1)

    def set_colours(self, colours: ViewColours) -> None:
        """Take other colours; the photo is to be drawn again."""
        self.colours = colours
        self.configure(
            background=colours.background,
            highlightbackground=colours.background,
            highlightcolor=colours.focus,
        )
        self.itemconfigure(self._text_item, fill=colours.text)
        self.itemconfigure(self._border_item, outline=colours.border)

    def point(self, event: "tk.Event[tk.Misc]") -> Point:
        """Return the screen point of a mouse event, in the middle of its pixel."""
        return event.x - self._inset + 0.5, event.y - self._inset + 0.5

    def draw_photo(self, photo: ShownPhoto, viewport: Viewport, look: Look) -> None:
        """Draw the part of the photo that is in view."""
        shown = picture(photo, viewport, look, background=self.colours.background, scale=self._scale)
        self._image = self._put(self._photo_item, self._image, shown, (self._inset, self._inset))
        self.itemconfigure(self._text_item, state="hidden")
        visible = viewport.visible()
        if visible is not None:
            left, top, right, bottom = (edge + self._inset for edge in visible.screen)
            self.coords(self._border_item, left - 1, top - 1, right, bottom)
        self.itemconfigure(self._border_item, state="hidden" if visible is None else "normal")

    def draw_message(self, message: str) -> None:
        """Draw a message and no photo."""
        self.hide_lens()
        for item in (self._photo_item, self._border_item):
            self.itemconfigure(item, state="hidden")
        width, height = self.winfo_width(), self.winfo_height()
        self.coords(self._text_item, width / 2, height / 2)
        self.itemconfigure(self._text_item, text=message, width=round(width * _MESSAGE_SHARE), state="normal")

    def draw_lens(self, photo: ShownPhoto, viewport: Viewport, at: Point, look: Look) -> None:
        """Draw a lens over the photo, its middle at the screen point `at`."""
        lens = magnified(photo, viewport, at, look, background=self.colours.background, scale=self._scale)
        self._lens = self._put(self._lens_item, self._lens, lens, (at[0] + self._inset, at[1] + self._inset))

    def hide_lens(self) -> None:
        """Take the lens away."""
        self.itemconfigure(self._lens_item, state="hidden")

    @property
    def _inset(self) -> int:
        return int(self["highlightthickness"])

    def _put(
        self, item: int, image: ImageTk.PhotoImage | None, shown: Image.Image, at: Point
    ) -> ImageTk.PhotoImage:
        """Draw `shown` with the image that was there before, where it has the same size."""
        if image is None or (image.width(), image.height()) != shown.size:
            image = ImageTk.PhotoImage(shown, master=self)
        else:
            image.paste(shown)
        self.coords(item, *at)
        self.itemconfigure(item, image=str(image), state="normal")
        return image
