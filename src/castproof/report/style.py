"""The look that every plot shares: colours, markers, fonts and how a figure becomes a file.

Colours are from Okabe and Ito's colour-blind safe set, and colour is never the only signal: lines also
differ in dash and marker, and tiles are named. Figures are built without pyplot and without changing
matplotlib's global settings, so that plots may be drawn in several threads.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from castproof.files import atomic_path
from castproof.report.colours import INK, QUIET, RULE

TITLE_PT, HEADING_PT, BODY_PT, SMALL_PT = 14.0, 11.5, 10.0, 8.5

_DPI = 150
_HEADER_IN = 0.82
_MARGIN_IN = 0.16
_UNKNOWN = "\u25a1"
_FAMILIES = (
    "DejaVu Sans",
    "Segoe UI",
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "PingFang SC",
    "Hiragino Sans",
    "Apple SD Gothic Neo",
    "WenQuanYi Zen Hei",
    "Noto Sans Devanagari",
    "Nirmala UI",
    "Noto Sans Thai",
    "Leelawadee UI",
    "Arial Unicode MS",
)


Dash = Literal["-", "--", "-.", ":"]


@dataclass(frozen=True)
class LineStyle:
    """How the line of one split is drawn."""

    color: str
    linestyle: Dash
    marker: str


_SPLIT_STYLES: Mapping[str, LineStyle] = {
    "train": LineStyle("#7A8592", ":", "s"),
    "val": LineStyle("#009E73", "--", "^"),
    "test": LineStyle(INK, "-", "o"),
}
_OTHER_STYLES = (
    LineStyle("#CC79A7", "-.", "D"),
    LineStyle("#56B4E9", "-", "v"),
    LineStyle("#E69F00", "--", "P"),
)


def split_style(name: str, index: int = 0) -> LineStyle:
    """Return the fixed style of train, val and test, and one by `index` for any other split."""
    return _SPLIT_STYLES.get(name, _OTHER_STYLES[index % len(_OTHER_STYLES)])


def new_figure(width_in: float, height_in: float, title: str, subtitle: str) -> Figure:
    """Return an empty figure with a title in plain words and, below it, what it was made from."""
    figure = Figure(figsize=(width_in, height_in), dpi=_DPI, facecolor="white")
    left, top = _MARGIN_IN / width_in, 1 - _MARGIN_IN / height_in
    figure.text(left, top, title, size=TITLE_PT, weight="bold", color=INK, va="top")
    figure.text(left, top - 0.31 / height_in, subtitle, size=BODY_PT, color=QUIET, va="top")
    pad = 0.08
    side, floor = pad / width_in, pad / height_in
    inside = (side, floor, 1 - 2 * side, 1 - _HEADER_IN / height_in - floor)
    figure.set_layout_engine(ConstrainedLayoutEngine(rect=inside, w_pad=pad, h_pad=pad))
    return figure


def dress(axes: Axes, heading: str = "", x_label: str = "", y_label: str = "", room_pt: float = 6) -> None:
    """Give `axes` the shared look: light grid, no box, left-aligned heading with `room_pt` below it."""
    axes.set_title(heading, loc="left", pad=room_pt, size=HEADING_PT, weight="bold", color=INK)
    axes.set_xlabel(x_label, size=BODY_PT, color=INK)
    axes.set_ylabel(y_label, size=BODY_PT, color=INK)
    axes.grid(True, color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.tick_params(labelsize=SMALL_PT + 0.5, colors=QUIET, labelcolor=INK)


def say(axes: Axes, message: str) -> None:
    """Write `message` into the middle of `axes`, where there is nothing to draw."""
    axes.text(
        0.5,
        0.5,
        message,
        transform=axes.transAxes,
        ha="center",
        va="center",
        size=BODY_PT,
        color=QUIET,
        wrap=True,
    )


def photo_count(n: int, n_defective: int) -> str:
    """Return the words that every plot tells its evidence with."""
    return f"n = {n:,} {'photo' if n == 1 else 'photos'}, {n_defective:,} defective"


def shorten(text: str, width: int) -> str:
    """Return `text` in at most `width` columns, its middle left out; wide characters take two columns."""
    if _columns(text) <= width:
        return text
    tail = text
    while _columns(tail) > width // 2:
        tail = tail[1:]
    head = text
    while _columns(head) > width - 1 - _columns(tail):
        head = head[:-1]
    return f"{head}…{tail}"


def finish(figure: Figure) -> Figure:
    """Return `figure` with every text in fonts that are here and free of formula syntax.

    Characters that no font of this machine can draw become a box, `$` is taken as written.
    """
    families, known = _fonts()
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)
        text.set_fontfamily(list(families))
        text.set_text(_printable(text.get_text(), known))
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write `figure` as PNG to `path`, whole or not at all. Raises OutputError."""
    with atomic_path(path) as temporary:
        figure.savefig(
            temporary, format="png", dpi=_DPI, facecolor="white", metadata={"Software": "castproof"}
        )


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _printable(text: str, known: frozenset[int]) -> str:
    shown = (c for c in text if unicodedata.category(c) != "Cf")
    return "".join(c if c == "\n" or ord(c) in known else _UNKNOWN for c in shown)


@lru_cache(maxsize=1)
def _fonts() -> tuple[tuple[str, ...], frozenset[int]]:
    """Return the families of this machine, the one that comes with matplotlib first, and their characters."""
    installed = {font.name for font in fontManager.ttflist}
    families = tuple(family for family in _FAMILIES if family in installed)
    known: set[int] = set()
    for family in families:
        known.update(get_font(findfont(FontProperties(family=family))).get_charmap())
    return families, frozenset(known)
