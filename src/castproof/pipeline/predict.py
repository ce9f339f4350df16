"""Verdicts for photos without labels; a photo that cannot be judged is never called good."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from castproof.data.folders import photos_below
from castproof.errors import DataError, ImageError, SettingError
from castproof.files import make_folder, write_csv
from castproof.measure.decision import Verdict, decide
from castproof.model.checkpoint import load_checkpoint
from castproof.pipeline.scoring import score_photos
from castproof.progress import SILENT, Progress
from castproof.run_folder import RunFolder

COLUMNS: Final = ("file", "verdict", "p_defective", "threshold", "reason")


@dataclass(frozen=True)
class Prediction:
    """The verdict on one photo.

    Args:
        path: the photo.
        verdict: ACCEPT or REJECT, or NOT_INSPECTED where the photo could not be judged.
        p_defective: in [0, 1], None where the photo could not be judged.
        threshold: what p_defective was compared with.
        reason: why the photo could not be judged, else "".
    """

    path: Path
    verdict: Verdict
    p_defective: float | None
    threshold: float
    reason: str


def predict(
    run: RunFolder, sources: Sequence[Path], *, device: str = "auto", progress: Progress = SILENT
) -> list[Prediction]:
    """Return one prediction per photo, in the order of `sources`, folders by path.

    Args:
        run: the trained run.
        sources: photos, and folders that are searched with their subfolders.
        device: "auto", "cpu", "cuda" or "mps".
        progress: told of every batch.

    Raises:
        RunError: the run cannot be opened.
        DataError: there are no photos in any of the sources.
    """
    checkpoint = load_checkpoint(run.best_model)
    paths = _collect(sources)
    failures: dict[int, ImageError] = {}
    p = score_photos(checkpoint, paths, device, progress, failures)
    predictions = []
    for index, path in enumerate(paths):
        failure = failures.get(index)
        verdict = decide(float(p[index]), checkpoint.threshold)
        judged = verdict is not Verdict.NOT_INSPECTED
        predictions.append(
            Prediction(
                path=path,
                verdict=verdict,
                p_defective=float(p[index]) if judged else None,
                threshold=checkpoint.threshold,
                reason=str(failure) if failure else "" if judged else "The network gave no number.",
            )
        )
    return predictions


def write_predictions(predictions: Sequence[Prediction], path: Path) -> None:
    """Write one row per photo to the CSV file `path`, whole or not at all. Raises OutputError."""
    rows = (
        (
            one.path.as_posix(),
            one.verdict.value,
            one.p_defective,
            one.threshold,
            one.reason,
        )
        for one in predictions
    )
    write_csv(path, COLUMNS, rows)


def check_csv_path(path: Path) -> None:
    """Raise where writing a table to `path` would fail, or replace something that is no table.

    Raises:
        SettingError: the name does not end in .csv.
        OutputError: the folder cannot be written.
    """
    if path.suffix.lower() != ".csv":
        raise SettingError(
            f"--csv {path} is not the name of a table.", rule="It ends in .csv.", fix="Give another name."
        )
    make_folder(path.parent)


def _collect(sources: Sequence[Path]) -> list[Path]:
    paths: list[Path] = []
    for source in sources:
        if source.is_dir():
            paths += photos_below(source)
        else:
            paths.append(source)
    if not paths:
        raise DataError(
            f"There are no photos in {', '.join(str(source) for source in sources)}.",
            rule="Photos are JPEG, PNG, BMP, TIFF or WebP files.",
            fix="Give a photo, or a folder that holds photos.",
        )
    return paths
