"""Auditing the photos of a data set before anything is trained on them."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from castproof import __version__
from castproof.data.audit import Audit, find_everything
from castproof.data.folders import read_folders
from castproof.errors import OutputError
from castproof.files import make_folder, writable, write_json, write_text
from castproof.parts.find import FoundParts
from castproof.pipeline.audit_album import Album, pairs
from castproof.pipeline.audit_content import page_of
from castproof.pipeline.audit_selection import select
from castproof.pipeline.audit_words import fixing_command, verdict
from castproof.pipeline.part_ids import known_parts
from castproof.pipeline.part_words import parts_commands, parts_known
from castproof.pipeline.photo_survey import survey_photos
from castproof.progress import SILENT, Progress
from castproof.report.audit_page import audit_html
from castproof.run_folder import RunFolder
from castproof.settings import BY_PICTURE, check_parts
from castproof.wording import command

MANIFEST_CSV: Final = "manifest.csv"
AUDIT_JSON: Final = "audit.json"
AUDIT_HTML: Final = "audit.html"


def audit(
    data: Path,
    outdir: Path,
    *,
    ok: Sequence[str] = (),
    parts: str = BY_PICTURE,
    skip_unreadable: bool = False,
    use_cache: bool = True,
    progress: Progress = SILENT,
) -> Audit:
    """Return what is wrong with the photos in `data`; write manifest.csv, audit.html and audit.json to `outdir`.

    Args:
        data: folder of class folders, with or without train, val and test.
        outdir: receives the three files; not below `data`, and no run folder.
        ok: names of the good class folders, where their names do not say it.
        parts: which photos show one part, a value of --parts.
        skip_unreadable: go on without photos that cannot be decoded, and record them.
        use_cache: look up what was computed from the same photos before, and keep what is computed now.
        progress: told of every photo read, compared and drawn.

    Raises:
        CastproofError: the photos or the output folder do not fit.
    """
    check_parts(parts)
    manifest = read_folders(data, ok)
    _check_outdir(outdir, manifest.root)
    survey = survey_photos(manifest, skip_unreadable=skip_unreadable, use_cache=use_cache, progress=progress)
    make_folder(outdir)
    known = known_parts(survey.manifest, parts, greys=survey.greys, progress=progress, use_cache=use_cache)
    found, result = known.found, find_everything(known.manifest, survey.statistics, known.doubt)
    chosen = select(result)
    album = Album(result.manifest, chosen.photos(), progress)
    limit = found.threshold if found else None
    laid = pairs(result.manifest, chosen.pairs, limit, use_cache=use_cache, progress=progress)
    words = fixing_command(result, data, ok, parts)
    fix = command(words) if words else ""
    if result.doubt is not None:
        fix = "\n".join(f"{command(words)}  # {purpose}" for purpose, words in parts_commands(data, ok))
    result.manifest.write_csv(outdir / MANIFEST_CSV)
    write_text(outdir / AUDIT_HTML, audit_html(page_of(result, found, chosen, album, laid, fix)))
    write_json(outdir / AUDIT_JSON, _json(result, found))
    return result


def _check_outdir(outdir: Path, root: Path) -> None:
    if RunFolder(outdir).hparams.exists():
        raise OutputError(
            f"{outdir} is a run folder.",
            rule="An audit must not replace the manifest of a run.",
            fix="Choose another --outdir.",
        )
    if outdir.resolve().is_relative_to(root.resolve()):
        raise OutputError(
            f"{outdir} is in the data folder {root}.",
            rule="A folder in there would be taken for a class.",
            fix="Choose another --outdir.",
        )


def _json(result: Audit, found: FoundParts | None) -> dict[str, Any]:
    """Return the content of audit.json."""
    manifest = result.manifest
    content = {
        "castproof": __version__,
        "verdict": verdict(result),
        "clean": result.is_clean,
        "data_hash": manifest.data_hash(),
        "photos": len(manifest.photos),
        "parts": len(result.parts),
        "parts_known": parts_known(manifest),
        "doubt": None if result.doubt is None else asdict(result.doubt),
        "classes": asdict(manifest.classes),
        "counts": manifest.counts(),
        "flags": result.flag_counts(),
        "leak": None if result.leak is None else asdict(result.leak),
        "label_conflicts": [
            {
                "part": one.part,
                "good": len(one.good),
                "defective": len(one.defective),
                "odd": [photo.file for photo in one.odd],
            }
            for one in result.conflicts
        ],
        "duplicates": [
            {
                "same": one.same,
                "files": [photo.file for photo in one.photos],
                "across_splits": one.across_splits,
                "across_labels": one.across_labels,
            }
            for one in result.duplicates
        ],
        "shortcuts": [
            {name: value for name, value in vars(one).items() if name not in ("good", "defective")}
            for one in result.shortcuts
        ],
        "outliers": [
            {"file": one.photo.file, "flag": one.flag, "found": one.found, "typical": one.typical}
            for one in result.outliers
        ],
        "unreadable": [asdict(one) for one in manifest.unreadable],
        "evidence": {
            "threshold": found.threshold if found else None,
            "pairs_same": len(found.same) if found else None,
            "thin": len(result.thin),
        },
    }
    return dict(writable(content))
