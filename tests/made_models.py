"""Model files without training: a network that has measured but not learnt, and graphs written by hand."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from PIL import Image
from torch import nn

from castproof.gate.calibrator import PLATT, Calibrator
from castproof.gate.combine import Combine
from castproof.gate.gate import Gate
from castproof.gate.policy import MANUAL, Policy
from castproof.measure.decision import Thresholds, Verdict
from castproof.model.heat_maps import look
from castproof.model.inspection_graph import NetworkCore, inspection_graph
from castproof.model.network import Classifier, NetworkSpec, build_network
from castproof.model.novelty import FeatureNovelty, fit_input_gate, fit_novelty, novelty_out_of_fold
from castproof.modelfile.card import GREY, Card, Example
from castproof.modelfile.input_gate import InputGate
from castproof.modelfile.onnx_file import CARD_KEY
from castproof.modelfile.photo_numbers import photo_numbers
from castproof.modelfile.seal import sealed
from castproof.pipeline.exporting.export import write_model_file
from castproof.preprocess import PreprocessSpec, resize

SIZE_PX = 64
SHAPE = (48, 56)
PARTS, PHOTOS_OF_EACH = 12, 4
CALIBRATOR = Calibrator(PLATT, slope=1.4, offset=0.3)

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Material:
    """What a model file is made of."""

    network: Classifier
    photos: list[Pixels]
    logits: list[float]
    heats: list[NDArray[np.float32]]
    novelty: FeatureNovelty
    input_gate: InputGate

    def gate(self, combine: str = "single") -> Gate:
        """Return a gate by which a third of the photos are ACCEPT, REVIEW and REJECT each."""
        ranked = np.sort(CALIBRATOR.p(np.array(self.logits)))
        third = len(ranked) // 3
        cuts = [float(ranked[at - 1 : at + 1].mean()) for at in (third, 2 * third)]
        thresholds = Thresholds(*cuts)
        policy = Policy(MANUAL, thresholds=thresholds, combine=Combine.parse(combine))
        return Gate(CALIBRATOR, thresholds, policy)

    def examples(self, gate: Gate) -> tuple[Example, ...]:
        """Return a few photos with what PyTorch says about them; each verdict occurs."""
        order = np.argsort(self.logits)
        chosen = [int(order[at]) for at in (0, len(order) // 2, len(order) - 1)]
        return tuple(self._example(number, gate) for number in chosen)

    def _example(self, number: int, gate: Gate) -> Example:
        logit = self.logits[number]
        p = float(gate.calibrator.p(logit))
        hottest = float(self.heats[number].max())
        verdict = gate.verdict(p)
        label = {Verdict.ACCEPT: "good", Verdict.REVIEW: ""}.get(verdict, "defective")
        return Example(f"{number}.png", label, png(self.photos[number]), logit, p, verdict, hottest)


def casting(part: int, number: int) -> Pixels:
    """Return a grey photo of a disc on a background, uint8 SHAPE; each part has a disc and a light of its own."""
    mine, rng = np.random.default_rng(part), np.random.default_rng((part, number))
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    radius, centre = mine.uniform(12, 20), mine.uniform(20, 30, 2)
    inside = np.hypot(rows - centre[0], columns - centre[1]) < radius
    plain = np.where(inside, mine.uniform(120, 190), mine.uniform(40, 80))
    return np.asarray(plain + rng.normal(0, 8, SHAPE), np.float64).clip(0, 255).astype(np.uint8)


def png(pixels: Pixels) -> bytes:
    """Return the bytes of a PNG file."""
    return written(Image.fromarray(pixels), "PNG")


def written(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the bytes of an image file."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def colour(pixels: Pixels) -> Pixels:
    """Return a grey photo (H, W) as three equal channels."""
    return np.repeat(pixels[..., None], 3, axis=2)


def measured(size_px: int) -> Classifier:
    """Return a network in eval mode whose batch norms and head have measured the photos, but learnt nothing."""
    network = build_network(NetworkSpec("mobilenet", 0.5, PreprocessSpec(size_px), "middle"), seed=11)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    photos = network_input([casting(part, 0) for part in range(PARTS)])
    with torch.no_grad():
        network.train().features(photos)
        network.eval().head.fit_scale(network.features(photos))
        network.head.last.weight *= 8
    return network


def network_input(photos: Sequence[Pixels]) -> torch.Tensor:
    """Return grey photos (H, W) as the network gets them."""
    return torch.from_numpy(np.stack([resize(colour(one), SIZE_PX) for one in photos]))


@cache
def material() -> Material:
    """Return the network, its photos and its input gate; they are made once in a process."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    network = measured(SIZE_PX)
    photos = [casting(part, number) for part in range(PARTS) for number in range(PHOTOS_OF_EACH)]
    part = np.repeat(np.arange(PARTS), PHOTOS_OF_EACH)
    with torch.no_grad():
        seen = look(network, network.normalise(network_input(photos)))
        scaled = ((seen.features - network.head.mean) / network.head.std).numpy()
    torch.set_num_threads(threads)
    margin = seen.logits.double()[:, 1] - seen.logits.double()[:, 0]
    numbers = [photo_numbers(one) for one in photos]
    return Material(
        network,
        photos,
        margin.tolist(),
        list(seen.heat.numpy()),
        fit_novelty(scaled, part),
        fit_input_gate(numbers, novelty_out_of_fold(scaled, part), part),
    )


