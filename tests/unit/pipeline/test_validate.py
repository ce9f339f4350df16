"""What a re-check says: it notices what changed, and never takes silence for proof."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from castproof.data.classes import Classes
from castproof.data.manifest import Manifest, Photo
from castproof.data.photo_statistics import PhotoStatistics, photo_statistics
from castproof.errors import BrokenRunError, DataError, OutputError, PromiseError, SettingError
from castproof.gate.choosing import choose_gate
from castproof.gate.evidence import Evidence
from castproof.gate.gate import Gate
from castproof.gate.policy import MANUAL, MAX_MACRO_F1, Policy
from castproof.gate.risk import EXACT, Sample
from castproof.measure.decision import Thresholds
from castproof.measure.intervals import exact_binomial
from castproof.pipeline.gate_file import load_gate, sealed
from castproof.pipeline.judged import RUN, Judged, Source
from castproof.pipeline.validation.advice import next_lines
from castproof.pipeline.validation.calibration import Mix, at_mix, check_calibration, mix_of
from castproof.pipeline.validation.changes import (
    DEFECTIVE_PARTS,
    GOOD_PARTS,
    Values,
    changes,
    changes_of_any_mix,
)
from castproof.pipeline.validation.files import VALIDATION_HTML, VALIDATION_JSON, write_validation
from castproof.pipeline.validation.new_photos import Earlier, NewPhotos
from castproof.pipeline.validation.new_run import check_new_run, write_proposal
from castproof.pipeline.validation.proposal import BOTH, NEW, look_for_gate, propose
from castproof.pipeline.validation.rates import FALSE_ALARMS, MISSED, check_promise, is_broken, rate_changes
from castproof.pipeline.validation.validate import Validation, assess, judged_photos
from castproof.pipeline.validation.validated import (
    ValidatedPhoto,
    judged_of,
    validated_photos,
    write_validated,
)
from castproof.pipeline.validation.verdict import has_changed, verdict
from castproof.pipeline.validation.words import findings
from castproof.settings import TrainSettings

TYPICAL = photo_statistics(np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8), 1)
POLICY = Policy(miss_rate=0.2)


class Line:
    """A production line: parts with their photos, what a network says about them, and how they look.

    The logit of a photo is that of its part plus its own noise: normal with the mean v / 2 or -v / 2 and the variance
    v, so that it is the true log odds where half of the parts are defective.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.statistics: dict[str, PhotoStatistics] = {}
        self.parts = 0

    def photos(
        self,
        defective: int,
        good: int,
        *,
        shift: float = 0.0,
        brightness: float = 0.0,
        each: int = 3,
        labelled: bool = True,
    ) -> Judged:
        photos, logits = [], []
        for number in range(defective + good):
            is_defective = number < defective
            self.parts += 1
            level = self.rng.normal(5 if is_defective else -5, np.sqrt(8)) + shift
            light = self.rng.normal(0, 5)
            for _ in range(each):
                sha = f"{self.parts}-{len(photos)}"
                kind = ("bad" if is_defective else "ok") if labelled else ""
                photos.append(
                    Photo(
                        f"/nowhere/{sha}.png",
                        "",
                        kind,
                        labelled and is_defective,
                        kind if is_defective else "",
                        f"part {self.parts}",
                        sha,
                        0.9,
                    )
                )
                logits.append(level + self.rng.normal(0, np.sqrt(2)))
                self.statistics[sha] = replace(
                    TYPICAL, brightness=120 + light + brightness + self.rng.normal(0, 2)
                )
        return judged_photos(tuple(photos), 1 / (1 + np.exp(-np.array(logits))))

    def check(
        self,
        run: Path,
        val: Judged,
        test: Judged | None,
        new: Judged,
        gate: Gate,
        *,
        labelled: bool = True,
    ) -> Validation:
        old = (*val.photos, *(test.photos if test else ()))
        classes = Classes(("ok",), ("bad",))
        source = Source(
            folder=run,
            kind=RUN,
            settings=TrainSettings("photos"),
            manifest=Manifest(Path("/"), classes, old),
            weights_hash="none",
            evidence_kind=RUN,
            evidence=val,
            evidence_folder=None,
            tested=test,
            known=0,
        )
        earlier = Earlier(old, old, self.statistics, {})
        found = NewPhotos(Manifest(Path("/nowhere"), classes, new.photos), labelled, self.statistics, {})
        return assess(source, gate, earlier, found, new)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a folder that contains what a proposal needs of a run."""
    folder = tmp_path / "run"
    (folder / "gate").mkdir(parents=True)
    (folder / "validations" / "old").mkdir(parents=True)
    (folder / "best_model.pt").write_bytes(b"a network")
    (folder / "last_state.pt").write_bytes(b"large")
    (folder / "metrics.json").write_text("{}")
    (folder / ".castproof-lock").write_bytes(b"")
    return folder


def decide(run: Path, val: Judged, policy: Policy = POLICY) -> Gate:
    """Return the gate of `run` after writing it."""
    from castproof.pipeline.gate_file import network_hash
    from castproof.run_folder import RunFolder

    gate = choose_gate(val.evidence, policy)
    told = {
        f"{kind}_{unit}": getattr(val.evidence, unit)(defective=kind == "defective")
        for kind in ("defective", "good")
        for unit in ("parts", "photos")
    }
    content = {
        "format": 1,
        "network": network_hash(RunFolder(run)),
        "gate": gate.to_json(),
        "rests_on": told,
        "asked": {"policy": policy.to_json(), "calibration": "auto", "evidence": None, "seed": 1},
    }
    (run / "gate" / "gate.json").write_text(json.dumps(sealed(content)))
    return gate


# The verdict


def test_an_unchanged_line_with_parts_enough_holds(run: Path) -> None:
    line = Line(1)
    val, test = line.photos(40, 40), line.photos(40, 40)
    told = line.check(run, val, test, line.photos(60, 60), decide(run, val))
    state, sentence = verdict(told)
    assert state == "fine"
    assert sentence.startswith("The gate holds as far as 60 defective and 60 good parts can tell")
    assert not has_changed(told)


@pytest.mark.parametrize("parts", [1, 3, 8])
def test_silence_of_a_few_parts_is_never_called_proof(run: Path, parts: int) -> None:
    line = Line(40 + parts)
    val, test = line.photos(40, 40), line.photos(40, 40)
    told = line.check(run, val, test, line.photos(parts, parts), decide(run, val))
    state, sentence = verdict(told)
    assert state == "open"
    assert "is not known" in sentence
    assert told.promise is not None
    assert f"{told.promise.more_parts:,} more defective part" in sentence
    assert "holds" not in {one.says for one in findings(told)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shift": -8.0}, "does not hold"),
        ({"shift": 8.0}, "false alarms"),
        ({"brightness": -40.0}, "brightness"),
    ],
)
def test_what_changed_is_said_first(run: Path, change: dict[str, float], words: str) -> None:
    line = Line(2)
    val, test = line.photos(40, 40), line.photos(40, 40)
    told = line.check(run, val, test, line.photos(15, 15, **change), decide(run, val))
    state, sentence = verdict(told)
    assert state == ("warn" if "brightness" in change else "alarm")
    assert words in sentence
    assert has_changed(told) == ("shift" in change)


def test_another_share_of_defective_parts_is_no_change(run: Path) -> None:
    line = Line(3)
    val, test = line.photos(80, 10), line.photos(80, 10)
    told = line.check(run, val, test, line.photos(15, 150), decide(run, val))
    assert not has_changed(told)
    assert not any(one.told.moved for one in [*told.said, *told.images])


def test_without_labels_light_and_network_are_compared_and_nothing_is_said_to_hold(run: Path) -> None:
    line = Line(4)
    val, test = line.photos(40, 40), line.photos(40, 40)
    gate = decide(run, val)
    same = line.check(run, val, test, line.photos(10, 30, labelled=False), gate, labelled=False)
    dark = line.check(
        run, val, test, line.photos(10, 30, labelled=False, brightness=-30), gate, labelled=False
    )
    assert verdict(same)[0] == "open"
    assert "only photos with labels can show" in verdict(same)[1]
    assert "label" in next_lines(same, None)[0]
    assert verdict(dark)[0] == "warn"
    assert "brightness" in verdict(dark)[1]
    for told in (same, dark):
        assert (told.rates, told.promise, told.calibration) == ([], None, None)


def test_one_kind_of_new_parts_alone_is_refused(run: Path) -> None:
    line = Line(5)
    val = line.photos(40, 40)
    with pytest.raises(DataError, match="No photo of a good part is new"):
        line.check(run, val, None, line.photos(5, 0), decide(run, val))


def test_without_test_photos_it_is_told_that_the_gate_was_chosen_on_those_of_val(run: Path) -> None:
    line = Line(6)
    val = line.photos(40, 40)
    told = line.check(run, val, None, line.photos(5, 5), decide(run, val))
    assert "chosen on" in told.told_on
    assert told.rates[0].before.parts == 40


@pytest.mark.slow
def test_an_unchanged_line_is_called_changed_in_few_cases(run: Path) -> None:
    """Network, photos and calibration may each err in 5% of cases, verdicts far less; photos of one part are alike."""
    states = []
    for seed in range(50):
        line = Line(seed)
        val, test = line.photos(25, 10), line.photos(25, 10)
        told = line.check(run, val, test, line.photos(8, 6), choose_gate(val.evidence, POLICY))
        states.append(verdict(told)[0])
    changed = sum(state in ("warn", "alarm") for state in states)
    assert changed <= binom.ppf(0.999, 50, 0.14)
    assert states.count("alarm") <= binom.ppf(0.999, 50, 0.03)


# Rates and the promise


def test_rates_count_parts_alike_and_name_the_verdicts_of_the_gate(run: Path) -> None:
    line = Line(8)
    val, new = line.photos(30, 30), line.photos(12, 9, shift=-3)
    thresholds = Thresholds(0.3, 0.9)
    gate = choose_gate(val.evidence, Policy(MANUAL, thresholds=thresholds))
    told = {one.name: one for one in rate_changes(gate, val.evidence, new.evidence)}
    p = gate.calibrator.p(new.evidence.logit)
    missed = (p < gate.thresholds.threshold)[new.evidence.defective].reshape(12, 3).mean(axis=1)
    assert told[MISSED].now.share == pytest.approx(missed.mean())
    assert (told[MISSED].now.parts, told[FALSE_ALARMS].now.parts) == (12, 9)
    assert gate.thresholds.reviews
    assert len(told) == 4
    assert len(rate_changes(Gate.at(0.5), val.evidence, new.evidence)) == 2


@given(st.integers(1, 60), st.floats(0.01, 0.9), st.integers(0, 60))
def test_a_promise_is_broken_where_the_exact_binomial_test_says_so(n: int, limit: float, passed: int) -> None:
    passed = min(passed, n)
    tail = binom.sf(passed - 1, n, limit)
    if abs(tail - 0.05) > 1e-9:
        assert is_broken(passed / n, Sample(n, EXACT), limit, 0.95) == (tail <= 0.05)


def test_a_promise_is_checked_on_the_new_parts_alone(run: Path) -> None:
    line = Line(9)
    val = line.photos(40, 40)
    gate = choose_gate(val.evidence, POLICY)
    told = check_promise(gate, line.photos(20, 5, shift=9, each=1).evidence)
    assert told is not None
    assert told.bound.passed == 0
    assert told.bound.at_most == pytest.approx(exact_binomial(0, 20, 0.9)[1])
    assert told.proven
    assert told.more_parts == 0
    broken = check_promise(gate, line.photos(20, 5, shift=-30).evidence)
    assert broken is not None
    assert broken.broken
    assert check_promise(Gate.at(0.5), val.evidence) is None


def test_it_asks_for_as_many_more_parts_as_prove_the_promise_or_break_it(run: Path) -> None:
    line = Line(10)
    gate = choose_gate(line.photos(40, 40).evidence, POLICY)
    few = check_promise(gate, line.photos(4, 4, shift=9, each=1).evidence)
    assert few is not None
    assert few.more_parts == 10, "14 prove 20% where none passes: 0.8^14 < 0.05 < 0.8^13"
    bad = line.photos(6, 5, each=1).evidence
    logit = np.where(bad.defective, np.where(np.arange(11) < 2, -20.0, 20.0), -20.0)
    third = check_promise(gate, Evidence(bad.defective, logit, bad.part, bad.fold))
    assert third is not None
    assert third.bound.passed == pytest.approx(1 / 3)
    assert not third.broken
    assert third.more_parts is not None
    n = 6 + third.more_parts
    assert is_broken(1 / 3, Sample(n, EXACT), 0.2, 0.95)
    assert not is_broken(1 / 3, Sample(n - 1, EXACT), 0.2, 0.95)


# Calibration


@given(st.floats(1e-6, 1 - 1e-6), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_another_share_of_defective_parts_changes_p_as_bayes_says(
    p: float, before: float, now: float
) -> None:
    told = float(at_mix(np.array([p]), before, now)[0])
    ratio = p / (1 - p) / (before / (1 - before))
    assert told == pytest.approx(ratio * now / (ratio * now + 1 - now), rel=1e-6)
    assert float(at_mix(np.array([told]), now, before)[0]) == pytest.approx(p, rel=1e-6)


def test_calibration_holds_at_any_mix_and_drifts_with_the_logits() -> None:
    rng = np.random.default_rng(3)

    def photos(defective: int, good: int, shift: float = 0.0) -> Evidence:
        labels = np.arange(defective + good) < defective
        logit = rng.normal(np.where(labels, 1.0, -1.0), np.sqrt(2)) + shift
        return Evidence(labels, logit, np.arange(len(labels)), np.ones(len(labels), np.int64))

    mix = Mix(0.5, 0.5)
    held = check_calibration(Gate.at(0.5), mix, photos(200, 200), photos(30, 270))
    assert not held.before.drift.moved
    assert not held.has_drifted
    assert held.now.mix == mix_of(photos(30, 270))
    assert held.now.drift.expected == pytest.approx(30, abs=10)
    drifted = check_calibration(Gate.at(0.5), mix, photos(200, 200), photos(30, 270, shift=2.0))
    assert drifted.has_drifted
    assert drifted.now.drift.expected > 60


# Light, focus, position and network


def test_each_kind_is_compared_with_its_like_and_hopeless_ones_cost_nothing() -> None:
    rng = np.random.default_rng(12)

    def values(defective: int, good: int, shift: float) -> Values:
        kind = np.arange(defective + good) < defective
        x = rng.normal(np.where(kind, 50.0, 0.0) + shift * kind, 1.0)
        return Values({"a": x, "b": rng.normal(size=len(kind))}, np.arange(len(kind)), kind)

    names = {"a": "light", "b": "focus"}
    before = values(40, 6, 0.0)
    one_good = changes(before, values(4, 1, 3.0), names)
    told = {(one.name, one.kind): one.told for one in one_good}
    assert {key for key, one in told.items() if one.moved} == {("a", DEFECTIVE_PARTS)}
    assert not told["a", GOOD_PARTS].can_tell
    alone = changes(before, values(4, 0, 3.0), names)
    assert {(one.name, one.kind) for one in alone} == {("a", DEFECTIVE_PARTS), ("b", DEFECTIVE_PARTS)}
    assert told["b", DEFECTIVE_PARTS].noticeable == next(
        one.told.noticeable for one in alone if one.name == "b"
    )


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_of_unknown_kind_no_mix_is_a_change_but_what_no_mix_gives_is_one(share: float) -> None:
    def values(rng: np.random.Generator, parts: int, defective: float, shift: float) -> Values:
        kind = rng.random(parts) < defective
        x = rng.normal(np.where(kind, 3.0, 0.0) + shift, 1.0)
        return Values({"a": x, "b": rng.normal(size=parts)}, np.arange(parts), kind)

    names = {"a": "light", "b": "focus"}
    false_alarms, noticed = 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        before = values(rng, 60, 0.7, 0.0)
        same, shifted = (
            changes_of_any_mix(before, values(rng, 12, share, shift), names) for shift in (0.0, 6.0)
        )
        false_alarms += any(one.told.moved for one in same)
        noticed += {one.name for one in shifted if one.told.moved} == {"a"}
    assert false_alarms <= binom.ppf(0.999, 40, 0.05)
    assert noticed >= 36


# A proposal


def test_an_unchanged_line_gives_a_gate_of_old_and_new_parts(run: Path, tmp_path: Path) -> None:
    line = Line(13)
    val, test = line.photos(20, 20), line.photos(20, 20)
    gate = decide(run, val)
    told = line.check(run, val, test, line.photos(12, 12), gate)
    assert look_for_gate(told, wanted=False).proposal is None
    found = propose(told, changed=False)
    assert found.rests_on == BOTH
    assert found.evidence.parts(defective=True) == 32
    assert found.gate.promise is not None
    assert found.gate.promise.parts == 32
    assert gate.promise is not None
    assert gate.promise.parts == 20
    assert found.gate.policy == gate.policy


def test_after_a_change_new_parts_alone_promise_and_a_few_promise_nothing(run: Path) -> None:
    line = Line(14)
    val, test = line.photos(20, 20), line.photos(20, 20)
    gate = decide(run, val)
    enough = propose(line.check(run, val, test, line.photos(30, 10, shift=-3), gate), changed=True)
    assert (enough.rests_on, enough.evidence.parts(defective=True)) == (NEW, 30)
    assert enough.gate.promise is not None
    assert enough.gate.promise.parts == 30
    few = line.check(run, val, test, line.photos(6, 6, shift=-6), gate)
    found = look_for_gate(few, wanted=False)
    assert found.proposal is not None
    assert found.proposal.rests_on == BOTH
    assert found.proposal.gate.promise is None
    assert found.proposal.parts_needed == 14
    assert found.proposal.gate.thresholds.threshold < gate.thresholds.threshold
    assert any("promises nothing" in line for line in next_lines(few, found.proposal))


def test_a_laxer_gate_is_not_proposed_without_a_promise(run: Path) -> None:
    line = Line(15)
    val, test = line.photos(20, 20), line.photos(20, 20)
    told = line.check(run, val, test, line.photos(6, 6, shift=9), decide(run, val))
    assert has_changed(told)
    with pytest.raises(PromiseError, match="laxer") as caught:
        propose(told, changed=True)
    assert caught.value.needed == 14
    found = look_for_gate(told, wanted=False)
    assert found.proposal is None
    assert "laxer" in found.why_not


def test_without_labels_or_policy_nothing_is_proposed(run: Path) -> None:
    line = Line(16)
    val = line.photos(20, 20)
    gate = decide(run, val)
    told = line.check(run, val, None, line.photos(5, 5, labelled=False), gate, labelled=False)
    with pytest.raises(SettingError, match="Without labels"):
        propose(told, changed=False)
    (run / "gate" / "gate.json").unlink()
    bare = line.check(run, val, None, line.photos(5, 5), Gate.at(0.5))
    with pytest.raises(SettingError, match="castproof decide"):
        propose(bare, changed=False)


def test_a_policy_without_a_promise_takes_ten_parts_of_each_kind(run: Path) -> None:
    line = Line(17)
    val, test = line.photos(20, 20), line.photos(20, 20)
    gate = decide(run, val, Policy(MAX_MACRO_F1))
    few = propose(line.check(run, val, test, line.photos(12, 9, shift=-5), gate), changed=True)
    many = propose(line.check(run, val, test, line.photos(12, 10, shift=-5), gate), changed=True)
    assert (few.rests_on, many.rests_on) == (BOTH, NEW)


def test_a_proposal_is_a_run_of_its_own_that_knows_its_photos(run: Path, tmp_path: Path) -> None:
    from castproof.run_folder import RunFolder

    line = Line(18)
    val, test, new = line.photos(20, 20), line.photos(20, 20), line.photos(20, 20)
    gate = decide(run, val)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    told = line.check(run, val, test, new, gate)
    proposal = propose(told, changed=False)
    there = write_proposal(told, proposal, tmp_path / "runs" / "after")
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert {path.name for path in there.iterdir()} == {"best_model.pt", "metrics.json", "gate"}
    assert load_gate(RunFolder(there), 0.5) == proposal.gate
    content = json.loads((there / "gate" / "gate.json").read_text())
    assert content["validation"]["of"] == str(run)
    assert content["validation"]["data_hash"] == told.new.manifest.data_hash()
    known = validated_photos(there)
    assert [one.photo.sha256 for one in known] == [photo.sha256 for photo in new.photos]
    again = judged_of(known).evidence
    np.testing.assert_allclose(again.logit, new.evidence.logit, atol=1e-6)
    np.testing.assert_array_equal(again.defective, new.evidence.defective)

    later = line.check(there, val, test, line.photos(12, 12), proposal.gate)
    chained = propose(later, changed=False)
    assert chained.evidence.parts(defective=True) == 20 + 20 + 12, "the earlier new parts still count"
    with pytest.raises(OutputError, match="there already"):
        write_proposal(told, proposal, there)


def test_where_a_proposal_may_not_go(run: Path, tmp_path: Path) -> None:
    from castproof.run_folder import RunFolder

    (tmp_path / "photos").mkdir()
    for target in (run, run / "inside", tmp_path / "photos" / "inside"):
        with pytest.raises(OutputError):
            check_new_run(target, RunFolder(run), tmp_path / "photos")
    (tmp_path / "empty").mkdir()
    check_new_run(tmp_path / "empty", RunFolder(run), tmp_path / "photos")
    check_new_run(tmp_path / "new", RunFolder(run), tmp_path / "photos")


def test_a_proposal_that_cannot_be_written_leaves_nothing(run: Path, tmp_path: Path) -> None:
    line = Line(19)
    val = line.photos(20, 20)
    told = line.check(run, val, None, line.photos(20, 20), decide(run, val))
    proposal = propose(told, changed=False)
    (run / "best_model.pt").unlink()
    with pytest.raises(BrokenRunError, match="best_model"):
        write_proposal(told, proposal, tmp_path / "after")
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


def test_a_broken_table_of_photos_is_told(run: Path) -> None:
    line = Line(20)
    val = line.photos(20, 20)
    decide(run, val)
    content = json.loads((run / "gate" / "gate.json").read_text())
    (run / "gate" / "gate.json").write_text(json.dumps(sealed({**content, "validation": {}})))
    table = run / "gate" / "validation.csv"
    write_validated([ValidatedPhoto(val.photos[0], 0.5)], table)
    assert validated_photos(run) == [ValidatedPhoto(replace(val.photos[0], confidence=0.9), 0.5)]
    table.write_text(table.read_text().replace("0.5", "1.5"))
    with pytest.raises(BrokenRunError, match="p_network"):
        validated_photos(run)


# What is written


def test_figures_and_page_are_written_and_escaped(run: Path, tmp_path: Path) -> None:
    line = Line(21)
    val, test, new = line.photos(20, 20), line.photos(20, 20), line.photos(6, 1, shift=-6)
    told = line.check(run, val, test, new, decide(run, val))
    named = replace(told, data=tmp_path / "<script>alert(1)</script>")
    write_validation(named, look_for_gate(told, wanted=False).proposal, tmp_path / "out")
    content = json.loads((tmp_path / "out" / VALIDATION_JSON).read_text(encoding="utf-8"))
    assert content["verdict"] == verdict(told)[1]
    assert content["evidence"]["defective_parts"] == 6
    assert any(row["noticeable"] is None for row in content["network"]), "one good part can show nothing"
    page = (tmp_path / "out" / VALIDATION_HTML).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    for one in findings(told):
        assert one.title in page
