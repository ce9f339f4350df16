"""The frozen part of a network as an ONNX model."""

import io
import warnings
from copy import deepcopy
from typing import Final

import onnx  # noqa: F401 (the exporter needs it, and would only say so in the middle of a run)
import torch
from torch import nn
from torch.nn.utils import fuse_conv_bn_eval

from castproof.model.network import Classifier

OPSET: Final = 18
EXAMPLE_SIDE_PX: Final = 64


def features_to_onnx(network: Classifier) -> bytes:
    """Return an ONNX model of `photos` float32 (n, 3, h, w) in [0, 1] to `features` float32 (n, width)."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            nn.Sequential(network.normalise, network.backbone).eval(),
            (torch.zeros(2, 3, EXAMPLE_SIDE_PX, EXAMPLE_SIDE_PX),),
            stream,  # type: ignore[arg-type]
            input_names=["photos"],
            output_names=["features"],
            dynamic_axes={"photos": {0: "n", 2: "h", 3: "w"}, "features": {0: "n"}},
            opset_version=OPSET,
            dynamo=False,  # the newer exporter takes ten times as long and gives the same graph
        )
    return stream.getvalue()


def fold_batch_norms(network: Classifier) -> Classifier:
    """Return a copy on the CPU, in eval mode, whose batch norms are folded into the convolutions before them."""
    folded = deepcopy(network).cpu().eval()
    for module in list(folded.modules()):
        if not isinstance(module, nn.Sequential):
            continue
        for first, second in zip(range(len(module)), range(1, len(module)), strict=False):
            convolution, norm = module[first], module[second]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module[first] = fuse_conv_bn_eval(convolution, norm)
                module[second] = nn.Identity()
    return folded
