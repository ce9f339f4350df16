"""The card of a model file: all that belongs to a network besides its graph, as JSON values in the file's metadata."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from castproof.errors import CastproofError, ModelFileError
from castproof.files import check_nesting
from castproof.gate.gate import Gate
from castproof.measure.decision import Verdict
from castproof.modelfile.input_gate import InputGate
from castproof.modelfile.references import MOST_REFERENCES, Reference

FORMAT: Final = 1
GREY: Final = "grey"
COLOUR: Final = "colour"
COLOURS: Final = (GREY, COLOUR)
MOST_EXAMPLES: Final = 64
MOST_NESTED: Final = 6


@dataclass(frozen=True, eq=False)
class Example:
    """A stored photo with what the network said about it where it was exported.

    Args:
        name: of the photo's file.
        label: "defective", "good" or "".
        photo: bytes of an image file.
        logit: what the network said, not calibrated.
        p_defective: calibrated, in [0, 1].
        verdict: by the thresholds of the gate.
        hottest: largest heat of its heat map, nats; None where the file has no heat map.
    """

    name: str
    label: str
    photo: bytes
    logit: float
    p_defective: float
    verdict: Verdict
    hottest: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the example as JSON values."""
        return {
            "name": self.name,
            "label": self.label,
            "photo": base64.b64encode(self.photo).decode("ascii"),
            "logit": self.logit,
            "p_defective": self.p_defective,
            "verdict": self.verdict.value,
            "hottest": self.hottest,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Example":
        """Return what `to_json` gave. Raises KeyError, TypeError or ValueError where it is anything else."""
        return cls(
            name=str(data["name"]),
            label=str(data["label"]),
            photo=base64.b64decode(data["photo"], validate=True),
            logit=float(data["logit"]),
            p_defective=float(data["p_defective"]),
            verdict=Verdict(data["verdict"]),
            hottest=None if data["hottest"] is None else float(data["hottest"]),
        )


@dataclass(frozen=True, eq=False)
class Card:
    """What a program needs to use a network, and what a person wants to know about it.

    Args:
        name: of the model, for people.
        good: names of the classes of good parts.
        defective: names of the classes of defective parts; none where the gate knows no defects.
        size_px: side of the network input; the photo is squeezed to it inside the graph.
        colour: GREY where all training photos were grey, else COLOUR; for people, no verdict rests on it.
        gate: calibration, thresholds, policy and promise.
        input_gate: which photos are unlike the training photos; None where no training photos were at hand.
        examples: stored photos with what is to be said about them.
        about: further sections for people, JSON values by title; see `castproof.pipeline.exporting.card_content`.
        references: photos of known good parts, for people to compare with; no verdict rests on them.
        types: names of the defect types that the graph has scores for, in their order; no verdict rests on them.
    """

    name: str
    good: tuple[str, ...]
    defective: tuple[str, ...]
    size_px: int
    colour: str
    gate: Gate
    input_gate: InputGate | None
    examples: tuple[Example, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    types: tuple[str, ...] = ()

    def to_text(self) -> str:
        """Return the card as JSON text."""
        data = {
            "format": FORMAT,
            "name": self.name,
            "classes": {"good": list(self.good), "defective": list(self.defective)},
            "size_px": self.size_px,
            "colour": self.colour,
            "gate": self.gate.to_json(),
            "input_gate": None if self.input_gate is None else self.input_gate.to_json(),
            "types": list(self.types),
            "about": dict(self.about),
            "examples": [example.to_json() for example in self.examples],
            "references": [reference.to_json() for reference in self.references],
        }
        return json.dumps(data, ensure_ascii=True, allow_nan=False)


def read_card(text: str, name: str) -> Card:
    """Return the card that `Card.to_text` wrote.

    Args:
        text: JSON.
        name: how errors call the file.

    Raises:
        ModelFileError: it is of another format, incomplete, or contradicts itself.
    """
    try:
        data = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        if not isinstance(data, dict):
            raise TypeError("no object")
        if data["format"] != FORMAT:
            raise _other_format(data["format"], name)
        card = _card(data)
        check_nesting(card.about, MOST_NESTED)
        _check(card)
        return card
    except ModelFileError:
        raise
    except (
        CastproofError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
        OverflowError,
    ) as error:
        raise ModelFileError(
            f"The card of {name} cannot be used.",
            rule=f"It says how photos are judged, in format {FORMAT}.",
            found=f"({' '.join(str(error).split())[:200] or type(error).__name__})",
            fix="Export the model again: castproof export RUN -o model.onnx",
        ) from error


def _card(data: Mapping[str, Any]) -> Card:
    gate, verdicts = data["input_gate"], Gate.from_json(data["gate"])
    return Card(
        name=str(data["name"]),
        good=_names(data["classes"]["good"], 1),
        defective=_names(data["classes"]["defective"], 0 if verdicts.knows_no_defects else 1),
        size_px=int(data["size_px"]),
        colour=str(data["colour"]),
        gate=verdicts,
        input_gate=None if gate is None else InputGate.from_json(gate),
        examples=tuple(Example.from_json(one) for one in data["examples"]),
        about=dict(data["about"]),
        references=_references(data.get("references", [])),
        types=_names(data["types"], 1) if data.get("types") else (),
    )


def _references(references: Any) -> tuple[Reference, ...]:
    if not isinstance(references, list) or len(references) > MOST_REFERENCES:
        raise ValueError(f"a list of at most {MOST_REFERENCES} references is expected")
    return tuple(map(Reference.from_json, references))


def _names(names: Any, least: int) -> tuple[str, ...]:
    if (
        not isinstance(names, list)
        or len(names) < least
        or not all(isinstance(one, str) and one for one in names)
    ):
        raise ValueError("a list of class names is expected")
    return tuple(names)


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _check(card: Card) -> None:
    names = card.good + card.defective
    if len(set(names)) != len(names):
        raise ValueError("a class name is there twice")
    if len(set(card.types)) != len(card.types) or not set(card.types) <= set(card.defective):
        raise ValueError("the defect types are not classes of defective parts")
    if card.colour not in COLOURS or not 1 <= card.size_px <= 4096 or len(card.examples) > MOST_EXAMPLES:
        raise ValueError("colour, size_px or the number of stored photos is out of its range")
    for one in card.examples:
        numbers: NDArray[np.float64] = np.array([one.logit, one.p_defective, one.hottest or 0.0])
        if not np.isfinite(numbers).all() or not 0 <= one.p_defective <= 1:
            raise ValueError(f"example {one.name!r} has no p_defective in [0, 1]")
        if card.gate.verdict(one.p_defective) is not one.verdict:
            raise ValueError(f"the verdict of example {one.name!r} is not that of the thresholds")


def _other_format(found: Any, name: str) -> ModelFileError:
    return ModelFileError(
        f"{name} has format {str(found)[:40]!r}.",
        rule=f"This castproof reads format {FORMAT}.",
        fix="Use the castproof that exported it, or export the model again with this one.",
    )
