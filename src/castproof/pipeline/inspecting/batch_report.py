"""The quick report of a batch: a CSV table and a page that explains itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from castproof.files import first_free, write_csv, write_text
from castproof.pipeline.inspecting.batch import Batch
from castproof.pipeline.inspecting.batch_content import batch_page, shown_photos
from castproof.pipeline.inspecting.batch_pictures import HeatOf, batch_pictures
from castproof.pipeline.predicting.prediction import Prediction
from castproof.pipeline.predicting.tables import COLUMNS, csv_cells
from castproof.progress import SILENT, Progress
from castproof.report.batch_page import batch_html

__all__ = ["Batch", "HeatOf", "write_batch_report"]

INSPECTOR_COLUMNS: Final = ("decided", "agrees", "inspector_reason", "comment", "inspector", "decided_at")
_NAME_CHARACTERS: Final = 60


def write_batch_report(
    folder: Path, batch: Batch, progress: Progress = SILENT, heat_of: HeatOf | None = None
) -> tuple[Path, Path]:
    """Return the CSV table and the HTML page that were written, each whole; no earlier report is replaced.

    Args:
        folder: where they go; made where it is not there.
        batch: what they are about.
        progress: told of every picture.
        heat_of: see `batch_pictures`.

    Raises:
        OutputError: a file cannot be written.
    """
    pictures = batch_pictures([one.path for one in shown_photos(batch)], heat_of, progress)
    html = batch_html(batch_page(batch, pictures))
    table, page = _free_names(folder, batch)
    write_csv(table, (*COLUMNS, *INSPECTOR_COLUMNS), _rows(batch))
    write_text(page, html)
    return table, page


def _free_names(folder: Path, batch: Batch) -> tuple[Path, Path]:
    start = f"{(batch.folder.name or 'photos')[:_NAME_CHARACTERS]}-{batch.when.astimezone():%Y%m%d-%H%M%S}"
    free = first_free(lambda number: folder / (f"{start}-{number}" if number > 1 else start), ".csv", ".html")
    return Path(f"{free}.csv"), Path(f"{free}.html")


def _rows(batch: Batch) -> Iterator[tuple[object, ...]]:
    for one in batch.predictions:
        yield (*csv_cells(one), *_inspector_cells(batch, one))


def _inspector_cells(batch: Batch, one: Prediction) -> tuple[object, ...]:
    """Return the cells of what the inspector says, in the order of INSPECTOR_COLUMNS."""
    verdict, agrees = batch.verdict_on(one), batch.agrees(one)
    if verdict is None:
        return ("",) * len(INSPECTOR_COLUMNS)
    return (
        verdict.decided.value,
        None if agrees is None else int(agrees),
        verdict.reason,
        verdict.comment,
        verdict.inspector,
        verdict.when,
    )
