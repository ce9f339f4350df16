"""`castproof decide`: a gate with a promise, and every program that then judges by it."""

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from castproof_process import Server
from small_run import COUNTS, ROUND, Crossvalidated, Trained

from castproof.gate.choosing import LEVELS
from castproof.pipeline.gate_file import sealed

BEST = 1 - 0.05 ** (1 / COUNTS["val"])  # of as many defective parts as there are in val
ENOUGH = f"{BEST + 0.01:.3f}"


@pytest.fixture
def run(trained: Trained, tmp_path: Path) -> Path:
    """Return a copy of a run, to decide in."""
    return shutil.copytree(trained.run, tmp_path / "run")


@pytest.fixture
def crossval(crossvalidated: Crossvalidated, tmp_path: Path) -> Path:
    """Return a copy of a complete cross-validation, to decide in."""
    return shutil.copytree(crossvalidated.home, tmp_path / "cv")


def sentence(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def gate_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "gate" / "gate.json").read_text(encoding="utf-8"))


def pair_up(run: Path) -> None:
    """Make every two photos of a class in a split photos of one part."""
    rows = rows_of(run / "manifest.csv")
    seen: Counter[tuple[str, str]] = Counter()
    for row in rows:
        key = row["split"], row["class"]
        row["part"] = f"{key} {seen[key] // 2}"
        seen[key] += 1
    with (run / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_gets_a_gate_of_its_validation_photos_told_on_its_test_photos(
    castproof: Server, run: Path, tmp_path: Path
) -> None:
    done = castproof.run(["decide", run, "--miss-rate", ENOUGH, "--defect-rate", "0.02"], tmp_path)
    assert done.code == 0, done.text
    assert "Promise: at most" in sentence(done.out)
    assert {path.name for path in (run / "gate").iterdir()} == {
        "gate.json",
        "photos.csv",
        "tradeoff.csv",
        "tradeoff.png",
        "calibration.png",
    }
    told = gate_of(run)
    assert told["rests_on"]["defective_parts"] == COUNTS["val"]
    assert told["rests_on"]["also_chose_the_network"] is True
    assert told["told_on"] == "test"
    assert told["gate"]["promise"]["at_most"] <= float(ENOUGH)
    rows = rows_of(run / "gate" / "photos.csv")
    assert len(rows) == 2 * COUNTS["test"]
    missed = [row for row in rows if row["label"] == "defective" and row["verdict"] == "ACCEPT"]
    assert told["results"]["defective"]["accepted"]["hits"] == len(missed)
    for row in rows:
        assert (float(row["p_defective"]) >= float(row["threshold"])) == (row["verdict"] != "ACCEPT")
        assert (float(row["p_defective"]) >= float(row["reject_from"])) == (row["verdict"] == "REJECT")


def test_without_a_flag_a_cross_validation_gets_a_gate_and_its_promise(
    castproof: Server, crossval: Path, tmp_path: Path
) -> None:
    done = castproof.run(["decide", crossval], tmp_path)
    assert done.code == 0, done.text
    told, text = gate_of(crossval), sentence(done.out)
    assert told["gate"]["policy"]["name"] == "auto"
    rows = rows_of(crossval / "gate" / "photos.csv")
    defective = [row for row in rows if row["label"] == "defective"]
    missed = sum(row["verdict"] == "ACCEPT" for row in defective)
    assert text.startswith(f"Out of fold: {missed} of {len(defective)} defective photos missed")
    assert told["gate"]["promise"]["at_most"] in LEVELS
    for word in ("cost per part", "REVIEW load", "REVIEW*", "10,000", "defect rate"):
        assert word not in text
    assert (told["results"]["cost"], told["results"]["review_load"], told["results"]["defect_rate"]) == (
        None,
    ) * 3
    assert castproof.run(["report", crossval], tmp_path).code == 0
    page = (crossval / "gate" / "report.html").read_text(encoding="utf-8")
    assert "For the line" not in page
    assert '"defect_rate":null' in page
    assert castproof.run(["decide", crossval, "--defect-rate", "0.02"], tmp_path).code == 0
    assert gate_of(crossval)["gate"]["thresholds"] == told["gate"]["thresholds"]
    assert gate_of(crossval)["results"]["defect_rate"] == 0.02


def test_the_same_question_has_the_same_answer(castproof: Server, run: Path, tmp_path: Path) -> None:
    answers = []
    for _ in range(2):
        assert (
            castproof.run(["decide", run, "--policy", "min-cost", "--defect-rate", "0.1"], tmp_path).code == 0
        )
        answers.append([path.read_bytes() for path in sorted((run / "gate").iterdir())])
    assert answers[0] == answers[1]


def test_too_few_parts_are_told_and_nothing_is_left_behind(
    castproof: Server, run: Path, tmp_path: Path
) -> None:
    done = castproof.run(["decide", run, "--miss-rate", "0.01"], tmp_path)
    assert done.code == 1
    told = sentence(done.err)
    assert "takes 299 defective parts" in told
    assert f"Found {COUNTS['val']} defective parts." in told
    assert "castproof crossval" in told
    assert "--evidence CROSSVAL" in told
    assert not (run / "gate").exists()
    best = told.split("(--miss-rate ")[1].split(")")[0]
    assert castproof.run(["decide", run, "--miss-rate", best], tmp_path).code == 0


def test_predict_and_evaluate_judge_by_the_gate(
    castproof: Server, run: Path, trained: Trained, tmp_path: Path
) -> None:
    flags = ["--policy", "manual", "--threshold", "0.2", "--reject-from", "0.9", "--calibration", "none"]
    assert castproof.run(["decide", run, *flags], tmp_path).code == 0
    told = {row["file"]: row for row in rows_of(run / "gate" / "photos.csv")}
    done = castproof.run(["predict", run, trained.data / "test", "--csv", "v.csv"], tmp_path)
    assert done.code == 0, done.text
    assert "REVIEW from 0.2," in done.out
    verdicts = Counter(row["verdict"] for row in rows_of(tmp_path / "v.csv"))
    assert verdicts == Counter(row["verdict"] for row in told.values())
    assert verdicts["REVIEW"] > 0
    for row in rows_of(tmp_path / "v.csv"):
        before = told[Path(row["file"]).relative_to(trained.data).as_posix()]
        assert row["verdict"] == before["verdict"]
        assert float(row["p_defective"]) == pytest.approx(float(before["p_defective"]), abs=1e-4)
        assert (row["threshold"], row["reject_from"]) == ("0.2", "0.9")
    assert castproof.run(["evaluate", run, "--data", trained.data, "--outdir", "out"], tmp_path).code == 0
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["threshold"] == 0.2
    assert metrics["threshold_from"] == "gate of the run, manual"
    evaluated = {row["file"]: row["verdict"] for row in rows_of(tmp_path / "out" / "predictions.csv")}
    assert {file: evaluated[file] for file in told} == {file: row["verdict"] for file, row in told.items()}


def test_several_photos_of_a_part_get_one_verdict(
    castproof: Server, run: Path, trained: Trained, tmp_path: Path
) -> None:
    pair_up(run)
    flags = ["--policy", "manual", "--threshold", "0.5", "--combine", "any/2"]
    assert castproof.run(["decide", run, *flags], tmp_path).code == 0
    photos = sorted((trained.data / "test").rglob("*.png"))
    for part, names in {"A": photos[:2], "B": photos[-2:], "C": photos[2:4]}.items():
        (tmp_path / "parts" / part).mkdir(parents=True)
        for number, photo in enumerate(names):
            shutil.copy(photo, tmp_path / "parts" / part / f"{number}.png")
    (tmp_path / "parts" / "C" / "1.png").write_bytes(b"no photo")
    done = castproof.run(["predict", run, "parts", "--part-per-folder", "--csv", "v.csv"], tmp_path)
    assert done.code == 3, done.text
    rows = {Path(row["file"]).name: row for row in rows_of(tmp_path / "v.csv")}
    told = {row["file"]: float(row["p_defective"]) for row in rows_of(run / "gate" / "photos.csv")}
    for part, names in {"A": photos[:2], "B": photos[-2:]}.items():
        worst = max(told[name.relative_to(trained.data).as_posix()] for name in names)
        assert float(rows[part]["p_defective"]) == pytest.approx(worst, abs=1e-4)
        assert rows[part]["verdict"] == ("REJECT" if worst >= 0.5 else "ACCEPT")
    assert rows["C"]["verdict"] == "NOT_INSPECTED"
    assert "1.png" in rows["C"]["reason"]
    (tmp_path / "parts" / "A" / "third.png").write_bytes((tmp_path / "parts" / "A" / "0.png").read_bytes())
    done = castproof.run(["predict", run, "parts/A", "--part-per-folder"], tmp_path)
    assert done.code == 3
    assert "takes 2 photos, found 3" in sentence(done.out)
    shutil.copytree(run, tmp_path / "copy")
    for command in (["evaluate", run, "--data", trained.data], ["compare", run, "copy"]):
        refused = castproof.run(command, tmp_path)
        assert refused.code == 1
        assert "judges parts by several photos" in sentence(refused.err)
    alone = castproof.run(["predict", run, "parts"], tmp_path)
    assert alone.code == 1
    assert "--part-per-folder" in sentence(alone.err)


def test_a_gate_of_another_network_or_a_broken_one_is_refused_by_every_command(
    castproof: Server, run: Path, trained: Trained, tmp_path: Path
) -> None:
    assert castproof.run(["decide", run, "--policy", "max-def-f1"], tmp_path).code == 0
    path = run / "gate" / "gate.json"
    content = gate_of(run)
    cases = {
        "belongs to another network": json.dumps(sealed({**content, "network": "0" * 64})),
        "was changed by hand": json.dumps({**content, "gate": {**content["gate"], "calibrated_for": "me"}}),
        "cannot be used": json.dumps(
            sealed({**content, "gate": {**content["gate"], "thresholds": {"threshold": 2}}})
        ),
        "format": json.dumps({**content, "format": 99}),
        "gate.json cannot be used": "{",
    }
    for told, text in cases.items():
        path.write_text(text, encoding="utf-8")
        for command in (["predict", run, trained.data / "test"], ["evaluate", run, "--data", trained.data]):
            done = castproof.run(command, tmp_path)
            assert done.code == 1, (told, done.text)
            assert told in sentence(done.err)
            assert "castproof decide" in sentence(done.err)
            assert "ACCEPT" not in done.out


def test_a_cross_validation_decides_on_all_parts_and_is_told_fold_by_fold(
    castproof: Server, crossval: Path, tmp_path: Path
) -> None:
    limits = ["--miss-rate", "0.2", "--review-load", "0.5", "--defect-rate", "0.3"]
    done = castproof.run(["decide", crossval, *limits], tmp_path)
    assert done.code == 0, done.text
    told = gate_of(crossval)
    assert told["rests_on"]["kind"] == "crossval"
    assert told["rests_on"]["defective_parts"] == 21
    assert told["told_on"] == "out of fold"
    assert told["network"] is None
    rows = rows_of(crossval / "gate" / "photos.csv")
    assert len(rows) == 42
    thresholds = {row["fold"]: row["threshold"] for row in rows}
    assert set(thresholds) == {"1", "2", "3"}
    assert castproof.run(["predict", crossval, crossval], tmp_path).code == 1


def test_evidence_of_another_recipe_is_refused(
    castproof: Server, run: Path, crossval: Path, tmp_path: Path
) -> None:
    done = castproof.run(["decide", run, "--evidence", crossval], tmp_path)
    assert done.code == 1
    assert "They differ in: recipe" in sentence(done.err)


def test_evidence_of_the_same_recipe_is_taken_without_the_parts_of_the_test(
    castproof: Server, place: Path, crossval: Path, tmp_path: Path
) -> None:
    flags = [*ROUND, "--epochs", "4", "--outdir", "runs", "--no-gate"]
    assert castproof.run(["train", "--data", place / "photos", *flags], tmp_path).code == 0
    (run,) = (tmp_path / "runs").iterdir()
    assert castproof.run(["decide", run, "--miss-rate", "0.5"], tmp_path).code == 0
    own = gate_of(run)
    assert own["rests_on"]["kind"] == "crossval"
    assert own["rests_on"]["defective_parts"] == 9, "those of train"
    assert own["told_on"] == "test"
    done = castproof.run(["decide", run, "--evidence", crossval, "--miss-rate", "0.3"], tmp_path)
    assert done.code == 0, done.text
    told = gate_of(run)
    assert told["rests_on"]["kind"] == "crossval"
    assert told["rests_on"]["defective_parts"] == 15
    assert told["told_on"] == "test"
    assert {row["file"].split("/")[0] for row in rows_of(run / "gate" / "photos.csv")} == {"test"}


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--policy", "best"], "no such policy"),
        (["--policy", "manual"], "takes --threshold"),
        (["--threshold", "0.4"], "takes --threshold"),
        (["--reject-from", "0.4"], "needs --threshold"),
        (["--policy", "manual", "--threshold", "0.8", "--reject-from", "0.4"], "contradict"),
        (["--combine", "3/2"], "names no rule"),
        (["--calibration", "magic"], "no such calibration"),
        (["--calibration", "isotonic"], "does not fit"),
        (["--confidence", "95"], "--confidence"),
        (["--per", "box"], "--per"),
        (["--cost-miss", "-1"], "--cost-miss"),
        (["--combine", "5/9"], "no good part"),
        (["--policy", "min-cost"], "needs --defect-rate"),
        (["--review-load", "0.1"], "needs --defect-rate"),
        (["--policy", "auto", "--false-alarm-rate", "0.1"], "has its own REVIEW"),
    ],
)
def test_what_cannot_be_asked_is_told_in_words(
    castproof: Server, run: Path, tmp_path: Path, flags: list[str], told: str
) -> None:
    done = castproof.run(["decide", run, *flags], tmp_path)
    assert done.code == 1, done.text
    assert told in sentence(done.err)
    assert "Traceback" not in done.text
    assert not (run / "gate").exists()


def test_folders_that_are_no_run_are_told(castproof: Server, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    done = castproof.run(["decide", "photos"], tmp_path)
    assert done.code == 1
    assert "photos is no run and no cross-validation" in sentence(done.err)
