"""The full screen, which a window manager gives; in a process of its own, since Tk does not get over losing one."""

import multiprocessing
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from driver import Driver
from screen import new_screen

pytest.importorskip("sv_ttk", reason="the window needs its extra: pip install castproof[inspector]")

WIDTH_PX, HEIGHT_PX = 1024, 700


def fill_and_leave() -> None:
    """Fill the screen by F11, and leave it by F11 and by Escape."""
    from castproof.apps.inspector.main import open_desk

    driver = Driver(open_desk())
    root = driver.desk.root

    def fills() -> bool:
        return bool(root.attributes("-fullscreen")) and root.winfo_width() == WIDTH_PX

    before = root.geometry()
    for leave in ("F11", "Escape"):
        driver.press("F11")
        driver.until(fills, "full screen")
        driver.press(leave)
        driver.until(lambda: not fills() and root.geometry() == before, f"left by {leave}, as it was")
    driver.press("F11")
    driver.until(fills)
    driver.close()
    os._exit(0)  # the screen goes with its manager


@pytest.mark.skipif(shutil.which("openbox") is None, reason="needs a window manager: apt-get install openbox")
@pytest.mark.usefixtures("home")
def test_the_full_screen_is_left_by_f11_and_escape_and_is_no_size_to_remember(home: Path) -> None:
    with new_screen(WIDTH_PX, HEIGHT_PX):
        manager = subprocess.Popen(["openbox"], stderr=subprocess.DEVNULL)
        try:
            walk = multiprocessing.get_context("spawn").Process(target=fill_and_leave)
            walk.start()
            walk.join(60)
            assert walk.exitcode == 0
        finally:
            manager.terminate()
            manager.wait()
