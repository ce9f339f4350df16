"""Photos that inspectors decided on, brought into class folders to learn from; nothing that is there is replaced."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from castproof.data.classes import Classes
from castproof.data.destination import check_room
from castproof.data.folders import hash_or_reason, photos_below, read_folders, verify_photos
from castproof.data.manifest import FILE, PICTURE, UNKNOWN, Manifest, Photo
from castproof.data.photo_names import names_in_class
from castproof.data.placing import (
    FileSource,
    Placed,
    Placement,
    Survey,
    bytes_to_copy,
    check_apart,
    fill,
    survey,
)
from castproof.errors import DataError
from castproof.files import write_csv
from castproof.images import read_photo
from castproof.pipeline.inspecting.inspector_verdict import InspectorVerdict
from castproof.pipeline.inspecting.verdict_exports import (
    ANY_DEFECT,
    COLUMNS,
    class_of,
    lies_below,
    table_row,
)
from castproof.pipeline.inspecting.verdict_sources import VerdictSource, read_verdicts
from castproof.pipeline.part_ids import RECORDED, named_parts
from castproof.progress import SILENT, Progress
from castproof.settings import BY_PICTURE, check_parts, is_part_table
from castproof.threads import map_in_threads
from castproof.wording import counted

VERDICTS: Final = "verdicts.csv"
LEFT_OUT: Final = "left_out.csv"
TABLES: Final = (RECORDED, VERDICTS, LEFT_OUT)
GOOD: Final = "ok"


@dataclass(frozen=True)
class LeftOut:
    """A photo of an inspected folder that is not taken, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Collected:
    """What was collected, or would be.

    Args:
        dest: the folder with the class folders.
        manifest: the photos as they lie in `dest`, with their parts where a person names them.
        verdicts: the verdict on each photo of an inspector, by its path below `dest`.
        left_out: photos that were not taken.
        missing: number of photos that `dest` lacked.
        placed: what was written; None on a dry run.
    """

    dest: Path
    manifest: Manifest
    verdicts: dict[str, InspectorVerdict]
    left_out: tuple[LeftOut, ...]
    missing: int
    placed: Placed | None

    @property
    def names_parts(self) -> bool:
        """Whether the part of every photo is known."""
        return all(photo.part for photo in self.manifest.photos)


@dataclass(frozen=True)
class _Taken:
    """A photo that goes to the destination: where it lies, with class, hash and part, and the verdict on it."""

    source: Path
    photo: Photo
    verdict: InspectorVerdict | None = None


