"""The levels of a data set, learnt from scores whose truth is known."""

import numpy as np
import pytest

from castproof.parts.null import agreeing_by_chance, fisher, learn_levels, sampled_ranks


def rows(own: tuple[float, float], foreign: tuple[float, float], photos: int = 60) -> list[list[float]]:
    rng = np.random.default_rng(0)
    return [[*rng.uniform(*own, 4), *rng.uniform(*foreign, 12)] for _ in range(photos)]


@pytest.mark.parametrize(("own", "foreign"), [((0.7, 0.9), (-0.1, 0.3)), ((0.7, 0.8), (0.2, 0.4))])
def test_the_level_lies_between_own_and_foreign_scores(own, foreign) -> None:
    levels = learn_levels(rows(own, foreign))
    assert levels.clear
    assert foreign[1] < levels.link < own[0]
    assert levels.confirm < levels.link < levels.alone


def test_the_order_of_scores_does_not_matter() -> None:
    scores = rows((0.6, 0.9), (0.0, 0.3))
    assert learn_levels([row[::-1] for row in scores[::-1]]) == learn_levels(scores)


def test_scores_that_overlap_are_not_clear() -> None:
    weak, near = [0.0] * 8 + [0.6, 0.62], [0.6] * 8 + [0.65, 0.9]  # own of one below foreign of the other
    levels = learn_levels([weak, near] * 20)
    assert not levels.clear
    assert levels.link == pytest.approx(0.65)  # nine in ten photos of other parts do not reach further


def test_without_any_repeated_part_the_level_lies_above_all_scores() -> None:
    scores = np.random.default_rng(1).uniform(-0.1, 0.4, (60, 16))
    levels = learn_levels(scores.tolist())
    assert levels.clear
    assert levels.link > scores.max()


def test_a_few_photos_without_a_partner_do_not_move_the_level() -> None:
    lonely = np.random.default_rng(2).uniform(0, 0.3, (4, 16)).tolist()
    levels = learn_levels(rows((0.7, 0.9), (0.0, 0.3)) + lonely)
    assert levels.clear
    assert 0.3 < levels.link < 0.7


def test_gaps_between_high_scores_count_for_more() -> None:
    row = [0.0, 0.0, 0.0, 0.45, 0.47, 0.75, 0.8]
    assert learn_levels([row] * 10).link == pytest.approx((0.47 + 0.75) / 2)


@pytest.mark.parametrize("scores", [[], [[0.9, 0.1]] * 50, [[0.9, 0.8, 0.1, 0.1, 0.1]] * 4])
def test_too_few_scores_give_a_careful_level(scores) -> None:
    levels = learn_levels(scores)
    assert not levels.clear
    assert levels.link == 0.6


def test_scores_below_zero_count_as_zero() -> None:
    assert learn_levels([[-0.9, -1.0, -0.5, -0.2, -1.0, 0.8, 0.7]] * 10).link == pytest.approx(0.35)
    np.testing.assert_allclose(fisher(np.array([-1, 0, 0.5, 1])), [0, 0, np.arctanh(0.5), np.arctanh(0.99)])


@pytest.mark.parametrize("photos", [1, 2, 3, 9, 10, 50, 5000])
def test_sampled_ranks_are_partners_that_exist_the_nearest_all(photos: int) -> None:
    ranks = sampled_ranks(photos)
    assert ranks == sorted(set(ranks))
    assert ranks[:8] == list(range(min(8, photos - 1)))
    assert all(rank < photos - 1 for rank in ranks)
    assert photos < 50 or ranks[-1] > photos / 4


def test_keypoints_agree_by_chance_as_often_as_below_the_gap() -> None:
    assert agreeing_by_chance([[90, 70, 20, 12, 8], [120, 22, 5, 3], [85, 60, 24, 9]]) == pytest.approx(22)


def test_a_few_photos_without_a_gap_do_not_raise_what_agrees_by_chance() -> None:
    usual, spread = [80, 60, 9, 4, 0], [80, 62, 48, 36, 26, 17, 10]
    assert agreeing_by_chance([usual] * 6 + [spread] * 3) == pytest.approx(9)


@pytest.mark.parametrize("counts", [[], [[]], [[3]], [[0, 0, 0]], [[50, 2, 1], [40, 0, 0]]])
def test_a_handful_of_keypoints_always_agrees_by_chance(counts: list[list[float]]) -> None:
    assert agreeing_by_chance(counts) == 6
