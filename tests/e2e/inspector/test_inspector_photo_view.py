"""The photo view in a real window, moved by real mouse and key events."""

import math
import os
import time
import tkinter as tk
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from tkinter import ttk

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageGrab
from screen import until, xdotool

from castproof.apps.inspector.coalesced import Coalesced
from castproof.apps.inspector.look_controls import LookCalls, LookControls
from castproof.apps.inspector.photo_canvas import PhotoCanvas, ViewColours
from castproof.apps.inspector.photo_view import ARROW_PX, PhotoView, PixelSeen
from castproof.pipeline.inspecting.photo_picture import Look
from castproof.pipeline.inspecting.viewport import ZOOM_STEP, Viewport

sv_ttk = pytest.importorskip(
    "sv_ttk", reason="the inspector needs its extra: pip install castproof[inspector]"
)

COLOURS = ViewColours(background="#204060", text="#ffffff", border="#ff00ff")


@pytest.fixture(scope="module")
def root(screen: str) -> Iterator[tk.Tk]:
    """Return a window in the upper left corner."""
    made = tk.Tk()
    made.geometry("900x700+0+0")
    sv_ttk.set_theme("light")
    yield made
    made.destroy()


@dataclass
class Seen:
    """A photo view, and what it told."""

    root: tk.Tk
    zooms: list[str] = field(default_factory=list)
    pixels: list[PixelSeen | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.view = PhotoView(self.root, COLOURS, on_zoom=self.zooms.append, on_pixel=self.pixels.append)
        self.view.pack(fill="both", expand=True)

    @property
    def viewport(self) -> Viewport:
        assert self.view.viewport is not None
        return self.view.viewport

    def move_to(self, at: tuple[int, int], canvas: PhotoCanvas | None = None) -> None:
        """Move the mouse to a screen point of the view."""
        xdotool("mousemove", *corner(canvas or self.view.canvas, at))
        self.until(lambda: self.view.canvas.winfo_pointerxy() == corner(canvas or self.view.canvas, at))

    def until(self, condition: Callable[[], object]) -> None:
        """Let the window work until the condition holds."""
        until(self.root.update, condition)

    def grabbed(self, canvas: PhotoCanvas | None = None) -> NDArray[np.uint8]:
        """Return what the screen shows where the view is."""
        canvas = canvas or self.view.canvas
        self.root.update()
        left, top = corner(canvas, (0, 0))
        width, height = canvas.view_size
        box = (left, top, left + width, top + height)
        return np.asarray(ImageGrab.grab(box, xdisplay=os.environ["DISPLAY"]).convert("RGB"))


def corner(canvas: PhotoCanvas, at: tuple[int, int]) -> tuple[int, int]:
    inset = int(canvas["highlightthickness"])
    return canvas.winfo_rootx() + inset + at[0], canvas.winfo_rooty() + inset + at[1]


def noise(height: int = 300, width: int = 300) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (height, width), dtype=np.uint8)


def waves(size: int) -> NDArray[np.uint8]:
    """Return a photo with ten waves across and down, the same at every size."""
    wave = np.sin(2 * np.pi * 10 * (np.arange(size) + 0.5) / size)
    return np.rint(128 + 60 * (wave[:, None] + wave)).astype(np.uint8)


@pytest.fixture
def seen(root: tk.Tk) -> Iterator[Seen]:
    """Return a view with a photo of noise, fitted, with the keyboard."""
    xdotool("mousemove", 1365, 767)
    made = Seen(root)
    made.view.show(noise(), None)
    made.until(lambda: made.zooms)
    made.view.canvas.focus_force()
    made.until(lambda: made.root.focus_get() is made.view.canvas)
    yield made
    made.view.destroy()
    root.update()


