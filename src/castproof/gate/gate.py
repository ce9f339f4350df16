"""A gate: calibration, thresholds and what they promise, chosen on evidence and kept with the network."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from castproof.errors import DataError, SettingError
from castproof.gate.calibration import AUTO, choose_calibrator
from castproof.gate.calibrator import Calibrator
from castproof.gate.choice import Sides, choose_cuts, sample_of, sides, unit_inspections
from castproof.gate.combine import part_logit
from castproof.gate.evidence import Evidence, logit_of
from castproof.gate.policy import MANUAL, MISS_RATE, UNITS, Policy
from castproof.gate.risk import Sample, upper_bound
from castproof.measure.decision import Thresholds, Verdict, decide, is_defective
from castproof.measure.scores import Floats


@dataclass(frozen=True)
class Bound:
    """What photos prove about the defective parts that pass.

    Args:
        at_most: share of defective parts (or photos) that may pass, in [0, 1]: what was asked for, or the smallest one
            that is proven.
        confidence: one-sided, in (0, 1).
        per: "part" or "photo".
        passed: share of the evidence that passes, each part (or photo) counted alike.
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
                rule="Its shares lie from 0 to 1.",
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

    def p(self, p_network: NDArray[np.floating] | float) -> Floats:
        """Return the calibrated p_defective, float64 of the same shape, of what the network says; NaN stays NaN."""
        return self.calibrator.p(logit_of(p_network))

    def verdict(self, p_defective: float) -> Verdict:
        """Return the verdict on a photo, or on a part, of its calibrated p_defective."""
        return decide(p_defective, self.thresholds)

    def p_of_part(self, p_network: NDArray[np.floating]) -> float:
        """Return the calibrated p_defective of one part, of what the network says of its photos; NaN where one is NaN.

        Args:
            p_network: float (n,), of the photos of one inspection.
        """
        logits = logit_of(p_network)
        if not np.isfinite(logits).all():
            return float("nan")
        return float(self.calibrator.p(part_logit(logits.tolist(), self.policy.combine)))

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


def choose_gate(
    evidence: Evidence,
    policy: Policy,
    *,
    calibration: str = AUTO,
    seed: int = 1337,
    sample: Sample | None = None,
) -> Gate:
    """Return the gate that `policy` asks for.

    Args:
        evidence: photos of parts that the network had not learnt from.
        policy: what is asked for.
        calibration: see `choose_calibrator`.
        seed: of the folds of parts that the calibration is chosen by.
        sample: see `choose_cuts`.

    Raises:
        SettingError: the calibration does not fit.
        DataError: a kind of parts is absent.
        PromiseError: the evidence cannot keep what is asked for.
    """
    known = sides(evidence, policy)
    try:
        chosen = choose_calibrator(evidence, calibration, seed=seed)
    except SettingError:
        if sample is None:
            raise
        chosen = choose_calibrator(evidence, AUTO, seed=seed)
    if policy.thresholds is not None:
        thresholds = policy.thresholds
    else:
        cuts = choose_cuts(known, policy, sample=sample)
        accept, reject = (float(chosen.calibrator.p(cut)) for cut in (cuts.accept, cuts.reject))
        thresholds = Thresholds(accept, reject)
    promise = None
    if policy.name in (MISS_RATE, MANUAL) and sample is None:
        promise = bound_of(known, policy, chosen.calibrator, thresholds)
    if promise is not None and policy.name == MISS_RATE:
        promise = replace(promise, at_most=policy.miss_rate)
    return Gate(chosen.calibrator, thresholds, policy, chosen.why, promise)


def bound_of(known: Sides, policy: Policy, calibrator: Calibrator, thresholds: Thresholds) -> Bound:
    """Return what the photos of `known` prove about the defective parts that pass these thresholds.

    It holds for thresholds that were not chosen on these photos. For those of the policy "miss-rate" the miss rate that
    was asked for holds, and no smaller one.
    """
    told = unit_inspections(known, policy)
    passing = ~is_defective(calibrator.p(told.logit), thresholds.threshold)
    passed = float(np.clip((told.weight * passing).sum() / told.parts, 0.0, 1.0))
    sample = sample_of(known, policy)
    return Bound(
        at_most=upper_bound(passed, sample, policy.confidence),
        confidence=policy.confidence,
        per=policy.per,
        passed=passed,
        parts=told.parts,
        photos=int(told.photos.sum()),
        size=sample.size,
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
