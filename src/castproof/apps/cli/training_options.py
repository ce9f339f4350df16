"""The options that decide how a network learns, for every command that trains one."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from castproof.apps.cli.console import tell
from castproof.apps.cli.options import DEVICE_HELP
from castproof.recipes import DEFAULT_RECIPE, OF_RECIPE, RECIPES, recipe_settings
from castproof.settings import (
    AUG_LEVELS,
    DEVICES,
    FEATURES,
    HEADS,
    OBJECTIVES,
    OPTIMIZERS,
    SCHEDULES,
    SHORT_BACKBONES,
    WEIGHINGS,
    TrainSettings,
)

DEFAULT: Final = TrainSettings(data="")
NETWORK: Final = "Network"
LEARNING: Final = "Learning"
DECISION: Final = "Threshold and costs"
RUN: Final = "Run"


def names(values: tuple[str, ...]) -> str:
    """Return the values that an option takes, as its help shows them."""
    return "[" + "|".join(values) + "]"


_OPTIONS: Final[tuple[tuple[str, type, str, str, str | None], ...]] = (
    (
        "recipe",
        str,
        NETWORK,
        "What is learnt from which features, and how; every other option changes it. auto compares fast and lite.",
        names(tuple(RECIPES)),
    ),
    (
        "model",
        str,
        NETWORK,
        "Backbone: one of these, another convolutional network of torchvision by its name, or timm:NAME.",
        names((*SHORT_BACKBONES, "NAME")),
    ),
    (
        "weights",
        str,
        NETWORK,
        "Starting weights: ImageNet's (auto: where they are to be had, otherwise castings), those shipped with "
        "castproof, none, or a file.",
        "[auto|imagenet|castings|none|FILE]",
    ),
    (
        "features",
        str,
        NETWORK,
        "What the head sees: the average of the last layer, or the spread of the maps in the middle.",
        names(FEATURES),
    ),
    (
        "head",
        str,
        NETWORK,
        "Linear, fitted at once; or with a hidden layer, trained epoch by epoch.",
        names(HEADS),
    ),
    (
        "img_size",
        int,
        NETWORK,
        "Side of the network input in pixels, 32 to 2048; finer defects need more.",
        None,
    ),
    (
        "dropout",
        float,
        NETWORK,
        "Share of the values of a hidden layer dropped at random, 0 to below 1.",
        None,
    ),
    (
        "unfreeze",
        str,
        NETWORK,
        "Blocks of the backbone that learn: none (features are computed once), the last N, or all.",
        "[none|N|all]",
    ),
    ("backbone_lr_mult", float, NETWORK, "Learning rate of the backbone, relative to --lr.", None),
    ("head_only_epochs", int, NETWORK, "With --unfreeze: epochs in which the head learns alone.", None),
    ("epochs", int, LEARNING, "Most epochs to train, where the head is not linear.", None),
    ("batch_size", int, LEARNING, "Photos per training step; lower it if memory runs out.", None),
    ("lr", float, LEARNING, "Highest learning rate.", None),
    ("min_lr", float, LEARNING, "Learning rate at the end of the cosine.", None),
    (
        "sched",
        str,
        LEARNING,
        "After warm-up: cosine falls to --min-lr, constant stays at --lr.",
        names(SCHEDULES),
    ),
    ("warmup_epochs", int, LEARNING, "Epochs of rising rate, at most half of the epochs.", None),
    ("optimizer", str, LEARNING, "Optimizer.", names(OPTIMIZERS)),
    ("wd", float, LEARNING, "Weight decay.", None),
    ("momentum", float, LEARNING, "Momentum of sgd.", None),
    ("clip_norm", float, LEARNING, "Largest norm of the gradient, 0 for no limit.", None),
    (
        "label_smoothing",
        float,
        LEARNING,
        "How far the target is moved from 0 and 1 towards the middle.",
        None,
    ),
    (
        "aug_level",
        str,
        LEARNING,
        "How far training photos are varied; see train_samples.png of a run.",
        names(AUG_LEVELS),
    ),
    (
        "weigh",
        str,
        LEARNING,
        "What has equal weight: every photo, or both kinds and, nearly, every part.",
        names(WEIGHINGS),
    ),
    (
        "patience",
        int,
        LEARNING,
        "Epochs without improvement before it stops; 0: train all epochs and keep the last.",
        None,
    ),
    ("min_delta", float, LEARNING, "Smallest gain that counts as improvement.", None),
    (
        "tune_for",
        str,
        DECISION,
        "What the threshold is tuned for, on validation photos; none: it stays at 0.5.",
        names(OBJECTIVES),
    ),
    (
        "cost_fn",
        float,
        DECISION,
        "Cost of a missed defect; used for expected_cost alone, it does not move the threshold.",
        None,
    ),
    (
        "cost_fp",
        float,
        DECISION,
        "Cost of a good photo that does not pass; used for expected_cost alone.",
        None,
    ),
    ("seed", int, RUN, "Seed of every random choice.", None),
    (
        "num_workers",
        int,
        RUN,
        "Threads that read photos and compute frozen features; 0: one per core, at most 8.",
        None,
    ),
    ("device", str, RUN, DEVICE_HELP, names(DEVICES)),
)
TRAINING_OPTIONS: Final = frozenset(name for name, *_ in _OPTIONS)


def with_training_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return `command` with all training options; it receives them as keywords, None where the recipe decides.

    They stand before the option --outdir.
    """
    own = inspect.signature(command)
    kept = [one for one in own.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    before = [one.name for one in kept].index("outdir")
    parameters = [*kept[:before], *(_parameter(*told) for told in _OPTIONS), *kept[before:]]

    @wraps(command)
    def wrapped(**given: Any) -> None:
        command(**given)

    signature = own.replace(
        parameters=[one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    )
    wrapped.__signature__ = signature  # type: ignore[attr-defined]
    wrapped.__annotations__ = {one.name: one.annotation for one in parameters}
    return wrapped


def training_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the training options out of `given`; the path of a weights file is made absolute."""
    values = {name: value for name, value in given.items() if name in TRAINING_OPTIONS}
    if Path(values["weights"]).suffix:
        values["weights"] = str(Path(values["weights"]).resolve())
    return values


def tell_without_effect(settings: TrainSettings) -> None:
    """Print which of the options given play no part."""
    if settings.without_effect:
        flags = ", ".join("--" + name.replace("_", "-") for name in settings.without_effect)
        tell(
            f"[yellow]No effect:[/] {flags}. A {settings.head} head is fitted at once; --head hidden learns by epochs."
        )


def training_words(settings: TrainSettings) -> list[str]:
    """Return the options that lead to `settings`: recipe, backbone, weights, and what differs from the recipe's."""
    told = {"recipe": settings.recipe, "model": settings.model, "weights": settings.weights}
    plain = recipe_settings(settings.recipe, data=settings.data).to_json()
    changed = {
        name: value
        for name, value in settings.to_json().items()
        if name in TRAINING_OPTIONS and name not in told and value != plain[name]
    }
    words = [("--" + name.replace("_", "-"), str(value)) for name, value in {**told, **changed}.items()]
    words += [("--ok", name) for name in settings.ok]
    words += [("--parts", settings.parts)] if settings.parts != DEFAULT.parts else []
    words += [("--folds", str(settings.folds))] if settings.folds != DEFAULT.folds else []
    switches = ["--set-aside"] * settings.set_aside + ["--skip-unreadable"] * settings.skip_unreadable
    return [word for pair in words for word in pair] + switches


def _parameter(name: str, kind: type, panel: str, text: str, metavar: str | None) -> inspect.Parameter:
    of_recipe = name in OF_RECIPE
    option = typer.Option(
        help=text, metavar=metavar, rich_help_panel=panel, show_default="by recipe" if of_recipe else True
    )
    default = None if of_recipe else DEFAULT_RECIPE if name == "recipe" else getattr(DEFAULT, name)
    annotation = Annotated[kind | None, option] if of_recipe else Annotated[kind, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
