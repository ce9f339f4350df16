"""An old model in the whole window: asked about, agreed to, opened, its classes swapped, with what that changes."""

import tkinter as tk
import warnings
from collections.abc import Callable
from pathlib import Path
from tkinter import ttk

import numpy as np
import torch
from driver import Driver
from PIL import Image
from torch import nn

Start = Callable[..., Driver]


def bright_is_second(path: Path) -> Path:
    """Write a TorchScript program whose second output grows with the brightness of a photo."""
    layers = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    with torch.no_grad():
        layers[2].weight.copy_(torch.tensor([[-1.0] * 3, [1.0] * 3]))
        layers[2].bias.zero_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(layers.eval()), path)
    return path


def photos_of(folder: Path) -> Path:
    """Write bright and dark photos into class folders."""
    rng = np.random.default_rng(0)
    for name, grey in (("bright", 200), ("dark", 40)):
        (folder / name).mkdir(parents=True)
        for number in range(3):
            pixels = rng.integers(grey - 20, grey + 20, (40, 40), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def entries(dialog: tk.Misc, driver: Driver) -> list[ttk.Entry]:
    found = [
        one for one in driver.widgets(dialog) if type(one) is ttk.Entry and not one.instate(["readonly"])
    ]
    return sorted(found, key=lambda one: one.winfo_rooty())


def fill(entry: ttk.Entry, text: str, driver: Driver) -> None:
    driver.click(entry)
    driver.press("ctrl+a")
    driver.type(text)


def agree_and_open(dialog: tk.Misc, driver: Driver) -> None:
    checks = [one for one in driver.widgets(dialog) if isinstance(one, ttk.Checkbutton)]
    box = next(one for one in checks if "who made" in str(one.cget("text")))
    if not box.instate(["selected"]):
        driver.click(box)
    driver.click(driver.button("Open", dialog))


def test_an_old_model_is_asked_about_opened_and_its_classes_swapped(start: Start, tmp_path: Path) -> None:
    driver = start(photos=None)
    lot = photos_of(tmp_path / "lot")
    driver.desk.commands.opening.use_paths([bright_is_second(tmp_path / "old.pt")])
    dialog = driver.dialog()
    assert driver.button("Open", dialog).instate(["disabled"])
    fill(entries(dialog, driver)[0], "dark, bright", driver)
    fill(entries(dialog, driver)[1], "dark", driver)
    agree_and_open(dialog, driver)
    driver.until(lambda: driver.desk.session.model is not None, "not opened")
    assert "Defective (positive) = bright · Good = dark" in driver.texts(driver.desk.window.model)
    driver.open(photos=lot)
    tally = driver.desk.session.tally()
    assert (tally.accept, tally.reject, tally.missed, tally.false_alarms) == (3, 3, 0, 0)

    driver.click(driver.button("Settings of the old model…", driver.desk.window.model))
    dialog = driver.dialog()
    driver.click(driver.button("Swap classes", dialog))
    before = driver.desk.session.model
    agree_and_open(dialog, driver)
    driver.until(lambda: driver.desk.session.model is not before, "not opened again")
    assert "These settings change the verdict of" in driver.message
    driver.judged()
    tally = driver.desk.session.tally()
    assert (tally.missed, tally.false_alarms) == (3, 3)
    assert "Defective (positive) = bright · Good = dark" in driver.status


def test_weights_alone_are_not_opened_and_what_was_open_stays(
    start: Start, model_file: Path, lot: Path, tmp_path: Path
) -> None:
    driver = start(model_file, lot)
    before = driver.desk.session.model
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "weights.pth")
    driver.desk.commands.opening.use_paths([tmp_path / "weights.pth"])
    driver.until(lambda: "state_dict" in driver.message, "no message")
    assert "load_state_dict" in driver.message, "it says what to do"
    assert driver.desk.session.model is before
    assert driver.desk.session.tally().judged == 16
