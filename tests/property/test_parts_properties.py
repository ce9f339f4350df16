"""The part finder's search and levels, whatever the signatures and scores."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.parts.null import learn_levels
from castproof.parts.search import Neighbours, best_scores, best_turns, planes
from castproof.parts.signature import ANGLES, HIGHEST, LOWEST, unit

SCORE = st.floats(-1, 1, width=32)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, ANGLES - 1), st.booleans())
def test_a_turn_and_a_mirroring_change_no_score(seed, turn, mirrored) -> None:
    rng = np.random.default_rng(seed)
    items = unit(rng.normal(size=(4, 2, HIGHEST - LOWEST, 2)) @ np.array([1, 1j]))
    moved = items * np.exp(-2j * np.pi / ANGLES * turn * np.arange(LOWEST, HIGHEST))
    moved = (moved.conj() if mirrored else moved).astype(np.complex64)
    expected = best_scores(planes(items), planes(items))
    np.testing.assert_allclose(best_scores(planes(items), planes(moved)), expected, atol=1e-5)
    pairs = np.array([0, 1, 2]), np.array([1, 2, 3])
    np.testing.assert_allclose(best_turns(items[pairs[0]], moved[pairs[1]])[2], expected[pairs], atol=1e-5)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(SCORE, max_size=20), max_size=30))
def test_levels_are_ordered_and_finite_whatever_the_scores(scores) -> None:
    levels = learn_levels(scores)
    assert 0 < levels.confirm <= levels.link <= levels.alone < 1 or levels.link >= 0.99
    assert levels.link >= 0.2


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5), st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_neighbours_keep_the_best_however_the_blocks_are_cut(keep, blocks, seed) -> None:
    scores = np.random.default_rng(seed).random((3, sum(blocks))).astype(np.float32)
    kept = Neighbours(3, keep)
    begin = 0
    for size in blocks:
        columns = np.arange(begin, begin + size)
        kept.take(np.arange(3), columns, scores[:, columns])
        begin += size
    best = np.argsort(-scores, axis=1)[:, :keep]
    np.testing.assert_array_equal(kept.partner[:, : best.shape[1]], best)
    assert (kept.partner[:, best.shape[1] :] == -1).all()
