"""How well one number tells the defective from the good.

In plain numpy: loading scikit-learn takes longer than the whole second run of an audit may take. The tests compare
with scikit-learn.
"""

import numpy as np
from numpy.typing import NDArray


def separation(defective: NDArray[np.bool_], values: NDArray[np.floating]) -> float | None:
    """Return the AUC-ROC of any finite numbers as scores of *defective*; None when a class is absent.

    It is the share of pairs of a defective and a good one in which the defective one is higher; a pair of equal
    values counts half (Mann-Whitney U divided by the number of pairs). 0.5: the numbers tell nothing.

    Args:
        defective: bool (n,), True for defective.
        values: float (n,), in any unit.
    """
    high, low = values[defective], np.sort(values[~defective])
    if not len(high) or not len(low):
        return None
    below, up_to = np.searchsorted(low, high, "left"), np.searchsorted(low, high, "right")
    return float((below.sum() + up_to.sum()) / (2 * len(high) * len(low)))


def separation_by_chance(n_good: int, n_defective: int) -> float:
    """Return the standard deviation of the AUC-ROC of numbers that have nothing to do with the label.

    That of the Mann-Whitney statistic: sqrt((n_good + n_defective + 1) / (12 * n_good * n_defective)).

    Args:
        n_good: number of good ones, at least 1.
        n_defective: number of defective ones, at least 1.
    """
    return float(np.sqrt((n_good + n_defective + 1) / (12 * n_good * n_defective)))
