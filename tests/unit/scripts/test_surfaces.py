"""The random surfaces that the shipped weights learn from."""

import numpy as np
import pytest

from surfaces import DEFECTS, SIDE, SurfaceMaker

SEEDS = range(60)


@pytest.fixture(scope="module")
def maker() -> SurfaceMaker:
    return SurfaceMaker(1)


@pytest.fixture(scope="module")
def made(maker: SurfaceMaker) -> list[tuple[np.ndarray, np.ndarray]]:
    return [maker.quadruple(seed) for seed in SEEDS]


def test_the_same_seed_makes_the_same_photos(maker, made) -> None:
    again = SurfaceMaker(1).quadruple(SEEDS[7])
    assert np.array_equal(again[0], made[7][0])
    assert np.array_equal(again[1], made[7][1])
    assert not np.array_equal(made[7][0], made[8][0])


def test_the_defect_is_where_its_map_says_under_both_lights(made) -> None:
    for photos, defect in made:
        assert photos.shape == (4, SIDE, SIDE)
        assert photos.dtype == np.uint8
        changed = np.abs(photos[:2].astype(int) - photos[2:]) > 2
        seen = [plane[defect > 0].any() for plane in changed]
        assert all(seen)
        assert (np.abs(photos[:2].astype(int) - photos[2:])[:, defect == 0]).mean() < 3


def test_every_kind_of_defect_occurs_alone(made) -> None:
    kinds = [set(np.unique(defect)) - {0} for _, defect in made]
    assert all(len(found) == 1 for found in kinds)
    assert set().union(*kinds) == set(range(1, len(DEFECTS) + 1))


def test_two_lights_show_two_photos(made) -> None:
    assert all(np.abs(photos[0].astype(int) - photos[1]).mean() > 2 for photos, _ in made)


def test_photos_are_neither_dark_nor_glaring(made) -> None:
    means = [photo.mean() for photos, _ in made for photo in photos[:2]]
    assert min(means) >= 12
    assert max(means) <= 243
