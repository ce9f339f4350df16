"""A signature changes only by a phase when the photo is turned, and by a conjugation when it is mirrored."""

import numpy as np
import pytest
from part_photos import as_photo, casting, moved, texture
from scipy.ndimage import gaussian_filter

from castproof.parts.frames import Frame, object_frames, whole_frame
from castproof.parts.search import best_scores, best_turns, planes
from castproof.parts.signature import (
    ANGLES,
    HIGHEST,
    LOWEST,
    RINGS,
    agreement,
    common_gain,
    ring_spectra,
    unit,
    weights,
)

VIEWS = {
    "a quarter turn": (lambda photo: np.rot90(photo), ANGLES // 4, False),
    "a half turn": (lambda photo: np.rot90(photo, 2), ANGLES // 2, False),
    "mirrored": (lambda photo: photo[:, ::-1], ANGLES // 2, True),
    "upside down": (lambda photo: photo[::-1], 0, True),
}


def test_signatures_have_length_one_and_empty_ones_stay_empty() -> None:
    photos = [as_photo(texture(seed, 80, 100)) for seed in range(4)] + [np.zeros((80, 100), np.uint8)]
    spectra = np.stack([ring_spectra(photo, whole_frame(photo)) for photo in photos])
    assert spectra.shape == (5, len(RINGS), HIGHEST - LOWEST)
    lengths = np.linalg.norm(unit(spectra * common_gain(spectra)).reshape(5, -1), axis=1)
    np.testing.assert_allclose(lengths, [1, 1, 1, 1, 0], atol=1e-4)


@pytest.mark.parametrize("name", VIEWS)
def test_a_turned_or_mirrored_photo_has_the_same_signature(name: str) -> None:
    change, turn, mirrored = VIEWS[name]
    photo = as_photo(texture(1, 121, 121))
    changed = np.ascontiguousarray(change(photo))
    both = unit(np.stack([ring_spectra(one, whole_frame(one)) for one in (photo, changed)]))
    assert best_scores(planes(both[:1]), planes(both[1:])).item() > 0.99
    found = best_turns(both[:1], both[1:])
    assert (min(int(found[0][0]), ANGLES - int(found[0][0])), bool(found[1][0])) == (turn, mirrored)


@pytest.mark.parametrize("name", VIEWS)
def test_a_casting_that_is_turned_or_mirrored_is_nearer_than_another_casting(name: str) -> None:
    photo = casting(1)
    photos = [photo, np.ascontiguousarray(VIEWS[name][0](photo)), casting(2)]
    signatures = unit(np.stack([ring_spectra(one, object_frames(one)[0]) for one in photos]))
    same, other = best_scores(planes(signatures[:1]), planes(signatures[1:]))[0]
    assert same > 0.95
    assert other < 0.8


def test_a_frame_that_moves_with_the_photo_sees_the_same() -> None:
    photo = as_photo(gaussian_filter(texture(5, 180, 180, contrast=30), 1.5))
    matrix = np.array([[0.8, -0.45, 60.0], [0.35, 0.75, 2.0]])
    frame = Frame(np.array([[36.0, 6.0], [-4.0, 30.0]]), np.array([88.0, 93.0]))
    other = Frame(matrix[:, :2] @ frame.matrix, matrix @ np.append(frame.centre, 1))
    spectra = unit(np.stack([ring_spectra(photo, frame), ring_spectra(moved(photo, matrix), other)])[:, :14])
    turn, mirrored, score = best_turns(spectra[:1], spectra[1:])
    assert (int(turn[0]), bool(mirrored[0])) == (0, False)
    assert score[0] > 0.9


def test_exposure_does_not_change_a_signature() -> None:
    plate = texture(2, 100, 100)
    photos = [as_photo(plate * gain) for gain in (0.6, 1.0, 1.6)]
    signatures = planes(unit(np.stack([ring_spectra(one, whole_frame(one)) for one in photos])))
    assert best_scores(signatures, signatures).min() > 0.95


def test_whitening_makes_every_ring_and_harmonic_count_alike() -> None:
    rng = np.random.default_rng(0)
    loud = 10.0 ** rng.uniform(-2, 2, (4, HIGHEST - LOWEST))
    loud[0] = 0
    spectra = rng.normal(size=(500, *loud.shape)) * loud + 0j
    power = np.sqrt((np.abs(spectra * common_gain(spectra)) ** 2).mean(axis=0))
    np.testing.assert_allclose(power[1:], 1, rtol=1e-3)
    np.testing.assert_array_equal(power[0], 0)


def test_weights_are_high_where_partners_agree_and_random_pairs_do_not() -> None:
    rng = np.random.default_rng(1)

    def noise() -> np.ndarray:
        return rng.normal(size=(300, 12, HIGHEST - LOWEST, 2)) @ np.array([1, 1j])

    a = noise()
    turns = rng.integers(0, ANGLES, 300)
    phase = np.exp(2j * np.pi / ANGLES * turns[:, None, None] * np.arange(LOWEST, HIGHEST))
    b = a * phase
    b[:, 6:] = noise()[:, 6:]
    coherence = agreement(a, b, turns)
    np.testing.assert_allclose(coherence[:6], 1, atol=1e-6)
    assert np.abs(coherence[6:]).max() < 0.4
    found = weights(coherence, agreement(a, noise(), turns))
    assert found[:4].min() > 0.8
    assert found[9:].max() < 0.4
    np.testing.assert_array_equal(weights(coherence, coherence), 1)
