"""What a split puts into its folder: photos, the tables beside them, and where photos in doubt go."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from castproof.data.folds import Folds
from castproof.data.manifest import Manifest, Photo
from castproof.data.placing import FileSource, Placement
from castproof.errors import DataError
from castproof.files import write_csv
from castproof.wording import counted

MANIFEST = "manifest.csv"
FOLDS = "folds.csv"
LEFT_OUT = "left_out.csv"
LEFT_OUT_COLUMNS = ("file", "class", "part", "reason", "placed")
SAME = "same-"  # begins the part of identical files, where parts are not looked for


@dataclass(frozen=True)
class Round:
    """One split of the photos: the folder below the destination that receives it ("" for itself)."""

    folder: str
    manifest: Manifest

    def placements(self, names: Mapping[str, str]) -> list[Placement]:
        """Return where the photos go, by their names in a split."""
        return [
            _placement(self.manifest, photo, f"{self.folder}{photo.split}/{names[photo.file]}")
            for photo in self.manifest.photos
        ]

    def write_manifest(self, dest: Path, names: Mapping[str, str]) -> None:
        """Write manifest.csv with the photos as they lie in the split."""
        photos = [
            replace(
                one,
                file=f"{one.split}/{names[one.file]}",
                part="" if one.part.startswith(SAME) else one.part,
            )
            for one in self.manifest.photos
        ]
        placed = replace(self.manifest, photos=tuple(sorted(photos, key=lambda one: one.file)), unreadable=())
        placed.write_csv(dest / self.folder / MANIFEST)


@dataclass(frozen=True)
class SplitPlan:
    """Everything that a split makes.

    Args:
        whole: all photos of the data set with their parts; unreadable ones apart.
        names: path below its split folder for the file of every photo.
        rounds: one split, or one for each fold.
        folds: the folds, where such are made.
        copies: the photo that stays, for the file of each copy that is left out.
        aside: photos that are set aside.
        aside_folder: where these go.
    """

    whole: Manifest
    names: Mapping[str, str]
    rounds: Sequence[Round]
    folds: Folds | None
    copies: Mapping[str, Photo]
    aside: Sequence[Photo]
    aside_folder: Path

    def placements(self) -> list[Placement]:
        """Return where each photo of each round goes."""
        return [one for each in self.rounds for one in each.placements(self.names)]

    def placements_aside(self) -> list[Placement]:
        """Return where the photos go that are set aside."""
        return [_placement(self.whole, photo, self.names[photo.file]) for photo in self.aside]

    def tables(self) -> set[str]:
        """Return the tables that are written, as paths below the destination."""
        manifests = {f"{one.folder}{MANIFEST}" for one in self.rounds}
        return manifests | {LEFT_OUT} | ({FOLDS} if self.folds else set())

    def write_tables(self, dest: Path) -> None:
        """Write `tables` into `dest`."""
        for one in self.rounds:
            one.write_manifest(dest, self.names)
        if self.folds is not None:
            self.folds.write_csv(dest / FOLDS)
        write_csv(dest / LEFT_OUT, LEFT_OUT_COLUMNS, sorted(self._left_out()))

    def refuse_other_tables(self, dest: Path) -> None:
        """Raise DataError where one of `tables` lies in `dest` already, with other content than it would get."""
        with TemporaryDirectory() as folder:
            self.write_tables(Path(folder))
            other = [
                name
                for name in sorted(self.tables())
                if os.path.lexists(dest / name) and not _same_content(dest / name, Path(folder, name))
            ]
        if other:
            raise DataError(
                f"{dest} holds {counted(len(other), 'table')} of other content than this split would write there.",
                rule="A file that is there is never replaced. Nothing was written.",
                fix="Choose another destination, or move what is listed away.",
                items=other,
            )

    def _left_out(self) -> Iterator[tuple[str, ...]]:
        """Yield the photos that are not in the split, why, and where those lie that are set aside."""
        by_file = {photo.file: photo for photo in self.whole.photos}
        for file, kept in self.copies.items():
            copy = by_file[file]
            yield file, copy.class_name, copy.part, f"a copy of {kept.file}", ""
        for one in self.aside:
            place = f"{self.aside_folder.name}/{self.names[one.file]}"
            yield one.file, one.class_name, one.part, "its part carries both labels", place
        for bad in self.whole.unreadable:
            yield bad.file, "", "", f"unreadable: {bad.reason}", ""


def _placement(manifest: Manifest, photo: Photo, target: str) -> Placement:
    return Placement(FileSource(manifest.path(photo), photo.file), target, photo.sha256)


def _same_content(one: Path, other: Path) -> bool:
    try:
        return one.read_bytes() == other.read_bytes()
    except OSError:
        return False
