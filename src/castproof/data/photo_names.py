"""Names for photos that move to another folder: as they were, and no two alike on any disk."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from castproof.data.manifest import Photo
from castproof.files import name_key


def names_in_class(photos: Sequence[Photo]) -> dict[str, str]:
    """Return CLASS/NAME for the file of every photo, where NAME is its path below the class folder.

    Where photos of several splits have the same one, each gets its split as a suffix (photo_train.png), and a number
    where that is taken too. Names that differ in letter case only count as the same. The order does not matter.

    Args:
        photos: of one data set, with the splits that they lie in.
    """
    plain = {photo.file: _plain(photo) for photo in photos}
    times = Counter(map(name_key, plain.values()))
    taken = {key for key, count in times.items() if count == 1}
    names: dict[str, str] = {}
    for photo in sorted(photos, key=lambda photo: photo.file):
        name = plain[photo.file]
        if times[name_key(name)] > 1:
            name = _free(PurePosixPath(name), photo.split, taken)
            taken.add(name_key(name))
        names[photo.file] = name
    return names


def _plain(photo: Photo) -> str:
    below = PurePosixPath(photo.file).parts[2 if photo.split else 1 :]
    return PurePosixPath(photo.class_name, *below).as_posix()


def _free(name: PurePosixPath, split: str, taken: Collection[str]) -> str:
    stem = f"{name.stem}_{split}" if split else name.stem
    number, found = 1, name.with_name(stem + name.suffix)
    while name_key(found.as_posix()) in taken:
        number += 1
        found = name.with_name(f"{stem}_{number}{name.suffix}")
    return found.as_posix()
