"""Paddings of an ONNX graph as plain numbers: the exporter writes them as a chain of operators that yield constants."""

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator


def with_constant_pads(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return `model`, changed in place: constant paddings are numbers, the operators that gave them are gone."""
    graph = model.graph
    given = {one.name for one in graph.input}
    makers = {str(name): node for node in graph.node for name in node.output}
    stored = {one.name: one for one in graph.initializer}
    for node in [one for one in graph.node if one.op_type == "Pad" and one.input[1] in makers]:
        chain = _chain(node.input[1], makers)
        if given.intersection(name for one in chain for name in one.input):
            continue
        used = [stored[name] for one in chain for name in one.input if name in stored]
        output = onnx.helper.make_tensor_value_info(node.input[1], onnx.TensorProto.INT64, None)
        alone = onnx.helper.make_graph(chain, "pads", [], [output], used)
        part = onnx.helper.make_model(
            alone, opset_imports=list(model.opset_import), ir_version=model.ir_version
        )
        pads = np.asarray(next(iter(ReferenceEvaluator(part).run(None, {}))), np.int64)
        name = f"{node.name}/pads"
        graph.initializer.append(numpy_helper.from_array(pads, name))
        node.input[1] = name
    _without_unused(graph)
    return model


def _chain(name: str, makers: dict[str, onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Return the nodes that lead to `name`, in order, each once."""
    if name not in makers:
        return []
    chain: list[onnx.NodeProto] = []
    for given in makers[name].input:
        chain += [one for one in _chain(given, makers) if one not in chain]
    return [*chain, makers[name]]


def _without_unused(graph: onnx.GraphProto) -> None:
    while True:
        used = {name for node in graph.node for name in node.input} | {one.name for one in graph.output}
        unused = [node for node in graph.node if not used.intersection(node.output)]
        if not unused:
            break
        for node in unused:
            graph.node.remove(node)
