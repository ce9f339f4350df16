"""`castproof export`: one file that says what the trained network says, anywhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from castproof.apps.cli import options
from castproof.apps.cli.console import (
    EXIT_INTERRUPTED,
    Bars,
    console,
    errors,
    escape,
    propose,
    tell,
    training_libraries,
)
from castproof.run_folder import CROSSVAL_PLAN, RunFolder
from castproof.wording import counted

if TYPE_CHECKING:
    from castproof.pipeline.exporting.export import Exported


def export_command(
    run: Annotated[Path, options.run()],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="The file; its name ends in .onnx, with --to openvino in .xml, with --to torchscript in .pt.",
            metavar="FILE",
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of the run's photos, where it has moved.", show_default="where they were"),
    ] = None,
    compare: Annotated[
        int, typer.Option(help="Photos to compare with the trained network, 200 or more.")
    ] = 200,
    input_alarms: Annotated[
        float,
        typer.Option(
            help="Largest share of photos of other parts that may be called unlike the training photos."
        ),
    ] = 0.01,
    licence: Annotated[
        str | None,
        typer.Option(help="Licence of the model, in words, for its card.", show_default="not stated"),
    ] = None,
    to: Annotated[
        str,
        typer.Option(
            help="Format: onnx, a model file of castproof; openvino, an IR for photos of one size; torchscript. "
            "castproof opens the first alone."
        ),
    ] = "onnx",
    precision: Annotated[
        str, typer.Option(help="float32, or int8 for the pointwise convolutions, with --to onnx alone.")
    ] = "float32",
    tolerance: Annotated[
        float,
        typer.Option(help="Largest share of verdicts that may change, with --precision int8 alone."),
    ] = 0.0,
    references: Annotated[
        int,
        typer.Option(
            help="Photos of good training parts to put into the file, for the station to show next to a photo; "
            "0 to 24, with --to onnx alone. 0 hands none of them out."
        ),
    ] = 24,
    no_bars: Annotated[bool, options.no_bars()] = False,
) -> None:
    """Write one model file of a run: preprocessing, network, calibration, thresholds, promise and origin in one.

    It opens in any ONNX tool, and in castproof without PyTorch. Before it is written it is compared with the trained
    network on photos of the run; a changed verdict leaves no file.

    [bold]The file contains photos of the run[/]: a few by which it is checked, and small ones of good parts to compare
    with; --references 0 leaves those out.

    [bold]Examples[/]

    castproof export runs/mobilenet_linear_20260101_120000 -o model.onnx

    castproof export runs/mobilenet_linear_20260101_120000 -o model.onnx --licence "For Acme Foundry alone."

    castproof export runs/mobilenet_linear_20260101_120000 -o model.xml --to openvino
    """
    if not (run / CROSSVAL_PLAN).is_file():
        RunFolder(run).read_hparams()
    with training_libraries():
        from castproof.pipeline.exporting.export import ExportSettings, export
    settings = ExportSettings(
        data=data,
        compared=compare,
        false_alarm_rate=input_alarms,
        licence=licence or ExportSettings.licence,
        target=to,
        precision=precision,
        most_changed=tolerance,
        references=references,
    )
    try:
        exported = export(run, out, settings, Bars(wanted=not no_bars))
    except KeyboardInterrupt:
        errors.print("Stopped; no model file was written.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    show_export(exported)


def show_export(exported: "Exported") -> None:
    """Print what a file says, how alike it is to the network, what it changed, and what to do with it."""
    from castproof.pipeline.exporting.forms import ONNX

    parity = exported.parity
    heat = parity.largest_heat_difference
    is_model_file = exported.target == ONNX
    name = "model file" if is_model_file else f"{exported.target} file"
    tell(f"The {name} is [bold]{escape(str(exported.path))}[/] ({exported.size_bytes / 1e6:.1f} MB).")
    changed = counted(parity.changed_verdicts, "changed verdict")
    largest = f"largest difference of p_defective {parity.largest_p_difference:.1e}"
    of_heat = ", no heat map" if heat is None else f", of heat {heat:.1e} nats"
    tell(f"Compared with PyTorch on {counted(parity.photos, 'photo')}: {changed}, {largest}{of_heat}.")
    for change in exported.changes:
        tell(f"Changed: {escape(change)}")
    tell(f"Input gate: {escape(exported.false_alarms)}")
    if is_model_file:
        stored = counted(len(exported.card.examples), "photo")
        tell(f"Stored in it: {stored} of the run, by which every machine that opens it checks itself.")
        tell(_of_good_parts(len(exported.card.references)))
        propose("Look at its card", ["card", str(exported.path)])
        propose("Judge photos", ["predict", str(exported.path), "today"])
    console.print("")


def _of_good_parts(count: int) -> str:
    if not count:
        return "It contains no photos of good parts to compare with."
    return (
        f"Also in it, for people to compare with: {counted(count, 'small photo')} of good training parts; "
        "--references 0 leaves them out."
    )
