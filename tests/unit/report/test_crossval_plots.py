"""The pictures of a cross-validation say which photos were judged wrong, and by which threshold."""

from collections.abc import Callable

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from castproof.report.crossval_plots import PartRow, worst_parts
from castproof.report.photo_sheets import Tile

Read = Callable[[Figure], str]


def tile(defective: bool, p: float, rejected: bool) -> Tile:
    image = np.zeros((30, 30, 3), dtype=np.uint8)
    return Tile(image, "a.png", "def" if defective else "ok", defective, p, rejected)


def test_each_photo_tells_its_verdict_and_each_part_its_threshold(texts: Read) -> None:
    good = [tile(False, 0.9, True), tile(False, 0.2, False)]
    written = texts(worst_parts("good", [PartRow("part 7", 5, 1, 0.43, good)]))
    assert "part 7: 1 of 5 photos judged wrong, threshold 0.43" in written
    assert "called defective when p_defective ≥ threshold" in written
    assert "good not passed\np_defective 0.9\nok (good)\na.png" in written
    assert "good passed\np_defective 0.2" in written
    rows = [
        PartRow("a", 2, 1, 0.5, [tile(True, 0.1, False)]),
        PartRow("b", 2, 0, 0.05, [tile(True, 0.1, True)]),
    ]
    written = texts(worst_parts("defective", rows))
    assert "missed defect\np_defective 0.1\ndef (defective)" in written
    assert "caught defect\np_defective 0.1" in written


def test_a_long_name_of_a_part_stays_on_the_sheet() -> None:
    figure = worst_parts(
        "good", [PartRow("part of a name that goes on " * 9, 1200, 1100, 0.4321, [tile(False, 0.9, True)])]
    )
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    widest = max(text.get_window_extent(renderer).x1 for text in figure.texts)
    assert widest <= figure.bbox.x1
