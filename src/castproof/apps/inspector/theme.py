"""How the window looks: theme, fonts, colours and scale. Sizes are given for a scale of 100% and grow with it."""

import sys
import tkinter as tk
from dataclasses import dataclass
from tkinter import font, ttk
from typing import Final

import sv_ttk

from castproof.measure.decision import Verdict

LIGHT: Final = "light"
DARK: Final = "dark"
_REFERENCE_DPI: Final = 96.0
_SMALLEST, _LARGEST = 1.0, 2.0
_STEP: Final = 0.25
_FONTS: Final = {
    "SunValleyCaptionFont": 12,
    "SunValleyBodyFont": 13,
    "SunValleyBodyStrongFont": 13,
    "SunValleyBodyLargeFont": 16,
    "SunValleySubtitleFont": 18,
    "SunValleyTitleFont": 24,
    "TkDefaultFont": 13,
    "TkTextFont": 13,
    "TkMenuFont": 13,
    "TkFixedFont": 12,
    "TkHeadingFont": 13,
    "TkTooltipFont": 12,
}
BODY, STRONG, CAPTION, LARGE, TITLE = (
    "SunValleyBodyFont",
    "SunValleyBodyStrongFont",
    "SunValleyCaptionFont",
    "SunValleyBodyLargeFont",
    "SunValleyTitleFont",
)


@dataclass(frozen=True)
class Colours:
    """The colours of what the window draws itself.

    Args:
        background: of the window.
        surface: of lists.
        photo: around photos.
        text, quiet: of words, and of less important ones.
        border: of lines.
        selected: behind the current row.
        accept, review, reject, not_inspected: of verdicts, readable on `background`.
    """

    background: str
    surface: str
    photo: str
    text: str
    quiet: str
    border: str
    selected: str
    accept: str
    review: str
    reject: str
    not_inspected: str

    def of(self, verdict: Verdict | None) -> str:
        """Return the colour of a verdict; None is a photo that was not judged yet."""
        return {
            Verdict.ACCEPT: self.accept,
            Verdict.REVIEW: self.review,
            Verdict.REJECT: self.reject,
            Verdict.NOT_INSPECTED: self.not_inspected,
            None: self.quiet,
        }[verdict]


COLOURS: Final = {
    LIGHT: Colours(
        background="#fafafa",
        surface="#ffffff",
        photo="#e4e7eb",
        text="#1c1c1c",
        quiet="#5f6b7a",
        border="#c8ccd2",
        selected="#e4eef8",
        accept="#005a9c",
        review="#8a5a00",
        reject="#b84600",
        not_inspected="#5b3f8c",
    ),
    DARK: Colours(
        background="#1c1c1c",
        surface="#121212",
        photo="#121212",
        text="#f2f2f2",
        quiet="#a5adb8",
        border="#44484e",
        selected="#1f3d57",
        accept="#6cb8f0",
        review="#f0c040",
        reject="#ff9a5c",
        not_inspected="#c3a6f5",
    ),
}


def scale_of(root: tk.Misc, percent: int) -> float:
    """Return how much larger than at 96 dots per inch everything is, from 1 to 2.

    Args:
        root: the window.
        percent: what the user chose; 0 for what the screen says.
    """
    wanted = percent / 100 if percent else root.winfo_fpixels("1i") / _REFERENCE_DPI
    return min(_LARGEST, max(_SMALLEST, round(wanted / _STEP) * _STEP))


def apply_theme(root: tk.Tk, name: str, scale: float) -> Colours:
    """Return the colours of the theme `name`, LIGHT or DARK, after dressing the window in it at `scale`."""
    sv_ttk.set_theme(DARK if name == DARK else LIGHT, root)
    # sv-ttk does this on an event that a window which was never shown does not get, and fails at what it does to menus.
    root.tk.call("configure_colors")
    root.bind_class("Menu", "<<ThemeChanged>>", "catch {config_menus %W}")
    family = "Segoe UI" if sys.platform == "win32" else str(font.nametofont("TkDefaultFont").actual("family"))
    for one, size in _FONTS.items():
        weight = "bold" if "Strong" in one or "Title" in one or "Subtitle" in one else "normal"
        fixed = one == "TkFixedFont"
        settings = {"size": -round(size * scale)} | ({} if fixed else {"family": family, "weight": weight})
        font.nametofont(one, root).configure(**settings)  # type: ignore[arg-type]
    colours = COLOURS[DARK if name == DARK else LIGHT]
    style = ttk.Style(root)
    style.configure("TButton", padding=(round(6 * scale), round(2 * scale)))
    style.configure("Quiet.TLabel", foreground=colours.quiet)
    style.configure("Caption.TLabel", font=CAPTION, foreground=colours.quiet)
    style.configure("Strong.TLabel", font=STRONG)
    style.configure("Mark.TLabel", font=STRONG, foreground=colours.review)
    style.configure("Title.TLabel", font=TITLE)
    root.configure(background=colours.background)
    return colours


def be_sharp() -> None:
    """Tell Windows, before there is a window, that this program scales itself."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.shcore.SetProcessDpiAwareness(1)
