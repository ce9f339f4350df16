"""The small pictures of a report on a batch: photos, and photos with their heat."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.errors import ImageError
from castproof.images import decode
from castproof.progress import SILENT, Progress
from castproof.report.heat_pictures import heat_picture
from castproof.report.thumbnails import Picture, thumbnail
from castproof.translation import tr

LONGEST_PX: Final = 300

HeatOf = Callable[[Path], NDArray[np.float32] | None]
Pictures = Mapping[Path, tuple[Picture | None, Picture | None]]


def batch_pictures(paths: Sequence[Path], heat_of: HeatOf | None, progress: Progress = SILENT) -> Pictures:
    """Return by path the photo and the photo with its heat, None for what cannot be had.

    Args:
        paths: the photos.
        heat_of: returns the heat map of a photo, float32 (h, w), nats, or None; it raises nothing and is called
            in this thread. None for no heat maps.
        progress: told of every photo.
    """
    found: dict[Path, tuple[Picture | None, Picture | None]] = {}
    with progress.task(tr("making pictures"), len(paths)) as task:
        for path in paths:
            found[path] = _both(path, heat_of)
            task.advance()
    return found


def _both(path: Path, heat_of: HeatOf | None) -> tuple[Picture | None, Picture | None]:
    try:
        pixels = decode(path)
    except ImageError:
        return None, None
    heat = heat_of(path) if heat_of else None
    return thumbnail(pixels, LONGEST_PX), None if heat is None else heat_picture(pixels, heat, LONGEST_PX)
