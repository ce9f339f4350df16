"""A gate: calibration, thresholds and what they promise, kept with the network; needs numpy alone."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from castproof.errors import DataError
from castproof.gate.calibrator import Calibrator, logit_of
from castproof.gate.combine import part_logit
from castproof.gate.policy import GOOD_PARTS, MANUAL, UNITS, Policy
from castproof.measure.decision import Thresholds, Verdict, decide
from castproof.wording import probability

Floats = NDArray[np.float64]
NO_DEFECTS_SEEN: Final = "no defects were seen, so nothing is proven about them"


@dataclass(frozen=True)
class Bound:
    """What photos prove about the defective parts that pass.

    Args:
        at_most: share of defective parts (or photos) that may pass, in [0, 1]: what was asked for, or the smallest one
            that is proven.
        confidence: one-sided, in (0, 1).
        per: "part" or "photo".
        passed: share of the evidence that passes, each part (or photo) weighted equally.
        parts: defective parts that it rests on.
        photos: their photos.
        size: what the bound counts as independent: `parts`, or less where photos are counted.
    """

    at_most: float
    confidence: float
    per: str
    passed: float
    parts: int
    photos: int
    size: float

    def __post_init__(self) -> None:
        shares = (self.at_most, self.confidence, self.passed)
        if not (all(0 <= one <= 1 for one in shares) and self.size > 0 and self.per in UNITS):
            raise DataError(
                "The stored promise cannot be used.",
                rule="Its shares are between 0 and 1.",
                found=f"Found {self}.",
                fix="Decide again: castproof decide.",
            )


@dataclass(frozen=True)
class Gate:
    """How a network's p_defective becomes a verdict.

    Args:
        calibrator: from what the network says to p_defective.
        thresholds: on the calibrated p_defective.
        policy: what was asked for.
        calibrated_for: why this calibrator, in words.
        promise: what the evidence proves about these thresholds; None where they were chosen on it for another aim, so
            that it proves nothing about them.
    """

    calibrator: Calibrator
    thresholds: Thresholds
    policy: Policy
    calibrated_for: str = ""
    promise: Bound | None = None

    @classmethod
    def at(cls, threshold: float) -> "Gate":
        """Return the gate of a network alone: nothing calibrated, one threshold, no REVIEW."""
        thresholds = Thresholds.single(threshold)
        return cls(Calibrator(), thresholds, Policy(MANUAL, thresholds=thresholds))

    @classmethod
    def of_good_parts(cls, why: str) -> "Gate":
        """Return the gate of a network that has seen good parts alone: REVIEW from 0.5 up, no REJECT, no promise.

        Args:
            why: in words, kept with the gate.
        """
        return cls(Calibrator(), Thresholds(0.5, 1.0), Policy(GOOD_PARTS), why)

    @property
    def knows_no_defects(self) -> bool:
        """Whether it never says REJECT, since the network has seen good parts alone."""
        return self.policy.name == GOOD_PARTS

    def p(self, p_network: NDArray[np.floating] | float) -> Floats:
        """Return the calibrated p_defective, float64 of the same shape, of what the network says; NaN stays NaN."""
        return self.calibrator.p(logit_of(p_network))

    def verdict(self, p_defective: float, *, unlike_training: bool = False) -> Verdict:
        """Return the verdict on a photo, or on a part, of its calibrated p_defective; see `decide`."""
        return decide(p_defective, self.thresholds, unlike_training=unlike_training)

    def p_of_part(self, p_network: NDArray[np.floating]) -> float:
        """Return the calibrated p_defective of one part, of what the network says of its photos; NaN where one is NaN.

        Args:
            p_network: float (n,), of the photos of one inspection.
        """
        return self.p_of_logits(logit_of(p_network).tolist())

    def p_of_logits(self, logits: Sequence[float]) -> float:
        """Return the calibrated p_defective of one part, of the logits of its photos; NaN where one is not finite."""
        if not np.isfinite(logits).all():
            return float("nan")
        return float(self.calibrator.p(part_logit(logits, self.policy.combine)))

    def to_json(self) -> dict[str, Any]:
        """Return the gate as JSON values."""
        return {
            "calibrator": self.calibrator.to_json(),
            "thresholds": asdict(self.thresholds),
            "policy": self.policy.to_json(),
            "calibrated_for": self.calibrated_for,
            "promise": None if self.promise is None else asdict(self.promise),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Gate":
        """Return what `to_json` gave.

        Raises:
            CastproofError, KeyError, TypeError or ValueError: it is anything else.
        """
        promise = data["promise"]
        return cls(
            Calibrator.from_json(data["calibrator"]),
            Thresholds(**{name: float(value) for name, value in data["thresholds"].items()}),
            Policy.from_json(data["policy"]),
            str(data["calibrated_for"]),
            None if promise is None else _bound_from_json(promise),
        )


def _bound_from_json(data: Mapping[str, Any]) -> Bound:
    return Bound(
        at_most=float(data["at_most"]),
        confidence=float(data["confidence"]),
        per=str(data["per"]),
        passed=float(data["passed"]),
        parts=int(data["parts"]),
        photos=int(data["photos"]),
        size=float(data["size"]),
    )


def threshold_lines(gate: Gate) -> list[str]:
    """Return what p_defective gives which verdict, a line each."""
    thresholds = gate.thresholds
    low, high = probability(thresholds.threshold), probability(thresholds.reject_from)
    if gate.knows_no_defects:
        return [
            f"ACCEPT     p_defective < {low}",
            f"REVIEW     p_defective ≥ {low}",
            f"REJECT     never: {NO_DEFECTS_SEEN}",
        ]
    review = [f"REVIEW     {low} ≤ p_defective < {high}"] if thresholds.reviews else []
    return [f"ACCEPT     p_defective < {low}", *review, f"REJECT     p_defective ≥ {high}"]
