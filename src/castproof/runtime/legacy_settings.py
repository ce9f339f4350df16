"""What only the maker of an old PyTorch model knows, and what its user agrees to by opening it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from castproof.errors import SettingError
from castproof.files import name_key
from castproof.images import MAX_SIDE_PX
from castproof.preprocess import IMAGENET_MEAN, IMAGENET_STD
from castproof.runtime.legacy_kind import LegacyKind

RGB: Final = "rgb"
GREY: Final = "grey"
CHANNELS: Final = {RGB: 3, GREY: 1}
LOGITS: Final = "logits"
PROBABILITIES: Final = "probabilities"
OUTPUTS: Final = (LOGITS, PROBABILITIES)
MIN_SIDE_PX: Final = 8

_PYTHON_RISK: Final = (
    "{what} runs whatever code its maker put in, with all your rights: it could read, change or send off any of your "
    "files. That is all right only where you made the file yourself, or have it from somebody you trust who told you "
    "this SHA-256 by another way than the file came."
)
_SCRIPT_RISK: Final = (
    "{what} runs the program in it in PyTorch's own interpreter. It calls no Python, but it can write over any file "
    "that you may write, and read files. That is all right only where you made the file yourself, or have it from "
    "somebody you trust who told you this SHA-256 by another way than the file came."
)
_RISKS: Final = {
    LegacyKind.PICKLED_MODULE: _PYTHON_RISK,
    LegacyKind.EXPORTED_PROGRAM: _PYTHON_RISK,
    LegacyKind.TORCHSCRIPT: _SCRIPT_RISK,
}


@dataclass(frozen=True)
class Trust:
    """What the user agreed to for one file; nothing unless it is said.

    Args:
        pickle: Python code in it may run (a pickled module, a program of torch.export).
        torchscript: a TorchScript program in it may run.
        sha256: the hash that the user was shown; a file with another one is refused. None: whatever the file holds.
    """

    pickle: bool = False
    torchscript: bool = False
    sha256: str | None = None

    def covers(self, kind: LegacyKind) -> bool:
        """Return whether a file of this kind may be opened."""
        return self.torchscript if kind is LegacyKind.TORCHSCRIPT else self.pickle


def risk_of(kind: LegacyKind, path: Path, sha256: str) -> str | None:
    """Return what a user must know before the file is opened; None where it is never opened."""
    risk = _RISKS.get(kind)
    return None if risk is None else risk.format(what=f"Opening {path} ({kind.value}, SHA-256 {sha256})")


@dataclass(frozen=True)
class LegacySettings:
    """How photos go into an old model and what comes out.

    Photos are turned into `channels`. With `crop_px` the square of that side in their middle is cut out, and with
    `resize_px` their shorter side is resized to that before. What is then left is resized to `size_px` x `size_px`.

    Args:
        classes: names in the order of the outputs.
        good: which of them are good; at least one is, and at least one is not.
        channels: "rgb" or "grey".
        size_px: side of the square that the model takes.
        mean: per channel, on the scale [0, 1].
        std: per channel, on the scale [0, 1].
        resize_px: shorter side of the photo before the crop; None: as it is.
        crop_px: side of the square cut out of the middle; None: the whole photo.
        output: "logits" (the model ends without softmax or sigmoid) or "probabilities".

    Raises:
        SettingError: one of them is out of its range, or they contradict each other.
    """

    classes: tuple[str, ...]
    good: tuple[str, ...]
    channels: str = RGB
    size_px: int = 224
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    resize_px: int | None = None
    crop_px: int | None = None
    output: str = LOGITS

    def __post_init__(self) -> None:
        _check_classes(self.classes, self.good)
        _check_choice("channels", self.channels, tuple(CHANNELS))
        _check_choice("output", self.output, OUTPUTS)
        _check_sizes(self)
        _check_scale(self)

    @property
    def good_outputs(self) -> tuple[int, ...]:
        """The places of the good classes, counted from 0."""
        return tuple(place for place, name in enumerate(self.classes) if name in self.good)

    @property
    def defective_outputs(self) -> tuple[int, ...]:
        """The places of the defective classes, counted from 0."""
        return tuple(place for place, name in enumerate(self.classes) if name not in self.good)


def _check_classes(classes: tuple[str, ...], good: tuple[str, ...]) -> None:
    rule = "The classes are two or more different names, in the order of the model's outputs."
    fix = "Name all of them, such as --classes ok,defective."
    if len({name_key(name.strip()) for name in classes if name.strip()}) != max(len(classes), 2):
        raise SettingError(
            "The classes cannot be used.", rule=rule, found=f"Found {_listed(classes)}.", fix=fix
        )
    if not good or len(set(good)) != len(good) or not set(good) < set(classes):
        raise SettingError(
            "It is not clear which classes are good.",
            rule="At least one of the classes is good and at least one is not; each is named once.",
            found=f"Classes {_listed(classes)}; good {_listed(good)}.",
            fix="Name the good ones as the classes are spelt, such as --good ok.",
        )


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SettingError(
            f"--{name} cannot be {value!r}.",
            rule=f"It is {' or '.join(choices)}.",
            fix=f"Choose one: --{name} {choices[0]}.",
        )


def _check_sizes(settings: LegacySettings) -> None:
    sizes = {"size": settings.size_px, "resize": settings.resize_px, "crop": settings.crop_px}
    for name, size in sizes.items():
        if size is not None and not MIN_SIDE_PX <= size <= MAX_SIDE_PX:
            raise SettingError(
                f"--{name} cannot be {size}.",
                rule=f"It is a number of pixels from {MIN_SIDE_PX} to {MAX_SIDE_PX}.",
                fix=f"Take the side that the model was trained with, such as --{name} 224.",
            )
    if settings.resize_px is not None and (settings.crop_px is None or settings.crop_px > settings.resize_px):
        raise SettingError(
            "--resize does not fit --crop.",
            rule="The photo is resized to be cropped: the crop is given, and is no larger.",
            found=f"Found --resize {settings.resize_px}, "
            + ("no --crop." if settings.crop_px is None else f"--crop {settings.crop_px}."),
            fix="Give both, such as --resize 256 --crop 224, or neither, for the whole photo.",
        )


def _check_scale(settings: LegacySettings) -> None:
    count = CHANNELS[settings.channels]
    for name, values in (("mean", settings.mean), ("std", settings.std)):
        fits = all(math.isfinite(value) and 0 <= value <= 1 for value in values)
        if len(values) != count or not fits or (name == "std" and min(values) <= 0):
            raise SettingError(
                f"--{name} cannot be {', '.join(map(str, values)) or 'empty'}.",
                rule=f"For {settings.channels} it is {count} numbers {'above' if name == 'std' else 'from'} 0 up to 1: "
                "photos are on the scale from 0 to 1.",
                found=f"Found {len(values)} numbers.",
                fix="Take the numbers that the model was trained with, divided by 255 where they are on that scale; "
                "0 and 1 where there were none.",
            )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names)) or "none"
