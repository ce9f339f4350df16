"""A screen without a monitor, and hands on its keyboard and mouse."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

PATIENCE_S = 20
NEEDED = {"Xvfb": "xvfb", "xdotool": "xdotool"}


@contextmanager
def new_screen(width: int, height: int) -> Iterator[str]:
    """Yield the name of a screen of its own, which DISPLAY names meanwhile."""
    for program, package in NEEDED.items():
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing; install it, such as by: apt-get install {package}")
    reading, writing = os.pipe()
    size = ["-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-ac", "-displayfd", str(writing)]
    server = subprocess.Popen(["Xvfb", *size], pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as told, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", f":{told.readline().strip()}")
        try:
            yield os.environ["DISPLAY"]
        finally:
            server.terminate()
            server.wait()


def xdotool(*words: object) -> str:
    """Return what xdotool says; it presses keys and moves the mouse as a person would."""
    done = subprocess.run(
        ["xdotool", *map(str, words)], check=True, capture_output=True, text=True, timeout=20
    )
    return done.stdout.strip()


def until(
    update: Callable[[], None], condition: Callable[[], object], what: Callable[[], str] = lambda: ""
) -> None:
    """Let a window work, by `update`, until `condition` holds; `what` tells more where it does not in time."""
    end = time.monotonic() + PATIENCE_S
    while True:
        update()
        if condition():
            return
        assert time.monotonic() < end, f"it did not happen: {what()}"
        time.sleep(0.002)
