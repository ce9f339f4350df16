import numpy as np
import pytest

from castproof.errors import SettingError
from castproof.measure.calibration import brier, ece, mce, reliability


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
