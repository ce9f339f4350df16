"""The dialog for an old model in a real window, driven by real keys; what it gives opens the model."""

import tkinter as tk
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tkinter import ttk

import pytest
import torch
from screen import until, xdotool
from torch import nn

pytest.importorskip("sv_ttk", reason="the inspector needs its extra: pip install castproof[inspector]")

from castproof.apps.inspector.old_model_dialog import OldModelDialog
from castproof.apps.inspector.theme import apply_theme
from castproof.pipeline.inspecting.old_model_settings import OldModelSettings
from castproof.pipeline.inspecting.opening import OldModelFile, look_at_old_model, open_old_model

SCREEN = (1366, 768)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a TorchScript program that calls bright photos its second output."""
    layers = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    with torch.no_grad():
        layers[2].weight.copy_(torch.tensor([[-1.0] * 3, [1.0] * 3]))
        layers[2].bias.zero_()
    path = tmp_path_factory.mktemp("old") / "old.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(layers.eval()), path)
    return path


@dataclass
class Shown:
    """The dialog, and what it gave."""

    root: tk.Tk
    file: OldModelFile
    start: OldModelSettings = field(default_factory=OldModelSettings)
    scale: float = 1.0
    theme: str = "light"
    given: list[OldModelSettings | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root.tk.call("tk", "scaling", 96 / 72 * self.scale)
        colours = apply_theme(self.root, self.theme, self.scale)
        self.dialog = OldModelDialog(
            self.root, self.file, self.start, self.given.append, colours=colours, scale=self.scale
        )
        self.until(lambda: self.dialog.grab_current() is self.dialog)
        self.dialog.focus_force()  # there is no window manager that would do it
        self.until(lambda: isinstance(self.dialog.focus_get(), ttk.Entry | tk.Toplevel))

    def until(self, condition: Callable[[], object]) -> None:
        """Let the window work until the condition holds."""
        until(self.root.update, condition)

    def keys(self, *names: str) -> None:
        xdotool("key", "--delay", "0", *names)
        self.root.update()

    def types(self, text: str) -> None:
        xdotool("type", "--delay", "0", text)
        self.root.update()

    def tab_to(self, condition: Callable[[tk.Misc], bool]) -> None:
        """Press Tab until the focus is where the condition holds."""
        for _ in range(40):
            focused = self.dialog.focus_get()
            if focused is not None and condition(focused):
                return
            self.keys("Tab")
            self.until(lambda before=focused: self.dialog.focus_get() is not before)  # type: ignore[misc]
        raise AssertionError("Tab does not lead there")

    def field(self, number: int) -> ttk.Entry:
        """Return the entry of that number from the top, the SHA-256 not counted."""
        return [one for one in self.below(ttk.Entry) if not one.instate(["readonly"])][number]

    def button(self, text: str) -> ttk.Button:
        return next(one for one in self.below(ttk.Button) if one.cget("text") == text)

    def texts(self) -> str:
        """Return all that is written in the dialog."""
        return "\n".join(str(one.cget("text")) for one in self.below(ttk.Label))

    def below(self, kind: type) -> list:
        """Return the widgets of a kind, in the order in which they were made."""
        waiting, found = [self.dialog], []
        while waiting:
            one = waiting.pop(0)
            waiting = one.winfo_children() + waiting
            found += [one] if type(one) is kind else []
        return found


@pytest.fixture(scope="module")
def root(screen: str) -> Iterator[tk.Tk]:
    made = tk.Tk()
    made.geometry(f"{SCREEN[0]}x{SCREEN[1]}+0+0")
    made.update()
    yield made
    made.destroy()


@pytest.fixture
def shown(root: tk.Tk, old: Path) -> Iterator[Shown]:
    one = Shown(root, look_at_old_model(old))
    yield one
    if one.dialog.winfo_exists():
        one.dialog.destroy()


def test_typing_swapping_ticking_and_opening_by_keys_alone(shown: Shown, old: Path) -> None:
    opens = shown.button("Open")
    shown.tab_to(lambda one: one is shown.field(0))
    shown.types("ok, def")
    shown.until(lambda: "output 1 = ok (defective) · output 2 = def (defective)" in shown.texts())
    shown.tab_to(lambda one: one is shown.field(1))
    shown.types("OK")
    shown.until(lambda: "⚠ Not one of the classes: OK" in shown.texts())
    shown.keys("BackSpace", "BackSpace")
    shown.types("ok")
    shown.until(lambda: "output 1 = ok (good) · output 2 = def (defective)" in shown.texts())
    assert "⚠ Not" not in shown.texts()
    shown.keys("Return")
    assert opens.instate(["disabled"])
    assert shown.given == []

    shown.tab_to(lambda one: isinstance(one, ttk.Checkbutton) and "know" in str(one.cget("text")))
    shown.keys("space")
    shown.until(lambda: opens.instate(["!disabled"]))
    shown.dialog.focus_force()
    shown.tab_to(lambda one: one is shown.button("Swap classes"))
    shown.keys("space")
    shown.until(lambda: "output 1 = def (defective) · output 2 = ok (good)" in shown.texts())
    shown.tab_to(lambda one: one is shown.field(2))
    shown.types("3")
    shown.until(lambda: "⚠ Input size (px): A whole number of pixels" in shown.texts())
    assert opens.instate(["disabled"])
    shown.types("2")
    shown.until(lambda: opens.instate(["!disabled"]))
    shown.tab_to(lambda one: one is opens)
    shown.keys("Return")
    shown.until(lambda: shown.given)

    (settings,) = shown.given
    assert settings == OldModelSettings(
        classes="def, ok", good="ok", size="32", trusted_sha256=shown.file.sha256
    )
    assert not shown.dialog.winfo_exists()
    card = open_old_model(old, settings).model.card
    assert (card.good, card.defective) == (("ok",), ("def",))


def test_it_shows_what_the_file_is_and_the_risk(shown: Shown) -> None:
    assert "old.pt is a TorchScript program" in shown.texts()
    assert shown.file.risk() in shown.texts()
    digits = next(one for one in shown.below(ttk.Entry) if one.instate(["readonly"]))
    assert digits.get() == shown.file.sha256


def test_escape_cancels(shown: Shown) -> None:
    shown.keys("Escape")
    shown.until(lambda: shown.given)
    assert shown.given == [None]
    assert not shown.dialog.winfo_exists()


def test_return_on_cancel_cancels(shown: Shown) -> None:
    shown.tab_to(lambda one: one is shown.button("Cancel"))
    shown.keys("Return")
    shown.until(lambda: shown.given)
    assert shown.given == [None]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_everything_is_reached_at_every_scale(root: tk.Tk, old: Path, scale: float, theme: str) -> None:
    start = OldModelSettings(classes="ok, def", good="ok", normalisation="own", crops=True)
    shown = Shown(root, look_at_old_model(old), start, scale, theme)
    dialog = shown.dialog
    shown.until(lambda: dialog.winfo_viewable())
    assert dialog.winfo_rootx() + dialog.winfo_width() <= SCREEN[0]
    assert dialog.winfo_rooty() + dialog.winfo_height() <= SCREEN[1]
    bottom = shown.button("Open").winfo_rooty()
    shown.tab_to(lambda one: isinstance(one, ttk.Checkbutton) and "know" in str(one.cget("text")))
    visited = [dialog.focus_get()]
    while len(visited) < 2 or visited[-1] is not visited[0]:
        focused = visited[-1]
        assert focused is not None
        inside = dialog.winfo_rooty() <= focused.winfo_rooty() <= bottom
        assert inside, f"{focused} is out of sight"
        assert focused.winfo_rootx() + focused.winfo_width() <= SCREEN[0]
        shown.keys("Tab")
        shown.until(lambda before=focused: dialog.focus_get() is not before)  # type: ignore[misc]
        visited.append(dialog.focus_get())
    assert {shown.field(number) for number in range(8)} <= set(visited)
    dialog.destroy()


def test_what_was_agreed_to_for_this_file_stays_and_for_another_does_not(root: tk.Tk, old: Path) -> None:
    file, ready = look_at_old_model(old), OldModelSettings(classes="def, ok", good="ok", size="32")
    for sha256, is_open in ((file.sha256, True), ("0" * 64, False)):
        shown = Shown(root, file, replace(ready, trusted_sha256=sha256))
        assert shown.button("Open").instate(["!disabled"]) is is_open
        shown.dialog.destroy()
