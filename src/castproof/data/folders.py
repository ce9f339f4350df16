"""Reading a data set from folders: DATA/{train,val,test}/CLASS/* or DATA/CLASS/*."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from castproof.data.classes import recognise_classes, refuse_alike
from castproof.data.manifest import SPLITS, Manifest, Photo, UnreadablePhoto
from castproof.errors import DataError, ImageError, UnreadableError
from castproof.images import decode, is_image_file, read_photo
from castproof.progress import SILENT, Progress
from castproof.threads import map_in_threads
from castproof.wording import counted, listed

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
# Photos that cannot be decoded here: listed as unreadable rather than left out in silence.
FOREIGN_SUFFIXES = frozenset(
    {".heic", ".heif", ".avif", ".gif", ".jp2", ".dng", ".cr2", ".cr3", ".jxl", ".nef", ".arw"}
)
_IGNORED = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
_LAYOUT = "Photos are in DATA/train/CLASS, DATA/val/CLASS and DATA/test/CLASS, or in DATA/CLASS."
_SHOWN = 5


def read_folders(data: Path, ok: Sequence[str] = (), *, may_lack_defects: bool = False) -> Manifest:
    """Return the photos under `data` with their class and, where there are split folders, their split.

    Class folders are read with their subfolders; a link that leads back into `data` is not followed. The
    order is by path and does not depend on the file system. A doubled top folder (DATA/DATA/train) is found.

    Args:
        data: folder with train, val and test folders of class folders, or with the class folders themselves.
        ok: names of the good class folders, where their names do not say it.
        may_lack_defects: whether a folder without any defective class will do.

    Raises:
        DataError: the folders are missing, incomplete or empty, or photos are outside of class folders.
        ClassNameError: it is not clear which class folders are good.
    """
    root = _data_root(data)
    splits = _split_folders(root)
    homes = [(split, root / name) for split, name in splits.items()] if splits else [("", root)]
    _refuse_loose_photos(root, [home for _, home in homes])
    found = {
        (split, one.name): _photos_of_class(root, one) for split, home in homes for one in _folders(home)
    }
    if not any(found.values()):
        raise DataError(f"There are no photos in {data}.", rule=_LAYOUT, fix="Check the path.")
    _check_class_folders(homes, found)
    classes = recognise_classes([name for _, name in found], ok, may_lack_defects=may_lack_defects)
    photos = [
        Photo(file, split, name, classes.is_defective(name), name if classes.is_defective(name) else "")
        for (split, name), files in found.items()
        for file in files
    ]
    manifest = Manifest(root, classes, tuple(sorted(photos, key=lambda photo: photo.file)))
    if classes.defective:
        _check_both_kinds(manifest)
    return manifest


def photos_below(folder: Path) -> list[Path]:
    """Return the photos in `folder` and its subfolders, by path.

    Raises:
        DataError: the folder cannot be read.
    """
    return [folder / file for file in sorted(_photos_of_class(folder, folder, check=False))]


def verify_photos(manifest: Manifest, *, skip_unreadable: bool, progress: Progress = SILENT) -> Manifest:
    """Return `manifest` with the SHA-256 of every photo, after decoding each of them once.

    Args:
        manifest: the photos to decode.
        skip_unreadable: move photos that cannot be decoded to `unreadable` instead of raising.
        progress: told of every photo.

    Raises:
        UnreadableError: photos cannot be decoded; `items` holds all of them, one line each.
        DataError: without the unreadable photos a split or class is empty.
    """
    paths = [manifest.path(photo) for photo in manifest.photos]
    checked = map_in_threads(_check, paths, "checking photos", progress=progress)
    verified = with_hashes(manifest, checked)
    bad = verified.unreadable[len(manifest.unreadable) :]
    if bad and not skip_unreadable:
        raise UnreadableError(
            f"{len(bad):,} of {counted(len(manifest.photos), 'photo')} in {manifest.root} cannot be read.",
            fix="Repair or remove them, or go on without them: --skip-unreadable.",
            items=[f"{one.file}: {one.reason}" for one in bad],
        )
    _check_still_filled(manifest, verified)
    return verified


def with_hashes(manifest: Manifest, checked: Sequence[tuple[str, str]]) -> Manifest:
    """Return `manifest` with the hash of every photo; those that have a reason instead are in `unreadable`."""
    both = list(zip(manifest.photos, checked, strict=True))
    good = tuple(replace(photo, sha256=digest) for photo, (digest, reason) in both if not reason)
    bad = tuple(UnreadablePhoto(photo.file, reason) for photo, (_, reason) in both if reason)
    return replace(manifest, photos=good, unreadable=manifest.unreadable + bad)


def hash_or_reason(read: Callable[[], bytes]) -> tuple[str, str]:
    """Return the SHA-256 of the photo that `read` gives, and why it cannot be decoded ("" where it can)."""
    try:
        data = read()
        decode(data)
    except ImageError as error:
        return "", str(error)
    return hashlib.sha256(data).hexdigest(), ""


def _check(path: Path) -> tuple[str, str]:
    return hash_or_reason(lambda: read_photo(path))


def _data_root(data: Path) -> Path:
    try:
        is_folder = stat.S_ISDIR(data.stat().st_mode)
    except FileNotFoundError as error:
        raise DataError(f"There is no folder {str(data)!r}.", fix="Check the path.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(
            f"Cannot read the folder {str(data)!r}.", found=f"{reason}.", fix="Check the path."
        ) from error
    if not is_folder:
        raise DataError(
            f"{data} is a file.", rule=_LAYOUT, fix="Give the folder that contains the class folders."
        )
    inner = _folders(data)
    if len(inner) != 1 or _loose_photos(data) or _loose_photos(inner[0]):
        return data
    names = [folder.name for folder in _folders(inner[0])]
    has_splits = any(name.casefold() in SPLIT_NAMES for name in names)
    return (
        inner[0] if has_splits or (len(names) > 1 and inner[0].name.casefold() not in SPLIT_NAMES) else data
    )


def _split_folders(root: Path) -> dict[str, str]:
    """Return the folder name of each split in the order of `SPLITS`, nothing without split folders."""
    found: dict[str, str] = {}
    for folder in _folders(root):
        split = SPLIT_NAMES.get(folder.name.casefold())
        if split in found:
            raise DataError(
                f"{root} has two folders for the split {split}.",
                found=f"Found {found[split]!r} and {folder.name!r}.",
                fix="Keep one of them.",
            )
        if split:
            found[split] = folder.name
    missing = [split for split in SPLITS if split not in found]
    if found and missing:
        raise DataError(
            f"{root} has no folder {' and no folder '.join(missing)}.",
            rule="A data set has all of the folders train, val and test, or none of them.",
            found=f"Found {', '.join(found.values())}.",
            fix="Add what is missing, or put the class folders straight into the data folder: "
            "castproof then splits the photos itself.",
        )
    return {split: found[split] for split in SPLITS if split in found}


def _refuse_loose_photos(root: Path, homes: Sequence[Path]) -> None:
    """Raise DataError for photos that belong to no class (or, beside split folders, to no split)."""
    loose = _loose_photos(root)
    if root not in homes:
        loose += [path for home in homes for path in _loose_photos(home)]
        for folder in _folders(root):
            if folder not in homes:
                loose += [root / file for file in _photos_of_class(root, folder, check=False)]
    if loose:
        raise DataError(
            f"{counted(len(loose), 'photo is', 'photos are')} outside of the class folders of {root}.",
            rule=_LAYOUT,
            fix="Move them into a class folder or out of the data folder.",
            items=listed([path.relative_to(root).as_posix() for path in loose]),
        )


def _photos_of_class(root: Path, folder: Path, *, check: bool = True) -> list[str]:
    """Return the photos in `folder` and below it as paths relative to `root`, with forward slashes."""
    photos: list[str] = []
    others: list[str] = []
    for path in _walk(folder, os.path.realpath(root)):
        (photos if is_photo_name(path.name) else others).append(path.relative_to(root).as_posix())
    if check and others and not photos:
        raise DataError(
            f"The class folder {folder} contains files, but no photos.",
            rule="Photos are JPEG, PNG, BMP, TIFF or WebP files.",
            fix="Save the photos in one of these formats, or remove the folder.",
            items=listed(others),
        )
    return photos


def _walk(folder: Path, real_root: str) -> Iterator[Path]:
    """Yield the files in `folder` and below it, each real folder once, not through links into the data."""
    real = os.path.realpath(folder)
    pending, seen = [(folder, real)], {real}
    while pending:
        here, real_here = pending.pop()
        for path in _entries(here):
            if not is_folder(path):
                yield path
                continue
            target = os.path.realpath(path)
            is_link = Path(target).parent != Path(real_here)
            if target in seen or (is_link and same_tree(target, real_root)):
                continue
            seen.add(target)
            pending.append((path, target))


def same_tree(one: str, other: str) -> bool:
    """Return whether one of two real paths lies in the other."""
    try:
        return os.path.commonpath((one, other)) in (one, other)
    except ValueError:  # two Windows drives
        return False


def _check_class_folders(homes: Sequence[tuple[str, Path]], found: dict[tuple[str, str], list[str]]) -> None:
    home_of = dict(homes)
    for split, home in homes:
        if not any(files for key, files in found.items() if key[0] == split):
            raise DataError(
                f"The split folder {home} contains no photos.", rule=_LAYOUT, fix="Add its class folders."
            )
    empty = [str(home_of[split] / name) for (split, name), files in found.items() if not files]
    if empty:
        raise DataError(
            f"The class folder {empty[0]} is empty.",
            fix="Add photos, or remove the folder.",
            items=listed(empty) if len(empty) > 1 else (),
        )
    refuse_alike([name for _, name in found])


def _check_both_kinds(manifest: Manifest) -> None:
    """Raise DataError where a split has no good or no defective photo."""
    for split, counts in manifest.counts().items():
        for kind, names in (("good", manifest.classes.good), ("defective", manifest.classes.defective)):
            if not any(counts[name] for name in names):
                raise DataError(
                    f"The split {split} has no {kind} photos." if split else f"There are no {kind} photos.",
                    rule="Every split contains photos of good and of defective parts.",
                    fix=f"Add photos of at least one of these classes: {', '.join(names)}.",
                )


def _check_still_filled(before: Manifest, after: Manifest) -> None:
    left = after.counts()
    for split, counts in before.counts().items():
        where = f" in {split}" if split else ""
        for name, count in counts.items():
            if count and not left.get(split, {}).get(name):
                raise DataError(
                    f"No photo of class {name!r}{where} can be read.",
                    fix="Replace them, or remove the folder.",
                    items=[f"{one.file}: {one.reason}" for one in after.unreadable[:_SHOWN]],
                )


def _entries(folder: Path) -> list[Path]:
    """Return what lies in `folder`, without hidden and system files, by name."""
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise DataError(
            f"Cannot read the folder {folder}.", found=f"{error.strerror}.", fix="Check its access rights."
        ) from error
    return [folder / name for name in names if not is_hidden(name)]


def _folders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if is_folder(path)]


def _loose_photos(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if is_photo_name(path.name) and not is_folder(path)]


def is_hidden(name: str) -> bool:
    """Return whether a file or folder of this name is left out: hidden, or of the operating system."""
    return name.startswith(".") or name.casefold() in _IGNORED


def is_photo_name(name: str) -> bool:
    """Return whether a file of this name is taken for a photo, one that cannot be decoded here included."""
    return is_image_file(name) or Path(name).suffix.lower() in FOREIGN_SUFFIXES


def is_folder(path: Path) -> bool:
    """Return whether there is a folder at `path`; what cannot be looked at is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
