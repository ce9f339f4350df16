"""Networks by name: torchvision's, timm's, and castproof's own; how each is built and what its photos look like."""

import difflib
import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from torch import nn
from torchvision import models

from castproof.errors import MissingExtraError, SettingError
from castproof.installation import how_to_install
from castproof.model.lite0 import Lite0
from castproof.preprocess import IMAGENET_MEAN, IMAGENET_STD, PreprocessSpec

TIMM: Final = "timm:"
LITE0: Final = "lite0"
SHORT: Final = {"mobilenet": "mobilenet_v3_small"}
HALF: Final = (0.5, 0.5, 0.5)
RESCALING: Final = ("googlenet", "inception_v3")  # from ImageNet's mean and std to HALF, where told to
MOST_SHOWN: Final = 5


@dataclass(frozen=True)
class Library:
    """A network of a library.

    Args:
        name: as given to `--model`.
        build: returns it with a random start.
        mean: per channel, that its public weights expect, on the scale [0, 1].
        std: likewise.
        imagenet: torchvision's weights entry, or the repository of timm's weights; None where neither has any.
    """

    name: str
    build: Callable[[], nn.Module]
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    imagenet: models.WeightsEnum | str | None = None

    def preprocess(self, size_px: int) -> PreprocessSpec:
        """Return the numbers by which photos become its input, at `size_px` x `size_px`."""
        return PreprocessSpec(size_px, self.mean, self.std)


def find_network(name: str) -> Library:
    """Return the network of that name.

    Raises:
        SettingError: there is none.
        MissingExtraError: it is timm's, and timm is not installed.
    """
    if name == LITE0:
        return Library(name, Lite0, HALF, HALF)
    if name.startswith(TIMM):
        return _of_timm(name)
    known = models.list_models(module=models)
    if SHORT.get(name, name) not in known:
        raise _unknown(name, [*SHORT, LITE0, *known])
    return _of_torchvision(name)


def _of_torchvision(name: str) -> Library:
    full = SHORT.get(name, name)
    entries = models.get_model_weights(full)
    entry = getattr(entries, "IMAGENET1K_V1", None) or entries.DEFAULT
    kept: dict[str, Any] = entry.transforms.keywords
    mean, std = (kept.get(key, default) for key, default in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD)))
    if full in RESCALING:
        mean = std = HALF

    def build() -> nn.Module:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a random start will be another one in the future
            network: nn.Module = models.get_model(full, weights=None)
            return network

    return Library(name, build, tuple(mean), tuple(std), entry)


def _of_timm(name: str) -> Library:
    timm, inner = _timm(name), name.removeprefix(TIMM)
    if inner not in timm.list_models():
        raise _unknown(name, [])
    told = timm.get_pretrained_cfg(inner)
    return Library(
        name,
        lambda: timm.create_model(inner, pretrained=False),
        tuple(told.mean),
        tuple(told.std),
        told.hf_hub_id,
    )


def _timm(name: str) -> ModuleType:
    try:
        import timm
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"--model {name} needs {error.name}, which is not installed.",
            fix=f"Install it: {how_to_install('timm')}",
        ) from error
    return timm


def _unknown(name: str, known: list[str]) -> SettingError:
    """Return the error that names those that are close, timm's among them where it is installed."""
    with suppress(MissingExtraError):
        known = [*known, *(TIMM + one for one in _timm(name).list_models())]
    inner = {re.sub(f"^{TIMM}", "", one): one for one in reversed(known)}
    close = difflib.get_close_matches(name.removeprefix(TIMM), inner, MOST_SHOWN, 0.6)
    return SettingError(
        f"There is no backbone {name}.",
        rule=f"--model takes torchvision's convolutional networks by name, {LITE0}, and timm's as {TIMM}NAME.",
        found=f"Close to it: {', '.join(inner[one] for one in close)}." if close else "",
        fix="Give one of these, or leave --model out." if close else "Leave --model out for mobilenet.",
    )
