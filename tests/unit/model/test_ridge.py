"""The linear head against scikit-learn, and the choice of its strength on made parts."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from castproof.model.ridge import LEAST_PARTS, STRENGTHS, USUAL, fit_ridge, ridge_path

WIDTH = 12


def made(parts: int, photos: int, *, seed: int = 0, spread: float = 1.0, shift: float = 1.0):
    """Return features, labels, weights and parts: `parts` of each kind, `shift` apart in the first three features."""
    rng = np.random.default_rng(seed)
    defective = np.repeat([False, True], parts * photos)
    part = np.repeat(np.arange(2 * parts), photos)
    of_part = rng.normal(0, spread, (2 * parts, WIDTH))
    features = of_part[part] + rng.normal(0, 0.5, (len(part), WIDTH))
    features[:, :3] += np.where(defective, shift, -shift)[:, None]
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    weight = rng.uniform(0.5, 2.0, len(part))
    return scaled.astype(np.float32), defective, weight / weight.mean(), part


@pytest.mark.parametrize("strength", [1.0, 0.1, 0.003])
def test_the_same_as_scikit_learn(strength):
    scaled, defective, weight, _ = made(10, 8)
    ((slope, bias),) = ridge_path(scaled.astype(np.float64), defective, weight, [strength])
    reference = LogisticRegression(C=1 / (len(scaled) * strength), tol=1e-10, max_iter=10_000)
    reference.fit(scaled, defective, sample_weight=weight)
    margins = scaled @ slope + bias
    np.testing.assert_allclose(
        margins, reference.decision_function(scaled), atol=2e-3 * np.abs(margins).max()
    )


def test_a_warm_start_changes_nothing():
    scaled, defective, weight, _ = made(10, 8)
    features = scaled.astype(np.float64)
    along = ridge_path(features, defective, weight, [1.0, 0.1, 0.01])[-1]
    alone = ridge_path(features, defective, weight, [0.01])[0]
    np.testing.assert_allclose(along[0], alone[0], atol=1e-3)


def test_the_usual_strength_stays_where_hidden_parts_speak_for_no_other():
    fit = fit_ridge(*made(6, 20, shift=0.7), seed=1)
    assert fit.strength == USUAL
    assert [one.strength for one in fit.trials] == list(STRENGTHS)
    assert [one.chosen for one in fit.trials].count(True) == 1
    assert next(one for one in fit.trials if one.strength == USUAL).loss_se == 0


def test_many_parts_that_are_easy_to_tell_apart_ask_for_a_weaker_ridge():
    fit = fit_ridge(*made(300, 1, spread=0.1, shift=2.0), seed=1)
    assert fit.strength < USUAL
    losses = {one.strength: one.loss for one in fit.trials}
    assert losses[fit.strength] < losses[USUAL]


def test_too_few_parts_to_hide_any():
    fit = fit_ridge(*made(LEAST_PARTS - 1, 10), seed=1)
    assert fit.strength == USUAL
    assert fit.trials == ()


def test_the_same_photos_give_the_same_head():
    photos = made(8, 10)
    one, other = fit_ridge(*photos, seed=3), fit_ridge(*photos, seed=3)
    np.testing.assert_array_equal(one.slope, other.slope)
    assert (one.bias, one.strength, one.trials) == (other.bias, other.strength, other.trials)


def test_leading_directions_are_enough():
    """With more features than directions kept, the margins stay those of a ridge on all features."""
    rng = np.random.default_rng(5)
    base, defective, weight, part = made(30, 12, seed=5)
    mix = rng.normal(size=(WIDTH, 400))
    wide = (base @ mix + 0.05 * rng.normal(size=(len(base), 400))).astype(np.float32)
    wide = (wide - wide.mean(axis=0)) / wide.std(axis=0)
    fit = fit_ridge(wide, defective, weight, part, seed=1)
    reference = LogisticRegression(C=1 / (len(wide) * fit.strength), tol=1e-8, max_iter=10_000)
    reference.fit(wide, defective, sample_weight=weight)
    ours = wide @ fit.slope + fit.bias
    assert np.corrcoef(ours, reference.decision_function(wide))[0, 1] > 0.9999
