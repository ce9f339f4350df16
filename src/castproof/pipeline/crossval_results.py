"""What a cross-validation found, put together from its rounds and written beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from castproof.data.manifest import Manifest, Photo
from castproof.data.splits import part_key
from castproof.errors import BrokenRunError, CastproofError
from castproof.files import read_rows, unguarded, write_csv, write_json
from castproof.images import decode
from castproof.measure.decision import Thresholds, is_defective
from castproof.measure.evaluation import ScoredSplit, score_split
from castproof.measure.metrics import Metrics
from castproof.measure.out_of_fold import PartResult, part_results, pooled_metrics
from castproof.pipeline.crossval_rounds import TESTED, Round, in_round
from castproof.pipeline.results import PREDICTION_COLUMNS, prediction_row
from castproof.report.crossval_plots import PartRow, leak_plot, worst_parts
from castproof.report.photo_sheets import Tile
from castproof.report.style import save
from castproof.run_folder import RunFolder
from castproof.settings import TrainSettings

KINDS: Final = {"good": False, "defective": True}
WORST_PARTS: Final = 5
PHOTOS_PER_PART: Final = 5


@dataclass(frozen=True)
class JudgedPhoto:
    """One photo, judged out of fold: with the threshold of the fold that it was tested in."""

    photo: Photo
    fold: int
    p_defective: float
    threshold: float


@dataclass(frozen=True)
class CrossvalResult:
    """How networks judge parts that they never saw.

    Args:
        manifest: the photos.
        scored: the test photos of each fold.
        pooled: metrics of all folds' photos together.
        given: the test photos of the split in the folder, whatever parts they share with train; None without one.
        photos: every photo, fold by fold.
        parts: one result per part and label, the worst first; `rows` are places in `photos`.
    """

    manifest: Manifest
    scored: Sequence[ScoredSplit]
    pooled: Metrics
    given: ScoredSplit | None
    photos: Sequence[JudgedPhoto]
    parts: Sequence[PartResult]

    def of_kind(self, *, defective: bool) -> list[PartResult]:
        """Return the results of the good or of the defective parts, the worst first."""
        return [one for one in self.parts if one.defective == defective]


def collect(
    manifest: Manifest, folds: Sequence[Round], given: Round | None, settings: TrainSettings
) -> CrossvalResult:
    """Return what complete rounds found.

    Args:
        manifest: all photos.
        folds: the rounds of the folds, in their order.
        given: the round of the split in the folder.
        settings: those of every round.

    Raises:
        BrokenRunError: the table of a round is missing or broken.
    """
    scored = [_score(one, settings) for one in folds]
    judged = [
        JudgedPhoto(photo, fold, float(p), split.threshold)
        for fold, (one, split) in enumerate(zip(folds, scored, strict=True), start=1)
        for photo, p in zip(one.manifest.of_split(TESTED), split.p_defective, strict=True)
    ]
    defective = np.array([one.photo.defective for one in judged])
    called = np.array([is_defective(one.p_defective, one.threshold) for one in judged])
    return CrossvalResult(
        manifest=manifest,
        scored=scored,
        pooled=pooled_metrics(scored, settings.cost_fn, settings.cost_fp),
        given=None if given is None else _score(given, settings),
        photos=judged,
        parts=part_results([part_key(one.photo)[1] for one in judged], defective, called == defective),
    )


def write_results(
    result: CrossvalResult, settings: TrainSettings, aside: Sequence[Photo], dest: Path
) -> None:
    """Write predictions.csv, parts.csv, the pictures, and last metrics.json into `dest`. Raises OutputError."""
    write_csv(
        dest / "predictions.csv",
        (*PREDICTION_COLUMNS, "part", "fold"),
        [
            (
                *prediction_row(one.photo, one.p_defective, Thresholds.single(one.threshold)),
                one.photo.part,
                one.fold,
            )
            for one in result.photos
        ],
    )
    write_csv(
        dest / "parts.csv",
        ("part", "label", "photos", "right", "share_right", "fold"),
        [_part_row(result, part) for part in result.parts],
    )
    save(leak_plot(result.scored, result.pooled, result.given), dest / "leak.png")
    for kind, defective in KINDS.items():
        worst = result.of_kind(defective=defective)[:WORST_PARTS]
        sheet = worst_parts(kind, [_sheet_row(result, part) for part in worst])
        save(sheet, dest / f"worst_{kind}_parts.png")
    write_json(dest / "metrics.json", _metrics_json(result, settings, aside))


def _score(one: Round, settings: TrainSettings) -> ScoredSplit:
    photos = one.manifest.of_split(TESTED)
    told = _read_predictions(one.run)
    try:
        p, thresholds = zip(*(told[photo.file] for photo in photos), strict=True)
    except KeyError as error:
        raise _broken(one.run) from error
    defective = np.array([photo.defective for photo in photos])
    return score_split(
        one.run.path.name, defective, np.array(p), thresholds[0], settings.cost_fn, settings.cost_fp
    )


def _read_predictions(run: RunFolder) -> dict[str, tuple[float, float]]:
    try:
        return {
            unguarded(row["file"]): (float(row["p_defective"]), float(row["threshold"]))
            for row in read_rows(run.predictions)
            if row["split"] == TESTED
        }
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise _broken(run) from error


def _broken(run: RunFolder) -> CastproofError:
    return in_round(run, BrokenRunError(f"{run.predictions} does not contain all photos of its fold."))


def _part_row(result: CrossvalResult, part: PartResult) -> tuple[object, ...]:
    label = "defective" if part.defective else "good"
    fold = result.photos[part.rows[0]].fold
    return part.part, label, len(part.rows), part.right, part.share_right, fold


def _sheet_row(result: CrossvalResult, part: PartResult) -> PartRow:
    """Return the photos of one part that were judged worst."""
    sign = 1 if part.defective else -1
    worst = sorted((result.photos[row] for row in part.rows), key=lambda one: sign * one.p_defective)
    tiles = [_tile(result.manifest, one) for one in worst[:PHOTOS_PER_PART]]
    return PartRow(part.part, len(part.rows), part.wrong, worst[0].threshold, tiles)


def _tile(manifest: Manifest, one: JudgedPhoto) -> Tile:
    photo = one.photo
    image = decode(manifest.path(photo))
    called = bool(is_defective(one.p_defective, one.threshold))
    return Tile(image, Path(photo.file).name, photo.class_name, photo.defective, one.p_defective, called)


def _metrics_json(result: CrossvalResult, settings: TrainSettings, aside: Sequence[Photo]) -> dict[str, Any]:
    worst = {kind: result.of_kind(defective=defective)[0] for kind, defective in KINDS.items()}
    return {
        "recipe": settings.recipe,
        "settings": settings.to_json(),
        "photos": len(result.photos),
        "set_aside": [photo.file for photo in aside],
        "folds": {fold.name: dict(fold.metrics) for fold in result.scored},
        "pooled": dict(result.pooled),
        "given": dict(result.given.metrics) if result.given else None,
        "worst_parts": {
            kind: {"part": one.part, "defective": one.defective, "right": one.right, "photos": len(one.rows)}
            for kind, one in worst.items()
        },
    }
