"""The card of a model file: what is written is read, and anything else is refused in words."""

import base64
import copy
import json
import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castproof.errors import ModelFileError
from castproof.gate.calibrator import ISOTONIC, PLATT, Calibrator
from castproof.gate.combine import Combine
from castproof.gate.gate import Bound, Gate
from castproof.gate.policy import MANUAL, Policy
from castproof.measure.decision import Thresholds, Verdict
from castproof.modelfile.card import COLOUR, FORMAT, GREY, MOST_EXAMPLES, Card, Example, read_card
from castproof.modelfile.input_gate import NUMBERS, FalseAlarms, InputGate, Limit
from castproof.modelfile.references import LARGEST_REFERENCE_BYTES, MOST_REFERENCES, Reference

LOWER_ALONE, UPPER_ALONE = {"side"}, {"dark_share", "bright_share"}
INPUT_GATE = InputGate(
    size=(300, 200),
    limits=tuple(
        Limit(name, None if name in UPPER_ALONE else 0.5, None if name in LOWER_ALONE else 9.5, 1.0, 2.0)
        for name in NUMBERS
    ),
    novelty_limit=2.5,
    false_alarm_rate=0.01,
    false_alarms=FalseAlarms(0.004, 3, 800, 40),
)
GATE = Gate(
    Calibrator(PLATT, slope=1.3, offset=-0.2),
    Thresholds(0.4, 0.75),
    Policy(miss_rate=0.1, review_load=0.06, defect_rate=0.02),
    "lowest log loss",
    Bound(0.1, 0.95, "part", 0.03, 80, 900, 80.0),
)
EXAMPLES = (
    Example("Gußteil 1.png", "good", b"\x89PNG\x00\xff", -3.0, 0.1, Verdict.ACCEPT, 0.01),
    Example("2.png", "", b"", 0.5, 0.4, Verdict.REVIEW, None),
    Example("3.png", "defective", b"3", 4.0, 0.99, Verdict.REJECT, 4.5),
)
REFERENCES = (
    Reference("Gußteil 9.jpg", "part-0009", b"\xff\xd8\xff9"),
    Reference("8.png", "", b"\x89PNG\r\n\x1a\n"),
)
CARD = Card(
    name="Gehäuse 鋳物",
    good=("ok",),
    defective=("blow hole", "Riß"),
    size_px=224,
    colour=COLOUR,
    gate=GATE,
    input_gate=INPUT_GATE,
    examples=EXAMPLES,
    about={"results": {"ECE": "0.0179", "n": 3, "nothing": None}, "licence": {"model": "ours"}},
    references=REFERENCES,
)
DATA: dict[str, Any] = json.loads(CARD.to_text())
Path = tuple[str | int, ...]


def refusal(text: str) -> ModelFileError:
    with pytest.raises(ModelFileError) as caught:
        read_card(text, "gate.onnx")
    error = caught.value
    assert "gate.onnx" in error.problem
    assert all((error.rule, error.fix))
    assert len(str(error)) < 1000
    return error


def with_change(path: Path, value: Any) -> str:
    """Return the card as text with another value in one place."""
    data = copy.deepcopy(DATA)
    place_of(data, path[:-1])[path[-1]] = value
    return json.dumps(data)


def without(path: Path) -> str:
    data = copy.deepcopy(DATA)
    del place_of(data, path[:-1])[path[-1]]
    return json.dumps(data)


