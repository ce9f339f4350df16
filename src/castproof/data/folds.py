"""Cutting a data set into folds for cross-validation: no part in two folds."""

from dataclasses import dataclass, replace
from pathlib import Path

from castproof.data.manifest import SPLITS, Manifest
from castproof.data.splits import MORE_PARTS, part_key, share_out
from castproof.errors import SettingError
from castproof.files import write_csv

LEAST_FOLDS = len(SPLITS)
FOLD_COLUMNS = ("file", "class", "part", "fold")


@dataclass(frozen=True)
class Folds:
    """A data set in `count` folds.

    Args:
        manifest: the photos, without a split.
        of_photo: the fold of each photo, 1 to `count`, in the manifest's order.
        count: number of folds.
    """

    manifest: Manifest
    of_photo: tuple[int, ...]
    count: int

    def split(self, fold: int, *, validates: bool = True) -> Manifest:
        """Return the photos split for one round: `fold` is test, the next one val (after the last the first),
        all others train. Over all rounds each photo is tested once and validates once.

        Args:
            fold: 1 to `count`.
            validates: False puts the photos of val into train, too.
        """
        names = {fold: "test"}
        if validates:
            names[fold % self.count + 1] = "val"
        photos = zip(self.manifest.photos, self.of_photo, strict=True)
        return replace(
            self.manifest,
            photos=tuple(replace(photo, split=names.get(home, "train")) for photo, home in photos),
        )

    def write_csv(self, path: Path) -> None:
        """Write file, class, part and fold of every photo to `path`. Raises OutputError."""
        photos = zip(self.manifest.photos, self.of_photo, strict=True)
        write_csv(path, FOLD_COLUMNS, [(one.file, one.class_name, one.part, fold) for one, fold in photos])


def fold_photos(manifest: Manifest, folds: int, *, seed: int = 1337) -> Folds:
    """Return `manifest` in folds of like size and balance, by the same rules as `split_photos`.

    Args:
        manifest: photos without a split.
        folds: number of folds, 3 or more.
        seed: any integer from 0.

    Raises:
        SettingError: the number of folds or the seed is out of its range.
        DataError: the photos have splits already, or there are fewer good or defective parts than folds.
    """
    check_folds(folds)
    rule = f"Each of the {folds} folds needs at least one {{kind}} part, so at least {folds}."
    most = most_folds(manifest)
    fix = f"Give --folds {most} or less, or add photos of more {{kind}} parts."
    home = share_out(
        manifest.photos,
        [1 / folds] * folds,
        seed=seed,
        rule=rule,
        fix=fix if most >= LEAST_FOLDS else MORE_PARTS,
    )
    return Folds(manifest, tuple(index + 1 for index in home), folds)


def most_folds(manifest: Manifest) -> int:
    """Return how many folds can hold a good and a defective part each."""
    parts = {(part_key(photo), photo.defective) for photo in manifest.photos}
    return min(sum(kind == defective for _, kind in parts) for defective in (False, True))


def check_folds(folds: int) -> None:
    """Raise SettingError where there are less than three folds."""
    if folds < LEAST_FOLDS:
        raise SettingError(
            "There are too few folds.",
            rule=f"At least {LEAST_FOLDS}: one to test, one that may be needed to validate, the others to train.",
            found=f"Found {folds}.",
            fix=f"Give --folds {LEAST_FOLDS} or more, or leave it out.",
        )
