"""Which photos are shown, in which order, and which one comes next: against a plain model of it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_inspections import cuts, photos, shares

from castproof.measure.decision import VERDICTS, Thresholds, Verdict, decide
from castproof.pipeline.inspecting.judgements import PENDING
from castproof.pipeline.inspecting.selection import (
    ALL,
    BY_NAME,
    DECIDED,
    FOLDER,
    LEAST_DEFECTIVE_FIRST,
    MOST_DEFECTIVE_FIRST,
    NEAREST_FIRST,
    ORDERS,
    OVERRULED,
    UNLIKE,
    WAITING,
    WRONG,
    Seen,
    Selection,
    first_disagreement,
    neighbour,
    selected,
)

SURE = (Verdict.ACCEPT, Verdict.REJECT)


@dataclass(frozen=True)
class Photo:
    """What the plain model knows of a photo."""

    name: str
    label: int
    p: float | None
    unlike: bool
    verdict: Verdict | None
    decided: Verdict | None

    @property
    def is_wrong(self) -> bool:
        """Whether folder and verdict contradict each other."""
        return (self.verdict, self.label) in ((Verdict.ACCEPT, 1), (Verdict.REJECT, 0))

    @property
    def is_overruled(self) -> bool:
        """Whether verdict and inspector contradict each other."""
        return self.verdict in SURE and self.decided in SURE and self.verdict is not self.decided


FILTERS: dict[str, Callable[[Photo], bool]] = {
    ALL: lambda one: True,
    WRONG: lambda one: one.is_wrong,
    UNLIKE: lambda one: one.unlike,
    WAITING: lambda one: one.decided is None,
    DECIDED: lambda one: one.decided is not None,
    OVERRULED: lambda one: one.is_overruled,
    FOLDER + "ok": lambda one: one.name.split("/")[0] == "ok",
    FOLDER + "nowhere": lambda one: False,
    "ACCEPT": lambda one: one.verdict is Verdict.ACCEPT,
    "REVIEW": lambda one: one.verdict is Verdict.REVIEW,
    "REJECT": lambda one: one.verdict is Verdict.REJECT,
    "NOT_INSPECTED": lambda one: one.verdict is Verdict.NOT_INSPECTED,
}


@st.composite
def lists(draw: st.DrawFn) -> tuple[list[Photo], Seen]:
    """Return photos of the plain model, and the same as columns."""
    thresholds: Thresholds = draw(cuts)
    made = []
    for number in range(draw(st.integers(0, 9))):
        folder = draw(st.sampled_from(("ok", "crack", "Scrap")))
        judged, unlike = draw(st.booleans()), draw(st.booleans())
        p = draw(shares | st.none()) if judged else None
        verdict = decide(math.nan if p is None else p, thresholds, unlike_training=unlike) if judged else None
        label = {"ok": 0, "crack": 1}.get(folder, -1)
        decided = draw(st.sampled_from((None, *SURE)))
        name = f"{folder}/{draw(st.sampled_from(('Ring', 'ring', 'STRASSE', 'straße')))} {number}.png"
        made.append(Photo(name, label, p, judged and unlike, verdict, decided))
    return made, seen_of(made, thresholds)


def seen_of(made: list[Photo], thresholds: Thresholds) -> Seen:
    """Return the columns of these photos."""
    return Seen(
        photos(*(one.name for one in made)),
        np.array([PENDING if one.verdict is None else VERDICTS.index(one.verdict) for one in made], np.uint8),
        np.array([math.nan if one.p is None else one.p for one in made], np.float64),
        np.array([one.label for one in made], np.int8),
        np.array([one.unlike for one in made], np.bool_),
        {place: one.decided for place, one in enumerate(made) if one.decided is not None},
        thresholds.threshold,
    )


@given(
    lists(),
    st.sampled_from(tuple(FILTERS)),
    st.sampled_from(ORDERS),
    st.sampled_from(("", "RIN", "strasse", "k/", "q")),
)
@settings(deadline=None)
def test_photos_are_chosen_and_ordered_as_by_a_plain_loop(
    made: tuple[list[Photo], Seen], only: str, order: str, search: str
) -> None:
    found, seen = made
    chosen = [
        place
        for place, one in enumerate(found)
        if FILTERS[only](one) and search.casefold() in one.name.casefold()
    ]
    keys: dict[str, Callable[[float], float]] = {
        MOST_DEFECTIVE_FIRST: lambda p: -p,
        LEAST_DEFECTIVE_FIRST: lambda p: p,
        NEAREST_FIRST: lambda p: abs(p - seen.threshold),
    }
    if order != BY_NAME:  # those without a number come last; equal ones stay in the order of names
        chosen.sort(key=lambda place: (found[place].p is None, keys[order](found[place].p or 0.0)))
    assert selected(seen, Selection(only, order, search)).tolist() == chosen


def test_an_unknown_filter_shows_everything() -> None:
    seen = seen_of([Photo("ok/a.png", 0, 0.5, False, Verdict.REVIEW, None)] * 3, Thresholds(0.25, 0.75))
    assert selected(seen, Selection("of a newer version")).tolist() == [0, 1, 2]


orders = st.lists(st.integers(0, 20), unique=True, max_size=8)


@given(orders, st.integers(0, 20) | st.none(), st.sampled_from((-1, 0, 1)))
def test_the_next_photo_is_that_of_the_next_row(places: list[int], current: int | None, step: int) -> None:
    found = neighbour(np.array(places, np.intp), current, step)
    if not places:
        assert found is None
    elif current in places:
        row = places.index(current) + step
        assert found == places[min(max(row, 0), len(places) - 1)]
    elif current is None:
        assert found == (places[0] if step >= 0 else places[-1])
    else:
        after = [one for one in places if one > current]
        before = [one for one in places if one < current]
        if step >= 0:
            assert found == (min(after) if after else max(before))
        else:
            assert found == (max(before) if before else min(after))


def test_the_list_ends_where_it_ends() -> None:
    places = np.array([4, 2, 9], np.intp)
    assert [neighbour(places, 9, 1), neighbour(places, 4, -1)] == [9, 4]
    assert [neighbour(places, 4, 1), neighbour(places, 9, -1)] == [2, 2]


@given(lists(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_first_disagreement_is_the_first_of_the_list_as_it_is_shown(
    made: tuple[list[Photo], Seen], random: object
) -> None:
    found, seen = made
    places = list(range(len(found)))
    random.shuffle(places)  # type: ignore[attr-defined]
    wanted = next((one for one in places if found[one].is_wrong or found[one].is_overruled), None)
    assert first_disagreement(seen, np.array(places, np.intp)) == wanted


@pytest.mark.parametrize("verdict", [Verdict.REVIEW, Verdict.NOT_INSPECTED, None])
@pytest.mark.parametrize("decided", SURE)
def test_who_decides_what_the_model_left_open_overrules_nobody(
    verdict: Verdict | None, decided: Verdict
) -> None:
    seen = seen_of([Photo("crack/a.png", 1, 0.5, False, verdict, decided)], Thresholds(0.25, 0.75))
    assert selected(seen, Selection(OVERRULED)).tolist() == []
    assert first_disagreement(seen, np.array([0])) is None


def test_where_the_current_photo_left_the_list_the_one_in_its_row_follows() -> None:
    places = np.array([9, 2, 7, 4], np.intp)  # 5 was in row 2, between 2 and 7
    assert [neighbour(places, 5, step, row=2) for step in (1, 0, -1)] == [7, 7, 2]
    assert [neighbour(places, 5, 1, row=4), neighbour(places, 5, -1, row=0)] == [4, 9], "at the ends"
    assert neighbour(places, 2, 1, row=3) == 7, "a photo that is shown goes by its own row"
