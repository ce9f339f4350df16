"""The slider of the thresholds: what it does with verdicts, counts and the list, while it is moved."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from driver import Driver
from reading import choose, names_drawn, told_by_model
from screen import xdotool

import castproof
from castproof.apps.inspector.threshold_bar import ACCEPT_END, REJECT_START
from castproof.measure.decision import Thresholds, Verdict, decide
from made_models import constant_answer

Start = Callable[..., Driver]
Told = Mapping[str, castproof.Inspection]
CHANGED = "not the model's own thresholds"


def test_handles_are_dragged_and_everything_follows_at_once(
    start: Start, model_file: Path, lot: Path, verdicts: dict[bytes, castproof.Inspection]
) -> None:
    driver, told = start(model_file, lot), told_by_model(lot, verdicts)
    own = castproof.load(model_file).card.gate.thresholds
    agrees_with_a_plain_count(driver, told, own)
    assert CHANGED not in driver.texts()
    choose(driver, driver.desk.window.list.filter, "REVIEW")
    drag(driver, told, ACCEPT_END, 0.15, 0.05)
    drag(driver, told, REJECT_START, 0.85, 0.9)
    assert CHANGED in driver.texts(driver.desk.window.thresholds)
    assert "(changed)" in driver.status
    band = [name for name in told if verdict_of(told[name], driver.desk.session.thresholds) is Verdict.REVIEW]
    seen = int(driver.desk.window.list.rows._rows_seen)
    driver.until(lambda: names_drawn(driver)[:seen] == band[:seen], "the list follows, too")
    drag(driver, told, ACCEPT_END, 0.7, 0.97)  # beyond the other one, which it pushes along
    assert not driver.desk.session.thresholds.reviews
    before = driver.shown
    driver.press("n")
    driver.until(lambda: driver.shown == before, "no photo is in REVIEW any more")
    driver.press("ctrl+r")
    agrees_with_a_plain_count(driver, told, own)
    assert CHANGED not in driver.texts()
    assert "(changed)" not in driver.status
    assert {castproof.load(model_file).card.gate.thresholds} == {own}


def drag(driver: Driver, told: Told, handle: str, *ways: float) -> None:
    """Drag a handle to these places, and look at what is shown before it is let go."""
    bar = driver.desk.window.thresholds.bar
    left, top = bar.canvas.winfo_rootx(), bar.canvas.winfo_rooty()
    (x, y), before = bar.handle_px(handle), driver.desk.session.thresholds
    xdotool("mousemove", left + x + 2, top + y, "mousedown", 1)  # not quite in its middle
    driver.rest()
    assert driver.desk.session.thresholds == before, "a handle that is only touched stays"
    for p in ways:
        xdotool("mousemove", left + round(bar._x(p)) + 2, top + y)
        driver.rest()
        now = driver.desk.session.thresholds
        assert abs(getattr(now, handle) - p) < 0.003
        agrees_with_a_plain_count(driver, told, now)
    xdotool("mouseup", 1)
    driver.rest()


def verdict_of(told: castproof.Inspection, cuts: Thresholds) -> Verdict:
    p = told.p_defective
    return decide(float("nan") if p is None else p, cuts, unlike_training=bool(told.warnings))


def agrees_with_a_plain_count(driver: Driver, told: Told, cuts: Thresholds) -> None:
    """Check thresholds, verdict and counts that are shown."""
    desk = driver.desk
    assert desk.session.thresholds == cuts
    found = {name: verdict_of(one, cuts) for name, one in told.items()}
    count = {one: list(found.values()).count(one) for one in Verdict}
    missed = [one for one in found if one.startswith("blowhole/") and found[one] is Verdict.ACCEPT]
    alarms = [one for one in found if one.startswith("ok/") and found[one] is Verdict.REJECT]
    seen = driver.texts(desk.window.thresholds)
    assert (
        f"ACCEPT {count[Verdict.ACCEPT]} · REVIEW {count[Verdict.REVIEW]} · REJECT {count[Verdict.REJECT]}"
        in seen
    )
    assert f"Missed defects: {len(missed)} of 8" in seen
    assert f"False alarms: {len(alarms)} of 8" in seen
    assert f"ACCEPT < {cuts.threshold:.4g} ≤ " in seen
    assert ("≤ REVIEW <" in seen) == cuts.reviews
    verdict = found[driver.shown]
    assert f" {verdict}" in driver.texts(desk.window.verdict)
    assert f"→ {verdict}" in driver.status
    assert f"— {verdict} —" in desk.root.title()


def test_the_keyboard_moves_one_handle_the_other_or_both(start: Start, model_file: Path, lot: Path) -> None:
    driver = start(model_file, lot)
    bar, session = driver.desk.window.thresholds.bar, driver.desk.session
    driver.click(bar.canvas, bar.handle_px(ACCEPT_END))
    shown, own = driver.shown, session.thresholds
    assert own == session.own_thresholds

    def moved(threshold: float, reject_from: float) -> None:
        now = session.thresholds
        assert now.threshold == pytest.approx(own.threshold + threshold, abs=6e-4)
        assert now.reject_from == pytest.approx(own.reject_from + reject_from, abs=6e-4)

    driver.press("Right", "Up", "Down")
    moved(0.01, 0)
    driver.press("shift+Right", "shift+Up", "shift+Left")
    moved(0.011, 0)
    driver.press("space", "Left", "shift+Left")
    moved(0.011, -0.011)
    driver.press("space", "Right", "shift+Down")
    moved(0.02, -0.002)
    driver.press("space", *["Left"] * 30)
    assert session.thresholds.threshold == 0.0
    assert driver.shown == shown, "arrows move the handle, not the photos"
    driver.press("n")
    driver.until(lambda: driver.shown not in ("", shown), "other keys are for the photos still")


def test_a_model_with_one_threshold_keeps_one_until_a_band_is_wanted(
    start: Start, lot: Path, tmp_path: Path
) -> None:
    driver = start(constant_answer(tmp_path / "constant.onnx", 0.4), lot)
    bar, box, session = driver.desk.window.thresholds.bar, driver.desk.window.thresholds, driver.desk.session
    assert "ACCEPT < 0.5 ≤ REJECT" in driver.texts(box)
    assert "ACCEPT 16 · REVIEW 0 · REJECT 0" in driver.texts(box)
    assert "Missed defects: 8 of 8" in driver.texts(box)
    start_px, y = bar.handle_px(ACCEPT_END)
    driver.drag(bar.canvas, (start_px, y), (round(bar._x(0.3)), y))
    assert not session.thresholds.reviews
    assert "REJECT 16" in driver.texts(box)
    assert "False alarms: 8 of 8" in driver.texts(box)
    xdotool("keydown", "shift")
    driver.drag(bar.canvas, (bar.handle_px(REJECT_START)[0] + 3, y), (round(bar._x(0.6)), y))
    xdotool("keyup", "shift")
    driver.rest()
    assert session.thresholds.reviews
    assert "REVIEW 16" in driver.texts(box)
    driver.click(driver.button("Reset to the model's own"))
    assert session.thresholds == Thresholds.single(0.5)
    assert "ACCEPT 16" in driver.texts(box)
