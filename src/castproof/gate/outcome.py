"""What a gate does with photos that it was not chosen on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from castproof.errors import DataError
from castproof.gate.calibration import AUTO
from castproof.gate.calibrator import NONE
from castproof.gate.choice import sample_of, sides
from castproof.gate.choosing import choose_gate
from castproof.gate.evidence import Evidence, inspections
from castproof.gate.gate import Gate
from castproof.gate.policy import Policy
from castproof.measure.decision import is_defective
from castproof.measure.scores import Flags, Floats
from castproof.wording import counted


@dataclass(frozen=True, eq=False)
class PartShares:
    """Of the good or the defective parts: the share of each one's inspections by verdict, float64 (parts,) in [0, 1].

    Args:
        accepted, reviewed, rejected: the shares; they sum to 1.
    """

    accepted: Floats
    reviewed: Floats
    rejected: Floats


@dataclass(frozen=True, eq=False)
class Outcome:
    """Photos with their verdicts.

    Args:
        photos: what the network says about them.
        gates: the gate of every fold of `photos`.
    """

    photos: Evidence
    gates: Mapping[int, Gate]

    @cached_property
    def p(self) -> Floats:
        """float64 (n,), the calibrated p_defective."""
        p = np.zeros(len(self.photos))
        for fold, gate in self.gates.items():
            rows = self.photos.fold == fold
            p[rows] = gate.calibrator.p(self.photos.logit[rows])
        return p

    @property
    def is_calibrated(self) -> bool:
        """Whether the calibration of any gate changes what the network says."""
        return any(gate.calibrator.method != NONE for gate in self.gates.values())

    @cached_property
    def accepted(self) -> Flags:
        """bool (n,), photos with the verdict ACCEPT."""
        return ~self._on_or_above({fold: gate.thresholds.threshold for fold, gate in self.gates.items()})

    @cached_property
    def rejected(self) -> Flags:
        """bool (n,), photos with the verdict REJECT."""
        return self._on_or_above({fold: gate.thresholds.reject_from for fold, gate in self.gates.items()})

    def part_shares(self, *, defective: bool) -> PartShares:
        """Return how the good or the defective parts fare when they are inspected as the policy combines photos.

        Raises:
            DataError: no part has enough photos.
        """
        found = []
        for fold, gate in self.gates.items():
            try:
                told = inspections(
                    self.photos.rows(self.photos.fold == fold), gate.policy.combine, defective=defective
                )
            except DataError:
                continue
            p = gate.calibrator.p(told.logit)
            accepted = ~is_defective(p, gate.thresholds.threshold)
            rejected = is_defective(p, gate.thresholds.reject_from)
            found.append([told.per_part(one) for one in (accepted, ~accepted & ~rejected, rejected)])
        if not found:
            raise DataError(
                f"No {'defective' if defective else 'good'} part has enough photos for one verdict.",
                fix="Add photos, or leave --combine out.",
            )
        return PartShares(*(np.concatenate(one) for one in zip(*found, strict=True)))

    def _on_or_above(self, thresholds: Mapping[int, float]) -> Flags:
        called = np.zeros(len(self.photos), np.bool_)
        for fold, threshold in thresholds.items():
            rows = self.photos.fold == fold
            called[rows] = is_defective(self.p[rows], threshold)
        return called


def pass_through(gate: Gate, photos: Evidence) -> Outcome:
    """Return what one gate does with `photos`, whatever their folds."""
    return Outcome(photos, {int(fold): gate for fold in np.unique(photos.fold)})


def cross_fitted(evidence: Evidence, policy: Policy, *, calibration: str = AUTO, seed: int = 1337) -> Outcome:
    """Return what the rule does with parts that it was not applied to: each fold has the gate chosen on all others.

    A fold less is fewer parts, with which a promise may be out of reach. So the bound is computed with the parts of all
    folds: the question is what the rule does on other parts, not what is proven.

    Raises:
        DataError: a kind of parts is absent where a fold is left out.
        PromiseError: the evidence cannot keep what is asked for, where a fold is left out.
    """
    folds = np.unique(evidence.fold)
    if len(folds) < 2:
        raise DataError(
            "There are too few parts to say what the gate does.",
            rule="It takes other parts than those that it was chosen on.",
            found=f"Found {counted(len(np.unique(evidence.part)), 'part')}.",
            fix="Add photos of more parts, or decide on a cross-validation.",
        )
    sample = sample_of(sides(evidence, policy), policy)
    gates = {
        int(fold): choose_gate(
            evidence.rows(evidence.fold != fold), policy, calibration=calibration, seed=seed, sample=sample
        )
        for fold in folds
    }
    return Outcome(evidence, gates)
