"""How far the probabilities can be taken at their word."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from castproof.errors import SettingError
from castproof.measure.scores import Counts, Floats, check_scores

DEFAULT_BINS = 15


@dataclass(frozen=True, eq=False)
class ReliabilityBins:
    """Photos sorted by p_defective into bins of equal width.

    Bin k holds `edges[k] <= p < edges[k + 1]`; the last bin also holds p = 1. A probability on an edge
    belongs to the bin above it, as a probability on the threshold belongs to *defective*.

    Args:
        edges: float64 (bins + 1,), from 0 to 1.
        count: int64 (bins,), photos in each bin.
        count_defective: int64 (bins,), of these labelled defective.
        mean_p: float64 (bins,), mean p_defective; NaN in an empty bin.
        observed: float64 (bins,), share labelled defective in [0, 1]; NaN in an empty bin.
    """

    edges: Floats
    count: Counts
    count_defective: Counts
    mean_p: Floats
    observed: Floats

    @property
    def bins(self) -> int:
        """Number of bins, empty ones included."""
        return len(self.count)

    @property
    def count_good(self) -> Counts:
        """int64 (bins,), photos labelled good in each bin."""
        return self.count - self.count_defective


def reliability(
    defective: NDArray[np.bool_], p_defective: NDArray[np.floating], bins: int = DEFAULT_BINS
) -> ReliabilityBins:
    """Return, for bins of equal width, what was predicted and what was observed.

    Args:
        defective: bool (n,), True for a photo labelled defective.
        p_defective: float (n,), probability of *defective* in [0, 1]; this is what is binned, not the
            confidence in the verdict.
        bins: number of bins, at least 1.

    Raises:
        DataError: the input cannot be measured (see `check_scores`).
        SettingError: `bins` is below 1.
    """
    labels, p = check_scores(defective, p_defective)
    if bins < 1:
        raise SettingError(
            "The number of bins cannot be used.", rule="It must be at least 1.", found=f"Found {bins}."
        )
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.minimum(np.searchsorted(edges, p, side="right") - 1, bins - 1)
    count = np.bincount(place, minlength=bins).astype(np.int64)
    count_defective = np.bincount(place[labels], minlength=bins).astype(np.int64)
    holders = np.where(count > 0, count, np.nan)
    mean_p = np.bincount(place, weights=p, minlength=bins) / holders
    return ReliabilityBins(edges, count, count_defective, mean_p, count_defective / holders)


def ece(binned: ReliabilityBins) -> float:
    """Return the expected calibration error in [0, 1]: mean |observed - mean_p|, weighted by count.

    Naeini, Cooper and Hauskrecht 2015. It depends on the number of bins: tell it with the figure.
    """
    filled = binned.count > 0
    gaps = np.abs(binned.observed[filled] - binned.mean_p[filled])
    return float(np.average(gaps, weights=binned.count[filled]))


def mce(binned: ReliabilityBins) -> float:
    """Return the maximum calibration error in [0, 1]: the largest |observed - mean_p| of a filled bin.

    Naeini, Cooper and Hauskrecht 2015. A bin with one photo counts as much as one with a thousand.
    """
    return float(np.nanmax(np.abs(binned.observed - binned.mean_p)))


@dataclass(frozen=True)
class BrierParts:
    """What the Brier score is made of: reliability - resolution + uncertainty + within_bins.

    Args:
        reliability: how far p_defective lies from the observed share, bin by bin; 0 is perfect.
        resolution: how far the bins' shares lie from the share of all photos; larger is better.
        uncertainty: of the labels alone, share * (1 - share).
        within_bins: what the width of the bins hides; 0 where all photos of a bin have the same p_defective.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float


def brier_parts(
    defective: NDArray[np.bool_], p_defective: NDArray[np.floating], bins: int = DEFAULT_BINS
) -> BrierParts:
    """Return the parts of the Brier score, Murphy 1973, with the remainder of Stephenson, Coelho and Jolliffe 2008.

    Args:
        defective: bool (n,), True for a photo labelled defective.
        p_defective: float (n,), probability of *defective* in [0, 1].
        bins: number of equal-width bins of p_defective.

    Raises:
        DataError: the input cannot be measured (see `check_scores`).
    """
    labels, p = check_scores(defective, p_defective)
    binned = reliability(labels, p, bins)
    filled = binned.count > 0
    share, observed = binned.count[filled] / len(p), binned.observed[filled]
    overall = float(labels.mean())
    of_reliability = float((share * (binned.mean_p[filled] - observed) ** 2).sum())
    resolution = float((share * (observed - overall) ** 2).sum())
    uncertainty = overall * (1 - overall)
    rest = brier(labels, p) - (of_reliability - resolution + uncertainty)
    return BrierParts(of_reliability, resolution, uncertainty, rest)


def brier(defective: NDArray[np.bool_], p_defective: NDArray[np.floating]) -> float:
    """Return the mean of (p_defective - label)^2 in [0, 1], Brier 1950; 0 is perfect.

    Args:
        defective: bool (n,), True (1) for a photo labelled defective.
        p_defective: float (n,), probability of *defective* in [0, 1].

    Raises:
        DataError: the input cannot be measured (see `check_scores`).
    """
    labels, p = check_scores(defective, p_defective)
    return float(np.mean((p - labels) ** 2))
