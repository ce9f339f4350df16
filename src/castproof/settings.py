"""The settings of a training run: names, defaults and limits, in one place for every face."""

import math
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, get_args

from castproof.errors import SettingError

TuneFor = Literal["macro_f1", "def_f1", "none"]

SHORT_BACKBONES: Final = ("mobilenet", "mobilenet_v2", "lite0")
AUTO: Final = "auto"
NAMED_WEIGHTS: Final = (AUTO, "imagenet", "castings", "none")
FEATURES: Final = ("last", "middle")
HEADS: Final = ("linear", "hidden")
DISTANCE: Final = "distance"  # the head of good parts alone, which no flag asks for
AUG_LEVELS: Final = ("none", "minimal", "standard", "heavy")
WEIGHINGS: Final = ("photos", "parts")
UNTUNED: Final = "none"
OBJECTIVES: Final = get_args(TuneFor)
OPTIMIZERS: Final = ("adamw", "sgd")
SCHEDULES: Final = ("cosine", "constant")
SPLIT_CHOICES: Final = ("given", "parts", "none")
BY_PICTURE: Final = "by-picture"
BY_FILE: Final = "by-file"
BY_FOLDER: Final = "by-folder"
PART_CHOICES: Final = (BY_PICTURE, BY_FILE, BY_FOLDER)
OF_EPOCHS: Final = (  # settings of learning epoch by epoch
    "epochs",
    "lr",
    "min_lr",
    "wd",
    "patience",
    "min_delta",
    "warmup_epochs",
    "sched",
    "clip_norm",
    "optimizer",
    "momentum",
    "label_smoothing",
    "dropout",
    "backbone_lr_mult",
    "head_only_epochs",
)
TABLE_SUFFIXES: Final = (".csv", ".tsv", ".txt")
MANY: Final = 1_000_000
LARGEST_SEED: Final = 2**62
DEVICES: Final = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class TrainSettings:
    """Everything that decides the result of a training run, except the photos themselves.

    The defaults are those of the recipe "reference"; `castproof.recipes` makes the settings of the others.

    Raises:
        SettingError: a value is out of its range; every wrong field is listed.
    """

    data: str
    recipe: str = "reference"
    ok: tuple[str, ...] = ()
    parts: str = BY_PICTURE
    split: str = "given"
    folds: int = 5
    set_aside: bool = False
    val_share: float = 0.15
    test_share: float = 0.15
    skip_unreadable: bool = False
    model: str = "mobilenet"
    weights: str = AUTO
    features: str = "last"
    head: str = "hidden"
    epochs: int = 30
    batch_size: int = 48
    img_size: int = 224
    lr: float = 2e-4
    min_lr: float = 1e-6
    wd: float = 1e-4
    seed: int = 1337
    num_workers: int = 0
    patience: int = 5
    min_delta: float = 0.0
    warmup_epochs: int = 5
    sched: str = "cosine"
    clip_norm: float = 1.0
    optimizer: str = "adamw"
    momentum: float = 0.9
    label_smoothing: float = 0.01
    dropout: float = 0.5
    aug_level: str = "standard"
    weigh: str = "photos"
    tune_for: TuneFor = "macro_f1"
    cost_fn: float = 10.0
    cost_fp: float = 1.0
    unfreeze: str = "none"
    backbone_lr_mult: float = 0.1
    head_only_epochs: int = 3
    device: str = "auto"

    def __post_init__(self) -> None:
        broken = out_of_range({name: getattr(self, name) for name in _RULES})
        if self.val_share + self.test_share >= 1:
            broken.append("--val-share and --test-share together must leave photos for training")
        if self.features == "middle" and not self.frozen:
            broken.append(
                "--unfreeze needs --recipe reference: the other recipes take --features middle, with a frozen backbone"
            )
        if self.head == DISTANCE and not self.frozen:
            broken.append(
                "--unfreeze needs photos of defective parts, too: good ones alone teach no difference"
            )
        if self.head == "linear" and not self.frozen:
            broken.append(
                "--unfreeze needs --head hidden: a linear head is fitted at once, to a frozen backbone"
            )
        if self.min_lr > self.lr:
            broken.append(f"--min-lr must not exceed --lr; found {self.min_lr!r} and {self.lr!r}")
        if broken:
            raise SettingError(
                "Settings out of range:", fix="Give other values, or leave them out.", items=broken
            )

    @property
    def frozen(self) -> bool:
        """Whether the backbone is a fixed feature extractor."""
        return self.unfreeze == "none"

    @property
    def by_epochs(self) -> bool:
        """Whether the network learns epoch by epoch; the other heads are fitted at once."""
        return self.head == "hidden"

    @property
    def without_effect(self) -> tuple[str, ...]:
        """Fields that were changed and play no part, since the head is fitted at once."""
        defaults = {one.name: one.default for one in fields(self)}
        changed = (name for name in OF_EPOCHS if getattr(self, name) != defaults[name])
        return () if self.by_epochs else tuple(changed)

    @property
    def keeps_last(self) -> bool:
        """Whether no photos decide which epoch is kept: there are none, or the last one is kept."""
        return not self.by_epochs or self.patience == 0

    @property
    def needs_validation(self) -> bool:
        """Whether validation photos have a say: in the threshold, or in the epoch that is kept."""
        return self.tune_for != UNTUNED or not self.keeps_last

    @property
    def run_name(self) -> str:
        """The part of the run folder's name that the settings decide."""
        learnt = f"{self.optimizer}_{self.aug_level}_dr{self.dropout:g}" if self.by_epochs else self.head
        return f"{self.model.replace(':', '-')}_{learnt}"

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values, by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "TrainSettings":
        """Return the settings stored by `to_json`.

        Raises:
            SettingError: a name is unknown or missing, or a value is out of its range.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise SettingError(
                f"Unknown settings: {', '.join(unknown)}.", fix="Train again with this version."
            )
        try:
            return cls(**{**values, "ok": tuple(values.get("ok", ()))})
        except TypeError as error:
            raise SettingError(f"Stored settings do not fit: {error}.", fix="Train again.") from error


def out_of_range(values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with each of `values`, by the names of settings, that a run cannot have."""
    wrong: list[str] = []
    for name, value in values.items():
        holds, rule = _RULES[name]
        try:
            fits = holds(value)
        except (TypeError, ValueError, AttributeError):
            fits = False
        if not fits:
            wrong.append(f"--{name.replace('_', '-')} must be {rule}; found {reprlib.repr(value)}")
    return wrong


