"""`castproof demo`: the whole chain on generated castings."""

from pathlib import Path
from typing import Annotated

import typer

from castproof.apps.cli import options
from castproof.apps.cli.console import EXIT_INTERRUPTED, console, errors, escape, tell, training_libraries
from castproof.apps.cli.export import show_export
from castproof.apps.cli.predictions import show_predictions
from castproof.apps.cli.training_console import TrainingConsole


def demo_command(
    outdir: Annotated[Path, typer.Option(help="Folder that receives the photos and the run.")] = Path(
        "castproof-demo"
    ),
    weights: Annotated[
        str,
        typer.Option(
            help="Starting weights, see castproof train --help.", metavar="[castings|auto|imagenet|none|FILE]"
        ),
    ] = "castings",
    no_bars: Annotated[bool, options.no_bars()] = False,
) -> None:
    """Generate castings, train on them, evaluate, decide, report, export, and judge a few photos; no network needed.

    The photos, with truth.csv that says part and defect of each, and the run are kept.

    [bold]Example[/]

    castproof demo --outdir /tmp/castproof-demo
    """
    with training_libraries():
        from castproof.pipeline.demo import DEFECTS, PARTS_PER_CLASS, PHOTOS_PER_PART, demo
    screen = TrainingConsole(wanted_bars=not no_bars)
    tell(
        f"Generating {PHOTOS_PER_PART} photos each of {PARTS_PER_CLASS} good and {PARTS_PER_CLASS} defective "
        f"impellers, with defects that are plain to see: {', '.join(DEFECTS).replace('_', ' ')}."
    )
    try:
        result = demo(outdir, weights, screen)
    except KeyboardInterrupt:
        errors.print(
            f"Stopped. What was made so far is in {escape(str(outdir))}; run the demo again at any time."
        )
        raise typer.Exit(EXIT_INTERRUPTED) from None
    screen.show_result(result.trained, full=False)
    console.print("\nOne file for the station, which needs no PyTorch:")
    show_export(result.exported)
    console.print("Verdicts of that file on a few test photos, with what their folders say:")
    show_predictions(result.predictions)
    console.print(f"The generated photos: [bold]{escape(str(result.data))}[/]", soft_wrap=True)
    console.print(
        f"The report, to be opened in a browser: [bold]{escape(str(result.report))}[/]", soft_wrap=True
    )
