"""How training went, epoch by epoch."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from castproof.measure.scores import Floats
from castproof.report.colours import DEFECTIVE, GOOD, INK, QUIET
from castproof.report.style import (
    SMALL_PT,
    LineStyle,
    dress,
    finish,
    new_figure,
    photo_count,
    say,
    split_style,
)

History = Sequence[Mapping[str, float | int | bool | None]]
Sizes = Mapping[str, tuple[int, int]]

_TRAIN, _VAL = split_style("train"), split_style("val")
_F1_DEFECTIVE = LineStyle(DEFECTIVE, "-.", "D")
_THRESHOLD = LineStyle(QUIET, "-", "o")
_HEAD_LR, _BACKBONE_LR = LineStyle(GOOD, "-", "o"), LineStyle(DEFECTIVE, "--", "^")

Line = tuple[str, str, LineStyle]
_LOSS: tuple[Line, ...] = (("train_loss", "train", _TRAIN), ("val_loss", "validation", _VAL))
_MACRO_F1: tuple[Line, ...] = (("train_macro_f1", "train", _TRAIN), ("val_macro_f1", "validation", _VAL))
_AUC: tuple[Line, ...] = (("val_auc_roc", "validation", _VAL),)
_CUT: tuple[Line, ...] = (("threshold", "threshold", _THRESHOLD),)


def loss_curves(history: History, sizes: Sizes | None = None) -> Figure:
    """Return the plot of train and validation loss.

    Args:
        history: one mapping per epoch with `epoch` (0 is before training), `is_best` and the plotted values;
            a value that is absent, None or NaN leaves a gap.
        sizes: photos and defective photos by split name, told in the plot.
    """
    figure = new_figure(8, 4.8, "Loss: lower is better", _subtitle(sizes))
    _draw(figure.add_subplot(), history, _LOSS, "", "loss")
    return finish(figure)


def f1_curves(history: History, sizes: Sizes | None = None) -> Figure:
    """Return the plot of macro-F1 on train and validation photos and of the F1 of *defective*.

    Args: see `loss_curves`.
    """
    figure = new_figure(8, 4.8, "F1 score: higher is better, 1 is perfect", _subtitle(sizes))
    lines: tuple[Line, ...] = (
        ("train_macro_f1", "macro-F1, train", _TRAIN),
        ("val_macro_f1", "macro-F1, validation", _VAL),
        ("val_f1_defective", "F1 of defective, validation", _F1_DEFECTIVE),
    )
    _draw(figure.add_subplot(), history, lines, "", "F1")
    return finish(figure)


def learning_curves(history: History, sizes: Sizes | None = None) -> Figure:
    """Return the overview of loss, macro-F1, AUC and threshold.

    Args: see `loss_curves`.
    """
    figure = new_figure(11, 7.4, "How training went", _subtitle(sizes))
    panels = figure.subplots(2, 2)
    _draw(panels[0, 0], history, _LOSS, "Loss (lower is better)", "loss")
    _draw(panels[0, 1], history, _MACRO_F1, "Macro-F1 (higher is better)", "macro-F1")
    _draw(panels[1, 0], history, _AUC, "AUC-ROC (higher is better)", "AUC-ROC")
    _draw(panels[1, 1], history, _CUT, "Threshold", "p_defective")
    panels[1, 1].set_ylim(-0.02, 1.02)
    return finish(figure)


def lr_schedule(history: History, sizes: Sizes | None = None) -> Figure:
    """Return the plot of the learning rate, and of the backbone's where it has its own.

    Args: see `loss_curves`.
    """
    figure = new_figure(8, 4.2, "Learning rate used in each epoch", _subtitle(sizes))
    lines: list[Line] = [("lr", "head", _HEAD_LR)]
    if any("lr_backbone" in row for row in history):
        lines.append(("lr_backbone", "backbone", _BACKBONE_LR))
    axes = figure.add_subplot()
    _draw(axes, history, lines, "", "learning rate")
    axes.ticklabel_format(axis="y", style="sci", scilimits=(0, 0), useMathText=False)
    axes.set_ylim(bottom=0)
    return finish(figure)


def _subtitle(sizes: Sizes | None) -> str:
    return "   ·   ".join(f"{name}: {photo_count(*size)}" for name, size in (sizes or {}).items())


def _kept_epoch(history: History) -> int | None:
    """Return the epoch that was kept: the one marked last."""
    marked = [row["epoch"] for row in history if row.get("is_best")]
    return int(marked[-1] or 0) if marked else None


def _draw(axes: Axes, history: History, lines: Sequence[Line], heading: str, y_label: str) -> None:
    dress(axes, heading, "epoch (0 is before training)", y_label)
    epochs = _values(history, "epoch")
    drawn = 0
    for key, label, style in lines:
        values = _values(history, key)
        if np.isfinite(values).any() and not (key == "lr_backbone" and np.nanmax(values) == 0):
            _line(axes, epochs, values, label, style)
            drawn += 1
    if not drawn:
        say(axes, "no values to show")
        axes.set(xticks=[], yticks=[])
        return
    _mark_best(axes, history)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(history) == 1:
        axes.set_xlim(epochs[0] - 0.6, epochs[0] + 0.6)
    axes.legend(frameon=False, fontsize=SMALL_PT + 0.5, loc="best", handlelength=3.2)


def _line(axes: Axes, epochs: Floats, values: Floats, label: str, style: LineStyle) -> None:
    axes.plot(
        epochs,
        values,
        label=label,
        color=style.color,
        linestyle=style.linestyle,
        marker=style.marker,
        markersize=4.5 if len(epochs) <= 60 else 0,
        linewidth=1.8,
    )


def _mark_best(axes: Axes, history: History) -> None:
    best = _kept_epoch(history)
    if best is None:
        return
    axes.axvline(best, color=INK, linewidth=1.1, linestyle=(0, (1, 2)), zorder=1, label=f"kept epoch: {best}")


def _values(history: History, key: str) -> Floats:
    found = [row.get(key) for row in history]
    return np.array([np.nan if value is None else float(value) for value in found], dtype=np.float64)
