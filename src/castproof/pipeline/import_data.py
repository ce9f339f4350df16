"""Bringing a folder or archive of photos into a folder with train, val and test."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from castproof import __version__
from castproof.data.classes import recognise_classes
from castproof.data.destination import check_room
from castproof.data.importing import OpenSource, Shares, check_photos, make_plan, open_source
from castproof.data.manifest import Manifest
from castproof.data.photo_sets import PhotoSet, choose_set, find_sets, read_set
from castproof.data.placing import Placed, Survey, bytes_to_copy, check_apart, fill, survey
from castproof.data.splits import TEST_SHARE, VAL_SHARE
from castproof.files import write_error, write_json
from castproof.progress import SILENT, Progress

RECORD: Final = "castproof-import.json"


@dataclass(frozen=True)
class ImportResult:
    """What an import did, or would do.

    Args:
        dest: the folder that contains the photos.
        set_name: the data set that was taken from the source.
        left_out: number of photos that were left out, by the name of their set ("" for those outside of any set).
        nested: archives in the source, which were not opened.
        others: files in an archive that are no photos.
        manifest: the photos as they lie in `dest`, with their splits and hashes; unreadable ones apart.
        made: the splits that the source did not have and castproof made.
        missing: number of photos that `dest` lacked.
        placed: what was written; None on a dry run.
    """

    dest: Path
    set_name: str
    left_out: dict[str, int]
    nested: tuple[str, ...]
    others: tuple[str, ...]
    manifest: Manifest
    made: tuple[str, ...]
    missing: int
    placed: Placed | None


def import_data(
    source: Path,
    dest: Path,
    *,
    ok: Sequence[str] = (),
    set_name: str = "",
    val: float = VAL_SHARE,
    test: float = TEST_SHARE,
    seed: int = 1337,
    link: bool = False,
    skip_unreadable: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> ImportResult:
    """Return what was brought from `source` into `dest`/{train,val,test}/CLASS; `source` is not changed.

    Everything is checked before the first photo is written. Each file is whole; a stopped import goes on when it is
    called again. The record castproof-import.json is written last.

    Args:
        source: folder or zip archive.
        dest: a new or empty folder, or one that the same import has begun to fill.
        ok: names of the good class folders, where their names do not say it.
        set_name: which data set of the source; "" for the only one, or the only one with split folders.
        val: share of the photos for val, where the source has none, in (0, 1).
        test: share of the photos for test, where the source has none, in (0, 1); val + test < 1.
        seed: of the splits that are made, any integer from 0.
        link: make hard links instead of copies, where possible.
        skip_unreadable: leave out photos that cannot be decoded, and record them.
        dry_run: check everything and write nothing.
        progress: told of the photos checked, looked for and written.

    Raises:
        CastproofError: the source or the destination do not fit, or a photo cannot be read or written.
    """
    shares = Shares(val, test, seed)
    check_apart(source, dest)
    with open_source(source) as opened:
        sets = find_sets(list(opened.photos), ok, source=source.resolve().stem)
        chosen = choose_set(sets, set_name)
        photos = read_set(chosen)
        recognise_classes([photo.class_name for photo in photos], ok)
        hashes, unreadable = check_photos(
            photos, opened.photos, skip_unreadable=skip_unreadable, progress=progress
        )
        plan = make_plan(photos, opened.photos, hashes, dest, ok=ok, shares=shares)
        found = survey(plan.placements, dest, allowed=(RECORD,), progress=progress)
        result = ImportResult(
            dest=dest,
            set_name=chosen.name,
            left_out=_left_out(opened, sets, chosen),
            nested=opened.nested,
            others=opened.others,
            manifest=replace(plan.manifest, unreadable=unreadable),
            made=plan.made,
            missing=len(found.missing),
            placed=None,
        )
        check_room(bytes_to_copy(found.missing, dest, link=link), dest)
        if dry_run:
            return result
        placed = _write(found, dest, link=link, progress=progress)
    result = replace(result, placed=placed)
    if found.missing or not (dest / RECORD).exists():
        options = {"ok": list(ok), "set": set_name, "val": val, "test": test, "seed": seed}
        write_json(dest / RECORD, _record(source, result, options))
    return result


def _write(found: Survey, dest: Path, *, link: bool, progress: Progress) -> Placed:
    """Return what was written; the record is gone as long as `dest` is not complete."""
    if found.missing:
        try:
            (dest / RECORD).unlink(missing_ok=True)
        except OSError as error:
            raise write_error(dest / RECORD, error) from error
    return fill(found, dest, link=link, progress=progress)


def _left_out(opened: OpenSource, sets: Sequence[PhotoSet], chosen: PhotoSet) -> dict[str, int]:
    outside = len(opened.photos) - sum(len(one.files) for one in sets)
    others = {one.name: len(one.files) for one in sets if one != chosen}
    return others | ({"": outside} if outside else {})


def _record(source: Path, result: ImportResult, options: dict[str, Any]) -> dict[str, Any]:
    manifest = result.manifest
    record = {
        "castproof": __version__,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "source": str(source.resolve()),
        "set": result.set_name,
        "options": options,
        "made": list(result.made),
        "counts": manifest.counts(),
        "data_hash": manifest.data_hash(),
        "unreadable": [{"file": one.file, "reason": one.reason} for one in manifest.unreadable],
        "left_out": result.left_out,
    }
    return {key: _encodable(value) for key, value in record.items()}


def _encodable(value: Any) -> Any:
    """Return `value` with every text as valid Unicode; names of files need not be."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_encodable(one) for one in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(one) for key, one in value.items()}
    return value
