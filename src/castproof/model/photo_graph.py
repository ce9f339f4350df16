"""How the pixels of a photo become the input of a network, as an ONNX graph of `image` to `resized`.

`image` is uint8 (height, width, 1 or 3), `resized` float32 (1, 1 or 3, size, size) on the scale [0, 255].
"""

from collections.abc import Mapping, Sequence
from typing import Final

import onnx
from onnx import TensorProto, helper

from castproof.modelfile.outputs import IMAGE

OPSET: Final = 18
IR_VERSION: Final = 9
CHANNELS: Final = 3
RESIZED: Final = "resized"


def squeeze_graph(size_px: int) -> onnx.ModelProto:
    """Return the rule of `castproof.preprocess.resize`: the whole photo, squeezed to size_px x size_px."""
    return _graph(
        [*plane_nodes(), _resize("batch", "sides", RESIZED)], {"first": [0], "sides": [size_px] * 2}, size_px
    )


def crop_graph(size_px: int, resize_px: int | None, crop_px: int | None) -> onnx.ModelProto:
    """Return the rule of many training programs: the shorter side resized, the middle cut out, and that squeezed.

    Args:
        size_px: side of the result.
        resize_px: shorter side before the cut; None: as it is.
        crop_px: side of the square cut out of the middle; None: the whole photo.
    """
    nodes, batch = plane_nodes(), "batch"
    constants = {"first": [0], "sides": [size_px] * 2}
    if resize_px is not None:
        constants["shorter"] = [resize_px]
        nodes += [
            helper.make_node("Shape", [batch], ["given"], start=2, end=4),
            helper.make_node("ReduceMin", ["given"], ["short"], keepdims=1),
            helper.make_node("Mul", ["given", "shorter"], ["scaled"]),
            helper.make_node("Div", ["scaled", "short"], ["smaller"]),
            _resize(batch, "smaller", "shrunk"),
        ]
        batch = "shrunk"
    if crop_px is not None:
        constants |= {"crop": [crop_px], "none": [0], "axes": [2, 3]}
        nodes += [
            helper.make_node("Shape", [batch], ["whole"], start=2, end=4),
            helper.make_node("Sub", ["whole", "crop"], ["spare"]),
            helper.make_node("Cast", ["spare"], ["spare_float"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["spare_float", "half"], ["side_float"]),
            helper.make_node("Round", ["side_float"], ["side_round"]),
            helper.make_node("Cast", ["side_round"], ["side"], to=TensorProto.INT64),
            helper.make_node("Max", ["side", "none"], ["start"]),
            helper.make_node("Add", ["start", "crop"], ["end"]),
            helper.make_node("Slice", [batch, "start", "end", "axes"], ["middle"]),
        ]
        batch = "middle"
    return _graph([*nodes, _resize(batch, "sides", RESIZED)], constants, size_px)


def plane_nodes() -> list[onnx.NodeProto]:
    """Return what turns `image` into `batch`, float32 (1, channels, height, width); it takes a constant `first`: 0."""
    return [
        helper.make_node("Cast", [IMAGE], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["levels"], ["planes"], perm=[2, 0, 1]),
        helper.make_node("Unsqueeze", ["planes", "first"], ["batch"]),
    ]


def _resize(batch: str, sides: str, name: str) -> onnx.NodeProto:
    return helper.make_node(
        "Resize",
        [batch, "", "", sides],
        [name],
        axes=[2, 3],
        mode="linear",
        antialias=1,
        exclude_outside=1,
        coordinate_transformation_mode="half_pixel",
    )


def _graph(
    nodes: Sequence[onnx.NodeProto], constants: Mapping[str, Sequence[int]], size_px: int
) -> onnx.ModelProto:
    tensors = [
        helper.make_tensor(name, TensorProto.INT64, [len(one)], one) for name, one in constants.items()
    ]
    if "crop" in constants:
        tensors.append(helper.make_tensor("half", TensorProto.FLOAT, [1], [0.5]))
    return photo_model(nodes, tensors, size_px)


def photo_model(
    nodes: Sequence[onnx.NodeProto],
    constants: Sequence[TensorProto],
    size_px: int,
    sides: tuple[int | str, int | str] = ("height", "width"),
) -> onnx.ModelProto:
    """Return a model of `image` to `resized` that is made of these nodes and constants.

    Args:
        nodes: the last one gives `resized`.
        constants: what they name.
        size_px: side of `resized`.
        sides: height and width of the photos that it takes; names for those of any size.
    """
    image = helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, [*sides, "channels"])
    resized = helper.make_tensor_value_info(RESIZED, TensorProto.FLOAT, [1, CHANNELS, size_px, size_px])
    graph = helper.make_graph(nodes, "photo", [image], [resized], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
