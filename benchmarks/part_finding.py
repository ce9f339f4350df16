"""Finding parts: how many pairs of photos castproof joins rightly, how many it misses, and what that costs.

    uv run python benchmarks/part_finding.py --kind copies --parts 320
    uv run python benchmarks/part_finding.py --kind real --data DATA --every 4

Every second part is defective, and the number of photos of a part is drawn log-uniformly.

- copies: one photo of a generated casting, varied: turned, mirrored, squeezed, sheared, moved, scaled, re-lit, blurred,
  noisy, as JPEG. What the audit promises to see through.
- lamps: photos of a generated casting, each with another pose and other lamps.
- tiles: exposures of flat rectangular tiles of 12 sizes with hardly any marks.
- real: the photos of a data set. Nobody knows their parts, so precision and recall stay open.

Generated photos stay in --folder and are used again by the next run with the same settings. Seconds and peak memory
are those of this process, reading the photos included, generating them not. Precision is the share of the joined pairs
of photos that show one part, recall the share of the pairs of one part that were joined. A joined part holds photos of
several true ones, the photos of a torn one stand in several. The JSON line is for machines, the table for people.
"""

import argparse
import csv
import hashlib
import json
import math
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from threadpoolctl import threadpool_limits

from castproof.data.folders import read_folders
from castproof.data.synthetic import DEFECT_TYPES, FAMILIES, Part, make_part, photograph
from castproof.files import make_folder, write_csv, write_json
from castproof.parts.find import find_parts

GENERATOR = 1  # to be raised when the same settings give other photos
PHOTOS_PER_PART = {"copies": (3, 60), "lamps": (3, 60), "tiles": (2, 6)}
SIDE_PX = 300
TILE_SIZES = 12
TILE_SIDES_PX = (110, 420)
TILE_SPREAD_PX = 3
TILE_CROP_PX = 4
TILE_TILT_DEG = 1.5

Grey = NDArray[np.uint8]
Plane = NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True)
class Settings:
    """What the generated photos follow from."""

    kind: str
    parts: int
    photos_min: int
    photos_max: int
    seed: int
    flipped: bool
    generator: int = GENERATOR


@dataclass(frozen=True)
class Known:
    """One photo, its label, and its part where that is known."""

    file: Path
    defective: bool
    part: str | None


def casting(rng: Rng, index: int) -> Part:
    """Return the casting number `index`: good and defective alternate, families and defects come in turn."""
    rank = index // 2
    defects = (DEFECT_TYPES[rank % len(DEFECT_TYPES)],) if index % 2 else ()
    return make_part(int(rng.integers(2**31)), family=FAMILIES[rank % len(FAMILIES)], defects=defects)


def copies(rng: Rng, index: int, count: int, settings: Settings) -> list[Grey]:
    photo = photograph(casting(rng, index), 0, size=SIDE_PX).image
    return [copy(rng, photo) for _ in range(count)]


def lamps(rng: Rng, index: int, count: int, settings: Settings) -> list[Grey]:
    part = casting(rng, index)
    return [photograph(part, shot, size=SIDE_PX).image for shot in range(count)]


def copy(rng: Rng, photo: Grey) -> Grey:
    edge = float(np.concatenate([photo[0], photo[-1], photo[:, 0], photo[:, -1]]).mean())
    border = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REPLICATE
    matrix = pose(rng)
    moved = cv2.warpAffine(photo, matrix, (SIDE_PX, SIDE_PX), None, cv2.INTER_CUBIC, border, edge)
    lit = np.asarray(moved, np.float32) * uneven_light(rng, SIDE_PX, SIDE_PX, 0.2) / 255
    blurred = np.asarray(cv2.GaussianBlur(lit, (0, 0), rng.uniform(0.3, 1.3)), np.float32)
    contrast, brightness = np.float32(rng.uniform(0.7, 1.3)), np.float32(rng.uniform(-0.12, 0.12))
    light = np.asarray((blurred - 0.5) * contrast + 0.5 + brightness, np.float32)
    return developed(rng, light, gamma=0.3, noise=0.025)


