"""Networks on disk: tensors and plain values, nothing that could run code when it is opened."""

import pickle
import struct
import zipfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch

from castproof.data.classes import Classes
from castproof.errors import BrokenRunError, SettingError
from castproof.files import atomic_path
from castproof.measure.decision import check_threshold
from castproof.model.network import Classifier, NetworkSpec, build_network
from castproof.preprocess import PreprocessSpec

FORMAT: Final = 4
_ODD: Final = (
    AttributeError,
    LookupError,
    MemoryError,
    OverflowError,
    RuntimeError,  # also RecursionError
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Checkpoint:
    """A network with everything that is needed to use it.

    Args:
        network: in eval mode.
        spec: how the network is built.
        classes: the class folders, and which of them are good.
        threshold: on `p_defective`, in [0, 1]; tuned on validation photos, or 0.5.
        epoch: the epoch that the network is from; 0 for a head that was fitted at once.
    """

    network: Classifier
    spec: NetworkSpec
    classes: Classes
    threshold: float
    epoch: int


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write `checkpoint` to `path`, whole or not at all. Raises OutputError."""
    save_state(
        {
            "format": FORMAT,
            "tensors": checkpoint.network.state_dict(),
            "spec": asdict(checkpoint.spec),
            "classes": asdict(checkpoint.classes),
            "threshold": checkpoint.threshold,
            "epoch": checkpoint.epoch,
        },
        path,
    )


def load_checkpoint(path: Path) -> Checkpoint:
    """Return the checkpoint stored at `path`, on the CPU.

    Raises:
        BrokenRunError: the file is missing, broken, of an unknown format, or would have to run code to open.
    """
    state = load_state(path)
    try:
        if state["format"] != FORMAT:
            raise BrokenRunError(
                f"{path} has format {state['format']!r}.",
                rule=f"This castproof reads format {FORMAT}.",
                fix="Train again with this version.",
            )
        preprocess = state["spec"]["preprocess"]
        spec = NetworkSpec(
            model=state["spec"]["model"],
            dropout=state["spec"]["dropout"],
            preprocess=PreprocessSpec(
                preprocess["size_px"], tuple(preprocess["mean"]), tuple(preprocess["std"])
            ),
            features=state["spec"]["features"],
            head=str(state["spec"]["head"]),
            types=tuple(map(str, state["spec"].get("types", ()))),  # earlier checkpoints have none
        )
        classes = Classes(
            good=tuple(state["classes"]["good"]), defective=tuple(state["classes"]["defective"])
        )
        network = build_network(spec, seed=0)
        network.load_state_dict(state["tensors"])
        threshold = float(state["threshold"])
        check_threshold(threshold)
        return Checkpoint(network.eval(), spec, classes, threshold, int(state["epoch"]))
    except (*_ODD, SettingError) as error:
        raise _broken(path, error) from error


def save_state(state: dict[str, Any], path: Path) -> None:
    """Write tensors and plain values to `path`, whole or not at all. Raises OutputError."""
    with atomic_path(path) as temporary:
        try:
            torch.save(state, temporary)
        except RuntimeError as error:
            raise OSError(f"{error}".splitlines()[0]) from error


def load_state(path: Path) -> dict[str, Any]:
    """Return what `save_state` wrote, on the CPU.

    Raises:
        BrokenRunError: the file is missing or broken, or would have to run code to open.
    """
    if not path.is_file():
        raise BrokenRunError(
            f"{path} not found.", rule="A run holds this file after its first epoch.", fix="Train again."
        )
    try:
        _check_sums(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, OSError, EOFError, AssertionError, struct.error, *_ODD) as error:
        raise _broken(path, error) from error
    if not isinstance(state, dict):
        raise BrokenRunError(
            f"{path} is not a castproof checkpoint.", fix="Give a run folder made by castproof train."
        )
    return state


def _check_sums(path: Path) -> None:
    """Raise ValueError unless every record in the zip file that `torch.save` wrote fits its checksum.

    PyTorch does not look at them: a network with a flipped bit would judge photos.
    """
    try:
        with zipfile.ZipFile(path) as records:
            damaged = records.testzip()
    except (zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"it is damaged: {error}") from error
    if damaged is not None:
        raise ValueError(f"it is damaged: the checksum of {damaged} is wrong")


def _broken(path: Path, error: Exception) -> BrokenRunError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return BrokenRunError(
        f"{path} cannot be opened as a castproof checkpoint.", found=f"({reason})", fix="Train again."
    )
