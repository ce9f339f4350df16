"""Charts as numbers: what is drawn lies where its value says."""

from itertools import pairwise

import numpy as np
import pytest

from castproof.gate.results import calibration
from castproof.gate.tradeoff import TradeoffRow
from castproof.report.charts import (
    SIDE,
    SPREAD_BINS,
    SPREAD_HEIGHT,
    SPREAD_WIDTH,
    WIDE,
    reliability_chart,
    spread_chart,
    tradeoff_chart,
)


def points(text: str) -> np.ndarray:
    return np.array([point.split(",") for point in text.split()], dtype=float)


def test_a_reliability_diagram_has_a_mark_per_filled_bin_within_its_square() -> None:
    rng = np.random.default_rng(1)
    p = np.concatenate([rng.random(200) ** 3, [0.0, 1.0]])
    labels = rng.random(202) < p
    told = calibration(labels, p, np.arange(202))
    chart = reliability_chart(told, "a title")
    filled = told.bins.count > 0
    assert [mark.photos for mark in chart.marks] == [f"{count:,}" for count in told.bins.count[filled]]
    assert [mark.x for mark in chart.marks] == pytest.approx(SIDE * told.bins.mean_p[filled], abs=0.05)
    for mark, share in zip(chart.marks, told.bins.observed[filled], strict=True):
        assert 12 + (SIDE - 24) * (1 - share) == pytest.approx(mark.y, abs=0.05)
        assert 0 <= mark.high <= mark.y <= mark.low <= SIDE
    assert f"ECE {told.ece:.4f}" in chart.figures


def test_labels_of_neighbours_do_not_touch() -> None:
    p = np.repeat(np.linspace(0.03, 0.97, 15), 9)
    labels = np.tile([True, False, False], 45)
    marks = reliability_chart(calibration(labels, p, np.arange(135)), "").marks
    for one, two in pairwise(marks):
        assert abs(two.x - one.x) >= 26 or abs(two.label_y - one.label_y) >= 9.9


def row(threshold: float, missed: float, proven: float, good_passed: float) -> TradeoffRow:
    return TradeoffRow(threshold, missed, proven, good_passed, 0.0)


def test_a_tradeoff_is_drawn_by_the_root_of_good_parts_that_do_not_pass() -> None:
    rows = [row(0.1, 0.0, 0.03, 0.0), row(0.5, 0.01, 0.05, 0.75), row(0.9, 0.5, 0.6, 1.0)]
    chart = tradeoff_chart(rows, 0.52)
    top = 2.5 * 0.05
    assert chart.used == WIDE / 2
    assert points(chart.seen) == pytest.approx(
        np.array(
            [
                [WIDE, SIDE],
                [WIDE / 2, SIDE],
                [WIDE / 2, SIDE * (1 - 0.01 / top)],
                [0, SIDE * (1 - 0.01 / top)],
                [0, 0],
            ]
        ),
        abs=0.06,
    )
    assert points(chart.proven)[:, 1].min() == 0, "what is above the chart ends at its edge"
    assert [(tick.at, tick.text) for tick in chart.x_ticks][:2] == [
        (0, "0%"),
        (pytest.approx(WIDE / 10), "1%"),
    ]
    assert 3 <= len(chart.y_ticks) <= 8
    assert chart.y_ticks[0].at == SIDE


@pytest.mark.parametrize("proven", [0.001, 0.03, 0.2, 1.0])
def test_axes_have_readable_ticks_whatever_is_proven(proven: float) -> None:
    chart = tradeoff_chart([row(0.5, 0.0, proven, 0.5)], 0.5)
    assert 3 <= len(chart.y_ticks) <= 7
    assert len({tick.text for tick in chart.y_ticks}) == len(chart.y_ticks)
    assert all(0 <= tick.at <= SIDE for tick in chart.y_ticks)


def test_distributions_keep_every_photo_and_small_counts_stay_visible() -> None:
    good = np.concatenate([np.full(400, -2.0), [-np.inf, np.inf, 1.0]])
    chart = spread_chart(good, np.array([3.0]), -4.0, 4.0)
    heights = SPREAD_HEIGHT - points(chart.good)[1:-1:2, 1]
    assert len(heights) == SPREAD_BINS
    assert (heights > 0).sum() == 4
    assert heights.max() == pytest.approx(SPREAD_HEIGHT - 4)
    assert heights[-1] == pytest.approx((SPREAD_HEIGHT - 4) / 20, abs=0.06), (
        "one of 400 is a twentieth as high"
    )
    assert points(chart.good)[:, 0].max() == SPREAD_WIDTH
    assert [tick.text for tick in chart.ticks] == ["0.1", "0.5", "0.9"]
    assert chart.ticks[1].at == 50
    empty = spread_chart(np.array([]), np.array([0.0]), -1, 1)
    assert (points(empty.good)[:, 1] == SPREAD_HEIGHT).all()
