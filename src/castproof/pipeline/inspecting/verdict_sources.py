"""The verdicts that inspectors handed in, read back: journals next to the photos, and tables of verdicts as CSV."""

import csv
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from castproof.errors import DataError, SettingError
from castproof.files import CSV_ERRORS, unguarded
from castproof.measure.decision import Verdict
from castproof.pipeline.inspecting.inspector_verdict import InspectorVerdict, latest_of
from castproof.pipeline.inspecting.verdict_database import read_file
from castproof.pipeline.inspecting.verdict_exports import COLUMNS
from castproof.pipeline.inspecting.verdict_places import ENDING, path_beside

NEEDED: Final = tuple(name for name in COLUMNS if name not in ("good_classes", "defective_classes", "agrees"))


@dataclass(frozen=True)
class VerdictSource:
    """The verdicts on the photos of one folder.

    Args:
        path: the journal or table.
        folder: the photos.
        verdicts: those that count, one per file.
        withdrawn: photos whose every verdict was taken back.
    """

    path: Path
    folder: Path
    verdicts: tuple[InspectorVerdict, ...]
    withdrawn: tuple[str, ...]


def read_verdicts(path: Path, photos: Path | None = None) -> VerdictSource:
    """Return the verdicts in `path`.

    Args:
        path: a folder of photos with its journal beside it, a journal (its name ends in .verdicts.sqlite), or a table
            of verdicts as CSV.
        photos: the folder of photos; None for the one that a journal is named after.

    Raises:
        DataError: there are no verdicts, they cannot be read, or there is no folder of photos.
    """
    journal = path_beside(path) if path.is_dir() else path
    if not journal.is_file():
        raise DataError(
            f"There are no verdicts on {path}." if path.is_dir() else f"There is no file {str(path)!r}.",
            rule="The verdicts on a folder of photos are next to it, in FOLDER.verdicts.sqlite.",
            fix="Check the path; or give the file of verdicts, and the photos with --photos.",
        )
    is_journal = journal.name.endswith(ENDING)
    named = journal.with_name(journal.name.removesuffix(ENDING)) if is_journal else None
    folder = photos or (path if path.is_dir() else named)
    if folder is None or not folder.is_dir():
        raise DataError(
            f"It is not known where the photos of {path} are.",
            rule="A journal is next to its folder and named after it; a table does not name the folder.",
            fix="Give the folder: --photos FOLDER.",
        )
    return _from_journal(journal, folder) if is_journal else _from_table(journal, folder)


def _from_journal(path: Path, folder: Path) -> VerdictSource:
    try:
        entries = read_file(path)
    except sqlite3.Error as error:
        raise DataError(
            f"The verdicts in {path} cannot be read.",
            found=f"{error}.",
            fix="Open the folder in the QA Inspector, which saves what can be read.",
        ) from error
    latest = latest_of(entries)
    files = dict.fromkeys(one.file for one in entries)
    return VerdictSource(
        path, folder, tuple(latest.values()), tuple(one for one in files if one not in latest)
    )


def _from_table(path: Path, folder: Path) -> VerdictSource:
    try:
        with path.open(encoding="utf-8-sig", errors=CSV_ERRORS, newline="") as file:
            reader = csv.DictReader(file, strict=True)
            lacking = [name for name in NEEDED if name not in (reader.fieldnames or ())]
            if lacking:
                raise _not_a_table(path, f"it has no column {', '.join(lacking)}")
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, csv.Error) as error:
        raise _not_a_table(path, str(error)) from error
    by_file: dict[str, InspectorVerdict] = {}
    for one in _verdicts(path, rows):
        earlier = by_file.get(one.file)
        if earlier is None or earlier.when <= one.when:
            by_file[one.file] = one
    return VerdictSource(path, folder, tuple(by_file.values()), ())


def _verdicts(path: Path, rows: list[tuple[int, dict[str, str]]]) -> Iterator[InspectorVerdict]:
    for line, row in rows:
        try:
            yield _verdict({name: unguarded(row[name]) for name in NEEDED})
        except (ValueError, TypeError, AttributeError, SettingError) as error:
            raise _not_a_table(path, f"line {line} is no verdict: {error}") from error


def _verdict(row: Mapping[str, str]) -> InspectorVerdict:
    return InspectorVerdict(
        file=row["file"],
        sha256=row["sha256"],
        model_id=row["model"],
        threshold=float(row["threshold"]),
        reject_from=float(row["reject_from"]),
        p_defective=float(row["p_defective"]) if row["p_defective"] else None,
        verdict=Verdict(row["verdict"]),
        decided=Verdict(row["decided"]),
        reason=row["reason"],
        comment=row["comment"],
        inspector=row["inspector"],
        when=row["when"],
    )


def _not_a_table(path: Path, found: str) -> DataError:
    return DataError(
        f"{path} is not a table of verdicts.",
        rule="It is what the QA Inspector writes with Verdicts as CSV.",
        found=f"Found: {found}.",
        fix="Write it again in the QA Inspector, or give the folder of photos, whose verdicts are next to it.",
    )
