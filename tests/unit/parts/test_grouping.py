"""Joining photos to parts where the scores of all pairs are known."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linked_photos import LEVELS, Oracle, as_sets, grouped

from castproof.parts.grouping import Grouping

SIZES = st.lists(st.integers(2, 5), min_size=1, max_size=5)
TRUTH = [0] * 6 + [1] * 5 + [2] * 4 + [3] * 2 + [4]


def test_right_scores_give_the_true_parts() -> None:
    grouping = grouped(TRUTH, Oracle(TRUTH, {}))
    assert as_sets(grouping.part) == as_sets(TRUTH)
    assert grouping.members() == [sorted(part) for part in sorted(as_sets(TRUTH), key=min)]


@pytest.mark.parametrize("seed", range(8))
def test_single_wrong_links_join_no_parts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    large = range(4)  # parts of at least two photos
    wrong = {}
    for a, b in combinations(large, 2):
        i, j = (int(rng.choice(np.flatnonzero(np.array(TRUTH) == part))) for part in (a, b))
        wrong[i, j] = float(rng.uniform(0.5, 0.79))
    grouping = grouped(TRUTH, Oracle(TRUTH, wrong, seed))
    assert as_sets(grouping.part) == as_sets(TRUTH)


def test_two_photos_without_others_need_a_stronger_link() -> None:
    weak, strong = LEVELS.alone - 0.01, LEVELS.alone + 0.01
    assert LEVELS.link < weak
    grouping = grouped([0, 1, 2, 3], Oracle([0, 1, 2, 3], {(0, 1): weak, (2, 3): strong}))
    assert as_sets(grouping.part) == {frozenset({0}), frozenset({1}), frozenset({2, 3})}


def test_links_below_the_level_join_nothing() -> None:
    oracle = Oracle([0, 0, 0], dict.fromkeys(combinations(range(3), 2), LEVELS.link - 0.01))
    assert len(set(grouped([0, 0, 0], oracle).part)) == 3


def test_a_photo_joins_a_part_only_if_several_of_its_photos_match() -> None:
    truth = [0, 0, 0, 0, 1]
    two = grouped(truth, Oracle(truth, {(0, 4): 0.79, (1, 4): 0.79}))
    assert as_sets(two.part) == {frozenset(range(5))}
    one = grouped(truth, Oracle(truth, {}))
    one.store([(0, 4)], [0.79])
    one.join()
    assert as_sets(one.part) == {frozenset(range(4)), frozenset({4})}


def test_a_lone_photo_takes_no_photo_away_from_its_part() -> None:
    truth = [0, 0, 0, 0, 1]
    grouping = grouped(truth, Oracle(truth, {(0, 4): 0.75}))
    assert as_sets(grouping.part) == {frozenset(range(4)), frozenset({4})}


def test_parts_that_match_less_than_within_themselves_stay_apart() -> None:
    truth = [0] * 4 + [1] * 4
    near = {(i, j): 0.66 for i in range(4) for j in range(4, 8)}
    assert as_sets(grouped(truth, Oracle(truth, near)).part) == as_sets(truth)


def test_no_pair_is_compared_twice() -> None:
    oracle = Oracle(TRUTH, {(0, 6): 0.7})
    grouped(TRUTH, oracle)
    assert len(oracle.asked) == len(set(oracle.asked))


def test_comparing_again_keeps_the_better_score_and_asks_in_one_order() -> None:
    asked: list[tuple[int, int]] = []
    answers = iter([0.6, 0.9, 0.3])

    def compare(pairs: list[tuple[int, int]]) -> list[float]:
        asked.extend(pairs)
        return [next(answers) for _ in pairs]

    grouping = Grouping(2, LEVELS, compare, lambda left, right, count: [])
    grouping.add([(1, 0), (0, 1)])
    for expected in (0.9, 0.9):
        grouping.compare_again([(1, 0)])
        assert grouping.scores[0][1] == grouping.scores[1][0] == expected
    grouping.add([(0, 1)])
    assert asked == [(0, 1)] * 3


@settings(max_examples=100, deadline=None)
@given(SIZES, st.integers(0, 2), st.randoms(use_true_random=False), st.integers(1, 4))
def test_single_wrong_links_join_no_parts_whatever_their_sizes(sizes, alone, random, near) -> None:
    truth = [part for part, size in enumerate(sizes) for _ in range(size)]
    photos = [[i for i, part in enumerate(truth) if part == own] for own in range(len(sizes))]
    wrong = {
        (random.choice(photos[a]), random.choice(photos[b])): random.uniform(0.36, 0.79)
        for b in range(len(sizes))
        for a in range(b)
        if random.random() < 0.7
    }
    truth += range(len(sizes), len(sizes) + alone)
    grouping = grouped(truth, Oracle(truth, wrong, random.randrange(1000)), near)
    found = as_sets(grouping.part)
    assert all(len({truth[photo] for photo in part}) == 1 for part in found)
    assert near < 4 or found == as_sets(truth)


@settings(max_examples=60, deadline=None)
@given(SIZES, st.randoms(use_true_random=False))
def test_members_and_parts_tell_the_same(sizes, random) -> None:
    truth = [part for part, size in enumerate(sizes) for _ in range(size)]
    random.shuffle(truth)
    grouping = grouped(truth, Oracle(truth, {}))
    assert {frozenset(photos) for photos in grouping.members()} == as_sets(grouping.part)
    assert all(grouping.part[photo] in photos for photos in grouping.members() for photo in photos)


def test_parts_are_united_on_other_evidence_whatever_their_scores() -> None:
    grouping = grouped(TRUTH, Oracle(TRUTH, {}))
    first, second, fourth = (TRUTH.index(part) for part in (0, 1, 3))
    grouping.unite([(second + 1, first), (first + 2, second), (fourth, second + 2)])
    united = [0 if part in (1, 3) else part for part in TRUTH]
    assert as_sets(grouping.part) == as_sets(united)
    assert as_sets(grouping.part) == {frozenset(photos) for photos in grouping.members()}
