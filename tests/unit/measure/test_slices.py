"""Slices of results: a partition of the photos, with rates that add up, and none of few parts that is called worst."""

from itertools import groupby
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.errors import DataError
from castproof.measure.intervals import rate_by_part
from castproof.measure.slices import LEAST_PARTS, Slice, slices, worst

NONE: dict[str, Any] = {}


def cut(values: list[float]) -> dict[str, list[float]]:
    """Return the names of the slices of one number, and the values in each."""
    n = len(values)
    flags = np.zeros(n, np.bool_)
    found = slices(flags, flags, flags, np.arange(n), {"light": np.array(values)}, NONE)
    return {one.name: [values[row] for row in one.rows] for one in found}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            [8, 1, 7, 2, 6, 3, 5, 4],
            {"below 3": [1, 2], "3 to 5": [3, 4], "5 to 7": [6, 5], "7 and more": [8, 7]},
        ),
        ([0.0, 0.0, 0.0, 0.02, 0.0], {"below 0.02": [0, 0, 0, 0], "0.02 and more": [0.02]}),
        ([0, 1, 1, 1, 1, 1, 1], {"below 1": [0], "1 and more": [1, 1, 1, 1, 1, 1]}),
        ([100.7, 20.2], {"below 101": [20.2], "101 and more": [100.7]}),
        ([12000.0, 500.0], {"below 12,000": [500], "12,000 and more": [12000]}),
        ([-0.5, 0.0], {"below 0": [-0.5], "0 and more": [0]}),
        (
            [1.0001, 1.0002, 1.0003, 1.0004],
            {
                "below 1.0002": [1.0001],
                "1.0002 to 1.0003": [1.0002],
                "1.0003 to 1.0004": [1.0003],
                "1.0004 and more": [1.0004],
            },
        ),
        ([3.0, 3.0], {}),
        ([], {}),
    ],
)
def test_numbers_are_cut_at_their_quartiles(values: list[float], expected: dict[str, list[float]]) -> None:
    assert cut(values) == expected


def test_categories_are_cut_by_value_and_one_category_alone_gives_nothing() -> None:
    flags = np.zeros(4, np.bool_)
    folders = {"folder": ["b", "a", "b", "c"], "class": ["ok"] * 4}
    found = slices(flags, flags, flags, np.arange(4), NONE, folders)
    assert [(one.property, one.name, one.rows.tolist()) for one in found] == [
        ("folder", "a", [1]),
        ("folder", "b", [0, 2]),
        ("folder", "c", [3]),
    ]


def test_a_pass_is_an_error_of_the_defective_alone_and_a_rejection_of_the_good_alone() -> None:
    defective = np.array([True, True, True, False, False, False])
    passed = np.array([True, False, False, True, False, False])
    rejected = np.array([False, True, False, False, True, False])
    part = np.array([0, 0, 1, 2, 2, 3])
    first, second = slices(
        defective, passed, rejected, part, NONE, {"line": ["a", "a", "a", "a", "a", "b"]}, by="parts"
    )
    assert (first.missed.hits, first.missed.photos, first.missed.parts) == (1, 3, 2)
    assert (first.false_alarms.hits, first.false_alarms.photos, first.false_alarms.parts) == (1, 2, 1)
    assert first.missed == rate_by_part(passed[:3], part[:3], by="parts")
    assert first.missed.share == 0.25
    assert (second.missed.photos, second.missed.share, second.false_alarms.hits) == (0, None, 0)


def in_slices(groups: dict[str, list[tuple[int, int]]]) -> list[Slice]:
    """Return the slices of defective parts, each given as (missed, photos)."""
    rows = [
        (name, part, photo < missed)
        for name, parts in groups.items()
        for part, (missed, photos) in enumerate(parts)
        for photo in range(photos)
    ]
    number: dict[tuple[str, int], int] = {}
    part = np.array([number.setdefault((name, part), len(number)) for name, part, _ in rows])
    missed = np.array([hit for _, _, hit in rows])
    defective = np.ones(len(rows), np.bool_)
    return slices(defective, missed, ~missed, part, NONE, {"folder": [name for name, _, _ in rows]})


