"""Fitting a calibrator to photos of parts that the network was not trained on, and choosing which kind.

Temperature: Guo, Pleiss, Sun and Weinberger 2017. Platt, with his targets that keep it from being certain: Platt 1999.
Isotonic: Zadrozny and Elkan 2002; each block of it is drawn toward the middle like Platt's targets (Laplace).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from castproof.errors import SettingError
from castproof.gate.calibrator import ISOTONIC, METHODS, NONE, PLATT, TEMPERATURE, Calibrator
from castproof.gate.evidence import Evidence, share_out_folds
from castproof.measure.scores import Flags, Floats

AUTO: Final = "auto"
CHOICES: Final = (AUTO, *METHODS)
LEAST_PARTS: Final = {TEMPERATURE: 5, PLATT: 10, ISOTONIC: 30}
LOG_SLOPES: Final = (-3.0, 3.0)
_FLOOR: Final = 1e-15


@dataclass(frozen=True)
class CalibrationChoice:
    """A calibrator and why it was taken.

    Args:
        calibrator: fitted to all of the evidence.
        log_loss: of every method that was tried, on parts that it was not fitted to, weighed by `Evidence.weight`;
            empty where nothing could be tried.
        why: a sentence for a person.
    """

    calibrator: Calibrator
    log_loss: dict[str, float]
    why: str


def choose_calibrator(evidence: Evidence, wanted: str = AUTO, *, seed: int = 1337) -> CalibrationChoice:
    """Return the calibrator with the lowest log loss on parts that it was not fitted to.

    Photos are weighed by `Evidence.weight`. A method is taken only where its lead over the simpler ones is larger than
    the standard error of that lead over the parts. Nothing is fitted where there are too few parts, or where the logits
    keep the two kinds apart without exception: then nothing tells how certain p_defective may be.

    Args:
        evidence: photos of parts that the network was not trained on.
        wanted: one method, or "auto".
        seed: of the folds of parts.

    Raises:
        SettingError: there is no such method, or the evidence does not allow it.
    """
    if wanted not in CHOICES:
        raise SettingError(
            "There is no such calibration.", rule=f"One of: {', '.join(CHOICES)}.", found=f"Found {wanted!r}."
        )
    allowed, why = _allowed(evidence)
    if wanted not in (AUTO, *allowed):
        raise SettingError(
            f"--calibration {wanted} does not fit.",
            rule=f"It takes {LEAST_PARTS.get(wanted, 1)} good and as many defective parts, not wholly apart.",
            found=f"Found {evidence.parts(defective=False)} good and {evidence.parts(defective=True)} defective ones"
            + (f": {why}." if why else "."),
            fix="Leave it out, or add photos of more parts.",
        )
    if wanted != AUTO:
        return CalibrationChoice(fit_calibrator(evidence, wanted), {}, "as asked for")
    if len(allowed) == 1:
        return CalibrationChoice(Calibrator(), {}, why)
    losses = {name: _loss_by_part(evidence, name, seed) for name in allowed}
    told = {name: float(loss.sum()) for name, loss in losses.items()}
    best = NONE
    for name in allowed[1:]:
        lead = losses[best] - losses[name]
        if lead.sum() > np.sqrt(len(lead)) * lead.std(ddof=1):
            best = name
    reason = why or (
        "the lowest log loss by parts" if best != NONE else "no other is better by more than chance"
    )
    return CalibrationChoice(fit_calibrator(evidence, best), told, reason)


def fit_calibrator(evidence: Evidence, method: str) -> Calibrator:
    """Return the calibrator of one method, fitted to all photos of `evidence`."""
    if method == TEMPERATURE:
        return _fit_affine(evidence, with_offset=False)
    if method == PLATT:
        return _fit_affine(evidence, with_offset=True)
    return _fit_isotonic(evidence) if method == ISOTONIC else Calibrator()


def is_separable(evidence: Evidence) -> bool:
    """Return whether every defective photo has a higher logit than every good one, or a kind is absent."""
    defective, good = evidence.logit[evidence.defective], evidence.logit[~evidence.defective]
    return not len(defective) or not len(good) or bool(defective.min() > good.max())


def _allowed(evidence: Evidence) -> tuple[list[str], str]:
    """Return the methods that the evidence allows, the simplest first, and what rules out the others."""
    if is_separable(evidence):
        return [
            NONE
        ], "every defective photo has a higher logit than every good one, from which no probabilities follow"
    parts = min(evidence.parts(defective=kind) for kind in (False, True))
    allowed = [name for name in METHODS if parts >= LEAST_PARTS.get(name, 0)]
    return allowed, "" if len(allowed) > 1 else f"{parts} parts of one kind are too few to fit anything"


def _fit_affine(evidence: Evidence, *, with_offset: bool) -> Calibrator:
    """Return the slope, and the offset, of the lowest log loss by Platt's targets, by L-BFGS."""
    x, target, weight = evidence.logit, _targets(evidence.defective), evidence.weight

    def loss(values: Floats) -> tuple[float, Floats]:
        slope, offset = np.exp(values[0]), values[1] if with_offset else 0.0
        z = slope * x + offset
        residual = weight * (expit(z) - target)
        slopes = [float((residual * x).mean() * slope)] + [float(residual.mean())] * with_offset
        return float(np.mean(weight * (np.logaddexp(0, z) - target * z))), np.array(slopes)

    bounds = [LOG_SLOPES] + [(None, None)] * with_offset
    found = minimize(loss, np.zeros(len(bounds)), jac=True, bounds=bounds, method="L-BFGS-B").x
    slope = float(np.exp(found[0]))
    return Calibrator(PLATT, slope, float(found[1])) if with_offset else Calibrator(TEMPERATURE, slope)


def _targets(defective: Flags) -> Floats:
    n_defective = int(defective.sum())
    n_good = len(defective) - n_defective
    return np.where(defective, (n_defective + 1) / (n_defective + 2), 1 / (n_good + 2))


def _fit_isotonic(evidence: Evidence) -> Calibrator:
    """Return the middles of the blocks that pool adjacent violators finds, joined by straight lines."""
    order = np.argsort(evidence.logit, kind="stable")
    x, y, weight = evidence.logit[order], evidence.defective[order].astype(np.float64), evidence.weight[order]
    level = IsotonicRegression().fit_transform(x, y, sample_weight=weight)
    starts = np.flatnonzero(np.append(True, np.diff(level) > 0))
    count = np.add.reduceat(weight, starts)
    middle = np.add.reduceat(weight * x, starts) / count
    p = (np.add.reduceat(weight * y, starts) + 1) / (count + 2)
    p = IsotonicRegression().fit_transform(middle, p, sample_weight=count)
    keep = np.append(True, np.diff(middle) > 0)
    return Calibrator(ISOTONIC, knot_logit=tuple(middle[keep].tolist()), knot_p=tuple(p[keep].tolist()))


def _loss_by_part(evidence: Evidence, method: str, seed: int) -> Floats:
    """Return what each part adds to the mean log loss of all photos, by calibrators that were fitted to other parts."""
    fold = share_out_folds(evidence.defective, evidence.part, seed=seed)
    loss = np.zeros(len(fold))
    for one in np.unique(fold):
        p = fit_calibrator(evidence.rows(fold != one), method).p(evidence.logit[fold == one])
        true = np.where(evidence.defective[fold == one], p, 1 - p)
        loss[fold == one] = -np.log(np.maximum(true, _FLOOR))
    _, place = np.unique(evidence.part, return_inverse=True)
    return np.bincount(place, weights=evidence.weight * loss) / len(evidence)
