"""The photos of a folder, with what their folders say about them."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.errors import DataError
from castproof.pipeline.predicting.prediction import DEFECTIVE, GOOD, Rules
from castproof.pipeline.predicting.walk import walk
from castproof.translation import tr

UNLABELLED: Final = -1
_CODES: Final = {GOOD: 0, DEFECTIVE: 1, "": UNLABELLED}
_TELL_EVERY: Final = 500


@dataclass(frozen=True, eq=False)
class PhotoList:
    """The photos below a folder, or some that were chosen.

    Args:
        root: the folder.
        names: of the photos, paths below the folder with forward slashes, in the order of `castproof predict`.
        single: whether these photos were chosen, and not all below `root`.
    """

    root: Path
    names: tuple[str, ...]
    single: bool = False

    def __len__(self) -> int:
        return len(self.names)

    def path(self, place: int) -> Path:
        """Return where a photo is."""
        return self.root / self.names[place]

    def folder(self, place: int) -> str:
        """Return the name of the folder that a photo is in: its class, where the model knows that name."""
        above = self.names[place].rpartition("/")[0]
        return above.rpartition("/")[2] if above else self.root.name

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """The names of the folders that photos are in, in the order of the list."""
        return tuple(dict.fromkeys(map(self.folder, range(len(self)))))

    def labels(self, rules: Rules | None) -> NDArray[np.int8]:
        """Return int8 (n,): 1 for photos in a folder of a defective class of the model, 0 for a good one, else -1."""
        found = np.full(len(self), UNLABELLED, np.int8)
        if rules is not None:
            known: dict[str, int] = {}
            for place in range(len(self)):
                folder = self.folder(place)
                if folder not in known:
                    known[folder] = _CODES[rules.label_of(folder)]
                found[place] = known[folder]
        return found


def list_photos(folder: Path, found: Callable[[int], bool] = lambda count: True) -> PhotoList:
    """Return the photos below `folder`.

    Args:
        folder: searched with its subfolders.
        found: told now and then how many there are so far; where it returns False the search ends with these.

    Raises:
        DataError: there is no such folder, it contains no photos, or it cannot be read.
    """
    if not folder.is_dir():
        raise DataError(
            tr("There is no folder {folder}.", folder=folder),
            fix=tr("Check that it was not moved or renamed, and that its drive is connected."),
        )
    names: list[str] = []
    for unit in walk([folder]):
        names.append(unit.name)
        if len(names) % _TELL_EVERY == 0 and not found(len(names)):
            break
    if not names:
        raise DataError(
            tr("There are no photos in {folder}.", folder=folder),
            rule=tr("Photos are JPEG, PNG, BMP, TIFF or WebP files."),
            fix=tr("Choose a folder that contains photos, itself or in folders below it."),
        )
    return PhotoList(Path(os.path.abspath(folder)), tuple(names))  # noqa: PTH100


def chosen_photos(photos: Sequence[Path]) -> PhotoList:
    """Return the list of these photos; their folder is the one that holds all of them.

    Raises:
        DataError: there are none, or they lie on several drives.
    """
    paths = [photo.absolute() for photo in photos]
    try:
        root = Path(os.path.commonpath([path.parent for path in paths]))
    except ValueError as error:
        raise DataError(
            tr("These photos cannot be opened together."),
            rule=tr("They are in one folder, or in folders below it."),
            fix=tr("Open the photos of one drive."),
        ) from error
    names = tuple(dict.fromkeys(path.relative_to(root).as_posix() for path in paths))
    return PhotoList(root, names, single=True)
