"""Photos as batches of tensors: decoded, resized and worked on by threads, with constant memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from castproof.errors import ImageError
from castproof.images import decode
from castproof.preprocess import PreprocessSpec, resize
from castproof.threads import in_threads

Indices = Sequence[int]
Result = TypeVar("Result")
Work = Callable[[Indices, Tensor], Result]


@dataclass(frozen=True)
class PhotoBatches:
    """Reads photos in any order.

    Args:
        paths: the photos.
        size_px: side of the network input.
        workers: decoding threads, at least 1; `map` works in them too.
        failures: where photos that cannot be decoded are noted, by their place in `paths`; they are then left
            out of their batch. Without it such a photo raises.
        only_checksummed: formats without checksums cannot be decoded, see `castproof.images.decode`.
    """

    paths: Sequence[Path]
    size_px: int
    workers: int
    failures: dict[int, ImageError] | None = None
    only_checksummed: bool = False

    def read(self, chunks: Sequence[Indices]) -> Iterator[tuple[Indices, Tensor]]:
        """Yield (indices, their photos float32 (n, 3, size_px, size_px) in [0, 1]), in the given order.

        Args:
            chunks: which photos stand in each batch, by their place in `paths`.

        Raises:
            ImageError: a photo cannot be decoded.
        """
        yield from self.map(_unchanged, chunks)

    def map(self, work: Work[Result], chunks: Sequence[Indices]) -> Iterator[tuple[Indices, Result]]:
        """Yield (indices, `work` of these indices and their photos), in the given order.

        `work` runs in the decoding threads.

        Raises:
            ImageError: a photo cannot be decoded.
        """
        read_and_worked_on = partial(self._work_on, work)
        yield from in_threads(read_and_worked_on, chunks, workers=self.workers, ahead=self.workers)

    def read_all(self, batch_size: int) -> Iterator[tuple[Indices, Tensor]]:
        """Yield every photo once, in order; see `read`."""
        yield from self.read(self.in_order(batch_size))

    def in_order(self, batch_size: int) -> list[range]:
        """Return the places of all photos, in order, cut into batches."""
        count = len(self.paths)
        return [range(start, min(start + batch_size, count)) for start in range(0, count, batch_size)]

    def _work_on(self, work: Work[Result], chunk: Indices) -> tuple[Indices, Result]:
        indices, batch = self._read_chunk(chunk)
        return indices, work(indices, batch)

    def _read_chunk(self, chunk: Indices) -> tuple[Indices, Tensor]:
        read: list[int] = []
        batch = np.empty((len(chunk), 3, self.size_px, self.size_px), np.float32)
        for index in chunk:
            try:
                pixels = decode(self.paths[index], only_checksummed=self.only_checksummed)
                batch[len(read)] = resize(pixels, self.size_px)
            except ImageError as error:
                if self.failures is None:
                    raise
                self.failures[index] = error
            else:
                read.append(index)
        return read, torch.from_numpy(batch[: len(read)])


def _unchanged(indices: Indices, batch: Tensor) -> Tensor:
    return batch


class Normalise(torch.nn.Module):
    """Subtracts the mean and divides by the standard deviation, per channel."""

    mean: Tensor
    std: Tensor

    def __init__(self, spec: PreprocessSpec) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(spec.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(spec.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, batch: Tensor) -> Tensor:
        """Return normalised photos of the same shape, given photos (n, 3, h, w) in [0, 1]."""
        return (batch - self.mean) / self.std
