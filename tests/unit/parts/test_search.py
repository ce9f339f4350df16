"""The search of all pairs against loops over rolled rings and against brute force."""

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from castproof.parts.search import (
    Neighbours,
    Places,
    SignatureTable,
    best_scores,
    best_turns,
    correlations,
    planes,
    search,
    several_turns,
)
from castproof.parts.signature import ANGLES, HIGHEST, LOWEST, Spectra, unit

RINGS = 3


def signatures(count: int, seed: int) -> Spectra:
    rng = np.random.default_rng(seed)
    return unit(rng.normal(size=(count, RINGS, HIGHEST - LOWEST, 2)) @ np.array([1, 1j]))


def table(items: Spectra, frames: Places) -> SignatureTable:
    """Return the table of photos of which photo i has frames[i] of `items`."""
    return SignatureTable(items, np.cumsum([0, *frames]))


def rolled(spectra: Spectra, turn: int) -> Spectra:
    return spectra * np.exp(-2j * np.pi / ANGLES * turn * np.arange(LOWEST, HIGHEST))


def rings(signature: Spectra) -> NDArray[np.float64]:
    """Return the brightness along the rings that `signature` is the spectrum of."""
    full = np.zeros((RINGS, ANGLES // 2 + 1), complex)
    full[:, LOWEST:HIGHEST] = signature
    return np.fft.irfft(full, ANGLES, axis=1)


def by_rolling(a: Spectra, b: Spectra) -> NDArray[np.float64]:
    """Return the correlations (2, ANGLES) of two items: the second is rolled, then backwards and rolled."""
    left, right = rings(a), rings(b)
    backwards = np.roll(right[:, ::-1], 1, axis=1)  # angle 0 stays where it is
    scores = [[(left * np.roll(r, t, axis=1)).sum() for t in range(ANGLES)] for r in (right, backwards)]
    return np.array(scores) * ANGLES / 2  # Parseval, one side of the spectrum


def test_correlations_are_those_of_rolled_rings_plain_and_mirrored() -> None:
    a, b = signatures(3, 0), signatures(4, 1)
    found = correlations(planes(a), planes(b))
    expected = np.array([[by_rolling(one, other) for other in b] for one in a])
    np.testing.assert_allclose(found, expected.transpose(2, 3, 0, 1), atol=1e-5)
    np.testing.assert_allclose(best_scores(planes(a), planes(b)), expected.max(axis=(2, 3)), atol=1e-5)


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_turn_and_mirroring_of_a_pair_are_found(mirrored: bool) -> None:
    b = signatures(5, 2)
    turns = np.array([0, 1, 31, ANGLES // 2, ANGLES - 1])
    a = np.stack([rolled(one.conj() if mirrored else one, turn) for one, turn in zip(b, turns, strict=True)])
    turn, flipped, score = best_turns(a, b)
    np.testing.assert_array_equal(turn, turns)
    assert flipped.tolist() == [mirrored] * 5
    np.testing.assert_allclose(score, 1, atol=1e-5)


def test_several_turns_are_the_best_peaks_and_lie_apart() -> None:
    one = signatures(1, 3)[0]
    mixture = 3 * rolled(one, 20) + 2.5 * rolled(one.conj(), 90) + 2 * rolled(one, 60)
    turns = several_turns(mixture, one, 3)
    assert turns == [(20, False), (90, True), (60, False)]
    many = several_turns(mixture, one, 8)
    assert many[:3] == turns
    for i, (turn, mirrored) in enumerate(many):
        for other, flipped in many[:i]:
            assert mirrored != flipped or min((turn - other) % ANGLES, (other - turn) % ANGLES) > 4


def test_several_turns_keep_apart_across_the_end_of_the_circle() -> None:
    one = signatures(1, 4)[0]
    turns = several_turns(rolled(one, 1), one, 12)
    assert turns[0] == (1, False)
    assert not {(turn % ANGLES, False) for turn in (0, 2, 3, 4, 5, -1, -2, -3)} & set(turns)


def test_the_search_finds_the_partners_that_brute_force_finds() -> None:
    rng = np.random.default_rng(5)
    frames = rng.integers(1, 4, 170)
    items = signatures(int(frames.sum()), 6)
    every = best_scores(planes(items), planes(items))
    expected = np.full((170, 170), -1.0)
    ends = np.cumsum(frames)
    items_of = [slice(end - count, end) for end, count in zip(ends, frames, strict=True)]
    for i, j in permutations(range(170), 2):
        expected[i, j] = every[items_of[i], items_of[j]].max()
    found = search(table(items, frames), 7)
    assert found.partner.shape == (170, 7)
    np.testing.assert_allclose(found.score, -np.sort(-expected, axis=1)[:, :7], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(expected, found.partner, axis=1), found.score, atol=1e-6)
    assert all(len(set(row)) == 7 for row in found.partner.tolist())


def test_the_items_of_a_photo_count_as_one_wherever_blocks_end() -> None:
    items = np.repeat(signatures(120, 10), 3, axis=0)
    found = search(table(items, np.full(120, 3)), 9)
    assert all(len(set(row)) == 9 for row in found.partner.tolist())


def test_the_number_of_threads_changes_nothing() -> None:
    several = table(signatures(300, 11), np.full(300, 1))
    one, three = search(several, 5, workers=1), search(several, 5, workers=3)
    np.testing.assert_array_equal(one.partner, three.partner)
    np.testing.assert_array_equal(one.score, three.score)


def test_a_photo_never_partners_itself_and_few_photos_have_few_partners() -> None:
    found = search(table(signatures(5, 7), np.array([2, 2, 1])), 12)
    assert [sorted(row) for row in found.partner.tolist()] == [[1, 2], [0, 2], [0, 1]]
    alone = search(table(signatures(1, 8), np.array([1])), 12)
    assert alone.partner.tolist() == [[-1]]


def test_neighbours_keep_the_best_over_blocks() -> None:
    scores = np.random.default_rng(9).random((2, 30)).astype(np.float32)
    kept = Neighbours(2, 4)
    for begin in range(0, 30, 7):
        columns = np.arange(begin, min(begin + 7, 30))
        kept.take(np.arange(2), columns, scores[:, columns])
    np.testing.assert_array_equal(kept.partner, np.argsort(-scores, axis=1)[:, :4])
