"""Files whose bytes no honest program would write, and every way in which onnx stores a tensor."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from castproof.errors import ModelFileError
from castproof.modelfile import onnx_file, protobuf
from castproof.modelfile.onnx_file import check_onnx
from castproof.modelfile.onnx_messages import NUMBERS, STORAGE


def varint(value: int) -> bytes:
    low = bytes([value & 0x7F | 0x80 * (value > 0x7F)])
    return low + varint(value >> 7) if value > 0x7F else low


def block(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def with_graph(graph: bytes) -> bytes:
    """Return a model whose graph has the stored form `graph`."""
    return b"\x08\x08" + block(7, graph) + block(8, b"\x10\x11")


def with_tensor(tensor: bytes) -> bytes:
    return with_graph(block(1, block(4, b"Identity")) + block(5, tensor))


def refusal(data: bytes) -> ModelFileError:
    with pytest.raises(ModelFileError) as caught:
        check_onnx(data, "gate.onnx")
    return caught.value


def test_a_location_beyond_32_bits_is_still_external() -> None:
    tensor = numpy_helper.from_array(np.float32([1, 2])).SerializeToString()
    wrapped = tensor + b"\x70" + varint(2**32 + 1)
    assert TensorProto.FromString(wrapped).data_location == TensorProto.EXTERNAL
    assert check_onnx(with_tensor(tensor), "gate.onnx") == {}
    assert check_onnx(with_tensor(tensor + b"\x70\x00"), "gate.onnx") == {}
    assert "in another file" in refusal(with_tensor(wrapped)).problem


@pytest.mark.parametrize("element_type", sorted(STORAGE))
@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_tensors_of_every_number_type_pass_as_onnx_stores_them(
    element_type: int, raw: bool, count: int
) -> None:
    values = np.arange(count).astype(helper.tensor_dtype_to_np_dtype(element_type))
    made = (
        numpy_helper.from_array(values)
        if raw
        else helper.make_tensor("t", element_type, [count], values)
    )  # fmt: skip
    assert made.data_type == element_type
    assert check_onnx(with_tensor(made.SerializeToString()), "gate.onnx") == {}
    if count:
        made.dims[0] += 1
        assert "damaged" in refusal(with_tensor(made.SerializeToString())).problem


def test_the_storage_table_is_that_of_onnx() -> None:
    for element_type, (item_bytes, place) in STORAGE.items():
        assert helper.tensor_dtype_to_np_dtype(element_type).itemsize == item_bytes
        field_name = helper.tensor_dtype_to_field(element_type)
        assert TensorProto.DESCRIPTOR.fields_by_number[place].name == field_name
        assert place in NUMBERS


def test_packed_and_single_numbers_are_the_same() -> None:
    packed = block(1, b"\x02\x03") + b"\x10\x07" + block(7, bytes(5) + varint(2**63))
    single = b"\x08\x02\x08\x03\x10\x07" + b"\x38\x00" * 5 + b"\x38" + varint(2**63)
    assert TensorProto.FromString(packed) == TensorProto.FromString(single)
    assert check_onnx(with_tensor(packed), "gate.onnx") == check_onnx(with_tensor(single), "gate.onnx") == {}
    assert "contains more or fewer" in refusal(with_tensor(single + b"\x38\x00")).found


MALFORMED = {
    "group": (with_graph(b"\x0b\x0c"), "wire type 3"),
    "field zero": (b"\x08\x08\x00\x00", "Field 0"),
    "unknown field": (b"\x08\x08" + block(99, b""), "Field 99"),
    "field number beyond 32 bits": (b"\x08\x08" + varint(2**32 + (7 << 3 | 2)) + b"\x00", "Field 536870919"),
    "graph twice": (with_graph(block(1, block(4, b"Abs"))) + block(7, b""), "twice"),
    "graph as a number": (b"\x08\x08\x38\x01", "wire type 0"),
    "number of eleven bytes": (b"\x08" + b"\xff" * 10 + b"\x01", "64 bits"),
    "number of 70 bits": (b"\x08" + b"\x88" + b"\x80" * 8 + b"\x7e" + with_graph(b"")[2:], "64 bits"),
    "one byte short": (with_graph(block(1, block(4, b"Abs")))[:-1], "1 bytes longer"),
    "length beyond the end": (b"\x08\x08\x3a" + varint(2**63), "bytes longer"),
    "operator twice": (with_graph(block(1, block(4, b"Abs") + block(4, b"Loop"))), "twice"),
    "half a float": (with_tensor(block(4, bytes(5))), "cut off"),
    "half a varint": (with_tensor(block(7, b"\x00\x80")), "cut off"),
    "many dims": (with_tensor(block(1, b"\x01" * 100)), "more than 8"),
    "metadata that are no text": (
        with_graph(block(1, block(4, b"Abs"))) + block(14, block(1, b"\xff")),
        "UTF-8",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_messages_are_refused(case: str) -> None:
    data, found = MALFORMED[case]
    assert found in refusal(data).found


def test_limits_on_what_two_bytes_can_ask_for() -> None:
    shape = block(2, block(1, block(2, block(1, b"") * protobuf.MAX_FIELDS)))
    assert "500,000 fields" in refusal(with_graph(block(11, shape))).problem
    one_node = block(1, block(4, b"Abs"))
    assert check_onnx(with_graph(one_node * onnx_file.MAX_NODES), "gate.onnx") == {}
    assert "20,000 nodes" in refusal(with_graph(one_node * (onnx_file.MAX_NODES + 1))).problem
