"""Making a new split of a data set in a folder of its own; the data set stays as it is."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from castproof.data.audit.parts import LabelConflict
from castproof.data.balance import Balance, balance, balance_of
from castproof.data.folders import read_folders, verify_photos
from castproof.data.folds import Folds, check_folds, fold_photos
from castproof.data.left_out import conflicts, without_conflicts, without_copies
from castproof.data.manifest import Manifest, Photo
from castproof.data.photo_names import names_in_class
from castproof.data.placing import FileSource, Placed, Placement, check_apart, fill, survey
from castproof.data.splits import TEST_SHARE, VAL_SHARE, check_seed, check_shares, split_photos
from castproof.errors import SettingError
from castproof.files import write_csv
from castproof.pipeline.part_ids import with_parts
from castproof.progress import SILENT, Progress

BY = ("part", "image")
LEFT_OUT_COLUMNS = ("file", "class", "part", "reason", "placed")
SET_ASIDE = "_set_aside"
_SAME = "same-"  # identical files, where parts are not looked for


@dataclass(frozen=True)
class SplitSettings:
    """How to split.

    Args:
        by: what stays together: "part", or "image" for nothing but identical files.
        val: share of the photos for validation, in (0, 1); None for 0.15.
        test: share of the photos for the test, in (0, 1), val + test < 1; None for 0.15.
        folds: number of folds for cross-validation, 3 or more, instead of val and test.
        seed: any integer from 0.
        set_aside: put photos whose label is in doubt beside the split instead of into it.
        drop_duplicates: leave out byte-identical copies within a class.
        link: make hard links instead of copies, where possible.

    Raises:
        SettingError: a value is out of its range, or `folds` stands beside `val` or `test`.
    """

    by: str = "part"
    val: float | None = None
    test: float | None = None
    folds: int | None = None
    seed: int = 1337
    set_aside: bool = False
    drop_duplicates: bool = False
    link: bool = False

    def __post_init__(self) -> None:
        if self.by not in BY:
            raise SettingError(
                "--by does not fit.", rule=f"One of: {', '.join(BY)}.", found=f"It is {self.by!r}."
            )
        check_seed(self.seed)
        if self.folds is None:
            check_shares(*self.shares)
            return
        if self.val is not None or self.test is not None:
            raise SettingError(
                "--folds stands together with --val or --test.",
                rule="Every fold is the test photos once and the validation photos once, so their shares follow.",
                fix="Give either --folds, or --val and --test.",
            )
        check_folds(self.folds)

    @property
    def shares(self) -> tuple[float, float]:
        """The shares of val and test."""
        return (
            VAL_SHARE if self.val is None else self.val,
            TEST_SHARE if self.test is None else self.test,
        )


@dataclass(frozen=True)
class SplitResult:
    """What was made.

    Args:
        balance: photos, parts and classes of each split, or of each fold.
        placed: how many photos were copied or linked into the destination.
        conflicts: parts that carry both labels and are in the split all the same.
        aside: photos that were set aside.
        aside_folder: where they lie.
        copies: number of identical copies that were left out.
        unreadable: number of photos that cannot be decoded and were left out.
    """

    balance: Balance
    placed: Placed
    conflicts: tuple[LabelConflict, ...]
    aside: tuple[Photo, ...]
    aside_folder: Path
    copies: int
    unreadable: int


@dataclass(frozen=True)
class _Round:
    """One split of the photos: the folder below the destination that receives it ("" for itself)."""

    folder: str
    manifest: Manifest

    def placements(self, names: Mapping[str, str]) -> list[Placement]:
        return [
            _placement(self.manifest, photo, f"{self.folder}{photo.split}/{names[photo.file]}")
            for photo in self.manifest.photos
        ]

    def write_manifest(self, dest: Path, names: Mapping[str, str]) -> None:
        photos = [
            replace(
                one,
                file=f"{one.split}/{names[one.file]}",
                part="" if one.part.startswith(_SAME) else one.part,
            )
            for one in self.manifest.photos
        ]
        placed = replace(self.manifest, photos=tuple(sorted(photos, key=lambda one: one.file)), unreadable=())
        placed.write_csv(dest / self.folder / "manifest.csv")


def split_data(
    data: Path,
    dest: Path,
    settings: SplitSettings,
    *,
    ok: Sequence[str] = (),
    skip_unreadable: bool = False,
    progress: Progress = SILENT,
) -> SplitResult:
    """Return what was done to make a new split of the photos in `data` under `dest`.

    Writes `dest/{train,val,test}/CLASS/*` and `dest/manifest.csv`, with folds the same below `dest/fold_1` and so on
    and `dest/folds.csv`; `dest/left_out.csv` lists the photos that are not there. Splits of `data` are ignored.
    Nothing in `data` is changed. A run that was stopped goes on when it is started again.

    Args:
        data: folder of class folders, with or without train, val and test.
        dest: a folder that is empty or not there, outside of `data`.
        settings: how to split.
        ok: names of the good class folders, where their names do not say it.
        skip_unreadable: go on without photos that cannot be decoded.
        progress: told of the photos checked, compared and placed.

    Raises:
        CastproofError: the photos, the number of parts or the destination do not fit.
    """
    found = read_folders(data, ok)
    aside_folder = _beside(dest)
    for folder in (dest, aside_folder):
        check_apart(data, folder)
    names = names_in_class(found.photos)
    found = replace(found, photos=tuple(replace(photo, split="") for photo in found.photos))
    found = verify_photos(found, skip_unreadable=skip_unreadable, progress=progress)
    whole = with_parts(found, progress=progress)[0] if settings.by == "part" else _with_same_files(found)
    kept, copies = without_copies(whole) if settings.drop_duplicates else (whole, {})
    kept, aside = without_conflicts(kept) if settings.set_aside else (kept, ())
    rounds, reached, folds = _rounds(kept, settings)
    placements = [one for each in rounds for one in each.placements(names)]
    set_aside = [_placement(found, photo, names[photo.file]) for photo in aside]
    tables = {"left_out.csv", *(f"{one.folder}manifest.csv" for one in rounds)} | (
        {"folds.csv"} if folds else set()
    )
    lacking = survey(placements, dest, allowed=tables, progress=progress)
    if set_aside:
        fill(survey(set_aside, aside_folder), aside_folder, link=settings.link, progress=progress)
    placed = fill(lacking, dest, link=settings.link, progress=progress)
    _write_tables(dest, rounds, folds, names)
    _write_left_out(dest, whole, copies, aside, names)
    return SplitResult(
        reached, placed, conflicts(kept), aside, aside_folder, len(copies), len(found.unreadable)
    )


def _beside(dest: Path) -> Path:
    named = dest if dest.name not in ("", "..") else dest.resolve()
    return named.with_name(named.name + SET_ASIDE)


def _with_same_files(manifest: Manifest) -> Manifest:
    """Return `manifest` with identical files as one part; the part of all others is unknown."""
    times = Counter(photo.sha256 for photo in manifest.photos)
    photos = (
        replace(one, part=f"{_SAME}{one.sha256[:12]}") if times[one.sha256] > 1 else one
        for one in manifest.photos
    )
    return replace(manifest, photos=tuple(photos))


def _rounds(manifest: Manifest, settings: SplitSettings) -> tuple[list[_Round], Balance, Folds | None]:
    if settings.folds is None:
        val, test = settings.shares
        split = split_photos(manifest, val=val, test=test, seed=settings.seed)
        return [_Round("", split)], balance(split), None
    folds = fold_photos(manifest, settings.folds, seed=settings.seed)
    numbers = range(1, folds.count + 1)
    reached = balance_of(manifest.photos, [str(one) for one in folds.of_photo], [str(one) for one in numbers])
    return [_Round(f"fold_{number}/", folds.split(number)) for number in numbers], reached, folds


def _placement(manifest: Manifest, photo: Photo, target: str) -> Placement:
    return Placement(FileSource(manifest.path(photo), photo.file), target, photo.sha256)


def _write_tables(
    dest: Path, rounds: Sequence[_Round], folds: Folds | None, names: Mapping[str, str]
) -> None:
    for one in rounds:
        one.write_manifest(dest, names)
    if folds is not None:
        folds.write_csv(dest / "folds.csv")


def _write_left_out(
    dest: Path,
    manifest: Manifest,
    copies: Mapping[str, Photo],
    aside: Collection[Photo],
    names: Mapping[str, str],
) -> None:
    """Write the photos of `manifest` that are not in `dest`, why, and where those lie that were set aside."""
    by_file = {photo.file: photo for photo in manifest.photos}
    rows = [
        (file, by_file[file].class_name, by_file[file].part, f"a copy of {kept.file}", "")
        for file, kept in copies.items()
    ]
    folder = _beside(dest).name
    rows += [
        (one.file, one.class_name, one.part, "its part carries both labels", f"{folder}/{names[one.file]}")
        for one in aside
    ]
    rows += [(bad.file, "", "", f"unreadable: {bad.reason}", "") for bad in manifest.unreadable]
    write_csv(dest / "left_out.csv", LEFT_OUT_COLUMNS, sorted(rows))
