"""Frozen training: castproof, which computes features once, beside a plain loop that computes them every epoch.

    uv run python benchmarks/frozen_training.py --data DATA --weights FILE

Both train the same hidden head on the same frozen MobileNetV3-Small, on DATA/{train,val}/CLASS, for the same number of
epochs without early stopping, from the same weights. The plain loop is what a torchvision tutorial does: ImageFolder,
DataLoader with two workers, random flips, a training pass, an evaluation pass over train and one over val, every
epoch. castproof is timed with what `castproof train` does besides: checking every photo, train_samples.png, a
checkpoint per epoch; and once more with the test split, evaluation and plots. `--plain-epochs` shortens the plain
loop and scales its time; its macro-F1 is then that of the shorter training and the output says so.
"""

import argparse
import json
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from castproof.measure.threshold import tune_threshold
from castproof.model.backbones import Backbone
from castproof.model.weights import load_weights
from castproof.pipeline.train import Trained, train
from castproof.preprocess import IMAGENET_MEAN, IMAGENET_STD
from castproof.progress import SILENT
from castproof.settings import TrainSettings


class QuietObserver:
    """Hears nothing but when each epoch was measured and stored."""

    def __init__(self) -> None:
        self.epoch_ends: list[float] = []

    def task(self, description: str, total: int) -> Any:
        return SILENT.task(description, total)

    def machine_ready(self, machine: object) -> None: ...

    def data_ready(self, photos: object) -> None: ...

    def run_ready(self, run: object, settings: object, weights: str) -> None: ...

    def recipe_chosen(self, recipe: str, trials: object) -> None: ...

    def going_on(self, done: int, rounds: int) -> None: ...

    def round_done(self, name: str, macro_f1: float | None) -> None: ...

    def epoch_done(self, record: object) -> None:
        self.epoch_ends.append(time.perf_counter())


def plain_network(weights: str, dropout: float) -> nn.Module:
    backbone = Backbone("mobilenet")
    load_weights(backbone, weights)
    backbone.requires_grad_(False)
    head = nn.Sequential(
        nn.Linear(backbone.width, 256), nn.Hardswish(), nn.Dropout(dropout), nn.Linear(256, 2)
    )
    return nn.Sequential(backbone, head)


def plain_loaders(data: Path, settings: TrainSettings) -> tuple[DataLoader[Any], DataLoader[Any], int]:
    to_input = [
        transforms.Resize((settings.img_size, settings.img_size)),
        transforms.ToTensor(),
        transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
    ]
    flips = [transforms.RandomHorizontalFlip(), transforms.RandomVerticalFlip()]
    train_set = ImageFolder(str(data / "train"), transforms.Compose([*flips, *to_input]))
    val_set = ImageFolder(str(data / "val"), transforms.Compose(to_input))
    defective = next(
        index for name, index in train_set.class_to_idx.items() if name.startswith(("def", "rej"))
    )
    common: dict[str, Any] = {"batch_size": settings.batch_size, "num_workers": 2}
    return DataLoader(train_set, shuffle=True, **common), DataLoader(val_set, **common), defective


def one_pass(
    network: nn.Module, loader: DataLoader[Any], optimizer: torch.optim.Optimizer | None, defective: int
) -> tuple[Tensor, Tensor]:
    """Return (labels, p_defective) of one pass; with an optimizer it learns."""
    network.train(optimizer is not None)
    labels, scores = [], []
    with nullcontext() if optimizer else torch.no_grad():
        for batch, target in loader:
            logits = network(batch)
            truth = (target == defective).long()
            if optimizer:
                loss = nn.functional.cross_entropy(logits, truth, label_smoothing=0.01)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            labels.append(truth)
            scores.append(torch.softmax(logits.detach(), 1)[:, 1])
    return torch.cat(labels), torch.cat(scores)


def run_plain(data: Path, settings: TrainSettings, epochs: int) -> tuple[float, float]:
    """Return (seconds, best validation macro-F1 at its tuned threshold) of the plain loop."""
    torch.manual_seed(settings.seed)
    began = time.perf_counter()
    network = plain_network(settings.weights, settings.dropout)
    train_loader, val_loader, defective = plain_loaders(data, settings)
    optimizer = torch.optim.AdamW(network[1].parameters(), lr=settings.lr, weight_decay=settings.wd)  # type: ignore[index]
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    best = 0.0
    for _ in range(epochs):
        one_pass(network, train_loader, optimizer, defective)
        schedule.step()
        one_pass(network, train_loader, None, defective)
        labels, scores = (part.numpy() for part in one_pass(network, val_loader, None, defective))
        tuned = tune_threshold(labels.astype(bool), scores.astype(np.float64), "macro_f1")
        best = max(best, float(f1_score(labels, scores >= tuned.threshold, average="macro")))
    return time.perf_counter() - began, best


@dataclass(frozen=True)
class CastproofTimes:
    """Seconds from the start of the command to the end of epoch 0, of the last epoch, and of everything."""

    features_s: float
    training_s: float
    whole_s: float
    val_macro_f1: float


def run_castproof(settings: TrainSettings) -> CastproofTimes:
    observer = QuietObserver()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        trained = train(settings, Path(folder), observer, gate=False)
        ended = time.perf_counter()
    ends = observer.epoch_ends
    if not isinstance(trained, Trained):
        raise SystemExit("The photos must be good and defective ones.")
    best = max(record.val_macro_f1 or 0.0 for record in trained.result.learnt.history)
    return CastproofTimes(ends[0] - began, ends[-1] - began, ended - began, best)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", default="castings")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--plain-epochs", type=int, help="default: as many as --epochs")
    parser.add_argument("--aug-level", default="standard")
    options = parser.parse_args()
    settings = TrainSettings(
        data=str(options.data),
        head="hidden",
        weights=options.weights,
        epochs=options.epochs,
        patience=options.epochs,
        aug_level=options.aug_level,
    )
    plain_epochs = options.plain_epochs or options.epochs
    ours = run_castproof(settings)
    plain_s, plain_f1 = run_plain(options.data, settings, plain_epochs)
    scaled_s = plain_s * options.epochs / plain_epochs
    report = {
        "epochs": options.epochs,
        "aug_level": options.aug_level,
        "castproof_until_epoch_0_s": round(ours.features_s, 1),
        "castproof_training_s": round(ours.training_s, 1),
        "castproof_whole_command_s": round(ours.whole_s, 1),
        "plain_training_s": round(scaled_s, 1),
        "plain_epochs_run": plain_epochs,
        "ratio_training": round(scaled_s / ours.training_s, 1),
        "ratio_whole_command": round(scaled_s / ours.whole_s, 1),
        "castproof_val_macro_f1": round(ours.val_macro_f1, 4),
        "plain_val_macro_f1": round(plain_f1, 4),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
