"""Photos from the shop floor: with labels or without, their parts, and which of them a run knows already."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from castproof.data.classes import Classes
from castproof.data.folders import photos_below, read_folders
from castproof.data.manifest import Manifest, Photo
from castproof.data.photo_statistics import PhotoStatistics
from castproof.data.splits import part_key
from castproof.errors import ClassNameError, DataError, SettingError
from castproof.parts.photo import Grey
from castproof.pipeline.part_ids import compared_parts, named_parts
from castproof.pipeline.photo_survey import survey_photos
from castproof.progress import SILENT, Progress
from castproof.settings import BY_PICTURE

MOST_OF_A_KNOWN_PART: Final = 12  # photos of each part of the run that new ones are compared with
SAME_FILE: Final = "same file"
SAME_PART: Final = "same part"
UNLABELLED_HINT: Final = "Or leave the labels alone: --unlabelled."


@dataclass(frozen=True, eq=False)
class Earlier:
    """The photos that a run knows.

    Args:
        photos: all of them, by their path on this machine.
        on_disk: those that are still there with the same content, with the part that the run knows.
        statistics: of these, by `sha256`.
        greys: of some of these, at working size by `sha256`.
    """

    photos: tuple[Photo, ...]
    on_disk: tuple[Photo, ...]
    statistics: dict[str, PhotoStatistics]
    greys: dict[str, Grey]


@dataclass(frozen=True, eq=False)
class NewPhotos:
    """The photos of a new set.

    Args:
        manifest: all that can be read, with hash and part; class "" and no label where there are none.
        labelled: whether their folders tell labels.
        statistics: of every photo, by `sha256`.
        known: why a photo counts for nothing, by its file: SAME_FILE or SAME_PART.
    """

    manifest: Manifest
    labelled: bool
    statistics: dict[str, PhotoStatistics]
    known: dict[str, str]

    @property
    def counted(self) -> tuple[Photo, ...]:
        """The photos that are new evidence, in the order of the manifest."""
        return tuple(photo for photo in self.manifest.photos if photo.file not in self.known)


def read_new(
    data: Path, *, ok: Sequence[str] = (), trained_ok: Sequence[str] = (), unlabelled: bool = False
) -> tuple[Manifest, bool]:
    """Return the photos in `data`, and whether they are labelled; splits that they have are left out.

    They are not where `unlabelled` says so, or where no photo is in a folder of its own. Labels are never guessed:
    class folders whose names do not say which are good are refused.

    Args:
        data: class folders, or photos without labels.
        ok: names of the good class folders.
        trained_ok: those given at training, where `ok` is not given.
        unlabelled: what folders the photos are in says nothing.

    Raises:
        SettingError: `ok` is given beside `unlabelled`.
        DataError: the folder is missing or empty, or does not have the layout of a data set.
        ClassNameError: it is not clear which class folders are good.
    """
    if unlabelled and ok:
        raise SettingError(
            "--ok and --unlabelled contradict each other.",
            rule="--ok names the class folders of good parts.",
            fix="Leave one of them out.",
        )
    files = photos_below(data) if data.is_dir() else []
    if files and (unlabelled or (not ok and all(file.parent == data for file in files))):
        names = [file.relative_to(data).as_posix() for file in files]
        return Manifest(data, Classes((), ()), tuple(Photo(name, "", "", False, "") for name in names)), False
    try:
        return read_folders(data, ok or trained_ok).unsplit(), True
    except DataError as error:
        if not files or ok:
            raise
        trained = f" The run was trained with --ok {' --ok '.join(trained_ok)}." if trained_ok else ""
        name_them = "Name the good class folders with --ok NAME." if trained_ok else error.fix
        is_unclear = isinstance(error, ClassNameError)
        raise type(error)(
            error.problem,
            rule=error.rule + trained,
            found=error.found,
            fix=f"{name_them if is_unclear else error.fix} {UNLABELLED_HINT}",
            items=error.items,
        ) from error


def survey_earlier(photos: Sequence[Photo], *, progress: Progress = SILENT) -> Earlier:
    """Return which photos of a run are still on this disk, and their statistics.

    Args:
        photos: with `sha256`, each `file` an absolute path.
        progress: told of every photo.
    """
    there = tuple(photo for photo in photos if photo.sha256 and Path(photo.file).is_file())
    if not there:
        return Earlier(tuple(photos), (), {}, {})
    survey = survey_photos(
        Manifest(Path(), Classes((), ()), there, ()), skip_unreadable=True, progress=progress
    )
    digest = {photo.file: photo.sha256 for photo in survey.manifest.photos}
    same = tuple(photo for photo in there if digest.get(photo.file) == photo.sha256)
    return Earlier(tuple(photos), same, survey.statistics, survey.greys)


def look_up(
    manifest: Manifest,
    labelled: bool,
    earlier: Earlier,
    *,
    parts: str = BY_PICTURE,
    skip_unreadable: bool = False,
    progress: Progress = SILENT,
) -> NewPhotos:
    """Return the new photos with their parts, and which of them the run knows.

    A photo is known where the run has its file, its pixels or its part: a part that was recorded by a person under the
    same name, or one that castproof finds to be the same among the photos of both.

    Args:
        manifest: the new photos.
        labelled: whether their folders tell labels.
        earlier: what the run knows.
        parts: which of the new photos show one part, a value of --parts.
        skip_unreadable: leave out photos that cannot be decoded.
        progress: told of every photo.

    Raises:
        SettingError: `parts` is no such value.
        DataError: it does not fit the photos.
        UnreadableError: photos cannot be decoded.
    """
    survey = survey_photos(manifest, skip_unreadable=skip_unreadable, progress=progress)
    found = survey.manifest
    known = dict.fromkeys(_same_files(found, survey.statistics, earlier), SAME_FILE)
    compared = [photo for photo in found.photos if photo.file not in known]
    named = named_parts(found, parts)
    if named is not None:
        found = named
    elif not earlier.on_disk or not compared:
        found = compared_parts(found, progress=progress).manifest
    if earlier.on_disk and compared:
        together, old_parts = _parts_together(found, compared, earlier, survey.greys, progress)
        if named is None:
            found = replace(found, photos=tuple(_with_part_of(one, together) for one in found.photos))
        known |= {file: SAME_PART for file, one in together.items() if one.part in old_parts}
    known |= dict.fromkeys(_of_known_parts(found, earlier, known), SAME_PART)
    return NewPhotos(found, labelled, survey.statistics, known)


def _with_part_of(photo: Photo, compared: dict[str, Photo]) -> Photo:
    if photo.file not in compared:
        return photo
    return replace(photo, part=compared[photo.file].part, part_from=compared[photo.file].part_from)


def _same_files(found: Manifest, statistics: dict[str, PhotoStatistics], earlier: Earlier) -> Iterator[str]:
    digests = {photo.sha256 for photo in earlier.photos}
    pixels = {earlier.statistics[photo.sha256].pixel_hash for photo in earlier.on_disk}
    for photo in found.photos:
        if photo.sha256 in digests or statistics[photo.sha256].pixel_hash in pixels:
            yield photo.file


def _of_known_parts(found: Manifest, earlier: Earlier, known: dict[str, str]) -> Iterator[str]:
    """Yield the photos whose part has a known photo, or is one that a person recorded under the same name."""
    recorded = {photo.part for photo in earlier.photos if photo.part and photo.confidence is None}
    parts = {part_key(photo) for photo in found.photos if photo.file in known}
    for photo in found.photos:
        by_name = photo.confidence is None and photo.part in recorded
        if photo.file not in known and (by_name or part_key(photo) in parts):
            yield photo.file


def _parts_together(
    found: Manifest,
    compared: Sequence[Photo],
    earlier: Earlier,
    greys: dict[str, Grey],
    progress: Progress,
) -> tuple[dict[str, Photo], set[str]]:
    """Return every compared photo with its part, by its file, and the parts of the run, from comparing all of them."""
    old = _thinned(earlier.on_disk)
    new = (replace(photo, file=str(found.path(photo).absolute())) for photo in compared)
    both = Manifest(Path(), Classes((), ()), (*old, *new))
    told = compared_parts(both, greys={**earlier.greys, **greys}, progress=progress).manifest.photos
    shown = {photo.file: one for photo, one in zip(compared, told[len(old) :], strict=True)}
    return shown, {photo.part for photo in told[: len(old)]}


def _thinned(photos: Sequence[Photo]) -> list[Photo]:
    """Return at most so many photos of each part, evenly spaced."""
    by_part: dict[tuple[str, str], list[Photo]] = defaultdict(list)
    for photo in photos:
        by_part[part_key(photo)].append(photo)
    return [photo for group in by_part.values() for photo in group[:: -(-len(group) // MOST_OF_A_KNOWN_PART)]]
