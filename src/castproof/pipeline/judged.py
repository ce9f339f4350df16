"""Photos judged by networks that were not trained on their parts: what decisions are made and told from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from castproof.data.manifest import Manifest, Photo, read_csv
from castproof.data.splits import numbered, part_key
from castproof.errors import BrokenRunError, DataError, RunError, SettingError
from castproof.files import read_json, read_rows, unguarded
from castproof.gate.calibrator import logit_of
from castproof.gate.evidence import Evidence, share_out_folds
from castproof.run_folder import CROSSVAL_PLAN, RunFolder, is_written
from castproof.settings import DISTANCE, TrainSettings
from castproof.wording import counted

RUN: Final = "run"
CROSSVAL: Final = "crossval"
OF_ONE_RUN: Final = frozenset(
    {
        "data",
        "folds",
        "set_aside",
        "parts",
        "split",
        "ok",
        "val_share",
        "test_share",
        "skip_unreadable",
        "num_workers",
        "device",
        "seed",
    }
)


@dataclass(frozen=True, eq=False)
class Judged:
    """Photos with the verdict of a network that was not trained on their parts.

    Args:
        photos: the photos.
        evidence: what the network says about them, in the same order.
    """

    photos: tuple[Photo, ...]
    evidence: Evidence

    def without_parts_of(self, others: Sequence[Photo]) -> "Judged":
        """Return the photos of parts that none of `others` shows, by content: elsewhere parts have other names."""
        files = {one.sha256 for one in others if one.sha256}
        parts = {part_key(one) for one in self.photos if one.sha256 in files}
        keep = np.array([part_key(one) not in parts for one in self.photos])
        photos = tuple(photo for photo, kept in zip(self.photos, keep, strict=True) if kept)
        if not photos:
            raise _no_evidence("All of its parts are tested.")
        return Judged(photos, self.evidence.rows(keep))


@dataclass(frozen=True, eq=False)
class Source:
    """What a run or a cross-validation says of parts that its networks were not trained on.

    Args:
        folder: its folder.
        kind: RUN or CROSSVAL.
        settings: those of its training.
        manifest: all photos of the run, or of the cross-validation.
        weights_hash: of the starting weights.
        evidence_kind: RUN or CROSSVAL: whose photos `evidence` are.
        evidence: photos to decide on: those of a cross-validation, or the validation photos of a run without one.
        evidence_folder: the cross-validation that judged them; None where the run's own network did.
        tested: photos to tell the result of: the test photos of a run; None for a cross-validation, or without any.
        known: photos of val and test that count for nothing, since their part is in train (or, of test, in val).
            Where a cross-validation is the evidence, those of val count for nothing in any case.
    """

    folder: Path
    kind: str
    settings: TrainSettings
    manifest: Manifest
    weights_hash: str
    evidence_kind: str
    evidence: Judged
    evidence_folder: Path | None
    tested: Judged | None
    known: int

    @property
    def evidence_chose_the_network(self) -> bool:
        """Whether the photos to decide on also decided which epoch of training was kept."""
        return self.evidence_kind == RUN and not self.settings.keeps_last

    def network_of(self, photo: Photo) -> RunFolder:
        """Return the run whose network was not trained on the part of `photo`."""
        row = next((row for row, one in enumerate(self.evidence.photos) if one.file == photo.file), None)
        if self.evidence_folder is None or row is None:
            return RunFolder(self.folder)
        return RunFolder(self.evidence_folder / f"fold_{int(self.evidence.evidence.fold[row])}")


def open_source(folder: Path) -> Source:
    """Return what the run or cross-validation in `folder` tells.

    Raises:
        RunError: it is neither, or not complete.
        DataError: every photo that was judged shows a part that is in train.
    """
    check_source(folder)
    return _open_crossval(folder) if (folder / CROSSVAL_PLAN).is_file() else _open_run(RunFolder(folder))


def check_source(folder: Path) -> None:
    """Raise RunError where `folder` is no run and no cross-validation; neither is read."""
    if not (folder / CROSSVAL_PLAN).is_file() and not RunFolder(folder).hparams.is_file():
        raise RunError(
            f"{folder} is no run and no cross-validation."
            if folder.is_dir()
            else f"There is no folder {folder}.",
            rule="It must be a folder made by castproof train or castproof crossval.",
            fix="Give for example runs/mobilenet_… or runs/crossval_…",
        )


def with_evidence_of(run: Source, crossval: Source) -> Source:
    """Return `run` with the photos of a cross-validation as evidence, less the parts that the run is tested with.

    Raises:
        SettingError: these are not a run and a cross-validation with the same recipe and weights.
        DataError: nothing is left of the evidence.
    """
    if (run.kind, crossval.kind) != (RUN, CROSSVAL):
        raise SettingError(
            "--evidence does not fit.",
            rule="RUN is a folder made by castproof train, --evidence one made by castproof crossval.",
            found=f"Found a {run.kind} and a {crossval.kind}.",
        )
    ours, theirs = (one.settings.to_json() for one in (run, crossval))
    differing = [name for name in ours if name not in OF_ONE_RUN and ours[name] != theirs[name]]
    if run.weights_hash != crossval.weights_hash:
        differing.append("weights")
    if differing:
        raise SettingError(
            f"{crossval.folder} says nothing about {run.folder}.",
            rule="Both must be trained the same way, except for photos and seed.",
            found=f"They differ in: {', '.join(dict.fromkeys(differing))}.",
            fix="Give the cross-validation of the same recipe, or leave --evidence out.",
        )
    tested = run.tested.photos if run.tested else ()
    return replace(
        run,
        evidence_kind=CROSSVAL,
        evidence=crossval.evidence.without_parts_of(tested),
        evidence_folder=crossval.folder,
    )


def _open_run(run: RunFolder) -> Source:
    stored = run.read_hparams()
    if not run.is_complete:
        raise RunError(
            f"{run.path} is not complete.", fix=f"Go on with it: castproof train --resume {run.path}"
        )
    settings = TrainSettings.from_json(stored["settings"])
    refuse_good_parts(run.path, settings)
    manifest = read_csv(run.manifest, Path(settings.data))
    told = dict(read_predictions(run.predictions))
    learnt = {part_key(photo) for photo in manifest.of_split("train")}
    seen = learnt | {part_key(photo) for photo in manifest.of_split("val")}
    val = [photo for photo in manifest.of_split("val") if part_key(photo) not in learnt]
    test = [photo for photo in manifest.of_split("test") if part_key(photo) not in seen]
    given = len(manifest.of_split("val")) + len(manifest.of_split("test"))
    tested = _judged(test, told, run.predictions) if test else None
    own = (run.crossval / CROSSVAL_PLAN).is_file()
    if own:
        evidence = _open_crossval(run.crossval).evidence.without_parts_of(test)
    elif val:
        evidence = _judged(val, told, run.predictions)
    else:
        raise _no_evidence(
            f"All {len(manifest.of_split('val')):,} validation photos of {run.path} show parts in train."
            if manifest.of_split("val")
            else f"{run.path} was trained on all photos, and its parts are too few for folds."
        )
    return Source(
        folder=run.path,
        kind=RUN,
        settings=settings,
        manifest=manifest,
        weights_hash=str(stored.get("weights_hash")),
        evidence_kind=CROSSVAL if own else RUN,
        evidence=evidence,
        evidence_folder=run.crossval if own else None,
        tested=tested,
        known=given - len(val) - len(test),
    )


def _open_crossval(folder: Path) -> Source:
    plan = _read_json(folder / CROSSVAL_PLAN)
    path = folder / "predictions.csv"
    if not is_written(folder / "metrics.json"):
        raise RunError(
            f"{folder} is not complete.",
            fix="Give the same castproof crossval command again: it continues where it stopped.",
        )
    try:
        settings, weights_hash = TrainSettings.from_json(plan["settings"]), str(plan["weights_hash"])
    except KeyError as error:
        raise _broken(folder / CROSSVAL_PLAN, f"no {error}") from error
    manifest = read_csv(RunFolder(folder / "fold_1").manifest, Path(settings.data)).unsplit()
    told = dict(read_predictions(path))
    return Source(
        folder=folder,
        kind=CROSSVAL,
        settings=settings,
        manifest=manifest,
        weights_hash=weights_hash,
        evidence_kind=CROSSVAL,
        evidence=_judged(manifest.photos, told, path),
        evidence_folder=folder,
        tested=None,
        known=0,
    )


def _judged(photos: Sequence[Photo], told: dict[str, tuple[float, int]], path: Path) -> Judged:
    """Return `photos` with what the table at `path` tells of them; folds of parts are made where it tells none."""
    unknown = sum(not photo.part for photo in photos)
    if unknown:
        raise DataError(
            "The parts are not known.",
            rule="A decision counts parts, so that manifest.csv must name the part of every photo.",
            found=f"Found {counted(unknown, 'photo')} without, for {path.parent}.",
            fix="Train again: castproof train finds the parts.",
        )
    try:
        p, folds = zip(*(told[photo.file] for photo in photos), strict=True)
    except KeyError as error:
        raise _broken(path, f"nothing of {error}") from error
    defective = np.array([photo.defective for photo in photos])
    part = part_numbers(photos)
    fold = np.array(folds, np.int64)
    if not fold.all():
        fold = share_out_folds(defective, part)
    return Judged(tuple(photos), Evidence(defective, logit_of(np.array(p)), part, fold))


def part_numbers(photos: Sequence[Photo]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Return the part of each photo as a number, int64 (n,); good and defective photos of one part have two."""
    return numbered([(*part_key(photo), photo.defective) for photo in photos])