@cache
def graph() -> bytes:
    """Return the graph of the material, calibrated."""
    core = NetworkCore(material().network, material().novelty)
    return inspection_graph(core, core.extras, SIZE_PX, CALIBRATOR)


def card(gate: Gate, examples: tuple[Example, ...], input_gate: InputGate | None) -> Card:
    """Return the card of a model of castings."""
    about = {"licence": {"model": "for tests alone"}}
    return Card("castings", ("ok",), ("blowhole", "crack"), SIZE_PX, GREY, gate, input_gate, examples, about)


def make_model_file(path: Path, combine: str = "single") -> Path:
    """Write the model file of the material and return `path`."""
    made = material()
    gate = made.gate(combine)
    write_model_file(path, graph(), card(gate, made.examples(gate), made.input_gate))
    return path


def with_card(source: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Write a model file with a changed card and return `target`."""
    model = onnx.load(source)
    text = next(one.value for one in model.metadata_props if one.key == CARD_KEY)
    data = json.loads(text)
    change(data)
    try:
        text = sealed(json.dumps(data), source.read_bytes(), str(source))
    except (ValueError, AttributeError):  # no card that could be sealed
        text = json.dumps(data)
    helper.set_model_props(model, {CARD_KEY: text})
    onnx.save(model, target)
    return target


def hand_made(
    path: Path,
    nodes: Sequence[NodeProto],
    numbers: dict[str, NDArray[Any]],
    outputs: dict[str, tuple[int, list[Any]]],
    *,
    image: tuple[str, int, int] = ("image", TensorProto.UINT8, 3),
    examples: tuple[Example, ...] = (),
) -> Path:
    """Write a model file with a graph written by hand and return `path`; it is not opened.

    Args:
        path: of the file.
        nodes: of the graph.
        numbers: its initial tensors.
        outputs: element type and shape by name.
        image: name, element type and number of dimensions of the input.
        examples: of the card.
    """
    name, element_type, dims = image
    whole = helper.make_graph(
        nodes,
        "by hand",
        [helper.make_tensor_value_info(name, element_type, [f"side_{one}" for one in range(dims)])],
        [helper.make_tensor_value_info(one, *told) for one, told in outputs.items()],
        [numpy_helper.from_array(value, one) for one, value in numbers.items()],
    )
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    text = sealed(card(Gate.at(0.5), examples, None).to_text(), model.SerializeToString(), str(path))
    helper.set_model_props(model, {CARD_KEY: text})
    onnx.save(model, path)
    return path


def constant_answer(path: Path, p: float, logit: float = 0.0, **changes: Any) -> Path:
    """Write a model file that says the same about every photo and return `path`."""
    nodes = [helper.make_node("Identity", [f"{one}_stored"], [one]) for one in ("logit", "p_defective")]
    numbers = {"logit_stored": np.array([logit]), "p_defective_stored": np.array([p])}
    outputs = {one: (TensorProto.DOUBLE, [1]) for one in ("logit", "p_defective")}
    return hand_made(path, nodes, numbers, outputs, **changes)


def shifted(whole: bytes, by: float) -> bytes:
    """Return a graph whose p_defective is moved by `by`."""
    model = onnx.load_from_string(whole)
    for node in model.graph.node:
        for place, name in enumerate(node.output):
            if name == "p_defective":
                node.output[place] = "p_before"
    model.graph.initializer.append(numpy_helper.from_array(np.array(by), "shift"))
    model.graph.node.append(helper.make_node("Add", ["p_before", "shift"], ["p_defective"]))
    data: bytes = model.SerializeToString()
    return data
