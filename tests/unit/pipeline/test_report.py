"""What a report says: the sentence that one signs, its figures and its warnings, of runs with known p_defective."""

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from castproof.data.manifest import UnreadablePhoto
from castproof.errors import BrokenRunError
from castproof.gate.gate import Bound
from castproof.gate.policy import MANUAL, MAX_MACRO_F1, MIN_COST, Costs, Policy
from castproof.gate.risk import size_needed
from castproof.measure.decision import Thresholds
from castproof.measure.decision import decide as verdict_of
from castproof.pipeline.decide import Asked, decide, decided, write_decision
from castproof.pipeline.gate_words import bound_sentence, limit_words
from castproof.pipeline.reporting.content import cards, contradicted, notes, verdict
from castproof.pipeline.reporting.data import Files, data_section, set_aside
from castproof.pipeline.reporting.errors import error_groups
from castproof.pipeline.reporting.examples import EVEN, EXTREME, PER_PART, examples
from castproof.pipeline.reporting.explorer import explorer
from castproof.pipeline.reporting.promise import calibration_section, limits, promise_section
from castproof.pipeline.reporting.report import report_page
from castproof.pipeline.reporting.reported import Reported, reported
from castproof.pipeline.reporting.results import results_section
from castproof.pipeline.reporting.slices import TOO_FEW, slice_results
from castproof.report.charts import shown_calibrations
from castproof.report.gate_page import Section
from castproof.run_folder import RunFolder
from castproof.wording import percent
from made_runs import write_crossval, write_network, write_run


