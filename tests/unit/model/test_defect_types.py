"""The head of defect types against scikit-learn, and what parts that it never saw say about it."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from castproof.model.defect_types import fit_types, multinomial_ridge

STRENGTH = 0.1


def test_the_multinomial_ridge_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 200)
    features = rng.normal(size=(200, 12)) + 0.7 * np.eye(3, 12)[kind]
    weight = rng.uniform(0.3, 2, 200)
    weight /= weight.mean()
    slope, bias = multinomial_ridge(features, kind, weight, 3, STRENGTH)
    other = LogisticRegression(C=1 / (200 * STRENGTH), tol=1e-9, max_iter=5000)
    other.fit(features, kind, sample_weight=weight)
    assert slope == pytest.approx(other.coef_, abs=1e-3)
    found = features @ slope.T + bias
    expected = other.decision_function(features)
    centred = [scores - scores.mean(axis=1, keepdims=True) for scores in (found, expected)]
    assert centred[0] == pytest.approx(centred[1], abs=5e-3)


def made(seed: int, apart: float, parts: int = 8) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Return features, class names and parts of two types of `parts` parts each, and one type of two parts."""
    rng, names = np.random.default_rng(seed), ["crack"] * parts + ["blowhole"] * parts + ["scratch"] * 2
    part = np.repeat(np.arange(len(names)), 5)
    class_name = [names[one] for one in part]
    own = rng.normal(size=(len(names), 400))[part]  # by which a part is known again
    type_mean = apart * np.array([[name == "crack"] * 400 for name in class_name])
    scaled = own + 0.1 * rng.normal(size=own.shape) + type_mean
    return scaled.astype(np.float32), class_name, part


def test_types_that_differ_are_named_and_rare_ones_left_out() -> None:
    scaled, class_name, part = made(0, apart=1.0)
    fit = fit_types(scaled, class_name, np.ones(len(part)), part, seed=0)
    assert fit is not None
    assert fit.names == ("blowhole", "crack")
    assert fit.trial.left_out == ("scratch",)
    assert (fit.trial.photos, fit.trial.right, fit.trial.commonest) == (80, 80, 40)
    named = np.argmax(scaled[:80] @ fit.slope.T + fit.bias, axis=1)
    assert [fit.names[one] for one in named] == class_name[:80]


def test_types_that_do_not_differ_are_guessed_at_parts_that_were_never_seen() -> None:
    shares = []
    for seed in range(4):
        scaled, class_name, part = made(seed, apart=0.0)
        fit = fit_types(scaled, class_name, np.ones(len(part)), part, seed=seed)
        assert fit is not None
        named = np.argmax(scaled[:80] @ fit.slope.T + fit.bias, axis=1)
        assert [fit.names[one] for one in named] == class_name[:80]  # learnt by heart
        shares.append(fit.trial.right / fit.trial.photos)
    assert np.mean(shares) < 0.75


def test_it_is_deterministic() -> None:
    scaled, class_name, part = made(3, apart=0.3)
    one, two = (fit_types(scaled, class_name, np.ones(len(part)), part, seed=1) for _ in range(2))
    assert one is not None
    assert two is not None
    assert np.array_equal(one.slope, two.slope)
    assert one.trial == two.trial


def test_one_type_is_no_choice() -> None:
    scaled, class_name, part = made(0, apart=1.0)
    rows = [row for row, name in enumerate(class_name) if name != "blowhole"]
    names = [class_name[row] for row in rows]
    assert fit_types(scaled[rows], names, np.ones(len(rows)), part[rows], seed=0) is None


def test_every_part_is_hidden_whole_even_one_of_two_types() -> None:
    scaled, class_name, part = made(0, apart=1.0)
    part[:10] = 8  # a part of both types
    fit = fit_types(scaled, class_name, np.ones(len(part)), part, seed=0)
    assert fit is not None
    assert fit.trial.photos == 80
