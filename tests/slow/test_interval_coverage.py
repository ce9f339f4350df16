"""Intervals and comparisons on generated data sets whose truth is known, with photos of a part that are alike.

A share of the data sets may stray from what is promised by three standard errors. How the methods were chosen, on many
more cases: docs/decisions/0007-intervals.md.
"""

from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from castproof.measure.comparison import compare
from castproof.measure.intervals import bootstrap_by_part, exact_binomial, rate_by_part
from castproof.measure.paired_figures import Judgement

pytestmark = pytest.mark.slow

DATA_SETS = 600
DATA_SETS_JUDGED_TWICE = 200
ALL_OR_NONE = 1.0

Shares = NDArray[np.float64]


def stray(data_sets: int) -> float:
    """Return three standard errors of a share of 5% of so many data sets."""
    return 3 * sqrt(0.05 * 0.95 / data_sets)


def shares_per_part(rng: np.random.Generator, rate: float, alike: float, parts: int) -> Shares:
    """Return how often each part is hit: on average `rate`, with the correlation `alike` between its photos."""
    if alike == ALL_OR_NONE:
        return (rng.random(parts) < rate).astype(np.float64)
    strength = 1 / alike - 1
    return rng.beta(rate * strength, (1 - rate) * strength, parts)


def photos_per_part(rng: np.random.Generator, parts: int) -> NDArray[np.int64]:
    """Return 1 to 150 photos per part: half of the parts have fewer than 20, and a tenth more than 93."""
    return np.clip(np.exp(rng.normal(3.0, 1.2, parts)).round(), 1, 150).astype(np.int64)


@pytest.mark.parametrize(
    ("parts", "rate", "alike"),
    [(10, 0.05, 0.2), (30, 0.02, ALL_OR_NONE), (40, 0.02, 0.5), (60, 0.3, ALL_OR_NONE)],
)
def test_intervals_by_part_cover_and_those_by_photo_do_not(parts: int, rate: float, alike: float) -> None:
    rng = np.random.default_rng(parts)
    covered = {"photos": 0, "parts": 0, "naive": 0}
    for _ in range(DATA_SETS):
        part = np.repeat(np.arange(parts), photos_per_part(rng, parts))
        hit = rng.random(len(part)) < shares_per_part(rng, rate, alike, parts)[part]
        for by in ("photos", "parts"):
            found = rate_by_part(hit, part, by=by)
            assert found.low is not None
            assert found.high is not None
            covered[by] += found.low <= rate <= found.high
        low, high = exact_binomial(int(hit.sum()), len(hit), 0.95)
        covered["naive"] += low <= rate <= high
    assert covered["photos"] / DATA_SETS >= 0.95 - stray(DATA_SETS)
    assert covered["parts"] / DATA_SETS >= 0.95 - stray(DATA_SETS)
    assert covered["naive"] / DATA_SETS < 0.75


def scored(
    rng: np.random.Generator, good: int, defective: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64], Shares]:
    """Return labels, parts and p_defective of photos whose part makes them easy or hard."""
    part = np.repeat(np.arange(good + defective), rng.integers(1, 12, good + defective))
    labels = part >= good
    logits = 2.0 + rng.normal(0, 1, good + defective)[part] + rng.normal(0, 1, len(part))
    return labels, part, 1 / (1 + np.exp(-np.where(labels, logits, -logits)))


def brier_of(labels: NDArray[np.bool_], p: Shares) -> Callable[[NDArray[np.int64]], float]:
    losses = (p - labels) ** 2
    return lambda rows: float(losses[rows].mean())


def test_intervals_by_resampling_cover() -> None:
    labels, _, p = scored(np.random.default_rng(0), 40_000, 60_000)
    truth = float(((p - labels) ** 2).mean())
    rng = np.random.default_rng(1)
    covered = 0
    for seed in range(DATA_SETS):
        labels, part, p = scored(rng, 20, 30)
        found = bootstrap_by_part(brier_of(labels, p), part, labels, resamples=150, seed=seed)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert covered / DATA_SETS >= 0.95 - stray(DATA_SETS)


def judged_twice(
    rng: np.random.Generator, good: int, defective: int, a: tuple[float, float], b: tuple[float, float]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], Judgement, Judgement]:
    """Return labels, parts and two judgements; each model has its rate of wrong photos and how alike a part's are."""
    parts = good + defective
    part = np.repeat(np.arange(parts), rng.integers(1, 25, parts))
    labels = part >= good
    judgements = []
    for rate, alike in (a, b):
        wrong = rng.random(len(part)) < shares_per_part(rng, rate, alike, parts)[part]
        p_true = np.where(wrong, rng.uniform(0.0, 0.4, len(part)), rng.uniform(0.6, 1.0, len(part)))
        p_defective = np.where(labels, p_true, 1 - p_true)
        judgements.append(Judgement(p_defective, labels != wrong))
    return labels, part, judgements[0], judgements[1]


@pytest.fixture
def _no_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out how many more parts would tell: half of the time, and it changes no conclusion."""
    monkeypatch.setattr("castproof.measure.comparison._more_parts", lambda figure, confidence: None)


def shares_told(
    data_sets: int, good: int, defective: int, a: tuple[float, float], b: tuple[float, float]
) -> dict[str, dict[str, float]]:
    """Return for each figure in which share of data sets B is told to be better, and worse."""
    rng = np.random.default_rng(good + defective)
    told: dict[str, dict[str, float]] = {}
    for _ in range(data_sets):
        for one in compare(*judged_twice(rng, good, defective, a, b), cost_fn=10, cost_fp=1):
            shares = told.setdefault(one.name, {"better": 0.0, "worse": 0.0, "inconclusive": 0.0})
            shares[one.conclusion] += 1 / data_sets
    return told


@pytest.mark.usefixtures("_no_advice")
@pytest.mark.parametrize(
    ("good", "defective", "a", "b"),
    [
        (4, 10, (0.3, 0.3), (0.3, 0.3)),
        (10, 30, (0.1, 0.3), (0.1, 0.3)),
    ],
)
def test_without_a_true_difference_none_is_told(
    good: int, defective: int, a: tuple[float, float], b: tuple[float, float]
) -> None:
    for name, told in shares_told(DATA_SETS_JUDGED_TWICE, good, defective, a, b).items():
        assert told["better"] + told["worse"] <= 0.05 + stray(DATA_SETS_JUDGED_TWICE), name


@pytest.mark.usefixtures("_no_advice")
def test_wrong_on_whole_parts_is_no_worse_than_as_often_wrong_everywhere() -> None:
    told = shares_told(DATA_SETS_JUDGED_TWICE, 10, 20, (0.05, ALL_OR_NONE), (0.05, 0.001))
    for name in ("missed_defects", "good_not_passed", "wrong_verdicts", "expected_cost"):
        assert told[name]["better"] + told[name]["worse"] <= 0.05 + stray(DATA_SETS_JUDGED_TWICE), name


def test_a_large_difference_is_told() -> None:
    told = shares_told(60, 40, 40, (0.35, 0.3), (0.02, 0.3))
    for name, shares in told.items():
        assert shares["better"] >= 0.9, name
