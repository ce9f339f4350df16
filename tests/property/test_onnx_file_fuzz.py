"""Whatever the bytes are, they give metadata or a ModelFileError; what onnx finds outside a file, is refused."""

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import GraphProto, ModelProto, TensorProto, external_data_helper, helper, numpy_helper

from castproof.errors import ModelFileError
from castproof.modelfile.onnx_file import check_onnx
from castproof.modelfile.onnx_messages import ALLOWED_OPS, STANDARD_DOMAINS

METADATA = {"castproof": '{"format": 1}', "author": "me"}


def _model(external: bool = False) -> bytes:
    weights = numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(2, 3), "w")
    constant = numpy_helper.from_array(np.int64([1, -1, 3]))
    if external:
        weights.ClearField("raw_data")
        external_data_helper.set_external_data(constant, "secret")
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["y"]),
        helper.make_node("Constant", [], ["c"], value=constant),
        helper.make_node("Constant", [], ["d"], value_ints=[1, 300]),
        helper.make_node("Clip", ["y"], ["z"], doc_string="kept"),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])]
    outputs = [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 3])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, METADATA)
    return bytes(model.SerializeToString())


SOUND = _model()
SEEDS = [SOUND, _model(external=True)]
PIECES = [  # fields, headers and numbers that matter, to be put anywhere
    b"\x70\x01",  # data_location = EXTERNAL
    b"\x6a\x0c\x0a\x08location\x12\x00",  # external_data
    b"\x09\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x3a\x00",
    b"\x0b\x0c",
    b"\xc8\x01\x00",
    b"\x22\x04Loop",
    b"\x3a\x09com.other",
]


def _outcome(data: bytes) -> dict[str, str] | None:
    """Return the metadata, or None where `data` is refused in the way that it should be."""
    try:
        metadata = check_onnx(data, "gate.onnx")
    except ModelFileError:
        return None
    _agrees_with_onnx(data, metadata)
    return metadata


def _tensors(graph: GraphProto) -> list[TensorProto]:
    attributes = [attribute for node in graph.node for attribute in node.attribute]
    assert not any(attribute.HasField("g") or attribute.graphs for attribute in attributes)
    constants = [tensor for attribute in attributes for tensor in [attribute.t, *attribute.tensors]]
    return [*graph.initializer, *constants]


def _agrees_with_onnx(data: bytes, metadata: dict[str, str]) -> None:
    """Assert that onnx reads a model without anything that castproof refuses, if it can read it at all."""
    try:
        model = ModelProto.FromString(data)
    except DecodeError:  # onnx wants UTF-8 in names, too
        return
    assert {entry.key: entry.value for entry in model.metadata_props} == metadata
    assert {node.domain for node in model.graph.node} <= STANDARD_DOMAINS
    assert {node.op_type for node in model.graph.node} <= ALLOWED_OPS
    assert not model.functions
    assert not model.training_info
    assert not model.graph.sparse_initializer
    for tensor in _tensors(model.graph):
        assert not external_data_helper.uses_external_data(tensor)
        assert not tensor.external_data
        if tensor.data_type:
            values = numpy_helper.to_array(tensor)
            assert values.shape == tuple(tensor.dims)


def test_a_model_cut_anywhere_is_refused_or_lacks_its_last_metadata() -> None:
    for length in range(len(SOUND)):
        metadata = _outcome(SOUND[:length])
        assert metadata is None or metadata.items() < METADATA.items()
    assert _outcome(SOUND) == METADATA


def test_every_flipped_bit_gives_metadata_or_an_error() -> None:
    assert all(_outcome(seed) is None for seed in SEEDS[1:])
    for place in range(len(SOUND)):
        for bit in range(8):
            _outcome(SOUND[:place] + bytes([SOUND[place] ^ 1 << bit]) + SOUND[place + 1 :])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused(data: bytes) -> None:
    assert _outcome(data) is None
    assert _outcome(b"\x08\x08" + data) is None


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(
        st.tuples(st.integers(0, 2**12), st.sampled_from(PIECES) | st.binary(max_size=8), st.booleans())
    ),
)
def test_spliced_pieces_give_metadata_or_an_error(
    seed: bytes, splices: list[tuple[int, bytes, bool]]
) -> None:
    data = seed
    for position, piece, replaces in splices:
        place = position % (len(data) + 1)
        data = data[:place] + piece + data[place + len(piece) * replaces :]
    _outcome(data)


def _field(number: int, content: bytes) -> bytes:
    assert max(number, len(content) >> 7) < 128
    return (
        bytes([number << 3 & 0x7F | 0x82, number >> 4, len(content) & 0x7F | 0x80, len(content) >> 7])
        + content
    )


NESTED = st.recursive(
    st.sampled_from([b"", b"\x08\x01", b"\x10\x01", b"\x70\x01", b"Conv", b"Loop"]),
    lambda inner: st.lists(st.tuples(st.integers(1, 26), inner), max_size=4).map(
        lambda parts: b"".join(_field(number, content) for number, content in parts)
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(NESTED)
def test_well_formed_messages_of_any_fields_give_metadata_or_an_error(message: bytes) -> None:
    _outcome(SOUND + message)
    _outcome(b"\x08\x08\x42\x02\x10\x11" + _field(7, b"\x0a\x06\x22\x04Relu" + message))


@pytest.mark.parametrize("number", [1, 4, 5, 6, 11])
def test_no_depth_of_nesting_exhausts_the_stack(number: int) -> None:
    data = b""
    for _ in range(4000):
        data = _long_field(number, data)
    assert _outcome(b"\x08\x08" + _long_field(7, data)) is None


def _long_field(number: int, content: bytes) -> bytes:
    length = len(content)
    groups = [length >> shift & 0x7F | 0x80 for shift in (0, 7, 14)] + [length >> 21]
    return bytes([number << 3 | 2, *groups]) + content


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_onnx_finds_in_another_file_is_refused(data: st.DataObject) -> None:
    """Puts the marks of external data into random places of every message of a sound model."""
    model = ModelProto.FromString(SOUND)
    tensor = data.draw(st.sampled_from([model.graph.initializer[0], model.graph.node[1].attribute[0].t]))
    if data.draw(st.booleans()):
        tensor.data_location = TensorProto.EXTERNAL
    for key in data.draw(st.lists(st.sampled_from(["location", "offset", "length"]), max_size=3)):
        tensor.external_data.add(key=key, value=data.draw(st.text(max_size=5)))
    marked = tensor.data_location == TensorProto.EXTERNAL or bool(tensor.external_data)
    assert (_outcome(model.SerializeToString()) is None) == marked
