"""The seal of a model file: no bit of graph or card can change unnoticed."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from castproof.errors import ModelFileError
from castproof.modelfile.onnx_file import CARD_KEY
from castproof.modelfile.reading import read_model_file
from castproof.modelfile.seal import check_seal, sealed
from made_models import make_model_file


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model_file(tmp_path_factory.mktemp("seal") / "model.onnx")


def test_a_file_as_it_was_exported_is_read(file: Path) -> None:
    assert read_model_file(file).card.name


@settings(deadline=None, max_examples=60)
@given(st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_a_single_changed_bit_is_noticed(file: Path, place: float, bit: int) -> None:
    data = bytearray(file.read_bytes())
    at = int(place * len(data))
    data[at] ^= 1 << bit
    damaged = file.with_name("damaged.onnx")
    damaged.write_bytes(data)
    in_producer = b"castproof" in data[max(0, at - 12) : at + 12] and at < 64
    if (
        in_producer
    ):  # who made it and in which version stands before the graph, and means nothing to a verdict
        return
    with pytest.raises(ModelFileError):
        read_model_file(damaged)


@pytest.mark.parametrize("threshold", [0.0, 0.7, 0.999])
def test_thresholds_changed_by_hand_are_noticed(file: Path, tmp_path: Path, threshold: float) -> None:
    model = onnx.load(file)
    card = json.loads(model.metadata_props[0].value)
    card["gate"]["thresholds"] = {"threshold": threshold, "reject_from": 0.9995}
    card["examples"] = []
    helper.set_model_props(model, {CARD_KEY: json.dumps(card)})
    onnx.save(model, tmp_path / "changed.onnx")
    with pytest.raises(ModelFileError, match="changed after it was exported"):
        read_model_file(tmp_path / "changed.onnx")


def test_the_seal_is_of_graph_and_card_alone(file: Path) -> None:
    data, text = file.read_bytes(), json.dumps({"a": [1, 0.1], "ä": "ö"})
    whole = sealed(text, data, "x")
    check_seal(whole, data, "x")
    check_seal(sealed(whole, data, "x"), data, "x")
    with pytest.raises(ModelFileError):
        check_seal(whole.replace("0.1", "0.2"), data, "x")
    other = onnx.load_from_string(data)
    other.graph.initializer[0].raw_data = np.ones(8, np.float32).tobytes()
    with pytest.raises(ModelFileError):
        check_seal(whole, other.SerializeToString(), "x")
