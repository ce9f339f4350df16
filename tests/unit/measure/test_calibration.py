import numpy as np
import pytest

from castproof.errors import SettingError
from castproof.measure.calibration import brier, brier_parts, ece, mce, reliability


def test_an_edge_belongs_to_the_bin_above_and_one_to_the_last() -> None:
    binned = reliability(
        np.array([True, False, True, False, True]), np.array([0.0, 0.25, 0.5, 0.75, 1.0]), bins=4
    )
    assert binned.edges.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert binned.count.tolist() == [1, 1, 1, 2]
    assert binned.count_defective.tolist() == [1, 0, 1, 1]
    assert binned.count_good.tolist() == [0, 1, 0, 1]


def test_empty_bins_hold_nothing_and_count_nothing() -> None:
    binned = reliability(np.array([True, False]), np.array([0.95, 0.95]), bins=10)
    assert np.isnan(binned.mean_p[:9]).all()
    assert np.isnan(binned.observed[:9]).all()
    assert ece(binned) == pytest.approx(0.45)
    assert mce(binned) == pytest.approx(0.45)


def test_closed_form() -> None:
    # Bin 0: p 0.1 and 0.3 (mean 0.2), none defective. Bin 1: p 0.6 twice and 0.9 (mean 0.7), two defective.
    defective = np.array([False, False, True, True, False])
    binned = reliability(defective, np.array([0.1, 0.3, 0.6, 0.6, 0.9]), bins=2)
    assert ece(binned) == pytest.approx(2 / 5 * 0.2 + 3 / 5 * (0.7 - 2 / 3))
    assert mce(binned) == pytest.approx(0.2)


def test_brier_closed_form() -> None:
    assert brier(np.array([True, False]), np.array([0.7, 0.4])) == pytest.approx((0.09 + 0.16) / 2)


def test_bins_must_be_there() -> None:
    with pytest.raises(SettingError, match="at least 1"):
        reliability(np.array([True]), np.array([0.5]), bins=0)


def test_the_parts_of_the_brier_score_are_those_of_murphy_and_stephenson() -> None:
    rng = np.random.default_rng(4)
    p = rng.random(500)
    defective = rng.random(500) < p**2
    parts = brier_parts(defective, p, 10)
    place, y = np.minimum((p * 10).astype(int), 9), defective.astype(float)
    rows = [place == one for one in range(10)]
    share = [row.mean() for row in rows]
    reliability_ = sum(n * (p[row].mean() - y[row].mean()) ** 2 for n, row in zip(share, rows, strict=True))
    resolution = sum(n * (y[row].mean() - y.mean()) ** 2 for n, row in zip(share, rows, strict=True))
    variance = sum(n * p[row].var() for n, row in zip(share, rows, strict=True))
    covariance = sum(n * np.cov(y[row], p[row], bias=True)[0, 1] for n, row in zip(share, rows, strict=True))
    assert parts.reliability == pytest.approx(reliability_)
    assert parts.resolution == pytest.approx(resolution)
    assert parts.uncertainty == pytest.approx(y.mean() * (1 - y.mean()))
    assert parts.within_bins == pytest.approx(variance - 2 * covariance)


def test_the_brier_score_of_a_few_distinct_probabilities_has_no_remainder() -> None:
    p = np.repeat([0.1, 0.4, 0.9], 20)
    parts = brier_parts(np.arange(60) % 3 == 0, p)
    assert parts.within_bins == pytest.approx(0, abs=1e-15)
