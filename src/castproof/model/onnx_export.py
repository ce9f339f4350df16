"""The frozen part of a network as an ONNX model."""

import io
import warnings
from copy import deepcopy
from typing import Final

import onnx  # noqa: F401 (the exporter needs it, and would only say so in the middle of a run)
import torch
from torch import nn

from castproof.model.network import Classifier

OPSET: Final = 18


def features_to_onnx(network: Classifier) -> bytes:
    """Return an ONNX model of `photos` float32 (n, 3, size, size) in [0, 1] to `features` float32 (n, width).

    The graph is that of photos of the network's own size; some networks pad photos of other sizes in another way.
    Batch norms are folded into the convolutions before them; `network` is left as it is.
    """
    backbone = nn.Sequential(deepcopy(network.normalise), deepcopy(network.backbone)).cpu().eval()
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a deprecation, and sizes of maps that the graph takes for constant
        torch.onnx.export(
            backbone,
            (torch.zeros(2, 3, network.size_px, network.size_px),),
            stream,  # type: ignore[arg-type]
            input_names=["photos"],
            output_names=["features"],
            dynamic_axes={"photos": {0: "n", 2: "h", 3: "w"}, "features": {0: "n"}},
            opset_version=OPSET,
            dynamo=False,  # the newer exporter takes ten times as long and gives the same graph
        )
    return stream.getvalue()
