"""Writing what an evaluation found: metrics, one row per photo, and the plots."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure

from castproof.data.manifest import Manifest, Photo
from castproof.files import write_csv, write_json
from castproof.images import decode
from castproof.measure.calibration import DEFAULT_BINS
from castproof.measure.decision import Thresholds, Verdict, decide
from castproof.measure.evaluation import ScoredSplit, most_confident_errors
from castproof.report import evaluation_plots as plots
from castproof.report.photo_sheets import Tile, top_errors
from castproof.report.style import save
from castproof.settings import UNTUNED, TrainSettings

ERRORS_SHOWN: Final = 8

PREDICTION_COLUMNS: Final = (
    "file",
    "split",
    "label",
    "class",
    "p_defective",
    "threshold",
    "reject_from",
    "verdict",
    "correct",
)


@dataclass(frozen=True)
class Evaluation:
    """Scored splits of one manifest, in the order in which they are shown.

    Args:
        manifest: the photos.
        splits: each with its photos' probabilities, in the order of `manifest.of_split`.
        photos: per split, the photos in the same order.
        context: what metrics.json records besides the metrics.
        thresholds: those that gave the verdicts.
    """

    manifest: Manifest
    splits: Sequence[ScoredSplit]
    photos: dict[str, tuple[Photo, ...]]
    context: dict[str, Any]
    thresholds: Thresholds


def evaluation_context(
    manifest: Manifest, settings: TrainSettings, threshold: float, threshold_from: str, best_epoch: int
) -> dict[str, Any]:
    """Return what metrics.json records besides the metrics, of a run and of an evaluation alike."""
    return {
        "model": settings.model,
        "classes": asdict(manifest.classes),
        "threshold": threshold,
        "recipe": settings.recipe,
        "threshold_from": _origin(settings, threshold_from),
        "best_epoch": best_epoch,
        "costs": {"missed_defect": settings.cost_fn, "good_not_passed": settings.cost_fp},
        "data_hash": manifest.data_hash(),
        "unreadable": [asdict(photo) for photo in manifest.unreadable],
    }


def _origin(settings: TrainSettings, photos: str) -> str:
    return "not tuned" if settings.tune_for == UNTUNED else f"{photos}, highest {settings.tune_for}"


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write predictions.csv, the plots, and last metrics.json into `folder`.

    Raises:
        OutputError: a file cannot be written.
    """
    write_predictions(evaluation, folder / "predictions.csv")
    figures: dict[str, Callable[[Sequence[ScoredSplit]], Figure]] = {
        "confusion_matrices.png": plots.confusion_matrices,
        "pr_curve.png": plots.pr_curve,
        "roc_curve.png": plots.roc_curve,
        "reliability.png": plots.reliability_diagram,
    }
    for name, draw in figures.items():
        save(draw(evaluation.splits), folder / name)
    save(_worst_photos(evaluation), folder / "top-errors.png")
    write_json(folder / "metrics.json", metrics_json(evaluation))


def metrics_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return the content of metrics.json: the context, and per split every metric by its stable name."""
    return {
        **evaluation.context,
        "calibration_bins": {"count": DEFAULT_BINS, "kind": "equal width", "of": "p_defective"},
        "splits": {split.name: dict(split.metrics) for split in evaluation.splits},
    }


def write_predictions(evaluation: Evaluation, path: Path) -> None:
    """Write one row per photo to the CSV file `path`. Raises OutputError."""
    rows = (
        prediction_row(photo, float(p), evaluation.thresholds)
        for split in evaluation.splits
        for photo, p in zip(evaluation.photos[split.name], split.p_defective, strict=True)
    )
    write_csv(path, PREDICTION_COLUMNS, rows)


def prediction_row(photo: Photo, p_defective: float, thresholds: Thresholds) -> tuple[object, ...]:
    """Return the cells of one photo in predictions.csv."""
    verdict = decide(p_defective, thresholds)
    return (
        photo.file,
        photo.split,
        "defective" if photo.defective else "good",
        photo.class_name,
        p_defective,
        thresholds.threshold,
        thresholds.reject_from,
        verdict.value,
        int((verdict is not Verdict.ACCEPT) == photo.defective),
    )


def _worst_photos(evaluation: Evaluation) -> Figure:
    """Draw the errors of the last split, the one that the network never learnt from."""
    split = evaluation.splits[-1]
    wrong = most_confident_errors(split, ERRORS_SHOWN)
    return top_errors(
        split,
        [_tile(evaluation, split, index) for index in wrong.misses],
        [_tile(evaluation, split, index) for index in wrong.not_passed],
    )


def _tile(evaluation: Evaluation, split: ScoredSplit, index: int) -> Tile:
    photo = evaluation.photos[split.name][index]
    return Tile(
        image=decode(evaluation.manifest.path(photo)),
        file_name=Path(photo.file).name,
        class_name=photo.class_name,
        defective=photo.defective,
        p_defective=float(split.p_defective[index]),
    )
