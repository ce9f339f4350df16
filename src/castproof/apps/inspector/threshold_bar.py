"""The slider of the thresholds: ACCEPT, the band of REVIEW, REJECT, and where p_defective of the photo is."""

import tkinter as tk
from collections.abc import Callable
from tkinter import font, ttk
from typing import Final

from castproof.apps.inspector.theme import CAPTION, Colours
from castproof.measure.decision import Thresholds, Verdict
from castproof.translation import tr
from castproof.wording import probability

_STEP: Final = 0.01
_FINE_STEP: Final = 0.001
ACCEPT_END, REJECT_START, BOTH = "threshold", "reject_from", "both"


class ThresholdBar(ttk.Frame):
    """A bar from 0 to 1 with two handles, moved by mouse or keys. Where they are at one place, they move together.

    With Shift the mouse moves one of them away, which makes a band of REVIEW. The space key chooses what the arrow keys
    move: one handle, the other, or both.

    Args:
        parent: holds it.
        colours: see `Colours`.
        scale: see `theme.scale_of`.
        on_change: told of every change.
    """

    def __init__(
        self, parent: tk.Misc, colours: Colours, scale: float, on_change: Callable[[Thresholds], None]
    ) -> None:
        super().__init__(parent)
        self._colours, self._scale, self._on_change = colours, scale, on_change
        self._thresholds = Thresholds.single(0.5)
        self._own: Thresholds | None = None
        self._p: float | None = None
        self._handle = BOTH
        self._held_px = 0  # from the mouse to the middle of the handle that it holds
        self._line_px = font.nametofont(CAPTION).metrics("linespace")
        self.canvas = tk.Canvas(
            self,
            height=round(34 * scale) + 2 * self._line_px,
            background=colours.background,
            highlightthickness=1,
            highlightbackground=colours.background,
            highlightcolor=colours.accept,
            takefocus=True,
        )
        self.canvas.pack(fill="x")
        self.canvas.bind("<Configure>", lambda event: self._draw())
        self.canvas.bind("<Button-1>", lambda event: self._pressed(event, apart=False))
        self.canvas.bind("<Shift-Button-1>", lambda event: self._pressed(event, apart=True))
        self.canvas.bind("<B1-Motion>", self._dragged)
        for key, step in (("Left", -1), ("Right", 1), ("Down", -1), ("Up", 1)):
            self.canvas.bind(f"<{key}>", self._stepper(step * _STEP))
            self.canvas.bind(f"<Shift-{key}>", self._stepper(step * _FINE_STEP))
        self.canvas.bind("<space>", lambda event: self._other_handle())
        for event in ("<FocusIn>", "<FocusOut>"):
            self.canvas.bind(event, lambda event: self._draw(), add="+")

    def show(self, thresholds: Thresholds, own: Thresholds | None, p_defective: float | None) -> None:
        """Show the thresholds that are set, the model's own as marks, and p_defective of the photo."""
        self._thresholds, self._own, self._p = thresholds, own, p_defective
        self._draw()

    def handle_px(self, handle: str) -> tuple[int, int]:
        """Return where a handle, ACCEPT_END or REJECT_START, is on the canvas."""
        return round(self._x(getattr(self._thresholds, handle))), self._middle_px

    @property
    def _pad_px(self) -> int:
        return round(10 * self._scale)

    @property
    def _radius_px(self) -> int:
        return round(8 * self._scale)

    @property
    def _middle_px(self) -> int:
        return self._line_px + round(14 * self._scale)

    def _x(self, p: float) -> float:
        return self._pad_px + p * (self.canvas.winfo_width() - 2 * self._pad_px)

    def _p_at(self, x: float) -> float:
        share = (x - self._pad_px) / max(self.canvas.winfo_width() - 2 * self._pad_px, 1)
        return round(min(1.0, max(0.0, share)), 3)

    def _draw(self) -> None:
        canvas, cuts = self.canvas, self._thresholds
        canvas.delete("all")
        half, low, high = round(5 * self._scale), self._x(cuts.threshold), self._x(cuts.reject_from)
        self._band(self._x(0), low, Verdict.ACCEPT, half)
        self._band(low, high, Verdict.REVIEW, half)
        self._band(high, self._x(1), Verdict.REJECT, half)
        if self._own is not None:
            for p in {self._own.threshold, self._own.reject_from}:
                canvas.create_line(
                    self._x(p),
                    self._middle_px + half,
                    self._x(p),
                    self._middle_px + 3 * half,
                    fill=self._colours.text,
                )
        for handle in (REJECT_START, ACCEPT_END):
            self._draw_handle(handle)
        if self._p is not None:
            self._draw_photo(self._p)

    def _band(self, left: float, right: float, verdict: Verdict, half: int) -> None:
        if right <= left:
            return
        top, bottom = self._middle_px - half, self._middle_px + half
        self.canvas.create_rectangle(left, top, right, bottom, fill=self._colours.of(verdict), width=0)
        if right - left > font.nametofont(CAPTION).measure(verdict.value) + self._pad_px:
            self.canvas.create_text(
                (left + right) / 2,
                self._line_px // 2,
                text=verdict.value,
                font=CAPTION,
                fill=self._colours.of(verdict),
            )

    def _draw_handle(self, handle: str) -> None:
        x, y = self.handle_px(handle)
        radius = self._radius_px
        is_active = self._handle in (handle, BOTH) and self.canvas.focus_get() is self.canvas
        self.canvas.create_oval(
            x - radius,
            y - radius,
            x + radius,
            y + radius,
            fill=self._colours.surface,
            outline=self._colours.text,
            width=round((3 if is_active else 1.5) * self._scale),
        )

    def _draw_photo(self, p: float) -> None:
        """Draw a triangle below the bar where p_defective of the photo is."""
        x, top, side = self._x(p), self._middle_px + round(9 * self._scale), round(6 * self._scale)
        self.canvas.create_polygon(
            x, top, x - side, top + 1.5 * side, x + side, top + 1.5 * side, fill=self._colours.text
        )
        text = tr("this photo {p}", p=probability(round(p, 4)))
        half = font.nametofont(CAPTION).measure(text) / 2 + round(3 * self._scale)
        centre = min(max(x, half), self.canvas.winfo_width() - half)
        self.canvas.create_text(
            centre,
            top + 1.5 * side + self._line_px // 2 + 1,
            text=text,
            font=CAPTION,
            fill=self._colours.text,
        )

    def _pressed(self, event: "tk.Event[tk.Canvas]", *, apart: bool) -> None:
        self.canvas.focus_set()
        cuts, p = self._thresholds, self._p_at(event.x)
        if not cuts.reviews and not apart:
            self._handle = BOTH
        elif abs(p - cuts.threshold) != abs(p - cuts.reject_from):
            self._handle = ACCEPT_END if abs(p - cuts.threshold) < abs(p - cuts.reject_from) else REJECT_START
        else:
            self._handle = ACCEPT_END if p <= cuts.threshold else REJECT_START
        held_px = self.handle_px(REJECT_START if self._handle == REJECT_START else ACCEPT_END)[0] - event.x
        if abs(held_px) <= self._radius_px:
            self._held_px = held_px  # it stays until the mouse moves
        else:
            self._held_px = 0
            self._move_to(p)

    def _dragged(self, event: "tk.Event[tk.Canvas]") -> None:
        self._move_to(self._p_at(event.x + self._held_px))

    def _stepper(self, by: float) -> "Callable[[tk.Event[tk.Canvas]], str]":
        return lambda event: self._stepped(by)

    def _stepped(self, by: float) -> str:
        now = self._thresholds.reject_from if self._handle == REJECT_START else self._thresholds.threshold
        self._move_to(min(1.0, max(0.0, round(now + by, 3))))
        return "break"

    def _other_handle(self) -> str:
        order = (BOTH, ACCEPT_END, REJECT_START)
        self._handle = order[(order.index(self._handle) + 1) % len(order)]
        self._draw()
        return "break"

    def _move_to(self, p: float) -> None:
        moved = _moved(self._thresholds, self._handle, p)
        if moved != self._thresholds:
            self._thresholds = moved
            self._draw()
            self._on_change(moved)


def _moved(cuts: Thresholds, handle: str, p: float) -> Thresholds:
    """Return the thresholds with a handle at `p`; it pushes the other one along. BOTH keep their distance."""
    if handle == ACCEPT_END:
        return Thresholds(p, max(p, cuts.reject_from))
    if handle == REJECT_START:
        return Thresholds(min(p, cuts.threshold), p)
    band = cuts.reject_from - cuts.threshold
    low = min(p, 1 - band)
    return Thresholds(low, min(1.0, max(low, round(low + band, 6))))
