"""The words of the inspector's window."""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from made_inspections import CUTS, ROOT, rules, shares
from made_verdicts import made

from castproof.measure.decision import VERDICTS, Thresholds, Verdict
from castproof.modelfile.input_gate import NUMBERS, Limit
from castproof.modelfile.photo_numbers import photo_numbers
from castproof.pipeline.inspecting.judgements import Tally
from castproof.pipeline.inspecting.telling import (
    PENDING_SYMBOL,
    SYMBOLS,
    class_mapping,
    decided_words,
    figures,
    match_word,
    tally_words,
    threshold_words,
    truth_words,
    verdict_meaning,
    warning_words,
)
from castproof.pipeline.predicting.prediction import Prediction
from castproof.pipeline.predicting.walk import Unit
from castproof.translation import languages, use_language

NOVELTY = "unlike the training photos (object, place, background or light): novelty 9.1, at most 3.2"


@pytest.fixture
def _in_english() -> Iterator[None]:
    yield
    use_language("en")


def predicted(folder: str, p: float | None, cuts: Thresholds = CUTS) -> Prediction:
    """Return a prediction on a photo in `folder`."""
    path = ROOT / folder / "a.png"
    return rules(cuts).prediction(Unit(0, "a.png", path, (path,)), np.nan if p is None else p)


def test_verdicts_are_told_apart_without_colour() -> None:
    assert len({*SYMBOLS.values(), PENDING_SYMBOL}) == len(VERDICTS) + 1
    assert len({verdict_meaning(one) for one in (*VERDICTS, None)}) == len(VERDICTS) + 1


def test_which_class_is_positive_is_said() -> None:
    assert class_mapping(("ok", "fine"), ("crack",)) == "Defective (positive) = crack · Good = ok, fine"


def test_thresholds_are_said_as_inequalities() -> None:
    assert threshold_words(Thresholds(0.25, 0.75)) == "ACCEPT < 0.25 ≤ REVIEW < 0.75 ≤ REJECT"
    assert threshold_words(Thresholds.single(0.12345678)) == "ACCEPT < 0.1235 ≤ REJECT"
    assert threshold_words(Thresholds(0.999951, 0.999991)) == "ACCEPT < 0.999951 ≤ REVIEW < 0.999991 ≤ REJECT"


@pytest.mark.parametrize(
    ("folder", "p", "words"),
    [
        ("ok", 0.1, "ground truth: ok (good) → ACCEPT → MATCH ✔"),
        ("ok", 0.75, "ground truth: ok (good) → REJECT → MISMATCH ✖"),
        ("crack", 0.1, "ground truth: crack (defective) → ACCEPT → MISMATCH ✖"),
        ("blowhole", 0.9, "ground truth: blowhole (defective) → REJECT → MATCH ✔"),
        ("crack", 0.25, "ground truth: crack (defective) → REVIEW"),
        ("ok", None, "ground truth: ok (good) → NOT_INSPECTED"),
        ("scrap", 0.9, ""),
    ],
)
def test_verdict_and_folder_are_compared_in_words(folder: str, p: float | None, words: str) -> None:
    prediction = predicted(folder, p)
    assert truth_words(prediction) == words
    assert match_word(prediction) == (words.split(" → ")[2] if words.count("→") == 2 else "")


@given(shares, shares)
@settings(deadline=None)
def test_figures_are_those_of_the_verdict(p: float, threshold: float) -> None:
    found = dict(figures(predicted("ok", p, Thresholds.single(threshold)), 12.34))
    assert list(found) == ["Label", "p(DEF)", "p(OK)", "Confidence", "Time"]
    assert found["Label"] == ("defective" if p >= threshold else "good")
    assert abs(float(found["p(DEF)"]) - p) <= 5e-5
    assert abs(float(found["p(OK)"]) - (1 - p)) <= 5e-5
    confidence = float(found["Confidence"].strip("<>%")) / 100
    assert abs(confidence - (p if p >= threshold else 1 - p)) <= 1e-3
    assert found["Time"] == "12.3 ms"


def test_there_are_no_figures_without_a_number_and_no_time_that_was_not_measured() -> None:
    assert figures(predicted("ok", None), 12.34) == []
    assert [name for name, _ in figures(predicted("ok", 0.5), None)][-1] == "Confidence"


def test_counts_are_said_only_where_they_mean_something() -> None:
    plain = Tally(1200, 3, 4, 0, 9, 0, 0, 0, 0, 0)
    assert tally_words(plain) == "ACCEPT 1,200 · REVIEW 3 · REJECT 4"
    whole = replace(plain, not_inspected=2, defective=7, good=1100, missed=1, false_alarms=5, unlike=6)
    assert tally_words(whole).split("\n") == [
        "ACCEPT 1,200 · REVIEW 3 · REJECT 4 · NOT_INSPECTED 2",
        "Missed defects: 1 of 7",
        "False alarms: 5 of 1,100",
        "Unlike the training photos: 6",
    ]


@pytest.mark.parametrize(
    ("verdict", "decided", "first"),
    [
        (Verdict.ACCEPT, Verdict.ACCEPT, "✔ good, confirmed: Żaneta"),
        (Verdict.ACCEPT, Verdict.REJECT, "✖ defective, overruled: Żaneta"),
        (Verdict.REJECT, Verdict.ACCEPT, "✔ good, overruled: Żaneta"),
        (Verdict.REVIEW, Verdict.REJECT, "✖ defective, decided: Żaneta"),
        (Verdict.NOT_INSPECTED, Verdict.ACCEPT, "✔ good, decided: Żaneta"),
    ],
)
def test_what_the_inspector_said_names_who_and_how(verdict: Verdict, decided: Verdict, first: str) -> None:
    said = made(decided=decided, verdict=verdict, reason="", comment="")
    assert decided_words(said) == first
    assert decided_words(replace(said, reason="pore")) == f"{first}\npore"
    assert decided_words(replace(said, reason="pore", comment="left")) == f"{first}\npore · left"


def warnings() -> list[str]:
    """Return one warning of every kind that the input gate gives."""
    numbers = photo_numbers(np.full((30, 40), 90, np.uint8))
    limits = [Limit(name, *ends, 0.1, 0.9) for name in NUMBERS for ends in ((1e9, None), (None, -1e9))]
    limits = [one for one in limits if not (one.name == "side" and one.low is None)]
    return [*(one.reason(numbers, (300, 300)) for one in limits), NOVELTY]


def test_warnings_are_left_as_they_are_in_english() -> None:
    assert [warning_words(one) for one in warnings()] == warnings()


@pytest.mark.usefixtures("_in_english")
@pytest.mark.parametrize("language", [code for code in languages() if code != "en"])
def test_no_english_word_of_a_warning_is_left_in_another_language(language: str) -> None:
    for warning in warnings():
        use_language(language)
        translated = warning_words(warning)
        english = {word.casefold() for word in re.findall(r"[a-z]{4,}", warning, re.IGNORECASE)}
        left = english & {word.casefold() for word in re.findall(r"\w{4,}", translated)}
        assert not left, translated
        assert re.findall(r"[0-9.]+", translated) == re.findall(r"[0-9.]+", warning)
