"""A small data set of generated photos and the settings of a training run that takes a second."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from castproof_process import Done
from PIL import Image

SMALL = ("--weights", "none", "--img-size", "64", "--epochs", "2", "--num-workers", "1", "--no-bars")
COUNTS = {"train": 10, "val": 7, "test": 6}
CROSSVAL_COUNTS = {"train": 9, "val": 6, "test": 6}
ROUND = ("--weights", "none", "--img-size", "64", "--num-workers", "1", "--no-bars")
CROSSVAL = ("crossval", "photos", *ROUND, "--folds", "3", "--no-gate")


class Trained(NamedTuple):
    """A complete run, the photos that it was trained on, and what the program printed."""

    run: Path
    data: Path
    done: Done


class Crossvalidated(NamedTuple):
    """A complete cross-validation, and what the program printed."""

    home: Path
    done: Done


def fill_class(folder: Path, count: int, seed: int, *, bright: bool) -> None:
    """Write `count` photos of noise, bright or dark with some overlap."""
    rng = np.random.default_rng((seed, bright))
    folder.mkdir(parents=True)
    for number in range(count):
        base = int(np.clip(rng.normal(140 if bright else 90, 25), 0, 200))
        pixels = rng.integers(base, base + 50, (48, 56, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"Gussteil {number:02d} 鋳物.png")


def fill_splits(data: Path, counts: dict[str, int]) -> Path:
    """Write DATA/SPLIT/CLASS photos: good ones and two defect types."""
    for seed, (split, count) in enumerate(counts.items()):
        fill_class(data / split / "ok", count, seed, bright=True)
        fill_class(data / split / "blow hole", count - count // 2, 10 + seed, bright=False)
        fill_class(data / split / "Riß", count // 2, 20 + seed, bright=False)
    return data


def fill_classes(data: Path, count: int) -> Path:
    """Write DATA/CLASS photos without splits: so many good and so many defective ones of two types."""
    fill_class(data / "ok", count, 1, bright=True)
    fill_class(data / "blow hole", count - count // 2, 11, bright=False)
    fill_class(data / "Riß", count // 2, 21, bright=False)
    return data


def only_run(folder: Path) -> Path:
    """Return the one run folder in `folder`."""
    (run,) = folder.iterdir()
    return run
