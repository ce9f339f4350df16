"""The learning rate against its closed forms."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castproof.model.schedule import Schedule

COSINE = Schedule("cosine", lr=2e-4, min_lr=1e-6, epochs=30, warmup_epochs=5, steps_per_epoch=7)
WARM_UP, LAST = 35, 30 * 7 - 1

schedules = st.builds(
    Schedule,
    kind=st.sampled_from(["cosine", "constant"]),
    lr=st.floats(1e-4, 1e-1),
    min_lr=st.floats(0, 1e-4),
    epochs=st.integers(2, 40),
    warmup_epochs=st.integers(0, 50),
    steps_per_epoch=st.integers(1, 30),
)


def test_warm_up_is_a_straight_line_that_ends_at_lr() -> None:
    assert COSINE.at(0) == pytest.approx(2e-4 / WARM_UP)
    assert COSINE.at(WARM_UP - 1) == pytest.approx(2e-4)
    steps = [COSINE.at(step + 1) - COSINE.at(step) for step in range(WARM_UP - 1)]
    assert steps == pytest.approx([2e-4 / WARM_UP] * len(steps))


def test_cosine_starts_at_lr_halves_in_the_middle_and_ends_at_min_lr() -> None:
    middle = (WARM_UP + LAST) // 2
    assert COSINE.at(WARM_UP) == pytest.approx(2e-4)
    assert COSINE.at(middle) == pytest.approx((2e-4 + 1e-6) / 2)
    assert COSINE.at(LAST) == pytest.approx(1e-6)


def test_cosine_follows_its_formula_at_a_third() -> None:
    third = WARM_UP + (LAST - WARM_UP) // 3
    share = (third - WARM_UP) / (LAST - WARM_UP)
    assert COSINE.at(third) == pytest.approx(1e-6 + (2e-4 - 1e-6) * math.cos(math.pi * share / 2) ** 2)


def test_constant_stays_at_lr_after_the_warm_up() -> None:
    constant = Schedule("constant", lr=0.01, min_lr=0, epochs=10, warmup_epochs=2, steps_per_epoch=3)
    assert [constant.at(step) for step in range(6, 30)] == [0.01] * 24
    assert constant.at(0) == pytest.approx(0.01 / 6)


def test_a_short_run_warms_up_in_half_of_its_epochs_at_most() -> None:
    short = Schedule("cosine", lr=1.0, min_lr=0.1, epochs=4, warmup_epochs=5, steps_per_epoch=10)
    assert short.at(19) == pytest.approx(1.0)
    assert short.at(39) == pytest.approx(0.1)


@given(schedules)
def test_every_schedule_rises_then_never_rises_again_within_its_limits(schedule: Schedule) -> None:
    rates = [schedule.at(step) for step in range(schedule.epochs * schedule.steps_per_epoch)]
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert max(rates) == pytest.approx(schedule.lr)
    assert min(rates) > 0 or schedule.min_lr == 0
    warm_up = min(schedule.warmup_epochs, schedule.epochs // 2) * schedule.steps_per_epoch
    if schedule.kind == "cosine" and len(rates) - warm_up > 1:
        assert rates[-1] == pytest.approx(schedule.min_lr, abs=1e-12)
