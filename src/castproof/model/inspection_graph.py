"""The ONNX graph of a model file: from the raw pixels of one photo to its calibrated p_defective, in one piece.

Preprocessing stands before the network and calibration after it, so that whoever opens the file needs neither.
Calibration is computed in double precision, as in `castproof.gate`: near 1, thresholds lie closer together than float32
tells apart.
"""

import io
import warnings
from collections.abc import Sequence
from copy import deepcopy
from typing import Final

import onnx
import torch
from onnx import compose
from torch import Tensor, nn

from castproof.gate.calibrator import ISOTONIC, MOST_LOGIT, RISING, Calibrator
from castproof.model.constant_pads import with_constant_pads
from castproof.model.heat_maps import look
from castproof.model.network import Classifier, margin_of
from castproof.model.novelty import FeatureNovelty, novelty_of
from castproof.model.photo_graph import CHANNELS, IR_VERSION, OPSET, RESIZED, squeeze_graph
from castproof.modelfile.outputs import DEFECT_TYPES, HEAT_MAP, LOGIT, NOVELTY, P_DEFECTIVE

LEVELS: Final = 255
PIXELS: Final = "pixels"


class NetworkCore(nn.Module):
    """What a castproof network makes of one photo: the margin of its logits, and what else the file tells.

    The scale of the photo is folded into the first convolution; the mean is not, since the border is padded with
    zeros after it is taken off.

    Args:
        network: in eval mode, on the CPU; left as it is.
        novelty: how unlike the training photos its features are; None to leave it out.
    """

    mean: Tensor
    centre: Tensor
    directions: Tensor
    shrink: Tensor

    def __init__(self, network: Classifier, novelty: FeatureNovelty | None) -> None:
        super().__init__()
        self.network = deepcopy(network)
        self.has_heat = network.backbone.takes_middle
        self.has_novelty = novelty is not None
        self.register_buffer("mean", LEVELS * network.normalise.mean)
        first = next(one for one in self.network.backbone.modules() if isinstance(one, nn.Conv2d))
        first.weight.data /= LEVELS * network.normalise.std
        if novelty is not None:
            self.register_buffer("centre", torch.from_numpy(novelty.centre))
            self.register_buffer("directions", torch.from_numpy(novelty.directions.T.copy()))
            self.register_buffer("shrink", torch.from_numpy(novelty.shrink))

    @property
    def extras(self) -> tuple[str, ...]:
        """Names of the outputs besides the margin."""
        has_types = self.network.head.types is not None
        return tuple([HEAT_MAP] * self.has_heat + [NOVELTY] * self.has_novelty + [DEFECT_TYPES] * has_types)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Return the margin float64 (1,) and the extras of a photo float32 (1, 3, size, size) in [0, 255]."""
        maps, extras = pixels - self.mean, []
        if self.has_heat:
            features, logits, heat = look(self.network, maps)
            extras.append(heat[0])
        else:
            features = self.network.backbone(maps)
            logits = self.network.head(features)
        margin = margin_of(logits.double())
        if self.has_novelty:
            extras.append(self._novelty(features))
        if self.network.head.types is not None:
            extras.append(self.network.head.type_scores(features)[0])
        return margin, *extras

    def _novelty(self, features: Tensor) -> Tensor:
        away = self.network.head.scaled(features) - self.centre
        return novelty_of(away, away @ self.directions, self.shrink)


class Calibrated(nn.Module):
    """Calibrates the margin of another module, see `castproof.gate.calibrator`.

    Args:
        core: photo float32 (1, 3, size, size) in [0, 255] to a margin float64 (1,) and further tensors.
        calibrator: from the logit to p_defective.
    """

    def __init__(self, core: nn.Module, calibrator: Calibrator) -> None:
        super().__init__()
        self.core = core
        self.calibrator = calibrator

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Return logit and p_defective float64 (1,) and the further tensors, of pixels float32 in [0, 255]."""
        margin, *extras = self.core(pixels)
        logit = margin.clamp(-MOST_LOGIT, MOST_LOGIT)
        return logit, self._p(logit), *extras

    def _p(self, logit: Tensor) -> Tensor:
        told = self.calibrator
        if told.method != ISOTONIC:
            return torch.sigmoid(told.slope * logit + told.offset)
        knots, p = (torch.tensor(one, dtype=torch.float64) for one in (told.knot_logit, told.knot_p))
        steps = p[:1]
        if len(p) > 1:
            rise = p.diff() / knots.diff()
            inside = torch.minimum(torch.maximum(logit - knots[:-1], torch.zeros(1).double()), knots.diff())
            steps = steps + (rise * inside).sum(dim=0, keepdim=True)
        return (1 - RISING) * steps + RISING * torch.sigmoid(logit)


def inspection_graph(
    core: nn.Module,
    extras: Sequence[str],
    size_px: int,
    calibrator: Calibrator,
    photo: onnx.ModelProto | None = None,
) -> bytes:
    """Return an ONNX model of `image` uint8 (height, width, 1 or 3) to logit, p_defective and the extras.

    Args:
        core: see `Calibrated`; in eval mode.
        extras: names of its outputs after the margin.
        size_px: side of the network input.
        calibrator: from the logit to p_defective.
        photo: how a photo gets that size; None to squeeze the whole photo to it, as in training.
    """
    return whole_graph(photo or squeeze_graph(size_px), network_graph(core, extras, size_px, calibrator))


def network_graph(
    core: nn.Module, extras: Sequence[str], size_px: int, calibrator: Calibrator
) -> onnx.ModelProto:
    """Return an ONNX model of `pixels` float32 (1, 3, size, size) in [0, 255] to what `inspection_graph` gives."""
    return _traced(Calibrated(core, calibrator).eval(), (LOGIT, P_DEFECTIVE, *extras), size_px)


def whole_graph(photo: onnx.ModelProto, network: onnx.ModelProto) -> bytes:
    """Return one ONNX model of a graph of `castproof.model.photo_graph` and a `network_graph` after it."""
    whole = compose.merge_models(photo, network, io_map=[(RESIZED, PIXELS)])
    del whole.graph.value_info[:]
    del whole.opset_import[1:]  # both name the same one
    whole.graph.name = "castproof"
    whole.producer_name, whole.producer_version = "castproof", ""
    data: bytes = whole.SerializeToString()
    return data


def _traced(module: nn.Module, outputs: Sequence[str], size_px: int) -> onnx.ModelProto:
    stream, example = io.BytesIO(), torch.zeros(1, CHANNELS, size_px, size_px)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if any(isinstance(one, torch.jit.ScriptModule) for one in module.modules()):
            module = torch.jit.trace(module, (example,), check_trace=False)  # type: ignore[no-untyped-call]
        torch.onnx.export(
            module,
            (example,),
            stream,  # type: ignore[arg-type]
            input_names=[PIXELS],
            output_names=list(outputs),
            opset_version=OPSET,
            dynamo=False,  # the newer exporter takes ten times as long and gives the same graph
        )
    model = onnx.load_from_string(stream.getvalue())
    model.ir_version = IR_VERSION
    return with_constant_pads(model)
