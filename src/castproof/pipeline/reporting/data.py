"""What a report says of its photos, and of how to get the same result again."""

import platform
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from castproof import __version__
from castproof.data.audit.parts import THIN_BELOW, find_leak, is_thin, photos_by_part
from castproof.data.left_out import conflicts
from castproof.data.manifest import Manifest
from castproof.errors import BrokenRunError
from castproof.files import read_json
from castproof.pipeline.gate_file import network_hash
from castproof.pipeline.judged import CROSSVAL, Source
from castproof.pipeline.reporting.reported import Reported
from castproof.report.gate_page import Section
from castproof.report.page import Table
from castproof.run_folder import RunFolder
from castproof.wording import counted

HASH_DIGITS: Final = 16
DATA_LEAD: Final = (
    "A part is one physical casting. Its photos are alike: only parts are independent pieces of evidence."
)


@dataclass(frozen=True)
class Files:
    """What became of the photos' files since training.

    Args:
        gone: those that can no longer be read.
        changed: those with another content.
    """

    gone: int = 0
    changed: int = 0


def data_section(told: Reported, files: Files) -> Section:
    """Return the photos, and what an audit of them found that is kept with the run."""
    decision, source = told.decision, told.decision.source
    manifest, evidence = source.manifest, source.evidence.evidence
    aside = set_aside(source)
    facts = [
        ("Photos", f"{len(manifest.photos):,} in {manifest.root.name}"),
        (
            "Chosen on",
            f"{counted(len(evidence), 'photo')} of "
            f"{counted(evidence.parts(defective=True), 'defective part')} and "
            f"{counted(evidence.parts(defective=False), 'good part')}, "
            + ("out of fold" if told.sisters else "which the network was not trained on"),
        ),
        ("Measured on", f"{counted(len(decision.photos), 'photo')}, {decision.told_on}"),
        (
            "Left out",
            f"{counted(source.known, 'photo')}: the network was trained on their parts, or the gate was "
            "chosen on them"
            if source.known
            else "none",
        ),
    ]
    if source.kind == CROSSVAL:
        facts.append(
            (
                "Set aside",
                counted(aside, "photo") + " with a doubtful label, not judged" if aside else "none",
            )
        )
    facts += _audit_facts(manifest)
    facts.append(
        (
            "Unreadable",
            counted(len(manifest.unreadable), "photo")
            if manifest.unreadable
            else "none, when it was trained",
        )
    )
    if files.gone or files.changed:
        facts.append(
            (
                "Since then",
                f"{counted(files.gone, 'photo')} can no longer be read, {files.changed:,} have another content",
            )
        )
    return Section(DATA_LEAD, facts, [_counts_table(manifest)])


def _audit_facts(manifest: Manifest) -> list[tuple[str, str]]:
    parts = photos_by_part(manifest.photos)
    doubtful = conflicts(manifest)
    thin = sum(map(is_thin, manifest.photos))
    unknown = sum(not photo.part for photo in manifest.photos)
    found = [
        (
            "Label conflicts",
            f"{counted(len(doubtful), 'part')} with photos of both labels: one of the two is wrong"
            if doubtful
            else "none: no part has photos of both labels",
        ),
        (
            "Thin evidence",
            f"{counted(thin, 'photo')} whose part is a guess (confidence below {THIN_BELOW})"
            if thin
            else "none",
        ),
    ]
    if unknown:
        found.append(("Unknown part", f"{counted(unknown, 'photo')}, each counted as a part of its own"))
    leak = find_leak(parts)
    if leak is not None:
        found.append(
            (
                "Parts in several splits",
                f"{len(leak.shared):,} of {leak.parts:,}; their photos prove nothing and are left out"
                if leak.shared
                else f"none of {leak.parts:,}",
            )
        )
    return found