def place_of(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data


def places(data: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the place of every value."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in inner:
        yield (*path, step)
        yield from places(value, (*path, step))


PLACES = list(places(DATA))
HAVE_DEFAULTS = [
    ("gate", "policy", name) for name in vars(GATE.policy) if name not in ("combine", "thresholds")
]
KEYS = [
    path
    for path in PLACES
    if isinstance(path[-1], str)
    and path[:-1] not in (("about",), ("about", "results"), ("about", "licence"), ("gate", "policy", "costs"))
    and (path not in HAVE_DEFAULTS or path[-1] == "costs")
    and path not in (("references",), ("types",))
]


@pytest.mark.parametrize(
    "gate",
    [
        GATE,
        Gate.at(0.5),
        Gate(Calibrator(ISOTONIC, knot_logit=(-1.5, 2.0), knot_p=(0.1, 0.9)), GATE.thresholds, GATE.policy),
        Gate(
            Calibrator(),
            GATE.thresholds,
            Policy(MANUAL, thresholds=GATE.thresholds, combine=Combine.parse("2/3")),
        ),
    ],
)
@pytest.mark.parametrize("input_gate", [INPUT_GATE, None])
def test_what_is_written_is_read(gate: Gate, input_gate: InputGate | None) -> None:
    verdicts = [one.verdict for one in EXAMPLES] if gate.thresholds == GATE.thresholds else []
    examples = EXAMPLES if verdicts else ()
    card = Card("m", ("ok",), ("def",), 300, GREY, gate, input_gate, examples, CARD.about, REFERENCES)
    text = card.to_text()
    read = read_card(text, "gate.onnx")
    apart = {"examples": 0, "references": 0}
    assert vars(read) | apart == vars(card) | apart
    assert [vars(one) for one in read.references] == [vars(one) for one in REFERENCES]
    assert [vars(one) for one in read.examples] == [vars(one) for one in examples]
    assert text.isascii(), "any reader of ONNX metadata shows it as it is"
    assert read.to_text() == text


def test_thresholds_keep_every_digit() -> None:
    thresholds = Thresholds(0.1 + 0.2, math.nextafter(1.0, 0.0))
    card = Card("m", ("ok",), ("def",), 300, GREY, Gate(Calibrator(), thresholds, GATE.policy), None)
    assert read_card(card.to_text(), "gate.onnx").gate.thresholds == thresholds


@pytest.mark.parametrize("found", [FORMAT + 1, 0, -1, "1", None, [], {}, 1.5, "x" * 10_000])
def test_another_format_is_named(found: Any) -> None:
    error = refusal(with_change(("format",), found))
    assert f"format {FORMAT}" in error.rule
    assert str(found)[:5] in error.problem


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "{",
            "nonsense",
            "null",
            "true",
            "7",
            "[]",
            '"card"',
            "{}",
            '{"format": 1}',
            "NaN",
            "\ud800",
        ),
        *(
            "[" * 100_000,
            '{"a":' * 100_000,
            json.dumps([DATA]),
            "9" * 10_000,
            '{"format": ' + "9" * 10_000 + "}",
        ),
    ],
    ids=lambda text: text[:20],
)
def test_text_that_is_no_card_is_refused(text: str) -> None:
    refusal(text)


@pytest.mark.parametrize("path", KEYS, ids=lambda path: ".".join(map(str, path)))
def test_no_key_may_be_missing(path: Path) -> None:
    refusal(without(path))