def read_predictions(path: Path) -> Iterator[tuple[str, tuple[float, int]]]:
    """Yield file, p_defective and fold (0 where there is none) of each row of a predictions.csv."""
    try:
        for row in read_rows(path):
            p = float(row["p_defective"])
            if not 0 <= p <= 1:
                raise ValueError(f"p_defective is {p}")
            yield unguarded(row["file"]), (p, int(row.get("fold") or 0))
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise _broken(path, str(error)) from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise _broken(path, str(error)) from error


def _broken(path: Path, found: str) -> BrokenRunError:
    return BrokenRunError(f"{path} cannot be used.", found=f"({found})", fix="Make it again.")


def refuse_good_parts(run: Path, settings: TrainSettings) -> None:
    """Raise DataError where `run` has learnt from good parts alone: nothing is known about defects to judge by."""
    if settings.head == DISTANCE:
        raise DataError(
            f"{run} has seen good parts alone.",
            rule="Figures, promises and a report take photos of defective parts, too.",
            found="No defects were seen, so nothing is proven about them.",
            fix="Put photos of defective parts into a class folder next to the good ones and train again: "
            f"castproof train --data {settings.data}",
        )


def _no_evidence(found: str) -> DataError:
    return DataError(
        "There is nothing to decide on.",
        rule="A decision takes photos of parts that the network was not trained on.",
        found=found,
        fix="Train with --split parts, or decide on a cross-validation: castproof crossval.",
    )
