"""Pictures of what hangs on each place of a photo, one file per photo."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.files import atomic_path
from castproof.images import decode
from castproof.report.heat_pictures import heat_picture

LONGEST_PX: Final = 800


def write_heat_map(photo: Path, heat: NDArray[np.float32], folder: Path) -> Path:
    """Return the JPEG file below `folder` that now shows the photo with its heat.

    Args:
        photo: the photo.
        heat: float32 (h, w) over it, nats.
        folder: for all pictures; each is called as its photo is, with the folders of its path.

    Raises:
        ImageError: the photo cannot be decoded any more.
        OutputError: the picture cannot be written.
    """
    path = heat_map_path(photo, folder)
    picture = heat_picture(decode(photo), heat, LONGEST_PX)
    with atomic_path(path) as temporary:
        temporary.write_bytes(picture.jpeg)
    return path


def heat_map_path(photo: Path, folder: Path) -> Path:
    """Return where the picture of `photo` lies: its path as given, below `folder`, with .jpg at its end."""
    drive = photo.drive.replace(":", "").strip("\\/").replace("\\", "_")
    steps = ["up" if step == ".." else step for step in photo.relative_to(photo.anchor).parts]
    return folder.joinpath(*([drive] if drive else []), *steps[:-1], f"{steps[-1]}.jpg")