def collect(
    sources: Sequence[Path],
    dest: Path,
    *,
    photos: Path | None = None,
    data: Path | None = None,
    ok: Sequence[str] = (),
    parts: str = BY_PICTURE,
    link: bool = False,
    skip_unreadable: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> Collected:
    """Return what was brought into `dest`/CLASS: photos that inspectors decided on, and those of `data`.

    Neither is changed. A photo without a verdict that counts, or that is not the one that was looked at, is left out
    and listed. Everything is checked before the first photo is written; a run that was stopped goes on when it is
    called again. manifest.csv, verdicts.csv and left_out.csv are written last.

    Args:
        sources: as for `read_verdicts`.
        dest: a new or empty folder, or one that the same call has begun to fill.
        photos: where the photos of `sources` lie, where that is not known from them.
        data: the photos to learn from so far; its splits are dropped. It names the classes.
        ok: names of the good class folders, where their names do not say it; without `data` the good class.
        parts: which photos show one part, a value of --parts, on paths below each folder of photos.
        link: make hard links instead of copies, where possible.
        skip_unreadable: leave out photos of `data` that cannot be decoded; those of `sources` are left out anyway.
        dry_run: check everything and write nothing.
        progress: told of the photos checked, looked for and written.

    Raises:
        CastproofError: verdicts, photos, parts or destination do not fit, or a photo cannot be read or written.
    """
    check_parts(parts)
    read = [read_verdicts(path, photos) for path in sources]
    for folder in [*(one.folder for one in read), *filter(None, [data])]:
        check_apart(folder, dest)
    known = _known(data, ok, parts, skip_unreadable, progress)
    left_out = [LeftOut(str(known.root / one.file), one.reason) for one in known.unreadable]
    taken = [_Taken(known.path(photo), photo) for photo in known.photos]
    for number, source in enumerate(read):
        new, without = _of_source(source, number, known.classes, parts, progress)
        taken += new
        left_out += without
    taken, doubles = _each_once(taken)
    names, manifest = _named(taken, known.classes, dest)
    verdicts = {names[one.photo.file]: one.verdict for one in taken if one.verdict is not None}
    if not verdicts:
        raise DataError(
            "There is no photo to collect.",
            rule="Collected are photos with a verdict that counts and that have not changed since.",
            items=[f"{one.file}: {one.reason}" for one in (*left_out, *doubles)][:20],
        )
    placements = [Placement(FileSource(one.source), names[one.photo.file], one.photo.sha256) for one in taken]
    found = survey(placements, dest, allowed=TABLES, progress=progress)
    _refuse_other(found, dest)
    check_room(bytes_to_copy(found.missing, dest, link=link), dest)
    result = Collected(dest, manifest, verdicts, (*left_out, *doubles), len(found.missing), None)
    if dry_run:
        return result
    placed = fill(found, dest, link=link, progress=progress)
    if not (dest / RECORDED).exists():
        _write_tables(result)
    return replace(result, placed=placed)


def _known(
    data: Path | None, ok: Sequence[str], parts: str, skip_unreadable: bool, progress: Progress
) -> Manifest:
    """Return the photos to learn from so far, with the parts that a person names; without them the classes alone."""
    if data is None:
        return Manifest(Path(), Classes(tuple(ok) or (GOOD,), (ANY_DEFECT,)), ())
    found = verify_photos(read_folders(data, ok), skip_unreadable=skip_unreadable, progress=progress)
    recorded = _parts_of_a_person(found, BY_PICTURE)
    if recorded is None and not is_part_table(parts):
        recorded = _parts_of_a_person(found, parts)
    return recorded or found


def _parts_of_a_person(manifest: Manifest, rule: str) -> Manifest | None:
    """Return `manifest` with its parts, None where only pictures tell them: these are compared again."""
    named = named_parts(manifest, rule)
    if named is None or all(photo.part_from in (PICTURE, UNKNOWN) for photo in named.photos):
        return None
    return named


def _of_source(
    source: VerdictSource, number: int, classes: Classes, parts: str, progress: Progress
) -> tuple[list[_Taken], list[LeftOut]]:
    """Return the photos of the folder with this number to take, and those to leave out."""
    files = [path.relative_to(source.folder).as_posix() for path in photos_below(source.folder)]
    checked = map_in_threads(
        lambda one: _hash_or_reason(source.folder, one), source.verdicts, "checking photos", progress=progress
    )
    sound = [one.file for one, (digest, _) in zip(source.verdicts, checked, strict=True) if digest]
    whole = is_part_table(parts) or parts == BY_PICTURE  # a table names the part of every photo in the folder
    part_of = _parts_in(source.folder, dict.fromkeys([*(files if whole else ()), *sound]), classes, parts)
    taken: list[_Taken] = []
    reasons: dict[str, str] = dict.fromkeys(source.withdrawn, "the verdict was taken back")
    for verdict, (digest, reason) in zip(source.verdicts, checked, strict=True):
        if reason:
            reasons[verdict.file] = reason
            continue
        name = class_of(source.folder, verdict, classes)
        defective = name not in classes.good
        photo = replace(
            part_of[verdict.file],
            file=f"\0{number}/{source.folder.resolve().name}/{_below_class(verdict.file, classes)}",
            class_name=name,
            defective=defective,
            defect_type=name if defective else "",
            sha256=digest,
        )
        taken.append(_Taken(source.folder / verdict.file, photo, verdict))
    decided = {*(one.file for one in source.verdicts), *reasons}
    reasons |= {file: "nobody judged it" for file in files if file not in decided}
    return taken, [LeftOut(str(source.folder / file), reason) for file, reason in sorted(reasons.items())]


def _hash_or_reason(folder: Path, verdict: InspectorVerdict) -> tuple[str, str]:
    if not lies_below(verdict.file):
        return "", "its path leads out of the folder of photos"
    digest, reason = hash_or_reason(lambda: read_photo(folder / verdict.file))
    if not reason and digest != verdict.sha256:
        return "", "the photo has changed since the verdict"
    return digest, reason


def _parts_in(folder: Path, files: Iterable[str], classes: Classes, rule: str) -> dict[str, Photo]:
    """Return every photo of a folder by its file, with the part that a person names."""
    photos = tuple(
        Photo(file, "", top if (top := PurePosixPath(file).parts[0]) in classes.names else "", False, "")
        for file in files
    )
    manifest = Manifest(folder, classes, photos)
    return {photo.file: photo for photo in (_parts_of_a_person(manifest, rule) or manifest).photos}


def _below_class(file: str, classes: Classes) -> str:
    top, _, rest = file.partition("/")
    return rest if rest and top in classes.names else file


def _each_once(taken: Sequence[_Taken]) -> tuple[list[_Taken], list[LeftOut]]:
    """Return every photo once: of identical ones the first, and none of an inspector where the labels differ."""
    same: dict[str, list[_Taken]] = defaultdict(list)
    for one in taken:
        same[one.photo.sha256].append(one)
    kept: list[_Taken] = []
    left_out: list[LeftOut] = []
    for group in same.values():
        old = [one for one in group if one.verdict is None]
        new = [one for one in group if one.verdict is not None]
        disputed = len({one.photo.defective for one in group}) > 1
        kept += old or ([] if disputed else new[:1])
        dropped = new if old or disputed else new[1:]
        reason = "its other copies are labelled otherwise" if disputed else f"identical to {group[0].source}"
        left_out += [LeftOut(str(one.source), reason) for one in dropped]
    return kept, left_out


def _named(taken: Sequence[_Taken], classes: Classes, dest: Path) -> tuple[dict[str, str], Manifest]:
    """Return the name of every photo below `dest`, and the photos as they will lie there."""
    names = names_in_class([one.photo for one in taken])
    photos = tuple(_moved(one, names[one.photo.file]) for one in taken)
    defective = dict.fromkeys([*classes.defective, *(one.class_name for one in photos if one.defective)])
    nameless = [one.file for one in photos if not one.part]
    if nameless and len(nameless) < len(photos):
        raise DataError(
            f"It is not known which part {nameless[0]} shows.",
            rule="Either the part of every photo is named, those of --data included, or all are compared by picture.",
            found=f"Found {len(nameless):,} of {counted(len(photos), 'photo')} without a part.",
            fix="Name the parts of the inspected photos: --parts by-folder, by-file, a regular expression or a table; "
            "and those of --data in its manifest.csv.",
        )
    return names, Manifest(dest, Classes(classes.good, tuple(defective)), photos)


def _moved(one: _Taken, name: str) -> Photo:
    own = one.verdict is not None and one.photo.part_from == FILE
    return replace(one.photo, file=name, split="", part=name if own else one.photo.part)


def _refuse_other(found: Survey, dest: Path) -> None:
    """Raise DataError where `dest` is complete, but of other verdicts."""
    if found.missing and any((dest / name).exists() for name in TABLES):
        raise DataError(
            f"{dest} is complete, and contains other photos than these verdicts lead to.",
            rule="What was collected is not changed. Nothing was written.",
            fix="Choose a new folder.",
        )


def _write_tables(result: Collected) -> None:
    """Write the tables; the manifest last, which says that the folder is complete."""
    classes = result.manifest.classes
    rows = [(file, *table_row(one, classes)) for file, one in sorted(result.verdicts.items())]
    write_csv(result.dest / VERDICTS, ("photo", *COLUMNS), rows)
    write_csv(result.dest / LEFT_OUT, ("file", "reason"), [(one.file, one.reason) for one in result.left_out])
    result.manifest.write_csv(result.dest / RECORDED)
