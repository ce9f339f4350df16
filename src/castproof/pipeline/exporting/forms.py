"""The formats that a network can be exported in, and what each of them may change."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from castproof.errors import ModelFileError, SettingError
from castproof.images import decode_plain
from castproof.modelfile.card import Card
from castproof.pipeline.exporting.parity import HEAT_TOLERANCE, P_TOLERANCE, Runner

ONNX: Final = "onnx"
OPENVINO: Final = "openvino"
TORCHSCRIPT: Final = "torchscript"
SUFFIXES: Final = {ONNX: ".onnx", OPENVINO: ".xml", TORCHSCRIPT: ".pt"}
FLOAT32: Final = "float32"
INT8: Final = "int8"
PRECISIONS: Final = (FLOAT32, INT8)


@dataclass(frozen=True, eq=False)
class Form:
    """A network in one of the formats, not yet written.

    Args:
        runner: runs what will be written.
        write: writes it to a path, whole or not at all, with its card; returns its size in bytes.
        changes: what is another thing than in the trained network or in a model file, in sentences.
        p_tolerance: largest difference of p_defective to PyTorch that may be.
        heat_tolerance: largest difference of a heat map to PyTorch that may be, nats.
        has_own_answers: whether the stored photos are to give what this form says, not what PyTorch says.
    """

    runner: Runner
    write: Callable[[Path, Card], int]
    changes: tuple[str, ...] = ()
    p_tolerance: float = P_TOLERANCE
    heat_tolerance: float = HEAT_TOLERANCE
    has_own_answers: bool = False


def check_request(target: str, precision: str, most_changed: float) -> None:
    """Raise SettingError unless there is such a format, in such a precision, with such a tolerance.

    Args:
        target: see SUFFIXES.
        precision: see PRECISIONS.
        most_changed: share of verdicts that may change.
    """
    _one_of("--to", target, tuple(SUFFIXES))
    _one_of("--precision", precision, PRECISIONS)
    if precision == INT8 and target != ONNX:
        raise SettingError(
            f"--precision {INT8} does not go with --to {target}.",
            rule=f"Only model files (--to {ONNX}) can be in int8.",
            fix="Leave one of the two out.",
        )
    if not 0 <= most_changed < 1:
        raise SettingError(
            "--tolerance is no share.",
            rule="It is at least 0 and below 1.",
            found=f"Found {most_changed!r}.",
            fix="Give for example 0.005 for one verdict in two hundred.",
        )
    if most_changed and precision != INT8:
        raise SettingError(
            "--tolerance goes with --precision int8 alone.",
            rule="In full precision no verdict may change.",
            fix="Leave it out.",
        )


def check_stored_photos(runner: Runner, card: Card, out: Path) -> None:
    """Raise ModelFileError unless what was written gives for the stored photos what its card says.

    Args:
        runner: runs what was written.
        card: with the photos.
        out: how the error calls it.
    """
    for example in card.examples:
        p = runner.look(decode_plain(example.photo)).p_defective
        if not abs(p - example.p_defective) <= P_TOLERANCE:
            raise ModelFileError(
                f"{out} was not written: once written, it said something else.",
                found=f"{example.name}: p_defective is {p:.6f}, it should be {example.p_defective:.6f}.",
                fix="Report it with this output.",
            )


def _one_of(flag: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SettingError(
            f"{flag} {value} is not known.", rule=f"It is one of {', '.join(known)}.", fix="Give one of them."
        )
