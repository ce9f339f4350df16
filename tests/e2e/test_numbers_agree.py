"""No two numbers of one run disagree, wherever it is told: screens, report, card, CSV and JSON."""

import re
import shutil
from pathlib import Path

import pytest
from castproof_process import Server
from run_numbers import (
    Numbers,
    of_card,
    of_card_screen,
    of_comparison,
    of_explored,
    of_gate_json,
    of_metrics,
    of_metrics_json,
    of_page,
    of_photos,
    of_screen,
    read_json,
    rows_of,
    span,
    text_of,
)
from small_run import Trained

ASKED = ("--miss-rate", "0.5", "--review-load", "0.2", "--defect-rate", "0.05")
EVERYWHERE = (
    *(
        f"{kind} {verdict}: {quantity}"
        for kind in ("defective", "good")
        for verdict in ("ACCEPT", "REVIEW", "REJECT")
        for quantity in ("share", "photos hit", "photos all", "parts hit", "parts all")
    ),
    "ECE",
)
ON_PAGES = {
    *(
        f"{kind} {verdict}: {end}"
        for kind in ("defective", "good")
        for verdict in ("ACCEPT", "REVIEW", "REJECT")
        for end in ("low", "high", "effective")
    ),
    "accept below",
    "reject from",
    "MCE",
    "Brier",
    "log loss",
    "REVIEW load",
    "cost per part",
    "evidence: defective parts",
    "evidence: good photos",
    "good not passed: share",
    "Brier of parts",
    "macro-F1",
}
PROMISED = {
    "promise",
    "confidence",
    "promise: passed",
    "promise none: threshold",
    "promise none: good passed",
}


def told_of(castproof: Server, run: Path, tmp_path: Path) -> tuple[Numbers, list[str], str]:
    """Return every number of a run that is decided, reported, exported and compared, all texts, and the report."""
    copy = shutil.copytree(run, tmp_path / "copy")
    texts = {}
    for name, command in {
        "decide": ["decide", run, *ASKED, "--full"],
        "decide copy": ["decide", copy, *ASKED],
        "report": ["report", run],
        "export": ["export", run, "-o", "m.onnx"],
        "card": ["card", "m.onnx", "--full"],
        "compare": ["compare", run, copy, "--json", "compared.json"],
    }.items():
        done = castproof.run(command, tmp_path)
        assert done.code == 0, done.text
        texts[name] = done.out
    page = (run / "gate" / "report.html").read_text(encoding="utf-8")
    card = castproof.run(["card", "m.onnx", "--json"], tmp_path).out
    (tmp_path / "card.json").write_text(card, encoding="utf-8")
    gate, photos = read_json(run / "gate" / "gate.json"), rows_of(run / "gate" / "photos.csv")
    numbers = Numbers()
    of_gate_json(numbers, "gate.json", gate)
    of_photos(numbers, "photos.csv", photos)
    of_screen(numbers, "screen of decide", texts["decide"])
    of_screen(numbers, "screen of report", texts["report"])
    of_page(numbers, "report", page)
    if gate["told_on"] != "test":
        of_explored(numbers, "explorer from gate.json and photos.csv", gate["gate"], photos)
    of_card(numbers, "card", read_json(tmp_path / "card.json")["about"])
    of_card_screen(numbers, "screen of card", texts["card"])
    of_comparison(numbers, "compare", texts["compare"], read_json(tmp_path / "compared.json"))
    return numbers, [*texts.values(), text_of(page)], page


def check_told(numbers: Numbers) -> None:
    """Check that the numbers were found at all: where nothing is read, nothing disagrees."""
    surfaces = {"gate.json", "photos.csv", "screen of decide", "report", "card", "screen of card"}
    for quantity in EVERYWHERE:
        assert surfaces <= set(numbers.told[quantity]), (quantity, surfaces - set(numbers.told[quantity]))
    for quantity in ON_PAGES | PROMISED:
        assert len(numbers.told[quantity]) >= 2, (quantity, numbers.told[quantity])


