"""The graph of a model file, run by ONNX Runtime on the CPU, with a limit to the memory that it may take.

A small file can ask for large tensors. ONNX Runtime would compute some of them while it opens the file, without a
limit; so nothing is computed then, and what is computed later comes from an arena of MOST_MEMORY_BYTES.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from castproof.errors import ModelFileError
from castproof.modelfile.outputs import DEFECT_TYPES, HEAT_MAP, IMAGE, LOGIT, NOVELTY, P_DEFECTIVE, PLACES
from castproof.preprocess import Pixels

REQUIRED: Final = (LOGIT, P_DEFECTIVE)
OPTIONAL: Final = (HEAT_MAP, NOVELTY, DEFECT_TYPES)
MOST_MEMORY_BYTES: Final = 2**30
_AT_ONCE_BYTES: Final = 600 * 2**20
_BYTES_A_PIXEL: Final = 12  # of a photo, per channel: as float32, transposed, and what a resize keeps besides
_BYTES_A_PLACE: Final = 400  # of the network's input, for its maps


@dataclass(frozen=True, eq=False)
class Seen:
    """What the graph says about one photo.

    Args:
        logit: not calibrated; NaN where it gave no number.
        p_defective: calibrated, in [0, 1]; NaN where it gave no number.
        heat_map: float32 (20, 20), nats; None where the file has none.
        novelty: how unlike the training photos it is; None where the file does not tell.
        types: float32 (types,), scores of the defect types; None where the file has none.
    """

    logit: float
    p_defective: float
    heat_map: NDArray[np.float32] | None
    novelty: float | None
    types: NDArray[np.float32] | None = None

    def looks_like(self, names: Sequence[str]) -> str | None:
        """Return the name of the type with the largest score; None where there are no scores, or no numbers."""
        if self.types is None or not np.isfinite(self.types).all():
            return None
        return names[int(self.types.argmax())]


class _Room:
    """Lets threads in as long as what they need together fits; one that needs more than all goes in alone."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._changed = threading.Condition()

    @contextmanager
    def of(self, needed: int) -> Iterator[None]:
        """Wait until `needed` bytes are free, and keep them until the block ends."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + needed <= self._limit)
            self._taken += needed
        try:
            yield
        finally:
            with self._changed:
                self._taken -= needed
                self._changed.notify_all()


_room = _Room(_AT_ONCE_BYTES)  # of the one arena of this process


class Session:
    """Runs a graph; any number of threads may call it at once, and each call keeps one core busy.

    Args:
        data: the bytes of a model file that `castproof.modelfile.onnx_file.check_onnx` let through.
        name: how errors call the file.
        size_px: side of the network input, for an estimate of its memory.

    Raises:
        ModelFileError: ONNX Runtime cannot open it, or its inputs and outputs are not those of a model file.
    """

    def __init__(self, data: bytes, name: str, size_px: int = 0) -> None:
        try:
            self._session = onnxruntime.InferenceSession(
                data, _options(), providers=["CPUExecutionProvider"], disabled_optimizers=["ConstantFolding"]
            )
        except Exception as error:  # its exceptions have no common base
            raise _cannot_open(name, str(error)) from error
        outputs = {one.name: one.type for one in self._session.get_outputs()}
        inputs = [(one.name, one.type, len(one.shape)) for one in self._session.get_inputs()]
        if inputs != [(IMAGE, "tensor(uint8)", 3)] or not set(REQUIRED) <= set(outputs):
            raise _cannot_open(name, f"inputs {inputs}, outputs {sorted(outputs)}")
        self._name = name
        self._maps_bytes = _BYTES_A_PLACE * size_px**2
        self._outputs = [*REQUIRED, *(one for one in OPTIONAL if one in outputs)]

    def look(self, image: Pixels) -> Seen:
        """Return what the graph says about a photo.

        Args:
            image: uint8 (H, W) or (H, W, 1), grey, or (H, W, 3), RGB.

        Raises:
            ModelFileError: the graph cannot be run on it.
        """
        planes = image[..., None] if image.ndim == 2 else image
        try:
            with _room.of(planes.size * _BYTES_A_PIXEL + self._maps_bytes):
                found = self._session.run(self._outputs, {IMAGE: planes})
            named = dict(zip(self._outputs, found, strict=True))
            return Seen(
                _number(named[LOGIT]),
                _number(named[P_DEFECTIVE]),
                _heat_map(named[HEAT_MAP]) if HEAT_MAP in named else None,
                _number(named[NOVELTY]) if NOVELTY in named else None,
                named.get(DEFECT_TYPES),
            )
        except Exception as error:
            raise ModelFileError(
                f"{self._name} cannot judge a photo of {planes.shape[1]} x {planes.shape[0]} pixels.",
                found=f"({_first_line(str(error))})",
                fix="Export the model again: castproof export RUN -o model.onnx",
            ) from error


def _options() -> onnxruntime.SessionOptions:
    _limit_memory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.use_env_allocators", "1")
    return options


@cache
def _limit_memory() -> None:
    """Give all sessions of this process one arena of limited size."""
    kind, use = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, onnxruntime.OrtMemType.DEFAULT
    arena = {
        "max_mem": MOST_MEMORY_BYTES,
        "arena_extend_strategy": 0,
        "initial_chunk_size_bytes": 2**20,
        "max_dead_bytes_per_chunk": 2**27,
    }
    onnxruntime.create_and_register_allocator(
        onnxruntime.OrtMemoryInfo("Cpu", kind, 0, use), onnxruntime.OrtArenaCfg(arena)
    )


def _number(value: NDArray[np.floating]) -> float:
    return float(np.asarray(value).reshape(()))


def _heat_map(value: NDArray[np.float32]) -> NDArray[np.float32]:
    if value.shape != (PLACES, PLACES):
        raise ValueError(f"heat map of shape {value.shape}")
    return value


def _cannot_open(name: str, found: str) -> ModelFileError:
    return ModelFileError(
        f"{name} cannot be run.",
        rule="A model file takes the pixels of a photo and gives its logit and p_defective.",
        found=f"({_first_line(found)})",
        fix="Export the model again: castproof export RUN -o model.onnx",
    )


def _first_line(text: str) -> str:
    return (text.splitlines() or [""])[0][:300]
