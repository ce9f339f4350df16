"""`castproof train`: from a folder of photos to a trained and evaluated model."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from castproof.apps.cli import options
from castproof.apps.cli.console import (
    EXIT_INTERRUPTED,
    errors,
    escape,
    is_given,
    propose,
    tell,
    training_libraries,
)
from castproof.apps.cli.training_options import (
    DEFAULT,
    RUN,
    TRAINING_OPTIONS,
    names,
    tell_without_effect,
    training_values,
    with_training_options,
)
from castproof.errors import SettingError
from castproof.recipes import recipe_settings
from castproof.run_folder import find_run
from castproof.settings import SPLIT_CHOICES

DATA: Final = "Photos"
DATA_OPTIONS: Final = frozenset(
    {"ok", "parts", "split", "folds", "set_aside", "val_share", "test_share", "skip_unreadable"}
)


def _unfinished(run: Path | None) -> Path | None:
    return None if run is None else find_run(run, complete=False)


@with_training_options
def train_command(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of photos: DATA/{train,val,test}/CLASS/* or DATA/CLASS/*.",
            rich_help_panel=DATA,
            callback=options.is_folder,
        ),
    ] = None,
    ok: Annotated[list[str] | None, options.good_folders(DATA)] = None,
    parts: Annotated[str, options.parts(DATA)] = DEFAULT.parts,
    split: Annotated[
        str,
        typer.Option(
            help="given: use the split folders; without any, learn from all photos. parts: hold back a new split. "
            "none: learn from all photos.",
            metavar=names(SPLIT_CHOICES),
            rich_help_panel=DATA,
        ),
    ] = DEFAULT.split,
    folds: Annotated[
        int,
        typer.Option(
            help="Folds over parts that the gate rests on, 3 or more; fewer where there are fewer parts.",
            rich_help_panel=DATA,
        ),
    ] = DEFAULT.folds,
    set_aside: Annotated[bool, options.set_aside(DATA)] = DEFAULT.set_aside,
    set_aside_any_share: Annotated[bool, options.any_share(DATA)] = False,
    val_share: Annotated[
        float, typer.Option(help="Share for validation of a split made here.", rich_help_panel=DATA)
    ] = DEFAULT.val_share,
    test_share: Annotated[
        float, typer.Option(help="Share for the test of a split made here.", rich_help_panel=DATA)
    ] = DEFAULT.test_share,
    skip_unreadable: Annotated[bool, options.skip_unreadable(DATA)] = DEFAULT.skip_unreadable,
    outdir: Annotated[Path, typer.Option(help="Folder that receives the run.", rich_help_panel=RUN)] = Path(
        "runs"
    ),
    name: Annotated[
        str | None,
        typer.Option(help="Name of the run's folder.", show_default="NETWORK_HEAD_TIME", rich_help_panel=RUN),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Go on with this run folder, with its own settings and no others; latest: the last unfinished one.",
            metavar="RUN",
            callback=_unfinished,
            rich_help_panel=RUN,
        ),
    ] = None,
    no_gate: Annotated[bool, options.no_gate(RUN)] = False,
    full: Annotated[
        bool,
        typer.Option(
            "--full",
            help="Print every metric of every split and every figure of the gate.",
            rich_help_panel=RUN,
        ),
    ] = False,
    no_bars: Annotated[bool, options.no_bars(RUN)] = False,
    **training: Any,
) -> None:
    """Train a classifier (defective or good) on a folder of photos, and choose its gate.

    Without split folders the network learns from every photo. Its gate (ACCEPT, REVIEW, REJECT) rests on folds over
    parts: each photo is judged by a network that never saw its part. Ctrl-C keeps what was learnt; --resume continues.

    [bold]Examples[/]

    castproof train --data casting_data --weights castings

    castproof train --data casting_data --recipe reference --model mobilenet --aug-level standard --lr 2e-4

    castproof train --data photos --ok accepted --recipe reference --unfreeze all

    castproof train --resume runs/mobilenet_linear_20260101_120000
    """
    if (data is None) == (resume is None):
        raise SettingError(
            "It is not clear what to train.",
            rule="A run is started with --data, or resumed with --resume.",
            found="Both are given." if data else "Neither is given.",
            fix="Give either --data DATA or --resume RUN.",
        )
    if resume is not None:
        _refuse_settings(context)
    settings = None
    if data is not None:
        chosen = {name: value for name, value in context.params.items() if name in DATA_OPTIONS - {"ok"}}
        chosen["parts"] = options.parts_value(parts)
        settings = recipe_settings(
            **training_values(training), **chosen, data=str(data.resolve()), ok=tuple(ok or ())
        )
        tell_without_effect(settings)
    from castproof.apps.cli.parts_told import allow_aside
    from castproof.apps.cli.training_console import TrainingConsole

    screen, allow = TrainingConsole(wanted_bars=not no_bars), allow_aside(set_aside_any_share)
    with training_libraries():
        from castproof.pipeline import train as pipeline
        from castproof.pipeline.good_parts import GoodPartsRun
        from castproof.run_folder import RunFolder
    try:
        if settings is None:
            trained = pipeline.resume(
                RunFolder(Path(str(resume))), screen, gate=not no_gate, allow_aside=allow
            )
        else:
            trained = pipeline.train(settings, outdir, screen, name=name, gate=not no_gate, allow_aside=allow)
    except KeyboardInterrupt:
        _tell_interrupted(screen.run)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if isinstance(trained, GoodPartsRun):
        screen.show_good_parts(trained)
    else:
        screen.show_result(trained, full=full)


def _refuse_settings(context: typer.Context) -> None:
    """Raise SettingError for settings that a resumed run would have to ignore."""
    given = [
        f"--{name.replace('_', '-')}"
        for name in sorted(TRAINING_OPTIONS | DATA_OPTIONS | {"outdir", "name"})
        if is_given(context, name)
    ]
    if given:
        raise SettingError(
            f"{', '.join(given)} cannot be given with --resume.",
            rule="A resumed run keeps its own settings and ends like an uninterrupted one.",
            fix="Leave it out, or start a new run with --data.",
        )


def _tell_interrupted(run: Path | None) -> None:
    if run is None:
        errors.print("Stopped before the run folder was made; nothing is left behind.")
        return
    tell(f"Stopped. The run so far is kept in {escape(str(run))}", on=errors)
    propose("Go on", ["train", "--resume", str(run)], on=errors)
