"""The network of a model file in int8: its pointwise convolutions, which do most of the multiply-adds.

Everything else stays in float32. The first convolution and the depthwise ones have few multiply-adds and suffer most:
their channels differ in range by orders of magnitude, and the features, logarithms of spreads, answer to each of them.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from onnx import helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from castproof.errors import ModelFileError
from castproof.model.inspection_graph import LEVELS, PIXELS
from castproof.model.photo_graph import IR_VERSION, OPSET, squeeze_graph
from castproof.preprocess import Planes

_PREPARED: Final = {"onnx.quant.pre_process": "onnxruntime.quant"}  # batch norms are folded in already


def int8_graph(network: onnx.ModelProto, photos: Iterator[Planes]) -> onnx.ModelProto:
    """Return `network` with its pointwise convolutions in int8, static, per channel of their weights, as QDQ.

    Args:
        network: of `network_graph`; left as it is.
        photos: what the ranges of the maps are measured on, each float32 (3, size, size) in [0, 1]. A range goes from
            the mean of the photos' least values to the mean of their greatest.

    Raises:
        ModelFileError: it has no such convolution.
    """
    prepared = onnx.ModelProto()
    prepared.CopyFrom(network)
    names = _pointwise(prepared)
    if not names:
        raise ModelFileError(
            "This network has no convolution that int8 would be used for.",
            fix="Export it in full precision, without --precision.",
        )
    helper.set_model_props(prepared, _PREPARED)
    with tempfile.TemporaryDirectory() as folder, _quiet():
        source, result = Path(folder, "float32.onnx"), Path(folder, "int8.onnx")
        onnx.save(prepared, source)
        quantize_static(
            source,
            result,
            _Reader(photos),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_quantize=names,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"CalibMovingAverage": True},  # the mean over the photos: outliers are cut off
        )
        model = onnx.load(result)
    model.ir_version = IR_VERSION
    del model.metadata_props[:], model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", OPSET))
    return model


def squeeze_graph_before_int8(size_px: int) -> onnx.ModelProto:
    """Return `squeeze_graph` with all four sides given to Resize, not two with their axes.

    ONNX Runtime 1.32 moves transposes of int8 convolutions through Resize, and cannot where it names axes.
    """
    model = squeeze_graph(size_px)
    resize = model.graph.node.pop()
    named = [one for one in resize.attribute if one.name != "axes"]
    del resize.attribute[:]
    resize.attribute.extend(named)
    batch, sides = resize.input[0], resize.input[3]
    resize.input[3] = "all_sides"
    model.graph.node.extend(
        [
            helper.make_node("Shape", [batch], ["outer_sides"], start=0, end=2),
            helper.make_node("Concat", ["outer_sides", sides], ["all_sides"], axis=0),
            resize,
        ]
    )
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the quantiser logs off the screen, where nobody asked for logs."""
    handler = logging.NullHandler()
    logging.root.addHandler(handler)
    try:
        yield
    finally:
        logging.root.removeHandler(handler)


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Gives photos to the calibration, one at a time."""

    def __init__(self, photos: Iterator[Planes]) -> None:
        self._photos = photos

    def get_next(self) -> dict[str, Planes] | None:
        photo = next(self._photos, None)
        return None if photo is None else {PIXELS: photo[None] * np.float32(LEVELS)}


def _pointwise(model: onnx.ModelProto) -> list[str]:
    """Return the names of the convolutions of 1 x 1 pixel that see all channels."""
    kernels = {one.name: tuple(one.dims[2:]) for one in model.graph.initializer}
    found = []
    for node in model.graph.node:
        groups = next((one.i for one in node.attribute if one.name == "group"), 1)
        if node.op_type == "Conv" and groups == 1 and kernels.get(node.input[1]) == (1, 1):
            found.append(node.name)
    return found