@pytest.fixture(scope="module")
def crossval(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_crossval(tmp_path_factory.mktemp("crossval"), seed=11, aside=3)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with 20 defective and 8 good parts in each split."""
    return write_run(tmp_path_factory.mktemp("run"), defective=60, good=24, seed=3)


def told_of(folder: Path, policy: Policy) -> Reported:
    return Reported(decide(folder, Asked(policy)), decided=True)


def facts(section: Section) -> dict[str, str]:
    return dict(section.facts)


def test_a_promise_is_what_one_signs(crossval: Path) -> None:
    told = told_of(crossval, Policy(miss_rate=0.25))
    sentence, state = verdict(told)
    assert sentence.startswith(
        "At most 25% of defective parts pass this gate, with 95% confidence: proven on 30 defective"
    )
    assert state == "fine"
    assert any("sister networks" in one for one in notes(told))
    assert any("takes 59 defective parts, even if none passes; here are 30." in one for one in notes(told))
    passed = told.decision.gate.promise
    assert passed is not None
    assert facts(promise_section(told))["Passed"] == f"{percent(passed.passed)}, every part weighted equally"


def test_what_was_not_asked_for_is_no_promise(run: Path) -> None:
    told = told_of(run, Policy(MIN_COST, defect_rate=0.1, costs=Costs(500)))
    sentence, state = verdict(told)
    assert sentence.startswith("No target miss rate was set. Proven is that at most ")
    assert "test photos of 20 defective parts" in sentence
    assert state == "warn"


def test_nothing_is_proven_by_the_photos_that_thresholds_were_chosen_on(crossval: Path) -> None:
    told = told_of(crossval, Policy(MAX_MACRO_F1))
    assert told.bound is None
    assert verdict(told)[0].startswith("No miss rate is promised")
    assert cards(told)[0].figure == "—"


def test_cards_tell_of_which_photos_they_are_and_their_colour_is_that_of_the_worse_end(
    run: Path, crossval: Path
) -> None:
    for folder, on in ((run, "test photos: "), (crossval, "out of fold: ")):
        told = told_of(folder, Policy(miss_rate=0.4))
        by_name = {one.title: one for one in cards(told)}
        results, evidence = told.decision.results, told.decision.source.evidence.evidence
        for name, rate in (
            ("Missed defects", results.defective.accepted),
            ("False alarms", results.good.rejected),
        ):
            assert by_name[name].text.startswith(on)
            assert f"of {rate.photos:,} photos" in by_name[name].text
            assert rate.high is not None
            assert by_name[name].state == (
                "alarm" if rate.high > 0.5 else "warn" if rate.high > 0.1 else "fine"
            )
        high = results.after.ece_interval.high
        assert high is not None
        assert by_name["Calibration error"].text.startswith(on)
        assert by_name["Calibration error"].state == ("warn" if high > 0.05 else "fine")
        photos = evidence.photos(defective=True)
        assert by_name["Defective parts of evidence"].text.startswith(
            f"{photos:,} photos that the gate was chosen on"
        )
        assert by_name["Proven to pass, at most"].state == "fine", "it was asked for"


def test_the_calibration_of_folds_is_spoken_of_where_there_is_one(run: Path, crossval: Path) -> None:
    policy = Policy(miss_rate=0.4)
    cases = [
        (folder, how, on_folds)
        for folder, on_folds in ((run, False), (crossval, True))
        for how in ("none", "temperature")
    ]
    for folder, how, on_folds in cases:
        decision = decide(folder, Asked(policy, calibration=how))
        section = calibration_section(Reported(decision, decided=True))
        spoken_of = any("chosen without its part" in one for one in section.notes)
        assert spoken_of == (on_folds and how == "temperature"), (folder, how)
        names = section.tables[0].header[1:]
        assert names == (("p_defective",) if how == "none" else ("before", "after"))
        assert len(shown_calibrations(decision.results)) == len(names)


def test_a_weak_bound_is_told_as_that(tmp_path: Path) -> None:
    told = reported(write_run(tmp_path, defective=9, good=9))
    sentence, state = verdict(told)
    assert sentence.startswith(
        "The data cannot support a promise: 3 defective parts that the network was not trained on"
    )
    assert state == "alarm"


def test_a_promise_that_other_photos_contradict_is_an_alarm(run: Path) -> None:
    told = told_of(run, Policy(miss_rate=0.3))
    assert not contradicted(told)
    promise = told.decision.gate.promise
    assert promise is not None
    missed = replace(told.decision.results.defective.accepted, low=0.31, share=0.5)
    results = replace(
        told.decision.results, defective=replace(told.decision.results.defective, accepted=missed)
    )
    broken = replace(told, decision=replace(told.decision, results=results))
    assert verdict(broken)[0].startswith("The test photos contradict the promise.")
    assert verdict(broken)[1] == "alarm"
    missed = replace(missed, low=0.1)
    results = replace(results, defective=replace(results.defective, accepted=missed))
    doubtful = replace(told, decision=replace(told.decision, results=results))
    assert verdict(doubtful)[1] == "fine"
    assert any(
        "passed: more than 30%, but with so few parts this can be chance" in one for one in notes(doubtful)
    )


def test_without_a_gate_the_threshold_of_training_is_reported(run: Path, crossval: Path) -> None:
    for folder in (run, crossval):
        told = reported(folder)
        assert not told.decided
        assert told.decision.gate.thresholds == Thresholds.single(0.5)
        assert told.decision.gate.calibrator.method == "none"
        assert notes(told)[0].startswith("No gate was decided")
    kept = decide(run, Asked(Policy(miss_rate=0.3)))
    write_decision(kept)
    again = reported(run)
    assert again.decided
    assert again.decision.gate == kept.gate
    assert decided(run) is not None


def test_a_threshold_that_was_tuned_on_the_evidence_is_proven_by_the_test_photos_alone(
    tmp_path: Path,
) -> None:
    told = reported(write_run(tmp_path, defective=60, tune_for="macro_f1"))
    assert told.decision.gate.promise is not None
    assert told.bound is told.decision.proof
    assert any("tuned on the validation photos" in one for one in notes(told))


def test_folds_with_thresholds_of_their_own_are_told_with_these(tmp_path: Path) -> None:
    home = write_crossval(tmp_path)
    path = home / "predictions.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["threshold"] = {"1": "0.2", "2": "0.4", "3": "0.9"}[row["fold"]]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    told = reported(home).decision
    assert told.gate.thresholds == Thresholds.single(0.4)
    assert {fold: gate.thresholds.threshold for fold, gate in told.outcome.gates.items()} == {
        1: 0.2,
        2: 0.4,
        3: 0.9,
    }
    called = ~told.outcome.accepted
    by_fold = told.outcome.p >= np.array(
        [{1: 0.2, 2: 0.4, 3: 0.9}[one] for one in told.outcome.photos.fold.tolist()]
    )
    assert called.tolist() == by_fold.tolist()
    path.write_text("nothing\n", encoding="utf-8")
    with pytest.raises(BrokenRunError):
        reported(home)


def test_a_limit_is_never_rounded_down() -> None:
    policy = Policy(miss_rate=0.0125)
    asked = Bound(0.0125, 0.95, "part", 0.0, 300, 900, 300)
    assert limit_words(asked, policy) == "1.25% of defective parts"
    assert limit_words(replace(asked, at_most=0.014449), policy) == "1.45% of defective parts"
    assert "every part weighted equally" in bound_sentence(asked, policy)


def test_the_table_of_results_is_that_of_the_outcome(crossval: Path) -> None:
    told = told_of(crossval, Policy(miss_rate=0.25, review_load=0.3, defect_rate=0.1))
    outcome = told.decision.outcome
    found = Counter(
        ("defective" if defective else "good", str(verdict_of(p, outcome.gates[fold].thresholds)))
        for defective, p, fold in zip(
            outcome.photos.defective, outcome.p.tolist(), outcome.photos.fold.tolist(), strict=True
        )
    )
    rows = {row[0].rpartition(": ")[2]: row for row in results_section(told).tables[0].rows}
    for (kind, name), count in found.items():
        total = int((outcome.photos.defective == (kind == "defective")).sum())
        assert rows[f"{kind}, {name}"][3] == f"{count:,} of {total:,}"
    assert {"defective, REVIEW", "good, REJECT"} <= set(rows)


def test_the_parts_that_other_promises_take(crossval: Path) -> None:
    table = promise_section(told_of(crossval, Policy(miss_rate=0.25))).tables[0]
    assert [row[:2] for row in table.rows] == [
        ("20%", "14"), ("10%", "29"), ("5%", "59"), ("2%", "149"), ("1%", "299"),
    ]  # fmt: skip
    assert [row[2] for row in table.rows] == ["yes", "yes", "29 more", "119 more", "269 more"]
    assert size_needed(0.0, 0.05, 0.95, "exact") == 59


def test_the_data_are_told_with_what_was_left_out(tmp_path: Path, crossval: Path) -> None:
    run = write_run(tmp_path, unreadable=[UnreadablePhoto("test/ok/broken.png", "cut off")])
    told = facts(data_section(reported(run), Files(gone=1, changed=2)))
    assert told["Unreadable"] == "1 photo"
    assert told["Since then"] == "1 photo can no longer be read, 2 have another content"
    assert told["Parts in several splits"] == "none of 42"
    assert told["Label conflicts"].startswith("none")
    of_crossval = reported(crossval)
    assert set_aside(of_crossval.decision.source) == 3
    assert (
        facts(data_section(of_crossval, Files()))["Set aside"] == "3 photos with a doubtful label, not judged"
    )


def test_limits_are_drawn_from_the_data(crossval: Path) -> None:
    text = " ".join(limits(told_of(crossval, Policy(miss_rate=0.25)), ["A doubt."]))
    assert "false alarms are measured on 12 good parts" in text
    assert f"no rate below {100 * (1 - 0.05 ** (1 / 12)):.1f}%" in text
    assert "No load of looks and no cost per part are stated" in text
    assert text.endswith("A doubt.")
    assert "No load of looks" not in " ".join(
        limits(told_of(crossval, Policy(miss_rate=0.25, defect_rate=0.1)), [])
    )


def test_the_explorer_starts_at_the_gate_and_holds_every_photo(crossval: Path) -> None:
    told = told_of(crossval, Policy(miss_rate=0.25, review_load=0.3, defect_rate=0.1))
    gate, evidence = told.decision.gate, told.decision.outcome.photos
    page = explorer(told.decision)
    for kind, defective in (("good", False), ("defective", True)):
        p = gate.calibrator.p(evidence.logit[evidence.defective == defective])
        held = np.concatenate([np.array(part) for part in page.p[kind]])
        assert sorted(held.tolist()) == sorted(p.tolist())
        assert len(page.p[kind]) == evidence.parts(defective=defective)
    promise = gate.promise
    assert promise is not None
    assert page.rows[0].share == percent(promise.passed)
    assert page.warning.count("no promise") == 1
    assert "without its part" in page.warning


def test_examples_are_the_worst_and_an_even_choice(crossval: Path) -> None:
    told = told_of(crossval, Policy(miss_rate=0.25))
    held = examples(told.decision)
    evidence, gate = told.decision.outcome.photos, told.decision.gate
    for defective in (False, True):
        of_kind = [one for one in held if one.defective == defective]
        assert len(of_kind) <= EXTREME + EVEN
        p = gate.calibrator.p(evidence.logit[evidence.defective == defective])
        assert {one.p for one in of_kind} >= {float(p.min()), float(p.max())}
        worst = sorted(of_kind, key=lambda one: one.p if defective else -one.p)[:5]
        assert max(Counter(one.part for one in worst).values()) <= PER_PART
    assert len({one.file for one in held}) == len(held)


def test_errors_lie_beside_what_their_own_network_looked_at(tmp_path: Path) -> None:
    home = write_crossval(tmp_path, seed=11)
    for fold in (1, 2):
        write_network(RunFolder(home / f"fold_{fold}"))
    told = reported(home)
    groups = error_groups(told.decision)
    missed = int((told.decision.outcome.photos.defective & told.decision.outcome.accepted).sum())
    assert groups[0].title == f"Missed defects: {missed} photos"
    row_of = {one.file: row for row, one in enumerate(told.decision.photos)}
    shown = [one for group in groups for one in group.photos]
    assert len(shown) > 8
    for one in shown:
        fold = told.decision.outcome.photos.fold[row_of[one.photo.file]]
        assert (one.heat is None) == (fold == 3), "the third network is gone"
        assert one.photo.picture is not None
    first = [row_of[one.photo.file] for one in groups[0].photos]
    assert (np.diff(told.decision.outcome.p[first]) >= 0).all()
    assert max(Counter(one.photo.split for one in groups[0].photos).values()) <= 2
    doubtful = {one.photo.file for one in groups[2].photos}
    assert not doubtful & {one.photo.file for group in groups[:2] for one in group.photos}


def test_slices_hold_each_photo_once_and_too_few_parts_tell_nothing(crossval: Path) -> None:
    told = told_of(crossval, Policy(miss_rate=0.25))
    page = report_page(told)
    titles = [table.title for table in page.slices.tables]
    assert titles[-1] == "Parts judged worst"
    assert {"By brightness", "By contrast", "By sharpness", "By class"} <= set(titles)
    missed = told.decision.results.defective.accepted
    for table in page.slices.tables[:-1]:
        parts = [row[2] for row in table.rows if row[2] != "none"]
        assert sum(int(cell.split(" of ")[0]) for cell in parts) >= missed.parts_hit
    cells = [cell for table in page.slices.tables for row in table.rows for cell in row]
    assert any(TOO_FEW in cell for cell in cells)
    assert page.worst


def test_photos_that_vanished_or_changed_are_counted_and_stop_nothing(tmp_path: Path) -> None:
    home = write_crossval(tmp_path, seed=11)
    told = reported(home)
    manifest = told.decision.source.manifest
    for photo in told.decision.photos[::2]:
        manifest.path(photo).unlink()
    page = report_page(told)
    gone = len(told.decision.photos[::2])
    assert facts(page.data)["Since then"].startswith(f"{gone} photos can no longer be read")
    assert any(f"{gone} photos can no longer be read" in note for note in page.slices.notes)
    hashed = [replace(one, sha256="0" * 64) for one in told.decision.photos[1:2]]
    changed = replace(
        told,
        decision=replace(
            told.decision, photos=(*told.decision.photos[:1], *hashed, *told.decision.photos[2:])
        ),
    )
    assert facts(report_page(changed).data)["Since then"].endswith("1 have another content")
    for photo in told.decision.photos[1::2]:
        manifest.path(photo).unlink()
    page = report_page(told)
    assert page.explorer.examples == []
    assert all(one.photo.picture is None for group in page.errors for one in group.photos)
    assert slice_results(told.decision, {})[0].tables[-1].title == "Parts judged worst"


def test_what_a_report_says_is_kept_in_a_file_that_json_can_read(crossval: Path) -> None:
    page = report_page(told_of(crossval, Policy(MANUAL, thresholds=Thresholds(0.2, 0.8))))
    told = json.loads(str(page.explorer.data))
    assert told["setting"]["accept"] == 0.2
    assert told["weight"] is None
    assert len(told["examples"]) == len(page.explorer.examples)


@pytest.mark.parametrize("gone", [(2,), (1, 3)])
def test_a_report_is_made_without_a_network_and_says_which_is_missing(
    gone: tuple[int, ...], tmp_path: Path
) -> None:
    home = write_crossval(tmp_path, good=8, defective=12, photos_per_part=3, seed=11)
    for fold in gone:
        RunFolder(home / f"fold_{fold}").best_model.unlink()
    page = report_page(told_of(home, Policy(MAX_MACRO_F1)))
    names = ", ".join(f"network {fold}" for fold in gone)
    assert [one for one in page.limits if f"the file of {names} is missing" in one]
    hashes = {name: text for name, text in page.reproduce.facts if name.startswith("Hash of network")}
    assert {name for name, text in hashes.items() if text == "the file is gone"} == {
        f"Hash of network {fold}" for fold in gone
    }
    assert len(hashes) == 3


def test_a_report_with_all_networks_misses_none(crossval: Path) -> None:
    assert not [
        one for one in report_page(told_of(crossval, Policy(MAX_MACRO_F1))).limits if "missing" in one
    ]
