"""What a model says about the photos of a list."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from made_inspections import columns, cuts, inspection, shares
from numpy.typing import NDArray

from castproof.measure.decision import VERDICTS, Thresholds, Verdict, decide
from castproof.pipeline.inspecting.judgements import PENDING, Judgements, tally, verdict_of, wrong

SOME = 12
labels = nps.arrays(np.int8, SOME, elements=st.sampled_from((-1, 0, 1)))


@given(columns(SOME), cuts)
@settings(deadline=None)
def test_every_photo_gets_the_verdict_that_it_would_get_alone(
    made: tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]], thresholds: Thresholds
) -> None:
    p, unlike, judged = made
    judgements = Judgements(SOME)
    for place in np.flatnonzero(judged):
        number = None if np.isnan(p[place]) else float(p[place])
        judgements.put(int(place), inspection(number, ("too dark",) if unlike[place] else ()))
    codes = judgements.codes(thresholds)
    for place in range(SOME):
        alone = (
            decide(float(p[place]), thresholds, unlike_training=bool(unlike[place]))
            if judged[place]
            else None
        )
        assert verdict_of(int(codes[place])) is alone


@given(nps.arrays(np.uint8, SOME, elements=st.integers(0, PENDING)), labels, nps.arrays(np.bool_, SOME))
@settings(deadline=None)
def test_counts_are_those_of_a_plain_loop(
    codes: NDArray[np.uint8], labels: NDArray[np.int8], unlike: NDArray[np.bool_]
) -> None:
    counted = tally(codes, labels, unlike)
    photos = list(zip([verdict_of(int(code)) for code in codes], labels.tolist(), strict=True))
    by_verdict = {one: sum(verdict is one for verdict, _ in photos) for one in (*VERDICTS, None)}
    assert (counted.accept, counted.review) == (by_verdict[Verdict.ACCEPT], by_verdict[Verdict.REVIEW])
    assert (counted.reject, counted.pending) == (by_verdict[Verdict.REJECT], by_verdict[None])
    assert counted.not_inspected == by_verdict[Verdict.NOT_INSPECTED]
    assert counted.judged == SOME - counted.pending
    assert counted.defective == sum(verdict is not None and label == 1 for verdict, label in photos)
    assert counted.good == sum(verdict is not None and label == 0 for verdict, label in photos)
    assert counted.missed == photos.count((Verdict.ACCEPT, 1))
    assert counted.false_alarms == photos.count((Verdict.REJECT, 0))
    assert counted.unlike == sum(unlike.tolist())
    assert counted.labelled == (counted.defective + counted.good > 0)
    assert wrong(codes, labels).tolist() == [
        one in ((Verdict.ACCEPT, 1), (Verdict.REJECT, 0)) for one in photos
    ]


@given(
    st.lists(st.tuples(st.integers(0, 2), shares | st.none(), st.sampled_from(((), ("dark",), ("a", "b")))))
)
def test_the_last_that_was_said_counts(said: list[tuple[int, float | None, tuple[str, ...]]]) -> None:
    judgements, last = Judgements(3), {}
    for place, p, warnings in said:
        one = inspection(p, warnings, "" if p is not None else "it is damaged")
        judgements.put(place, one)
        last[place] = one
    for place in range(3):
        found = last.get(place)
        assert judgements.judged[place] == (found is not None)
        assert judgements.unlike[place] == bool(found and found.warnings)
        p = None if found is None else found.p_defective
        np.testing.assert_equal(judgements.p_defective[place], np.nan if p is None else p)
        words = () if found is None else found.warnings or tuple(filter(None, (found.reason,)))
        assert judgements.words.get(place, ()) == words


def test_a_folder_without_photos_has_no_verdicts() -> None:
    judgements = Judgements(0)
    codes = judgements.codes(Thresholds.single(0.5))
    counted = tally(codes, np.zeros(0, np.int8), judgements.unlike)
    assert (counted.judged, counted.pending, counted.labelled) == (0, 0, False)
