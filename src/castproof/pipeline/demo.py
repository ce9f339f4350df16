"""The whole chain on castings that castproof generates itself."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from castproof.data.folders import read_folders, verify_photos
from castproof.data.manifest import read_csv
from castproof.data.synthetic import write_dataset
from castproof.errors import DataError
from castproof.files import read_rows
from castproof.pipeline.decide import Decision
from castproof.pipeline.exporting.export import Exported, ExportSettings, export
from castproof.pipeline.good_parts import GoodPartsRun
from castproof.pipeline.predict import Prediction, predict
from castproof.pipeline.reporting.report import report_path, write_report
from castproof.pipeline.reporting.reported import Reported
from castproof.pipeline.train import Trained, TrainObserver, train
from castproof.progress import Progress
from castproof.recipes import DEFAULT_RECIPE, recipe_settings

PRODUCT: Final = "impeller"
PARTS_PER_CLASS: Final = 60
PHOTOS_PER_PART: Final = 6
PREDICTED: Final = 6
DEFECTS: Final = ("blowhole", "pinholes", "shrinkage", "ragged_rim")
SEVERITY: Final = 0.8  # of 1: plain to see, as a first product should be


@dataclass(frozen=True)
class DemoResult:
    """What the demo made.

    Args:
        data: folder of the generated photos, with `truth.csv` beside them.
        trained: the run with its gate.
        report: the HTML file about it.
        exported: the model file.
        predictions: verdicts on a few test photos.
    """

    data: Path
    trained: Trained
    report: Path
    exported: Exported
    predictions: list[Prediction]


def demo(outdir: Path, weights: str, observer: TrainObserver) -> DemoResult:
    """Return the result of generating photos, training, evaluating, deciding, exporting and predicting under `outdir`.

    The parts of train, val and test are different ones.

    Raises:
        CastproofError: `outdir` cannot be written, or the weights are unknown or cannot be had.
    """
    settings = recipe_settings(DEFAULT_RECIPE, data=str(outdir / "photos"), weights=weights)
    data = write_dataset(
        outdir / "photos",
        parts_per_class=PARTS_PER_CLASS,
        photos_per_part=PHOTOS_PER_PART,
        families=[PRODUCT],
        defect_types=DEFECTS,
        severity=SEVERITY,
        split=True,
        progress=observer,
    )
    _record_parts(data, observer)
    trained = train(settings, outdir / "runs", observer)
    if isinstance(trained, GoodPartsRun):
        raise DataError("The generated castings contain no defective parts.", fix="Report this.")
    run = trained.result.run
    if not isinstance(trained.gate, Decision):
        raise trained.gate or DataError("The generated castings carry no gate.", fix="Report this.")
    report = report_path(run.path)
    write_report(Reported(trained.gate, decided=True), report, progress=observer)
    tested = read_csv(run.manifest, data).of_split("test")
    shown = [data / photo.file for photo in tested[:: max(len(tested) // PREDICTED, 1)][:PREDICTED]]
    exported = export(run.path, outdir / "model.onnx", ExportSettings(), observer)
    predictions = predict(exported.path, shown, progress=observer)
    return DemoResult(data, trained, report, exported, predictions)


def _record_parts(data: Path, progress: Progress) -> None:
    """Write the known parts to manifest.csv beside the photos, where training looks for them."""
    parts = {row["file"]: row["part"] for row in read_rows(data / "truth.csv")}
    manifest = verify_photos(read_folders(data), skip_unreadable=False, progress=progress)
    photos = tuple(
        replace(photo, part=parts[photo.file], confidence=1.0, part_from="table truth.csv")
        for photo in manifest.photos
    )
    replace(manifest, photos=photos).write_csv(data / "manifest.csv")