def is_part_table(parts: str) -> bool:
    """Return whether `parts`, a value of --parts, names a table of parts."""
    return Path(parts).suffix.lower() in TABLE_SUFFIXES


def check_parts(parts: str) -> None:
    """Raise SettingError where `parts` is no value of --parts."""
    holds, rule = PARTS_RULE
    if not holds(parts):
        raise SettingError(
            "--parts does not fit.",
            rule=f"It is {rule}.",
            found=f"It is {parts!r}.",
            fix="Leave it out to compare the photos.",
        )


def _is_parts(value: Any) -> bool:
    if value in PART_CHOICES:
        return True
    if not isinstance(value, str) or not value or value.startswith("by-"):
        return False
    try:
        re.compile(value)
    except re.error:
        return is_part_table(value)
    return True


def _whole(low: int, high: int) -> tuple[Callable[[Any], bool], str]:
    return (
        lambda value: _is_whole(value) and low <= value <= high
    ), f"a whole number from {low:,} to {high:,}"


def _at_least(low: float) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: _is_number(value) and value >= low), f"a number of at least {low:g}"


def _above(low: float) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: _is_number(value) and value > low), f"a number above {low:g}"


def _within(low: float, high: float) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: _is_number(value) and low <= value < high), f"at least {low:g} and below {high:g}"


def _one_of(names: tuple[str, ...]) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: value in names), "one of " + ", ".join(names)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.:]+", value) is not None


def _are_names(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, str) for one in value)


def _is_weights(value: str) -> bool:
    return value in NAMED_WEIGHTS or Path(value).suffix.lower() in {".pt", ".pth", ".safetensors"}


PARTS_RULE: Final = (
    _is_parts,
    f"{', '.join(PART_CHOICES)}, a regular expression, or a table (.csv) with the columns file and part",
)
_SWITCH: Final = (lambda value: isinstance(value, bool), "on or off")
_TEXT: Final = (lambda value: isinstance(value, str), "a text")
_RULES: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "data": _TEXT,
    "recipe": _TEXT,
    "ok": (_are_names, "names of class folders"),
    "set_aside": _SWITCH,
    "skip_unreadable": _SWITCH,
    "model": (_is_name, "the name of a network, such as mobilenet, lite0, resnet18 or timm:NAME"),
    "features": _one_of(FEATURES),
    "head": _one_of((*HEADS, DISTANCE)),
    "weights": (_is_weights, "auto, imagenet, castings, none, or a .pt, .pth or .safetensors file"),
    "parts": PARTS_RULE,
    "split": _one_of(SPLIT_CHOICES),
    "folds": _whole(3, MANY),
    "val_share": (lambda value: 0 < value < 1, "between 0 and 1"),
    "test_share": (lambda value: 0 < value < 1, "between 0 and 1"),
    "epochs": _whole(1, MANY),
    "batch_size": _whole(2, MANY),
    "img_size": (lambda value: _is_whole(value) and 32 <= value <= 2048, "from 32 to 2048 pixels"),
    "lr": _above(0),
    "min_lr": _at_least(0),
    "wd": _at_least(0),
    "seed": _whole(0, LARGEST_SEED),
    "num_workers": _whole(0, MANY),
    "patience": _whole(0, MANY),
    "min_delta": _at_least(0),
    "warmup_epochs": _whole(0, MANY),
    "sched": _one_of(SCHEDULES),
    "clip_norm": _at_least(0),
    "optimizer": _one_of(OPTIMIZERS),
    "momentum": _within(0, 1),
    "label_smoothing": _within(0, 1),
    "dropout": _within(0, 1),
    "aug_level": _one_of(AUG_LEVELS),
    "weigh": _one_of(WEIGHINGS),
    "tune_for": _one_of(OBJECTIVES),
    "cost_fn": _at_least(0),
    "cost_fp": _at_least(0),
    "unfreeze": (
        lambda value: (
            value in ("none", "all") or (isinstance(value, str) and value.isdecimal() and int(value) > 0)
        ),
        "none, all, or a number of blocks",
    ),
    "backbone_lr_mult": _at_least(0),
    "head_only_epochs": _whole(0, MANY),
    "device": _one_of(DEVICES),
}
