"""Verdicts for photos without labels; a photo or part that cannot be judged is never called good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.data.folders import photos_below
from castproof.errors import DataError, ImageError, RunError, SettingError
from castproof.files import make_folder, write_csv
from castproof.gate.gate import Gate
from castproof.measure.decision import Thresholds, Verdict
from castproof.model.checkpoint import load_checkpoint
from castproof.pipeline.gate_file import load_gate
from castproof.pipeline.scoring import score_photos
from castproof.progress import SILENT, Progress
from castproof.run_folder import CROSSVAL_PLAN, RunFolder
from castproof.wording import counted

COLUMNS: Final = ("file", "verdict", "p_defective", "threshold", "reject_from", "reason")
NO_NUMBER: Final = "The network gave no number."


@dataclass(frozen=True)
class Prediction:
    """The verdict on one photo, or on one part.

    Args:
        path: the photo, or the folder with the photos of the part.
        verdict: ACCEPT, REVIEW or REJECT, or NOT_INSPECTED where it could not be judged.
        p_defective: in [0, 1], None where it could not be judged.
        thresholds: what p_defective was compared with.
        reason: why it could not be judged, else "".
    """

    path: Path
    verdict: Verdict
    p_defective: float | None
    thresholds: Thresholds
    reason: str


def predict(
    run: RunFolder,
    sources: Sequence[Path],
    *,
    part_per_folder: bool = False,
    device: str = "auto",
    progress: Progress = SILENT,
) -> list[Prediction]:
    """Return one prediction per photo, in the order of `sources`, folders by path; or one per part.

    Args:
        run: the trained run, with its gate.
        sources: photos, and folders that are searched with their subfolders.
        part_per_folder: the photos that lie in one folder show one part, which gets one verdict.
        device: "auto", "cpu", "cuda" or "mps".
        progress: told of every batch.

    Raises:
        RunError: the run or its gate cannot be opened.
        DataError: there are no photos in any of the sources.
        SettingError: the gate was decided for single photos, and parts are asked for, or the other way round.
    """
    if (run.path / CROSSVAL_PLAN).is_file():
        raise RunError(
            f"{run.path} is a cross-validation, which has no network of its own.",
            rule="Verdicts on new photos take the network of one run.",
            fix=f"Train one with castproof train, and decide: castproof decide RUN --evidence {run.path}",
        )
    checkpoint = load_checkpoint(run.best_model)
    gate = load_gate(run, checkpoint.threshold)
    _check_unit(gate, run, part_per_folder=part_per_folder)
    paths = _collect(sources)
    failures: dict[int, ImageError] = {}
    p_network = score_photos(checkpoint, paths, device, progress, failures)
    reasons = {index: str(error) for index, error in failures.items()}
    if part_per_folder:
        return _by_folder(gate, paths, p_network, reasons)
    p = gate.p(p_network)
    return [
        _prediction(gate, path, float(p[index]), reasons.get(index, NO_NUMBER))
        for index, path in enumerate(paths)
    ]


def write_predictions(predictions: Sequence[Prediction], path: Path) -> None:
    """Write one row per prediction to the CSV file `path`, whole or not at all. Raises OutputError."""
    rows = (
        (
            one.path.as_posix(),
            one.verdict.value,
            one.p_defective,
            one.thresholds.threshold,
            one.thresholds.reject_from,
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


def _prediction(gate: Gate, path: Path, p: float, reason: str) -> Prediction:
    verdict = gate.verdict(p)
    judged = verdict is not Verdict.NOT_INSPECTED
    return Prediction(path, verdict, p if judged else None, gate.thresholds, "" if judged else reason)


def _by_folder(
    gate: Gate, paths: Sequence[Path], p_network: NDArray[np.float64], reasons: Mapping[int, str]
) -> list[Prediction]:
    """Return one prediction per folder that holds photos; a part with a photo that cannot be judged has no verdict."""
    places: dict[Path, list[int]] = {}
    for index, path in enumerate(paths):
        places.setdefault(path.parent, []).append(index)
    found, wanted = [], gate.policy.combine.n
    for folder, indices in places.items():
        if len(indices) != wanted:
            reason = f"{folder}: a verdict takes {counted(wanted, 'photo')}, found {len(indices)}."
            found.append(_prediction(gate, folder, float("nan"), reason))
            continue
        reason = next((reasons[index] for index in indices if index in reasons), NO_NUMBER)
        found.append(_prediction(gate, folder, gate.p_of_part(p_network[indices]), reason))
    return found


def _check_unit(gate: Gate, run: RunFolder, *, part_per_folder: bool) -> None:
    combine = gate.policy.combine
    if part_per_folder and not combine.several:
        raise SettingError(
            f"The gate of {run.path} judges single photos.",
            rule="--part-per-folder takes a gate that says how the photos of a part become one verdict.",
            fix=f"Decide one: castproof decide {run.path} --combine any/3",
        )
    if combine.several and not part_per_folder:
        raise SettingError(
            f"The gate of {run.path} judges parts by several photos (--combine {combine}).",
            rule="Its thresholds and its promise do not hold for single photos.",
            fix="Put the photos of each part into a folder of its own and give --part-per-folder.",
        )


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
