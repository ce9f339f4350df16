"""A model file whose convolutions are in int8."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import Final

import numpy as np
import onnx

from castproof.data.manifest import Manifest, Photo
from castproof.data.splits import part_key
from castproof.errors import DataError, ImageError
from castproof.images import decode
from castproof.model.inspection_graph import whole_graph
from castproof.preprocess import Planes, resize
from castproof.progress import SILENT, Progress

P_TOLERANCE: Final = 0.05
CALIBRATION_PHOTOS: Final = 200


def int8_model(
    network: onnx.ModelProto, manifest: Manifest, size_px: int, progress: Progress = SILENT
) -> bytes:
    """Return the graph of a model file whose pointwise convolutions are in int8.

    Args:
        network: of `castproof.model.inspection_graph.network_graph`.
        manifest: of the run; the ranges of the maps are measured on photos of its training split.
        size_px: side of the network input.
        progress: told of every photo.

    Raises:
        DataError: none of the training photos can be read.
    """
    from castproof.model.int8_graph import int8_graph, squeeze_graph_before_int8

    chosen = calibration_photos(manifest, CALIBRATION_PHOTOS, seed=0)
    read = _read([manifest.path(one) for one in chosen], size_px, progress)
    first = next(read, None)
    if first is None:
        raise DataError(
            f"The training photos are not in {manifest.root} any more.",
            rule="The ranges of int8 are measured on them.",
            fix="Put them back where they were, or give their folder: --data FOLDER",
        )
    return whole_graph(squeeze_graph_before_int8(size_px), int8_graph(network, chain([first], read)))


def changes_of_int8() -> tuple[str, ...]:
    """Return what a model file in int8 changed, in sentences."""
    return (
        "The pointwise convolutions are in int8, per channel; ranges were measured on up to "
        f"{CALIBRATION_PHOTOS} training photos, every part weighted equally. All else is in float32.",
        f"p_defective may differ from the trained network's by up to {P_TOLERANCE}; results, promise and the limits "
        "of the input gate were measured in float32.",
        "The stored photos must give what this file gave where it was exported. A processor without int8 dot products "
        "(VNNI or the like) may disagree with them, and is then refused.",
    )


def calibration_photos(manifest: Manifest, count: int, seed: int) -> list[Photo]:
    """Return training photos: one of each part, in an order by chance, then a second one of each, up to `count`.

    Args:
        manifest: of the run.
        count: how many at most.
        seed: of the order.
    """
    rng = np.random.default_rng(seed)
    by_part: dict[tuple[str, str], list[Photo]] = defaultdict(list)
    for photo in manifest.of_split("train"):
        by_part[part_key(photo)].append(photo)
    parts = list(by_part.values())
    in_any_order = [parts[place] for place in rng.permutation(len(parts))]
    shuffled = [[photos[place] for place in rng.permutation(len(photos))] for photos in in_any_order]
    rounds = chain.from_iterable(zip_longest(*shuffled))
    return [photo for photo in rounds if photo is not None][:count]


def _read(paths: Sequence[Path], size_px: int, progress: Progress) -> Iterator[Planes]:
    with progress.task("int8 ranges", len(paths)) as task:
        for path in paths:
            task.advance()
            try:
                pixels = decode(path)
            except ImageError:
                continue
            yield np.array(resize(pixels, size_px), np.float32)
