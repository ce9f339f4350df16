"""What an old file is, from its bytes; nothing in it runs."""

import hashlib
import io
import os
import pickle
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from torch import nn

from castproof.errors import ModelFileError
from castproof.runtime.legacy_kind import (
    MAX_OPCODES,
    MAX_PICKLE_BYTES,
    LegacyKind,
    kind_in,
    kind_of,
    sha256_of_file,
)


class WritesAFile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (Path.write_text, (self.path, "it ran"))


def small_network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 2)).eval()


def torch_saved(value: object, *, new: bool = True) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream, _use_new_zipfile_serialization=new)
    return stream.getvalue()


def zipped(*files: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", compression) as archive:
        warnings.simplefilter("ignore", UserWarning)  # of a name twice
        for name, content in files:
            archive.writestr(name, content)
    return stream.getvalue()


def kind(data: bytes) -> LegacyKind:
    return kind_in(io.BytesIO(data), "old.pt")


def scripted() -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.jit.save(torch.jit.script(small_network()), stream)
    return stream.getvalue()


def exported() -> bytes:
    """Return an archive with the names of one by torch.export; test_legacy.py opens real ones."""
    inner = torch_saved(((torch.zeros(1),), {}))
    return zipped(
        ("m/data/sample_inputs/model.pt", inner),
        ("m/models/model.json", bytes(5000)),
        ("m/archive_format", b"pt2"),
    )


def onnx_file() -> bytes:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", values[:1], values[1:])
    return bytes(helper.make_model(graph).SerializeToString())


@pytest.mark.parametrize("new", [True, False], ids=["zip", "before 1.6"])
def test_what_torch_save_wrote_is_told_apart(new: bool) -> None:
    network = small_network()
    state = network.state_dict()
    cases = {
        LegacyKind.PICKLED_MODULE: [network, nn.DataParallel(network)],
        LegacyKind.STATE_DICT: [state, dict(state), OrderedDict(network.named_parameters())],
        LegacyKind.CHECKPOINT: [
            {"epoch": 3, "model": state},
            {"seed": torch.zeros(1), "state_dict": state},
            {"model": network, "epoch": 3},
        ],
        LegacyKind.UNKNOWN: [torch.zeros(3), [1, 2], {}, {"epoch": 3}, "text", 5],
    }
    for expected, values in cases.items():
        assert [kind(torch_saved(value, new=new)) for value in values] == [expected] * len(values)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_pickle_protocol_is_understood(protocol: int) -> None:
    for value, expected in (
        (small_network(), LegacyKind.PICKLED_MODULE),
        ({"a": small_network().state_dict()}, LegacyKind.CHECKPOINT),
    ):
        stream = io.BytesIO()
        torch.save(value, stream, pickle_protocol=protocol)
        assert kind(stream.getvalue()) is expected


def test_programs_and_onnx_files_are_told_by_content_not_by_suffix(tmp_path: Path) -> None:
    for data, expected in (
        (scripted(), LegacyKind.TORCHSCRIPT),
        (exported(), LegacyKind.EXPORTED_PROGRAM),
        (onnx_file(), LegacyKind.ONNX),
        (onnx.ModelProto(ir_version=9).SerializeToString(), LegacyKind.UNKNOWN),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), LegacyKind.UNKNOWN),
        (zipped(("photos/one.jpg", b"\xff\xd8\xff")), LegacyKind.UNKNOWN),
        (zipped(), LegacyKind.UNKNOWN),
        (pickle.dumps({"a": 1}), LegacyKind.UNKNOWN),
    ):
        path = tmp_path / "photo.jpg"
        path.write_bytes(data)
        assert kind_of(path) is expected
        assert sha256_of_file(path) == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("new", [True, False])
def test_code_in_a_pickle_does_not_run(tmp_path: Path, new: bool) -> None:
    written = tmp_path / "written"
    data = torch_saved(WritesAFile(written), new=new)
    assert kind(data) is LegacyKind.PICKLED_MODULE
    assert kind(torch_saved({"state_dict": WritesAFile(written)}, new=new)) is LegacyKind.CHECKPOINT
    assert not written.exists()
    torch.load(io.BytesIO(data), weights_only=False)
    assert written.exists(), "the code would have run"


