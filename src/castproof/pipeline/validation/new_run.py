"""A proposed gate in a run folder of its own, never over the one in use."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from castproof import __version__
from castproof.data.placing import check_outside
from castproof.errors import OutputError
from castproof.files import TEMPORARY_START, flush_all, make_folder, write_error, write_json
from castproof.pipeline.decide import OUT_OF_FOLD
from castproof.pipeline.gate_file import FORMAT, PROPOSED, gate_path, network_hash, sealed
from castproof.pipeline.validation.proposal import BOTH, Proposal
from castproof.pipeline.validation.validate import Validation
from castproof.pipeline.validation.validated import (
    VALIDATION_CSV,
    ValidatedPhoto,
    validated_photos,
    write_validated,
)
from castproof.run_folder import RunFolder

NOT_COPIED: Final = "last_state.pt"


def check_new_run(new_run: Path, run: RunFolder, data: Path) -> None:
    """Raise where a proposal cannot be written to `new_run`.

    Raises:
        OutputError: it is not empty, or lies in the run or in the folder of the photos.
    """
    if new_run.exists() and (not new_run.is_dir() or any(new_run.iterdir())):
        raise OutputError(
            f"{new_run} is there already.",
            rule="A proposed gate goes into a new run folder, never over another one.",
            fix="Give the name of a new folder to --propose.",
        )
    if new_run.resolve().is_relative_to(run.path.resolve()):
        raise OutputError(
            f"{new_run} is in the run that it is to be another version of.",
            fix="Give a folder outside of it, for example next to it.",
        )
    check_outside(data, new_run)


def write_proposal(
    validation: Validation, proposal: Proposal, new_run: Path, *, now: datetime | None = None
) -> Path:
    """Return `new_run` after writing a copy of the run with the proposed gate into it, whole or not at all.

    Raises:
        OutputError: it cannot be written, or is not empty.
    """
    check_new_run(new_run, validation.run, validation.data)
    try:
        with _folder_in_the_end(new_run) as folder:
            for path in sorted(validation.run.path.iterdir()):
                if path.is_file() and path.name != NOT_COPIED and not path.name.startswith(TEMPORARY_START):
                    shutil.copyfile(path, folder / path.name)
            gate = gate_path(folder)
            write_validated(_photos(validation, proposal.rests_on), gate.with_name(VALIDATION_CSV))
            write_json(gate, sealed(proposal_json(validation, proposal, now or datetime.now())))
    except OSError as error:
        raise write_error(new_run, error) from error
    return new_run


def proposal_json(validation: Validation, proposal: Proposal, now: datetime) -> dict[str, Any]:
    """Return the content of the gate.json of a proposal."""
    told = proposal.evidence
    return {
        "format": FORMAT,
        "castproof": __version__,
        "network": network_hash(validation.run),
        "gate": proposal.gate.to_json(),
        "rests_on": {
            "kind": "validation",
            "defective_parts": told.parts(defective=True),
            "good_parts": told.parts(defective=False),
            "defective_photos": told.photos(defective=True),
            "good_photos": told.photos(defective=False),
            "left_out": len(validation.new.known),
            "also_chose_the_network": proposal.rests_on == BOTH
            and validation.source.evidence_chose_the_network,
            "data_hash": validation.new.manifest.data_hash(),
        },
        "asked": (validation.gate_file or {})["asked"],
        "told_on": OUT_OF_FOLD,
        "results": None if proposal.results is None else proposal.results.to_json(),
        "proof": None,
        "promises": [],
        PROPOSED: {
            "of": str(validation.run.path.resolve()),
            "gate_before": validation.gate.to_json(),
            "data": str(validation.data.resolve()),
            "data_hash": validation.new.manifest.data_hash(),
            "evidence": proposal.rests_on,
            "photos": VALIDATION_CSV,
            "made": now.isoformat(timespec="seconds"),
        },
    }


def _photos(validation: Validation, rests_on: str) -> Iterator[ValidatedPhoto]:
    """Yield the photos of this and, where they still count, of earlier validations that the gate rests on."""
    if rests_on == BOTH:
        yield from validated_photos(validation.run.path)
    manifest, p = validation.new.manifest, validation.p_network
    for photo, one in zip(validation.judged.photos, p, strict=True):
        yield ValidatedPhoto(replace(photo, file=str(manifest.path(photo).absolute())), float(one))


@contextmanager
def _folder_in_the_end(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that becomes it when the block ends well, and is removed if not."""
    make_folder(path.parent)
    temporary = path.with_name(f"{TEMPORARY_START}{path.name}-{os.getpid()}")
    temporary.mkdir()
    try:
        yield temporary
        if path.is_dir():
            path.rmdir()
        flush_all()
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
