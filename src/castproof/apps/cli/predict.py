"""`castproof predict`: verdicts for photos, by a model file or by a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from castproof.apps.cli import options
from castproof.apps.cli.console import (
    EXIT_INTERRUPTED,
    EXIT_NOT_INSPECTED,
    Bars,
    console,
    errors,
    escape,
    training_libraries,
)
from castproof.apps.cli.predictions import show_summary
from castproof.errors import SettingError
from castproof.files import beside
from castproof.progress import SILENT

if TYPE_CHECKING:
    from castproof.pipeline.predict import Asked, Table


def predict_command(
    model: Annotated[
        Path,
        typer.Argument(
            help="Model file; or run folder made by castproof train, its name in runs, or latest.",
            metavar="MODEL",
            callback=options.model_or_run,
        ),
    ],
    photos: Annotated[
        list[Path], typer.Argument(help="Photos, or folders of photos.", metavar="FILE|FOLDER…")
    ],
    csv: Annotated[
        Path | None,
        typer.Option(
            help="Write one row per photo, or part, to this file; one that exists is replaced.", metavar="OUT"
        ),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            help="The same as JSON: an array in .json, one object per line in .jsonl.", metavar="OUT"
        ),
    ] = None,
    parquet: Annotated[
        Path | None,
        typer.Option(help="The same, as a Parquet file; needs the extra castproof[parquet].", metavar="OUT"),
    ] = None,
    shard: Annotated[
        str | None, typer.Option(help="Judge the i-th of n shares of the photos only.", metavar="i/n")
    ] = None,
    heat_maps: Annotated[
        Path | None,
        typer.Option(
            help="Folder for a picture of every photo that is REVIEW or REJECT, with its heat map; model files alone.",
            metavar="DIR",
        ),
    ] = None,
    part_per_folder: Annotated[
        bool,
        typer.Option("--part-per-folder", help="The photos in one folder show one part: one verdict each."),
    ] = False,
    only_checksummed: Annotated[
        bool,
        typer.Option(
            "--only-checksummed", help="Inspect PNG files alone: other formats cannot show all damage."
        ),
    ] = False,
    device: Annotated[str, options.device()] = "auto",
    no_bars: Annotated[bool, options.no_bars()] = False,
) -> None:
    """Give a verdict for every photo: ACCEPT, REVIEW, REJECT, or NOT_INSPECTED with the reason.

    A photo that cannot be read is never called good.
    The others are judged all the same, and the exit code is 3.

    Stopped while it writes a table, it continues where it stopped when the same command is given again.

    [bold]Examples[/]

    castproof predict model.onnx today/ --csv verdicts.csv

    castproof predict model.onnx today/ --heat-maps today_heat --json verdicts.jsonl

    castproof predict model.onnx archive/ --parquet verdicts_2.parquet --shard 2/8

    castproof predict runs/mobilenet_linear_20260101_120000 today/ --part-per-folder
    """
    from castproof.gate.gate import NO_DEFECTS_SEEN
    from castproof.pipeline.predict import Asked, predict_all
    from castproof.pipeline.predicting.judge import open_judge
    from castproof.pipeline.predicting.walk import Shard

    asked = Asked(
        photos,
        part_per_folder=part_per_folder,
        shard=None if shard is None else Shard.parse(shard),
        table=_table(csv, json, parquet),
        heat_maps=heat_maps,
    )
    bars = Bars(wanted=not no_bars)
    with _said_when_stopped(asked):
        with training_libraries():
            judge = open_judge(model, device=device, heat_maps=heat_maps, only_checksummed=only_checksummed)
        summary = predict_all(judge, asked, SILENT if bars.hidden else bars)
    show_summary(summary, None if asked.table is None else asked.table.path, part_per_folder=part_per_folder)
    if judge.rules.gate.knows_no_defects:
        console.print(
            f"[bold]Good parts only:[/] nothing is ever rejected; {NO_DEFECTS_SEEN}.", soft_wrap=True
        )
    if heat_maps is not None and heat_maps.is_dir():
        console.print(f"Heat maps: [bold]{escape(str(heat_maps))}[/]", soft_wrap=True)
    if summary.not_inspected:
        raise typer.Exit(EXIT_NOT_INSPECTED)


def _table(csv: Path | None, json: Path | None, parquet: Path | None) -> "Table | None":
    from castproof.pipeline.predict import Table
    from castproof.pipeline.predicting.tables import CSV, JSON, PARQUET

    given = [
        Table(kind, path) for kind, path in ((CSV, csv), (JSON, json), (PARQUET, parquet)) if path is not None
    ]
    if len(given) > 1:
        raise SettingError(
            f"{' and '.join(f'--{one.kind}' for one in given)} do not go together.",
            rule="One table is written.",
            fix="Give one of --csv, --json and --parquet.",
        )
    return given[0] if given else None


@contextmanager
def _said_when_stopped(asked: "Asked") -> Iterator[None]:
    """Say after Ctrl-C what is left and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        from castproof.pipeline.predicting.unfinished import ENDING

        kept = None if asked.table is None else beside(asked.table.path, ENDING)
        if kept is None or not kept.is_dir():
            errors.print("Stopped; nothing was written.")
        else:
            errors.print(
                f"Stopped. What was judged so far is kept in {escape(str(kept))}.\n"
                "To go on with the rest, give the same command again.",
                soft_wrap=True,
            )
        raise typer.Exit(EXIT_INTERRUPTED) from None
