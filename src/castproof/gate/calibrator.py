"""From what the network says to a probability that can be taken at its word; needs numpy alone."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from castproof.errors import DataError

Floats = NDArray[np.float64]

NONE: Final = "none"
TEMPERATURE: Final = "temperature"
PLATT: Final = "platt"
ISOTONIC: Final = "isotonic"
METHODS: Final = (NONE, TEMPERATURE, PLATT, ISOTONIC)
MOST_LOGIT: Final = 37.0  # of p_defective = 1, and 1 again when it is turned back into a probability
RISING: Final = 1e-6  # so that photos keep their order on the steps of "isotonic", too


@dataclass(frozen=True)
class Calibrator:
    """A rising function of the logit.

    Args:
        method: one of METHODS.
        slope: of "temperature" (1 / T) and "platt", above 0.
        offset: of "platt".
        knot_logit: of "isotonic": rising logits, between which p is interpolated; outside it stays as at the ends.
        knot_p: p_defective in [0, 1] at these, never falling; a millionth of a sigmoid makes it rise everywhere.

    Raises:
        DataError: the values are those of no rising function.
    """

    method: str = NONE
    slope: float = 1.0
    offset: float = 0.0
    knot_logit: tuple[float, ...] = ()
    knot_p: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        knots, p = np.array(self.knot_logit, np.float64), np.array(self.knot_p, np.float64)
        affine = np.isfinite([self.slope, self.offset]).all() and self.slope > 0
        lies_right = len(knots) == len(p) and bool(np.isfinite(knots).all() and np.isfinite(p).all())
        rising = lies_right and bool((np.diff(knots) > 0).all() and (np.diff(p) >= 0).all())
        inside = rising and bool(((p >= 0) & (p <= 1)).all())
        if self.method not in METHODS or not (affine and inside) or (len(p) < 1) == (self.method == ISOTONIC):
            raise DataError(
                "The stored calibration cannot be used.",
                rule=f"Its method is one of {', '.join(METHODS)}; a higher logit never gives a lower p_defective.",
                found=f"Found {self}.",
                fix="Decide again: castproof decide.",
            )

    def p(self, logit: NDArray[np.floating] | float) -> Floats:
        """Return the calibrated p_defective, float64 in [0, 1] of the same shape; NaN stays NaN.

        Args:
            logit: see `logit_of`.
        """
        x = np.asarray(logit, np.float64)
        if self.method == ISOTONIC:
            steps = np.interp(x, self.knot_logit, self.knot_p)
            return np.asarray((1 - RISING) * steps + RISING * _sigmoid(x), np.float64)
        return _sigmoid(self.slope * x + self.offset)

    def __str__(self) -> str:
        if self.method == TEMPERATURE:
            return f"temperature {1 / self.slope:.3g}"
        if self.method == PLATT:
            return f"Platt, slope {self.slope:.3g}, offset {self.offset:+.3g}"
        if self.method == ISOTONIC:
            return f"isotonic, {len(self.knot_p)} knots"
        return NONE

    def to_json(self) -> dict[str, Any]:
        """Return the function as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Calibrator":
        """Return what `to_json` gave. Raises DataError, KeyError, TypeError or ValueError where it is anything else."""
        return cls(
            str(data["method"]),
            float(data["slope"]),
            float(data["offset"]),
            tuple(map(float, data["knot_logit"])),
            tuple(map(float, data["knot_p"])),
        )


def logit_of(p_defective: NDArray[np.floating] | float) -> Floats:
    """Return ln(p / (1 - p)), float64 of the same shape, cut off at +-37; NaN stays NaN.

    Args:
        p_defective: in [0, 1]: what the network says, not calibrated.
    """
    p = np.asarray(p_defective, np.float64)
    with np.errstate(divide="ignore"):
        logit = np.log(p) - np.log1p(-p)
    return np.asarray(np.clip(logit, -MOST_LOGIT, MOST_LOGIT), np.float64)


def _sigmoid(x: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-x)), np.float64)
