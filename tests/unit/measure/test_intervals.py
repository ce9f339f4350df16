from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from scipy.stats import t as student

from castproof.errors import DataError, SettingError
from castproof.measure.intervals import EXACT, UNSEEN_PART, bootstrap_by_part, rate_by_part
from castproof.measure.mean_bounds import mean_bounds

BY = ("photos", "parts")
PHOTOS = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=30)


def photos_of(hits: list[int], photos: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return which photos are hit and their parts, from counts per part."""
    hit = [np.arange(n) < k for k, n in zip(hits, photos, strict=True)]
    return np.concatenate(hit), np.repeat(np.arange(len(photos)), photos)


def test_counts_and_both_shares() -> None:
    hit, part = photos_of([3, 0, 1], [3, 6, 1])
    by_photos, by_parts = (rate_by_part(hit, part, by=by) for by in BY)
    for rate in (by_photos, by_parts):
        assert (rate.hits, rate.photos, rate.parts_hit, rate.parts) == (4, 10, 2, 3)
        assert rate.method == UNSEEN_PART
        assert rate.confidence == 0.95
    assert by_photos.share == pytest.approx(4 / 10)
    assert by_parts.share == pytest.approx(2 / 3)
    assert (by_photos.by, by_parts.by) == BY


@pytest.mark.parametrize("by", BY)
def test_one_photo_per_part_gives_the_exact_binomial_interval(by) -> None:
    hit = np.repeat([True, False], [4, 56])
    rate = rate_by_part(hit, np.random.default_rng(0).permutation(60), by=by, confidence=0.9)
    expected = binomtest(4, 60).proportion_ci(0.9, method="exact")
    assert (rate.low, rate.high) == pytest.approx(expected, abs=1e-9)
    assert rate.effective == pytest.approx(60)


@pytest.mark.parametrize("by", BY)
def test_parts_that_are_all_or_none_count_as_one_item_each(by) -> None:
    rate = rate_by_part(*photos_of([25] * 3 + [0] * 17, [25] * 20), by=by)
    expected = binomtest(3, 20).proportion_ci(0.95, method="exact")
    assert (rate.low, rate.high) == pytest.approx(expected, abs=1e-9)
    assert rate.effective == pytest.approx(20)


@pytest.mark.parametrize("by", BY)
def test_nothing_or_everything_hit_rests_on_the_parts(by) -> None:
    photos = [1, 150, 30, 7, 2]
    none, every = (
        rate_by_part(*photos_of([0] * 5, photos), by=by),
        rate_by_part(*photos_of(photos, photos), by=by),
    )
    assert (none.share, none.low, none.high) == pytest.approx((0, 0, 1 - 0.025 ** (1 / 5)))
    assert (every.share, every.low, every.high) == pytest.approx((1, 0.025 ** (1 / 5), 1))
    assert none.effective == every.effective == 5
    assert none.method == every.method == EXACT


def test_weights_are_the_photos_or_none() -> None:
    hits, photos = [1, 0, 9, 0], [2, 40, 10, 5]
    shares, sizes = np.divide(hits, photos), np.array(photos, dtype=np.float64)
    by_photos, by_parts = (rate_by_part(*photos_of(hits, photos), by=by) for by in BY)
    assert (by_photos.low, by_photos.high) == mean_bounds(shares, sizes, 0.0, 1.0, 0.95)
    assert (by_parts.low, by_parts.high) == mean_bounds(shares, np.ones(4), 0.0, 1.0, 0.95)


@pytest.mark.parametrize("by", BY)
def test_photos_that_say_the_same_again_add_nothing(by) -> None:
    once = rate_by_part(*photos_of([3, 0, 7, 0, 0], [4, 4, 8, 4, 2]), by=by)
    again = rate_by_part(*photos_of([9, 0, 21, 0, 0], [12, 12, 24, 12, 6]), by=by)
    assert (again.low, again.high) == pytest.approx((once.low, once.high), abs=1e-9)
    assert again.effective == pytest.approx(once.effective)


def test_so_many_independent_photos_have_a_share_of_the_same_variance() -> None:
    hits, sizes = np.array([4, 0, 1, 2, 0]), np.array([5, 5, 5, 20, 1])
    share = hits.sum() / sizes.sum()
    variance = 5 / 4 * ((hits - share * sizes) ** 2).sum() / sizes.sum() ** 2
    by_photos, by_parts = (rate_by_part(*photos_of(hits.tolist(), sizes.tolist()), by=by) for by in BY)
    assert share * (1 - share) / (by_photos.effective - 1) == pytest.approx(variance)
    shares = hits / sizes
    mean = shares.mean()
    assert mean * (1 - mean) / (by_parts.effective - 1) == pytest.approx(shares.var(ddof=1) / 5)


@pytest.mark.parametrize("by", BY)
def test_effective_number_never_leaves_its_range(by) -> None:
    assert rate_by_part(*photos_of([1, 1, 1, 1], [2, 2, 2, 2]), by=by).effective == 8
    assert rate_by_part(*photos_of([3], [7]), by=by).effective == 1


@pytest.mark.parametrize("by", BY)
def test_one_part_tells_next_to_nothing(by) -> None:
    rate = rate_by_part(*photos_of([50], [100]), by=by)
    assert (rate.low, rate.high) == pytest.approx((0.5 * 0.025, 1 - 0.5 * 0.025))


def test_without_photos_there_is_no_share() -> None:
    rate = rate_by_part(np.array([], dtype=bool), np.array([], dtype=np.int64))
    assert (rate.share, rate.low, rate.high) == (None, None, None)
    assert (rate.photos, rate.parts, rate.effective) == (0, 0, 0)


@settings(deadline=None, max_examples=50)
@given(PHOTOS, st.sampled_from(BY), st.randoms(use_true_random=False))
def test_order_and_names_do_not_matter_and_the_share_is_within(photos, by, random) -> None:
    shuffled = random.sample(photos, len(photos))
    before, after = (
        rate_by_part(np.array([hit for hit, _ in rows]), np.array([name(part) for _, part in rows]), by=by)
        for rows, name in ((photos, lambda part: part), (shuffled, lambda part: 1000 - 7 * part))
    )
    assert (after.share, after.low, after.high) == pytest.approx(
        (before.share, before.low, before.high), abs=1e-7
    )
    assert after.effective == pytest.approx(before.effective)
    assert before.low <= before.share <= before.high
    assert 1 <= before.effective <= before.photos


@settings(deadline=None, max_examples=50)
@given(PHOTOS, st.sampled_from(BY))
def test_what_was_not_hit_has_the_interval_turned_round(photos, by) -> None:
    hit, part = np.array([hit for hit, _ in photos]), np.array([part for _, part in photos])
    one, other = rate_by_part(hit, part, by=by), rate_by_part(~hit, part, by=by)
    assert (other.low, other.high) == pytest.approx((1 - one.high, 1 - one.low), abs=1e-7)
    assert other.effective == pytest.approx(one.effective)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.1, 95, float("nan")])
def test_a_confidence_out_of_range_is_refused(confidence: float) -> None:
    hit, part = photos_of([1], [2])
    with pytest.raises(SettingError, match="above 0 and below 1"):
        rate_by_part(hit, part, confidence=confidence)
    with pytest.raises(SettingError):
        bootstrap_by_part(lambda rows: 0.0, part, hit, confidence=confidence)


@pytest.mark.parametrize(
    ("hit", "part"),
    [
        (np.array([True, False]), np.array([1])),
        (np.array([1, 0]), np.array([1, 2])),
        (np.array([[True]]), np.array([[1]])),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(hit: np.ndarray, part: np.ndarray) -> None:
    with pytest.raises(DataError, match="do not belong together"):
        rate_by_part(hit, part)
    with pytest.raises(DataError, match="do not belong together"):
        bootstrap_by_part(lambda rows: 0.0, part, hit)


def plates(good: int, defective: int, photos: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return the parts and the labels of so many good and defective parts, shuffled."""
    order = np.random.default_rng(5).permutation((good + defective) * photos)
    part = np.repeat(np.arange(good + defective), photos)
    return part[order], part[order] >= good


def test_parts_are_drawn_whole_and_the_kinds_apart() -> None:
    part, defective = plates(4, 6)
    seen: list[np.ndarray] = []

    def statistic(rows: np.ndarray) -> float:
        seen.append(rows)
        return float(rows.sum())

    bootstrap_by_part(statistic, part, defective, resamples=50)
    assert sorted(seen[0].tolist()) == list(range(30))
    assert {len(rows) for rows in seen[1:11]} == {27}
    for rows in seen[11:]:
        assert rows.dtype == np.int64
        assert defective[rows].sum() == 18
        assert (~defective[rows]).sum() == 12
        times = Counter(rows.tolist())
        for number in set(part[rows].tolist()):
            assert len({times[row] for row in np.flatnonzero(part == number).tolist()}) == 1
    assert len(seen) == 11 + 100


def test_the_part_that_pulls_most_is_drawn_twice_as_often() -> None:
    part, defective = plates(1, 9, photos=1)
    part, defective = part[defective], defective[defective]
    worth = part.astype(np.float64)
    drawn: list[np.ndarray] = []

    def statistic(rows: np.ndarray) -> float:
        drawn.append(worth[rows])
        return float(worth[rows].mean())

    bootstrap_by_part(statistic, part, defective, resamples=4000)
    down, up = np.concatenate(drawn[10:4010]), np.concatenate(drawn[4010:])
    assert (down == worth.min()).mean() == pytest.approx(2 / 10, abs=0.01)
    assert (up == worth.max()).mean() == pytest.approx(2 / 10, abs=0.01)
    assert (up == worth.min()).mean() == pytest.approx(1 / 10, abs=0.01)


def test_the_mean_of_many_parts_has_the_interval_of_student() -> None:
    rng = np.random.default_rng(1)
    worth = rng.random(400)
    found = bootstrap_by_part(
        lambda rows: float(worth[rows].mean()), np.arange(400), np.ones(400, dtype=bool), resamples=2000
    )
    expected = student.interval(0.95, 399, worth.mean(), worth.std(ddof=1) / 20)
    assert found.estimate == pytest.approx(worth.mean())
    assert (found.low, found.high) == pytest.approx(expected, abs=0.1 * np.ptp(expected))
    assert found.resamples == 2000


def test_the_seed_decides_the_interval() -> None:
    part, defective = plates(5, 8)
    worth = np.random.default_rng(2).random(len(part))
    one, same, other = (
        bootstrap_by_part(lambda rows: float(worth[rows].mean()), part, defective, resamples=200, seed=seed)
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one.low != other.low
    assert one.estimate == other.estimate


def test_undefined_resamples_are_left_out() -> None:
    part, defective = plates(6, 6)

    def often(rows: np.ndarray) -> float | None:
        return None if (part[rows] == 0).sum() == 0 else float(rows.mean())

    found = bootstrap_by_part(often, part, defective, resamples=400)
    assert found.low is not None
    assert 200 < found.resamples < 400

    def seldom(rows: np.ndarray) -> float | None:
        return float(rows.mean()) if len(set(part[rows].tolist())) > 10 else None

    found = bootstrap_by_part(seldom, part, defective, resamples=400)
    assert found.estimate is not None
    assert (found.low, found.high) == (None, None)
    assert found.resamples < 200


@pytest.mark.parametrize("statistic", [lambda rows: 1.0, lambda rows: None])
def test_resampling_that_tells_nothing_has_no_ends(statistic) -> None:
    found = bootstrap_by_part(statistic, *plates(4, 4), resamples=100)
    assert (found.low, found.high) == (None, None)
    assert found.estimate == statistic(np.arange(2))


def test_a_single_part_of_a_kind_has_no_spread() -> None:
    found = bootstrap_by_part(lambda rows: float(rows.mean()), *plates(1, 9), resamples=100)
    assert found.estimate is not None
    assert (found.low, found.high, found.resamples) == (None, None, 0)
    nothing = bootstrap_by_part(lambda rows: 0.0, np.array([], dtype=np.int64), np.array([], dtype=bool))
    assert (nothing.estimate, nothing.low, nothing.high) == (None, None, None)


def test_the_figure_itself_is_within() -> None:
    part, defective = plates(3, 3)
    found = bootstrap_by_part(
        lambda rows: 5.0 if len(set(rows.tolist())) == 18 else float(len(set(rows.tolist()))) / 18,
        part,
        defective,
        resamples=100,
    )
    assert found.high == 5.0