def test_the_wheel_zooms_about_the_mouse_and_back(seen: Seen) -> None:
    fit, at = seen.viewport, (560, 210)
    seen.move_to(at)
    under = fit.to_photo((at[0] + 0.5, at[1] + 0.5))
    xdotool("click", "--repeat", 3, "--delay", 1, 4)
    seen.until(lambda: seen.viewport.zoom > fit.zoom * ZOOM_STEP**2.5)
    assert seen.viewport.zoom == pytest.approx(fit.zoom * ZOOM_STEP**3)
    assert math.dist(seen.viewport.to_photo((at[0] + 0.5, at[1] + 0.5)), under) < 1e-6
    seen.until(lambda: seen.zooms[-1] == f"{100 * seen.viewport.zoom:.0f}%")
    column, row = int(under[0]), int(under[1])
    assert (seen.grabbed()[at[1], at[0]] == noise()[row, column]).all(), "pixels are seen from 400% on"
    xdotool("click", "--repeat", 3, "--delay", 1, 5)
    seen.until(lambda: seen.viewport.is_fit)


def test_dragging_moves_the_photo_with_the_mouse(seen: Seen) -> None:
    seen.view.zoom(6)
    before = seen.viewport
    seen.move_to((400, 300))
    xdotool("mousedown", 1)
    for at in ((420, 290), (480, 260)):
        seen.move_to(at)
    xdotool("mouseup", 1)
    seen.until(lambda: str(seen.view.canvas["cursor"]) == "")
    moved = np.subtract(seen.viewport.to_screen((0, 0)), before.to_screen((0, 0)))
    assert moved == pytest.approx([80, -40])
    seen.move_to((300, 300))
    seen.root.update()
    assert seen.viewport.to_screen((0, 0)) == pytest.approx(np.add(before.to_screen((0, 0)), moved))


def test_the_photo_cannot_be_moved_out_of_the_view(seen: Seen) -> None:
    seen.view.zoom(2)
    seen.view.pan(-1e6, 1e6)
    background = np.array([0x20, 0x40, 0x60])
    shown = seen.grabbed()
    assert (shown[600, 100] != background).any()
    assert (shown[600, 600] == background).all()


def test_the_lens_follows_the_mouse_over_the_photo_alone(seen: Seen) -> None:
    seen.view.magnifier(True)
    for at in ((400, 300), (500, 350)):
        seen.move_to(at)
        under = seen.viewport.pixel_at((at[0] + 0.5, at[1] + 0.5))
        assert under is not None
        shown = seen.grabbed()
        assert (shown[at[1], at[0]] == noise()[under[1], under[0]]).all()
        rim = shown[at[1], at[0] - 84 : at[0] - 70]
        assert (rim.min(axis=1) > 240).any(), "white rim"
    canvas = seen.view.canvas
    seen.move_to((5, 300))
    seen.until(lambda: seen.pixels[-1] is None)
    without = seen.grabbed()
    seen.view.magnifier(False)
    assert np.array_equal(seen.grabbed(), without)
    assert str(canvas["cursor"]) == ""


def test_a_double_click_changes_between_fit_and_one_to_one(seen: Seen) -> None:
    seen.move_to((400, 300))
    xdotool("click", "--repeat", 2, "--delay", 20, 1)
    seen.until(lambda: seen.viewport.zoom == 1)
    time.sleep(0.55)  # else it is a triple click
    xdotool("click", "--repeat", 2, "--delay", 20, 1)
    seen.until(lambda: seen.viewport.is_fit)


def test_keys_zoom_and_move_and_arrows_that_cannot_move_are_left_to_the_window(seen: Seen) -> None:
    left: list[str] = []
    seen.root.bind("<Right>", lambda _: left.append("Right"))
    fit = seen.viewport.zoom
    xdotool("key", "Right")
    seen.until(lambda: left)
    xdotool("key", "plus", "plus", "plus", "minus")
    seen.until(lambda: seen.viewport.zoom == pytest.approx(fit * ZOOM_STEP**2))
    before = seen.viewport
    xdotool("key", "Right", "Down")
    seen.until(lambda: seen.viewport.centre[1] != before.centre[1])
    moved = np.subtract(seen.viewport.to_screen((0, 0)), before.to_screen((0, 0)))
    assert moved == pytest.approx([-ARROW_PX, -ARROW_PX])
    assert left == ["Right"]
    seen.root.unbind("<Right>")


