"""The one comparison that turns a probability into a verdict; needs numpy alone."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from castproof.errors import SettingError


class Verdict(str, Enum):
    """What castproof says about one photo, or about one part of several photos."""

    ACCEPT = "ACCEPT"
    REVIEW = "REVIEW"
    REJECT = "REJECT"
    NOT_INSPECTED = "NOT_INSPECTED"

    def __str__(self) -> str:
        return self.value

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)


VERDICTS: Final = (Verdict.ACCEPT, Verdict.REVIEW, Verdict.REJECT, Verdict.NOT_INSPECTED)
DECISIVE: Final = (Verdict.ACCEPT, Verdict.REJECT)  # the others leave it to a person
SUSPECT: Final = (Verdict.REVIEW, Verdict.REJECT)  # judged, and not called good
_CODES: Final = {verdict: code for code, verdict in enumerate(VERDICTS)}


@dataclass(frozen=True)
class Thresholds:
    """Where ACCEPT ends and where REJECT begins; what lies between is REVIEW.

    Args:
        threshold: in [0, 1]; only a p_defective below it is accepted.
        reject_from: in [threshold, 1]; equal to `threshold` where there is no REVIEW.

    Raises:
        SettingError: a value is out of its range.
    """

    threshold: float
    reject_from: float

    def __post_init__(self) -> None:
        check_threshold(self.threshold)
        check_threshold(self.reject_from)
        if self.reject_from < self.threshold:
            raise SettingError(
                "The two thresholds contradict each other.",
                rule="REJECT begins where ACCEPT ends, or above.",
                found=f"Found ACCEPT below {self.threshold!r}, REJECT from {self.reject_from!r}.",
                fix="Give a larger --reject-from, or leave it out.",
            )

    @classmethod
    def single(cls, threshold: float) -> "Thresholds":
        """Return thresholds without REVIEW."""
        return cls(threshold, threshold)

    @property
    def reviews(self) -> bool:
        """Whether there is a band of REVIEW."""
        return self.reject_from > self.threshold


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


def decide(p_defective: float, thresholds: Thresholds, *, unlike_training: bool = False) -> Verdict:
    """Return REJECT, REVIEW or ACCEPT, and NOT_INSPECTED without a probability.

    A probability on a threshold belongs to the stricter side: on `threshold` it is not accepted, on `reject_from` it
    is rejected.

    Args:
        p_defective: probability of *defective* in [0, 1]. Anything else, NaN and infinities included,
            is no probability and gives NOT_INSPECTED, never ACCEPT.
        thresholds: see `Thresholds`.
        unlike_training: whether the photo is unlike the training photos: then a person must look, since what the
            network says of it is worth nothing.
    """
    codes = decide_all(np.array([float(p_defective)]), thresholds, np.array([unlike_training]))
    return VERDICTS[codes[0]]


def decide_all(
    p_defective: NDArray[np.floating], thresholds: Thresholds, unlike_training: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Return what `decide` says of each photo, uint8 (n,): places in VERDICTS.

    Args:
        p_defective: float (n,), see `decide`.
        thresholds: see `Thresholds`.
        unlike_training: bool (n,), see `decide`.
    """
    rejected = is_defective(p_defective, thresholds.reject_from)
    accepted = ~is_defective(p_defective, thresholds.threshold)
    codes = np.where(rejected, _CODES[Verdict.REJECT], _CODES[Verdict.REVIEW])
    codes = np.where(accepted, _CODES[Verdict.ACCEPT], codes)
    codes = np.where(unlike_training, _CODES[Verdict.REVIEW], codes)
    is_probability = (p_defective >= 0.0) & (p_defective <= 1.0)
    return np.where(is_probability, codes, _CODES[Verdict.NOT_INSPECTED]).astype(np.uint8)


def check_threshold(threshold: float) -> None:
    """Raise SettingError unless `threshold` is a number in [0, 1]."""
    if not 0.0 <= threshold <= 1.0:
        raise SettingError(
            "The threshold cannot be used.",
            rule="It must be a number from 0 to 1.",
            found=f"Found {threshold!r}.",
            fix="Take the threshold that training wrote, or give one from 0 to 1.",
        )
