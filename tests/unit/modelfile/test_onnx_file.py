"""Which files pass as a model file; files made and read by the onnx package and onnxruntime are the reference."""

import io
import os
import pickle
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import AttributeProto, ModelProto, SparseTensorProto, TensorProto, compose, helper, numpy_helper
from PIL import Image

from castproof.errors import ModelFileError
from castproof.model.network import NetworkSpec, build_network
from castproof.model.onnx_export import features_to_onnx
from castproof.modelfile import onnx_file
from castproof.modelfile.onnx_file import card_text, check_onnx, read_model_bytes, sha256_of
from castproof.preprocess import PreprocessSpec

METADATA = {"castproof": '{"format": 1}', "Größe": "ü", "empty": ""}
WEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3)
Change = Callable[[ModelProto], None]


def small_model(change: Change | None = None) -> ModelProto:
    """Return a sound model of three nodes with an initializer and a constant, changed by `change`."""
    constant = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.float32([1, 2, 3])))
    product = helper.make_node("MatMul", ["x", "w"], ["xw"])
    reduced = helper.make_node("ReduceMean", ["xwc"], ["y"], axes=[1], keepdims=0)
    nodes = [constant, product, helper.make_node("Add", ["xw", "c"], ["xwc"]), reduced]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])]
    graph = helper.make_graph(nodes, "small", inputs, outputs, [numpy_helper.from_array(WEIGHTS, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, METADATA)
    if change:
        change(model)
    return model


def refusal(data: bytes) -> ModelFileError:
    """Return the error with which `data` is refused, in four parts."""
    with pytest.raises(ModelFileError) as caught:
        check_onnx(data, "gate.onnx")
    error = caught.value
    assert error.problem.startswith("gate.onnx ")
    assert all((error.rule, error.found, error.fix))
    return error


def test_a_sound_model_passes_and_its_metadata_are_those_that_onnx_reads() -> None:
    data = small_model().SerializeToString()
    onnx.checker.check_model(data)
    onnxruntime.InferenceSession(data)
    read = {entry.key: entry.value for entry in onnx.load_model_from_string(data).metadata_props}
    assert check_onnx(data, "gate.onnx") == read == METADATA


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("features", ["last", "middle"])
@pytest.mark.parametrize("model", ["mobilenet", "mobilenet_v2"])
def test_exported_networks_pass(model: str, features: str) -> None:
    network = build_network(NetworkSpec(model, 0.5, PreprocessSpec(32), features), seed=1)
    exported = onnx.load_model_from_string(features_to_onnx(network))
    helper.set_model_props(exported, METADATA)
    assert check_onnx(exported.SerializeToString(), "gate.onnx") == METADATA


def test_a_file_that_is_cut_off_is_refused() -> None:
    data = small_model().SerializeToString()
    assert "bytes longer" in refusal(data[:-3]).found
    assert "no network" in refusal(b"").found
    assert "no network" in refusal(data[:2]).found


def test_joined_models_that_name_the_same_operators_twice_pass() -> None:
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])]
    outputs = [helper.make_tensor_value_info("scaled", TensorProto.FLOAT, ["n", 2])]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["scaled"])], "first", inputs, outputs)
    opsets = [helper.make_opsetid("", 17)]
    first = compose.add_prefix(helper.make_model(graph, opset_imports=opsets, ir_version=8), "first/")
    joined = compose.merge_models(first, small_model(), [("first/scaled", "x")])
    assert len(joined.opset_import) == 2
    assert check_onnx(joined.SerializeToString(), "gate.onnx") == METADATA


OTHER_FORMATS = {
    "zip or PyTorch": b"PK\x03\x04" + bytes(40),
    "pickle": pickle.dumps({"weights": [1, 2]}),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(40),
    "TensorFlow Lite": b"\x1c\x00\x00\x00TFL3" + bytes(40),
    "safetensors": struct.pack("<Q", 16) + b'{"w":{"dtype":1}}',
    "gzip": b"\x1f\x8b\x08" + bytes(40),
    "Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
    "web page": b"\n<!DOCTYPE html><html></html>",
    "XML": b"\xef\xbb\xbf<?xml version='1.0'?><net/>",
    "JSON": b' {"castproof": 1}',
    "text": b"the model is on the other disk",
}


@pytest.mark.parametrize("what", OTHER_FORMATS)
def test_a_file_of_another_format_is_called_by_its_name(what: str) -> None:
    assert what in refusal(OTHER_FORMATS[what]).problem


@pytest.mark.parametrize(("what", "kind"), [("PNG photo", "PNG"), ("JPEG photo", "JPEG")])
def test_a_photo_is_called_a_photo(what: str, kind: str) -> None:
    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, kind)
    assert what in refusal(stream.getvalue()).problem


