import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.measure.calibration import ece, mce, reliability
from castproof.measure.confusion import confusion
from castproof.measure.evaluation import score_split
from castproof.measure.metrics import metrics
from castproof.measure.threshold import Objective, tune_threshold

# Coarse values make ties, fine ones make neighbours that differ in the last bit.
PROBABILITY = st.one_of(
    st.floats(0, 1),
    st.integers(0, 8).map(lambda k: k / 8),
    st.integers(-3, 3).map(lambda k: 0.3 + k * 2.0**-54),
)
PHOTOS = st.lists(st.tuples(st.booleans(), PROBABILITY), min_size=1, max_size=40)
BOTH_CLASSES = PHOTOS.filter(lambda photos: len({label for label, _ in photos}) == 2)


def arrays(photos: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([label for label, _ in photos]), np.array([p for _, p in photos], dtype=np.float64)


@given(PHOTOS, PROBABILITY, PROBABILITY)
def test_a_higher_threshold_never_misses_fewer_nor_alarms_more(photos, one, other) -> None:
    low, high = (confusion(*arrays(photos), threshold) for threshold in sorted((one, other)))
    assert high.fn >= low.fn
    assert high.fp <= low.fp


@given(PHOTOS, PROBABILITY)
def test_counts_sum_to_the_photos(photos, threshold) -> None:
    counts = confusion(*arrays(photos), threshold)
    assert counts.n == len(photos)
    assert counts.n_defective == sum(label for label, _ in photos)
    assert min(counts.tp, counts.fp, counts.tn, counts.fn) >= 0


@given(PHOTOS, PROBABILITY, st.randoms(use_true_random=False))
def test_the_order_of_the_photos_does_not_matter(photos, threshold, random) -> None:
    shuffled = random.sample(photos, len(photos))
    before, after = (metrics(*arrays(order), threshold, 7, 2) for order in (photos, shuffled))
    assert after == pytest.approx(before, abs=1e-12)


@given(PHOTOS, PROBABILITY)
def test_rates_lie_between_their_bounds_and_complement_each_other(photos, threshold) -> None:
    found = metrics(*arrays(photos), threshold, 7, 2)
    counted = {"n", "n_defective", "n_good", "tp", "fp", "tn", "fn"}
    for name, value in found.items():
        if value is None or name in counted | {"expected_cost", "log_loss"}:
            continue
        assert (-1 if name == "mcc" else 0) - 1e-12 <= value <= 1 + 1e-12, name
    for rate, complement in (("recall", "fnr"), ("specificity", "fpr"), ("accuracy", "error_rate")):
        if found[rate] is not None:
            assert found[rate] + found[complement] == pytest.approx(1)


@settings(max_examples=200)
@given(BOTH_CLASSES, st.sampled_from(["macro_f1", "def_f1"]))
def test_no_cut_beats_the_tuned_threshold(photos, objective: Objective) -> None:
    defective, p = arrays(photos)
    name = {"macro_f1": "macro_f1", "def_f1": "f1_defective"}[objective]
    tuned = tune_threshold(defective, p, objective)
    assert 0 <= tuned.threshold <= 1
    assert getattr(confusion(defective, p, tuned.threshold), name) == tuned.score
    # A threshold on a photo's own probability makes the same cut as any other in the gap below it.
    every_cut = [0.0, *p, float(min(np.nextafter(p.max(), 2), 1.0))]
    assert tuned.score >= max(getattr(confusion(defective, p, cut), name) for cut in every_cut) - 1e-12


@given(BOTH_CLASSES, st.randoms(use_true_random=False))
def test_the_tuned_threshold_does_not_depend_on_the_order(photos, random) -> None:
    shuffled = random.sample(photos, len(photos))
    assert tune_threshold(*arrays(photos), "macro_f1") == tune_threshold(*arrays(shuffled), "macro_f1")


@given(PHOTOS, st.integers(1, 20))
def test_bins_hold_every_photo_once(photos, bins) -> None:
    defective, p = arrays(photos)
    binned = reliability(defective, p, bins)
    assert binned.count.sum() == len(photos)
    assert binned.count_defective.sum() == defective.sum()
    assert (binned.count_good >= 0).all()
    for k in np.flatnonzero(binned.count):
        assert binned.edges[k] - 1e-12 <= binned.mean_p[k] <= binned.edges[k + 1] + 1e-12
    assert ece(binned) <= mce(binned) + 1e-12


@given(PHOTOS)
def test_one_bin_measures_the_mean_alone(photos) -> None:
    defective, p = arrays(photos)
    assert ece(reliability(defective, p, 1)) == pytest.approx(abs(p.mean() - defective.mean()), abs=1e-12)


@given(PHOTOS, PROBABILITY)
def test_any_photos_can_be_scored(photos, threshold) -> None:
    split = score_split("any", *arrays(photos), threshold, 3, 1)
    one_class = len({label for label, _ in photos}) == 1
    assert (split.pr is None) == (split.roc is None) == one_class
    assert (split.metrics["auc_roc"] is None) == one_class
