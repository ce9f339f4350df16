"""Files are dragged from another program and dropped here; paths and pictures are copied there and pasted here."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import other_program
import pytest
from driver import Driver
from PIL import Image, ImageGrab
from screen import xdotool

import castproof
from castproof.apps.inspector import pasting
from made_models import PARTS, casting, png

Start = Callable[..., Driver]
NAMES = (
    "plain.png",
    "two words.png",
    "a {b} [c] $d.png",
    "zażółć – 部品.png",
    "50%20 #1;'.png",
    "back\\slash.png",
)


@contextmanager
def other(how: str, *what: object) -> Iterator[None]:
    """Run another program on the same screen; see `other_program`."""
    command = [sys.executable, other_program.__file__, how, *map(str, what)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            program.terminate()


def drag(driver: Driver, *paths: Path) -> None:
    """Drag files from another program into the middle of the window, and drop them."""
    root = driver.desk.root
    root.geometry(f"1200x650+0+{other_program.SIDE_PX}")
    driver.rest()
    x, y = root.winfo_screenwidth() - other_program.SIDE_PX // 2, other_program.SIDE_PX // 2
    with other("drag", *paths):
        xdotool("mousemove", x, y, "mousedown", 1)
        driver.rest()
        for to in ((x - 5, y + 5), (x - 20, y + 5), (900, 300), (700, 350), (690, 360)):
            xdotool("mousemove", *to)
            driver.rest(0.06)
        xdotool("mouseup", 1)
        driver.rest(0.3)


def photos(folder: Path, names: tuple[str, ...] = NAMES) -> list[Path]:
    folder.mkdir()
    paths = [folder / name for name in names]
    for number, path in enumerate(paths):
        path.write_bytes(png(casting(number % PARTS, 0)))
    return paths


def test_a_model_and_photos_that_are_dropped_together_are_opened(
    start: Start, model_file: Path, tmp_path: Path
) -> None:
    driver = start()
    paths = photos(tmp_path / "line {3} hall Łódź")
    drag(driver, model_file, *paths)
    driver.until(lambda: driver.desk.session.model is not None and driver.desk.session.photos is not None)
    driver.judged_one()
    assert driver.desk.session.model is not None
    assert driver.desk.session.model.source == model_file
    assert [driver.desk.session.path(place) for place in range(len(NAMES))] == paths
    driver.press("ctrl+F5")
    driver.judged()
    model = castproof.load(model_file)
    for place, path in enumerate(paths):
        assert driver.desk.session.verdict(place) is model.inspect(path).verdict


def test_one_photo_and_a_folder_are_opened_when_they_are_dropped(
    start: Start, model_file: Path, lot: Path
) -> None:
    driver = start(model_file)
    photo = next((lot / "ok").iterdir())
    drag(driver, photo)
    driver.until(lambda: driver.shown == photo.name)
    assert driver.desk.session.verdict(0) is castproof.load(model_file).inspect(photo).verdict
    drag(driver, lot)
    driver.until(lambda: driver.desk.session.photos is not None and driver.desk.session.photos.root == lot)
    driver.judged()
    assert driver.desk.session.tally().judged == 16


def test_a_path_that_was_copied_is_opened(start: Start, model_file: Path, lot: Path, tmp_path: Path) -> None:
    driver = start()
    paths = photos(tmp_path / "Łódź 3")
    with other("text", f'"{model_file}"\n'):
        driver.press("ctrl+v")
        driver.until(lambda: driver.desk.session.model is not None)
    with other("text", lot.as_uri()):
        driver.press("ctrl+v")
        driver.until(lambda: driver.desk.session.photos is not None)
        driver.judged()
    for text in ("\n".join(map(str, paths)), "\r\n".join(path.as_uri() for path in paths)):
        driver.open(photos=lot)
        with other("text", text):
            driver.press("ctrl+v")
            driver.until(lambda: len(driver.desk.session.seen.photos) == len(paths))
            assert [driver.desk.session.path(place) for place in range(len(paths))] == paths


@pytest.mark.parametrize("text", ["what is this", "x" * 9000, "file://[nowhere", "/\n", "…\n\n"])
def test_other_text_opens_nothing(start: Start, text: str) -> None:
    driver = start()
    with other("text", text.replace("/\n", "/no/such/photo.png\n")):
        driver.press("ctrl+v")
        driver.until(lambda: "contains no picture and no path" in driver.message)
    assert driver.desk.session.photos is None


def test_a_picture_that_was_copied_is_kept_as_a_file_and_judged(
    start: Start, model_file: Path, tmp_path: Path
) -> None:
    driver = start(model_file)
    copied = tmp_path / "copied.png"
    copied.write_bytes(png(casting(4, 1) // 50 * 50))
    with other("picture", copied):
        driver.press("ctrl+v")
        driver.until(lambda: driver.shown)
    kept = driver.desk.session.path(0)
    assert kept.parent == driver.desk.data_folder / "pasted"
    assert kept.read_bytes() == copied.read_bytes()
    assert driver.desk.session.verdict(0) is castproof.load(model_file).inspect(copied).verdict


def test_a_picture_that_would_fill_the_memory_is_not_taken(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = start()
    copied = tmp_path / "copied.png"
    copied.write_bytes(png(casting(4, 1) // 50 * 50))
    monkeypatch.setattr(pasting, "MOST_CHARACTERS", copied.stat().st_size)
    with other("picture", copied):
        driver.press("ctrl+v")
        driver.until(lambda: "contains no picture and no path" in driver.message)
        monkeypatch.setattr(pasting, "MOST_CHARACTERS", 5 * copied.stat().st_size)
        driver.press("ctrl+v")
        driver.until(lambda: driver.shown)
    assert driver.desk.session.path(0).read_bytes() == copied.read_bytes()


def test_a_copied_picture_that_is_too_large_to_decode_opens_nothing(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = start()
    bomb = tmp_path / "bomb.png"
    Image.new("1", (300, 300)).save(bomb)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    monkeypatch.setattr(ImageGrab, "grabclipboard", lambda: Image.open(bomb))
    driver.press("ctrl+v")
    driver.until(lambda: "contains no picture and no path" in driver.message)
