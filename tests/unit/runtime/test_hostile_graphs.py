"""Graphs that ask for too much, fail, or give something else than they should: never ACCEPT, never a crash."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

import castproof
from castproof.errors import ModelFileError
from castproof.measure.decision import Verdict
from castproof.modelfile.card import Example
from made_models import casting, constant_answer, hand_made, png

MOST_MEMORY_MB = 400
OUTPUTS: dict[str, tuple[int, list[Any]]] = {
    "logit": (TensorProto.DOUBLE, [1]),
    "p_defective": (TensorProto.DOUBLE, [1]),
}
HALF = {"half": np.array([0.5])}
BOTH = [helper.make_node("Identity", ["half"], [name]) for name in OUTPUTS]
Maker = Callable[..., Path]

IN_A_PROCESS = """
import json, sys
import castproof
from castproof.errors import ModelFileError
said = ""
try:
    said = str(castproof.load(sys.argv[1]).inspect(sys.argv[2]).verdict)
except ModelFileError as error:
    said = type(error).__name__
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({"said": said, "peak_mb": int(status["VmHWM"].split()[0]) / 1024}))
"""


def example() -> Example:
    return Example("1.png", "", png(casting(1, 1)), 0.0, 0.4, Verdict.ACCEPT, None)


def table_of_a_column_and_a_row(path: Path, side: int, **changes: Any) -> Path:
    """Write a small model file whose graph multiplies a column by a row: side x side numbers."""
    nodes = [
        helper.make_node("Cast", ["image"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["levels"], ["level"], keepdims=0),
        helper.make_node("Mul", ["column", "level"], ["lit"]),
        helper.make_node("MatMul", ["lit", "row"], ["table"]),
        helper.make_node("ReduceMax", ["table"], ["most"], keepdims=0),
        helper.make_node("Reshape", ["most", "one"], ["flat"]),
        helper.make_node("Cast", ["flat"], ["logit"], to=TensorProto.DOUBLE),
        helper.make_node("Mul", ["logit", "nothing"], ["p_defective"]),
    ]
    numbers = {
        "column": np.ones((side, 1), np.float32),
        "row": np.ones((1, side), np.float32),
        "one": np.array([1], np.int64),
        "nothing": np.array([0.0]),
    }
    return hand_made(path, nodes, numbers, OUTPUTS, **changes)


def stored_table(path: Path, side: int, **changes: Any) -> Path:
    """Write one whose graph multiplies stored numbers alone, which could be done while it is opened."""
    nodes = [
        helper.make_node("MatMul", ["column", "row"], ["table"]),
        helper.make_node("ReduceMax", ["table"], ["most"], keepdims=0),
        helper.make_node("Reshape", ["most", "one"], ["flat"]),
        helper.make_node("Cast", ["flat"], ["logit"], to=TensorProto.DOUBLE),
        helper.make_node("Mul", ["logit", "nothing"], ["p_defective"]),
    ]
    numbers = {
        "column": np.ones((side, 1), np.float32),
        "row": np.ones((1, side), np.float32),
        "one": np.array([1], np.int64),
        "nothing": np.array([0.0]),
    }
    return hand_made(path, nodes, numbers, OUTPUTS, **changes)


def expanded(path: Path, side: int, **changes: Any) -> Path:
    """Write one whose graph repeats one number side x side times."""
    nodes = [
        helper.make_node("Expand", ["half", "shape"], ["table"]),
        helper.make_node("ReduceMax", ["table"], ["most"], keepdims=0),
        helper.make_node("Reshape", ["most", "one"], ["logit"]),
        helper.make_node("Identity", ["half"], ["p_defective"]),
    ]
    numbers = {**HALF, "shape": np.array([side, side], np.int64), "one": np.array([1], np.int64)}
    return hand_made(path, nodes, numbers, OUTPUTS, **changes)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("make", [table_of_a_column_and_a_row, stored_table, expanded])
@pytest.mark.parametrize("has_examples", [True, False])
@pytest.mark.parametrize("side", [16_384, 200_000])
def test_a_small_file_cannot_take_much_memory(
    tmp_path: Path, make: Maker, has_examples: bool, side: int
) -> None:
    path = make(tmp_path / "model.onnx", side, examples=(example(),) if has_examples else ())
    assert path.stat().st_size < 2_000_000
    photo = tmp_path / "photo.png"
    photo.write_bytes(png(casting(1, 1)))
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS, path, photo],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["said"] == ("ModelFileError" if has_examples else "NOT_INSPECTED")
    assert found["peak_mb"] < MOST_MEMORY_MB


def test_a_table_of_a_size_that_networks_need_is_no_reason_to_refuse(tmp_path: Path) -> None:
    model = castproof.load(table_of_a_column_and_a_row(tmp_path / "model.onnx", 1000))
    assert model.inspect(casting(1, 1)).p_defective == 0.0


@pytest.mark.parametrize(
    "image",
    [
        ("photo", TensorProto.UINT8, 3),
        ("image", TensorProto.FLOAT, 3),
        ("image", TensorProto.UINT8, 4),
        ("image", TensorProto.UINT8, 2),
    ],
)
def test_a_graph_with_another_input_is_refused(tmp_path: Path, image: tuple[str, int, int]) -> None:
    with pytest.raises(ModelFileError, match="inputs"):
        castproof.load(constant_answer(tmp_path / "model.onnx", 0.1, image=image))


@pytest.mark.parametrize("missing", list(OUTPUTS))
def test_a_graph_without_an_output_is_refused(tmp_path: Path, missing: str) -> None:
    outputs = {name: told for name, told in OUTPUTS.items() if name != missing}
    with pytest.raises(ModelFileError, match="outputs"):
        castproof.load(hand_made(tmp_path / "model.onnx", BOTH, HALF, outputs))


def wrong_reshape(path: Path, **changes: Any) -> Path:
    nodes = [
        helper.make_node("Reshape", ["image", "shape"], ["squeezed"]),
        helper.make_node("ReduceMax", ["squeezed"], ["most"], keepdims=0),
        *BOTH,
    ]
    outputs = {**OUTPUTS, "most": (TensorProto.UINT8, [])}
    nodes.append(helper.make_node("Cast", ["most"], ["novelty"], to=TensorProto.FLOAT))
    outputs["novelty"] = (TensorProto.FLOAT, [])
    return hand_made(path, nodes, {**HALF, "shape": np.array([7, 11], np.int64)}, outputs, **changes)


@pytest.mark.parametrize("has_examples", [True, False])
def test_a_graph_that_fails_on_a_photo_gives_no_verdict(tmp_path: Path, has_examples: bool) -> None:
    path = wrong_reshape(tmp_path / "model.onnx", examples=(example(),) if has_examples else ())
    refuse(path, "cannot judge a photo of 56 x 48", has_examples=has_examples)


@pytest.mark.parametrize("p", [1.5, -1e-9, np.nan, np.inf, -np.inf, 1 + 1e-9])
def test_what_is_no_probability_is_not_inspected(tmp_path: Path, p: float) -> None:
    one = castproof.load(constant_answer(tmp_path / "model.onnx", p)).inspect(casting(1, 1))
    assert one.verdict is Verdict.NOT_INSPECTED
    assert (one.p_defective, one.logit, one.label) == (None, None, "")
    assert one.reason


@pytest.mark.parametrize(
    ("p", "verdict"), [(0.0, Verdict.ACCEPT), (0.5, Verdict.REJECT), (1.0, Verdict.REJECT)]
)
def test_a_constant_answer_is_judged(tmp_path: Path, p: float, verdict: Verdict) -> None:
    assert (
        castproof.load(constant_answer(tmp_path / "model.onnx", p)).inspect(casting(1, 1)).verdict is verdict
    )


@pytest.mark.parametrize("shape", [(2,), (0,), (1, 2)])
@pytest.mark.parametrize("name", list(OUTPUTS))
def test_several_answers_or_none_are_refused(tmp_path: Path, shape: tuple[int, ...], name: str) -> None:
    nodes = [helper.make_node("Identity", ["many" if one == name else "half"], [one]) for one in OUTPUTS]
    outputs = {**OUTPUTS, name: (TensorProto.DOUBLE, list(shape))}
    path = hand_made(tmp_path / "model.onnx", nodes, {**HALF, "many": np.full(shape, 0.1)}, outputs)
    refuse(path, "cannot judge", has_examples=False)


@pytest.mark.parametrize("shape", [(0, 20), (20,), (1, 20, 20), (3, 3)])
@pytest.mark.parametrize("has_examples", [True, False])
def test_a_heat_map_of_another_shape_is_refused(
    tmp_path: Path, shape: tuple[int, ...], has_examples: bool
) -> None:
    nodes = [*BOTH, helper.make_node("Identity", ["heat"], ["heat_map"])]
    numbers = {**HALF, "heat": np.zeros(shape, np.float32)}
    outputs = {**OUTPUTS, "heat_map": (TensorProto.FLOAT, list(shape))}
    stored = Example("1.png", "", png(casting(1, 1)), 0.5, 0.5, Verdict.REJECT, 0.0)
    path = hand_made(
        tmp_path / "model.onnx", nodes, numbers, outputs, examples=(stored,) if has_examples else ()
    )
    refuse(path, "cannot judge", has_examples=has_examples)


def refuse(path: Path, words: str, *, has_examples: bool) -> None:
    """Check that a file is refused for its stored photo; or that, without one, no photo gets a verdict."""
    if has_examples:
        with pytest.raises(ModelFileError, match=words):
            castproof.load(path)
        return
    one = castproof.load(path).inspect(casting(1, 1))
    assert (one.verdict, one.p_defective) == (Verdict.NOT_INSPECTED, None)
    assert words in one.reason


def test_an_example_with_a_heat_map_needs_one_from_the_graph(tmp_path: Path) -> None:
    stored = Example("1.png", "", png(casting(1, 1)), 0.0, 0.2, Verdict.ACCEPT, 1.0)
    with pytest.raises(ModelFileError, match=r"This machine disagrees .* heat map is missing"):
        castproof.load(constant_answer(tmp_path / "model.onnx", 0.2, examples=(stored,)))
