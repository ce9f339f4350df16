import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib as mpl
import pytest
from PIL import Image

from castproof.errors import OutputError
from castproof.report.style import (
    finish,
    new_figure,
    photo_count,
    save,
    shorten,
    split_style,
)


def test_a_saved_figure_is_a_png_of_its_size(tmp_path: Path) -> None:
    save(finish(new_figure(6, 4, "Title", "below it")), tmp_path / "new" / "plot.png")
    with Image.open(tmp_path / "new" / "plot.png") as image:
        assert image.format == "PNG"
        assert image.size == (900, 600)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["plot.png"]


def test_the_same_figure_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        save(finish(new_figure(4, 3, "Title", "below it")), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="Cannot write"):
        save(new_figure(4, 3, "Title", ""), tmp_path / "file" / "plot.png")


def test_any_name_can_be_drawn(tmp_path: Path) -> None:
    names = [
        "日本語",
        "отливка",
        "سبك",
        "한국어",
        "🙂",
        "$x_{",
        "a\tb\x00\udcff",
        "ไทย",
        "दोष",
        "e\u0301\u200d",
    ]
    figure = new_figure(4, 3, "$\\frac{", "")
    axes = figure.add_subplot()
    for row, name in enumerate(names):
        axes.text(0, row / 10, name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(finish(figure), tmp_path / "plot.png")
    shown = [text.get_text() for text in axes.texts]
    assert shown[1] == "отливка"
    assert shown[5] == "$x_{"
    assert shown[6] == "a□b□□"
    assert shown[0] in ("日本語", "□□□")


def test_plots_are_drawn_in_threads_and_leave_the_settings_alone(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)

    def draw(k: int) -> bytes:
        figure = new_figure(4, 3, f"Plot {k % 2}", "отливка")
        figure.add_subplot().plot([0, 1], [0, k % 2])
        save(finish(figure), tmp_path / f"{k}.png")
        return (tmp_path / f"{k}.png").read_bytes()

    with ThreadPoolExecutor(4) as pool:
        files = list(pool.map(draw, range(8)))
    assert len(set(files)) == 2
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short.png", "short.png"),
        ("cast_def_0_1234567.jpeg", "cast_de…67.jpeg"),
        ("鋳物写真鋳物写真鋳物写真", "鋳物写真…物写真"),
    ],
)
def test_long_names_keep_both_ends(text: str, shown: str) -> None:
    assert shorten(text, 15) == shown


def test_evidence_is_counted_in_words() -> None:
    assert photo_count(1, 0) == "n = 1 photo, 0 defective"
    assert photo_count(5300, 3021) == "n = 5,300 photos, 3,021 defective"


def test_splits_differ_in_more_than_colour() -> None:
    styles = [split_style(name) for name in ("train", "val", "test")]
    styles += [split_style("other", index) for index in range(3)]
    assert len({(style.linestyle, style.marker) for style in styles}) == len(styles)
    assert len({style.color for style in styles}) == len(styles)