def pose(rng: Rng) -> NDArray[np.float64]:
    """Return a matrix (2, 3): any turn, maybe mirrored, squeeze and shear up to 20 %, scale 0.8-1.2, shift."""
    flip = np.diag([rng.choice([-1.0, 1.0]), 1.0])
    squeeze = np.diag([1 - rng.uniform(0, 0.2), 1.0])
    shear = np.array([[1.0, rng.uniform(-0.2, 0.2)], [0.0, 1.0]])
    bent = rotation(rng.uniform(0, 2 * np.pi)) @ squeeze @ shear @ rotation(rng.uniform(0, 2 * np.pi))
    matrix = rng.uniform(0.8, 1.2) * bent @ flip
    middle = np.full(2, (SIDE_PX - 1) / 2)
    shift = middle - matrix @ middle + rng.uniform(-0.05, 0.05, 2) * SIDE_PX
    return np.column_stack([matrix, shift])


def rotation(angle: float) -> NDArray[np.float64]:
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def uneven_light(rng: Rng, width: int, height: int, most: float) -> Plane:
    """Return factors around 1: a gradient and a broad spot, each of up to `most`."""
    across, down = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    angle, centre = rng.uniform(0, 2 * np.pi), rng.uniform(-1, 1, 2)
    slope = rng.uniform(0, most) * (across * math.cos(angle) + down * math.sin(angle))
    spot = np.exp(-((across - centre[0]) ** 2 + (down - centre[1]) ** 2))
    return np.asarray(1 + slope + rng.uniform(-most, most) * spot, np.float32)


def developed(rng: Rng, light: Plane, *, gamma: float, noise: float) -> Grey:
    """Return `light`, 1 is white, with an exponent of up to exp(+-gamma), a spread of noise and 8 bits."""
    bent = np.clip(light, 0, 1) ** np.float32(math.exp(rng.uniform(-gamma, gamma)))
    bent += rng.standard_normal(light.shape, np.float32) * np.float32(rng.uniform(0, noise))
    return np.asarray(np.clip(bent * 255 + 0.5, 0, 255), np.uint8)


def tiles(rng: Rng, index: int, count: int, settings: Settings) -> list[Grey]:
    nominal = np.random.default_rng([settings.seed, 1]).integers(*TILE_SIDES_PX, (TILE_SIZES, 2))
    width, height = nominal[rng.integers(TILE_SIZES)] + rng.integers(-TILE_SPREAD_PX, TILE_SPREAD_PX + 1, 2)
    margin = math.ceil(max(width, height) / 2 * math.sin(math.radians(TILE_TILT_DEG))) + 1
    surface = ground_metal(rng, int(width) + 2 * margin, int(height) + 2 * margin, bool(index % 2))
    return [exposure(rng, surface, margin, settings.flipped) for _ in range(count)]


def ground_metal(rng: Rng, width: int, height: int, defective: bool) -> Plane:
    """Return a flat surface: traces of grinding, clouds, few specks, and pores where it is defective."""
    noise = rng.standard_normal((2, height, width), np.float32)
    traces = np.asarray(
        cv2.GaussianBlur(noise[0], (0, 0), sigmaX=rng.uniform(10, 30), sigmaY=0.8), np.float32
    )
    clouds = np.asarray(cv2.GaussianBlur(noise[1], (0, 0), rng.uniform(12, 30)), np.float32)
    surface = 0.42 + 0.018 * traces / traces.std() + 0.012 * clouds / clouds.std()
    for _ in range(int(rng.integers(2, 7))):
        draw_spot(rng, surface, rng.uniform(0.8, 1.6), rng.uniform(-0.15, 0.15))
    for _ in range(int(rng.integers(3, 9)) if defective else 0):
        draw_spot(rng, surface, rng.uniform(1.5, 3.5), -rng.uniform(0.1, 0.25))
    return np.asarray(surface, np.float32)


