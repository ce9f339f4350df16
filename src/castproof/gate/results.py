"""What is told of a gate, on photos it was not chosen on: rates with their intervals, calibration, cost."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from castproof.gate.calibrator import Calibrator
from castproof.gate.outcome import Outcome, PartShares
from castproof.gate.policy import Policy
from castproof.measure.calibration import (
    DEFAULT_BINS,
    BrierParts,
    ReliabilityBins,
    brier,
    brier_parts,
    ece,
    mce,
    reliability,
)
from castproof.measure.intervals import Interval, Rate, bootstrap_by_part, rate_by_part
from castproof.measure.mean_bounds import mean_bounds
from castproof.measure.metrics import log_loss
from castproof.measure.scores import Counts, Flags, Floats

RESAMPLES: Final = 500


@dataclass(frozen=True)
class VerdictRates:
    """How the photos of one kind were judged; shares weight parts equally, intervals are clustered by part."""

    accepted: Rate
    reviewed: Rate
    rejected: Rate


@dataclass(frozen=True)
class PartShare:
    """A share of parts with its interval; a part that is judged now so, now so, counts by how often.

    Args:
        share: mean over the parts, in [0, 1].
        low: lower end of the interval.
        high: upper end.
        parts: how many there are.
    """

    share: float
    low: float
    high: float
    parts: int


@dataclass(frozen=True)
class PartRates:
    """How the parts of one kind were judged by several photos each."""

    accepted: PartShare
    reviewed: PartShare
    rejected: PartShare


@dataclass(frozen=True, eq=False)
class Calibration:
    """How far probabilities can be taken at their word.

    Args:
        bins: p_defective against what was observed, 15 bins of equal width.
        intervals: of each bin, the share of defective photos, its interval clustered by part; None for an empty bin.
        ece: expected calibration error of these bins.
        ece_interval: the same with its interval by resampling parts.
        mce: maximum calibration error of these bins.
        brier: Brier score.
        parts: what the Brier score is made of.
        log_loss: mean log loss.
    """

    bins: ReliabilityBins
    intervals: Sequence[Rate | None]
    ece: float
    ece_interval: Interval
    mce: float
    brier: float
    parts: BrierParts
    log_loss: float


@dataclass(frozen=True, eq=False)
class Results:
    """What a gate does with photos that it was not chosen on.

    Args:
        defective: verdicts on the defective photos; `accepted` are missed defects.
        good: verdicts on the good photos; `rejected` are false alarms.
        by_part: the good and the defective parts, where several photos make one verdict; None for single photos.
        review_load: share of all parts that are REVIEW at `defect_rate`, in [0, 1]; None without one.
        cost: expected cost per part at `defect_rate`, with the costs of the policy; None without one.
        defect_rate: share of defective parts on the line; None where it is not known.
        before: calibration of what the network says; None where no calibration was fitted: it is that of p_defective.
        after: calibration of p_defective.
    """

    defective: VerdictRates
    good: VerdictRates
    by_part: tuple[PartRates, PartRates] | None
    review_load: float | None
    cost: float | None
    defect_rate: float | None
    before: Calibration | None
    after: Calibration

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            "defective": asdict(self.defective),
            "good": asdict(self.good),
            "by_part": None
            if self.by_part is None
            else {
                kind: asdict(shares) for kind, shares in zip(("good", "defective"), self.by_part, strict=True)
            },
            "review_load": self.review_load,
            "cost": self.cost,
            "defect_rate": self.defect_rate,
            "before": None if self.before is None else _calibration_json(self.before),
            "after": _calibration_json(self.after),
        }


def results(outcome: Outcome, policy: Policy, defect_rate: float | None, confidence: float = 0.95) -> Results:
    """Return what is told of `outcome`.

    Args:
        outcome: photos with their verdicts; both kinds are present.
        policy: what was asked for: its costs and how it combines photos.
        defect_rate: share of defective parts on the line, in (0, 1); None for no load and no cost.
        confidence: of the intervals, two-sided.

    Raises:
        DataError: no part has enough photos for one verdict.
    """
    good, defective = (outcome.part_shares(defective=kind) for kind in (False, True))
    labels, part = outcome.photos.defective, outcome.photos.part
    return Results(
        defective=_verdict_rates(outcome, labels, confidence),
        good=_verdict_rates(outcome, ~labels, confidence),
        by_part=(_part_rates(good, confidence), _part_rates(defective, confidence))
        if policy.combine.several
        else None,
        review_load=None
        if defect_rate is None
        else _mixed(defect_rate, float(defective.reviewed.mean()), float(good.reviewed.mean())),
        cost=None
        if defect_rate is None
        else policy.costs.of_a_part(
            defect_rate,
            missed=float(defective.accepted.mean()),
            defects_reviewed=float(defective.reviewed.mean()),
            false_alarms=float(good.rejected.mean()),
            good_reviewed=float(good.reviewed.mean()),
        ),
        defect_rate=defect_rate,
        before=calibration(labels, Calibrator().p(outcome.photos.logit), part, confidence)
        if outcome.is_calibrated
        else None,
        after=calibration(labels, outcome.p, part, confidence),
    )


def calibration(labels: Flags, p: Floats, part: Counts, confidence: float = 0.95) -> Calibration:
    """Return how far `p` can be taken at its word.

    Args:
        labels: bool (n,), True for a photo labelled defective.
        p: float64 (n,), in [0, 1].
        part: int64 (n,), which part a photo shows.
        confidence: of the intervals of the bins, two-sided.
    """
    bins = reliability(labels, p)
    place = np.minimum(np.searchsorted(bins.edges, p, side="right") - 1, bins.bins - 1)
    intervals = [
        rate_by_part(labels[place == one], part[place == one], confidence=confidence)
        if bins.count[one]
        else None
        for one in range(bins.bins)
    ]
    return Calibration(
        bins=bins,
        intervals=intervals,
        ece=ece(bins),
        ece_interval=bootstrap_by_part(
            lambda rows: ece(reliability(labels[rows], p[rows])),
            part,
            labels,
            resamples=RESAMPLES,
            confidence=confidence,
        ),
        mce=mce(bins),
        brier=brier(labels, p),
        parts=brier_parts(labels, p),
        log_loss=log_loss(labels, p),
    )


def _verdict_rates(outcome: Outcome, chosen: Flags, confidence: float) -> VerdictRates:
    part = outcome.photos.part[chosen]
    accepted, rejected = outcome.accepted[chosen], outcome.rejected[chosen]
    return VerdictRates(
        *(
            rate_by_part(hit, part, by="parts", confidence=confidence)
            for hit in (accepted, ~accepted & ~rejected, rejected)
        )
    )


def _part_rates(shares: PartShares, confidence: float) -> PartRates:
    return PartRates(
        *(
            PartShare(float(one.mean()), *mean_bounds(one, np.ones(len(one)), 0.0, 1.0, confidence), len(one))
            for one in (shares.accepted, shares.reviewed, shares.rejected)
        )
    )


def _mixed(defect_rate: float, of_defective: float, of_good: float) -> float:
    return defect_rate * of_defective + (1 - defect_rate) * of_good


def _calibration_json(told: Calibration) -> dict[str, Any]:
    return {
        "ece": told.ece,
        "ece_interval": asdict(told.ece_interval),
        "mce": told.mce,
        "brier": told.brier,
        "brier_parts": asdict(told.parts),
        "log_loss": told.log_loss,
        "bins": {"count": DEFAULT_BINS, "kind": "equal width", "of": "p_defective"},
        "reliability": [
            {
                "from": float(told.bins.edges[one]),
                "to": float(told.bins.edges[one + 1]),
                "photos": rate.photos,
                "parts": rate.parts,
                "mean_p": float(told.bins.mean_p[one]),
                "observed": rate.share,
                "low": rate.low,
                "high": rate.high,
            }
            for one, rate in enumerate(told.intervals)
            if rate is not None
        ],
    }
