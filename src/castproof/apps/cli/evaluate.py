"""`castproof evaluate`: score a labelled folder with a trained run."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from castproof.apps.cli import options
from castproof.apps.cli.console import (
    EXIT_INTERRUPTED,
    Bars,
    console,
    errors,
    escape,
    tell,
    training_libraries,
)
from castproof.apps.cli.tables import metrics_table
from castproof.run_folder import RunFolder


def evaluate_command(
    run: Annotated[Path, options.run()],
    data: Annotated[
        Path,
        typer.Option(help="Folder of class folders, with or without splits.", callback=options.is_folder),
    ],
    ok: Annotated[list[str] | None, options.good_folders(default="as in training, else by its name")] = None,
    skip_unreadable: Annotated[bool, options.skip_unreadable()] = False,
    device: Annotated[str, options.device()] = "auto",
    outdir: Annotated[
        Path | None,
        typer.Option(help="Folder that receives the results.", show_default="RUN/evaluations/DATA_TIME"),
    ] = None,
    no_bars: Annotated[bool, options.no_bars()] = False,
) -> None:
    """Score another labelled folder, at the threshold of the run.

    Photos without splits are scored as one split named all. Every split must contain photos of both kinds; for
    photos of one kind alone there is castproof predict.

    [bold]Example[/]

    castproof evaluate runs/mobilenet_linear_20260101_120000 --data new_photos
    """
    with training_libraries():
        from castproof.pipeline.evaluate import evaluate
    stamp = f"{data.resolve().name}_{datetime.now():%Y%m%d_%H%M%S}"
    target = outdir or run / "evaluations" / stamp
    try:
        splits = evaluate(
            RunFolder(run),
            data,
            target,
            ok=ok or (),
            skip_unreadable=skip_unreadable,
            device=device,
            progress=Bars(wanted=not no_bars),
        )
    except KeyboardInterrupt:
        errors.print("Stopped; the evaluation is not complete.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    console.print(metrics_table(splits))
    tell(f"Everything is in [bold]{escape(str(target))}[/].")
