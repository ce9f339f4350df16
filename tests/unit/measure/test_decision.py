import math
import subprocess
import sys

import numpy as np
import pytest

from castproof.errors import SettingError
from castproof.measure.decision import Thresholds, Verdict, check_threshold, decide, is_defective


@pytest.mark.parametrize(
    ("p", "threshold", "verdict"),
    [
        (0.5, 0.5, Verdict.REJECT),
        (math.nextafter(0.5, 0.0), 0.5, Verdict.ACCEPT),
        (0.0, 0.0, Verdict.REJECT),
        (1.0, 1.0, Verdict.REJECT),
        (0.0, 1.0, Verdict.ACCEPT),
        (0.9, 0.1, Verdict.REJECT),
    ],
)
def test_a_photo_on_the_threshold_is_rejected(p: float, threshold: float, verdict: Verdict) -> None:
    assert decide(p, Thresholds.single(threshold)) is verdict


@pytest.mark.parametrize("p", [math.nan, math.inf, -math.inf, -0.001, 1.001, np.float32("nan")])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
def test_what_is_no_probability_is_never_accepted(p: float, threshold: float) -> None:
    assert decide(p, Thresholds.single(threshold)) is Verdict.NOT_INSPECTED
    assert decide(p, Thresholds(threshold, 1.0)) is Verdict.NOT_INSPECTED


@pytest.mark.parametrize("threshold", [math.nan, -0.1, 1.1, math.inf])
def test_a_threshold_that_is_no_probability_is_refused(threshold: float) -> None:
    with pytest.raises(SettingError, match="from 0 to 1"):
        Thresholds.single(threshold)
    with pytest.raises(SettingError, match="from 0 to 1"):
        Thresholds(0.0, threshold)
    with pytest.raises(SettingError):
        check_threshold(threshold)


@pytest.mark.parametrize(
    ("p", "verdict"),
    [
        (math.nextafter(0.2, 0.0), Verdict.ACCEPT),
        (0.2, Verdict.REVIEW),
        (math.nextafter(0.7, 0.0), Verdict.REVIEW),
        (0.7, Verdict.REJECT),
    ],
)
def test_review_lies_between_two_thresholds_and_ties_go_to_the_stricter_side(
    p: float, verdict: Verdict
) -> None:
    assert decide(p, Thresholds(0.2, 0.7)) is verdict
    assert Thresholds(0.2, 0.7).reviews
    assert not Thresholds.single(0.2).reviews


def test_reject_cannot_begin_before_accept_ends() -> None:
    with pytest.raises(SettingError, match="contradict"):
        Thresholds(0.7, 0.2)


def test_single_precision_does_not_round_the_threshold() -> None:
    threshold = math.nextafter(float(np.float32(0.3)), 1.0)  # equals float32(0.3) once rounded
    assert is_defective(np.array([0.3], dtype=np.float32), threshold).tolist() == [False]
    assert is_defective(np.float32(0.3), threshold) is False


def test_array_and_single_verdicts_agree() -> None:
    p = np.random.default_rng(0).random((4, 5)).round(1)
    called = is_defective(p, 0.3)
    assert called.dtype == np.bool_
    assert called.shape == p.shape
    expected = [decide(float(value), Thresholds.single(0.3)) is Verdict.REJECT for value in p.ravel()]
    assert called.ravel().tolist() == expected


def test_a_verdict_reads_as_its_name_everywhere() -> None:
    assert f"{Verdict.REJECT}" == str(Verdict.REJECT) == Verdict.REJECT.value == "REJECT"
    assert f"{Verdict.NOT_INSPECTED:>14}" == " NOT_INSPECTED"
    assert Verdict("REVIEW") is Verdict.REVIEW


def test_deciding_needs_numpy_alone() -> None:
    code = (
        "import sys, castproof.measure.decision;"
        "print([m for m in ('sklearn', 'scipy', 'matplotlib', 'torch') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
