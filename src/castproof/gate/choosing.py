"""Choosing a gate on evidence, and what the evidence proves about it."""

from dataclasses import replace
from typing import Final

import numpy as np

from castproof.errors import SettingError
from castproof.gate.calibration import AUTO, choose_calibrator
from castproof.gate.calibrator import Calibrator
from castproof.gate.choice import Sides, bound_below, choose_cuts, sample_of, sides, unit_inspections
from castproof.gate.evidence import Evidence
from castproof.gate.gate import Bound, Gate
from castproof.gate.policy import AUTO_GATE, MANUAL, MISS_RATE, Policy
from castproof.gate.risk import Sample
from castproof.measure.decision import Thresholds, is_defective

LEVELS: Final = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5)


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
        evidence: photos of parts that the network was not trained on.
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
    if policy.name == AUTO_GATE and sample is None:
        promise = _promise_anyway(known, policy, chosen.calibrator, thresholds)
    if promise is not None and policy.name == MISS_RATE:
        promise = replace(promise, at_most=policy.miss_rate)
    return Gate(chosen.calibrator, thresholds, policy, chosen.why, promise)


def _promise_anyway(
    known: Sides, policy: Policy, calibrator: Calibrator, thresholds: Thresholds
) -> Bound | None:
    """Return the smallest of LEVELS that is proven for thresholds that were chosen on these very photos, or None.

    Each level is tested with its share of the risk (Bonferroni): with the confidence of the policy, every cut that
    passes the test of a level keeps it, whichever of them is chosen, and at all levels at once.
    """
    shared = replace(policy, confidence=1 - (1 - policy.confidence) / len(LEVELS))
    found = bound_of(known, shared, calibrator, thresholds)
    level = next((one for one in LEVELS if one >= found.at_most), None)
    return None if level is None else replace(found, at_most=level, confidence=policy.confidence)


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
        at_most=bound_below(known, policy, passing),
        confidence=policy.confidence,
        per=policy.per,
        passed=passed,
        parts=told.parts,
        photos=int(told.photos.sum()),
        size=sample.size,
    )
