"""Turning a folder or archive of photos into the plan of a data set with train, val and test."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from castproof.data.archive import open_archive
from castproof.data.classes import Classes, recognise_classes
from castproof.data.folders import hash_or_reason, photos_below
from castproof.data.manifest import SPLITS, Manifest, Photo, UnreadablePhoto
from castproof.data.photo_sets import SetPhoto
from castproof.data.placing import FileSource, Placement, Source
from castproof.data.splits import TEST_SHARE, VAL_SHARE, check_seed, check_shares, share_out, split_photos
from castproof.errors import DataError, UnreadableError
from castproof.progress import SILENT, Progress
from castproof.threads import map_in_threads
from castproof.wording import counted


@dataclass(frozen=True)
class OpenSource:
    """Photos of a folder or an open archive, by their path in it, and what else lies in an archive.

    Args:
        photos: by path.
        nested: archives in the archive.
        others: files in the archive that are neither photos nor archives.
    """

    photos: Mapping[str, Source]
    nested: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shares:
    """How to make splits that the source does not have.

    Args:
        val: share of the photos that become val, in (0, 1).
        test: share of the photos that become test, in (0, 1); val + test < 1.
        seed: any integer from 0.

    Raises:
        SettingError: one of them is out of its range.
    """

    val: float = VAL_SHARE
    test: float = TEST_SHARE
    seed: int = 1337

    def __post_init__(self) -> None:
        check_shares(self.val, self.test)
        check_seed(self.seed)


@dataclass(frozen=True)
class Plan:
    """What goes where.

    Args:
        manifest: the photos as they will lie below the destination, with split, class and hash.
        placements: the same photos with their sources.
        made: the splits that castproof made, because the source does not have them.
    """

    manifest: Manifest
    placements: tuple[Placement, ...]
    made: tuple[str, ...]


@contextmanager
def open_source(path: Path) -> Iterator[OpenSource]:
    """Yield the photos of the folder or zip archive at `path`.

    Raises:
        DataError: there is no such folder or archive, it is broken or refused, or it contains no photos.
    """
    if not path.exists():
        raise DataError(f"There is no folder or archive {str(path)!r}.", fix="Check the path.")
    if path.is_dir():
        yield _folder(path)
        return
    with open_archive(path) as archive:
        if not archive.photos:
            raise DataError(
                f"There are no photos in {path}.",
                found=f"It contains the archives {', '.join(archive.nested)}." if archive.nested else "",
                fix="Unpack it and import what is in it." if archive.nested else "Check the path.",
            )
        yield OpenSource({photo.name: photo for photo in archive.photos}, archive.nested, archive.others)


def check_photos(
    photos: Sequence[SetPhoto],
    sources: Mapping[str, Source],
    *,
    skip_unreadable: bool,
    progress: Progress = SILENT,
) -> tuple[dict[str, str], tuple[UnreadablePhoto, ...]]:
    """Return the SHA-256 of every photo by its file, after decoding each of them once, and those that are unreadable.

    Raises:
        UnreadableError: photos cannot be decoded, and `skip_unreadable` is off; `items` holds all of them.
        DataError: the archive is broken.
    """
    read_from = [sources[photo.file] for photo in photos]
    checked = map_in_threads(_check, read_from, "checking photos", progress=progress)
    both = list(zip(photos, checked, strict=True))
    hashes = {photo.file: digest for photo, (digest, reason) in both if not reason}
    bad = tuple(UnreadablePhoto(photo.file, reason) for photo, (_, reason) in both if reason)
    if bad and not skip_unreadable:
        raise UnreadableError(
            f"{len(bad):,} of {counted(len(photos), 'photo')} cannot be read. Nothing was written.",
            fix="Repair or remove them, or import the others: --skip-unreadable.",
            items=[f"{one.file}: {one.reason}" for one in bad],
        )
    return hashes, bad


def make_plan(
    photos: Sequence[SetPhoto],
    sources: Mapping[str, Source],
    hashes: Mapping[str, str],
    dest: Path,
    *,
    ok: Sequence[str] = (),
    shares: Shares,
) -> Plan:
    """Return where each photo that has a hash goes: DEST/SPLIT/CLASS/ and its own path below its class folder.

    Splits of the source are kept. Missing ones are made out of train; without any split, all three are made.

    Raises:
        ClassNameError: it is not clear which class folders are good.
        DataError: train is missing beside other splits, or a split lacks good or defective photos.
    """
    classes = recognise_classes([photo.class_name for photo in photos], ok)
    readable = [photo for photo in photos if photo.file in hashes]
    by_name = {_unsplit_name(photo): photo for photo in readable}
    unsplit = tuple(
        _photo(name, photo, classes, hashes[photo.file]) for name, photo in sorted(by_name.items())
    )
    manifest, made = _with_splits(Manifest(dest, classes, unsplit), shares)
    _check_both_kinds(manifest)
    placements: list[Placement] = []
    placed: list[Photo] = []
    for photo in manifest.photos:
        origin = by_name[photo.file]
        target = f"{photo.split}/{photo.class_name}/{origin.below}"
        placements.append(Placement(sources[origin.file], target, photo.sha256))
        placed.append(replace(photo, file=target))
    return Plan(replace(manifest, photos=tuple(placed)), tuple(placements), made)


def _folder(path: Path) -> OpenSource:
    photos = {file.relative_to(path).as_posix(): file for file in photos_below(path)}
    if not photos:
        archives = sorted(one.name for one in path.iterdir() if one.suffix.lower() == ".zip")
        raise DataError(
            f"There are no photos in {path}.",
            found=f"It contains the archives {', '.join(archives)}." if archives else "",
            fix="Import the archive itself." if archives else "Check the path.",
        )
    return OpenSource({name: FileSource(file, name) for name, file in photos.items()})


def _check(source: Source) -> tuple[str, str]:
    return hash_or_reason(source.read)


def _unsplit_name(photo: SetPhoto) -> str:
    return "/".join(filter(None, (photo.split, photo.class_name, photo.below)))


def _photo(name: str, photo: SetPhoto, classes: Classes, digest: str) -> Photo:
    defective = classes.is_defective(photo.class_name)
    defect_type = photo.class_name if defective else ""
    return Photo(name, photo.split, photo.class_name, defective, defect_type, sha256=digest)


def _with_splits(manifest: Manifest, shares: Shares) -> tuple[Manifest, tuple[str, ...]]:
    present = {photo.split for photo in manifest.photos} - {""}
    missing = tuple(split for split in SPLITS if split not in present)
    if not present:
        return split_photos(manifest, val=shares.val, test=shares.test, seed=shares.seed), SPLITS
    if "train" in missing:
        raise DataError(
            "There is no folder train.",
            rule="The source has a train folder, or no split folders at all.",
            found=f"Found {' and '.join(split for split in SPLITS if split in present)}.",
            fix="Add the train photos, or import one split folder alone; castproof then splits its photos.",
        )
    return _shared_out_of_train(manifest, missing, shares), missing


def _shared_out_of_train(manifest: Manifest, missing: Sequence[str], shares: Shares) -> Manifest:
    """Return `manifest` with the photos of train shared out to train and the missing splits."""
    names = ("train", *missing)
    taken = [getattr(shares, split) for split in missing]
    train = [replace(photo, split="") for photo in manifest.of_split("train")]
    rule = f"Out of train are made {' and '.join(names)}; each needs at least one {{kind}} photo."
    home = share_out(train, (1 - sum(taken), *taken), seed=shares.seed, rule=rule)
    split_of = {photo.file: names[index] for photo, index in zip(train, home, strict=True)}
    return replace(
        manifest,
        photos=tuple(replace(one, split=split_of.get(one.file, one.split)) for one in manifest.photos),
    )


def _check_both_kinds(manifest: Manifest) -> None:
    for split in SPLITS:
        found = Counter(photo.defective for photo in manifest.of_split(split))
        for kind, defective in (("good", False), ("defective", True)):
            if not found[defective]:
                raise DataError(
                    f"The split {split} would have no {kind} photos.",
                    rule="Every split contains photos of good and of defective parts.",
                    found="; ".join(
                        f"{name}: {counted(sum(counts.values()), 'photo')}"
                        for name, counts in manifest.counts().items()
                    )
                    + ".",
                    fix=f"Add {kind} photos.",
                )