def draw_spot(rng: Rng, surface: Plane, radius_px: float, change: float) -> None:
    height, width = surface.shape
    down, across = np.ogrid[:height, :width]
    away = (down - rng.uniform(0, height)) ** 2 + (across - rng.uniform(0, width)) ** 2
    surface += np.float32(change) * np.exp(-away / (2 * radius_px**2)).astype(np.float32)


def exposure(rng: Rng, surface: Plane, margin: int, flipped: bool) -> Grey:
    height, width = surface.shape
    middle = ((width - 1) / 2, (height - 1) / 2)
    tilt = cv2.getRotationMatrix2D(middle, rng.uniform(-TILE_TILT_DEG, TILE_TILT_DEG), 1.0)
    tilted = np.asarray(cv2.warpAffine(surface, tilt, (width, height), None, cv2.INTER_CUBIC), np.float32)
    top, left, bottom, right = margin + rng.integers(0, TILE_CROP_PX + 1, 4)
    seen = tilted[top : height - bottom, left : width - right]
    seen = seen * uneven_light(rng, seen.shape[1], seen.shape[0], 0.08) * np.float32(rng.uniform(0.4, 2.3))
    photo = developed(rng, seen, gamma=0.25, noise=0.015)
    if flipped and rng.random() < 0.5:
        photo = (photo[::-1, ::-1], photo[::-1], photo[:, ::-1])[rng.integers(3)]
    return np.ascontiguousarray(photo)


DRAW: dict[str, Callable[[Rng, int, int, Settings], list[Grey]]] = {
    "copies": copies,
    "lamps": lamps,
    "tiles": tiles,
}


def write_part(folder: Path, settings: Settings, index: int) -> list[tuple[str, int, str]]:
    """Return (file, 1 for defective, part) of the photos of one part after writing them."""
    rng = np.random.default_rng([settings.seed, 2, index])
    least, most = math.log(settings.photos_min), math.log(settings.photos_max + 1)
    count = min(int(math.exp(rng.uniform(least, most))), settings.photos_max)
    rows = []
    for shot, photo in enumerate(DRAW[settings.kind](rng, index, count, settings)):
        name = f"photo_{index:05d}_{shot:03d}.jpg"
        Image.fromarray(photo).save(folder / name, quality=int(rng.integers(70, 96)))
        rows.append((name, index % 2, f"{index:05d}"))
    return rows


def quiet_worker() -> None:
    threadpool_limits(1)
    cv2.setNumThreads(1)


def generated(folder: Path, settings: Settings) -> list[Known]:
    """Return the photos in `folder`; where none are there, they are made first."""
    truth, note = folder / "truth.csv", folder / "settings.json"
    known = json.loads(note.read_text(encoding="utf-8")) if note.exists() else None
    if known != asdict(settings) and folder.exists() and any(folder.iterdir()):
        sys.exit(f"{folder} holds something else than photos of these settings. Give another --folder.")
    if not truth.exists():
        write_json(make_folder(folder) / note.name, asdict(settings))
        count = settings.parts
        with ProcessPoolExecutor(2, initializer=quiet_worker) as pool:
            parts = list(
                pool.map(write_part, [folder] * count, [settings] * count, range(count), chunksize=2)
            )
        write_csv(truth, ("file", "defective", "part"), [row for part in parts for row in part])
    with truth.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [Known(folder / row["file"], row["defective"] == "1", row["part"]) for row in rows]


def real(data: Path, every: int) -> list[Known]:
    manifest = read_folders(data)
    return [Known(manifest.path(photo), photo.defective, None) for photo in manifest.photos[::every]]


def pairs(groups: Sequence[object]) -> int:
    return sum(math.comb(count, 2) for count in Counter(groups).values())


