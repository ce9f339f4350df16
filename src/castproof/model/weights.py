"""Starting weights of a backbone: public ones, shipped with castproof, or from a file. Never runs code."""

import hashlib
import pickle
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from castproof.errors import WeightsError
from castproof.model.backbones import Backbone
from castproof.model.libraries import LITE0, TIMM
from castproof.model.public_weights import NotHadError, fetch
from castproof.settings import AUTO

SHIPPED_FILES: Final = {"mobilenet": "castings_mobilenet_v3_small.safetensors"}
KEYS_SHOWN: Final = 5
CLASSIFIERS: Final = ("classifier.", "fc.", "_fc.", "head.", "AuxLogits.", "aux1.", "aux2.")

StateDict = dict[str, Tensor]


def load_weights(backbone: Backbone, weights: str) -> str:
    """Return where the weights came from, in words, after putting them into `backbone`.

    Args:
        backbone: the network to fill, in place.
        weights: "imagenet", "castings", "none" (keeps the random start) or the path of a checkpoint
            (.pt, .pth) or safetensors file, float16 or float32, with the key names of the network's library.

    Raises:
        WeightsError: offline, no shipped weights for this network, unreadable file, or keys that differ.
    """
    if weights == "none":
        return "random start, no pretraining"
    if weights == "imagenet":
        state, words = _imagenet(backbone.name)
        _fill(backbone, state, words)
        return words
    if weights == "castings":
        _fill(backbone, _shipped(backbone.name), "castings")
        return "castproof castings (made from generated pictures alone)"
    _fill(backbone, read_state_dict(Path(weights)), weights)
    return f"file {Path(weights).name}"


def load_chosen(backbone: Backbone, weights: str) -> tuple[str, str]:
    """Return the weights that were really put into `backbone`, as `load_weights` takes them, and its words.

    Args:
        backbone: the network to fill, in place.
        weights: as for `load_weights`, or "auto": ImageNet's where they are to be had, otherwise shipped ones.

    Raises:
        WeightsError: as for `load_weights`; for "auto", where neither is to be had.
    """
    if weights != AUTO:
        return weights, load_weights(backbone, weights)
    try:
        return "imagenet", load_weights(backbone, "imagenet")
    except WeightsError as error:
        if backbone.name not in SHIPPED_FILES or not isinstance(error.__cause__, NotHadError):
            raise
        words = load_weights(backbone, "castings")
        return "castings", f"{words}; ImageNet's are not on this machine and could not be downloaded"


def weights_hash(backbone: Backbone) -> str:
    """Return a hex SHA-256 of all tensors of `backbone`, whatever file they came from."""
    digest = hashlib.sha256()
    for key, value in backbone.net.state_dict().items():
        digest.update(key.encode("utf-8"))
        digest.update(value.contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()


def read_state_dict(path: Path) -> StateDict:
    """Return the tensors of a .safetensors file or of a .pt / .pth file that holds tensors and nothing else.

    Raises:
        WeightsError: the file is missing, broken, or would have to run code to open.
    """
    if not path.is_file():
        raise WeightsError(f"Weights file {path} not found.", fix="Check the path given to --weights.")
    try:
        if path.suffix.lower() == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"Weights file {path} is not a plain table of tensors.",
            rule="castproof opens no file that could run code.",
            fix="Save it with torch.save(model.state_dict(), path), or as safetensors.",
        ) from error
    except (SafetensorError, OSError, RuntimeError, ValueError, EOFError, KeyError) as error:
        raise WeightsError(
            f"Weights file {path} cannot be read.", found=f"({error})", fix="Fetch the file again."
        ) from error
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise WeightsError(
            f"Weights file {path} holds {type(state).__name__}, not a table of tensors by name.",
            fix="Save it with torch.save(model.state_dict(), path).",
        )
    return state


def _imagenet(name: str) -> tuple[StateDict, str]:
    """Return the ImageNet weights of a network, and what they are, in words."""
    try:
        path, words = fetch(name)
    except NotHadError as error:
        shipped = " Or use --weights castings (shipped, no network needed)." if name in SHIPPED_FILES else ""
        raise WeightsError(
            f"The ImageNet weights of {name} are not on this machine and could not be downloaded.",
            found=f"({error})",
            fix=error.remedy + shipped,
        ) from error
    return read_state_dict(path), words


def _shipped(name: str) -> StateDict:
    if name not in SHIPPED_FILES:
        raise WeightsError(
            f"castproof ships no castings weights for {name}.",
            rule=f"They exist for {', '.join(SHIPPED_FILES)}.",
            fix="Use --weights imagenet or a file, or --model mobilenet.",
        )
    with as_file(files("castproof") / "weights" / SHIPPED_FILES[name]) as path:
        return read_state_dict(path)


def _fill(backbone: Backbone, state: StateDict, source: str) -> None:
    """Put the tensors of `state` into `backbone`; those of the layers that it leaves away are left aside."""
    wanted = backbone.net.state_dict()
    given = {key: value for key, value in state.items() if key in wanted or key not in backbone.whole_keys}
    given = {key: value for key, value in given.items() if not key.startswith(CLASSIFIERS)}
    counters = {key for key in wanted if key.endswith("num_batches_tracked")}
    differing = [f"missing: {key}" for key in wanted if key not in given and key not in counters]
    differing += [f"not known: {key}" for key in given if key not in wanted]
    differing += [
        f"shape: {key} is {tuple(given[key].shape)}, must be {tuple(wanted[key].shape)}"
        for key in wanted
        if key in given and given[key].shape != wanted[key].shape
    ]
    if differing:
        rest = len(differing) - KEYS_SHOWN
        raise WeightsError(
            f"Weights {source} do not fit {backbone.name}.",
            rule=f"They must have {_library(backbone.name)}'s key names and shapes.",
            found=f"{len(differing)} keys differ, the first ones:",
            items=[*differing[:KEYS_SHOWN], *([f"and {rest} more"] if rest > 0 else [])],
        )
    not_finite = [key for key, value in given.items() if not torch.isfinite(value).all()]
    if not_finite:
        raise WeightsError(
            f"Weights {source} contain values that are not finite.", items=not_finite[:KEYS_SHOWN]
        )
    backbone.net.load_state_dict(
        {key: given.get(key, value).to(value.dtype) for key, value in wanted.items()}
    )


def _library(name: str) -> str:
    return "timm" if name.startswith(TIMM) else "the public file" if name == LITE0 else "torchvision"
