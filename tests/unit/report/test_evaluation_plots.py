from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from PIL import Image

from castproof.measure.evaluation import ScoredSplit, score_split
from castproof.report import evaluation_plots as plots
from castproof.report.style import save

PLOTS = [plots.confusion_matrices, plots.pr_curve, plots.roc_curve, plots.reliability_diagram]
Read = Callable[[Figure], str]


@pytest.mark.parametrize("plot", PLOTS)
def test_every_split_tells_its_name_and_n(plot, splits: list[ScoredSplit], texts: Read) -> None:
    written = texts(plot(splits))
    for split in splits:
        assert split.name in written
        assert f"n = {split.metrics['n']} photos, {split.metrics['n_defective']} defective" in written


@pytest.mark.parametrize("plot", PLOTS)
def test_hard_splits_can_be_drawn(plot, hard_splits: list[ScoredSplit], tmp_path: Path) -> None:
    for shown in (hard_splits, hard_splits[2:3]):
        save(plot(shown), tmp_path / "plot.png")
        with Image.open(tmp_path / "plot.png") as image:
            assert min(image.size) > 600


def test_confusion_cells_hold_counts_and_shares(texts: Read) -> None:
    defective = np.array([True] * 40 + [False] * 60)
    p = np.array([0.9] * 37 + [0.1] * 3 + [0.8] * 6 + [0.2] * 54)
    written = texts(plots.confusion_matrices([score_split("test", defective, p, 0.431, 1, 1)])).split("\n")
    for name, count, share in (
        ("caught defects", "37", "92.5% of defective"),
        ("missed defects", "3", "7.5% of defective"),
        ("good not passed", "6", "10.0% of good"),
        ("good passed", "54", "90.0% of good"),
    ):
        place = written.index(name)
        assert written[place : place + 3] == [name, count, share]
    assert "Called defective when p_defective ≥ 0.431" in written


def test_an_absent_class_is_said(hard_splits: list[ScoredSplit], texts: Read) -> None:
    only_defective, only_good = hard_splits[1:2], hard_splits[2:3]
    assert "no good photos" in texts(plots.confusion_matrices(only_defective))
    assert "no defective photos" in texts(plots.confusion_matrices(only_good))
    for plot in (plots.pr_curve, plots.roc_curve):
        assert "no curve, there are no good photos" in texts(plot(only_defective))
        assert "no curve, there are no defective photos" in texts(plot(only_good))
        assert "both classes are needed" in texts(plot(only_good))


def test_the_point_at_the_threshold_lies_on_its_curve(splits: list[ScoredSplit]) -> None:
    for plot, curve, point in (
        (plots.roc_curve, "roc", lambda c: (c.fpr, c.recall)),
        (plots.pr_curve, "pr", lambda c: (c.recall, c.precision)),
    ):
        axes = plot(splits).axes[0]
        marks = [tuple(line.get_xydata()[0]) for line in axes.get_lines() if len(line.get_xdata()) == 1]
        assert marks == [pytest.approx(point(split.confusion)) for split in splits]
        for split in splits:
            drawn = getattr(split, curve)
            corners = {line.get_xydata().tobytes() for line in axes.get_lines()}
            assert np.column_stack([drawn.x, drawn.y]).tobytes() in corners


def test_areas_are_told(splits: list[ScoredSplit], texts: Read) -> None:
    pr, roc = texts(plots.pr_curve(splits)), texts(plots.roc_curve(splits))
    for split in splits:
        assert f"{split.name}: AUC-PR {split.metrics['auc_pr']:.4f}" in pr
        assert f"{split.name}: AUC-ROC {split.metrics['auc_roc']:.4f}" in roc


def test_a_close_up_shows_every_point_and_is_left_out_where_it_cannot(splits: list[ScoredSplit]) -> None:
    whole, close = plots.roc_curve(splits).axes
    assert close.get_xlim()[1] < whole.get_xlim()[1]
    for split in splits:
        assert split.confusion.fpr is not None
        assert split.confusion.fpr < close.get_xlim()[1]
        assert split.confusion.recall is not None
        assert split.confusion.recall > close.get_ylim()[0]
    poor = score_split("test", np.array([True, False]), np.array([0.1, 0.9]), 0.5, 1, 1)
    assert len(plots.roc_curve([poor]).axes) == 1


def test_reliability_tells_its_errors_bins_and_counts(splits: list[ScoredSplit], texts: Read) -> None:
    split = splits[2]
    figure = plots.reliability_diagram([split])
    written = texts(figure)
    assert f"ECE {split.metrics['ece']:.4f}, MCE {split.metrics['mce']:.4f} (15 bins)" in written
    assert "15 equal-width bins" in written
    bars = [item for item in figure.axes[1].containers if isinstance(item, BarContainer)]
    heights = [[bar.get_height() for bar in container] for container in bars]
    assert heights == [split.reliability.count_good.tolist(), split.reliability.count_defective.tolist()]
    counts = [text.get_text() for text in figure.axes[1].texts]
    assert sum(int(count) for count in counts) == split.metrics["n"]


def test_two_thresholds_are_both_told(texts: Read) -> None:
    labels, p = np.array([True, False]), np.array([0.9, 0.1])
    figure = plots.roc_curve(
        [score_split("a", labels, p, 0.25, 1, 1), score_split("b", labels, p, 0.5, 1, 1)]
    )
    assert "p_defective ≥ 0.25 or 0.5" in texts(figure)
