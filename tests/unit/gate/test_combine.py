from itertools import combinations

import numpy as np
import pytest

from castproof.errors import SettingError
from castproof.gate.combine import MOST_CHOICES, Combine, inspections_of, part_logit

LOGITS = np.array([0.3, -1.2, 2.5, 0.3, -4.0])


@pytest.mark.parametrize("rule", ["1/1", "1/2", "2/2", "2/3", "3/5", "any/3"])
def test_k_of_n_weighs_every_choice_of_photos_alike(rule: str) -> None:
    combine = Combine.parse(rule)
    choices = list(combinations(LOGITS.tolist(), combine.n))
    expected = {float(value): 0.0 for value in LOGITS}
    for choice in choices:
        expected[part_logit(choice, combine)] += 1 / len(choices)
    values, weights = inspections_of(LOGITS, combine)
    found = {value: float(weights[values == value].sum()) for value in expected}
    assert found == pytest.approx(expected)
    assert weights.sum() == pytest.approx(1)


def test_k_photos_lie_on_or_above_a_cut_exactly_if_the_part_does() -> None:
    for choice in combinations(LOGITS.tolist(), 3):
        for cut in (-4.0, -1.0, 0.3, 1.0, 2.5):
            assert (sum(one >= cut for one in choice) >= 2) == (
                part_logit(choice, Combine.parse("2/3")) >= cut
            )


def test_the_worst_photo_and_the_mean() -> None:
    assert part_logit([0.3, 2.5, -1.0], Combine.parse("any/3")) == 2.5
    assert part_logit([0.3, 2.5, -1.0], Combine.parse("mean/3")) == pytest.approx(0.6)
    assert part_logit([0.1] * 3, Combine.parse("mean/3")) == 0.1


def test_means_of_few_photos_are_those_of_all_choices() -> None:
    values, weights = inspections_of(LOGITS, Combine.parse("mean/2"))
    assert sorted(values) == pytest.approx(sorted(np.mean(one) for one in combinations(LOGITS.tolist(), 2)))
    assert weights == pytest.approx(np.full(10, 0.1))


def test_means_of_many_photos_are_those_of_random_choices_and_the_same_every_time() -> None:
    logits = np.random.default_rng(0).normal(0, 1, 60)
    values, weights = inspections_of(logits, Combine.parse("mean/5"))
    assert len(values) == MOST_CHOICES
    assert weights == pytest.approx(np.full(MOST_CHOICES, 1 / MOST_CHOICES))
    assert values.std() == pytest.approx(logits.std() / np.sqrt(5), rel=0.3)
    assert np.array_equal(values, inspections_of(logits[::-1], Combine.parse("mean/5"))[0])


def test_single_photos_are_inspections_of_their_own() -> None:
    values, weights = inspections_of(LOGITS, Combine())
    assert sorted(values) == sorted(LOGITS)
    assert weights == pytest.approx([0.2] * 5)


@pytest.mark.parametrize("text", ["", "3/2", "0/2", "most", "1/", "2 / 3", "100/200", "any", "mean", "any/0"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="K/N"):
        Combine.parse(text)
