"""What the verdicts and probabilities of each split look like."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from castproof.measure.calibration import ReliabilityBins
from castproof.measure.curves import Curve
from castproof.measure.evaluation import ScoredSplit
from castproof.measure.scores import Counts, Floats
from castproof.report.colours import DEFECTIVE, GOOD, INK, QUIET
from castproof.report.style import (
    BODY_PT,
    SMALL_PT,
    TITLE_PT,
    LineStyle,
    dress,
    finish,
    new_figure,
    photo_count,
    say,
    shorten,
    split_style,
)
from castproof.wording import decimal, percent, probability

Point = tuple[float | None, float | None]
Steps = Literal["default", "steps-post"]

_CLOSE_UPS = (0.02, 0.05, 0.1, 0.2, 0.4)


def confusion_matrices(splits: Sequence[ScoredSplit]) -> Figure:
    """Return one table of right and wrong verdicts per split, side by side, with shares of each row."""
    figure = new_figure(
        max(6.4, 0.5 + 3.7 * len(splits)),
        4.9,
        "Which photos were judged right, and which wrong",
        _threshold(splits),
    )
    panels = figure.subplots(1, len(splits), squeeze=False)[0]
    for axes, split in zip(panels, splits, strict=True):
        _confusion_matrix(axes, split)
    return finish(figure)


def pr_curve(splits: Sequence[ScoredSplit]) -> Figure:
    """Return precision against recall of *defective* for every split, with the point at the threshold."""
    title = "Defects caught, and how much of what does not pass is defective"
    labels = (
        "recall: share of defective photos caught",
        "precision: share of photos that do not pass\nwhich are defective",
    )
    points = [(split.confusion.recall, split.confusion.precision) for split in splits if split.pr]
    figure, panels = _curve_panels(splits, title, labels, points)
    for axes, close in panels:
        axes.set_xlim(1 - close - 0.02 * close, 1 + 0.02 * close)
        axes.set_ylim(1 - close - 0.02 * close, 1 + 0.02 * close)
        for index, split in enumerate(splits):
            point = (split.confusion.recall, split.confusion.precision)
            _curve(axes, split.pr, point, split_style(split.name, index), "steps-post")
    if not points:
        say(panels[0][0], "No curve: both classes are needed.")
    _legend(figure, splits, "auc_pr", "AUC-PR")
    return finish(figure)


def roc_curve(splits: Sequence[ScoredSplit]) -> Figure:
    """Return recall against the share of good photos that do not pass, per split, with the point at the threshold."""
    title = "Defects caught, and good photos that do not pass for it"
    labels = ("FPR: share of good photos that do not pass", "recall: share of defective photos caught")
    points = [(split.confusion.recall, split.confusion.specificity) for split in splits if split.roc]
    figure, panels = _curve_panels(splits, title, labels, points)
    for axes, close in panels:
        axes.set_xlim(-0.02 * close, close + 0.02 * close)
        axes.set_ylim(1 - close - 0.02 * close, 1 + 0.02 * close)
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (1, 3)))
        for index, split in enumerate(splits):
            point = (split.confusion.fpr, split.confusion.recall)
            _curve(axes, split.roc, point, split_style(split.name, index), "default")
    if not points:
        say(panels[0][0], "No curve: both classes are needed.")
    panels[0][0].text(0.52, 0.44, "guessing", size=SMALL_PT, color=QUIET)
    _legend(figure, splits, "auc_roc", "AUC-ROC")
    return finish(figure)


def reliability_diagram(splits: Sequence[ScoredSplit]) -> Figure:
    """Return, per split, observed share of defects against p_defective, above a histogram by class."""
    bins = " or ".join(str(bins) for bins in sorted({split.reliability.bins for split in splits}))
    figure = new_figure(
        max(7.0, 0.5 + 4.1 * len(splits)),
        7.4,
        "Can p_defective be taken at its word?",
        f"On the diagonal it can. {bins} equal-width bins of p_defective; larger dots hold more photos.",
    )
    panels = figure.subplots(2, len(splits), squeeze=False, height_ratios=(2, 1), sharex=True)
    for column, split in enumerate(splits):
        _reliability_curve(panels[0, column], split)
        _histogram(panels[1, column], split)
    return finish(figure)


def _threshold(splits: Sequence[ScoredSplit]) -> str:
    values = sorted({split.threshold for split in splits})
    return "Called defective when p_defective ≥ " + " or ".join(probability(value) for value in values)


def _confusion_matrix(axes: Axes, split: ScoredSplit) -> None:
    counts = split.confusion
    dress(axes, shorten(split.name, 26), room_pt=24)
    axes.text(
        0,
        1.03,
        photo_count(counts.n, counts.n_defective),
        transform=axes.transAxes,
        size=BODY_PT,
        color=QUIET,
    )
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.set(xlim=(0, 2), ylim=(2, 0), xticks=[0.5, 1.5], yticks=[0.5, 1.5], aspect=0.82)
    axes.set_xticklabels(["called defective", "called good"])
    axes.set_yticklabels(["labelled defective", "labelled good"], rotation=90, va="center")
    axes.tick_params(length=0, labelsize=BODY_PT)
    _cell(axes, (0, 0), "caught defects", counts.tp, counts.recall, "defective", GOOD)
    _cell(axes, (1, 0), "missed defects", counts.fn, counts.fnr, "defective", DEFECTIVE)
    _cell(axes, (0, 1), "good not passed", counts.fp, counts.fpr, "good", DEFECTIVE)
    _cell(axes, (1, 1), "good passed", counts.tn, counts.specificity, "good", GOOD)


def _cell(
    axes: Axes, corner: tuple[int, int], name: str, count: int, share: float | None, row: str, color: str
) -> None:
    x, y = corner
    depth = 0.06 + 0.30 * (share or 0.0)
    axes.add_patch(
        Rectangle((x + 0.02, y + 0.02), 0.96, 0.96, facecolor=color, alpha=depth, edgecolor="none")
    )
    wrong = color == DEFECTIVE and count > 0
    if wrong:
        axes.add_patch(
            Rectangle((x + 0.02, y + 0.02), 0.96, 0.96, fill=False, edgecolor=color, linewidth=1.6)
        )
    told = f"no {row} photos" if share is None else f"{percent(share)} of {row}"
    lines = ((0.22, name, BODY_PT), (0.51, f"{count:,}", TITLE_PT + 5), (0.80, told, SMALL_PT + 0.5))
    for height, text, size in lines:
        weight = "bold" if size > TITLE_PT else "normal"
        axes.text(x + 0.5, y + height, text, size=size, weight=weight, ha="center", va="center", color=INK)


def _curve_panels(
    splits: Sequence[ScoredSplit],
    title: str,
    labels: tuple[str, str],
    points: Sequence[Point],
) -> tuple[Figure, list[tuple[Axes, float]]]:
    """Return the figure and its panels with the width that each shows: all, and a close-up where it helps."""
    close = _close_up([value for point in points for value in point])
    shown = [1.0] if close is None else [1.0, close]
    subtitle = f"{_threshold(splits)} (large mark on each curve)"
    figure = new_figure(8.6 if close is None else 11, 5.6 + 0.26 * len(splits), title, subtitle)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, heading in zip(panels, ("Whole range", "Close-up of the best corner"), strict=False):
        dress(axes, heading, *labels)
        axes.xaxis.set_major_locator(MaxNLocator(5))
    return figure, list(zip(panels, shown, strict=True))


def _close_up(rates: Sequence[float | None]) -> float | None:
    """Return the narrowest close-up that shows every point at the threshold, None when none does."""
    farthest = max((1 - rate for rate in rates if rate is not None), default=1.0)
    return next((width for width in _CLOSE_UPS if farthest <= 0.85 * width), None)


def _curve(axes: Axes, curve: Curve | None, point: Point, style: LineStyle, steps: Steps) -> None:
    """Draw one curve and, as a large mark, its point at the threshold; nothing where a class is absent."""
    if curve is None:
        return
    axes.plot(curve.x, curve.y, color=style.color, linestyle=style.linestyle, linewidth=2, drawstyle=steps)
    x, y = point
    if x is not None and y is not None:
        mark = Line2D(
            [x], [y], color=style.color, marker=style.marker, markersize=10, clip_on=False, zorder=5
        )
        mark.set(markeredgecolor="white", markeredgewidth=1.2)
        axes.add_line(mark)


def _legend(figure: Figure, splits: Sequence[ScoredSplit], metric: str, label: str) -> None:
    handles = []
    for index, split in enumerate(splits):
        style, counts = split_style(split.name, index), split.confusion
        told = f"{label} {decimal(split.metrics[metric])}"
        if split.metrics[metric] is None:
            told = f"no curve, there are no {'good' if counts.n_good == 0 else 'defective'} photos"
        text = f"{shorten(split.name, 24)}: {told} ({photo_count(counts.n, counts.n_defective)})"
        handles.append(
            Line2D(
                [],
                [],
                color=style.color,
                linestyle=style.linestyle,
                marker=style.marker,
                linewidth=2,
                label=text,
            )
        )
    figure.legend(
        handles=handles,
        loc="outside lower left",
        frameon=False,
        fontsize=BODY_PT,
        handlelength=3.6,
        labelcolor=INK,
    )


def _reliability_curve(axes: Axes, split: ScoredSplit) -> None:
    binned, counts = split.reliability, split.confusion
    errors = f"ECE {decimal(split.metrics['ece'])}, MCE {decimal(split.metrics['mce'])} ({binned.bins} bins)"
    dress(axes, shorten(split.name, 30), "", "observed share of defective photos", room_pt=42)
    told = f"{photo_count(counts.n, counts.n_defective)}\n{errors}"
    axes.text(0, 1.045, told, transform=axes.transAxes, size=SMALL_PT + 0.5, color=QUIET, va="bottom")
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    filled = binned.count > 0
    style = split_style(split.name)
    axes.plot(
        binned.mean_p[filled], binned.observed[filled], color=INK, linewidth=1.6, linestyle=style.linestyle
    )
    areas = 18 + 200 * binned.count[filled] / binned.count.max()
    axes.scatter(
        binned.mean_p[filled],
        binned.observed[filled],
        s=areas,
        color=INK,
        edgecolor="white",
        zorder=3,
        clip_on=False,
    )
    axes.set(xlim=(0, 1), ylim=(0, 1))


def _histogram(axes: Axes, split: ScoredSplit) -> None:
    binned = split.reliability
    dress(axes, "", "p_defective", "photos per bin\n(square-root scale)")
    axes.set_yscale("function", functions=(_root, np.square))
    _bars(axes, binned, binned.count_good, "good")
    _bars(axes, binned, binned.count_defective, "defective")
    axes.set_ylim(0, 1.9 * binned.count.max())
    axes.axvline(split.threshold, ymax=0.8, color=INK, linewidth=1.3, linestyle="--", label="threshold")
    axes.legend(
        frameon=False, fontsize=SMALL_PT, loc="upper center", ncols=3, handlelength=1.6, columnspacing=1.0
    )


def _bars(axes: Axes, binned: ReliabilityBins, counts: Counts, label: str) -> None:
    side, color, hatch = (-1, GOOD, "") if label == "good" else (1, DEFECTIVE, "////")
    width = float(binned.edges[1] - binned.edges[0])
    places = (binned.edges[:-1] + binned.edges[1:]) / 2 + 0.23 * side * width
    axes.bar(
        places, counts, 0.42 * width, color=color, hatch=hatch, edgecolor="white", linewidth=0, label=label
    )
    for place, count in zip(places[counts > 0], counts[counts > 0], strict=True):
        axes.annotate(
            f"{count}", (place, count), (0, 2), textcoords="offset points", rotation=90, size=6.5, color=INK,
            ha="center", va="bottom",
        )  # fmt: skip


def _root(values: Floats) -> Floats:
    return np.sqrt(np.maximum(values, 0.0))