def test_a_zip_with_a_model_in_it_is_called_a_zip() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("gate.onnx", small_model().SerializeToString())
    assert "zip" in refusal(stream.getvalue()).problem


def test_a_model_that_onnxruntime_takes_for_its_own_format_is_refused() -> None:
    data = small_model(lambda model: setattr(model, "producer_name", "ORTM" + "x" * 40)).SerializeToString()
    onnx.checker.check_model(data)
    with pytest.raises(Exception, match="ORT model verification failed"):
        onnxruntime.InferenceSession(data)
    assert "onnxruntime's own format" in refusal(data).problem


def node(operator: str, domain: str = "", **attributes: object) -> Change:
    """Return a change that adds a node."""
    made = helper.make_node(operator, ["x"], ["z"], domain=domain, **attributes)
    return lambda model: model.graph.node.append(made)


def external(tensor: TensorProto) -> TensorProto:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret")
    return tensor


def weights() -> TensorProto:
    return numpy_helper.from_array(WEIGHTS, "more")


def sparse() -> SparseTensorProto:
    values = numpy_helper.from_array(np.float32([1]), "sparse")
    return helper.make_sparse_tensor(values, numpy_helper.from_array(np.int64([3])), [2**20, 2**20])


def only_says_external(model: ModelProto) -> None:
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL


def only_names_a_file(model: ModelProto) -> None:
    model.graph.initializer[0].external_data.add(key="location", value="weights.bin")


def with_branches(model: ModelProto) -> None:
    branch = helper.make_graph(
        [helper.make_node("Constant", [], ["z"], value=external(weights()))], "b", [], []
    )
    model.graph.node.append(helper.make_node("If", ["c"], ["z"], then_branch=branch, else_branch=branch))


def with_graph_list(model: ModelProto) -> None:
    attribute = AttributeProto(name="bodies", type=AttributeProto.GRAPHS, graphs=[model.graph])
    model.graph.node[0].attribute.append(attribute)


def with_function(model: ModelProto) -> None:
    model.functions.append(helper.make_function("own", "F", ["x"], ["y"], [], [helper.make_opsetid("", 17)]))


def of_type(element_type: int) -> Change:
    return lambda model: setattr(model.graph.initializer[0], "data_type", element_type)


def sequence_input(model: ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, None))


