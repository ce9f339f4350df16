"""The photos of a training run or a cross-validation: read, verified, with their parts, in the splits asked for."""

from dataclasses import dataclass, replace
from pathlib import Path

from castproof.data.folders import read_folders, verify_photos
from castproof.data.folds import LEAST_FOLDS, Folds, fold_photos, most_folds
from castproof.data.left_out import Allow, put_aside
from castproof.data.manifest import Manifest, Photo
from castproof.data.splits import split_photos
from castproof.errors import SettingError
from castproof.model.learning import TRAIN
from castproof.pipeline.part_ids import known_parts
from castproof.progress import Progress
from castproof.settings import DISTANCE, TrainSettings


@dataclass(frozen=True)
class TrainingPhotos:
    """The photos of a training run.

    Args:
        manifest: in their splits; what is in none of them is in train.
        aside: left out, since their label is in doubt.
        folds: the photos of train in folds over parts, for evidence; None where the network learns by epochs, for
            which validation photos are the evidence, or where there are too few parts.
    """

    manifest: Manifest
    aside: tuple[Photo, ...]
    folds: Folds | None

    @property
    def good_only(self) -> bool:
        """Whether there are photos of good parts alone; then all of them are in train."""
        return not self.manifest.classes.defective


def read_photos(
    settings: TrainSettings, progress: Progress, allow_aside: Allow, *, may_lack_defects: bool = False
) -> tuple[Manifest, tuple[Photo, ...]]:
    """Return the verified photos with the part that each of them shows, split as in their folder; and those left out.

    Args:
        settings: what to read, and whether photos with a doubtful label are left out.
        progress: told of every photo.
        allow_aside: asked where a large share of a class would be left out.
        may_lack_defects: whether a folder of good parts alone will do.

    Raises:
        DataError: folders or classes do not fit, or photos cannot be decoded.
    """
    manifest = read_folders(Path(settings.data), settings.ok, may_lack_defects=may_lack_defects)
    if settings.head == DISTANCE and manifest.classes.defective:
        raise SettingError(
            "--head distance does not fit these photos.",
            rule="It is the head of good parts alone; where there are defects, the network learns the difference.",
            found=f"Found the defective classes {', '.join(manifest.classes.defective)}.",
            fix="Leave --head out.",
        )
    manifest = verify_photos(manifest, skip_unreadable=settings.skip_unreadable, progress=progress)
    manifest = known_parts(manifest, settings.parts, progress=progress).manifest
    if not (settings.set_aside and manifest.classes.defective):
        return manifest, ()
    return put_aside(manifest, allow_aside)


def read_training_photos(settings: TrainSettings, progress: Progress, allow_aside: Allow) -> TrainingPhotos:
    """Return the photos of a training run in the splits that its settings ask for.

    The network learns from every photo that no split folder holds back, unless validation photos are needed to choose
    an epoch or a threshold, or a new split is asked for. Of good parts alone it learns from all photos.

    Raises:
        DataError: folders, classes or splits do not fit, or photos cannot be decoded.
    """
    manifest, aside = read_photos(settings, progress, allow_aside, may_lack_defects=True)
    if not manifest.classes.defective:
        photos = tuple(replace(photo, split=TRAIN) for photo in manifest.photos)
        return TrainingPhotos(replace(manifest, photos=photos), aside, None)
    if settings.split != "given":
        manifest = manifest.unsplit()
    if manifest.of_split(""):
        if settings.needs_validation or settings.split == "parts":
            manifest = split_photos(
                manifest, val=settings.val_share, test=settings.test_share, seed=settings.seed
            )
        else:
            photos = tuple(replace(photo, split=TRAIN) for photo in manifest.photos)
            manifest = replace(manifest, photos=photos)
    return TrainingPhotos(manifest, aside, None if settings.by_epochs else _folds(manifest, settings))


def _folds(manifest: Manifest, settings: TrainSettings) -> Folds | None:
    learnt = replace(manifest, photos=manifest.of_split(TRAIN)).unsplit()
    folds = min(settings.folds, most_folds(learnt))
    return fold_photos(learnt, folds, seed=settings.seed) if folds >= LEAST_FOLDS else None
