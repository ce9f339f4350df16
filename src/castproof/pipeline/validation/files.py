"""What a validation leaves behind: validation.json, photos.csv and a page to read."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from castproof import __version__
from castproof.files import writable, write_csv, write_json, write_text
from castproof.measure.drift import Moved
from castproof.measure.intervals import Rate
from castproof.pipeline.validation.advice import method, next_lines
from castproof.pipeline.validation.changes import STATISTICS, Change
from castproof.pipeline.validation.evidence import evidence_lines
from castproof.pipeline.validation.proposal import Proposal
from castproof.pipeline.validation.rates import RateChange
from castproof.pipeline.validation.validate import Validation
from castproof.pipeline.validation.verdict import verdict
from castproof.pipeline.validation.words import STATISTIC_WORDS, findings, points
from castproof.report.page import Table
from castproof.report.validation_page import Answer, ValidationPage, validation_html
from castproof.wording import counted, percent

FORMAT: Final = 1
VALIDATION_JSON: Final = "validation.json"
PHOTOS_CSV: Final = "photos.csv"
VALIDATION_HTML: Final = "validation.html"
PHOTO_COLUMNS: Final = (
    "file",
    "part",
    "label",
    "class",
    "known",
    "p_network",
    "p_defective",
    "threshold",
    "reject_from",
    "verdict",
    *STATISTICS,
)


def write_validation(
    validation: Validation, proposal: Proposal | None, folder: Path, why_not: str = ""
) -> None:
    """Write photos.csv, validation.html and last validation.json into `folder`; see `next_lines`."""
    write_csv(folder / PHOTOS_CSV, PHOTO_COLUMNS, _photo_rows(validation))
    write_text(folder / VALIDATION_HTML, validation_html(page_of(validation, proposal, why_not)))
    write_json(folder / VALIDATION_JSON, writable(validation_json(validation, proposal)))


def validation_json(validation: Validation, proposal: Proposal | None) -> dict[str, Any]:
    """Return the content of validation.json."""
    state, sentence = verdict(validation)
    told, new = validation.evidence, validation.new
    return {
        "format": FORMAT,
        "castproof": __version__,
        "run": str(validation.run.path.resolve()),
        "data": str(validation.data.resolve()),
        "data_hash": new.manifest.data_hash(),
        "made": datetime.now().isoformat(timespec="seconds"),
        "state": state,
        "verdict": sentence,
        "labelled": validation.labelled,
        "told_on": validation.told_on,
        "evidence": {
            "photos": len(validation.judged.photos),
            "parts": validation.parts,
            "defective_parts": told.parts(defective=True) if validation.labelled else None,
            "good_parts": told.parts(defective=False) if validation.labelled else None,
            "known": new.known,
            "unreadable": [asdict(one) for one in new.manifest.unreadable],
            "photos_of_the_run_not_compared": validation.gone,
        },
        "unlike_training": None if validation.unlike is None else asdict(validation.unlike),
        "findings": [asdict(one) for one in findings(validation)],
        "gate": validation.gate.to_json(),
        "rates": [asdict(one) for one in validation.rates],
        "promise": None
        if validation.promise is None
        else {**asdict(validation.promise), "proven": validation.promise.proven},
        "calibration": None if validation.calibration is None else asdict(validation.calibration),
        "photos": [_change_json(one) for one in validation.images],
        "network": [_change_json(one) for one in validation.said],
        "size": None if validation.size is None else asdict(validation.size),
        "proposal": None if proposal is None else _proposal_json(proposal),
    }


def page_of(validation: Validation, proposal: Proposal | None, why_not: str = "") -> ValidationPage:
    """Return everything that the page shows."""
    state, sentence = verdict(validation)
    return ValidationPage(
        run=validation.run.path.resolve().name,
        data=validation.data.resolve().name,
        made=f"castproof {__version__} · {datetime.now():%Y-%m-%d %H:%M} · data hash "
        f"{validation.new.manifest.data_hash()[:16]}",
        verdict=sentence,
        state=state,
        evidence=evidence_lines(validation),
        answers=[Answer(one.title, one.state, one.says, one.text) for one in findings(validation)],
        tables=tables(validation),
        proposal=next_lines(validation, proposal, why_not),
        method=method(validation),
    )


def tables(validation: Validation) -> list[Table]:
    """Return the figures: verdicts, then what was compared number by number."""
    found = []
    if validation.rates and not validation.is_another_kind:
        header = ("", "now", "of", f"at training ({validation.told_on})", "of", "difference")
        rows = [
            (one.name, *_rate_cells(one.now), *_rate_cells(one.before), _difference_cell(one))
            for one in validation.rates
        ]
        text = "Single photos, equal weight per part; in brackets: 95% intervals, clustered by part."
        found.append(Table("Verdicts", header, rows, text))
    compared = [*validation.said, *validation.images]
    if compared:
        found.append(_changes_table(compared))
    return found


def _changes_table(compared: Sequence[Change]) -> Table:
    header = ("", "of", "parts now", "before", "now", "shift", "p", "shows from", "")
    rows = [
        (
            STATISTIC_WORDS[one.name],
            one.kind,
            f"{one.told.parts_now:,} beside {one.told.parts_before:,}",
            f"{one.told.before:.3g}",
            f"{one.told.now:.3g}",
            "" if one.told.shift is None else f"{one.told.shift:+.1f}",
            f"{one.told.p_value:.2g}" if one.told.p_value >= 0.001 else "<0.001",
            f"{one.told.noticeable:.1f}" if one.told.can_tell else "never",
            "moved" if one.told.moved else "",
        )
        for one in compared
    ]
    return Table(
        "Network and photos compared with training",
        header,
        rows,
        "Means over parts. Shift: in standard deviations between the parts at training; shows from: the shift that so "
        "many parts show in four of five cases. Logit: of what the network says.",
    )


def _rate_cells(rate: Rate) -> tuple[str, str]:
    if rate.share is None or rate.low is None or rate.high is None:
        return "n/a", ""
    interval = f"{percent(rate.low)} to {percent(rate.high)}"
    return f"{percent(rate.share)} ({interval})", counted(rate.parts, "part")


def _difference_cell(change: RateChange) -> str:
    told = change.difference
    if told is None:
        return ""
    return f"{points(told.now_less_before)} ({points(told.low)} to {points(told.high)})"


def _photo_rows(validation: Validation) -> Iterator[tuple[object, ...]]:
    gate, statistics = validation.gate, validation.new.statistics
    told = {
        photo.file: (float(p), float(gate.calibrator.p(logit)))
        for photo, p, logit in zip(
            validation.judged.photos, validation.p_network, validation.evidence.logit, strict=True
        )
    }
    at = gate.thresholds
    for photo in validation.new.manifest.photos:
        p_network, p = told.get(photo.file, (None, None))
        label = ("defective" if photo.defective else "good") if validation.labelled else ""
        measured = statistics[photo.sha256]
        yield (
            photo.file,
            photo.part,
            label,
            photo.class_name,
            validation.new.known.get(photo.file, ""),
            p_network,
            p,
            at.threshold,
            at.reject_from,
            "" if p is None else gate.verdict(p).value,
            *(getattr(measured, name) for name in STATISTICS),
        )


def _change_json(change: Change) -> dict[str, Any]:
    return {"what": change.what, "name": change.name, "kind": change.kind, **_moved_json(change.told)}


def _moved_json(told: Moved) -> dict[str, Any]:
    content = {name: value for name, value in asdict(told).items() if name != "name"}
    return {**content, "noticeable": told.noticeable if math.isfinite(told.noticeable) else None}


def _proposal_json(proposal: Proposal) -> dict[str, Any]:
    return {
        "gate": proposal.gate.to_json(),
        "rests_on": proposal.rests_on,
        "defective_parts": proposal.evidence.parts(defective=True),
        "good_parts": proposal.evidence.parts(defective=False),
        "parts_needed": proposal.parts_needed,
        "results": None if proposal.results is None else proposal.results.to_json(),
    }
