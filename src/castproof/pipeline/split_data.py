"""Making a new split of a data set in a folder of its own; the data set stays as it is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from castproof.data.audit.parts import LabelConflict
from castproof.data.balance import Balance, balance, balance_of
from castproof.data.destination import check_room
from castproof.data.folders import read_folders, verify_photos
from castproof.data.folds import Folds, check_folds, fold_photos
from castproof.data.left_out import Allow, ClassShare, class_shares, conflicts, put_aside, without_copies
from castproof.data.manifest import Manifest, Photo
from castproof.data.photo_names import names_in_class
from castproof.data.placing import Placed, bytes_to_copy, check_apart, fill, survey
from castproof.data.splits import TEST_SHARE, VAL_SHARE, check_seed, check_shares, split_photos
from castproof.errors import SettingError
from castproof.files import beside
from castproof.pipeline.part_ids import known_parts
from castproof.pipeline.split_plan import SAME, Round, SplitPlan
from castproof.progress import SILENT, Progress
from castproof.settings import BY_PICTURE, check_parts

BY = ("part", "image")
SET_ASIDE = "_set_aside"


@dataclass(frozen=True)
class SplitSettings:
    """How to split.

    Args:
        by: what stays together: "part", or "image" for nothing but identical files.
        parts: which photos show one part, a value of --parts; with "part" alone.
        val: share of the photos for validation, in (0, 1); None for 0.15.
        test: share of the photos for the test, in (0, 1), val + test < 1; None for 0.15.
        folds: number of folds for cross-validation, 3 or more, instead of val and test.
        seed: any integer from 0.
        set_aside: put photos whose label is in doubt beside the split instead of into it.
        drop_duplicates: leave out byte-identical copies within a class.
        link: make hard links instead of copies, where possible.

    Raises:
        SettingError: a value is out of its range, `folds` stands beside `val` or `test`, or `parts` beside "image".
    """

    by: str = "part"
    parts: str = BY_PICTURE
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
                "--by does not fit.",
                rule=f"One of: {', '.join(BY)}.",
                found=f"It is {self.by!r}.",
                fix="Leave it out to keep the photos of one part together.",
            )
        check_parts(self.parts)
        if self.by == "image" and self.parts != BY_PICTURE:
            raise SettingError(
                "--by image was given together with --parts.",
                rule="A split by image does not look at parts.",
                fix="Leave --by image out; where every photo shows another part: --parts by-file.",
            )
        check_seed(self.seed)
        if self.folds is None:
            check_shares(*self.shares)
            return
        if self.val is not None or self.test is not None:
            raise SettingError(
                "--folds was given together with --val or --test.",
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
        whole: all photos with their parts.
        balance: photos, parts and classes of each split, or of each fold.
        placed: how many photos were copied or linked into the destination.
        conflicts: parts that carry both labels and are in the split all the same.
        aside: photos that were set aside.
        aside_folder: where they lie.
        copies: number of identical copies that were left out.
        unreadable: number of photos that cannot be decoded and were left out.
    """

    whole: Manifest
    balance: Balance
    placed: Placed
    conflicts: tuple[LabelConflict, ...]
    aside: tuple[Photo, ...]
    aside_folder: Path
    copies: int
    unreadable: int

    @property
    def shares_aside(self) -> tuple[ClassShare, ...]:
        """How much of each class was set aside."""
        aside = {photo.file for photo in self.aside}
        return class_shares([one for one in self.whole.photos if one.file not in aside], self.aside)


def split_data(
    data: Path,
    dest: Path,
    settings: SplitSettings,
    *,
    ok: Sequence[str] = (),
    skip_unreadable: bool = False,
    allow_aside: Allow = lambda _: False,
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
        allow_aside: asked where a large share of a class would be set aside.
        progress: told of the photos checked, compared and placed.

    Raises:
        CastproofError: the photos, the number of parts or the destination do not fit.
    """
    found = read_folders(data, ok)
    aside_folder = beside(dest, SET_ASIDE)
    for folder in (dest, aside_folder):
        check_apart(data, folder)
    names = names_in_class(found.photos)
    found = found.unsplit()
    found = verify_photos(found, skip_unreadable=skip_unreadable, progress=progress)
    whole = (
        known_parts(found, settings.parts, progress=progress).manifest
        if settings.by == "part"
        else _with_same_files(found)
    )
    kept, copies = without_copies(whole) if settings.drop_duplicates else (whole, {})
    kept, aside = put_aside(kept, allow_aside) if settings.set_aside else (kept, ())
    rounds, reached, folds = _rounds(kept, settings)
    plan = SplitPlan(whole, names, rounds, folds, copies, aside, aside_folder)
    placed = _place(plan, dest, link=settings.link, progress=progress)
    return SplitResult(
        whole, reached, placed, conflicts(kept), aside, aside_folder, len(copies), len(found.unreadable)
    )


def _place(plan: SplitPlan, dest: Path, *, link: bool, progress: Progress) -> Placed:
    """Return what was done to put everything into `dest`; what stands against it is found before the first file."""
    lacking = survey(plan.placements(), dest, allowed=plan.tables(), progress=progress)
    lacking_aside = (
        survey(plan.placements_aside(), plan.aside_folder, progress=progress) if plan.aside else None
    )
    plan.refuse_other_tables(dest)
    missing = (*lacking.missing, *(lacking_aside.missing if lacking_aside else ()))
    check_room(bytes_to_copy(missing, dest, link=link), dest)
    if lacking_aside:
        fill(lacking_aside, plan.aside_folder, link=link, progress=progress)
    placed = fill(lacking, dest, link=link, progress=progress)
    plan.write_tables(dest)
    return placed


def _with_same_files(manifest: Manifest) -> Manifest:
    """Return `manifest` with identical files as one part; the part of all others is unknown."""
    times = Counter(photo.sha256 for photo in manifest.photos)
    photos = (
        replace(one, part=f"{SAME}{one.sha256[:12]}") if times[one.sha256] > 1 else one
        for one in manifest.photos
    )
    return replace(manifest, photos=tuple(photos))


def _rounds(manifest: Manifest, settings: SplitSettings) -> tuple[list[Round], Balance, Folds | None]:
    if settings.folds is None:
        val, test = settings.shares
        split = split_photos(manifest, val=val, test=test, seed=settings.seed)
        return [Round("", split)], balance(split), None
    folds = fold_photos(manifest, settings.folds, seed=settings.seed)
    numbers = range(1, folds.count + 1)
    reached = balance_of(manifest.photos, [str(one) for one in folds.of_photo], [str(one) for one in numbers])
    return [Round(f"fold_{number}/", folds.split(number)) for number in numbers], reached, folds
