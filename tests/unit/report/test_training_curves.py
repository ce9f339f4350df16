from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from castproof.report import training_curves as curves
from castproof.report.style import save

PLOTS = [curves.loss_curves, curves.f1_curves, curves.learning_curves, curves.lr_schedule]
Read = Callable[[Figure], str]


def history(epochs: int) -> list[dict[str, float | None]]:
    return [
        {
            "epoch": epoch,
            "lr": None if epoch == 0 else 2e-4 / epoch,
            "train_loss": 0.7 / (1 + epoch),
            "val_loss": 0.8 / (1 + epoch),
            "train_macro_f1": 1 - 0.5 / (1 + epoch),
            "val_macro_f1": 1 - 0.6 / (1 + epoch),
            "val_f1_defective": 1 - 0.4 / (1 + epoch),
            "val_auc_roc": 1 - 0.3 / (1 + epoch),
            "threshold": 0.45,
            "is_best": epoch in (1, 3),
        }
        for epoch in range(epochs)
    ]


def line(figure: Figure, label: str) -> np.ndarray:
    (found,) = [item for axes in figure.axes for item in axes.get_lines() if item.get_label() == label]
    return np.asarray(found.get_xydata())


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize("epochs", [0, 1, 2, 6, 100])
def test_any_length_of_training_can_be_drawn(plot, epochs: int, tmp_path: Path) -> None:
    save(plot(history(epochs)), tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as image:
        assert min(image.size) > 500
        assert len(image.convert("L").getcolors() or []) > 20


@pytest.mark.parametrize("plot", PLOTS)
def test_counts_and_the_best_epoch_are_told(plot, texts: Read) -> None:
    written = texts(plot(history(6), {"train": (5300, 3021), "validation": (1300, 741)}))
    assert "train: n = 5,300 photos, 3,021 defective" in written
    assert "validation: n = 1,300 photos, 741 defective" in written
    assert "kept epoch: 3" in written
    assert "0 is before training" in written


def test_the_lines_are_the_history() -> None:
    rows = history(6)
    figure = curves.loss_curves(rows)
    assert line(figure, "train").tolist() == [[row["epoch"], row["train_loss"]] for row in rows]
    assert line(figure, "validation").tolist() == [[row["epoch"], row["val_loss"]] for row in rows]
    assert line(curves.f1_curves(rows), "macro-F1, validation")[5].tolist() == [5, rows[5]["val_macro_f1"]]
    assert line(curves.f1_curves(rows), "F1 of defective, validation")[2, 1] == rows[2]["val_f1_defective"]
    assert line(curves.learning_curves(rows), "threshold")[:, 1].tolist() == [0.45] * 6


def test_a_value_that_is_not_there_leaves_a_gap() -> None:
    rows = history(4)
    del rows[1]["val_loss"]
    rows[2]["val_loss"] = None
    values = line(curves.loss_curves(rows), "validation")[:, 1]
    assert np.isnan(values).tolist() == [False, True, True, False]


def test_nothing_to_show_is_said(texts: Read) -> None:
    assert "no values to show" in texts(curves.loss_curves([]))
    assert "no values to show" in texts(curves.lr_schedule(history(1)))


def test_the_backbone_rate_is_drawn_where_there_is_one(texts: Read) -> None:
    assert "backbone" not in texts(curves.lr_schedule(history(5)))
    rows = [{**row, "lr_backbone": 1e-5} for row in history(5)]
    assert "backbone" in texts(curves.lr_schedule(rows))
