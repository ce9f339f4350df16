"""Make the pictures of the QA Inspector from the photos and the model file of a demo; needs a screen.

    xvfb-run -a -s "-screen 0 1366x768x24" uv run python docs/images/make_inspector.py castproof-demo

The castings are generated ones. Two windows are shown: a photo beside a known good part, and a photo of REVIEW in
Polish and dark.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import ImageGrab

from castproof.measure.decision import Verdict

PHOTOS_OF_EACH = 40
GEOMETRY = "1366x740+0+0"
HERE = Path(__file__).parent


def main() -> None:
    """Write both pictures."""
    demo = Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("CONFIG", "DATA", "CACHE"):
            os.environ[f"XDG_{name}_HOME"] = f"{folder}/{name}"
        show(demo / "model.onnx", lot_of(demo / "photos" / "test", Path(folder) / "lot 17"))


def lot_of(test: Path, folder: Path) -> Path:
    """Return a folder with a few photos of each class."""
    for name in ("defective", "ok"):
        (folder / name).mkdir(parents=True)
        for photo in sorted((test / name).iterdir())[:PHOTOS_OF_EACH]:
            shutil.copy(photo, folder / name)
    return folder


def show(model: Path, lot: Path) -> None:
    """Open the window and keep both pictures."""
    from castproof.apps.inspector.main import open_desk

    desk = open_desk(model, lot)
    desk.root.geometry(GEOMETRY)

    def until(condition: Callable[[], object]) -> None:
        while not condition():
            desk.root.update()
            time.sleep(0.005)

    def settled() -> None:
        end = time.monotonic() + 0.7
        until(lambda: time.monotonic() > end)

    def first(verdict: Verdict) -> int:
        def heat(place: int) -> float:
            found = opened.model.inspect(desk.session.path(place)).heat_map
            return 0.0 if found is None else float(found.max())

        opened = desk.session.model
        assert opened is not None
        places = [one for one in range(PHOTOS_OF_EACH) if desk.session.verdict(one) is verdict]
        return max(places, key=heat)

    until(lambda: desk.session.photos is not None and desk.session.tally().pending == 0 and desk.looked)
    desk.prefer(inspector="Anna Nowak")
    desk.window.decision.set_name("Anna Nowak")
    desk.commands.call("toggle_reference")()
    desk.show_place(first(Verdict.REJECT))
    settled()
    keep("inspector_light.png")
    desk.set_preference("theme", "dark")
    desk.set_preference("language", "pl")
    desk.commands.call("toggle_reference")()
    desk.show_place(first(Verdict.REVIEW))
    settled()
    keep("inspector_dark_polish.png")
    desk.close()


def keep(name: str) -> None:
    """Keep what is on the screen."""
    ImageGrab.grab(xdisplay=os.environ["DISPLAY"]).quantize(256, dither=0).save(HERE / name, optimize=True)


if __name__ == "__main__":
    main()
