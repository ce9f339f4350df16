"""The list of a data set's photos: file, split, class, part and content hash."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from castproof.data.classes import Classes
from castproof.errors import DataError
from castproof.files import CSV_ERRORS, unguarded, write_csv

SPLITS = ("train", "val", "test")
COLUMNS = (
    "file",
    "split",
    "class",
    "defective",
    "defect_type",
    "sha256",
    "part",
    "confidence",
    "part_from",
    "flags",
    "unreadable",
)
EARLIER_COLUMNS: Final = tuple(
    name for name in COLUMNS if name != "part_from"
)  # as older versions wrote them
PICTURE: Final = "picture"
FILE: Final = "file"
FOLDER: Final = "folder"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class Photo:
    """One photo of a data set.

    Args:
        file: path relative to the data root, with forward slashes.
        split: train, val or test; "" as long as it is not split.
        class_name: name of its class folder.
        defective: whether that class is defective.
        defect_type: the class name of a defective photo, "" for a good one.
        part: identity of the physical part that it shows, "" where unknown.
        sha256: hex digest of the file's bytes, "" until the photo was verified.
        confidence: how sure `part` is, in [0, 1]; None where a person named it.
        part_from: how `part` is known: PICTURE, FILE, FOLDER, "pattern REGEX" or "table NAME", or UNKNOWN, where parts
            cannot be told apart and each photo counts as a part; "" where nothing says it.
        flags: what the audit noticed about the photo, for example "leak" or "blurred".
    """

    file: str
    split: str
    class_name: str
    defective: bool
    defect_type: str
    part: str = ""
    sha256: str = ""
    confidence: float | None = None
    part_from: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnreadablePhoto:
    """A photo that could not be decoded, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Manifest:
    """The photos of a data set under `root`; those that could not be decoded are kept apart."""

    root: Path
    classes: Classes
    photos: tuple[Photo, ...]
    unreadable: tuple[UnreadablePhoto, ...] = ()

    def path(self, photo: Photo) -> Path:
        """Return where the file of `photo` lies."""
        return self.root / photo.file

    def of_split(self, name: str) -> tuple[Photo, ...]:
        """Return the photos of split `name`, in the manifest's order."""
        return tuple(photo for photo in self.photos if photo.split == name)

    def unsplit(self) -> "Manifest":
        """Return the same photos without their splits."""
        return replace(self, photos=tuple(replace(photo, split="") for photo in self.photos))

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of photos by split (those that occur) and class (all of them, 0 included)."""
        found = Counter((photo.split, photo.class_name) for photo in self.photos)
        splits = [split for split in ("", *SPLITS) if any(key[0] == split for key in found)]
        return {split: {name: found[split, name] for name in self.classes.names} for split in splits}

    def data_hash(self) -> str:
        """Return a hex SHA-256 of every photo's file, content, split and class, whatever their order."""
        digest = hashlib.sha256()
        for row in sorted((p.file, p.sha256, p.split, p.class_name) for p in self.photos):
            digest.update(json.dumps(row).encode("ascii") + b"\n")
        return digest.hexdigest()

    def write_csv(self, path: Path) -> None:
        """Write the manifest to `path`; `read_csv` gives it back. Raises OutputError."""
        unreadable = [(bad.file, *[""] * (len(COLUMNS) - 2), bad.reason) for bad in self.unreadable]
        write_csv(path, COLUMNS, [*map(_row, self.photos), *unreadable])


def read_csv(path: Path, root: Path) -> Manifest:
    """Return the manifest that `Manifest.write_csv` wrote to `path`, for photos under `root`.

    Raises:
        DataError: the file is missing, or is not such a manifest.
    """
    try:
        with path.open(encoding="utf-8-sig", errors=CSV_ERRORS, newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = tuple(reader.fieldnames or ())
            if columns not in (COLUMNS, EARLIER_COLUMNS):
                raise _manifest_error(path, f"its columns are {', '.join(columns) or 'missing'}")
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, csv.Error) as error:
        raise _manifest_error(path, str(error)) from error
    photos: list[Photo] = []
    unreadable: list[UnreadablePhoto] = []
    for line, row in rows:
        if len(row) != len(columns) or None in row.values():
            raise _manifest_error(path, f"line {line} does not have {len(columns)} cells")
        cells = {name: unguarded(text) for name, text in row.items()}
        if cells["unreadable"]:
            unreadable.append(UnreadablePhoto(cells["file"], cells["unreadable"]))
        else:
            photos.append(_photo(cells, path, line))
    return Manifest(root, _classes(photos, path), tuple(photos), tuple(unreadable))


def _row(photo: Photo) -> tuple[object, ...]:
    return (
        photo.file,
        photo.split,
        photo.class_name,
        int(photo.defective),
        photo.defect_type,
        photo.sha256,
        photo.part,
        "" if photo.confidence is None else f"{photo.confidence:.3f}",
        photo.part_from,
        ";".join(photo.flags),
        "",
    )


def _photo(cells: Mapping[str, str], path: Path, line: int) -> Photo:
    file = PurePosixPath(cells["file"])
    if not cells["file"] or file.is_absolute() or ".." in file.parts:
        raise _manifest_error(
            path, f"line {line} names {cells['file']!r}, which is not below the data folder"
        )
    if cells["split"] not in ("", *SPLITS) or cells["defective"] not in ("0", "1") or not cells["class"]:
        raise _manifest_error(path, f"line {line} has no valid split, class or defective (0 or 1)")
    confidence = _confidence(cells["confidence"], path, line)
    return Photo(
        cells["file"],
        cells["split"],
        cells["class"],
        cells["defective"] == "1",
        cells["defect_type"],
        cells["part"],
        cells["sha256"],
        confidence,
        cells.get("part_from", "" if confidence is None else PICTURE),
        tuple(filter(None, cells["flags"].split(";"))),
    )


def _confidence(text: str, path: Path, line: int) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise _manifest_error(path, f"line {line} has the confidence {text!r}, which is not in [0, 1]")
    return value


def _classes(photos: list[Photo], path: Path) -> Classes:
    labels = {(photo.class_name, photo.defective) for photo in photos}
    good = tuple(sorted(name for name, defective in labels if not defective))
    defective = tuple(sorted(name for name, defective in labels if defective))
    both = set(good) & set(defective)
    if both:
        raise _manifest_error(path, f"class {sorted(both)[0]!r} is good in one line and defective in another")
    return Classes(good, defective)


def _manifest_error(path: Path, found: str) -> DataError:
    return DataError(
        f"{path} is not a readable manifest.",
        rule=f"It has the columns {', '.join(COLUMNS)}.",
        found=f"Found: {found}.",
        fix="Make it again from the photos.",
    )
