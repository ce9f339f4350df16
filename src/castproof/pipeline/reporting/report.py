"""The report of a gate: one HTML file for the customer."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from castproof.data.photo_statistics import PhotoStatistics
from castproof.errors import UnreadableError
from castproof.files import write_text
from castproof.pipeline.gate_file import gate_path
from castproof.pipeline.photo_survey import survey_photos
from castproof.pipeline.reporting.content import (
    asked_section,
    cards,
    notes,
    verdict,
)
from castproof.pipeline.reporting.data import Files, data_section, doubts, made_words, reproduce_section
from castproof.pipeline.reporting.errors import error_groups, errors_text
from castproof.pipeline.reporting.explorer import explorer
from castproof.pipeline.reporting.promise import calibration_section, limits, promise_section
from castproof.pipeline.reporting.reported import Reported
from castproof.pipeline.reporting.results import others_section, results_section
from castproof.pipeline.reporting.slices import slice_results
from castproof.progress import SILENT, Progress
from castproof.report.charts import reliability_chart, shown_calibrations, tradeoff_chart
from castproof.report.gate_page import UNLABELLED, GatePage, Labels, gate_html
from castproof.run_folder import REPORT_FILE


def report_path(folder: Path) -> Path:
    """Return where the report of a run or of a cross-validation lies, unless it is asked for elsewhere."""
    return gate_path(folder).with_name(REPORT_FILE)


def write_report(
    told: Reported,
    path: Path,
    commands: Sequence[str] = (),
    progress: Progress = SILENT,
    labels: Labels = UNLABELLED,
) -> None:
    """Write the report of a decision to `path`.

    Args:
        told: the decision.
        path: the HTML file.
        commands: what to type for the same result, a line each.
        progress: told of photos that are read, and of heat maps that are drawn.
        labels: what its head and foot say.

    Raises:
        OutputError: the file cannot be written.
    """
    write_text(path, gate_html(report_page(told, commands, progress, labels)))


def report_page(
    told: Reported,
    commands: Sequence[str] = (),
    progress: Progress = SILENT,
    labels: Labels = UNLABELLED,
) -> GatePage:
    """Return everything that the report shows; see `write_report`."""
    decision = told.decision
    statistics, files = _survey(told, progress)
    sliced, worst = slice_results(decision, statistics, progress)
    errors = error_groups(decision, progress)
    sentence, state = verdict(told)
    return GatePage(
        name=decision.source.folder.resolve().name,
        made=made_words(decision.source),
        verdict=sentence,
        state=state,
        notes=notes(told),
        cards=cards(told),
        asked=asked_section(told),
        data=data_section(told, files),
        results=results_section(told),
        promise=promise_section(told),
        others=others_section(told),
        tradeoff=tradeoff_chart(decision.tradeoff, decision.gate.thresholds.threshold),
        calibration=calibration_section(told),
        reliability=[
            reliability_chart(told_of, name) for told_of, name in shown_calibrations(decision.results)
        ],
        explorer=explorer(decision, progress),
        errors_text=errors_text(decision, errors),
        errors=errors,
        slices=sliced,
        worst=worst,
        limits=limits(told, doubts(told, files)),
        reproduce=reproduce_section(told),
        commands=commands,
        labels=labels,
    )


def _survey(told: Reported, progress: Progress) -> tuple[dict[str, PhotoStatistics], Files]:
    """Return the statistics of the photos that results are told of, by file, and what became of their files."""
    photos = told.decision.photos
    manifest = replace(told.decision.source.manifest, photos=photos, unreadable=())
    try:
        survey = survey_photos(manifest, skip_unreadable=True, progress=progress)
    except UnreadableError:
        return {}, Files(gone=len(photos))
    hashes = {one.file: one.sha256 for one in survey.manifest.photos}
    changed = sum(bool(one.sha256) and hashes.get(one.file, one.sha256) != one.sha256 for one in photos)
    statistics = {file: survey.statistics[digest] for file, digest in hashes.items()}
    return statistics, Files(len(photos) - len(hashes), changed)
