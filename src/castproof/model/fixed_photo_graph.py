"""How photos of one size become the input of a network, for engines that cannot resize as castproof does.

OpenVINO takes no notice of `antialias` at Resize. For a fixed size the same filter is two products with constant
matrices, which every engine computes.
"""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from castproof.model.photo_graph import RESIZED, photo_model, plane_nodes

Matrix = NDArray[np.float32]


def fixed_squeeze_graph(size_px: int, width: int, height: int) -> onnx.ModelProto:
    """Return the rule of `castproof.preprocess.resize` for photos uint8 (height, width, 1 or 3), as two products."""
    nodes = [
        *plane_nodes(),
        helper.make_node("MatMul", ["batch", "columns"], ["narrow"]),
        helper.make_node("MatMul", ["rows", "narrow"], [RESIZED]),
    ]
    constants = [
        numpy_helper.from_array(np.array([0], np.int64), "first"),
        numpy_helper.from_array(np.ascontiguousarray(squeeze_matrix(width, size_px).T), "columns"),
        numpy_helper.from_array(squeeze_matrix(height, size_px), "rows"),
    ]
    return photo_model(nodes, constants, size_px, (height, width))


def squeeze_matrix(given_px: int, wanted_px: int) -> Matrix:
    """Return float32 (wanted_px, given_px): how much each given pixel of a line counts in each wanted one.

    The antialiased bilinear filter: a triangle around the middle of the wanted pixel, as wide as two pixels of the
    coarser of the two grids on each side together; each row sums to 1.
    """
    scale = given_px / wanted_px
    reach = max(scale, 1.0)
    middle = (np.arange(wanted_px)[:, None] + 0.5) * scale
    away = np.abs(np.arange(given_px)[None] + 0.5 - middle) / reach
    weight = np.maximum(1 - away, 0)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), np.float32)
