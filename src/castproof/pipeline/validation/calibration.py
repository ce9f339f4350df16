"""Whether p_defective can be taken at its word in a new set of photos, as at training."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from castproof.gate.calibrator import NONE, logit_of
from castproof.gate.evidence import Evidence
from castproof.gate.gate import Gate
from castproof.measure.calibration import ece, reliability
from castproof.measure.calibration_drift import CalibrationDrift, calibration_drift
from castproof.measure.scores import Floats

LEVEL: Final = 0.05


@dataclass(frozen=True)
class Mix:
    """Share of parts, and of photos, that are defective, each in (0, 1)."""

    of_parts: float
    of_photos: float


@dataclass(frozen=True)
class CalibrationOf:
    """How far p_defective can be taken at its word in one set of photos, adapted to its share of defective ones.

    Args:
        drift: defective parts beside how many p_defective promises.
        ece: expected calibration error of photos, 15 bins.
        mix: of the set.
    """

    drift: CalibrationDrift
    ece: float
    mix: Mix


@dataclass(frozen=True)
class CalibrationCheck:
    """How far p_defective can be taken at its word, at training and now."""

    before: CalibrationOf
    now: CalibrationOf

    @property
    def has_drifted(self) -> bool:
        """Whether it does not hold now, but did at training."""
        return self.now.drift.moved and not self.before.drift.moved


def check_calibration(gate: Gate, mix: Mix, before: Evidence, now: Evidence) -> CalibrationCheck:
    """Return how far p_defective can be taken at its word.

    A set from the shop floor has the share of defective parts that somebody put into it. So p_defective is first
    adapted to the share of each set (Saerens, Latinne and Decaestecker 2002): what is left is the network's doing.

    Args:
        gate: its calibrator is judged.
        mix: what the calibrator was fitted at.
        before: photos at training that it was not fitted to.
        now: new photos.
    """
    return CalibrationCheck(_calibration_of(gate, mix, before), _calibration_of(gate, mix, now))


def mix_of(evidence: Evidence) -> Mix:
    """Return how much of `evidence` is defective."""
    parts = [evidence.parts(defective=kind) for kind in (True, False)]
    return Mix(parts[0] / sum(parts), float(evidence.defective.mean()))


def mix_at_calibration(gate_file: dict[str, Any] | None, evidence: Evidence) -> Mix:
    """Return what the calibrator of gate.json was fitted at; that of `evidence` where nothing was calibrated."""
    if gate_file is None or gate_file["gate"]["calibrator"]["method"] == NONE:
        return mix_of(evidence)
    told = gate_file["rests_on"]
    of_parts, of_photos = (
        told[f"defective_{unit}"] / (told[f"defective_{unit}"] + told[f"good_{unit}"])
        for unit in ("parts", "photos")
    )
    return Mix(float(of_parts), float(of_photos))


def at_mix(p: Floats, before: float, now: float) -> Floats:
    """Return p_defective where `now` in the place of `before` of all are defective, float64 of the same shape.

    Args:
        p: in [0, 1].
        before, now: in (0, 1).
    """
    odds = math.log(now / (1 - now)) - math.log(before / (1 - before))
    return np.asarray(1 / (1 + np.exp(-(logit_of(p) + odds))), np.float64)


def _calibration_of(gate: Gate, mix: Mix, photos: Evidence) -> CalibrationOf:
    own, p = mix_of(photos), gate.calibrator.p(photos.logit)
    by_part, by_photo = (
        at_mix(p, mix.of_parts, own.of_parts),
        at_mix(p, mix.of_photos, own.of_photos),
    )
    return CalibrationOf(
        calibration_drift(photos.defective, by_part, photos.part, level=LEVEL),
        ece(reliability(photos.defective, by_photo)),
        own,
    )
