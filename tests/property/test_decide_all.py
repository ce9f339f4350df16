"""One photo and many photos are decided by the same rule."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.measure.decision import VERDICTS, Thresholds, Verdict, decide, decide_all

NUMBERS = st.one_of(
    st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.just(float("nan")), st.floats(allow_nan=True)
)


def by_the_book(p: float, cuts: Thresholds, unlike: bool) -> Verdict:
    """Return the verdict as the pages word it, one rule after the other."""
    if not (p >= 0 and p <= 1):
        return Verdict.NOT_INSPECTED
    if unlike or cuts.threshold <= p < cuts.reject_from:
        return Verdict.REVIEW
    return Verdict.REJECT if p >= cuts.reject_from else Verdict.ACCEPT


@settings(deadline=None)
@given(
    st.lists(st.tuples(NUMBERS, st.booleans()), max_size=30),
    st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=2, max_size=2),
)
def test_many_photos_are_decided_as_one_is(photos: list[tuple[float, bool]], cuts: list[float]) -> None:
    thresholds = Thresholds(*sorted(cuts))
    p, unlike = np.array([one for one, _ in photos]), np.array([one for _, one in photos], np.bool_)
    codes = decide_all(p, thresholds, unlike)
    assert codes.dtype == np.uint8
    expected = [by_the_book(one, thresholds, mark) for one, mark in photos]
    assert [VERDICTS[code] for code in codes] == expected
    assert [decide(one, thresholds, unlike_training=mark) for one, mark in photos] == expected
