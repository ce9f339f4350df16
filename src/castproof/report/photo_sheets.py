"""Sheets of photos: what training saw, and what the model got wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from castproof.measure.evaluation import ScoredSplit
from castproof.report.colours import DEFECTIVE, GOOD, INK, QUIET
from castproof.report.style import HEADING_PT, SMALL_PT, finish, new_figure, photo_count, shorten
from castproof.wording import probability

Photo = NDArray[np.uint8]

_TILE_IN = 1.75
_CAPTION_LINE_IN = 0.16
_GAP_IN = 0.18
_HEADER_IN = 0.86
_HEADING_IN = 0.36
_FOOTER_IN = 0.1
_LONGEST_PX = 400


@dataclass(frozen=True, eq=False)
class Tile:
    """One photo on a sheet.

    Args:
        image: uint8 (H, W, 3), RGB in [0, 255].
        file_name: name to find the photo by; long names are shortened in the middle.
        class_name: the class folder that it lies in.
        defective: whether that class is defective.
        p_defective: probability of *defective* in [0, 1]; None before scoring.
        called: whether it was called defective, that is not ACCEPT; None where no verdict is told.
    """

    image: Photo
    file_name: str
    class_name: str
    defective: bool
    p_defective: float | None = None
    called: bool | None = None


@dataclass(frozen=True, eq=False)
class SampleRow:
    """One training photo and views of it as the network may see it, each uint8 (H, W, 3)."""

    original: Tile
    views: Sequence[Photo]


def train_samples(
    rows: Sequence[SampleRow], aug_level: str, n: int, n_defective: int, *, varied: bool = True
) -> Figure:
    """Return a sheet with one row per training photo: the photo itself, then its views.

    Args:
        rows: photos to show.
        aug_level: name of the augmentation level.
        n: photos in the training split.
        n_defective: of these labelled defective.
        varied: whether that level varies the photos.
    """
    columns = 1 + max((len(row.views) for row in rows), default=0)
    drawn = f"{photo_count(n, n_defective)}   ·   augmentation level: {aug_level}"
    sheet = Sheet(columns, [len(rows)] if rows else [], 2, "What training sees", drawn)
    if not rows:
        return sheet.empty("There are no training photos to show.")
    sheet.heading(f"Left: the photo as it is. Right of it: as training {'may see' if varied else 'sees'} it.")
    for row in rows:
        tile = row.original
        sheet.place(0, tile.image, _class_caption(tile), tile.defective)
        for column, view in enumerate(row.views, start=1):
            sheet.place(column, view, f"augmented {column}" if varied else "not varied", tile.defective)
        sheet.next_row()
    return finish(sheet.figure)


def top_errors(split: ScoredSplit, misses: Sequence[Tile], not_passed: Sequence[Tile]) -> Figure:
    """Return a sheet of the most confidently wrong photos: missed defects above, good photos that did not pass below.

    Args:
        split: the split that the photos come from; its counts are told.
        misses: missed defects to show, lowest p_defective first.
        not_passed: good photos called defective to show, highest p_defective first.
    """
    counts = split.confusion
    told = f"{shorten(split.name, 30)}: {photo_count(counts.n, counts.n_defective)}"
    blocks = [
        (f"Missed defects: {_of(len(misses), counts.fn)}", misses),
        (f"Good photos that did not pass: {_of(len(not_passed), counts.fp)}", not_passed),
    ]
    columns = min(6, max(4, len(misses), len(not_passed)))
    heights = [max(1, -(-len(tiles) // columns)) if tiles else 0 for _, tiles in blocks]
    subtitle = f"{told}   ·   called defective when p_defective ≥ {probability(split.threshold)}"
    if counts.fn + counts.fp == 0:
        sheet = Sheet(columns, [], 3, "The most confident errors", subtitle)
        return sheet.empty(f"No errors on {shorten(split.name, 30)} (n={counts.n:,})")
    sheet = Sheet(columns, heights, 3, "The most confident errors", subtitle)
    for heading, tiles in blocks:
        sheet.heading(heading)
        for index, tile in enumerate(tiles):
            sheet.place(index % columns, tile.image, error_caption(tile), tile.defective)
            if index % columns == columns - 1 or index == len(tiles) - 1:
                sheet.next_row()
    return finish(sheet.figure)


class Sheet:
    """A figure that is filled with rows of tiles from top to bottom, measured in inches."""

    def __init__(
        self, columns: int, block_rows: Sequence[int], caption_lines: int, title: str, subtitle: str
    ) -> None:
        self._width = max(8.0, columns * (_TILE_IN + _GAP_IN) + _GAP_IN)
        self._row = _TILE_IN + (caption_lines + 1) * _CAPTION_LINE_IN
        self._height = (
            _HEADER_IN + _FOOTER_IN + (sum(block_rows) * self._row + len(block_rows) * _HEADING_IN or 1.6)
        )
        self.figure = new_figure(self._width, self._height, title, subtitle)
        self.figure.set_layout_engine("none")
        self._top = _HEADER_IN

    def heading(self, text: str) -> None:
        """Write a heading above the next row."""
        left, top = _GAP_IN / self._width, 1 - (self._top + 0.06) / self._height
        self.figure.text(left, top, text, size=HEADING_PT, weight="bold", color=INK, va="top")
        self._top += _HEADING_IN

    def place(self, column: int, image: Photo, caption: str, defective: bool) -> None:
        """Put a photo into a column of the row; its frame tells its label."""
        left = _GAP_IN + column * (_TILE_IN + _GAP_IN)
        bottom = self._height - self._top - _TILE_IN
        axes = self.figure.add_axes(
            (left / self._width, bottom / self._height, _TILE_IN / self._width, _TILE_IN / self._height)
        )
        axes.imshow(_small(image), vmin=0, vmax=255)
        axes.set(xticks=[], yticks=[])
        color, dash = (DEFECTIVE, "-") if defective else (GOOD, "--")
        axes.spines[:].set(color=color, linewidth=2.2, linestyle=dash)
        axes.set_xlabel(caption, size=SMALL_PT - 0.5, color=INK, labelpad=4, linespacing=1.25)

    def next_row(self) -> None:
        """Go on below."""
        self._top += self._row

    def empty(self, message: str) -> Figure:
        """Return the sheet with a sentence instead of photos."""
        middle = (self._height - _HEADER_IN) / 2 / self._height
        self.figure.text(0.5, middle, message, size=HEADING_PT + 2, color=QUIET, ha="center", va="center")
        return finish(self.figure)


def _of(shown: int, count: int) -> str:
    if count == 0:
        return "none"
    return f"{count:,}" if shown >= count else f"{count:,}, the {shown:,} most confident shown"


def _class_caption(tile: Tile) -> str:
    return f"{_class(tile)}\n{shorten(tile.file_name, 26)}"


def verdict_caption(tile: Tile) -> str:
    """Return what stands below a photo that was judged: first whether rightly so."""
    words = {(True, True): "caught defect", (True, False): "missed defect", (False, True): "good not passed"}
    return f"{words.get((tile.defective, bool(tile.called)), 'good passed')}\n{error_caption(tile)}"


def error_caption(tile: Tile) -> str:
    """Return what stands below a scored photo."""
    p = "not scored" if tile.p_defective is None else f"p_defective {probability(tile.p_defective)}"
    return f"{p}\n{_class(tile)}\n{shorten(tile.file_name, 26)}"


def _class(tile: Tile) -> str:
    return f"{shorten(tile.class_name, 14)} ({'defective' if tile.defective else 'good'})"


def _small(image: Photo) -> Photo:
    """Return `image` no larger than a tile needs it."""
    if max(image.shape[:2]) <= _LONGEST_PX:
        return image
    picture = Image.fromarray(image)
    picture.thumbnail((_LONGEST_PX, _LONGEST_PX))
    return np.asarray(picture)
