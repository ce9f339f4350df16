"""Pictures of a gate: how far p_defective can be taken at its word, and what other thresholds would do."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from castproof.gate.policy import PER_PHOTO, Policy
from castproof.gate.results import Calibration, Results
from castproof.gate.tradeoff import TradeoffRow
from castproof.report.charts import shown_calibrations
from castproof.report.colours import DEFECTIVE, GOOD, INK, QUIET
from castproof.report.style import BODY_PT, SMALL_PT, dress, finish, new_figure
from castproof.wording import decimal, probability, stated


def calibration_plot(results: Results, told_on: str) -> Figure:
    """Return the reliability diagram of p_defective, with intervals and counts per bin; where a calibration was fitted,
    that of what the network says stands on its left.
    """
    photos = results.after.bins.count.sum()
    shown = shown_calibrations(results)
    figure = new_figure(
        11 if len(shown) > 1 else 7,
        6.4,
        "Can p_defective be taken at its word?",
        f"{told_on}: {photos:,} photos, 15 bins of equal width; bars: 95% intervals clustered by part; "
        "numbers: photos of the bin",
    )
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, (told, name) in zip(panels, shown, strict=True):
        _reliability(axes, told, name)
    panels[0].set_ylabel("share labelled defective", size=BODY_PT, color=INK)
    return finish(figure)


def tradeoff_plot(rows: Sequence[TradeoffRow], threshold: float, policy: Policy) -> Figure:
    """Return defects that pass, and the miss rate that is proven, against good parts that do not pass.

    Args:
        rows: one per threshold, rising.
        threshold: the one in use, which is marked.
        policy: how defects are counted, and the confidence of what is proven.
    """
    unit = "defective photos" if policy.per == PER_PHOTO else "defective parts"
    figure = new_figure(
        8.5,
        5.6,
        "What a lower miss rate costs",
        f"each point is a threshold, on the photos it is chosen on; bound: {stated(policy.confidence)} confidence",
    )
    axes = figure.add_subplot()
    dress(axes, "", "good parts that do not pass (REVIEW or REJECT)", f"{unit} that pass")
    x = [1 - row.good_passed for row in rows]
    axes.step(x, [row.missed for row in rows], where="post", color=DEFECTIVE, label="seen in these photos")
    axes.step(
        x,
        [row.bound for row in rows],
        where="post",
        color=INK,
        linestyle="--",
        label="bound, had it been fixed beforehand",
    )
    used = min(rows, key=lambda row: abs(row.threshold - threshold))
    axes.axvline(
        1 - used.good_passed, color=GOOD, linestyle=":", label=f"threshold in use, {probability(threshold)}"
    )
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.01, max(0.12, min(1.0, 2.5 * used.bound)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: stated(value))
    axes.legend(frameon=False, fontsize=SMALL_PT + 1, labelcolor=INK)
    return finish(figure)


def _reliability(axes: Axes, told: Calibration, name: str) -> None:
    heading = f"{name}\nECE {decimal(told.ece)}   MCE {decimal(told.mce)}   Brier {decimal(told.brier)}"
    dress(axes, heading, "mean p_defective of the bin", "")
    axes.plot([0, 1], [0, 1], color=QUIET, linestyle=":", linewidth=1)
    for place, rate in enumerate(told.intervals):
        if rate is None or rate.share is None or rate.low is None or rate.high is None:
            continue
        x = told.bins.mean_p[place]
        axes.plot([x, x], [rate.low, rate.high], color=QUIET, linewidth=1.4)
        axes.plot(x, rate.share, "o", color=DEFECTIVE, markersize=5)
        above = rate.share < 0.9
        axes.annotate(
            f"{rate.photos:,}",
            (x, rate.high if above else rate.low),
            xytext=(0, 4 if above else -4),
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            size=SMALL_PT - 1,
            color=QUIET,
        )
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.08, 1.1)
    axes.set_xticks(np.linspace(0, 1, 6))
