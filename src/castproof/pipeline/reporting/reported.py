"""What a report is made of: the decision that is kept with a run, or the run with its own threshold."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Final

from castproof.errors import BrokenRunError
from castproof.files import read_rows
from castproof.gate.calibrator import NONE
from castproof.gate.gate import Bound, Gate
from castproof.gate.outcome import Outcome
from castproof.gate.policy import MANUAL, Policy
from castproof.gate.results import results
from castproof.measure.decision import Thresholds
from castproof.pipeline.decide import Asked, Decision, decide, decided
from castproof.pipeline.judged import CROSSVAL, check_source
from castproof.settings import UNTUNED

PREDICTIONS: Final = "predictions.csv"


@dataclass(frozen=True, eq=False)
class Reported:
    """A decision, and whether somebody made it.

    Args:
        decision: the gate and what is told of it.
        decided: whether it is kept with the run; its threshold is the one of training otherwise.
    """

    decision: Decision
    decided: bool

    @property
    def tuned(self) -> bool:
        """Whether the threshold was chosen on the evidence without a promise: by training, for a score."""
        return not self.decided and self.decision.source.settings.tune_for != UNTUNED

    @property
    def sisters(self) -> bool:
        """Whether the evidence was judged by networks of a cross-validation, trained like the one that it is about."""
        return self.decision.source.evidence_kind == CROSSVAL

    @property
    def promise_holds(self) -> bool:
        """Whether the evidence proves anything about the thresholds."""
        return self.decision.gate.promise is not None and not self.tuned

    @cached_property
    def bound(self) -> Bound | None:
        """What is proven about defective parts that pass: by the evidence, else by the test photos."""
        return self.decision.gate.promise if self.promise_holds else self.decision.proof


def reported(folder: Path) -> Reported:
    """Return the decision that is kept in a run or a cross-validation, else one with the threshold of training.

    Raises:
        CastproofError: the folder is neither, or holds nothing that a decision could be told of.
    """
    check_source(folder)
    decision = decided(folder)
    if decision is not None:
        return Reported(decision, decided=True)
    thresholds = _own_thresholds(folder / PREDICTIONS)
    policy = Policy(MANUAL, thresholds=Thresholds.single(float(median(thresholds.values()))))
    decision = decide(folder, Asked(policy, calibration=NONE))
    if len(set(thresholds.values())) > 1:
        gates = {fold: Gate.at(threshold) for fold, threshold in thresholds.items()}
        outcome = Outcome(decision.outcome.photos, gates)
        told = results(outcome, policy, decision.results.defect_rate)
        decision = replace(decision, outcome=outcome, results=told)
    return Reported(decision, decided=False)


def _own_thresholds(path: Path) -> dict[int, float]:
    """Return the threshold of every fold in a predictions.csv; of 0 where there are no folds."""
    try:
        found = {int(row.get("fold") or 0): float(row["threshold"]) for row in read_rows(path)}
        if not found or not all(0 <= threshold <= 1 for threshold in found.values()):
            raise ValueError("no rows" if not found else "a threshold is not from 0 to 1")
        return found
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise BrokenRunError(
            f"{path} says no threshold.", found=f"({error})", fix="Give a complete run, or make it again."
        ) from error
