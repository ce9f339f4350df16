"""Where the thresholds go when a handle of the slider is moved."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_inspections import cuts

from castproof.measure.decision import Thresholds

pytest.importorskip("sv_ttk", reason="the window needs its extra: pip install castproof[inspector]")

from castproof.apps.inspector.threshold_bar import ACCEPT_END, BOTH, REJECT_START, _moved

places = st.integers(0, 1000).map(lambda number: number / 1000)


@given(cuts, places)
def test_a_handle_goes_where_it_is_moved_and_pushes_the_other_one_along(now: Thresholds, p: float) -> None:
    assert _moved(now, ACCEPT_END, p) == Thresholds(p, max(p, now.reject_from))
    assert _moved(now, REJECT_START, p) == Thresholds(min(p, now.threshold), p)


@given(cuts, places)
def test_both_keep_their_distance_even_at_the_end_of_the_bar(now: Thresholds, p: float) -> None:
    band = now.reject_from - now.threshold
    moved = _moved(now, BOTH, p)
    assert moved.reject_from - moved.threshold == pytest.approx(band, abs=2e-6)
    assert moved.threshold == pytest.approx(min(p, 1 - band), abs=2e-6)
    assert moved.reviews == now.reviews or band < 1e-6


@given(places, places)
def test_a_single_threshold_stays_one_at_exactly_the_place(now: float, p: float) -> None:
    assert _moved(Thresholds.single(now), BOTH, p) == Thresholds.single(p)


@given(cuts, places, places)
def test_both_come_back_with_the_band_that_they_had(now: Thresholds, far: float, p: float) -> None:
    band = now.reject_from - now.threshold
    assume(p + band <= 1)
    back = _moved(_moved(now, BOTH, far), BOTH, p)
    assert (back.threshold, back.reject_from) == pytest.approx((p, p + band), abs=1e-5)
