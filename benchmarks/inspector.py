"""How fast the QA Inspector answers: start, model, next photo, slider, a long list; and how long it never listens.

    uv run python benchmarks/inspector.py model.onnx photos/ [--program dist/qa_inspector/qa_inspector]

Needs a screen; without one: xvfb-run -a -s "-screen 0 1920x1080x24" uv run …. Start times are the median of whole
processes, from the start to a window that answers. The others are measured in one window: a step is timed until the
window has nothing left to do and the picture is drawn. "Stalls" are the longest times between two turns of the window's
loop. Plain is what one would write at first: Pillow opens the photo, ONNX Runtime judges it through the same file, and
a Tk label shows it without zoom, heat map or list.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import tkinter as tk
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime
from PIL import Image, ImageOps, ImageTk

from castproof.measure.decision import Thresholds
from castproof.pipeline.inspecting.photo_list import PhotoList, list_photos

STARTS = 7
STEPS = 60
PREDICTED = 10_000
LISTED = 50_000
UNTIL_IDLE = """
import sys, time
from pathlib import Path
from castproof.apps.inspector.main import open_desk
desk = open_desk()
desk.root.update()
desk.close()
"""


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--program", type=Path, help="the stand-alone program, started beside")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        for name in ("CONFIG", "DATA", "CACHE"):
            os.environ[f"XDG_{name}_HOME"] = home
        rows = [("start to a window that answers", started(given.program))]
        rows += in_one_window(given.model.absolute(), given.photos.absolute())
    for what, figure in rows:
        print(f"{what:<58} {figure}")


def started(program: Path | None) -> str:
    """Return how long whole processes take."""
    figures = [f"{seconds_of([sys.executable, '-c', UNTIL_IDLE]):.2f} s"]
    if program is not None:
        figures.append(f"stand-alone {seconds_to_title(program):.2f} s")
    return ", ".join(figures)


def seconds_of(command: list[str]) -> float:
    """Return the median wall time of a command."""

    def once() -> float:
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    once()
    return median(once() for _ in range(STARTS))


def seconds_to_title(program: Path) -> float:
    """Return the median wall time until the window of a program is seen."""

    def once() -> float:
        start = time.perf_counter()
        running = subprocess.Popen([program])
        search = ["xdotool", "search", "--sync", "--onlyvisible", "--name", "QA Inspector"]
        subprocess.run(search, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        running.kill()
        running.wait()
        return seconds

    once()
    return median(once() for _ in range(STARTS))


class Hands:
    """Works at one window."""

    def __init__(self) -> None:
        from castproof.apps.inspector.main import open_desk

        self.desk = open_desk()
        self.desk.root.geometry("1366x700+0+0")
        self.desk.root.update()
        self.longest_stall = 0.0

    def until(self, condition: Callable[[], object]) -> float:
        """Let the window work until `condition` holds and all is drawn; return the milliseconds."""
        start = turn = time.perf_counter()
        while not condition():
            self.desk.root.update()
            now = time.perf_counter()
            self.longest_stall = max(self.longest_stall, now - turn)
            turn = now
            time.sleep(0.0005)
        self.desk.root.update()
        return 1e3 * (time.perf_counter() - start)

    def open(self, model: Path, photos: PhotoList) -> float:
        """Open both, judge nothing in the background, and return how long the model took, milliseconds."""
        from castproof.apps.inspector.events import PhotosListed

        desk = self.desk
        desk.prefer(judge_on_opening=True)
        desk.commands.opening.use_model_path(model)
        took = self.until(lambda: desk.session.model is not None)
        desk._events.put(PhotosListed(photos))
        self.until(lambda: desk.session.photos is photos and desk.looked is not None)
        desk.stop_judging()
        return took


def in_one_window(model: Path, folder: Path) -> list[tuple[str, str]]:
    """Return what was measured in one window."""
    listed = list_photos(folder)
    photos = PhotoList(listed.root, tuple(islice(cycle(listed.names), PREDICTED)))
    hands = Hands()
    desk = hands.desk
    rows = [("model file open, checked on its stored photos", f"{hands.open(model, photos):.0f} ms")]
    steps = [next_photo(hands) for _ in range(STEPS)]
    plain = plain_viewer(desk.root, model, [photos.path(place) for place in range(STEPS)])
    rows.append(
        (
            "next photo: verdict, heat map, drawn (median; 95 %)",
            f"{median(steps):.0f} ms; {np.quantile(steps, 0.95):.0f} ms; plain {median(plain):.0f} ms",
        )
    )
    rows.append((f"slider with {PREDICTED:,} predicted", f"{slider(hands):.0f} updates a second"))
    hands.longest_stall = 0.0
    desk.session.judgements.judged[:] = False
    desk.session.refresh()
    desk.judge_folder()
    judged = hands.until(lambda: desk.session.tally().judged >= PREDICTED // 10)
    rows.append(("judging in the background", f"{1e3 * (PREDICTED // 10) / judged:.0f} photos a second"))
    rows.append(("longest stall of the window meanwhile", f"{1e3 * hands.longest_stall:.0f} ms"))
    desk.stop_judging()
    rows.append((f"one turn of the wheel over {LISTED:,} photos", f"{scrolled(hands, listed):.1f} ms"))
    desk.close()
    return rows


def next_photo(hands: Hands) -> float:
    """Return how long it takes from the key to the drawn photo, milliseconds."""
    desk = hands.desk
    desk.commands.going.next()
    return hands.until(lambda: desk.looked is not None and desk.looked.inspection is not None)


def plain_viewer(root: tk.Tk, model: Path, paths: list[Path]) -> list[float]:
    """Return how long a viewer without anything takes per photo, milliseconds."""
    session = onnxruntime.InferenceSession(str(model))
    top = tk.Toplevel(root)
    label = tk.Label(top)
    label.pack()
    times = []
    for path in paths:
        start = time.perf_counter()
        image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        session.run(["p_defective"], {"image": np.asarray(image)})
        picture = ImageTk.PhotoImage(image.resize((600, 600)), master=top)
        label.configure(image=picture)
        root.update()
        times.append(1e3 * (time.perf_counter() - start))
    top.destroy()
    return times


def slider(hands: Hands) -> float:
    """Return how many moves of the slider a second are shown, with all photos predicted."""
    desk = hands.desk
    rng = np.random.default_rng(0)
    desk.session.judgements.p_defective[:] = rng.uniform(size=PREDICTED)
    desk.session.judgements.judged[:] = True
    desk.session.refresh()
    start = time.perf_counter()
    for step in range(STEPS):
        low = 0.2 + 0.5 * step / STEPS
        desk.set_thresholds(Thresholds(low, low + 0.1))
        desk.root.update()
    return STEPS / (time.perf_counter() - start)


def scrolled(hands: Hands, listed: PhotoList) -> float:
    """Return how long a turn of the wheel takes, milliseconds, thumbnails aside."""
    from castproof.apps.inspector.events import PhotosListed

    names = tuple(f"{number // 1000}/{number}.jpg" for number in range(LISTED))
    photos = PhotoList(listed.root, names)
    hands.desk.prefer(judge_on_opening=False)
    hands.desk._events.put(PhotosListed(photos))
    hands.until(lambda: hands.desk.session.photos is photos)
    canvas = hands.desk.window.list.rows.canvas
    times = []
    for _ in range(STEPS):
        start = time.perf_counter()
        canvas.event_generate("<Button-5>")
        hands.desk.root.update()
        times.append(1e3 * (time.perf_counter() - start))
    return median(times)


if __name__ == "__main__":
    main()
