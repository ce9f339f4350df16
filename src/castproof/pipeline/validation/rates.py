"""How verdicts and a promised miss rate fare in a new set of photos, beside training."""

import math
from dataclasses import dataclass
from typing import Final

from castproof.errors import DataError
from castproof.gate.choice import sample_of, sides
from castproof.gate.choosing import bound_of
from castproof.gate.evidence import Evidence
from castproof.gate.gate import Bound, Gate
from castproof.gate.outcome import Outcome, pass_through
from castproof.gate.policy import MISS_RATE
from castproof.gate.risk import Sample, p_value, size_needed
from castproof.measure.intervals import Rate, rate_by_part
from castproof.measure.rate_difference import RateDifference, rate_difference

GOOD: Final = "good"
DEFECTIVE: Final = "defective"
MISSED: Final = "missed defects"
REVIEWED_DEFECTS: Final = "defects in REVIEW"
FALSE_ALARMS: Final = "false alarms"
REVIEWED_GOOD: Final = "good parts in REVIEW"


@dataclass(frozen=True)
class RateChange:
    """How often one verdict was given at training and is given now, to good or defective parts of equal weight."""

    name: str
    kind: str
    before: Rate
    now: Rate
    difference: RateDifference | None


@dataclass(frozen=True)
class PromiseCheck:
    """What the new parts alone say about a promised miss rate.

    Args:
        limit: the promised miss rate.
        bound: what the new parts prove.
        broken: whether they prove that it is not kept, with the confidence of the promise.
        more_parts: how many more defective parts like these would prove that it is kept or, where more of them pass,
            that it is not; None where none would.
    """

    limit: float
    bound: Bound
    broken: bool
    more_parts: int | None

    @property
    def proven(self) -> bool:
        """Whether the new parts alone prove the promise again."""
        return self.bound.at_most <= self.limit


def rate_changes(gate: Gate, before: Evidence, now: Evidence) -> list[RateChange]:
    """Return how verdicts on single photos have changed, with 95% intervals clustered by part."""
    old, new = pass_through(gate, before), pass_through(gate, now)
    rows = [(MISSED, True, "accepted"), (FALSE_ALARMS, False, "rejected")]
    if gate.thresholds.reviews:
        rows[1:1] = [(REVIEWED_DEFECTS, True, "reviewed")]
        rows.append((REVIEWED_GOOD, False, "reviewed"))
    found = []
    for name, defective, verdict in rows:
        one, other = (_rate(outcome, defective, verdict) for outcome in (old, new))
        found.append(
            RateChange(name, DEFECTIVE if defective else GOOD, one, other, rate_difference(one, other))
        )
    return found


def check_promise(gate: Gate, now: Evidence) -> PromiseCheck | None:
    """Return what the new parts say about the miss rate of `gate`; None where it promises none, or where no part has
    photos enough for one verdict.
    """
    policy = gate.policy
    limit = policy.miss_rate if policy.name == MISS_RATE else gate.promise.at_most if gate.promise else None
    if limit is None:
        return None
    try:
        known = sides(now, policy)
    except DataError:
        return None
    bound = bound_of(known, policy, gate.calibrator, gate.thresholds)
    sample = sample_of(known, policy)
    needed = (
        size_needed(bound.passed, limit, policy.confidence, sample.kind)
        if bound.passed <= limit
        else size_needed(1 - bound.passed, 1 - limit, policy.confidence, sample.kind)
    )
    return PromiseCheck(
        limit=limit,
        bound=bound,
        broken=is_broken(bound.passed, sample, limit, policy.confidence),
        more_parts=None if needed is None else max(0, math.ceil(needed - sample.size)),
    )


def is_broken(passed: float, sample: Sample, limit: float, confidence: float) -> bool:
    """Return whether a share that passes proves that more than `limit` do: the bound of `p_value`, turned round.

    Args:
        passed: over the parts, in [0, 1].
        sample: the parts.
        limit: in (0, 1).
        confidence: one-sided, in (0, 1).
    """
    return bool(p_value(1 - passed, sample, 1 - limit) <= 1 - confidence)


def _rate(outcome: Outcome, defective: bool, verdict: str) -> Rate:
    hits = {
        "accepted": outcome.accepted,
        "rejected": outcome.rejected,
        "reviewed": ~outcome.accepted & ~outcome.rejected,
    }[verdict]
    rows = outcome.photos.defective == defective
    return rate_by_part(hits[rows], outcome.photos.part[rows], by="parts")
