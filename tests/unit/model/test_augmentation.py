"""Augmentation shows the whole photo, always, and depends on the seed alone."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from castproof.model.augmentation import LEVELS, AugmentLevel, augment, draw_affine

SIZE = 64
MARK = 4
GREY = 0.4

levels = st.sampled_from(sorted(LEVELS))
seeds = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 10_000), st.integers(0, 100_000))
along = st.integers(0, SIZE - MARK)
edges = st.sampled_from(["top", "bottom", "left", "right"])


def photos(count: int, seed: int = 0) -> torch.Tensor:
    pixels = np.random.default_rng(seed).random((count, 3, SIZE, SIZE), dtype=np.float32)
    return torch.from_numpy(pixels)


@settings(max_examples=300)
@given(levels, seeds)
def test_the_four_corners_of_the_photo_lie_within_the_frame(name: str, seed: tuple[int, ...]) -> None:
    backward = draw_affine(LEVELS[name], np.random.default_rng(seed)).astype(np.float64)
    corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], np.float64)
    shown_at = np.linalg.solve(backward[:, :2], (corners - backward[:, 2]).T)
    assert np.abs(shown_at).max() <= 1 + 1e-5


@settings(max_examples=100)
@given(st.floats(0, 180), st.floats(0, 0.3), seeds)
def test_corners_stay_within_the_frame_for_any_amount(
    turn: float, squeeze: float, seed: tuple[int, ...]
) -> None:
    level = AugmentLevel(
        views=2, turn_deg=turn, squeeze=squeeze, gain=0, contrast=0, gamma=0, gradient=0, noise=0
    )
    backward = draw_affine(level, np.random.default_rng(seed)).astype(np.float64)
    corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], np.float64)
    shown_at = np.linalg.solve(backward[:, :2], (corners - backward[:, 2]).T)
    assert np.abs(shown_at).max() <= 1 + 1e-5


@settings(max_examples=60, deadline=None)
@given(levels, seeds, edges, along)
@example("heavy", (1337, 1, 0), "top", 0)
def test_a_bright_mark_at_the_border_survives_in_every_view(
    name: str, seed: tuple[int, ...], edge: str, place: int
) -> None:
    plain = torch.full((1, 3, SIZE, SIZE), GREY)
    marked = plain.clone()
    near = slice(0, MARK) if edge in ("top", "left") else slice(SIZE - MARK, SIZE)
    rows, columns = (
        (near, slice(place, place + MARK))
        if edge in ("top", "bottom")
        else (
            slice(place, place + MARK),
            near,
        )
    )
    marked[:, :, rows, columns] = 1.0
    views = augment(torch.cat([plain, marked]), LEVELS[name], [seed, seed])
    difference = (views[1] - views[0]).abs()
    assert difference.max() > 0.15
    assert (difference[0] > 0.05).sum() >= MARK * MARK / 4


@settings(max_examples=20, deadline=None)
@given(levels, seeds)
def test_a_view_does_not_depend_on_the_photos_beside_it(name: str, seed: tuple[int, ...]) -> None:
    batch = photos(4)
    others = [(1, 2, 3), (4, 5, 6), (7, 8, 9)]
    alone = augment(batch[2:3], LEVELS[name], [seed])
    among = augment(batch, LEVELS[name], [*others[:2], seed, others[2]])
    reversed_order = augment(batch.flip(0), LEVELS[name], [others[2], seed, *others[:2]])
    assert torch.allclose(alone[0], among[2], atol=1e-6, rtol=0)
    assert torch.allclose(alone[0], reversed_order[1], atol=1e-6, rtol=0)


def test_the_level_none_leaves_photos_as_they_are() -> None:
    batch = photos(3)
    assert torch.equal(augment(batch, LEVELS["none"], [(1, 1, index) for index in range(3)]), batch)


@pytest.mark.parametrize("name", [name for name, level in LEVELS.items() if level.views > 1])
def test_views_are_repeatable_in_range_and_different(name: str) -> None:
    batch = photos(8)
    numbers = [(1337, 1, index) for index in range(8)]
    before = batch.clone()
    first, again = (augment(batch, LEVELS[name], numbers) for _ in range(2))
    other = augment(batch, LEVELS[name], [(1337, 2, index) for index in range(8)])
    assert torch.equal(first, again)
    assert torch.equal(batch, before), "the photos themselves are left alone"
    assert first.shape == batch.shape
    assert first.dtype == torch.float32
    assert 0 <= float(first.min()) <= float(first.max()) <= 1
    assert not torch.allclose(first, other)


def test_minimal_only_turns_by_quarters_mirrors_and_changes_light() -> None:
    batch = photos(1).mul(0.5).add(0.2)
    poses = [
        torch.rot90(mirrored, turns, (2, 3)) for mirrored in (batch, batch.flip(3)) for turns in range(4)
    ]
    for number in range(24):
        view = augment(batch, LEVELS["minimal"], [(1, number)])
        fits = [np.corrcoef(view.flatten().numpy(), pose.flatten().numpy())[0, 1] for pose in poses]
        assert max(fits) > 0.9999


def test_levels_go_further_one_by_one() -> None:
    minimal, standard, heavy = (LEVELS[name] for name in ("minimal", "standard", "heavy"))
    for weaker, stronger in ((minimal, standard), (standard, heavy)):
        assert all(less <= vars(stronger)[name] for name, less in vars(weaker).items())
        assert weaker != stronger
