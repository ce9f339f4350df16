"""Decoding: what a photo's bytes cost until they are pixels, castproof beside Pillow and OpenCV.

    uv run python benchmarks/decoding.py --photos DATA/test/ok_front

Every way decodes the same photos, already in memory, one after the other in the same process, on one core; the
rounds of the ways alternate, so that a busy machine slows all of them. Given are the median over the rounds of
the mean time a photo, and its ratio to Pillow (open, convert to RGB, copy into an array: what a plain script
does). `castproof, Pillow path` is `decode` of the same files with a segment that the fast path does not read.
The floor is OpenCV's grey decoding, which reads the brightness alone and so cannot tell whether a photo is grey.
"""

import argparse
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from castproof.images import decode, decode_plain, is_image_file

EMPTY_APP1 = b"\xff\xe1\0\2"  # a segment that may turn the photo: no ordinary JPEG
Way = Callable[[bytes], npt.NDArray[Any]]


def by_pillow(data: bytes) -> npt.NDArray[Any]:
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def by_pillow_path(data: bytes) -> npt.NDArray[Any]:
    return decode(data[:2] + EMPTY_APP1 + data[2:])


def by_opencv_grey(data: bytes) -> npt.NDArray[Any]:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    return pixels


BASE = "Pillow, RGB"
WAYS: dict[str, Way] = {
    BASE: by_pillow,
    "castproof, decode": decode,
    "castproof, Pillow path": by_pillow_path,
    "castproof, decode_plain": decode_plain,
    "OpenCV, grey (floor)": by_opencv_grey,
}


def milliseconds_a_photo(photos: list[bytes], way: Way) -> float:
    began = time.perf_counter()
    for data in photos:
        way(data)
    return (time.perf_counter() - began) * 1000 / len(photos)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    paths = [path for path in sorted(options.photos.rglob("*")) if is_image_file(path)][: options.limit]
    if not paths:
        parser.error(f"there are no photos in {options.photos}")
    photos = [path.read_bytes() for path in paths]
    cv2.setNumThreads(1)
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(options.rounds):
        for name, way in WAYS.items():
            times[name].append(milliseconds_a_photo(photos, way))
    medians = {name: float(np.median(values)) for name, values in times.items()}
    report = {
        "photos": len(photos),
        "mean_kb": round(sum(map(len, photos)) / len(photos) / 1000, 1),
        "shapes_of_decode_plain": sorted({str(decode_plain(data).shape) for data in photos})[:5],
        "same_pixels_as_pillow": all(np.array_equal(decode(data), by_pillow(data)) for data in photos),
        "ways": {
            name: {"ms_a_photo": round(value, 3), "times_as_fast_as_pillow": round(medians[BASE] / value, 2)}
            for name, value in medians.items()
        },
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
