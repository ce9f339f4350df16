"""Novelty of features, its limit, and the input gate that training photos give."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.errors import DataError
from castproof.model.novelty import (
    FeatureNovelty,
    Floats,
    Parts,
    Scaled,
    fit_input_gate,
    fit_novelty,
    folds_of_parts,
    novelty_limit,
    novelty_out_of_fold,
    part_share,
    quantile,
)
from castproof.modelfile.input_gate import InputGate
from castproof.modelfile.photo_numbers import PhotoNumbers, photo_numbers

WIDTH = 40
SPREAD = np.concatenate([[6.0, 4.0, 3.0], np.full(WIDTH - 3, 0.5)])


def features(parts: int, photos: int, seed: int = 0) -> tuple[Scaled, Parts]:
    """Return scaled features of `photos` each of `parts` that differ in a few directions."""
    rng = np.random.default_rng(seed)
    of_part = rng.normal(size=(parts, WIDTH)) * SPREAD
    of_photo = 0.3 * rng.normal(size=(parts, photos, WIDTH)) * SPREAD
    scaled = (of_part[:, None] + of_photo).reshape(-1, WIDTH).astype(np.float32)
    return scaled, np.repeat(np.arange(parts, dtype=np.int64), photos)


def photos_like(count: int, seed: int = 0) -> list[PhotoNumbers]:
    rng = np.random.default_rng(seed)
    levels = rng.uniform(100, 150, count)
    noise = rng.normal(0, 15, (count, 48, 48))
    return [
        photo_numbers(np.clip(grey + one, 0, 255).astype(np.uint8))
        for grey, one in zip(levels, noise, strict=True)
    ]


def test_novelty_is_the_formula() -> None:
    fitted = FeatureNovelty(
        np.array([1, 0, 0, 0], np.float32), np.eye(4, dtype=np.float32)[:2], np.array([0.75, 0.5], np.float32)
    )
    scaled = np.array([[1, 0, 0, 0], [3, 2, 1, 0]], np.float32)
    # |(2, 2, 1, 0)|^2 = 9; less 0.75 * 4 and 0.5 * 4, over 4
    assert fitted.novelty(scaled) == pytest.approx([0, (9 - 3 - 2) / 4])


def test_the_fit_agrees_with_the_exact_principal_components() -> None:
    scaled, part = features(60, 5)
    fitted = fit_novelty(scaled, part, 3)
    assert fitted.directions.dtype == fitted.shrink.dtype == fitted.centre.dtype == np.float32
    values, vectors = np.linalg.eigh(np.cov(scaled.astype(np.float64), rowvar=False, bias=True))
    rest = values[:-3].mean()
    assert fitted.centre == pytest.approx(scaled.mean(axis=0), abs=1e-5)
    assert fitted.shrink == pytest.approx(1 - rest / values[::-1][:3], abs=1e-4)
    assert np.abs(np.sum(fitted.directions * vectors.T[::-1][:3], axis=1)) == pytest.approx(1, abs=1e-4)
    # Mahalanobis' distance in the covariance of the model, times the remaining variance, is the same number
    covariance = (vectors[:, -3:] * (values[-3:] - rest)) @ vectors[:, -3:].T + rest * np.eye(WIDTH)
    away = scaled - scaled.mean(axis=0)
    distance = np.einsum("ni,ij,nj->n", away, np.linalg.inv(covariance), away) * rest / WIDTH
    assert fitted.novelty(scaled) == pytest.approx(distance, rel=1e-3)


def test_the_fit_is_the_same_every_time() -> None:
    scaled, part = features(20, 4)
    first, again = fit_novelty(scaled, part), fit_novelty(scaled, part)
    assert np.array_equal(first.directions, again.directions)
    assert np.array_equal(first.shrink, again.shrink)


def test_parts_count_alike_however_many_photos_they_have() -> None:
    scaled, part = features(12, 3)
    many = np.concatenate([scaled, np.repeat(scaled[:3], 20, axis=0)])
    fitted = fit_novelty(many, np.concatenate([part, np.zeros(60, np.int64)]), 4)
    assert fitted.centre == pytest.approx(fit_novelty(scaled, part, 4).centre, abs=1e-5)
    assert part_share(np.array([5, 5, 5, 9])) == pytest.approx([1 / 6, 1 / 6, 1 / 6, 1 / 2])


@given(st.integers(2, 12), st.integers(1, 4), st.integers(0, 20))
@settings(deadline=None, max_examples=30)
def test_novelty_is_never_below_zero_even_with_few_photos(parts: int, photos: int, directions: int) -> None:
    scaled, part = features(parts, photos, directions)
    fitted = fit_novelty(scaled, part, directions)
    assert (fitted.shrink >= 0).all()
    assert (fitted.shrink <= 1).all()
    assert (fitted.novelty(100 * scaled[::-1]) >= -1e-3).all()


def test_photos_that_are_all_alike_have_no_novelty() -> None:
    fitted = fit_novelty(np.ones((6, WIDTH), np.float32), np.arange(6) // 2)
    assert fitted.novelty(np.ones((1, WIDTH), np.float32)) == pytest.approx(0, abs=1e-9)


def test_features_apart_from_all_others_are_novel() -> None:
    scaled, part = features(60, 5)
    gate_limit = novelty_limit(novelty_out_of_fold(scaled, part, 3), part, 0.005)
    apart = scaled[:50].copy()
    apart[:, -10:] += 4
    assert (fit_novelty(scaled, part, 3).novelty(apart) > gate_limit).all()


def test_no_part_is_in_two_folds() -> None:
    part = np.repeat(np.arange(23), 3)
    fold = folds_of_parts(part)
    assert all(len(np.unique(fold[part == one])) == 1 for one in range(23))
    assert set(fold) == set(range(5))
    assert np.bincount(fold).max() <= 3 * 5


def test_out_of_fold_novelty_knows_nothing_of_the_part() -> None:
    scaled, part = features(20, 4)
    before = novelty_out_of_fold(scaled, part, 4)
    fold = folds_of_parts(part)
    other = part != part[0]
    changed = scaled.copy()
    changed[~other] += 50
    after = novelty_out_of_fold(changed, part, 4)
    beside = other & (fold == fold[0])
    assert after[beside] == pytest.approx(before[beside])
    assert (after[~other] > 10 * before[~other].max()).all()


def test_a_quantile_leaves_no_more_than_its_share_above() -> None:
    values, share = np.arange(1.0, 11.0), np.full(10, 0.1)
    assert [quantile(values, share, q) for q in (0, 0.5, 0.9, 0.95, 1)] == [1, 5, 9, 10, 10]


@pytest.mark.parametrize(("parts", "photos"), [(15, 20), (105, 8)])
def test_new_parts_seldom_exceed_the_limit(parts: int, photos: int) -> None:
    """Novelty of parts and photos is lognormal; the share of new photos beyond the limit is then known exactly."""
    beyond = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        of_part = np.repeat(rng.normal(0, 0.14, parts), photos)
        novelty = np.exp(of_part + rng.normal(0, 0.1, parts * photos))
        limit = novelty_limit(novelty, np.repeat(np.arange(parts), photos), 0.01)
        drawn = rng.normal(0, np.hypot(0.14, 0.1), 20_000)
        beyond.append(float((np.exp(drawn) > limit).mean()))
    assert np.mean(beyond) <= 0.01
    assert np.quantile(beyond, 0.9) <= 0.02


def test_the_limit_is_no_wider_than_twice_what_a_lognormal_needs() -> None:
    rng = np.random.default_rng(4)
    novelty = np.exp(rng.normal(0, 0.17, 840))
    needed = np.exp(0.17 * 2.576)
    assert needed * 0.9 < novelty_limit(novelty, np.repeat(np.arange(105), 8), 0.005) < 2 * needed


def test_equal_novelties_are_their_own_limit() -> None:
    assert novelty_limit(np.full(12, 0.3), np.arange(12) // 2, 0.01) == 0.3


def test_the_gate_keeps_its_rate_and_says_what_was_measured() -> None:
    scaled, part = features(40, 6)
    numbers, novelty = photos_like(240), novelty_out_of_fold(scaled, part, 3)
    gate = fit_input_gate(numbers, novelty, part)
    alarms = sum(bool(gate.reasons(one, value)) for one, value in zip(numbers, novelty, strict=True))
    assert gate.false_alarm_rate == 0.01
    assert alarms / 240 <= 0.01
    assert (gate.false_alarms.of_photos, gate.false_alarms.of_parts) == (240, 40)
    assert gate.false_alarms.rate == pytest.approx(gate.false_alarms.photos / 240)
    assert gate.size == (48, 48)
    assert InputGate.from_json(json.loads(json.dumps(gate.to_json(), allow_nan=False))) == gate


def test_a_part_unlike_its_fellows_is_counted_as_a_false_alarm() -> None:
    scaled, part = features(40, 6)
    novelty: Floats = novelty_out_of_fold(scaled, part, 3)
    novelty[part == 7] = 1000
    seen = fit_input_gate(photos_like(240), novelty, part).false_alarms
    assert seen.photos == 6
    assert seen.rate == pytest.approx(1 / 40)


def test_limits_widen_where_training_photos_of_other_parts_would_alarm() -> None:
    scaled, part = features(40, 6)
    numbers, novelty = photos_like(240), novelty_out_of_fold(scaled, part, 3)
    dark = photo_numbers(np.random.default_rng(0).normal(45, 15, (48, 48)).clip(0, 255).astype(np.uint8))
    mixed = [dark if one == 3 else number for one, number in zip(part, numbers, strict=True)]
    gate = fit_input_gate(mixed, novelty, part)
    assert not gate.reasons(dark, 0.0)
    assert gate.false_alarms.photos == 0


def test_a_little_less_light_is_no_reason() -> None:
    scaled, part = features(40, 6)
    gate = fit_input_gate(photos_like(240), novelty_out_of_fold(scaled, part, 3), part)
    pixels = np.random.default_rng(9).normal(101, 15, (48, 48)).clip(0, 255)
    assert not gate.reasons(photo_numbers((0.9 * pixels).astype(np.uint8)), 0.0)
    assert gate.reasons(photo_numbers((0.3 * pixels).astype(np.uint8)), 0.0)


def test_a_single_part_or_broken_features_are_refused() -> None:
    with pytest.raises(DataError, match="cannot be fitted"):
        fit_input_gate(photos_like(4), np.ones(4), np.zeros(4, np.int64))
    with pytest.raises(DataError, match="no finite numbers"):
        fit_input_gate(photos_like(4), np.array([1, 1, np.nan, 1]), np.arange(4))
