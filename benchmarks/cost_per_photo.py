"""What one photo costs each recipe: its whole network beside plain MobileNetV3-Small at 224 px, in one run.

    uv run python benchmarks/cost_per_photo.py
    uv run python benchmarks/cost_per_photo.py lite0:middle:192 resnet18:last:224 timm:resnet18:middle:224

One photo at a time, one thread, ONNX Runtime, random weights (they make no difference), decoding and resizing left
out. After the recipes come the backbones that are given as MODEL:FEATURES:SIZE. The networks take turns, so that a
busy machine slows all of them; printed are medians, and their ratios to the plain network. Plain MobileNetV3-Small in
eager PyTorch runs beside them.
"""

import argparse
import io
import time
import warnings
from collections.abc import Callable

import numpy as np
import onnxruntime
import torch
from torch import nn
from torchvision import models

from castproof.apps.cli.console import console
from castproof.model.libraries import find_network
from castproof.model.network import NetworkSpec, build_network
from castproof.recipes import RECIPES, recipe_settings
from castproof.settings import TrainSettings

PLAIN = "plain MobileNetV3-Small at 224 px"
PLAIN_SIZE = 224


def plain() -> nn.Module:
    network: nn.Module = models.mobilenet_v3_small(weights=None, num_classes=2).eval()
    return network


def of_recipe(recipe: str, model: str = "mobilenet") -> tuple[nn.Module, int]:
    return built(recipe_settings(recipe, data="photos", model=model))


def of_backbone(words: str) -> tuple[nn.Module, int]:
    model, features, size = words.rsplit(":", 2)
    return built(TrainSettings("photos", model=model, features=features, img_size=int(size)))


def built(settings: TrainSettings) -> tuple[nn.Module, int]:
    size = find_network(settings.model).preprocess(settings.img_size)
    spec = NetworkSpec(settings.model, settings.dropout, size, settings.features, settings.head)
    return build_network(spec, seed=0).eval(), settings.img_size


def in_onnxruntime(network: nn.Module, size: int) -> Callable[[], object]:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, size, size),),
            stream,  # type: ignore[arg-type]
            input_names=["photos"],
            dynamo=False,
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(stream.getvalue(), options, providers=["CPUExecutionProvider"])
    photo = np.random.default_rng(0).random((1, 3, size, size), dtype=np.float32)
    return lambda: session.run(None, {"photos": photo})


def in_torch(network: nn.Module, size: int) -> Callable[[], object]:
    photo = torch.rand(1, 3, size, size)

    def run() -> object:
        with torch.inference_mode():
            return network(photo)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("backbones", nargs="*", metavar="MODEL:FEATURES:SIZE")
    options = parser.parse_args()
    torch.set_num_threads(1)
    runs = {
        PLAIN: in_onnxruntime(plain(), PLAIN_SIZE),
        "the same in eager PyTorch": in_torch(plain(), PLAIN_SIZE),
        "plain MobileNetV3-Small at 300 px": in_onnxruntime(plain(), 300),
        **{f"recipe {name}": in_onnxruntime(*of_recipe(name)) for name in RECIPES},
        "recipe fast at 224 px": in_onnxruntime(of_recipe("fast")[0], PLAIN_SIZE),
        "recipe fast, MobileNetV2": in_onnxruntime(*of_recipe("fast", "mobilenet_v2")),
        **{words: in_onnxruntime(*of_backbone(words)) for words in options.backbones},
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.turns):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    base = np.median(seconds[PLAIN])
    for name, taken in seconds.items():
        console.print(
            f"{name:<40} {1e3 * np.median(taken):7.2f} ms   ratio {np.median(taken) / base:.2f}", style=None
        )


if __name__ == "__main__":
    main()