def _counts_table(manifest: Manifest) -> Table:
    seen = {(one.split, one.class_name, one.part or one.file) for one in manifest.photos}
    parts = Counter((split, name) for split, name, _ in seen)
    rows = [
        (
            split or "all",
            name,
            "defective" if manifest.classes.is_defective(name) else "good",
            f"{count:,}",
            f"{parts[split, name]:,}",
        )
        for split, counts in manifest.counts().items()
        for name, count in counts.items()
    ]
    return Table("Photos and parts by split and class", ("split", "class", "label", "photos", "parts"), rows)


def set_aside(source: Source) -> int:
    """Return how many photos a cross-validation left out, since their label is in doubt; 0 for a run."""
    if source.kind != CROSSVAL:
        return 0
    return len(_read(source.folder / "metrics.json").get("set_aside", ()))


def doubts(told: Reported, files: Files) -> list[str]:
    """Return what the photos leave in doubt, in sentences for the limits."""
    manifest = told.decision.source.manifest
    found = []
    doubtful = conflicts(manifest)
    if doubtful:
        found.append(
            f"Labels: {counted(len(doubtful), 'part')} with both labels. Every wrong label counts here as an "
            "error of the network, or hides one."
        )
    else:
        found.append(
            "Labels: they are taken as they are. A wrong label counts as an error of the network, or hides one."
        )
    thin = sum(map(is_thin, manifest.photos))
    found.append(
        "Parts: they come from the pictures, or from you. Where photos of one part are taken for several, "
        "there is less evidence than counted here."
        + (f" The part of {counted(thin, 'photo')} is a guess." if thin else "")
    )
    if missing := _missing_networks(told.decision.source):
        found.append(
            f"Networks: the file of {', '.join(missing)} is missing. Its verdicts on the photos were kept and are "
            "counted here; its heat maps cannot be drawn, and its verdicts cannot be checked with it."
        )
    if files.changed or files.gone:
        found.append(
            "Files: some photos are not what the network judged (see The data); their pictures here may not "
            "be those that were judged."
        )
    return found


def reproduce_section(told: Reported) -> Section:
    """Return versions, seeds and hashes."""
    decision, source = told.decision, told.decision.source
    run = RunFolder(source.folder if source.kind != CROSSVAL else source.folder / "fold_1")
    hparams = run.read_hparams()
    machine = hparams.get("machine") or {}
    versions = machine.get("versions") or {}
    facts = [
        ("Trained", str(hparams.get("started", "unknown"))),
        ("With", ", ".join(f"{name} {version}" for name, version in versions.items()) or "unknown"),
        (
            "On",
            ", ".join(str(machine[name]) for name in ("device", "system") if name in machine) or "unknown",
        ),
        ("This report", f"castproof {__version__}, Python {platform.python_version()}"),
        ("Seeds", f"{source.settings.seed} of training, {decision.asked.seed} of the calibration's folds"),
        ("Hash of the data", source.manifest.data_hash()),
        ("Hash of the starting weights", source.weights_hash),
        *((f"Hash of {name}", _network_hash(run)) for name, run in _networks(source).items()),
    ]
    return Section(
        "With the same photos, these commands give the same gate. Each hash is a SHA-256: another file "
        "has another one.",
        facts,
    )


def _networks(source: Source) -> dict[str, RunFolder]:
    """Return the runs of the networks that a report is about, by what it calls them."""
    if source.kind != CROSSVAL:
        return {"the network": RunFolder(source.folder)}
    folds = sorted({int(fold) for fold in source.evidence.evidence.fold})
    return {f"network {fold}": RunFolder(source.folder / f"fold_{fold}") for fold in folds}


def _network_hash(run: RunFolder) -> str:
    try:
        return network_hash(run)
    except BrokenRunError:
        return "the file is gone"


def _missing_networks(source: Source) -> list[str]:
    return [name for name, run in _networks(source).items() if not run.best_model.is_file()]


def made_words(source: Source) -> str:
    """Return when the report was made, with which version and of which photos."""
    data = source.manifest.data_hash()[:HASH_DIGITS]
    return f"castproof {__version__} · {datetime.now():%Y-%m-%d %H:%M} · data hash {data}"


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise BrokenRunError(f"{path} cannot be used.", found=f"({error})", fix="Make it again.") from error