def test_missing_empty_and_irregular_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.pt").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.pt")
    for name, said in (
        ("empty.pt", "empty"),
        ("missing.pt", "no file"),
        ("pipe.pt", "not a file"),
        (".", "not a file"),
        ("a\0b", "Cannot read"),
    ):
        with pytest.raises(ModelFileError, match=said):
            kind_of(tmp_path / name)


@pytest.mark.parametrize("make", [scripted, exported, lambda: torch_saved(small_network())])
def test_a_cut_zip_is_refused(make: Callable[[], bytes]) -> None:
    data = make()
    for length in (4, len(data) // 2, len(data) - 30):
        with pytest.raises(ModelFileError, match="cut off, damaged"):
            kind(data[:length])


def test_a_cut_old_file_is_refused() -> None:
    data = torch_saved(small_network(), new=False)
    with pytest.raises(ModelFileError, match="cut off, damaged"):
        kind(data[:600])


def test_what_is_larger_inside_than_a_model_is_refused() -> None:
    bomb = zipped(("a/data.pkl", b"\x80\x02" + bytes(MAX_PICKLE_BYTES)), compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < MAX_PICKLE_BYTES // 100
    many = zipped(("a/data.pkl", b"\x80\x02" + b"]" * MAX_OPCODES + b"."))
    packed = zipped(("a/data.pkl", b"\x80\x02]."), compression=zipfile.ZIP_LZMA)
    long_text = b"X" + np.uint32(2 * MAX_PICKLE_BYTES).tobytes() + b"a" * (2 * MAX_PICKLE_BYTES)
    old = torch_saved([], new=False)[: -len(b"\x80\x02]q\x00.\x80\x02]q\x00.")]
    for data, said in (
        (bomb, "data.pkl is too large"),
        (many, "its pickle is too large"),
        (packed, "compressed in a way"),
        (old + b"\x80\x02" + long_text + b".", "its pickle is too large"),
        (zipped(("a/data.pkl", b"N."), ("a/data.pkl", b"].")), "several files of one name"),
    ):
        with pytest.raises(ModelFileError, match=said):
            kind(data)


def test_a_zip_whose_directory_claims_any_size_is_not_read_whole() -> None:
    size = MAX_PICKLE_BYTES + 100
    directory = b"PK\x01\x02" + bytes(size - 4)
    end = b"PK\x05\x06" + bytes(8) + np.uint32([size, 4]).tobytes() + bytes(2)
    with pytest.raises(ModelFileError, match="list of its contents is too large"):
        kind(b"PK\x03\x04" + directory + end)


def test_one_dictionary_named_many_times_is_looked_at_once() -> None:
    inner = b"}(" + b"K\x01N" * 100_000 + b"u"
    outer = b"\x80\x02" + inner + b"q\x00}(" + b"K\x01h\x00" * 100_000 + b"u."
    assert kind(zipped(("a/data.pkl", outer))) is LegacyKind.UNKNOWN


VALID = (torch_saved(small_network(), new=False), torch_saved({"a": torch.zeros(2)}), onnx_file())


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200), st.sampled_from([b"", b"PK\x03\x04", b"\x80\x02", b"\x80\x04", b"\x08\x09"]))
@example(b"l\xff\xff\xff\x7f", b"\x80\x02")
@example(b"a.", b"\x80\x02")
def test_any_bytes_have_a_kind_or_are_refused(data: bytes, start: bytes) -> None:
    for whole in (start + data, zipped(("a/data.pkl", start + data))):
        with suppress(ModelFileError):
            assert kind(whole) in LegacyKind


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(VALID), st.data())
def test_damaged_files_have_a_kind_or_are_refused(whole: bytes, data: st.DataObject) -> None:
    bad = bytearray(whole[: data.draw(st.integers(1, len(whole)))])
    places = data.draw(st.lists(st.tuples(st.integers(0, len(bad) - 1), st.integers(0, 255)), max_size=5))
    for place, value in places:
        bad[place] = value
    with suppress(ModelFileError):
        assert kind(bytes(bad)) in LegacyKind


@settings(deadline=None, max_examples=100)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=20,
    )
)
def test_plain_values_are_no_model(value: object) -> None:
    for protocol in range(2, 6):
        data = pickle.dumps(value, protocol)
        assert kind(zipped(("a/data.pkl", data))) is LegacyKind.UNKNOWN
