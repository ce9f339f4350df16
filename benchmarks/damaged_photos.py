"""Damaged photos and photos that are too large: what castproof accepts, and what it takes.

    uv run python benchmarks/damaged_photos.py --photos DATA/test --count 30000
    uv run python benchmarks/damaged_photos.py --large

Small pieces of real photos are stored in every way that castproof reads, damaged in one of some twenty ways, and
decoded. Counted are those that are accepted with more than 2 % of their pixels changed by more than 8 of 255 levels,
and among them those of which a decoder (Pillow, OpenCV, libjpeg with its warnings), a checksum or a length could have
told. With --large, the largest photos of every kind that the limits allow, and small files that ask for much, are
decoded, each in a process of its own.
"""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from castproof.errors import ImageError
from castproof.images import decode, is_image_file
from photo_bombs import bombs
from photo_damage import damaged
from photo_seeds import Seed, seeds
from photo_witnesses import witness

SIDE_PX = 128
LOST_SHARE = 0.02
LOST_LEVELS = 8
PHOTOS = 12
LARGE: dict[str, tuple[str, str, float, dict[str, Any]]] = {
    "JPEG grey": ("JPEG", "L", 69, {}),
    "JPEG colour": ("JPEG", "RGB", 69, {}),
    "JPEG quality 100": ("JPEG", "RGB", 16, {"quality": 100, "subsampling": 0}),
    "JPEG progressive": ("JPEG", "RGB", 15.9, {"progressive": True, "quality": 95}),
    "JPEG CMYK": ("JPEG", "CMYK", 35, {"quality": 55}),
    "JPEG stored as RGB": ("JPEG", "RGB", 50, {"keep_rgb": True, "quality": 40}),
    "PNG grey": ("PNG", "L", 69, {"compress_level": 1}),
    "PNG colour": ("PNG", "RGB", 69, {"compress_level": 1}),
    "PNG alpha": ("PNG", "RGBA", 52, {"compress_level": 1}),
    "PNG grey alpha": ("PNG", "LA", 52, {"compress_level": 1}),
    "PNG palette with transparency": ("PNG", "P", 69, {"compress_level": 1, "transparency": 0}),
    "PNG 16 bits": ("PNG", "I;16", 69, {"compress_level": 1}),
    "BMP": ("BMP", "RGB", 69, {}),
    "TIFF": ("TIFF", "RGB", 69, {}),
    "TIFF CMYK": ("TIFF", "CMYK", 52, {}),
    "TIFF alpha deflate": ("TIFF", "RGBA", 52, {"compression": "tiff_adobe_deflate"}),
    "TIFF 16 bits": ("TIFF", "I;16", 69, {}),
    "TIFF 32 bits": ("TIFF", "I", 52, {}),
    "TIFF LZW": ("TIFF", "L", 12, {"compression": "tiff_lzw"}),
    "TIFF PackBits": ("TIFF", "L", 16, {"compression": "packbits"}),
    "TIFF JPEG": ("TIFF", "RGB", 60, {"compression": "jpeg", "quality": 30}),
    "WebP": ("WEBP", "RGB", 25, {}),
    "WebP alpha lossless": ("WEBP", "RGBA", 25, {"lossless": True, "method": 0}),
}


