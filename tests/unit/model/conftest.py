"""Small networks and photos for the tests of the model layer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from castproof.data.classes import Classes
from castproof.model.learning import FinetuneLearner, FrozenLearner, LabelledPhotos, Learner
from castproof.model.network import Classifier, NetworkSpec, build_network
from castproof.model.photos import PhotoBatches
from castproof.model.training import Trainer
from castproof.preprocess import PreprocessSpec
from castproof.progress import SILENT
from castproof.settings import TrainSettings

SIZE_PX = 32
COUNTS = {"train": 16, "val": 8, "test": 4}
CLASSES = Classes(good=("ok",), defective=("blowhole",))
CPU = torch.device("cpu")

Splits = dict[str, LabelledPhotos]


class Training(NamedTuple):
    """A trainer with what it works on."""

    trainer: Trainer
    learner: Learner
    best: Path
    last: Path


def trained_like(model: str, size_px: int) -> Classifier:
    """Return a network, in eval mode, whose batch norms have measured their statistics on photos."""
    network = build_network(NetworkSpec(model, 0.5, PreprocessSpec(size_px)), seed=11)
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
    photos = torch.rand(16, 3, size_px, size_px, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        network.train().features(photos * torch.linspace(0.2, 1, 16).view(-1, 1, 1, 1))
    for norm in norms:
        norm.momentum = 0.01
    return network.eval()


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    """Return photos of plain (good) and spotted (defective) grey discs, half of each in every split."""
    folder = tmp_path_factory.mktemp("discs")
    rng = np.random.default_rng(3)
    made: Splits = {}
    for split, count in COUNTS.items():
        paths = []
        for number in range(count):
            pixels = rng.integers(120, 160, (40, 40), dtype=np.uint8)
            if number % 2:
                row, column = rng.integers(4, 28, 2)
                pixels[row : row + 8, column : column + 8] = 20
            paths.append(folder / f"{split} {number}.png")
            Image.fromarray(pixels).save(paths[-1])
        labels = torch.tensor([number % 2 for number in range(count)])
        made[split] = LabelledPhotos(PhotoBatches(paths, SIZE_PX, workers=1), labels, torch.ones(count))
    return made


@pytest.fixture
def network() -> Classifier:
    """Return a network for small photos, in eval mode."""
    return trained_like("mobilenet", SIZE_PX)


@pytest.fixture
def make_network() -> Callable[[str, int], Classifier]:
    """Return a maker of networks: `make_network("mobilenet_v2", 48)`."""
    return trained_like


@pytest.fixture
def make_training(splits: Splits, tmp_path: Path) -> Callable[..., Training]:
    """Return a maker of trainers: `make_training("name", epochs=4, unfreeze="2", ...)`."""

    def make(
        name: str, *, left_out: tuple[str, ...] = (), weight: torch.Tensor | None = None, **changes: object
    ) -> Training:
        small = {"epochs": 4, "batch_size": 6, "img_size": SIZE_PX, "lr": 1e-3, "weights": "none"}
        settings = TrainSettings(**{"data": "photos", **small, **changes})  # type: ignore[arg-type]
        size = PreprocessSpec(settings.img_size)
        spec = NetworkSpec(settings.model, settings.dropout, size, settings.features, settings.head)
        network = build_network(spec, settings.seed)
        make_learner = FrozenLearner if settings.frozen else FinetuneLearner
        used = {split: one for split, one in splits.items() if split not in left_out}
        if weight is not None:
            used["train"] = replace(used["train"], weight=weight)
        learner = make_learner(network, used, settings, CPU, SILENT)
        labels = {split: one.defective for split, one in used.items()}
        best, last = tmp_path / name / "best_model.pt", tmp_path / name / "last_state.pt"
        return Training(Trainer(learner, settings, labels, CLASSES, spec, best, last), learner, best, last)

    return make
