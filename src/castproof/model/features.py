"""Features of a frozen network, computed once per photo and view, as fast as the device allows.

On a CPU that is ONNX Runtime, which needs about two thirds of the time of eager PyTorch per photo and can be
called from every decoding thread at once; elsewhere it is PyTorch itself. Both give the same features up to
rounding.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

import onnxruntime
import torch
from torch import Tensor

from castproof.model.augmentation import LEVELS, augment
from castproof.model.network import Classifier
from castproof.model.onnx_export import features_to_onnx
from castproof.model.photos import Indices, PhotoBatches
from castproof.progress import SILENT, Progress
from castproof.settings import TrainSettings

BATCH: Final = 16
BATCH_PIXELS: Final = BATCH * 224 * 224


@dataclass(frozen=True)
class FeatureEngine:
    """A frozen copy of a backbone.

    Args:
        run: photos float32 (n, 3, h, w) in [0, 1] to features float32 (n, width), both on `device`. On a CPU
            any number of threads may call it, and each call keeps one core busy.
        width: number of features.
        device: where it runs.
    """

    run: Callable[[Tensor], Tensor]
    width: int
    device: torch.device


def feature_engine(network: Classifier, device: torch.device) -> FeatureEngine:
    """Return an engine for the features of `network` as it is now; what `network` learns later does not reach it."""
    width = network.backbone.width
    if device.type != "cpu":
        return FeatureEngine(deepcopy(network).to(device).eval().features, width, device)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        features_to_onnx(network), options, providers=["CPUExecutionProvider"]
    )

    def run(photos: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {"photos": photos.contiguous().numpy()})[0])

    return FeatureEngine(run, width, device)


@dataclass(frozen=True)
class FeatureTable:
    """Features that were computed before, of the photos of all splits.

    Args:
        values: float32 (views, n, width), view 0 unvaried.
        rows: per split, the places of its photos in `values`, int64.
    """

    values: Tensor
    rows: Mapping[str, Tensor]

    def of_split(self, name: str) -> Tensor:
        """Return features float32 (views, n, width) of the photos of split `name`."""
        return self.values[:, self.rows[name]]


def split_features(
    engine: FeatureEngine,
    photos: PhotoBatches,
    views: int,
    settings: TrainSettings,
    progress: Progress = SILENT,
) -> Tensor:
    """Return features float32 (views, n, width) on the engine's device.

    View 0 is the photo itself, the others are variations. Every photo is decoded once.

    Raises:
        ImageError: a photo cannot be decoded.
    """
    level = LEVELS[settings.aug_level]
    features = torch.empty(views, len(photos.paths), engine.width, device=engine.device)

    @torch.no_grad()
    def all_views(indices: Indices, batch: Tensor) -> Tensor:
        unvaried = batch.to(engine.device)
        seeds = [[(settings.seed, view, index) for index in indices] for view in range(1, views)]
        varied = (augment(unvaried, level, view_seeds) for view_seeds in seeds)
        return torch.stack([engine.run(unvaried), *map(engine.run, varied)])

    with progress.task("features", len(photos.paths)) as task:
        for indices, found in _results(all_views, photos, engine.device):
            features[:, list(indices)] = found
            task.advance(len(indices))
    return features


def _results(
    work: Callable[[Indices, Tensor], Tensor], photos: PhotoBatches, device: torch.device
) -> Iterator[tuple[Indices, Tensor]]:
    """Yield (indices, work of their photos): on a CPU in the decoding threads, elsewhere in this one."""
    size = max(1, min(BATCH, BATCH_PIXELS // photos.size_px**2))
    if device.type != "cpu":
        yield from ((indices, work(indices, batch)) for indices, batch in photos.read_all(size))
        return

    def on_one_core(indices: Indices, batch: Tensor) -> Tensor:
        torch.set_num_threads(1)
        return work(indices, batch)

    threads = torch.get_num_threads()
    try:
        yield from photos.map(on_one_core, photos.in_order(size))
    finally:
        torch.set_num_threads(threads)
