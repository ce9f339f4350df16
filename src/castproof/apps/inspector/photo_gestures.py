"""What mouse and keys do over a photo."""

import tkinter as tk
from typing import Final, Protocol

from castproof.apps.inspector.photo_canvas import PhotoCanvas
from castproof.pipeline.inspecting.viewport import Point

_ARROWS: Final = {"<Left>": (-1, 0), "<Right>": (1, 0), "<Up>": (0, -1), "<Down>": (0, 1)}
_WHEEL_STEP: Final = 120  # of <MouseWheel>; touchpads send parts of it
_LARGER: Final = ("<plus>", "<equal>", "<KP_Add>")
_SMALLER: Final = ("<minus>", "<KP_Subtract>")


class Moved(Protocol):
    """What follows the gestures."""

    def zoom(self, steps: float, at: Point | None = None) -> None:
        """Enlarge by steps about a screen point."""

    def pan(self, dx: float, dy: float) -> None:
        """Move the photo by screen pixels."""

    def pan_by_key(self, right: int, down: int) -> bool:
        """Move the view by steps; return whether it could move."""

    def toggle_fit(self, at: Point) -> None:
        """Change between the whole photo and 1:1."""

    def mouse_at(self, at: Point | None) -> None:
        """Take where the mouse is."""


def bind_gestures(canvas: PhotoCanvas, moved: Moved) -> None:
    """Let wheel, drag, double click, arrows, plus and minus on `canvas` move what `moved` shows."""
    _bind_wheel(canvas, moved)
    _bind_drag(canvas, moved)
    canvas.bind("<Double-Button-1>", lambda event: moved.toggle_fit(canvas.point(event)))
    canvas.bind("<Motion>", lambda event: moved.mouse_at(canvas.point(event)))
    canvas.bind("<Leave>", lambda _: moved.mouse_at(None))
    for key in _LARGER:
        canvas.bind(key, lambda _: moved.zoom(1))
    for key in _SMALLER:
        canvas.bind(key, lambda _: moved.zoom(-1))
    for key, direction in _ARROWS.items():
        _bind_arrow(canvas, key, direction, moved)


def _bind_arrow(canvas: PhotoCanvas, key: str, direction: tuple[int, int], moved: Moved) -> None:
    """An arrow that cannot move the view is left to the window."""
    canvas.bind(key, lambda _: "break" if moved.pan_by_key(*direction) else "")


def _bind_wheel(canvas: PhotoCanvas, moved: Moved) -> None:
    """Windows and newer Tk send <MouseWheel>, X11 sends the buttons 4 and 5."""

    def turned(event: "tk.Event[tk.Misc]") -> str:
        steps = {4: 1.0, 5: -1.0}.get(event.num) if isinstance(event.num, int) else None
        moved.zoom(event.delta / _WHEEL_STEP if steps is None else steps, canvas.point(event))
        return "break"

    for name in ("<MouseWheel>", "<Button-4>", "<Button-5>"):
        canvas.bind(name, turned)


def _bind_drag(canvas: PhotoCanvas, moved: Moved) -> None:
    last: list[Point] = []
    resting: list[str] = []

    def press(event: "tk.Event[tk.Misc]") -> None:
        canvas.focus_set()
        last[:] = [canvas.point(event)]
        resting[:] = [str(canvas["cursor"])]
        canvas.configure(cursor="fleur")

    def drag(event: "tk.Event[tk.Misc]") -> None:
        at = canvas.point(event)
        if last:
            moved.pan(at[0] - last[0][0], at[1] - last[0][1])
        last[:] = [at]
        moved.mouse_at(at)

    def release(_: "tk.Event[tk.Misc]") -> None:
        last.clear()
        if resting:
            canvas.configure(cursor=resting.pop())

    canvas.bind("<ButtonPress-1>", press)
    canvas.bind("<B1-Motion>", drag)
    canvas.bind("<ButtonRelease-1>", release)
