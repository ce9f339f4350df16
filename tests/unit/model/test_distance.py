"""The head of good parts alone: its margin and slope, against the formula in numpy."""

import numpy as np
import pytest
import torch

from castproof.model.network import MOST_MARGIN, STEEPNESS, Head, p_defective
from castproof.model.novelty import FeatureNovelty
from castproof.settings import DISTANCE

WIDTH = 20
LIMIT = 2.5


def head_and_novelty() -> tuple[Head, FeatureNovelty]:
    """Return a head with three directions, fewer than it has room for, and what it measures by."""
    rng = np.random.default_rng(4)
    axes = np.linalg.qr(rng.normal(size=(WIDTH, 3)))[0].T
    novelty = FeatureNovelty(
        rng.normal(size=WIDTH).astype(np.float32),
        np.ascontiguousarray(axes, np.float32),
        np.array([0.9, 0.5, 0.2], np.float32),
    )
    head = Head(WIDTH, DISTANCE, 0.0).eval()
    head.fit_scale(features(300, seed=1))
    assert head.distance is not None
    head.distance.set(novelty, LIMIT)
    return head, novelty


def features(count: int, seed: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(3, 2, (count, WIDTH)).astype(np.float32))


def expected_margin(head: Head, novelty: FeatureNovelty, given: np.ndarray) -> np.ndarray:
    away = (given - head.mean.numpy()) / head.std.numpy() - novelty.centre
    along = away @ novelty.directions.T
    distance = ((away**2).sum(1) - (along**2 * novelty.shrink).sum(1)) / WIDTH
    return np.asarray(STEEPNESS * np.log(distance / LIMIT))


def margin(head: Head, given: torch.Tensor) -> torch.Tensor:
    logits = head(given)
    return logits[:, 1] - logits[:, 0]


def test_the_margin_is_the_logarithm_of_the_distance_over_its_limit() -> None:
    head, novelty = head_and_novelty()
    given = features(50, seed=2)
    found = margin(head, given).numpy()
    assert found == pytest.approx(expected_margin(head, novelty, given.numpy().astype(np.float64)), abs=1e-4)
    assert found.min() < 0 < found.max(), "photos on both sides of the limit"


def test_half_is_reached_where_the_distance_is_the_limit() -> None:
    head, novelty = head_and_novelty()
    scaled = head.scaled(features(40, seed=3)).numpy()
    beyond = novelty.novelty(scaled) >= LIMIT
    p = p_defective(head(features(40, seed=3))).numpy()
    assert 0 < beyond.sum() < 40
    np.testing.assert_array_equal(p >= 0.5, beyond)


@pytest.mark.parametrize("far", [1e6, 1e12])
def test_nothing_is_so_far_that_it_would_be_rejected(far: float) -> None:
    head, _ = head_and_novelty()
    given = torch.full((1, WIDTH), far)
    assert float(margin(head, given)) == MOST_MARGIN
    assert float(p_defective(head(given))) < 1


def test_the_slope_is_the_gradient() -> None:
    head, _ = head_and_novelty()
    given = features(6, seed=5).requires_grad_()
    (expected,) = torch.autograd.grad(margin(head, given).sum(), given)
    np.testing.assert_allclose(head.slope(given).detach(), expected, atol=1e-5)
