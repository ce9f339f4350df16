"""What other thresholds would do: defects that pass against good parts that need a look, on the evidence itself."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from castproof.gate.calibrator import Calibrator
from castproof.gate.choice import Sides, bound_below, highest_proven, sample_of, unit_inspections
from castproof.gate.policy import MISS_RATE, Policy

SHOWN_PROMISES: Final = (0.01, 0.02, 0.05, 0.1, 0.2)
MOST_ROWS: Final = 200
_EQUAL: Final = 1e-12


@dataclass(frozen=True)
class TradeoffRow:
    """One threshold on the photos that thresholds are chosen on, each part weighted equally.

    Args:
        threshold: on the calibrated p_defective, in [0, 1].
        missed: share of defective parts (or photos, as the policy counts) that pass.
        bound: the miss rate that the evidence proves for this threshold, had it been fixed beforehand.
        good_passed: share of good parts that pass.
        review_load: share of all parts that are looked at where no good part may be rejected: all good parts that do
            not pass are REVIEW, and the defective parts that look no worse than they; None without a defect rate.
    """

    threshold: float
    missed: float
    bound: float
    good_passed: float
    review_load: float | None


def tradeoff(known: Sides, policy: Policy, calibrator: Calibrator) -> list[TradeoffRow]:
    """Return at most 200 rows in rising order, one for each cut where something changes, evenly spaced of more."""
    told = unit_inspections(known, policy)
    missed = told.share_below(known.cuts)
    changes = np.append(True, (np.diff(missed) > _EQUAL) | (np.diff(known.passing_good) > _EQUAL))
    places = np.flatnonzero(changes)
    if len(places) > MOST_ROWS:
        places = places[np.linspace(0, len(places) - 1, MOST_ROWS).round().astype(np.int64)]
    return [row_at(known, policy, calibrator, int(place)) for place in places]


def promises(known: Sides, policy: Policy, calibrator: Calibrator) -> list[tuple[float | None, TradeoffRow]]:
    """Return the row of the highest threshold at which no defect of the evidence passes, with None; and of each miss
    rate that is asked for, or usually is, and can be promised, with it, the row of the highest threshold that keeps it.
    """
    missed = unit_inspections(known, policy).share_below(known.cuts)
    free = int(np.flatnonzero(missed <= _EQUAL)[-1])
    rows: list[tuple[float | None, TradeoffRow]] = [(None, row_at(known, policy, calibrator, free))]
    asked = {policy.miss_rate} if policy.name == MISS_RATE else set()
    for rate in sorted({*SHOWN_PROMISES, *asked}):
        place = highest_proven(known, policy, rate, sample_of(known, policy))
        if place is not None:
            rows.append((rate, replace(row_at(known, policy, calibrator, place), bound=rate)))
    return rows


def row_at(known: Sides, policy: Policy, calibrator: Calibrator, place: int) -> TradeoffRow:
    """Return the row of the cut at `place`."""
    cut = known.cuts[place : place + 1]
    told = unit_inspections(known, policy)
    missed = float(told.share_below(cut)[0])
    spared = int(np.argmax(known.passing_good >= 1 - _EQUAL))
    top = max(spared, place)
    rate = known.defect_rate
    load = None
    if rate is not None:
        load = rate * (known.passing_defective[top] - known.passing_defective[place]) + (1 - rate) * (
            known.passing_good[top] - known.passing_good[place]
        )
    return TradeoffRow(
        threshold=float(calibrator.p(cut)[0]),
        missed=missed,
        bound=bound_below(known, policy, told.logit < cut),
        good_passed=float(known.passing_good[place]),
        review_load=None if load is None else float(load),
    )
