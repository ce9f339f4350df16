import numpy as np
import pytest
from evidence_makers import evidence_of, generated_evidence
from scipy.optimize import minimize_scalar
from sklearn.calibration import _sigmoid_calibration
from sklearn.isotonic import IsotonicRegression

from castproof.errors import DataError, SettingError
from castproof.gate.calibration import choose_calibrator, fit_calibrator, is_separable
from castproof.gate.calibrator import ISOTONIC, METHODS, NONE, PLATT, TEMPERATURE, Calibrator
from castproof.gate.evidence import Evidence
from castproof.measure.metrics import log_loss

LOGITS = np.linspace(-30, 30, 601)


def single_photos(seed: int, count: int, slope: float = 1.0, offset: float = 0.0) -> Evidence:
    """Return parts of one photo each, whose true probability is that of slope * logit + offset."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 2, count)
    labels = rng.random(count) < 1 / (1 + np.exp(-(slope * logit + offset)))
    return Evidence(labels, logit, np.arange(count), np.ones(count, np.int64))


def test_platt_is_that_of_scikit_learn() -> None:
    evidence = single_photos(0, 400, slope=0.6, offset=-0.8)
    a, b = _sigmoid_calibration(evidence.logit, evidence.defective.astype(float))
    found = fit_calibrator(evidence, PLATT)
    assert found.slope == pytest.approx(-a, rel=1e-3)
    assert found.offset == pytest.approx(-b, rel=1e-3)


def test_temperature_has_the_lowest_log_loss() -> None:
    evidence = single_photos(1, 500, slope=0.4)

    def loss(log_slope: float) -> float:
        return log_loss(
            evidence.defective, Calibrator(TEMPERATURE, float(np.exp(log_slope))).p(evidence.logit)
        )

    best = float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))
    assert fit_calibrator(evidence, TEMPERATURE).slope == pytest.approx(best, rel=0.02)


def test_isotonic_is_that_of_scikit_learn_but_never_certain() -> None:
    evidence = single_photos(2, 3_000)
    found = fit_calibrator(evidence, ISOTONIC)
    theirs = IsotonicRegression().fit(evidence.logit, evidence.defective.astype(float))
    inner = np.quantile(evidence.logit, np.linspace(0.1, 0.9, 50))
    assert np.abs(found.p(inner) - theirs.predict(inner)).mean() < 0.03
    assert 0 < found.p(-99.0) < found.p(99.0) < 1


def test_the_true_slope_is_found_and_the_choice_is_told_by_log_loss() -> None:
    chosen = choose_calibrator(single_photos(3, 2_000, slope=0.5))
    assert chosen.calibrator.method in (TEMPERATURE, PLATT)
    assert chosen.calibrator.slope == pytest.approx(0.5, abs=0.06)
    assert chosen.log_loss[chosen.calibrator.method] < chosen.log_loss[NONE]


def test_an_offset_needs_more_than_a_temperature() -> None:
    chosen = choose_calibrator(single_photos(4, 2_000, offset=1.5))
    assert chosen.calibrator.method in (PLATT, ISOTONIC)
    assert chosen.log_loss[PLATT] < chosen.log_loss[TEMPERATURE]


def test_what_is_calibrated_already_is_left_alone() -> None:
    methods = [choose_calibrator(single_photos(seed, 300)).calibrator.method for seed in range(10)]
    assert methods.count(NONE) >= 7


def test_separable_and_tiny_evidence_is_left_alone_and_says_so() -> None:
    apart = evidence_of([[1.0 + one] for one in range(20)], [[-1.0 - one] for one in range(20)])
    assert is_separable(apart)
    assert choose_calibrator(apart).calibrator == Calibrator()
    assert "every defective photo" in choose_calibrator(apart).why
    tiny = evidence_of([[1.0], [-2.0], [3.0]], [[-1.0], [2.0], [0.0]])
    assert choose_calibrator(tiny).calibrator == Calibrator()
    assert "too few" in choose_calibrator(tiny).why
    few = generated_evidence(5, defective=40, good=12)
    assert set(choose_calibrator(few).log_loss) == {NONE, TEMPERATURE, PLATT}
    with pytest.raises(SettingError, match="isotonic"):
        choose_calibrator(few, ISOTONIC)
    with pytest.raises(SettingError, match="no such calibration"):
        choose_calibrator(few, "magic")


@pytest.mark.parametrize("method", METHODS)
def test_a_higher_logit_never_gives_a_lower_probability_and_json_gives_the_same(method: str) -> None:
    found = fit_calibrator(generated_evidence(6, slope=0.3), method)
    p = found.p(LOGITS)
    assert (np.diff(p) >= 0).all()
    assert ((p >= 0) & (p <= 1)).all()
    assert np.isnan(found.p(float("nan")))
    again = Calibrator.from_json(found.to_json())
    assert again == found
    assert np.array_equal(again.p(LOGITS), p)


@pytest.mark.parametrize(
    "values",
    [
        {"method": "magic"},
        {"slope": 0.0},
        {"slope": float("nan")},
        {"method": ISOTONIC},
        {"method": ISOTONIC, "knot_logit": (0.0, 0.0), "knot_p": (0.1, 0.2)},
        {"method": ISOTONIC, "knot_logit": (0.0, 1.0), "knot_p": (0.3, 0.2)},
        {"method": ISOTONIC, "knot_logit": (0.0,), "knot_p": (1.2,)},
        {"method": ISOTONIC, "knot_logit": (0.0, 1.0), "knot_p": (0.3,)},
        {"method": PLATT, "knot_logit": (0.0,), "knot_p": (0.3,)},
    ],
)
def test_what_is_no_rising_function_is_refused(values: dict) -> None:
    with pytest.raises(DataError, match="calibration"):
        Calibrator(**values)