WRONG: list[tuple[Path, Any]] = [
    (("classes", "good"), []),
    (("classes", "good"), "ok"),
    (("classes", "good"), [""]),
    (("classes", "good"), [1]),
    (("classes", "good"), {"ok": 1}),
    (("classes", "defective"), ["ok"]),
    (("classes", "defective"), ["Riß", "Riß"]),
    (("classes",), ["ok"]),
    (("size_px",), 0),
    (("size_px",), 4097),
    (("size_px",), "large"),
    (("size_px",), math.inf),
    (("size_px",), math.nan),
    (("size_px",), 10**400),
    (("colour",), "blue"),
    (("colour",), None),
    (("gate",), None),
    (("gate", "thresholds", "threshold"), 1.5),
    (("gate", "thresholds", "threshold"), math.nan),
    (("gate", "thresholds", "threshold"), 0.8),
    (("gate", "thresholds", "third"), 0.9),
    (("gate", "calibrator", "method"), "magic"),
    (("gate", "calibrator", "slope"), 0),
    (("gate", "calibrator", "slope"), -1),
    (("gate", "calibrator", "slope"), math.nan),
    (("gate", "calibrator", "slope"), 10**400),
    (("gate", "calibrator", "knot_logit"), [1.0]),
    (("gate", "policy", "name"), "luck"),
    (("gate", "policy", "combine"), "all"),
    (("gate", "policy", "combine"), 3),
    (("gate", "policy", "costs"), None),
    (("gate", "policy", "costs"), {"miss": "much"}),
    (("gate", "promise"), {}),
    (("gate", "promise", "at_most"), 2),
    (("input_gate", "limits"), []),
    (("input_gate", "novelty_limit"), 0),
    (("input_gate", "novelty_limit"), math.inf),
    (("input_gate", "size"), [300]),
    (("input_gate", "limits", 0, "low"), 5.0),
    (("input_gate", "limits", 0, "name"), "weight"),
    (("examples",), None),
    (("examples", 0), 1),
    (("examples", 0, "photo"), "not base64!"),
    (("examples", 0, "photo"), "äö"),
    (("examples", 0, "photo"), 5),
    (("examples", 0, "p_defective"), math.nan),
    (("examples", 0, "p_defective"), -0.1),
    (("examples", 0, "p_defective"), 1.1),
    (("examples", 0, "logit"), math.inf),
    (("examples", 0, "hottest"), math.nan),
    (("examples", 0, "verdict"), "REJECT"),
    (("examples", 0, "verdict"), "NOT_INSPECTED"),
    (("examples", 0, "verdict"), "PERHAPS"),
    (("examples", 0, "verdict"), ["ACCEPT"]),
    (("references",), None),
    (("references",), {"0": DATA["references"][0]}),
    (("references", 0), "photo"),
    (("references", 0, "photo"), "not base64!"),
    (("references", 0, "photo"), ""),
    (("references", 0, "photo"), base64.b64encode(b"GIF89a").decode()),
    (("references", 0, "photo"), base64.b64encode(b"\xff\xd8\xff" + bytes(LARGEST_REFERENCE_BYTES)).decode()),
    (("about",), "words"),
    (("about",), None),
    (("about",), 3),
    (("about", "results", "n"), math.nan),
    (("about", "results", "n"), -math.inf),
]


@pytest.mark.parametrize(("path", "value"), WRONG, ids=lambda one: str(one)[:40])
def test_a_wrong_value_is_refused(path: Path, value: Any) -> None:
    refusal(with_change(path, value))


def test_too_many_examples_are_refused() -> None:
    read_card(with_change(("examples",), DATA["examples"][:1] * MOST_EXAMPLES), "gate.onnx")
    refusal(with_change(("examples",), DATA["examples"][:1] * (MOST_EXAMPLES + 1)))


def test_too_many_references_are_refused() -> None:
    read_card(with_change(("references",), DATA["references"][:1] * MOST_REFERENCES), "gate.onnx")
    refusal(with_change(("references",), DATA["references"][:1] * (MOST_REFERENCES + 1)))


def test_a_card_from_before_there_were_references_has_none() -> None:
    assert read_card(without(("references",)), "gate.onnx").references == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def change(data: Any, path: Path, is_deleted: bool, value: Any) -> None:
    with suppress(KeyError, IndexError, TypeError):  # an earlier change may have taken that place away
        inside = place_of(data, path[:-1])
        if is_deleted:
            del inside[path[-1]]
        else:
            inside[path[-1]] = value


@settings(deadline=None, max_examples=400)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.booleans(), JSON), min_size=1, max_size=4))
def test_no_change_ends_in_anything_but_a_sound_card_or_a_refusal(
    changes: list[tuple[Path, bool, Any]],
) -> None:
    data = copy.deepcopy(DATA)
    for path, is_deleted, value in changes:
        change(data, path, is_deleted, value)
    try:
        card = read_card(json.dumps(data), "gate.onnx")
    except ModelFileError:
        return
    assert 0 <= card.gate.thresholds.threshold <= card.gate.thresholds.reject_from <= 1
    assert all(card.gate.verdict(one.p_defective) is one.verdict for one in card.examples)
    assert read_card(card.to_text(), "gate.onnx").to_text() == card.to_text(), "it can be shown and written"


@settings(deadline=None, max_examples=200)
@given(st.integers(0, len(CARD.to_text())), st.binary(max_size=3), st.integers(0, 3))
def test_damaged_text_is_read_or_refused(at: int, instead: bytes, length: int) -> None:
    text = CARD.to_text()
    damaged = text[:at] + instead.decode("latin-1") + text[at + length :]
    with suppress(ModelFileError):
        read_card(damaged, "gate.onnx")
