"""`castproof train`: from a folder of photos to a trained and evaluated model."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from castproof.apps.cli import options
from castproof.apps.cli.console import EXIT_INTERRUPTED, errors, is_given, propose, tell, training_libraries
from castproof.errors import SettingError
from castproof.settings import (
    AUG_LEVELS,
    BACKBONES,
    DEVICES,
    OBJECTIVES,
    OPTIMIZERS,
    SCHEDULES,
    SPLIT_CHOICES,
    TrainSettings,
)

DEFAULT: Final = TrainSettings(data="")
_SETTINGS: Final = frozenset(DEFAULT.to_json()) - {"data", "ok"}
DATA: Final = "Photos"
NETWORK: Final = "Network"
LEARNING: Final = "Learning"
DECISION: Final = "Threshold and costs"
RUN: Final = "Run"


def _names(values: tuple[str, ...]) -> str:
    return "[" + "|".join(values) + "]"


def train_command(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of photos: DATA/{train,val,test}/CLASS/* or DATA/CLASS/*.", rich_help_panel=DATA
        ),
    ] = None,
    ok: Annotated[list[str] | None, options.good_folders(DATA)] = None,
    split: Annotated[
        str,
        typer.Option(
            help="Use the given split folders, or make a new split that keeps parts apart.",
            metavar=_names(SPLIT_CHOICES),
            rich_help_panel=DATA,
        ),
    ] = DEFAULT.split,
    val_share: Annotated[
        float, typer.Option(help="Share for validation of a split made here.", rich_help_panel=DATA)
    ] = DEFAULT.val_share,
    test_share: Annotated[
        float, typer.Option(help="Share for the test of a split made here.", rich_help_panel=DATA)
    ] = DEFAULT.test_share,
    skip_unreadable: Annotated[bool, options.skip_unreadable(DATA)] = DEFAULT.skip_unreadable,
    model: Annotated[
        str, typer.Option(help="Backbone.", metavar=_names(BACKBONES), rich_help_panel=NETWORK)
    ] = DEFAULT.model,
    weights: Annotated[
        str,
        typer.Option(
            help="Starting weights: downloaded ImageNet ones, those shipped with castproof, none, or a file.",
            metavar="[imagenet|castings|none|FILE]",
            rich_help_panel=NETWORK,
        ),
    ] = DEFAULT.weights,
    img_size: Annotated[
        int, typer.Option(help="Side of the network input in pixels.", rich_help_panel=NETWORK)
    ] = DEFAULT.img_size,
    dropout: Annotated[
        float, typer.Option(help="Dropout of the head, 0 to below 1.", rich_help_panel=NETWORK)
    ] = DEFAULT.dropout,
    unfreeze: Annotated[
        str,
        typer.Option(
            help="Blocks of the backbone that learn: none (features are computed once), the last N, or all.",
            metavar="[none|N|all]",
            rich_help_panel=NETWORK,
        ),
    ] = DEFAULT.unfreeze,
    backbone_lr_mult: Annotated[
        float, typer.Option(help="Learning rate of the backbone, relative to --lr.", rich_help_panel=NETWORK)
    ] = DEFAULT.backbone_lr_mult,
    head_only_epochs: Annotated[
        int, typer.Option(help="Epochs before the backbone learns too.", rich_help_panel=NETWORK)
    ] = DEFAULT.head_only_epochs,
    epochs: Annotated[
        int, typer.Option(help="Most epochs to train.", rich_help_panel=LEARNING)
    ] = DEFAULT.epochs,
    batch_size: Annotated[
        int,
        typer.Option(help="Photos per training step; lower it if memory runs out.", rich_help_panel=LEARNING),
    ] = DEFAULT.batch_size,
    lr: Annotated[float, typer.Option(help="Highest learning rate.", rich_help_panel=LEARNING)] = DEFAULT.lr,
    min_lr: Annotated[
        float, typer.Option(help="Learning rate at the end of the cosine.", rich_help_panel=LEARNING)
    ] = DEFAULT.min_lr,
    sched: Annotated[
        str,
        typer.Option(
            help="Course of the rate after warm-up.",
            metavar=_names(SCHEDULES),
            rich_help_panel=LEARNING,
        ),
    ] = DEFAULT.sched,
    warmup_epochs: Annotated[
        int,
        typer.Option(help="Epochs of rising rate, at most half of the epochs.", rich_help_panel=LEARNING),
    ] = DEFAULT.warmup_epochs,
    optimizer: Annotated[
        str, typer.Option(help="Optimizer.", metavar=_names(OPTIMIZERS), rich_help_panel=LEARNING)
    ] = DEFAULT.optimizer,
    wd: Annotated[float, typer.Option(help="Weight decay.", rich_help_panel=LEARNING)] = DEFAULT.wd,
    momentum: Annotated[
        float, typer.Option(help="Momentum of sgd.", rich_help_panel=LEARNING)
    ] = DEFAULT.momentum,
    clip_norm: Annotated[
        float, typer.Option(help="Largest norm of the gradient, 0 for no limit.", rich_help_panel=LEARNING)
    ] = DEFAULT.clip_norm,
    label_smoothing: Annotated[
        float, typer.Option(help="Label smoothing.", rich_help_panel=LEARNING)
    ] = DEFAULT.label_smoothing,
    aug_level: Annotated[
        str,
        typer.Option(
            help="How far training photos are varied; see train_samples.png of a run.",
            metavar=_names(AUG_LEVELS),
            rich_help_panel=LEARNING,
        ),
    ] = DEFAULT.aug_level,
    patience: Annotated[
        int, typer.Option(help="Epochs without improvement before it stops.", rich_help_panel=LEARNING)
    ] = DEFAULT.patience,
    min_delta: Annotated[
        float, typer.Option(help="Smallest gain that counts as improvement.", rich_help_panel=LEARNING)
    ] = DEFAULT.min_delta,
    tune_for: Annotated[
        str,
        typer.Option(
            help="What the threshold is tuned for, on validation photos.",
            metavar=_names(OBJECTIVES),
            rich_help_panel=DECISION,
        ),
    ] = DEFAULT.tune_for,
    cost_fn: Annotated[
        float,
        typer.Option(help="Cost of a missed defect; used for expected_cost alone.", rich_help_panel=DECISION),
    ] = DEFAULT.cost_fn,
    cost_fp: Annotated[
        float,
        typer.Option(help="Cost of a false alarm; used for expected_cost alone.", rich_help_panel=DECISION),
    ] = DEFAULT.cost_fp,
    seed: Annotated[int, options.seed(RUN)] = DEFAULT.seed,
    num_workers: Annotated[
        int,
        typer.Option(
            help="Threads that read photos and compute frozen features; 0: one per core, at most 8.",
            rich_help_panel=RUN,
        ),
    ] = DEFAULT.num_workers,
    device: Annotated[
        str, typer.Option(help="Where to compute.", metavar=_names(DEVICES), rich_help_panel=RUN)
    ] = DEFAULT.device,
    outdir: Annotated[Path, typer.Option(help="Folder that receives the run.", rich_help_panel=RUN)] = Path(
        "runs"
    ),
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Go on with this run folder, with its own settings and no others.",
            metavar="RUN",
            rich_help_panel=RUN,
        ),
    ] = None,
    no_bars: Annotated[bool, options.no_bars(RUN)] = False,
) -> None:
    """Train a classifier (defective or good) on a folder of photos and evaluate it.

    The threshold is chosen on the validation photos and used on every split.
    Ctrl-C keeps what was learnt; --resume goes on.

    [bold]Examples[/]

    castproof train --data casting_data --weights castings

    castproof train --data casting_data --model mobilenet --aug-level standard --lr 2e-4

    castproof train --data photos --ok accepted --unfreeze all

    castproof train --resume runs/mobilenet_adamw_standard_dr0.5_20260101_120000
    """
    if (data is None) == (resume is None):
        raise SettingError(
            "It is not clear what to train.",
            rule="A run is started with --data, or gone on with by --resume.",
            found="Both are given." if data else "Neither is given.",
            fix="Give either --data DATA or --resume RUN.",
        )
    if resume is not None:
        _refuse_settings(context)
    settings = None if data is None else _settings(context, data, ok)
    from castproof.apps.cli.training_console import TrainingConsole

    screen = TrainingConsole(wanted_bars=not no_bars)
    with training_libraries():
        from castproof.pipeline import train as pipeline
        from castproof.run_folder import RunFolder
    try:
        if settings is None:
            result = pipeline.resume(RunFolder(Path(str(resume))), screen)
        else:
            result = pipeline.train(settings, outdir, screen)
    except KeyboardInterrupt:
        _tell_interrupted(screen.run)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    screen.show_result(result)


def _settings(context: typer.Context, data: Path, ok: list[str] | None) -> TrainSettings:
    """Return the settings given; paths are made absolute, so that a run resumes from any folder."""
    values = {name: value for name, value in context.params.items() if name in _SETTINGS}
    if Path(values["weights"]).suffix:
        values["weights"] = str(Path(values["weights"]).resolve())
    return TrainSettings(**values, data=str(data.resolve()), ok=tuple(ok or ()))


def _refuse_settings(context: typer.Context) -> None:
    """Raise SettingError for settings that a resumed run would have to ignore."""
    given = [
        f"--{name.replace('_', '-')}"
        for name in sorted({*_SETTINGS, "ok", "outdir"})
        if is_given(context, name)
    ]
    if given:
        raise SettingError(
            f"{', '.join(given)} cannot be given with --resume.",
            rule="A resumed run goes on with its own settings and ends like an uninterrupted one.",
            fix="Leave it out, or start a new run with --data.",
        )


def _tell_interrupted(run: Path | None) -> None:
    if run is None:
        errors.print("Stopped before the run folder was made; nothing is left behind.")
        return
    tell(f"Stopped. The run so far is kept in {escape(str(run))}", on=errors)
    propose("Go on", ["train", "--resume", str(run)], on=errors)
