"""Groups of look-alikes are doubted; parts are not."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castproof.data.group_doubt import LEAST_GAP, doubt_of, group_evidence
from castproof.data.manifest import Photo

NONE = np.zeros(0, np.float32)


def photos(groups: list[list[bool]]) -> list[Photo]:
    return [
        Photo(f"{group}/{number}", "", "bad" if bad else "ok", bad, "", part=str(group))
        for group, labels in enumerate(groups)
        for number, bad in enumerate(labels)
    ]


@given(st.lists(st.lists(st.booleans(), min_size=2, max_size=5), min_size=2, max_size=5))
def test_dissent_is_the_share_of_unlike_pairs_over_that_of_chance(groups: list[list[bool]]) -> None:
    labels = [bad for group in groups for bad in group]
    by_chance = np.mean([a != b for a, b in combinations(labels, 2)])
    of_photo = [
        np.mean([other != bad for place, other in enumerate(group) if place != own])
        for group in groups
        for own, bad in enumerate(group)
    ]
    expected = np.mean(of_photo) / by_chance if by_chance else 0
    assert group_evidence(photos(groups), NONE, NONE).dissent == pytest.approx(expected)


def test_labels_at_random_are_doubted_and_labels_of_parts_are_not() -> None:
    rng = np.random.default_rng(0)
    mixed = [list(map(bool, rng.random(6) < 0.5)) for _ in range(30)]
    doubt = doubt_of(photos(mixed), NONE, NONE)
    assert doubt is not None
    assert doubt.by_labels
    assert not doubt.by_scores
    pure = [[bool(group % 2)] * 6 for group in range(30)]
    assert doubt_of(photos(pure), NONE, NONE) is None
    wrong_label = [[label ^ (rng.random() < 0.03) for label in group] for group in pure]
    assert doubt_of(photos(wrong_label), NONE, NONE) is None
    assert doubt_of(photos(mixed[:1]), NONE, NONE) is None, "too few to say"


def test_labels_of_photos_without_a_class_say_nothing() -> None:
    unlabelled = [Photo(str(number), "", "", False, "", part="one") for number in range(50)]
    assert group_evidence(unlabelled, NONE, NONE).dissent == 0


@pytest.mark.parametrize(("apart", "doubted"), [(LEAST_GAP - 0.02, True), (LEAST_GAP + 0.02, False)])
def test_scores_that_overlap_are_doubted(apart: float, doubted: bool) -> None:
    pure = photos([[False] * 3, [True] * 3])
    different = np.linspace(0, 1, 1001)
    across = np.tanh(0.4 * different / 0.9).astype(np.float32)  # its 90% quantile is 0.4 in Fisher's z
    within = np.tanh(0.4 + apart + (different - 0.1)).astype(np.float32)
    assert (doubt_of(pure, within, across) is not None) == doubted
    assert doubt_of(pure, within[:5], across) is None, "too few to say"
