"""`castproof validate`: does a gate still hold? A re-check with a small new set from the shop floor."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.box import HORIZONTALS
from rich.table import Table

from castproof.apps.cli import options
from castproof.apps.cli.console import (
    EXIT_FOUND,
    EXIT_INTERRUPTED,
    Bars,
    console,
    errors,
    escape,
    propose,
    tell,
    training_libraries,
)
from castproof.apps.cli.parts_told import show_parts
from castproof.files import beside
from castproof.run_folder import RunFolder
from castproof.settings import BY_PICTURE

if TYPE_CHECKING:
    from castproof.pipeline.validation.validate import Validation

STYLES: Final = {"alarm": "red", "warn": "yellow", "open": "cyan", "fine": "green"}
FAILING: Final = ("alarm", "warn")


def validate_command(
    run: Annotated[Path, options.run()],
    data: Annotated[
        Path,
        typer.Option(help="New photos: class folders, or photos without labels.", callback=options.is_folder),
    ],
    ok: Annotated[list[str] | None, options.good_folders(default="as in training, else by its name")] = None,
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="The folders of the photos say nothing about them.")
    ] = False,
    propose_to: Annotated[
        Path | None,
        typer.Option("--propose", help="Write a proposed gate to this new run folder.", metavar="NEW_RUN"),
    ] = None,
    parts: Annotated[str, options.parts()] = BY_PICTURE,
    skip_unreadable: Annotated[bool, options.skip_unreadable()] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 4 where it does not hold or something changed.")
    ] = False,
    device: Annotated[str, options.device()] = "auto",
    outdir: Annotated[
        Path | None,
        typer.Option(help="Folder that receives the results.", show_default="RUN/validations/DATA_TIME"),
    ] = None,
    no_bars: Annotated[bool, options.no_bars()] = False,
) -> None:
    """Check with a few new photos whether a gate still holds: verdicts, calibration, light, focus, position.

    Photos of parts that the run knows do not count. Without labels it reports what photos alone can show.
    A proposed gate is written to a new run folder, never over the one in use.

    [bold]Examples[/]

    castproof validate runs/mobilenet_linear_20260101_120000 --data shift_12

    castproof validate runs/mobilenet_linear_20260101_120000 --data camera/today --unlabelled

    castproof validate runs/mobilenet_linear_20260101_120000 --data shift_12 --propose runs/after_shift_12
    """
    with training_libraries():
        from castproof.pipeline.part_words import parts_option
        from castproof.pipeline.validation.files import write_validation
        from castproof.pipeline.validation.new_run import check_new_run, write_proposal
        from castproof.pipeline.validation.proposal import look_for_gate
        from castproof.pipeline.validation.validate import check_outdir, validate
    stamp = f"{data.resolve().name}_{datetime.now():%Y%m%d_%H%M%S}"
    target, folder = outdir or run / "validations" / stamp, RunFolder(run)
    check_outdir(target, data)
    if propose_to is not None:
        check_new_run(propose_to, folder, data)
    try:
        validation = validate(
            folder,
            data,
            ok=ok or (),
            unlabelled=unlabelled,
            parts=parts,
            skip_unreadable=skip_unreadable,
            device=device,
            progress=Bars(wanted=not no_bars),
        )
        with console.status("choosing"):
            found = look_for_gate(validation, wanted=propose_to is not None)
    except KeyboardInterrupt:
        errors.print("Stopped; nothing was written.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    write_validation(validation, found.proposal, target, found.why_not)
    show_parts(validation.new.manifest)
    state = show_validation(validation)
    from castproof.pipeline.validation.advice import next_lines

    for line in next_lines(validation, found.proposal, found.why_not):
        tell(f"• {escape(line)}")
    tell(f"Everything is in [bold]{escape(str(target))}[/]: start with validation.html.")
    if found.proposal is not None and propose_to is not None:
        write_proposal(validation, found.proposal, propose_to)
        tell(f"The proposed gate is in [bold]{escape(str(propose_to))}[/]; {escape(str(run))} is as it was.")
    elif found.proposal is not None:
        words = ["validate", str(run), "--data", str(data), *(w for name in ok or () for w in ("--ok", name))]
        words += parts_option(parts)
        propose("Write it", [*words, "--propose", str(beside(run, "_proposed"))])
    if propose_to is not None and found.error is not None:
        raise found.error
    if strict and state in FAILING:
        raise typer.Exit(EXIT_FOUND)


def show_validation(validation: "Validation") -> str:
    """Print the verdict and every single answer; return how bad it is."""
    from castproof.pipeline.validation.evidence import evidence_lines
    from castproof.pipeline.validation.verdict import verdict
    from castproof.pipeline.validation.words import findings

    state, sentence = verdict(validation)
    tell(f"[bold {STYLES[state]}]{escape(sentence)}[/]")
    for line in evidence_lines(validation):
        tell(escape(line))
    table = Table(show_header=False, show_edge=False, box=HORIZONTALS, show_lines=True)
    for one in findings(validation):
        table.add_row(one.title, f"[{STYLES[one.state]}]{one.says}[/]", escape(one.text))
    console.print(table)
    return state
