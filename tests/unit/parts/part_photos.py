"""Photos with known truth for tests of the part finder: textured tiles, and castings that were photographed again."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import affine_transform, gaussian_filter

from castproof.data.synthetic import make_part, photograph
from castproof.parts.find import FoundParts, find_parts

Photo = NDArray[np.uint8]


def texture(seed: int, height: int, width: int, contrast: float = 12.0) -> NDArray[np.float64]:
    """Return marks of several sizes on mid grey, brightness 0 to 255."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(height, width))
    marks = sum(size * gaussian_filter(noise, size) for size in (1.5, 3.0, 6.0))
    return np.asarray(110 + contrast * marks / np.std(marks))


def tiles(parts: int = 6, exposures: int = 3) -> tuple[list[Photo], list[int]]:
    """Return photos of rectangular tiles and their true parts: cut out by hand, at another exposure each."""
    rng = np.random.default_rng(3)
    photos, truth = [], []
    for part in range(parts):
        height, width = (int(side) for side in rng.integers(90, 150, 2))
        plate = texture(part, height, width)
        for _ in range(exposures):
            top, left, bottom, right = (int(cut) for cut in rng.integers(0, 4, 4))
            seen = plate[top : height - bottom, left : width - right] * rng.uniform(0.5, 1.8)
            photos.append(as_photo(seen + rng.normal(0, 1, seen.shape)))
            truth.append(part)
    return photos, truth


def as_photo(values: NDArray[np.float64]) -> Photo:
    return np.asarray(np.clip(np.round(values), 0, 255), np.uint8)


def casting(seed: int, *, shot: int = 0, size: int = 160, colour: bool = False) -> Photo:
    part = make_part(seed, family="flange", defects=(), resolution=160)
    return photograph(part, shot, size=size, colour=colour).image


def copies(photo: Photo) -> list[Photo]:
    """Return `photo` turned, mirrored, squeezed by a tenth, lit from one side, and as a strong JPEG."""
    height, width = photo.shape[:2]
    image = Image.fromarray(photo)
    lit = photo * np.linspace(0.6, 1.1, width)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=60)
    return [
        np.asarray(image.rotate(25, Image.Resampling.BICUBIC, fillcolor=int(np.median(photo[0])))),
        np.ascontiguousarray(photo[:, ::-1]),
        np.asarray(image.resize((width, round(0.9 * height)), Image.Resampling.BICUBIC)),
        as_photo(lit),
        np.asarray(Image.open(stream)),
    ]


def moved(photo: Photo, matrix: NDArray[np.float64]) -> Photo:
    """Return `photo` with its pixel (x, y) at matrix @ (x, y, 1)."""
    swapped = np.linalg.inv(matrix[::-1, 1::-1])
    offset = -swapped @ matrix[::-1, 2]
    return as_photo(affine_transform(photo.astype(float), swapped, offset, order=1, mode="nearest"))


def found_in(folder: Path, photos: Mapping[str, Photo] | Sequence[Photo]) -> FoundParts:
    """Return the parts of `photos`, written to `folder` as PNG files in the order given."""
    named = photos if isinstance(photos, Mapping) else {f"{i:03d}": photo for i, photo in enumerate(photos)}
    files = []
    for name, photo in named.items():
        files.append(folder / f"{name}.png")
        Image.fromarray(photo).save(files[-1])
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    return find_parts(files, digests, workers=1)


def precision_and_recall(found: Sequence[str], truth: Sequence[int]) -> tuple[float, float]:
    """Return how many of the pairs said to show one part do, and how many of those that do were said to."""
    pairs = list(combinations(range(len(truth)), 2))
    said = {pair for pair in pairs if found[pair[0]] == found[pair[1]]}
    true = {pair for pair in pairs if truth[pair[0]] == truth[pair[1]]}
    both = len(said & true)
    return both / max(len(said), 1), both / max(len(true), 1)