def test_the_pixel_under_the_mouse_is_told(seen: Seen) -> None:
    at = (333, 222)
    seen.move_to(at)
    seen.until(lambda: seen.pixels and seen.pixels[-1] is not None)
    x, y = (int(one) for one in seen.viewport.to_photo((at[0] + 0.5, at[1] + 0.5)))
    assert seen.pixels[-1] == PixelSeen(x, y, (int(noise()[y, x]),))
    coloured = np.zeros((300, 300, 3), np.uint8)
    coloured[:] = (10, 20, 30)
    seen.view.show(coloured, None)
    assert seen.pixels[-1] == PixelSeen(x, y, (10, 20, 30))


def test_another_photo_is_fitted_and_late_heat_keeps_the_place(seen: Seen) -> None:
    photo = noise(200, 400)
    seen.view.show(photo, None)
    assert seen.viewport.is_fit
    seen.view.zoom(5)
    near, before = seen.viewport, seen.grabbed()
    seen.view.show(photo, np.ones((20, 20), np.float32))
    assert seen.viewport == near
    assert not np.array_equal(seen.grabbed(), before)
    seen.view.show(noise(200, 400), None)
    assert seen.viewport.is_fit


def test_a_message_stands_in_place_of_a_photo(seen: Seen) -> None:
    seen.view.show(None, None, "The photo is cut off.")
    shown = seen.grabbed()
    assert seen.zooms[-1] == ""
    words = (shown == 255).all(axis=2)
    assert words.any()
    rows, columns = np.nonzero(words)
    middle = [shown.shape[0] / 2, shown.shape[1] / 2]
    assert [np.mean([rows.min(), rows.max()]), np.mean([columns.min(), columns.max()])] == pytest.approx(
        middle, abs=8
    )
    assert (shown[5:60] == (0x20, 0x40, 0x60)).all()
    seen.view.fit()
    seen.view.zoom_in()
    seen.view.show(noise(), None)
    assert not (seen.grabbed() == 255).all(axis=2)[:, :90].any(), "the words are gone"


def test_a_reference_is_seen_at_the_same_relative_place(seen: Seen) -> None:
    seen.view.show(waves(300), None)
    seen.view.set_reference(waves(600), "Most similar good part")
    seen.root.update()
    beside = seen.view.reference_canvas
    assert beside.winfo_width() == seen.view.canvas.winfo_width()
    seen.move_to((200, 200), beside)
    xdotool("click", "--repeat", 4, "--delay", 1, 4)
    seen.until(lambda: not seen.viewport.is_whole)
    own, other = seen.grabbed().astype(int), seen.grabbed(beside).astype(int)
    assert np.abs(own - other).max() <= 4, "two screen pixels aside would make 7"
    assert np.ptp(own) > 180
    seen.view.set_reference(None)
    seen.until(lambda: not beside.winfo_ismapped())


def test_the_legend_says_what_lies_over_the_photo(seen: Seen) -> None:
    def words(nats: float | None, look: Look) -> str:
        seen.view.show(noise(), None if nats is None else np.full((20, 20), nats, np.float32))
        seen.view.set_look(look)
        seen.root.update()
        return "|".join(str(one["text"]) for one in widgets(seen.view.legend, ttk.Label) if one["text"])

    assert words(0.3, Look()) == "0|0.3|evidence for defective, nats  ·  line: strongest place"
    assert words(0.03, Look()) == "0|0.03|evidence for defective, nats  ·  dashed: faint"
    assert words(0.3, Look(heat_on=False)) == "line: strongest place"
    assert words(0.3, Look(heat_on=False, outline_on=False)) == ""
    assert words(None, Look()) == ""


def test_a_window_of_another_size_keeps_the_fit(seen: Seen) -> None:
    seen.root.geometry("700x600")
    seen.until(lambda: seen.view.canvas.winfo_width() < 720)
    assert seen.viewport.is_fit
    assert seen.viewport.view_size == seen.view.canvas.view_size
    seen.root.geometry("900x700")
    seen.until(lambda: seen.view.canvas.winfo_width() > 720)