def check_style(texts: list[str]) -> None:
    """Check that percentages are written in one way."""
    for text in texts:
        shares = re.findall(r"\S*\d\s?%", text)
        assert len(shares) or "%" not in text
        assert [one for one in shares if not re.search(r"(^|[^\d.,])[<>≤]?\d{1,3}(\.\d{1,2})?%$", one)] == []


def test_out_of_fold(castproof: Server, learnt_from_all: Trained, tmp_path: Path) -> None:
    run = shutil.copytree(learnt_from_all.run, tmp_path / "run")
    before = Numbers()
    of_gate_json(before, "gate.json", read_json(run / "gate" / "gate.json"))
    of_photos(before, "photos.csv", rows_of(run / "gate" / "photos.csv"))
    of_screen(before, "screen of train", learnt_from_all.done.out)
    assert before.clashes == []
    missed = before.told["defective ACCEPT: share"]
    assert set(missed) == {"gate.json", "photos.csv"}
    of_thousand = f"per 1,000 defective parts: {1000 * missed['gate.json'][0]:,.0f} missed."
    assert of_thousand in " ".join(learnt_from_all.done.out.split())
    numbers, texts, page = told_of(castproof, run, tmp_path)
    assert numbers.clashes == []
    check_told(numbers)
    check_style([*texts, learnt_from_all.done.out])
    explored = numbers.told["good REJECT of the evidence: share"]
    assert set(explored) == {"report", "explorer from gate.json and photos.csv"}
    for word in ("missed", "false alarm", "good, ACCEPT"):
        at = page.index(word)
        share = re.compile(r"\d+\.\d%").search(page, at)
        assert share is not None
        doctored = page[: share.start()] + "12.3%" + page[share.end() :]
        of_page(found := Numbers(), "report", doctored)
        of_gate_json(found, "gate.json", read_json(run / "gate" / "gate.json"))
        assert found.clashes, f"another share beside {word} is noticed"


@pytest.fixture(scope="module")
def on_test_photos(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(trained.run, tmp_path_factory.mktemp("split") / "run")


def test_on_test_photos(castproof: Server, on_test_photos: Path, tmp_path: Path) -> None:
    numbers, texts, _ = told_of(castproof, on_test_photos, tmp_path)
    assert numbers.clashes == []
    check_told(numbers)
    check_style(texts)


def test_metrics_of_every_split(castproof: Server, trained: Trained, tmp_path: Path) -> None:
    """The screen of training, that of evaluate, metrics.json and the gate at one threshold tell the same."""
    run = shutil.copytree(trained.run, tmp_path / "run")
    numbers = Numbers()
    content = read_json(run / "metrics.json")
    for column, (split, metrics) in enumerate(content["splits"].items(), start=1):
        own = Numbers()
        of_metrics(own, f"screen of train, {split}", trained.done.out, column)
        of_metrics_json(own, f"metrics.json, {split}", metrics)
        assert own.clashes == []
        assert len(own.told["metric recall"]) == 2
    of_metrics_json(numbers, "metrics.json", content["splits"]["test"])
    done = castproof.run(["evaluate", run, "--data", trained.data], tmp_path)
    assert done.code == 0, done.text
    check_style([done.out, trained.done.out])
    names = next(line for line in done.out.splitlines() if "test" in line and "┃" in line)
    column = [cell.strip() for cell in names.strip("┃").split("┃")].index("test")
    of_metrics(numbers, "screen of evaluate", done.out, column)
    assert numbers.clashes == []
    assert len(numbers.told["metric tp"]) == 2


def test_what_is_written_is_read_as_what_it_can_mean() -> None:
    assert span("100%") == (1, 1)
    assert span("0%") == (0, 0)
    assert span("1,148") == (1148, 1148)
    low, high = span("27.8%")
    assert low < 0.2775 + 1e-9 < 0.2785 - 1e-9 < high
    assert span(">99.9%")[0] == pytest.approx(0.999)
    numbers = Numbers()
    numbers.add("a", "share", "27.8%")
    numbers.add("b", "share", 0.27777)
    assert numbers.clashes == []
    numbers.add("c", "share", 0.2786)
    assert len(numbers.clashes) == 2
