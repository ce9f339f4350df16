"""The picture of what training sees."""

from pathlib import Path
from typing import Final

import torch

from castproof.data.manifest import Manifest, Photo
from castproof.images import decode
from castproof.model.augmentation import LEVELS, augment
from castproof.preprocess import resize
from castproof.report.photo_sheets import SampleRow, Tile, train_samples
from castproof.report.style import save
from castproof.settings import TrainSettings

PHOTOS_PER_KIND: Final = 3
MOST_VIEWS: Final = 5


def draw_train_samples(manifest: Manifest, settings: TrainSettings, path: Path) -> None:
    """Write a sheet of training photos, each beside what the network sees of it, to `path`. Raises OutputError."""
    photos = manifest.of_split("train")
    kinds = ([one for one in photos if one.defective is kind] for kind in (False, True))
    shown = [one for kind in kinds for one in _spread(kind)]
    rows = [_sample_row(manifest, photo, index, settings) for index, photo in enumerate(shown)]
    defective = sum(one.defective for one in photos)
    sheet = train_samples(rows, settings.aug_level, len(photos), defective, varied=_views(settings) > 1)
    save(sheet, path)


def _views(settings: TrainSettings) -> int:
    """Return how many views of a photo are worth showing: one where photos are not varied."""
    return MOST_VIEWS if LEVELS[settings.aug_level].views > 1 else 1


def _spread(photos: list[Photo]) -> list[Photo]:
    """Return a few photos, evenly spaced over the list."""
    step = max(len(photos) // PHOTOS_PER_KIND, 1)
    return photos[::step][:PHOTOS_PER_KIND]


def _sample_row(manifest: Manifest, photo: Photo, index: int, settings: TrainSettings) -> SampleRow:
    image, count = decode(manifest.path(photo)), _views(settings)
    batch = torch.tensor(resize(image, settings.img_size)).expand(count, -1, -1, -1)
    seeds = [(settings.seed, view, index) for view in range(1, count + 1)]
    views = augment(batch, LEVELS[settings.aug_level], seeds)
    pixels = (views * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    tile = Tile(image, Path(photo.file).name, photo.class_name, photo.defective)
    return SampleRow(tile, list(pixels))
