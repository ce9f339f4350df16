"""The check that every measurement makes of its input."""

import numpy as np
from numpy.typing import NDArray

from castproof.errors import DataError

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def check_scores(defective: NDArray[np.bool_], p_defective: NDArray[np.floating]) -> tuple[Flags, Floats]:
    """Return the labels as bool (n,) and the probabilities as float64 (n,), both proven usable.

    Args:
        defective: bool (n,), True for a photo labelled defective.
        p_defective: float (n,), probability of *defective* in [0, 1].

    Raises:
        DataError: nothing to measure, unequal lengths, labels that are not bool, or values that are
            not probabilities.
    """
    labels, p = np.asarray(defective), np.asarray(p_defective)
    if labels.dtype != np.bool_ or labels.ndim != 1:
        raise DataError(
            "The labels cannot be measured.",
            rule="They must be one row of true (defective) and false (good).",
            found=f"Found {labels.dtype} of shape {labels.shape}.",
        )
    if p.shape != labels.shape:
        raise DataError(
            "Labels and probabilities do not belong together.",
            rule="There must be one probability for each label.",
            found=f"Found {labels.size} labels and probabilities of shape {p.shape}.",
        )
    if labels.size == 0:
        raise DataError(
            "There is nothing to measure.", found="Found no photos.", fix="Give at least one photo."
        )
    p = p.astype(np.float64)
    wrong = ~((p >= 0.0) & (p <= 1.0))
    if wrong.any():
        raise DataError(
            "Some values of p_defective are not probabilities.",
            rule="Each must be a number from 0 to 1.",
            found=f"Found {int(wrong.sum())} of {p.size} wrong, first {p[wrong][0]} in row {wrong.argmax()}.",
            fix="Leave out the photos that could not be inspected.",
        )
    return labels, p