def test_the_worst_slice_is_not_the_smallest_one() -> None:
    found = in_slices(
        {
            "one part, all missed": [(3, 3)],
            "many photos of four parts": [(40, 50)] * 4,
            "five parts, two missed": [(2, 2), (2, 2), (0, 2), (0, 2), (0, 2)],
            "sixty parts, twenty missed": [(2, 2)] * 20 + [(0, 2)] * 40,
            "no error": [(0, 2)] * 30,
        }
    )
    assert [one.name for one in worst(found, "missed")] == [
        "sixty parts, twenty missed",
        "five parts, two missed",
    ]
    assert [one.name for one in worst(found, "missed", limit=1)] == ["sixty parts, twenty missed"]
    assert worst(found, "false_alarms") == []
    enough = {one.name: one.enough("missed") for one in found}
    assert not enough["one part, all missed"]
    assert not enough["many photos of four parts"]
    assert enough["no error"]
    assert not any(one.enough("false_alarms") for one in found)


@st.composite
def judged(draw: st.DrawFn) -> dict[str, Any]:
    n = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    verdict = rng.integers(0, 3, n)
    part = rng.integers(0, 12, n)
    return {
        "defective": part % 2 == 0,
        "passed": verdict == 0,
        "rejected": verdict == 2,
        "part": part,
        "numbers": {"light": np.round(rng.normal(100, 3, n), draw(st.integers(-1, 3)))},
        "categories": {"folder": [f"folder {k}" for k in rng.integers(0, 3, n)]},
    }


def told(one: Slice) -> tuple[object, ...]:
    return one.property, one.name, one.missed, one.false_alarms


@given(judged())
@settings(max_examples=60, deadline=None)
def test_the_slices_of_a_property_hold_every_photo_once_and_their_counts_add_up(
    photos: dict[str, Any],
) -> None:
    found = slices(**photos)
    wrong = np.where(photos["defective"], photos["passed"], photos["rejected"])
    for _, group in groupby(found, lambda one: one.property):
        pieces = list(group)
        assert sorted(np.concatenate([one.rows for one in pieces])) == list(range(len(wrong)))
        assert all(len(one.rows) for one in pieces)
        assert len({one.name for one in pieces}) == len(pieces)
        for kind, of in (("missed", photos["defective"]), ("false_alarms", ~photos["defective"])):
            assert sum(one.rate(kind).hits for one in pieces) == wrong[of].sum()
            assert sum(one.rate(kind).photos for one in pieces) == of.sum()


@given(judged(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_photos_changes_nothing(photos: dict[str, Any], random: Any) -> None:
    order = list(range(len(photos["part"])))
    random.shuffle(order)
    shuffled = {name: photos[name][order] for name in ("defective", "passed", "rejected", "part")}
    shuffled["numbers"] = {"light": photos["numbers"]["light"][order]}
    shuffled["categories"] = {"folder": [photos["categories"]["folder"][place] for place in order]}
    first, second = slices(**photos), slices(**shuffled)
    assert [one[:2] for one in map(told, first)] == [one[:2] for one in map(told, second)]
    for a, b in zip(first, second, strict=True):
        assert sorted(order[row] for row in b.rows) == a.rows.tolist()
        for kind in ("missed", "false_alarms"):
            ours, theirs = a.rate(kind), b.rate(kind)
            assert (ours.hits, ours.photos, ours.parts) == (theirs.hits, theirs.photos, theirs.parts)
            assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert [one.name for one in worst(first, "missed")] == [one.name for one in worst(second, "missed")]


@given(judged())
@settings(max_examples=40, deadline=None)
def test_a_slice_is_called_worst_only_with_enough_parts_and_an_error(photos: dict[str, Any]) -> None:
    ranked = worst(slices(**photos), "missed", limit=99)
    assert all(one.missed.parts >= LEAST_PARTS and one.missed.hits for one in ranked)
    lows = [one.missed.low for one in ranked]
    assert lows == sorted(lows, reverse=True)


@pytest.mark.parametrize(
    ("numbers", "categories", "said"),
    [
        ({"light": np.array([1.0])}, {}, "Found 1 values and 2 photos"),
        ({"light": np.array([1.0, np.nan])}, {}, "Found 1 that are not"),
        ({}, {"folder": ["a", "b", "c"]}, "sliced by folder"),
    ],
)
def test_properties_that_do_not_fit_the_photos_are_refused(
    numbers: dict[str, Any], categories: dict[str, Any], said: str
) -> None:
    flags = np.zeros(2, np.bool_)
    with pytest.raises(DataError, match=said):
        slices(flags, flags, flags, np.arange(2), numbers, categories)
