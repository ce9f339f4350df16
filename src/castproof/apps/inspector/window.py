"""The window: where everything lies. It shows what it is given and calls what it is told to."""

import re
import tkinter as tk
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from tkinter import ttk

from castproof.apps.inspector.boxes import DecisionBox, ModelBox, ThresholdBox, VerdictBox
from castproof.apps.inspector.key_guard import KeyGuard, has_modifier
from castproof.apps.inspector.keys import both_cases, keys
from castproof.apps.inspector.list_pane import ListCalls, ListPane
from castproof.apps.inspector.look_controls import LookCalls, LookControls
from castproof.apps.inspector.menus import Choices, menu_bar, tool_bar
from castproof.apps.inspector.message_strip import MessageStrip
from castproof.apps.inspector.photo_canvas import ViewColours
from castproof.apps.inspector.photo_view import PhotoView, PixelSeen
from castproof.apps.inspector.scrolled_frame import ScrolledFrame
from castproof.apps.inspector.theme import Colours
from castproof.measure.decision import Thresholds
from castproof.pipeline.inspecting.photo_picture import Look
from castproof.translation import tr

_COLUMN_PX = 350
_ENTER = ("<Return>", "<KP_Enter>")
_PRESSED_BY_ENTER = (ttk.Button, ttk.Checkbutton)
_CLICKED = (ttk.Button, ttk.Checkbutton, ttk.Scale, ttk.Scrollbar)
_DECISIONS = ("confirm", "decide_good", "decide_defective")
_HAS_MODIFIER = re.compile("Control|Alt")
BETWEEN_PARTS = "   |   "  # of the status line
_NO_BREAK = "\N{NO-BREAK SPACE}"
_PIXEL_PX = 260  # for the zoom and the pixel under the mouse, in the status line
_TYPING = ("TEntry", "TCombobox", "TSpinbox", "Entry", "Text")


@dataclass(frozen=True)
class WindowCalls:
    """What the window calls.

    Attributes:
        commands: what keys, menus and buttons do, by the name of the action.
        listed: see `ListCalls`.
        looked: see `LookCalls`.
        on_thresholds: other thresholds.
        on_name: another name of the inspector.
    """

    commands: Mapping[str, Callable[[], None]]
    listed: ListCalls
    looked: LookCalls
    on_thresholds: Callable[[Thresholds], None]
    on_name: Callable[[str], None]