def test_images_do_not_pile_up(seen: Seen) -> None:
    seen.view.magnifier(True)
    seen.move_to((400, 300))
    seen.root.update()
    count = len(seen.root.image_names())
    for step in range(12):
        seen.view.show(noise(), np.full((20, 20), 0.1, np.float32))
        seen.view.zoom(step % 3 - 1)
        seen.root.update()
    assert len(seen.root.image_names()) <= count + 1


def test_work_that_is_asked_for_often_is_done_once(root: tk.Tk) -> None:
    done: list[int] = []
    frame = ttk.Frame(root)
    work = Coalesced(frame, lambda: done.append(1))
    for _ in range(5):
        work()
    root.update()
    assert len(done) == 1
    work()
    frame.destroy()
    root.update()
    assert len(done) == 1


@dataclass
class Told:
    """What the strip of controls called."""

    looks: list[Look] = field(default_factory=list)
    others: list[object] = field(default_factory=list)

    def calls(self) -> LookCalls:
        """Return calls that write down what they get."""
        return LookCalls(
            self.looks.append,
            lambda on: self.others.append(("magnifier", on)),
            lambda on: self.others.append(("beside", on)),
            lambda: self.others.append("fit"),
            lambda: self.others.append("1:1"),
        )


def widgets(parent: tk.Misc, kind: type[tk.Misc]) -> list[tk.Misc]:
    inside = [one for child in parent.winfo_children() for one in widgets(child, kind)]
    return [one for one in parent.winfo_children() if isinstance(one, kind)] + inside


def press(widget: tk.Misc) -> None:
    at = (widget.winfo_rootx() + 12, widget.winfo_rooty() + widget.winfo_height() // 2)
    xdotool("mousemove", *at, "click", 1)


def test_the_controls_tell_what_a_person_chose(seen: Seen) -> None:
    told = Told()
    strip = LookControls(seen.root, told.calls())
    strip.pack(fill="x", before=seen.view, side="bottom")
    seen.root.update()
    by_text = {
        str(one["text"]): one for kind in (ttk.Checkbutton, ttk.Button) for one in widgets(strip, kind)
    }
    press(by_text["Heat map"])
    seen.until(lambda: told.looks)
    assert told.looks[-1] == Look(heat_on=False)
    press(by_text["Side by side"])
    press(by_text["Magnifier"])
    seen.until(lambda: told.others == [("magnifier", True)])
    strip.set_beside_possible(True)
    press(by_text["Side by side"])
    seen.until(lambda: told.others[-1] == ("beside", True))
    brightness = widgets(strip, ttk.Scale)[1]
    brightness.focus_force()
    xdotool("key", "Right", "Right", "Right")
    seen.until(lambda: told.looks[-1].brightness == pytest.approx(0.03))
    press(by_text["1:1"])
    seen.until(lambda: told.others[-1] == "1:1")
    press(by_text["Reset"])
    seen.until(lambda: told.others[-1] == "fit")
    assert told.looks[-1] == Look() == strip.look
    strip.destroy()


def test_every_control_is_inside_of_700_pixels_and_reached_by_the_keyboard(seen: Seen) -> None:
    seen.root.geometry("700x600")
    strip = LookControls(seen.root, Told().calls())
    strip.set_beside_possible(True)
    strip.pack(fill="x", before=seen.view, side="bottom")
    seen.until(lambda: 600 < strip.winfo_width() <= 700)
    controls = [one for kind in (ttk.Checkbutton, ttk.Button, ttk.Scale) for one in widgets(strip, kind)]
    assert len(controls) == 10
    for one in controls:
        assert one.winfo_rootx() + one.winfo_width() <= strip.winfo_rootx() + strip.winfo_width()
        assert one.winfo_height() > 1
    reached = {str(seen.root.focus_get())}
    for _ in range(12):
        xdotool("key", "Tab")
        seen.until(lambda: str(seen.root.focus_get()) not in reached or len(reached) > 10)
        reached.add(str(seen.root.focus_get()))
    assert {str(one) for one in controls} <= reached
    strip.destroy()
    seen.root.geometry("900x700")
    seen.root.update()
