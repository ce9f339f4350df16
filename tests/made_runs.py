"""Run folders with known p_defective, made without training: what decisions and reports are told from."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from castproof.data.classes import Classes
from castproof.data.manifest import Manifest, Photo, UnreadablePhoto
from castproof.files import write_csv, write_json
from castproof.measure.decision import Thresholds
from castproof.model.checkpoint import Checkpoint, save_checkpoint
from castproof.model.network import NetworkSpec, build_network
from castproof.pipeline.results import PREDICTION_COLUMNS, prediction_row
from castproof.preprocess import PreprocessSpec
from castproof.recipes import recipe_settings
from castproof.run_folder import CROSSVAL_PLAN, RunFolder

CLASSES = Classes(("ok",), ("blow hole",))
WEIGHTS_HASH = "6" * 64
SIZE_PX = 48
NETWORK_PX = 32


def write_photos(
    data: Path, parts: dict[str, int], photos_per_part: int, seed: int, splits: Sequence[str] = ("",)
) -> list[Photo]:
    """Return photos of so many "ok" and "blow hole" parts, shared out to `splits` in turn, and write them to `data`."""
    rng = np.random.default_rng(seed)
    found = []
    for name, count in parts.items():
        for number in range(count):
            split = splits[number % len(splits)]
            folder = data / split / name
            folder.mkdir(parents=True, exist_ok=True)
            for shot in range(1 + int(rng.integers(photos_per_part))):
                path = folder / f"{name[:2]}_{number:02d}_{shot}.png"
                low = 90 if name == "ok" else 60
                pixels = rng.integers(low, low + 90, (SIZE_PX, SIZE_PX), dtype=np.uint8)
                Image.fromarray(pixels).save(path)
                defective = name != "ok"
                found.append(
                    Photo(
                        file=path.relative_to(data).as_posix(),
                        split=split,
                        class_name=name,
                        defective=defective,
                        defect_type=name if defective else "",
                        part=f"part-{number + 100 * defective:04d}",
                        confidence=1.0,
                    )
                )
    return found


def some_p(photos: Sequence[Photo], seed: int, apart: float = 2.0) -> list[float]:
    """Return a p_defective for each photo; photos of one part are alike, and the two kinds overlap."""
    rng = np.random.default_rng(seed)
    of_part = {one.part: rng.normal() for one in photos}
    logits = [(apart if one.defective else -apart) + of_part[one.part] + rng.normal() for one in photos]
    return [float(1 / (1 + np.exp(-logit))) for logit in logits]


def write_crossval(
    folder: Path,
    *,
    good: int = 12,
    defective: int = 30,
    photos_per_part: int = 6,
    folds: int = 3,
    seed: int = 5,
    aside: int = 0,
) -> Path:
    """Return a complete cross-validation in `folder`/cv of photos in `folder`/photos."""
    data, home = folder / "photos", folder / "cv"
    photos = write_photos(data, {"ok": good, "blow hole": defective}, photos_per_part, seed)
    fold = {
        one.part: number % folds + 1 for number, one in enumerate({one.part: one for one in photos}.values())
    }
    settings = recipe_settings(
        "fast", data=str(data), weights="none", folds=folds, set_aside=aside > 0
    ).to_json()
    rows = []
    for one, p in zip(photos, some_p(photos, seed), strict=True):
        row = prediction_row(replace(one, split="test"), p, Thresholds.single(0.5))
        rows.append((*row, one.part, fold[one.part]))
    write_csv(home / "predictions.csv", (*PREDICTION_COLUMNS, "part", "fold"), rows)
    for number in range(1, folds + 1):
        split = [replace(one, split="test" if fold[one.part] == number else "train") for one in photos]
        _write_run_files(RunFolder(home / f"fold_{number}"), Manifest(data, CLASSES, tuple(split)), settings)
    write_json(home / CROSSVAL_PLAN, {"settings": settings, "weights_hash": WEIGHTS_HASH})
    write_json(home / "metrics.json", {"set_aside": [f"aside {number}.png" for number in range(aside)]})
    return home


def write_run(
    folder: Path,
    *,
    good: int = 12,
    defective: int = 30,
    photos_per_part: int = 4,
    seed: int = 5,
    unreadable: Sequence[UnreadablePhoto] = (),
    **changes: Any,
) -> Path:
    """Return a complete run in `folder`/run of photos in `folder`/photos, a third of its parts in each split."""
    data, home = folder / "photos", folder / "run"
    parts = {"ok": good, "blow hole": defective}
    photos = write_photos(data, parts, photos_per_part, seed, ("train", "val", "test"))
    settings = recipe_settings("fast", data=str(data), weights="none", **changes).to_json()
    rows = [
        prediction_row(one, p, Thresholds.single(0.5))
        for one, p in zip(photos, some_p(photos, seed), strict=True)
    ]
    write_csv(home / "predictions.csv", PREDICTION_COLUMNS, rows)
    manifest = Manifest(data, CLASSES, tuple(photos), tuple(unreadable))
    _write_run_files(RunFolder(home), manifest, settings)
    write_json(home / "metrics.json", {})
    return home


def _write_run_files(run: RunFolder, manifest: Manifest, settings: dict[str, Any]) -> None:
    run.path.mkdir(parents=True, exist_ok=True)
    manifest.write_csv(run.manifest)
    versions = {"python": "3.11", "castproof": "0.1.0"}
    run.write_hparams(
        {
            "settings": settings,
            "weights_hash": WEIGHTS_HASH,
            "machine": {"device": "cpu", "system": "Linux", "versions": versions},
            "started": "2026-01-01T12:00:00+00:00",
        }
    )
    run.best_model.write_bytes(b"no network")


def write_network(run: RunFolder) -> None:
    """Give a run a network that learnt nothing."""
    spec = NetworkSpec("mobilenet", 0.0, PreprocessSpec(NETWORK_PX), features="middle")
    save_checkpoint(Checkpoint(build_network(spec, 1).eval(), spec, CLASSES, 0.5, 1), run.best_model)
