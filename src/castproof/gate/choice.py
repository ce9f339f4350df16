"""Choosing where ACCEPT ends and REJECT begins, on evidence, before anything is calibrated.

A cut is a logit: what lies below it passes. Calibration never changes the order of logits, so a cut that keeps a
promise before it keeps the same promise after it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from castproof.errors import PromiseError
from castproof.gate.auto import auto_cuts
from castproof.gate.evidence import Evidence, Inspections, inspections
from castproof.gate.policy import AUTO_GATE, MAX_MACRO_F1, MIN_COST, MISS_RATE, PER_PHOTO, Policy
from castproof.gate.risk import (
    EXACT,
    SHARES,
    WEIGHTED,
    Sample,
    bound_by_betting,
    p_value,
    proves_by_betting,
    size_needed,
    upper_bound,
)
from castproof.measure.scores import Flags, Floats
from castproof.wording import counted, percent, stated

END: Final = 40.0  # beyond every logit of `castproof.gate.calibrator.logit_of`
_EQUAL: Final = 1e-12


@dataclass(frozen=True)
class Cuts:
    """ACCEPT below `accept`, REJECT from `reject`, both logits; REVIEW between them."""

    accept: float
    reject: float


@dataclass(frozen=True, eq=False)
class Sides:
    """Good and defective inspections of some evidence, and every cut between them.

    Args:
        good, defective: the inspections, each part weighted equally.
        cuts: float64 (m,), rising; the first lets nothing pass, the last everything.
        gaps: float64 (m,), the distance between the two logits around each cut; 0 for the first and the last.
        passing_good, passing_defective: float64 (m,), share of each kind that passes at each cut.
        defect_rate: share of defective parts on the line; None where it is not known.
    """

    good: Inspections
    defective: Inspections
    cuts: Floats
    gaps: Floats
    passing_good: Floats
    passing_defective: Floats
    defect_rate: float | None


def sides(evidence: Evidence, policy: Policy) -> Sides:
    """Return the inspections of `evidence` that `policy` asks for, and all cuts. Raises DataError without any."""
    good, defective = (inspections(evidence, policy.combine, defective=kind) for kind in (False, True))
    logits = np.unique(np.concatenate([good.logit, defective.logit]))
    low, high = logits[:-1], logits[1:]
    middle = np.maximum(low + (high - low) / 2, np.nextafter(low, np.inf))
    cuts = np.concatenate([[-END], middle, [END]])
    return Sides(
        good=good,
        defective=defective,
        cuts=cuts,
        gaps=np.concatenate([[0.0], high - low, [0.0]]),
        passing_good=good.share_below(cuts),
        passing_defective=defective.share_below(cuts),
        defect_rate=policy.defect_rate,
    )


def choose_cuts(known: Sides, policy: Policy, *, sample: Sample | None = None) -> Cuts:
    """Return the cuts that `policy` asks for; manual ones are not chosen here.

    auto: see `castproof.gate.auto`.
    max-macro-f1, max-def-f1: the highest F1 of inspections, each part weighted equally; among equals the widest gap.
    min-cost: the lowest expected cost per part, over both cuts at once.
    miss-rate: the highest cut up to which every cut keeps the promise (learn then test by a fixed sequence:
    Angelopoulos, Bates, Candès, Jordan and Lei 2021). A higher cut never lets fewer pass, so it is the risk-controlling
    one of Bates et al. 2021.

    Args:
        known: the evidence.
        policy: what is asked for.
        sample: compute with the bound of these parts instead of those of `known`: what the same rule does where a
            fold is left out. Nothing is proven then, and REVIEW comes as near to its limits as it can.

    Raises:
        SettingError: it takes the defect rate of the line, which is not given.
        PromiseError: too few parts to keep the promise, or no REVIEW keeps both limits.
    """
    policy.check_defect_rate()
    if policy.name == AUTO_GATE:
        return Cuts(*auto_cuts(known.good, known.defective, policy.costs))
    if policy.name == MIN_COST:
        return _cheapest(known, policy)
    if policy.name == MISS_RATE:
        accept = _promised(known, policy, sample)
    else:
        accept = _highest_f1(known, macro=policy.name == MAX_MACRO_F1)
    reject = _reject_from(known, policy, accept, strictly=sample is None)
    return Cuts(float(known.cuts[accept]), float(known.cuts[reject]))


def unit_inspections(known: Sides, policy: Policy) -> Inspections:
    """Return the defective inspections, weighing as the promise counts them."""
    return known.defective.photo_weighted() if policy.per == PER_PHOTO else known.defective


def sample_of(known: Sides, policy: Policy) -> Sample:
    """Return what a bound on the share of defective parts, or photos, that pass rests on."""
    told = known.defective
    if policy.per == PER_PHOTO:
        return Sample(float(told.photos.sum() / told.photos.max()), WEIGHTED)
    return Sample(float(told.parts), EXACT if told.binary else SHARES)


def _promised(known: Sides, policy: Policy, sample: Sample | None) -> int:
    rests_on = sample or sample_of(known, policy)
    place = highest_proven(known, policy, policy.miss_rate, rests_on)
    if place is None:
        raise _too_few(known, policy, rests_on)
    return place


def highest_proven(known: Sides, policy: Policy, rate: float, sample: Sample) -> int | None:
    """Return the place of the highest cut up to which each cut proves `rate` with the confidence of `policy`, or None.

    A higher cut never lets fewer pass, so that it proves no more than a lower one.
    """
    if not proves(known, policy, 0, rate, sample):
        return None
    low, high = 0, len(known.cuts)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if proves(known, policy, middle, rate, sample) else (low, middle)
    return low


def proves(known: Sides, policy: Policy, place: int, rate: float, sample: Sample) -> bool:
    """Return whether what passes below the cut at `place` proves that at most `rate` does."""
    told, cut = unit_inspections(known, policy), known.cuts[place : place + 1]
    if sample.kind == SHARES:
        return proves_by_betting(told.per_part(told.logit < cut), sample.size, rate, policy.confidence)
    return bool(p_value(told.share_below(cut), sample, rate)[0] <= 1 - policy.confidence)


def bound_below(known: Sides, policy: Policy, passing: Flags) -> float:
    """Return the smallest share that is proven where the inspections `passing`, of `unit_inspections`, pass."""
    told, sample = unit_inspections(known, policy), sample_of(known, policy)
    if sample.kind == SHARES:
        return bound_by_betting(told.per_part(passing), sample.size, policy.confidence)
    passed = float(np.clip((told.weight * passing).sum() / told.parts, 0.0, 1.0))
    return upper_bound(passed, sample, policy.confidence)


def _too_few(known: Sides, policy: Policy, sample: Sample) -> PromiseError:
    needed = size_needed(0.0, policy.miss_rate, policy.confidence, sample.kind) or 0
    best = upper_bound(0.0, sample, policy.confidence)
    parts = known.defective.parts
    unit = "defective parts" if policy.per != PER_PHOTO else "defective photos"
    counts, more = counted(parts, "defective part"), counted(max(needed - parts, 1), "defective part")
    if policy.per == PER_PHOTO:
        largest = known.defective.photos.max() / known.defective.photos.sum()
        counts += (
            f", which count as {sample.size:.1f} equal ones, since one has {percent(largest)} of the photos"
        )
        more = "photos of parts that have fewer"
    return PromiseError(
        f"No threshold can promise that at most {percent(policy.miss_rate)} of {unit} pass, "
        f"with {stated(policy.confidence)} confidence.",
        rule=f"Even if none passes, that takes {needed:,} defective parts that the network was not trained on.",
        found=f"Found {counts}.",
        fix=f"The best promise of these parts is {ceiled(best)} (--miss-rate {ceiled_number(best)}); or add {more}, or "
        "lower --confidence.",
        needed=needed,
        best=best,
    )


def ceiled_number(share: float) -> str:
    """Return `share` rounded up to three significant digits, so that a promise of it can be kept."""
    digits = max(3 - int(np.floor(np.log10(max(share, 1e-9)))) - 1, 1)
    return f"{np.ceil(share * 10**digits - _EQUAL) / 10**digits:.{digits}f}"


def ceiled(share: float) -> str:
    """Return `share` as a percentage, rounded up."""
    return f"{float(ceiled_number(share)) * 100:.3g}%"


def _highest_f1(known: Sides, *, macro: bool) -> int:
    """Return the place of the cut with the highest F1, the widest gap among equals, then the lowest cut."""
    n_defective, n_good = known.defective.parts, known.good.parts
    fn, tn = known.passing_defective * n_defective, known.passing_good * n_good
    tp, fp = n_defective - fn, n_good - tn
    score = 2 * tp / (2 * tp + fp + fn)
    if macro:
        score = (score + 2 * tn / (2 * tn + fn + fp)) / 2
    best = np.flatnonzero(score >= score.max() - _EQUAL)
    return int(best[np.argmax(known.gaps[best])])


def _cheapest(known: Sides, policy: Policy) -> Cuts:
    """Return the two cuts of the lowest cost. It falls apart into a term of each, so that all pairs are sought."""
    of_accept, of_reject = _cost_terms(known, policy)
    accept = _running_argmin(of_accept, known.gaps)
    total = of_accept[accept] + of_reject
    best = np.flatnonzero(total <= total.min() + _EQUAL)
    reject = int(best[np.argmax(known.gaps[best])])
    return Cuts(float(known.cuts[accept[reject]]), float(known.cuts[reject]))


def _cost_terms(known: Sides, policy: Policy) -> tuple[Floats, Floats]:
    rate, cost = known.defect_rate or 0.0, policy.costs
    of_accept = (
        rate * (cost.miss - cost.review) * known.passing_defective
        - (1 - rate) * cost.review * known.passing_good
    )
    of_reject = rate * cost.review * known.passing_defective + (1 - rate) * (
        cost.false_alarm * (1 - known.passing_good) + cost.review * known.passing_good
    )
    return of_accept, of_reject


def _running_argmin(values: Floats, gaps: Floats) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Return for each place the place of the smallest value up to it, the widest gap among equals."""
    best = np.zeros(len(values), np.int64)
    for place in range(1, len(values)):
        before = best[place - 1]
        lower = values[place] < values[before] - _EQUAL
        equal = values[place] <= values[before] + _EQUAL and gaps[place] > gaps[before]
        best[place] = place if lower or equal else before
    return best


