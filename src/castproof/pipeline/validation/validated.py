"""Photos of a validation that the gate of a run rests on, besides those of the run itself: validation.csv beside it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from castproof.data.manifest import Photo
from castproof.errors import BrokenRunError
from castproof.files import read_rows, unguarded, write_csv
from castproof.gate.calibrator import logit_of
from castproof.gate.evidence import Evidence, share_out_folds
from castproof.pipeline.gate_file import PROPOSED, gate_path, read_gate_file
from castproof.pipeline.judged import Judged, part_numbers

VALIDATION_CSV: Final = "validation.csv"
COLUMNS: Final = ("path", "sha256", "part", "confidence", "class", "label", "p_network")


@dataclass(frozen=True)
class ValidatedPhoto:
    """A labelled photo with its absolute path in the place of its file, and what the network says about it."""

    photo: Photo
    p_network: float


def validated_photos(folder: Path) -> list[ValidatedPhoto]:
    """Return the photos of earlier validations that the gate of the run in `folder` rests on; none without any.

    Raises:
        BrokenRunError: their table is broken.
    """
    path = gate_path(folder).with_name(VALIDATION_CSV)
    if not path.is_file() or PROPOSED not in (read_gate_file(folder) or {}):
        return []
    try:
        return [_photo(row) for row in read_rows(path)]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise BrokenRunError(
            f"{path} cannot be used.", found=f"({error})", fix="Propose the gate again: castproof validate"
        ) from error


def write_validated(photos: Iterable[ValidatedPhoto], path: Path) -> None:
    """Write the table that `validated_photos` reads. Raises OutputError."""
    rows = (
        (
            one.photo.file,
            one.photo.sha256,
            one.photo.part,
            "" if one.photo.confidence is None else one.photo.confidence,
            one.photo.class_name,
            "defective" if one.photo.defective else "good",
            one.p_network,
        )
        for one in photos
    )
    write_csv(path, COLUMNS, rows)


def judged_of(photos: Iterable[ValidatedPhoto]) -> Judged:
    """Return the photos as evidence."""
    told = tuple(photos)
    only = tuple(one.photo for one in told)
    defective, part = np.array([one.defective for one in only]), part_numbers(only)
    logit = logit_of(np.array([one.p_network for one in told]))
    return Judged(only, Evidence(defective, logit, part, share_out_folds(defective, part)))


def _photo(row: dict[str, str]) -> ValidatedPhoto:
    if row["label"] not in ("good", "defective"):
        raise ValueError(f"label {row['label']!r}")
    p, defective, class_name = float(row["p_network"]), row["label"] == "defective", unguarded(row["class"])
    if not 0 <= p <= 1:
        raise ValueError(f"p_network is {p}")
    photo = Photo(
        unguarded(row["path"]),
        "",
        class_name,
        defective,
        class_name if defective else "",
        unguarded(row["part"]),
        row["sha256"],
        float(row["confidence"]) if row["confidence"] else None,
    )
    return ValidatedPhoto(photo, p)
