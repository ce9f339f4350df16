import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castproof.gate.summary import hits, verdict_summary
from castproof.measure.decision import VERDICTS, Verdict

A, V, R, N = (
    VERDICTS.index(one) for one in (Verdict.ACCEPT, Verdict.REVIEW, Verdict.REJECT, Verdict.NOT_INSPECTED)
)


def summary(defective: dict[str, list[int]], good: dict[str, list[int]]) -> list[str]:
    """Return the summary of verdicts, given by part."""
    parts = [*defective.items(), *good.items()]
    labels = [place < len(defective) for place, (_, codes) in enumerate(parts) for _ in codes]
    names = [name for name, codes in parts for _ in codes]
    return verdict_summary(
        np.array(labels), names, np.array([c for _, codes in parts for c in codes], np.uint8)
    )


def test_it_tells_photos_and_parts_in_one_sentence() -> None:
    told = summary({"part-0010": [R] * 502}, {"part-0001": [R] * 84 + [A] * 16, "part-0002": [A] * 247})
    assert told == [
        "0 of 502 defective photos missed; "
        "84 of 347 good ones rejected, all of one part (part-0001) of two good parts."
    ]


def test_a_part_that_passes_as_a_whole_is_named() -> None:
    told = summary({"p1": [A, A], "p2": [A, R], "p3": [V, R]}, {"g1": [A, V], "g2": [A]})
    assert told == [
        "3 of 6 defective photos missed, of two of three defective parts, 2 of one (p1), "
        "one passed as a whole (p1); 0 of 3 good ones rejected.",
        "1 of 6 defective photos (16.7%) and 1 of 3 good photos (33.3%) for a person to look at (REVIEW).",
    ]


def test_where_every_photo_is_a_part_of_its_own_photos_are_enough() -> None:
    told = summary({"a": [A], "b": [R]}, {"c": [R], "d": [A], "e": [N]})
    assert told == [
        "1 of 2 defective photos missed; 1 of 3 good ones rejected.",
        "1 of 3 good photos (33.3%) not inspected.",
    ]


@pytest.mark.parametrize(
    ("defective", "good", "first"),
    [
        ({"a": [R]}, {}, "0 of 1 defective photo missed."),
        ({}, {"a": [R, R]}, "2 of 2 good photos rejected, of the only good part (a)."),
        (
            {"a": [A, R]},
            {},
            "1 of 2 defective photos missed, of the only defective part (a), none passed as a whole.",
        ),
    ],
)
def test_one_kind_alone(defective: dict[str, list[int]], good: dict[str, list[int]], first: str) -> None:
    assert summary(defective, good) == [first]


def test_no_photo_has_no_summary() -> None:
    assert verdict_summary(np.zeros(0, np.bool_), [], np.zeros(0, np.uint8)) == []


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), min_size=1))
def test_counts_by_part_sum_to_the_photos(photos: list[tuple[str, bool]]) -> None:
    found = hits(np.array([hit for _, hit in photos]), [part for part, _ in photos])
    assert sum(found.by_part.values()) == found.photos == sum(hit for _, hit in photos)
    whole = {part for part, _ in photos} - {part for part, hit in photos if not hit}
    assert set(found.whole) == whole
    assert list(found.by_part.values()) == sorted(found.by_part.values(), reverse=True)
