"""Finding the data sets in a folder or archive of unknown layout, from the paths of its photos alone."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from castproof.data.classes import reading_of, refuse_alike
from castproof.data.destination import shown
from castproof.data.folders import SPLIT_NAMES
from castproof.data.manifest import SPLITS
from castproof.errors import DataError
from castproof.wording import counted

Parts = tuple[str, ...]
LAYOUT = "Photos are in SET/train/CLASS, SET/val/CLASS and SET/test/CLASS, or in SET/CLASS."


@dataclass(frozen=True)
class PhotoSet:
    """A folder of split folders or of class folders.

    Args:
        name: how a person calls it, for example "casting_512x512"; no two sets of a source have the same one.
        folder: its path in the source, "" for the source itself.
        files: the photos in it, as paths in the source.
        has_splits: whether split folders lie in it.
    """

    name: str
    folder: str
    files: tuple[str, ...]
    has_splits: bool


@dataclass(frozen=True)
class SetPhoto:
    """One photo of a set: its path in the source, its split ("" where there are none), class and own path."""

    file: str
    split: str
    class_name: str
    below: str


def find_sets(files: Sequence[str], ok: Collection[str] = (), *, source: str) -> list[PhotoSet]:
    """Return the data sets among `files`, by folder.

    Args:
        files: paths of photos in the source, with forward slashes.
        ok: names of good class folders, where their names do not say it.
        source: how to call a set that is the source itself.

    Raises:
        DataError: there are none.
    """
    pending: list[tuple[Parts, list[Parts]]] = [((), [tuple(file.split("/")) for file in files])]
    found: list[tuple[Parts, list[Parts], bool]] = []
    while pending:
        folder, below = pending.pop()
        children = _children(below)
        has_splits = any(name.casefold() in SPLIT_NAMES for name in children)
        if has_splits or _are_classes(children, ok):
            found.append((folder, below, has_splits))
        else:
            pending += [((*folder, name), members) for name, members in children.items()]
    if not found:
        raise DataError(
            "There are no class folders.",
            rule=LAYOUT,
            fix="Sort the photos into one folder per class.",
            items=shown(sorted(files)),
        )
    common = _common_depth([folder for folder, _, _ in found])
    names = _names([folder[common:] or folder[-1:] for folder, _, _ in found], source)
    sets = [_photo_set(name, *one) for name, one in zip(names, found, strict=True)]
    return sorted(sets, key=lambda one: one.folder)


def choose_set(sets: Sequence[PhotoSet], wanted: str = "") -> PhotoSet:
    """Return the set called `wanted`; by default the only one, or the only one with split folders.

    Raises:
        DataError: there is no such set, it is not clear which one is meant, or splits lie inside of classes.
    """
    listed = [f"{one.name}: {counted(len(one.files), 'photo')}" + ", split" * one.has_splits for one in sets]
    if wanted:
        low = wanted.casefold()
        for named in (
            [one for one in sets if one.name == wanted],
            [one for one in sets if one.folder == wanted],
            [one for one in sets if low in (one.name.casefold(), one.folder.casefold())],
        ):
            if len(named) == 1:
                return named[0]
        raise DataError(f"There is no set {wanted!r}.", fix="Give one of these names.", items=listed)
    if len(sets) == 1:
        return sets[0]
    _refuse_splits_inside(sets)
    split = [one for one in sets if one.has_splits]
    if len(split) == 1:
        return split[0]
    raise DataError(
        f"There are {len(sets)} data sets.", fix="Say which one: --set NAME.", items=shown(listed)
    )


def read_set(chosen: PhotoSet) -> list[SetPhoto]:
    """Return the photos of `chosen` with their split and class.

    Raises:
        DataError: photos are outside of class folders, or folders of one split or class have two spellings.
    """
    depth = len(chosen.folder.split("/")) if chosen.folder else 0
    splits = _spelt_once(chosen, depth) if chosen.has_splits else {}
    photos: list[SetPhoto] = []
    loose: list[str] = []
    for file in chosen.files:
        parts = file.split("/")[depth:]
        split, rest = (splits.get(parts[0], ""), parts[1:]) if chosen.has_splits else ("", parts)
        if len(rest) < 2 or (chosen.has_splits and not split):
            loose.append(file)
        else:
            photos.append(SetPhoto(file, split, rest[0], "/".join(rest[1:])))
    if loose:
        raise DataError(
            f"{counted(len(loose), 'photo is', 'photos are')} outside of the class folders of {chosen.name}.",
            rule=f"{LAYOUT} Split folders inside of class folders are not understood.",
            fix="Move them into a class folder, or away from the set.",
            items=shown(loose),
        )
    refuse_alike(photo.class_name for photo in photos)
    return photos


def _children(below: Sequence[Parts]) -> dict[str, list[Parts]]:
    children: dict[str, list[Parts]] = {}
    for parts in below:
        if len(parts) > 1:
            children.setdefault(parts[0], []).append(parts[1:])
    return children


def _are_classes(children: Mapping[str, Sequence[Parts]], ok: Collection[str]) -> bool:
    """Return whether the folders are class folders: one is called good, or photos are right in one of them."""
    members = [parts for one in children.values() for parts in one]
    if any(name.casefold() in SPLIT_NAMES for parts in members for name in parts[:-1]):
        return False
    said = any(name in ok or reading_of(name) == "good" for name in children)
    return (said and len(children) > 1) or any(len(parts) == 1 for parts in members)


def _common_depth(folders: Sequence[Parts]) -> int:
    """Return how many of their first names all `folders` have in common."""
    depth = 0
    while all(len(one) > depth for one in folders) and len({one[depth] for one in folders}) == 1:
        depth += 1
    return depth


def _names(folders: Sequence[Parts], source: str) -> list[str]:
    """Return a name for each of `folders`: doubled names in it once, unless two sets were then called the same."""
    short = [
        "/".join(name for before, name in zip(("", *one), one, strict=False) if name != before)
        for one in folders
    ]
    times = Counter(short)
    return [
        (name if times[name] == 1 else "/".join(folder)) or source
        for name, folder in zip(short, folders, strict=True)
    ]


def _photo_set(name: str, folder: Parts, below: Sequence[Parts], has_splits: bool) -> PhotoSet:
    files = sorted("/".join((*folder, *parts)) for parts in below)
    return PhotoSet(name, "/".join(folder), tuple(files), has_splits)


def _refuse_splits_inside(sets: Sequence[PhotoSet]) -> None:
    readings = {reading_of(one.name.split("/")[-1]) for one in sets if one.has_splits}
    if {"good", "defective"} <= readings:
        raise DataError(
            "The split folders are inside the class folders.",
            rule=LAYOUT,
            found=f"Found {', '.join(one.name for one in sets)}, each with split folders.",
            fix="Turn the folders around: train/ok instead of ok/train.",
        )


def _spelt_once(chosen: PhotoSet, depth: int) -> dict[str, str]:
    """Return the split of every split folder."""
    names = sorted({file.split("/")[depth] for file in chosen.files})
    splits = {name: SPLIT_NAMES[name.casefold()] for name in names if name.casefold() in SPLIT_NAMES}
    for split in SPLITS:
        folders = [name for name, meant in splits.items() if meant == split]
        if len(folders) > 1:
            raise DataError(
                f"{chosen.name} has two folders for the split {split}.",
                found=f"Found {' and '.join(folders)}.",
                fix="Keep one of them.",
            )
    return splits