def _reject_from(known: Sides, policy: Policy, accept: int, *, strictly: bool) -> int:
    """Return the place of the lowest cut from which REJECT may begin: with the fewest false alarms that the review load
    allows, or with as many as are allowed. Where no cut keeps both limits, raise PromiseError, or keep the load.
    """
    if not policy.wants_review:
        return accept
    load = np.zeros(len(known.cuts))
    if policy.review_load is not None and known.defect_rate is not None:
        load = known.defect_rate * (known.passing_defective - known.passing_defective[accept]) + (
            1 - known.defect_rate
        ) * (known.passing_good - known.passing_good[accept])
    alarms = 1 - known.passing_good
    most_load = 1.0 if policy.review_load is None else policy.review_load
    most_alarms = 1.0 if policy.false_alarm_rate is None else policy.false_alarm_rate
    places = np.arange(len(known.cuts))
    affordable = (places >= accept) & (load <= most_load + _EQUAL)
    fitting = np.flatnonzero(affordable & (alarms <= most_alarms + _EQUAL))
    if not len(fitting) and not strictly:
        fitting = np.flatnonzero(affordable)
        return int(fitting[np.argmin(alarms[fitting])])
    if not len(fitting):
        least = float(load[np.flatnonzero((places >= accept) & (alarms <= most_alarms + _EQUAL))[0]])
        raise PromiseError(
            "No REVIEW keeps both limits.",
            rule=f"At most {percent(most_alarms)} of good parts rejected, at most {percent(most_load)} of all parts "
            "looked at.",
            found=f"With so few false alarms, {percent(least)} of all parts are REVIEW; within that load, "
            f"{percent(float(alarms[affordable].min()))} of good parts are rejected.",
            fix="Allow more of one of them: --review-load or --false-alarm-rate; or a higher --miss-rate.",
        )
    if policy.false_alarm_rate is None:
        fitting = fitting[alarms[fitting] <= alarms[fitting].min() + _EQUAL]
    return int(fitting[0])
