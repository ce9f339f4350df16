"""Whether the probabilities still hold on a small new set of labelled photos."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from castproof.measure.drift import part_means
from castproof.measure.scores import Counts, Flags, check_scores


@dataclass(frozen=True)
class CalibrationDrift:
    """How many parts are defective, beside how many the probabilities promise.

    Args:
        parts: parts looked at.
        defective_parts: of these labelled defective.
        expected: how many the probabilities promise: the sum over the parts of their mean p_defective.
        low: at least so many are to be expected, in all but `level` / 2 of all cases.
        high: at most so many, likewise.
        p_value: how often the number is as far off, or farther, when the probabilities hold.
        moved: whether `p_value` is at most `level`: the number of defective parts is outside low to high.
    """

    parts: int
    defective_parts: int
    expected: float
    low: int
    high: int
    p_value: float
    moved: bool


def calibration_drift(
    defective: Flags, p_defective: NDArray[np.floating], part: Counts, *, level: float = 0.05
) -> CalibrationDrift:
    """Return how many parts are defective, beside how many the probabilities promise.

    The test is exact for parts: each is defective with its mean p_defective, so that their number is that of the heads
    of unequal coins (Poisson binomial); two-sided, twice the smaller tail. The photos of a part count once; where
    they tell more together than their mean does, the test is wrong towards "still holds".

    It tells whether the probabilities hold for parts drawn as these were. Another share of defective parts than in
    training moves it although the network judges every part as before; and it may not move where defective parts
    now get less and good parts more. So look at p_defective of the good parts and of the defective parts with
    `castproof.measure.drift.moved`, too: that does not depend on the mix.

    Args:
        defective: bool (n,), True for a photo labelled defective.
        p_defective: float (n,), in [0, 1].
        part: int64 (n,), which part a photo shows; the good and the defective photos of one part are two numbers.
        level: chance of a false alarm, in (0, 1).

    Raises:
        DataError: the input cannot be measured (see `check_scores`).
    """
    labels, p = check_scores(defective, p_defective)
    chances = part_means(p, part)
    observed = len(np.unique(part[labels]))
    heads = np.ones(1)
    for chance in chances:
        heads = np.convolve(heads, [1 - chance, chance])
    at_most = np.minimum(np.cumsum(heads), 1.0)
    at_least = 1.0 - (at_most[observed - 1] if observed else 0.0)
    p_value = min(1.0, 2 * float(min(at_most[observed], at_least)))
    return CalibrationDrift(
        parts=len(chances),
        defective_parts=observed,
        expected=float(chances.sum()),
        low=int(np.argmax(at_most > level / 2)),
        high=int(np.argmax(at_most >= 1 - level / 2)),
        p_value=p_value,
        moved=p_value <= level,
    )