def pieces(folder: Path, count: int) -> list[npt.NDArray[np.uint8]]:
    paths = [path for path in sorted(folder.rglob("*")) if is_image_file(path)]
    chosen = [paths[place] for place in np.linspace(0, len(paths) - 1, count).astype(int)]
    middle = [decode(path)[..., 0] for path in chosen]
    return [one[one.shape[0] // 2 - SIDE_PX :, : SIDE_PX + 7][: SIDE_PX - 3] for one in middle]


def lost_share(sound: npt.NDArray[np.uint8], got: npt.NDArray[np.uint8]) -> float:
    """Return the share of pixels that are no longer there, or not what they were."""
    height, width = min(len(sound), len(got)), min(sound.shape[1], got.shape[1])
    changes = np.abs(sound[:height, :width].astype(int) - got[:height, :width]).max(axis=-1)
    kept: int = int((changes <= LOST_LEVELS).sum())
    return 1 - kept / (len(sound) * int(sound.shape[1]))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what libraries print about damage off the screen."""
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def peak_mb() -> float:
    """Return the most memory that this process has held; what `resource` says would count its parent's, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def run(sound: list[Seed], count: int, seed: int) -> dict[str, Any]:
    """Return the counts for `count` damaged photos, made from `sound` in turn."""
    rng = np.random.default_rng(seed)
    whole = [decode(one.data) for one in sound]
    told: Counter[str] = Counter()
    no_one: Counter[str] = Counter()
    someone: Counter[str] = Counter()
    slowest, before = 0.0, peak_mb()
    for number in range(count):
        place = number % len(sound)
        how, data = damaged(sound[place], rng)
        began = time.process_time()
        try:
            got = decode(data)
        except ImageError:
            got = None
        slowest = max(slowest, time.process_time() - began)
        family = sound[place].family
        if got is None:
            told[f"{family} refused"] += 1
            continue
        told[f"{family} accepted"] += 1
        if lost_share(whole[place], got) <= LOST_SHARE:
            continue
        told[f"{family} accepted, over 2 % lost"] += 1
        who = witness(sound[place], data)
        if who:
            someone[f"{sound[place].name}, {how}: {who}"] += 1
        else:
            no_one[f"{family}, {how}"] += 1
    return {
        "damaged": count,
        "counts": dict(sorted(told.items())),
        "over 2 % lost, someone could have told": sum(someone.values()),
        "by whom": dict(someone.most_common(40)),
        "over 2 % lost, no one could have told": sum(no_one.values()),
        "how": dict(no_one.most_common()),
        "slowest_s": round(slowest, 3),
        "memory_grew_mb": round(peak_mb() - before, 1),
    }


def large_photo(kind: str, mode: str, megapixels: float, options: dict[str, Any]) -> bytes:
    """Return a photo of noise, which no format makes small and every decoder finds slow."""
    side = int((megapixels * 1e6) ** 0.5)
    rng, stream = np.random.default_rng(0), io.BytesIO()
    if mode in ("I;16", "I"):
        image = Image.fromarray(
            rng.integers(0, 65535, (side, side), dtype=np.uint16 if mode == "I;16" else np.int32)
        )
    else:
        bands = len(Image.new(mode, (1, 1)).getbands())
        noise = rng.integers(0, 256, side * side * bands, dtype=np.uint8)
        image = Image.frombytes(mode, (side, side), noise.tobytes())
        if mode == "P":
            image.putpalette(rng.integers(0, 256, 768, dtype=np.uint8).tobytes())
    image.save(stream, kind, **options)
    return stream.getvalue()


def decode_one(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    before, began = peak_mb() - len(data) / 2**20, time.process_time()
    try:
        told = f"accepted: {decode(data).shape}"
    except ImageError as error:
        told = f"refused: {error.found}"
    return {
        "file_mb": round(len(data) / 1e6, 1),
        "cpu_s": round(time.process_time() - began, 2),
        "memory_mb": round(peak_mb() - before),
        "told": told,
    }


def large() -> None:
    """Print what each of the largest photos, and of the files that ask for much, takes."""
    made = {name: partial(large_photo, *photo) for name, photo in LARGE.items()}
    asked = {name: partial(bytes, data) for name, data in bombs().items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo"
        for name, data in (made | asked).items():
            with quiet():
                path.write_bytes(data())
            command = [sys.executable, __file__, "--one", str(path)]
            done = subprocess.run(command, capture_output=True, check=True, text=True)
            print(json.dumps({"photo": name, **json.loads(done.stdout)}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--count", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(decode_one(options.one)))
    elif options.large:
        large()
    elif options.photos is not None:
        cv2.setNumThreads(1)
        sound = [one for grey in pieces(options.photos, PHOTOS) for one in seeds(grey)]
        with quiet():
            report = run(sound, options.count, options.seed)
        print(json.dumps(report, indent=2))
    else:
        parser.error("give --photos or --large")


if __name__ == "__main__":
    main()