def another_library(model: ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


REFUSED: dict[str, tuple[Change, str]] = {
    "external initializer": (lambda model: external(model.graph.initializer[0]) and None, "in another file"),
    "only says external": (only_says_external, "in another file"),
    "only names a file": (only_names_a_file, "in another file"),
    "external attribute": (node("Constant", value=external(weights())), "in another file"),
    "external in a list": (node("Identity", many=[weights(), external(weights())]), "in another file"),
    "external in a branch": (with_branches, "a graph in a graph"),
    "graph list": (with_graph_list, "a graph in a graph"),
    "sparse initializer": (lambda model: model.graph.sparse_initializer.append(sparse()), "a sparse tensor"),
    "sparse attribute": (node("Constant", sparse_value=sparse()), "a sparse tensor"),
    "sparse list": (node("Identity", many=[sparse(), sparse()]), "a sparse tensor"),
    "library": (another_library, "operators of another library, 'com.microsoft'"),
    "foreign node": (
        node("Gelu", "com.microsoft"),
        "the operator 'Gelu' of another library, 'com.microsoft'",
    ),
    "foreign twin": (node("Conv", "ai.onnx\0"), "of another library"),
    "control characters": (node("Conv\x1b[2J"), r"the operator 'Conv\x1b[2J'"),
    "loop": (node("Loop"), "the operator 'Loop'"),
    "random": (node("RandomNormal"), "the operator 'RandomNormal'"),
    "text operator": (node("StringNormalizer"), "the operator 'StringNormalizer'"),
    "fill": (node("ConstantOfShape"), "the operator 'ConstantOfShape'"),
    "no operator": (node(""), "the operator ''"),
    "function": (with_function, "functions of its own"),
    "training": (lambda model: model.training_info.add() and None, "training steps"),
    "text tensor": (
        lambda model: model.graph.initializer.append(
            helper.make_tensor("t", TensorProto.STRING, [1], [b"a"])
        ),
        "a tensor of texts",
    ),
    "complex tensor": (of_type(TensorProto.COMPLEX64), "element type 14"),
    "four-bit tensor": (of_type(TensorProto.INT4), "element type 22"),
    "no element type": (of_type(0), "element type 0"),
    "segment": (lambda model: model.graph.initializer[0].segment.SetInParent(), "a part of a tensor"),
    "sequence": (sequence_input, "a value that is not a tensor"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_network_does_not_need_is_refused(case: str) -> None:
    change, what = REFUSED[case]
    error = refusal(small_model(change).SerializeToString())
    assert "is refused" in error.problem
    assert what in error.problem


@pytest.mark.parametrize("version", [-1, 0, 3, 11, 2**40])
def test_an_unknown_ir_version_is_refused(version: int) -> None:
    data = small_model(lambda model: setattr(model, "ir_version", version)).SerializeToString()
    error = refusal(data)
    assert "ONNX version" in error.problem
    assert str(version) in error.found


@pytest.mark.parametrize("version", [4, 10])
def test_the_versions_at_the_ends_pass(version: int) -> None:
    data = small_model(lambda model: setattr(model, "ir_version", version)).SerializeToString()
    assert check_onnx(data, "gate.onnx") == METADATA


DAMAGED: dict[str, tuple[Change, str]] = {
    "no version": (lambda model: model.ClearField("ir_version"), "version"),
    "no graph": (lambda model: model.ClearField("graph"), "no network"),
    "no nodes": (lambda model: model.graph.ClearField("node"), "no network"),
    "no operator set": (lambda model: model.ClearField("opset_import"), "0 versions"),
    "two operator sets": (lambda model: model.opset_import.append(helper.make_opsetid("ai.onnx", 11)), "2 versions"),
    "key twice": (lambda model: model.metadata_props.add(key="castproof", value="{}") and None, "'castproof'"),
    "shape too large": (lambda model: model.graph.initializer[0].dims.append(2), "[2, 3, 2]"),
    "shape too small": (lambda model: model.graph.initializer[0].dims.pop() and None, "[2]"),
    "raw and typed": (lambda model: model.graph.initializer[0].float_data.extend(range(6)), "[2, 3]"),
    "wrong width": (of_type(TensorProto.DOUBLE), "[2, 3]"),
    "empty with numbers": (lambda model: model.graph.initializer[0].dims.append(0), "[2, 3, 0]"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGED)
def test_what_contradicts_itself_is_called_damaged(case: str) -> None:
    change, found = DAMAGED[case]
    error = refusal(small_model(change).SerializeToString())
    assert "damaged" in error.problem
    assert found in error.found


@pytest.mark.parametrize("dims", [[-1, -6], [-6], [1] * 9, [2**63 - 1] * 8, [65_000_000]])
def test_impossible_shapes_are_refused(dims: list[int]) -> None:
    def change(model: ModelProto) -> None:
        del model.graph.initializer[0].dims[:]
        model.graph.initializer[0].dims.extend(dims)

    refusal(small_model(change).SerializeToString())


def test_limits_on_numbers_and_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_file, "MAX_NUMBERS", 9)  # the model has 6 + 3 + 1
    assert "more than 9 numbers" in refusal(small_model().SerializeToString()).problem
    monkeypatch.setattr(onnx_file, "MAX_NUMBERS", 10)
    assert check_onnx(small_model().SerializeToString(), "gate.onnx") == METADATA
    monkeypatch.setattr(onnx_file, "MAX_METADATA_BYTES", 20)
    assert "bytes of metadata" in refusal(small_model().SerializeToString()).problem


def test_the_card_is_the_text_under_castproofs_key() -> None:
    assert card_text(METADATA, "gate.onnx") == '{"format": 1}'


@pytest.mark.parametrize("metadata", [{}, {"castproof": ""}, {"author": "me"}])
def test_an_onnx_model_without_a_card_is_no_model_file(metadata: dict[str, str]) -> None:
    with pytest.raises(
        ModelFileError, match=r"ONNX model, but no castproof model file.*cannot be converted"
    ) as caught:
        card_text(metadata, "gate.onnx")
    assert all(key in caught.value.found for key in metadata)


def test_a_model_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "Prüfung gate.onnx"
    path.write_bytes(b"\x00\x01\r\n")
    assert read_model_bytes(path) == b"\x00\x01\r\n"
    assert sha256_of(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def unread(path: Path) -> ModelFileError:
    with pytest.raises(ModelFileError) as caught:
        read_model_bytes(path)
    error = caught.value
    assert all((error.problem, error.rule, error.found, error.fix))
    return error


def test_what_is_no_file_with_content_is_not_read(tmp_path: Path) -> None:
    assert "no such file" in unread(tmp_path / "missing.onnx").found
    assert "folder" in unread(tmp_path).found
    assert "null" in unread(Path("a\0b")).found
    empty = tmp_path / "empty.onnx"
    empty.touch()
    assert "0 bytes" in unread(empty).found


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate(onnx_file.MAX_FILE_BYTES + 1)
    assert "512 MiB" in unread(path).rule


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    assert "not a regular file" in unread(tmp_path / "pipe.onnx").found
