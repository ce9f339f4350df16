"""What a cross-validation found, put together from its rounds and written beside them."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from castproof.data.folds import Folds
from castproof.data.manifest import Photo
from castproof.data.splits import part_key
from castproof.errors import RunError
from castproof.files import CSV_ERRORS, unguarded, write_csv, write_json
from castproof.images import decode
from castproof.measure.decision import is_defective
from castproof.measure.evaluation import ScoredSplit, score_split
from castproof.measure.metrics import Metrics
from castproof.measure.out_of_fold import PartResult, part_results, pooled_metrics
from castproof.pipeline.crossval_rounds import Round
from castproof.pipeline.results import PREDICTION_COLUMNS, prediction_row
from castproof.report.crossval_plots import PartRow, leak_plot, worst_parts
from castproof.report.photo_sheets import Tile
from castproof.report.style import save
from castproof.run_folder import RunFolder
from castproof.settings import TrainSettings

TESTED: Final = "test"
WORST_PARTS: Final = 5
PHOTOS_PER_PART: Final = 5


@dataclass(frozen=True)
class CrossvalResult:
    """How networks judge parts that they never saw.

    Args:
        folds: photos and their folds.
        scored: the test photos of each fold.
        pooled: metrics of all folds' photos together.
        given: the test photos of the split in the folder, whatever parts they share with train; None without one.
        parts: one result per part and label, the worst first.
        photos: the photos that `parts` counts, fold by fold.
    """

    folds: Folds
    scored: Sequence[ScoredSplit]
    pooled: Metrics
    given: ScoredSplit | None
    parts: Sequence[PartResult]
    photos: Sequence[Photo]

    def worst_of(self, *, defective: bool) -> PartResult:
        """Return the part of one kind of which most photos were judged wrong."""
        return next(one for one in self.parts if one.defective == defective)


def collect(rounds: Sequence[Round], settings: TrainSettings, folds: Folds) -> CrossvalResult:
    """Return what the complete `rounds` found.

    Raises:
        RunError: the table of a round is missing or broken.
    """
    tested = {one.run.path.name: one.manifest.of_split(TESTED) for one in rounds}
    scored = {one.run.path.name: _score(one, settings) for one in rounds}
    names = [name for name in scored if name.startswith("fold_")]
    photos = [photo for name in names for photo in tested[name]]
    right = np.concatenate([_right(scored[name]) for name in names])
    defective = np.array([photo.defective for photo in photos])
    return CrossvalResult(
        folds=folds,
        scored=[scored[name] for name in names],
        pooled=pooled_metrics([scored[name] for name in names], settings.cost_fn, settings.cost_fp),
        given=next((scored[name] for name in scored if name not in names), None),
        parts=part_results([part_key(photo)[1] for photo in photos], defective, right),
        photos=photos,
    )


def write_results(
    result: CrossvalResult, settings: TrainSettings, aside: Sequence[Photo], dest: Path
) -> None:
    """Write predictions.csv, parts.csv, the pictures, and last metrics.json into `dest`. Raises OutputError."""
    rows = zip(_predictions(result), result.photos, strict=True)
    write_csv(
        dest / "predictions.csv",
        (*PREDICTION_COLUMNS, "part"),
        [(*prediction_row(photo, p, threshold), photo.part) for (p, threshold), photo in rows],
    )
    write_csv(
        dest / "parts.csv",
        ("part", "label", "photos", "right", "share_right", "fold"),
        [_part_row(result, part) for part in result.parts],
    )
    save(leak_plot(result.scored, result.pooled, result.given), dest / "leak.png")
    for kind in ("good", "defective"):
        worst = [one for one in result.parts if one.defective == (kind == "defective")][:WORST_PARTS]
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
        with run.predictions.open(encoding="utf-8", errors=CSV_ERRORS, newline="") as file:
            return {
                unguarded(row["file"]): (float(row["p_defective"]), float(row["threshold"]))
                for row in csv.DictReader(file)
                if row["split"] == TESTED
            }
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise _broken(run) from error


def _broken(run: RunFolder) -> RunError:
    return RunError(
        f"{run.predictions} does not hold all photos of its fold.", fix=f"Delete {run.path} and run again."
    )


def _right(scored: ScoredSplit) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.asarray(is_defective(scored.p_defective, scored.threshold) == scored.defective)


def _predictions(result: CrossvalResult) -> list[tuple[float, float]]:
    return [(float(p), fold.threshold) for fold in result.scored for p in fold.p_defective]


def _part_row(result: CrossvalResult, part: PartResult) -> tuple[object, ...]:
    fold_of = {photo.file: fold for photo, fold in _with_folds(result.folds)}
    label = "defective" if part.defective else "good"
    fold = fold_of[result.photos[part.rows[0]].file]
    return part.part, label, len(part.rows), part.right, part.share_right, fold


def _with_folds(folds: Folds) -> list[tuple[Photo, int]]:
    return list(zip(folds.manifest.photos, folds.of_photo, strict=True))


def _sheet_row(result: CrossvalResult, part: PartResult) -> PartRow:
    """Return the photos of one part that were judged worst."""
    p = [p for p, _ in _predictions(result)]
    worst = sorted(part.rows, key=lambda row: p[row] if part.defective else -p[row])[:PHOTOS_PER_PART]
    tiles = [_tile(result, row, p[row]) for row in worst]
    return PartRow(part.part, len(part.rows), part.right, tiles)


def _tile(result: CrossvalResult, row: int, p_defective: float) -> Tile:
    photo = result.photos[row]
    image = decode(result.folds.manifest.path(photo))
    return Tile(image, Path(photo.file).name, photo.class_name, photo.defective, p_defective)


def _metrics_json(result: CrossvalResult, settings: TrainSettings, aside: Sequence[Photo]) -> dict[str, Any]:
    worst = {kind: asdict(result.worst_of(defective=kind == "defective")) for kind in ("good", "defective")}
    for one in worst.values():
        one["photos"] = len(one.pop("rows"))
    return {
        "recipe": settings.recipe,
        "settings": settings.to_json(),
        "photos": len(result.photos),
        "set_aside": [photo.file for photo in aside],
        "folds": {fold.name: dict(fold.metrics) for fold in result.scored},
        "pooled": dict(result.pooled),
        "given": dict(result.given.metrics) if result.given else None,
        "worst_parts": worst,
    }
