from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from castproof.measure.evaluation import ScoredSplit, most_confident_errors, score_split
from castproof.report.photo_sheets import SampleRow, Tile, top_errors, train_samples
from castproof.report.style import save

Read = Callable[[Figure], str]


def tile(
    defective: bool, p: float | None = None, shape: tuple[int, int] = (30, 30), name: str = "a.png"
) -> Tile:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    return Tile(image, name, "def_front" if defective else "ok_front", defective, p)


@pytest.fixture
def split() -> ScoredSplit:
    """Two missed defects (0.1, 0.2) and three false alarms (0.9, 0.8, 0.7) among eight photos."""
    defective = np.array([True, True, True, False, False, False, False, True])
    p = np.array([0.2, 0.6, 0.1, 0.7, 0.9, 0.8, 0.3, 0.5])
    return score_split("test", defective, p, 0.5, 1, 1)


def test_the_most_confident_errors_come_first(split: ScoredSplit) -> None:
    rows = most_confident_errors(split, 10)
    assert rows.misses.tolist() == [2, 0]
    assert rows.not_passed.tolist() == [4, 5, 3]
    few = most_confident_errors(split, 1)
    assert (few.misses.tolist(), few.not_passed.tolist()) == ([2], [4])


def test_equal_errors_come_by_row() -> None:
    split = score_split("test", np.zeros(4, dtype=bool), np.full(4, 0.7), 0.5, 1, 1)
    assert most_confident_errors(split, 3).not_passed.tolist() == [0, 1, 2]


def test_errors_are_told_with_probability_class_and_name(split: ScoredSplit, texts: Read) -> None:
    misses = [tile(True, 0.1, name="cast_def_0_a_very_long_name_indeed_1234.jpeg")]
    figure = top_errors(split, misses, [tile(False, p) for p in (0.9, 0.8, 0.7)])
    written = texts(figure)
    assert "test: n = 8 photos, 4 defective" in written
    assert "Missed defects: 2, the 1 most confident shown" in written
    assert "Good photos that did not pass: 3" in written.split("\n")
    assert "p_defective 0.1\ndef_front (defective)\ncast_def_0_a…eed_1234.jpeg" in written
    assert "p_defective 0.7\nok_front (good)\na.png" in written


def test_class_is_shown_by_colour_and_by_dash(split: ScoredSplit) -> None:
    figure = top_errors(split, [tile(True, 0.1)], [tile(False, 0.9)])
    frames = [axes.spines["left"] for axes in figure.axes]
    assert len({to_hex(frame.get_edgecolor()) for frame in frames}) == 2
    assert len({frame.get_linestyle() for frame in frames}) == 2


def test_no_errors_are_said(texts: Read, tmp_path: Path) -> None:
    perfect = score_split("test", np.array([True, False, False]), np.array([0.9, 0.1, 0.2]), 0.5, 1, 1)
    figure = top_errors(perfect, [], [])
    assert "No errors on test (n=3)" in texts(figure)
    save(figure, tmp_path / "top-errors.png")
    assert Image.open(tmp_path / "top-errors.png").format == "PNG"


def test_one_kind_of_error_alone_says_that_there_is_none_of_the_other(texts: Read) -> None:
    split = score_split("test", np.array([True, False]), np.array([0.2, 0.1]), 0.5, 1, 1)
    written = texts(top_errors(split, [tile(True, 0.2)], []))
    assert "Missed defects: 1" in written
    assert "Good photos that did not pass: none" in written


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (3000, 2000)])
def test_any_photo_size_can_be_shown(split: ScoredSplit, shape: tuple[int, int], tmp_path: Path) -> None:
    figure = top_errors(split, [tile(True, 0.1, shape, "鋳物_$不良$_写真.png")], [])
    save(figure, tmp_path / "sheet.png")
    shown = figure.axes[0].get_images()[0].get_size()
    assert max(shown) <= 400
    assert min(shown) >= 1


def test_tiles_do_not_overlap_and_stay_on_the_sheet(split: ScoredSplit) -> None:
    figure = top_errors(split, [tile(True, 0.1) for _ in range(8)], [tile(False, 0.9) for _ in range(13)])
    boxes = [axes.get_position() for axes in figure.axes]
    assert len(boxes) == 21
    assert all(0 < box.x0 < box.x1 < 1 and 0 < box.y0 < box.y1 < 1 for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_samples_show_each_photo_beside_its_views(texts: Read, tmp_path: Path) -> None:
    views = [np.full((30, 30, 3), level, dtype=np.uint8) for level in (10, 200)]
    rows = [SampleRow(tile(True), views), SampleRow(tile(False), views[:1])]
    figure = train_samples(rows, "standard", 5300, 3021)
    written = texts(figure)
    assert "n = 5,300 photos, 3,021 defective" in written
    assert "augmentation level: standard" in written
    assert written.count("augmented 1") == 2
    assert written.count("augmented 2") == 1
    assert "ok_front (good)\na.png" in written
    assert [int(axes.get_images()[0].get_array().mean()) for axes in figure.axes][1:3] == [10, 200]
    save(figure, tmp_path / "train_samples.png")
    with Image.open(tmp_path / "train_samples.png") as image:
        assert 600 < min(image.size) < 3000


def test_no_samples_are_said(texts: Read) -> None:
    assert "no training photos" in texts(train_samples([], "minimal", 0, 0))


def test_photos_that_are_not_varied_are_not_called_so(texts: Read) -> None:
    view = np.zeros((30, 30, 3), dtype=np.uint8)
    written = texts(train_samples([SampleRow(tile(True), [view])], "none", 10, 5, varied=False))
    assert "augmented" not in written
    assert written.count("not varied") == 1
    assert "as training sees it" in written
