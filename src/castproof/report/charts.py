"""Charts of a gate as plain numbers that a template turns into SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.gate.results import Calibration, Results
from castproof.gate.tradeoff import TradeoffRow
from castproof.wording import decimal, stated

SIDE: Final = 240.0  # of a square chart, and the height of the others
WIDE: Final = 320.0
SPREAD_WIDTH, SPREAD_HEIGHT = 600.0, 120.0
SPREAD_BINS: Final = 75
_ROOM: Final = 12.0  # above and below the share of 1 and of 0
_LABEL_WIDTH, _LABEL_HEIGHT = 26.0, 10.0
_LEAST_TOP: Final = 0.12
_TICKS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
_MOST_TICKS: Final = 6
_SHOWN_LOSSES: Final = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0)
_SHOWN_P: Final = (1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999)


@dataclass(frozen=True)
class BinMark:
    """One bin of a reliability diagram: where it stands, its interval, and where its count is written.

    Args:
        x, y: of its dot.
        low, high: y of the ends of its interval; `low` is the larger one, since y grows downward.
        label_y: where the count is written.
        photos: its count.
    """

    x: float
    y: float
    low: float
    high: float
    label_y: float
    photos: str


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram in a square of `SIDE`.

    Args:
        title: what is shown.
        figures: ECE, MCE and Brier score in words.
        marks: its bins that contain photos.
    """

    title: str
    figures: str
    marks: Sequence[BinMark]


@dataclass(frozen=True)
class Tick:
    """A label of an axis; `at` is its place in the chart, or in percent of the width."""

    at: float
    text: str


@dataclass(frozen=True)
class Tradeoff:
    """Defects that pass against good parts that do not pass, in a box of `WIDE` x `SIDE`.

    Args:
        seen: points "x,y x,y ..." of what was seen.
        proven: the same of what is proven.
        used: x of the threshold in use.
        x_ticks, y_ticks: labels of the axes.
    """

    seen: str
    proven: str
    used: float
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]


@dataclass(frozen=True)
class Spread:
    """Two distributions over the logit of p_defective, in a box of `SPREAD_WIDTH` x `SPREAD_HEIGHT`.

    Args:
        good, defective: points of their outlines; the height of a bin is the square root of its count.
        low, high: logits at the left and at the right edge.
        ticks: p_defective along the axis, in percent of the width.
    """

    good: str
    defective: str
    low: float
    high: float
    ticks: Sequence[Tick]


def shown_calibrations(results: Results) -> list[tuple[Calibration, str]]:
    """Return the reliability diagrams that are shown, and what they are of: one where no calibration was fitted."""
    if results.before is None:
        return [(results.after, "p_defective")]
    return [(results.before, "before: what the network says"), (results.after, "after calibration")]


def reliability_chart(told: Calibration, title: str) -> Reliability:
    """Return the reliability diagram of `told`: a dot per bin at its mean p_defective, its interval and its count."""
    marks: list[BinMark] = []
    for place, rate in enumerate(told.intervals):
        if rate is None or rate.share is None or rate.low is None or rate.high is None:
            continue
        x, low, high = round(SIDE * float(told.bins.mean_p[place]), 1), _up(rate.low), _up(rate.high)
        marks.append(
            BinMark(
                x=x,
                y=_up(rate.share),
                low=low,
                high=high,
                label_y=_free_place(x, high - 4 if high > 24 else low + 11, marks),
                photos=f"{rate.photos:,}",
            )
        )
    figures = f"ECE {decimal(told.ece)} · MCE {decimal(told.mce)} · Brier {decimal(told.brier)}"
    return Reliability(title, figures, marks)


def tradeoff_chart(rows: Sequence[TradeoffRow], threshold: float) -> Tradeoff:
    """Return what a lower miss rate costs: a step per row, the one nearest to `threshold` marked.

    The share of good parts that do not pass is drawn by its square root, since little of it is what matters.
    """
    used = min(rows, key=lambda row: abs(row.threshold - threshold))
    top = max(_LEAST_TOP, min(1.0, 2.5 * used.bound))
    step = next((one for one in _TICKS if top / one <= _MOST_TICKS), 0.25)
    values = np.arange(0, top + step / 100, step)
    return Tradeoff(
        seen=_steps([(row.good_passed, row.missed) for row in rows], top),
        proven=_steps([(row.good_passed, row.bound) for row in rows], top),
        used=_across(used.good_passed),
        x_ticks=[Tick(_across(1 - share), stated(share)) for share in _SHOWN_LOSSES],
        y_ticks=[Tick(round(SIDE * (1 - float(one) / top), 1), stated(float(one))) for one in values],
    )


def spread_chart(
    good: NDArray[np.floating], defective: NDArray[np.floating], low: float, high: float
) -> Spread:
    """Return the distributions of two kinds of logits.

    Args:
        good: float (n,), logits of p_defective, infinite ones allowed; what lies outside stands in the outermost bin.
        defective: float (m,).
        low, high: logits at the edges, `low` below `high`.
    """
    counts = [_counts(values, low, high) for values in (good, defective)]
    outlines = [_outline(np.sqrt(one / max(one.max(), 1))) for one in counts]
    shown = [(p, float(np.log(p / (1 - p)))) for p in _SHOWN_P]
    ticks = [
        Tick(round(100 * (logit - low) / (high - low), 2), f"{p:.6f}".rstrip("0"))
        for p, logit in shown
        if low <= logit <= high
    ]
    return Spread(outlines[0], outlines[1], low, high, ticks)


def _free_place(x: float, y: float, marks: Sequence[BinMark]) -> float:
    """Return `y`, or a place above the label before it where the two would touch."""
    if marks and x - marks[-1].x < _LABEL_WIDTH and abs(y - marks[-1].label_y) < _LABEL_HEIGHT:
        return round(marks[-1].label_y - _LABEL_HEIGHT, 1)
    return round(y, 1)


def _up(share: float) -> float:
    return round(_ROOM + (SIDE - 2 * _ROOM) * (1 - share), 1)


def _steps(points: Sequence[tuple[float, float]], top: float) -> str:
    found: list[tuple[float, float]] = []
    for passed, y in points:
        if found:
            found.append((_across(passed), found[-1][1]))
        found.append((_across(passed), min(y, top)))
    return " ".join(f"{x},{SIDE * (1 - y / top):.1f}" for x, y in found)


def _across(good_passed: float) -> float:
    return round(WIDE * math.sqrt(max(1 - good_passed, 0.0)), 1)


def _counts(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.float64]:
    place = np.clip((values - low) / (high - low) * SPREAD_BINS, 0, SPREAD_BINS - 1).astype(np.int64)
    return np.bincount(place, minlength=SPREAD_BINS).astype(np.float64)


def _outline(heights: NDArray[np.float64]) -> str:
    step = SPREAD_WIDTH / SPREAD_BINS
    points = [(0.0, SPREAD_HEIGHT)]
    for number, height in enumerate(heights):
        y = SPREAD_HEIGHT - float(height) * (SPREAD_HEIGHT - 4)
        points += [(number * step, y), ((number + 1) * step, y)]
    points.append((SPREAD_WIDTH, SPREAD_HEIGHT))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
