"""`castproof predict`: verdicts for photos without labels."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape
from rich.table import Table

from castproof.apps.cli import options
from castproof.apps.cli.console import (
    EXIT_INTERRUPTED,
    EXIT_NOT_INSPECTED,
    Bars,
    console,
    errors,
    training_libraries,
)
from castproof.run_folder import RunFolder
from castproof.settings import DEVICES
from castproof.wording import probability

if TYPE_CHECKING:
    from castproof.measure.decision import Thresholds
    from castproof.pipeline.predict import Prediction

SHOWN: Final = 20
STYLES: Final = {"ACCEPT": "green", "REVIEW": "blue", "REJECT": "red", "NOT_INSPECTED": "yellow"}


def predict_command(
    run: Annotated[Path, typer.Argument(help="Run folder made by castproof train.", metavar="RUN")],
    photos: Annotated[
        list[Path], typer.Argument(help="Photos, or folders of photos.", metavar="FILE|FOLDER…")
    ],
    csv: Annotated[
        Path | None, typer.Option(help="Write one row per photo, or part, to this file.", metavar="OUT")
    ] = None,
    part_per_folder: Annotated[
        bool,
        typer.Option("--part-per-folder", help="The photos in one folder show one part: one verdict each."),
    ] = False,
    device: Annotated[str, typer.Option(help="Where to compute.", metavar=f"[{'|'.join(DEVICES)}]")] = "auto",
    no_bars: Annotated[bool, options.no_bars()] = False,
) -> None:
    """Give a verdict for every photo: ACCEPT, REVIEW, REJECT, or NOT_INSPECTED with the reason.

    The thresholds are those of castproof decide, or that of training where nothing was decided.
    A photo that cannot be read is never called good.
    The others are judged all the same, and the exit code is 3.

    [bold]Examples[/]

    castproof predict runs/mobilenet_adamw_none_dr0.5_20260101_120000 today/ --csv verdicts.csv

    castproof predict runs/mobilenet_adamw_none_dr0.5_20260101_120000 today/ --part-per-folder
    """
    with training_libraries():
        from castproof.pipeline.predict import check_csv_path, predict, write_predictions
    if csv is not None:
        check_csv_path(csv)
    try:
        predictions = predict(
            RunFolder(run),
            photos,
            part_per_folder=part_per_folder,
            device=device,
            progress=Bars(wanted=not no_bars),
        )
    except KeyboardInterrupt:
        errors.print("Stopped; nothing was written.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    show_predictions(predictions)
    if csv is not None:
        write_predictions(predictions, csv)
        console.print(
            f"One row per {'part' if part_per_folder else 'photo'}: [bold]{escape(str(csv))}[/]",
            soft_wrap=True,
        )
    if any(one.p_defective is None for one in predictions):
        raise typer.Exit(EXIT_NOT_INSPECTED)


def show_predictions(predictions: Sequence["Prediction"]) -> None:
    """Print the first verdicts, why there is none, and how many there are of each."""
    shown = predictions[:SHOWN]
    folder = _common_folder([one.path for one in shown])
    table = Table(title=_rule(predictions[0].thresholds), title_justify="left")
    for column in ("photo", "verdict", "p_defective"):
        table.add_column(column, overflow="fold")
    for one in shown:
        p = "" if one.p_defective is None else f"{one.p_defective:.4f}"
        verdict = f"[{STYLES[one.verdict.value]}]{one.verdict.value}[/]"
        name = one.path.relative_to(folder) if folder else one.path
        table.add_row(escape(str(name)), verdict, p)
    if folder:
        console.print(f"In {escape(str(folder))}:", soft_wrap=True)
    console.print(table)
    for one in shown:
        if one.reason:
            console.print(f"• {escape(one.reason)}", soft_wrap=True)
    if len(predictions) > SHOWN:
        console.print(f"and {len(predictions) - SHOWN} more")
    counts = Counter(one.verdict.value for one in predictions)
    console.print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())))


def _rule(thresholds: "Thresholds") -> str:
    review = f"REVIEW from {probability(thresholds.threshold)}, " if thresholds.reviews else ""
    return f"{review}REJECT when p_defective ≥ {probability(thresholds.reject_from)}"


def _common_folder(photos: Sequence[Path]) -> Path | None:
    """Return the folder that all `photos` lie below, None where there is none to name."""
    try:
        folder = Path(os.path.commonpath([photo.parent for photo in photos]))
    except ValueError:  # relative beside absolute, or two Windows drives
        return None
    return folder if folder.parts else None
