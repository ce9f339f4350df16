"""The one comparison that turns a probability into a verdict; needs numpy alone."""

from enum import Enum
from typing import overload

import numpy as np
from numpy.typing import NDArray

from castproof.errors import SettingError


class Verdict(str, Enum):
    """What castproof says about one photo."""

    ACCEPT = "ACCEPT"
    REVIEW = "REVIEW"
    REJECT = "REJECT"
    NOT_INSPECTED = "NOT_INSPECTED"

    def __str__(self) -> str:
        return self.value

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)


@overload
def is_defective(p_defective: float, threshold: float) -> bool: ...
@overload
def is_defective(p_defective: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]: ...
def is_defective(p_defective: float | NDArray[np.floating], threshold: float) -> bool | NDArray[np.bool_]:
    """Return whether `p_defective >= threshold`, compared in double precision.

    Single-precision probabilities are widened first: numpy would otherwise round the threshold to
    single precision, and a probability beside the threshold could change sides.

    Args:
        p_defective: probability of *defective* in [0, 1]; one number or an array of any shape.
            A NaN compares as False: use `decide` where a photo may be without a probability.
        threshold: number in [0, 1].
    """
    if isinstance(p_defective, np.ndarray):
        return np.asarray(p_defective.astype(np.float64) >= threshold, dtype=np.bool_)
    return bool(float(p_defective) >= threshold)


def decide(p_defective: float, threshold: float) -> Verdict:
    """Return REJECT for a defective photo, ACCEPT for a good one, NOT_INSPECTED without a probability.

    Args:
        p_defective: probability of *defective* in [0, 1]. Anything else, NaN and infinities included,
            is no probability and gives NOT_INSPECTED, never ACCEPT.
        threshold: number in [0, 1].

    Raises:
        SettingError: `threshold` is not a number in [0, 1].
    """
    check_threshold(threshold)
    if not 0.0 <= float(p_defective) <= 1.0:
        return Verdict.NOT_INSPECTED
    return Verdict.REJECT if is_defective(p_defective, threshold) else Verdict.ACCEPT


def check_threshold(threshold: float) -> None:
    """Raise SettingError unless `threshold` is a number in [0, 1]."""
    if not 0.0 <= threshold <= 1.0:
        raise SettingError(
            "The threshold cannot be used.",
            rule="It must be a number from 0 to 1.",
            found=f"Found {threshold!r}.",
            fix="Take the threshold that training wrote, or give one from 0 to 1.",
        )