def measured(photos: Sequence[Known], workers: int) -> dict[str, Any]:
    digests = [hashlib.sha256(photo.file.read_bytes()).hexdigest() for photo in photos]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    found = find_parts([photo.file for photo in photos], digests, workers=workers).part
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    labels = Counter(
        part for part, _ in {(part, photo.defective) for part, photo in zip(found, photos, strict=True)}
    )
    return {
        "photos": len(photos),
        **agreement([photo.part for photo in photos], found),
        "parts_with_both_labels": sum(count > 1 for count in labels.values()),
        "seconds": round(seconds, 1),
        "peak_mb": round(peak / 1024),
        "peak_mb_before": round(before / 1024),
    }


def agreement(true: Sequence[str | None], found: Sequence[str]) -> dict[str, Any]:
    """Return the numbers that compare the parts found with the true ones; None where there is no truth."""
    figures: dict[str, Any] = dict.fromkeys(
        ("precision", "recall", "wrong_pairs", "parts_true", "parts_joined", "parts_torn")
    )
    figures["parts_found"] = len(set(found))
    if None in true:
        return figures
    both = list(zip(true, found, strict=True))
    right, joined, there = pairs(both), pairs(found), pairs(true)
    figures["precision"] = round(right / joined, 5) if joined else None
    figures["recall"] = round(right / there, 5) if there else None
    figures["wrong_pairs"] = joined - right
    figures["parts_true"] = len(set(true))
    figures["parts_joined"] = sum(count > 1 for count in Counter(part for _, part in set(both)).values())
    figures["parts_torn"] = sum(count > 1 for count in Counter(part for part, _ in set(both)).values())
    return figures


def settings_of(options: argparse.Namespace) -> Settings:
    least, most = PHOTOS_PER_PART[options.kind]
    least = least if options.photos_min is None else options.photos_min
    most = most if options.photos_max is None else options.photos_max
    return Settings(options.kind, options.parts, least, most, options.seed, options.flipped)


def usual_folder(settings: Settings) -> Path:
    words = "-".join(str(value) for value in asdict(settings).values())
    return Path(tempfile.gettempdir()) / "castproof-part-finding" / words


def problem_of(options: argparse.Namespace) -> str:
    """Return what is wrong with the options, "" where nothing is."""
    if min(options.parts, options.every, options.workers) < 1 or options.seed < 0:
        return "--parts, --every and --workers are at least 1, --seed is at least 0"
    if options.flipped and options.kind != "tiles":
        return "--flipped is for --kind tiles"
    if options.kind == "real":
        return "" if options.data else "--kind real needs --data"
    settings = settings_of(options)
    fits = 1 <= settings.photos_min <= settings.photos_max
    return "" if fits else "--photos-min is at least 1 and at most --photos-max"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", choices=(*DRAW, "real"), default="copies")
    parser.add_argument("--parts", type=int, default=320)
    parser.add_argument("--photos-min", type=int, help="of a part; default: 3, for tiles 2")
    parser.add_argument("--photos-max", type=int, help="of a part; default: 60, for tiles 6")
    parser.add_argument("--flipped", action="store_true", help="turn or mirror half of the tiles' photos")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="for generated photos; default: in the temporary folder")
    parser.add_argument(
        "--data", type=Path, help="for --kind real: DATA/CLASS or DATA/{train,val,test}/CLASS"
    )
    parser.add_argument("--every", type=int, default=1, help="for --kind real: take every K-th photo")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if problem := problem_of(options):
        parser.error(problem)
    if options.kind == "real":
        photos, about = real(options.data, options.every), {"kind": "real", "every": options.every}
    else:
        settings = settings_of(options)
        photos, about = generated(options.folder or usual_folder(settings), settings), asdict(settings)
    report = {**about, **measured(photos, options.workers)}
    print(json.dumps(report))
    for name, value in report.items():
        print(f"{name:<24}{'-' if value is None else str(value):>12}")


if __name__ == "__main__":
    main()
