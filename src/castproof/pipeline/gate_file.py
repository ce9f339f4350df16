"""The gate that belongs to a run: gate.json in its folder `gate`, or the threshold of training where there is none."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from castproof.errors import BrokenRunError, CastproofError, SettingError
from castproof.files import read_json
from castproof.gate.gate import Gate
from castproof.run_folder import GATE_FILE, GATE_FOLDER, RunFolder

FORMAT: Final = 1
SEAL: Final = "sha256"
PROPOSED: Final = "validation"  # key of gate.json: which validation proposed the gate


def load_gate(run: RunFolder, threshold: float) -> Gate:
    """Return the gate of `run`; the one of `threshold` alone where none was decided.

    Raises:
        BrokenRunError: gate.json is broken, of an unknown format, or of another network.
    """
    content = read_gate_file(run.path)
    if content is None:
        return Gate.at(threshold)
    path = gate_path(run.path)
    if content.get("network") != network_hash(run):
        raise BrokenRunError(
            f"{path} belongs to another network.",
            rule="A gate fits the network alone that it was decided for.",
            fix=f"Decide again: castproof decide {run.path}",
        )
    return gate_of(content, path)


def check_single(gate: Gate, folder: Path, command: str) -> None:
    """Raise SettingError where a gate judges parts by several photos, but `command` judges single ones."""
    if gate.policy.combine.several:
        raise SettingError(
            f"The gate of {folder} judges parts by several photos (--combine {gate.policy.combine}).",
            rule=f"castproof {command} judges single photos, for which its thresholds and its promise do not hold.",
            fix=f"Decide for single photos: castproof decide {folder}",
        )


def gate_path(folder: Path) -> Path:
    """Return where the gate of a run or of a cross-validation lies."""
    return folder / GATE_FOLDER / GATE_FILE


def read_gate_file(folder: Path) -> dict[str, Any] | None:
    """Return the content of gate.json of a run or of a cross-validation; None where none was decided.

    Raises:
        BrokenRunError: it is broken or of an unknown format.
    """
    path = gate_path(folder)
    try:
        content = read_json(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _broken(path, str(error)) from error
    if content.get("format") != FORMAT:
        raise _broken(path, f"format {str(content.get('format'))[:40]!r}")
    if content != sealed(content):
        raise BrokenRunError(
            f"{path} was changed by hand, or damaged.",
            rule="Its figures belong together as they were decided.",
            fix="Decide again: castproof decide RUN; with thresholds of your own: --policy manual",
        )
    return content


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a gate.json with the hash of everything else in it, by which a change is noticed."""
    rest = {key: value for key, value in content.items() if key != SEAL}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=True)
    return {**rest, SEAL: sha256(text.encode("ascii")).hexdigest()}


def gate_of(content: dict[str, Any], path: Path) -> Gate:
    """Return the gate that the content of gate.json tells. Raises BrokenRunError."""
    try:
        return Gate.from_json(content["gate"])
    except (CastproofError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _broken(path, str(error)) from error


def network_hash(run: RunFolder) -> str:
    """Return a hex SHA-256 of the file of the network that a gate belongs to. Raises BrokenRunError without one."""
    try:
        return sha256(run.best_model.read_bytes()).hexdigest()
    except OSError as error:
        raise BrokenRunError(
            f"{run.best_model} cannot be read.",
            found=f"({error.strerror})",
            fix="Put it back, or train again.",
        ) from error


def _broken(path: Path, found: str) -> BrokenRunError:
    return BrokenRunError(
        f"{path} cannot be used.",
        rule=f"It contains a gate in format {FORMAT}.",
        found=f"({found.splitlines()[0] if found else 'nothing'})",
        fix="Decide again: castproof decide RUN",
    )
