"""`castproof report`: one file from a run, whatever was decided and whatever became of its photos."""

import json
import re
import shutil
from pathlib import Path

import pytest
from castproof_process import Server
from small_run import COUNTS, Trained

from castproof.apps.cli.report import decide_words
from castproof.gate.combine import Combine
from castproof.gate.policy import MANUAL, MIN_COST, Costs, Policy
from castproof.measure.decision import Thresholds
from castproof.pipeline.decide import Asked
from made_runs import write_crossval

REPORT = "report.html"


@pytest.fixture
def run(trained: Trained, tmp_path: Path) -> Path:
    """Return a copy of a run, to decide in."""
    return shutil.copytree(trained.run, tmp_path / "run")


def page_of(folder: Path) -> str:
    return (folder / "gate" / REPORT).read_text(encoding="utf-8")


def words(text: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", text.partition("<script")[0]).split())


def test_a_run_without_a_gate_is_reported_with_its_own_threshold(
    castproof: Server, run: Path, tmp_path: Path
) -> None:
    done = castproof.run(["report", run], tmp_path)
    assert done.code == 0, done.text
    assert f"castproof decide {run}" in done.out
    assert [path.name for path in (run / "gate").iterdir()] == [REPORT]
    text = words(page_of(run))
    assert "No gate was decided: this report shows the run with its own threshold." in text
    tuned = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["threshold"]
    assert f"ACCEPT p_defective &lt; {tuned:.4g}" in text
    assert "The threshold was tuned on the validation photos" in text
    assert f"test photos of {COUNTS['test']} defective parts" in text


def test_a_gate_is_reported_as_decided(castproof: Server, run: Path, tmp_path: Path) -> None:
    asked = ["--miss-rate", "0.4", "--review-load", "0.3", "--defect-rate", "0.02"]
    assert castproof.run(["decide", run, *asked], tmp_path).code == 0
    done = castproof.run(["report", run, "--out", "handed over.html"], tmp_path)
    assert done.code == 0, done.text
    assert not (run / "gate" / REPORT).exists()
    html = (tmp_path / "handed over.html").read_text(encoding="utf-8")
    assert "At most 40% of defective parts pass this gate, with 95% confidence" in words(html)
    assert 'alt="Heat map of ' in html
    lines = re.findall("<pre>(.*?)</pre>", html, re.DOTALL)[0].splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["castproof", name] for name in ("train", "decide", "report")
    ]
    kept = (run / "gate" / "gate.json").read_bytes()
    again = castproof.run(lines[1].split()[1:], tmp_path)
    assert again.code == 0, again.text
    assert (run / "gate" / "gate.json").read_bytes() == kept


def test_the_head_and_the_foot_are_those_of_the_user(castproof: Server, run: Path, tmp_path: Path) -> None:
    odd = "<script>alert(1)</script> & \u202eflow"
    asked = ["--title", odd, "--product", "Housing 4711", "--line", "3", "--author", "J. K."]
    signers = ["A. Nowak, quality", "<b>Customer</b>"]
    words_of_signers = [word for name in signers for word in ("--sign", name)]
    done = castproof.run(["report", run, *asked, *words_of_signers], tmp_path)
    assert done.code == 0, done.text
    html = page_of(run)
    head, _, rest = html.partition("<main>")
    shown = "&lt;script&gt;alert(1)&lt;/script&gt; &amp; \u202eflow"
    assert f"<title>{shown}</title>" in head
    assert f"<h1><bdi>{shown}</bdi></h1>" in head
    assert re.findall("<dt>(.*?)</dt><dd><bdi>(.*?)</bdi>", head) == [
        ("Product", "Housing 4711"),
        ("Line", "3"),
        ("Author", "J. K."),
    ]
    _, _, foot = rest.partition('<table class="signatures">')
    assert re.findall("<tr><td><bdi>(.*?)</bdi></td><td></td><td></td></tr>", foot) == [
        "A. Nowak, quality",
        "&lt;b&gt;Customer&lt;/b&gt;",
    ]
    assert "<script>alert" not in html
    assert castproof.run(["report", run], tmp_path).code == 0
    assert "signatures" not in page_of(run).partition("<main>")[2]


def test_photos_that_vanished_are_told_and_stop_nothing(
    castproof: Server, run: Path, tmp_path: Path, trained: Trained
) -> None:
    photos = trained.data / "test"
    hidden = photos.rename(tmp_path / "elsewhere")
    try:
        done = castproof.run(["report", run], tmp_path)
    finally:
        hidden.rename(photos)
    assert done.code == 0, done.text
    html = page_of(run)
    assert "not readable" in html
    assert f"{2 * COUNTS['test']} photos can no longer be read, 0 have another content" in words(html)
    assert html.count("<img") == 0


def test_a_crossvalidation_is_reported(castproof: Server, tmp_path: Path) -> None:
    home = write_crossval(tmp_path, aside=4)
    done = castproof.run(["report", "cv"], tmp_path)
    assert done.code == 0, done.text
    text = words(page_of(home))
    assert "sister networks" in text
    assert "4 photos with a doubtful label, not judged" in text
    command = re.findall("<pre>(.*)\n", page_of(home))[0]
    assert command.startswith("castproof crossval ")
    assert "--weights none" in command
    assert command.endswith("--folds 3 --set-aside")


@pytest.mark.parametrize("broken", ["no run", "incomplete", "gate"])
def test_what_cannot_be_reported_is_told(castproof: Server, run: Path, tmp_path: Path, broken: str) -> None:
    if broken == "no run":
        run = tmp_path
    elif broken == "incomplete":
        (run / "metrics.json").unlink()
    else:
        (run / "gate").mkdir()
        (run / "gate" / "gate.json").write_text("{}")
    done = castproof.run(["report", run], tmp_path)
    assert done.code == 1
    assert "could not go on" in done.err
    assert "Traceback" not in done.text
    assert not (run / "gate" / REPORT).exists()


@pytest.mark.parametrize(
    "asked",
    [
        Asked(Policy()),
        Asked(Policy(miss_rate=0.01, confidence=0.9, per="photo", review_load=0.0, false_alarm_rate=0.1)),
        Asked(Policy(MIN_COST, costs=Costs(200, 3.5, 0), defect_rate=0.01, combine=Combine.parse("2/3"))),
        Asked(Policy(MANUAL, thresholds=Thresholds(0.123456789012345, 0.9)), "none", Path("/a b/cv"), 7),
        Asked(Policy(MANUAL, thresholds=Thresholds.single(0.5))),
    ],
)
def test_the_command_that_is_told_asks_the_same(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    from castproof.apps.cli.main import app
    from castproof.pipeline import decide as pipeline

    heard: list[Asked] = []

    def hear(run: Path, given: Asked) -> None:
        heard.append(given)
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "decide", hear)
    CliRunner().invoke(app, decide_words(tmp_path, asked))
    assert heard == [asked]
