"""What the colour over a photo means."""

import tkinter as tk
from tkinter import font, ttk
from typing import Final

from PIL import Image, ImageTk

from castproof.pipeline.inspecting.photo_picture import Look, ShownPhoto, heat_bar
from castproof.translation import tr

_BAR_WIDTH_PX: Final = 96
_BAR_OF_LINE: Final = 0.7


class HeatLegend(ttk.Frame):
    """A bar with the colours of this photo's heat, from none to its strongest place, and words.

    Args:
        parent: the widget that it lies in.
        scale: see `theme.scale_of`.
    """

    def __init__(self, parent: tk.Misc, scale: float) -> None:
        super().__init__(parent)
        self._scale = scale
        self._image: ImageTk.PhotoImage | None = None
        self._least, self._bar, self._most, self._words = labels = [ttk.Label(self) for _ in range(4)]
        for column, label in enumerate(labels):
            label.grid(row=0, column=column, padx=(0, round(6 * scale)), sticky="nw")
        self._shown: tuple[object, ...] = ()
        self.show(None, Look())
        self.bind("<Configure>", lambda _: self._wrap())

    def show(self, photo: ShownPhoto | None, look: Look) -> None:
        """Explain what lies over `photo`; the line is empty where nothing does."""
        strongest = 0.0 if photo is None else photo.strongest
        shown = (strongest, look.heat_on, look.outline_on, look.heat_opacity)
        if shown == self._shown:
            return
        self._shown = shown
        has_colour = look.heat_on and strongest > 0
        self._least.configure(text="0" if has_colour else "")
        self._image = ImageTk.PhotoImage(self._picture(strongest, look, visible=has_colour), master=self)
        self._bar.configure(image=str(self._image))
        self._most.configure(text=f"{strongest:.2g}" if has_colour else "")
        words = [tr("evidence for defective, nats")] if has_colour else []
        if look.outline_on and photo is not None and strongest > 0:
            words.append(tr("dashed: faint") if photo.is_faint else tr("line: strongest place"))
        self._words.configure(text="  ·  ".join(words))

    def _wrap(self) -> None:
        self._words.configure(wraplength=max(self.winfo_width() - self._words.winfo_x(), 1))

    def _picture(self, strongest: float, look: Look, *, visible: bool) -> Image.Image:
        line = font.nametofont("TkDefaultFont", root=self).metrics("linespace")
        height = round(line * _BAR_OF_LINE)
        shown = Image.new("RGBA", (round(_BAR_WIDTH_PX * self._scale) if visible else 1, line))
        if visible:
            shown.paste(
                heat_bar(strongest, look.heat_opacity, (shown.width, height)), (0, (line - height) // 2)
            )
        return shown