class Window(ttk.Frame):
    """Tool bar and messages above; list, photo and boxes side by side; the status line below."""

    def __init__(
        self, root: tk.Tk, colours: Colours, scale: float, calls: WindowCalls, choices: Choices, look: Look
    ) -> None:
        super().__init__(root)
        self.colours, self.scale, self._calls = colours, scale, calls
        root.configure(menu=menu_bar(root, calls.commands, choices))
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, weight=1)
        tool_bar(self, calls.commands, scale).grid(row=0, column=0, sticky="ew")
        middle = ttk.Frame(self)
        middle.grid(row=1, column=0, sticky="nsew")
        middle.columnconfigure(1, weight=1)
        middle.rowconfigure(0, weight=1)
        self.list = ListPane(middle, colours, scale, calls.listed)
        self.list.grid(row=0, column=0, sticky="nsew")
        pane = self._photo_pane(middle, look)
        pane.grid(row=0, column=1, sticky="nsew")
        self.messages = MessageStrip(self, pane, colours, scale)
        self._boxes(middle).grid(row=0, column=2, sticky="nsew")
        self._status_line().grid(row=2, column=0, sticky="ew")
        self._leave_by_enter()
        self._root_window = root
        self.key_guard = KeyGuard(root)
        self._bound = [("<ButtonRelease-1>", root.bind("<ButtonRelease-1>", self._clicked))]
        self._released = root.bind_all(
            "<KeyRelease>", lambda event: self.key_guard.released(event.keysym.lower())
        )
        root.bind_class("TEntry", "<Control-a>", _select_all)
        self._bind_keys(root)

    def _photo_pane(self, parent: tk.Misc, look: Look) -> ttk.Frame:
        frame = ttk.Frame(parent)
        frame.columnconfigure(0, weight=1)
        frame.rowconfigure(0, weight=1)
        colours = ViewColours(
            background=self.colours.photo, text=self.colours.text, border=self.colours.border
        )
        self.photo = PhotoView(
            frame, colours, scale=self.scale, on_zoom=self._show_zoom, on_pixel=self._show_pixel
        )
        self.photo.grid(row=0, column=0, sticky="nsew")
        self.photo.set_look(look)
        self.look = LookControls(frame, self._calls.looked, look, scale=self.scale)
        self.look.grid(row=1, column=0, sticky="ew", padx=round(6 * self.scale))
        return frame

    def _boxes(self, parent: tk.Misc) -> ScrolledFrame:
        column = ScrolledFrame(parent, 0)
        inside, commands = column.inside, self._calls.commands
        self.model = ModelBox(inside, self.scale, commands)
        self.verdict = VerdictBox(inside, self.scale)
        self.thresholds = ThresholdBox(inside, self.colours, self.scale, commands, self._calls.on_thresholds)
        self.decision = DecisionBox(inside, self.scale, commands, self._calls.on_name)
        for box in (self.model, self.verdict, self.decision, self.thresholds):
            box.pack(fill="x")
        column.ask_for(round(_COLUMN_PX * self.scale), 100)
        return column

    def _status_line(self) -> ttk.Frame:
        frame = ttk.Frame(self, padding=(round(8 * self.scale), round(3 * self.scale)))
        self._status = ttk.Label(frame, justify="left")
        self._zoom, self._pixel = (
            ttk.Label(frame, style="Quiet.TLabel"),
            ttk.Label(frame, style="Quiet.TLabel"),
        )
        self._zoom.pack(side="right")
        self._pixel.pack(side="right", padx=round(12 * self.scale))
        self._status.pack(side="left", fill="x", expand=True)
        beside = round(_PIXEL_PX * self.scale)
        frame.bind("<Configure>", lambda event: self._status.configure(wraplength=event.width - beside))
        return frame

    def _leave_by_enter(self) -> None:
        for field in (self.list.search, self.decision.name):
            field.bind("<Return>", lambda event: self.leave_field() and None, add="+")
        for box in (self.list.filter, self.list.order):  # so that the keys are for the photos again
            box.bind("<<ComboboxSelected>>", lambda event: self.after_idle(self.leave_field), add="+")

    @property
    def status(self) -> str:
        """The text of the status line."""
        return str(self._status.cget("text")).replace(_NO_BREAK, " ")

    def show_status(self, text: str) -> None:
        """Show `text` in the status line, which is broken between its parts alone."""
        parts = (one.replace(" ", _NO_BREAK) for one in text.split(BETWEEN_PARTS))
        self._status.configure(text=BETWEEN_PARTS.join(parts))

    def _show_zoom(self, text: str) -> None:
        self._zoom.configure(text=text)

    def _show_pixel(self, seen: PixelSeen | None) -> None:
        text = "" if seen is None else f"x {seen.x}  y {seen.y}  = {' '.join(map(str, seen.value))}"
        self._pixel.configure(text=text)

    def _bind_keys(self, root: tk.Tk) -> None:
        for group in keys().values():
            for key in group:
                for sequence in key.sequences:
                    self._bind_key(root, sequence, key.action, typing=key.typing)

    def _bind_key(self, root: tk.Tk, sequence: str, action: str, *, typing: bool) -> None:
        def pressed(event: "tk.Event[tk.Misc]") -> str | None:
            if event.widget.winfo_toplevel() is not root or (not typing and _is_typing(event.widget)):
                return None
            if not _HAS_MODIFIER.search(sequence) and has_modifier(int(event.state)):
                return None
            if action in _DECISIONS and not self.key_guard.lets_through(event.keysym.lower()):
                return "break"
            if sequence in _ENTER and isinstance(event.widget, _PRESSED_BY_ENTER):
                event.widget.invoke()
                return "break"
            self._calls.commands[action]()
            return "break"

        for name in both_cases(sequence):
            self._bound.append((name, root.bind(name, pressed)))

    def destroy(self) -> None:
        """Let go of the keys as well: they belong to the window of the system, which stays."""
        for sequence, command in self._bound:
            self._root_window.unbind(sequence, command)
        self._root_window.unbind_all("<KeyRelease>")
        self._root_window.deletecommand(self._released)
        super().destroy()

    def _clicked(self, event: "tk.Event[tk.Misc]") -> None:
        """Give the keys back to the photo after a click: Enter must confirm, not press the button again."""
        if isinstance(event.widget, _CLICKED) and event.widget.winfo_toplevel() is self._root_window:
            self.after_idle(self._back_to_photo)

    def _back_to_photo(self) -> None:
        if isinstance(self.focus_get(), _CLICKED):
            self.photo.focus_set()

    def leave_field(self) -> bool:
        """Take the keyboard out of a field that is typed into, and return whether it was in one."""
        focused = self.focus_get()
        if focused is not None and _is_typing(focused):
            self.photo.focus_set()
            return True
        return False


def _select_all(event: "tk.Event[tk.Misc]") -> str:
    if isinstance(event.widget, ttk.Entry):
        event.widget.select_range(0, "end")
    return "break"


def _is_typing(widget: object) -> bool:
    return isinstance(widget, tk.Misc) and widget.winfo_class() in _TYPING


def welcome() -> str:
    """Return what stands in the place of the photo before there is one."""
    return tr(
        "1  Open a model (Ctrl+M): the .onnx file from castproof export\n\n"
        "2  Open a folder of photos (Ctrl+D)\n\n"
        "3  Decide: Enter confirms, G is good, D is defective\n\n"
        "4  Hand in the CSV (Ctrl+E)\n\n"
        "You can also drop files and folders here.   F1 shows all keys."
    )
