"""`castproof card`: what a model file says of itself."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Table

from castproof.apps.cli.console import console, escape, propose, tell

UNLIKE: Final = "REVIEW     a photo unlike the training photos, whatever its p_defective"
BRIEF_USE: Final = ("good classes", "defective classes", "verdicts")
BRIEF_RESULTS: Final = ("defective", "good")
NO_INPUT_GATE: Final = "No photo is compared with the training photos."

if TYPE_CHECKING:
    from castproof.modelfile.card import Card


def card_command(
    model: Annotated[Path, typer.Argument(help="Model file.", metavar="MODEL")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the card as JSON, without the photos in the file.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Print photos, network, origin and export, too.")
    ] = False,
) -> None:
    """Print the card of a model file: classes, verdicts, promise, results.

    The network is not run and PyTorch is not needed.

    [bold]Examples[/]

    castproof card model.onnx

    castproof card model.onnx --full

    castproof card model.onnx --json
    """
    from castproof.modelfile.reading import read_model_file

    file = read_model_file(model)
    if as_json:
        content = json.loads(file.card.to_text())
        for one in [*content["examples"], *content["references"]]:
            del one["photo"]
        typer.echo(json.dumps({"sha256": file.sha256, **content}, indent=2))
        return
    tell(f"[bold]{escape(file.card.name)}[/]  ({model.stat().st_size / 1e6:.1f} MB, SHA-256 {file.sha256})")
    if full:
        _show_all(file.card)
    else:
        _show_brief(file.card, model)


def _show_all(card: "Card") -> None:
    for title, rows in [("use", _use(card)), *card.about.items()]:
        console.print(_section(title, rows))
    console.print(_examples(card))
    if card.references:
        console.print(_references(card))


def _show_brief(card: "Card", model: Path) -> None:
    """Print what an inspector has to know: which classes, which verdicts, what is promised and what was measured."""
    console.print(_section("use", {name: value for name, value in _use(card).items() if name in BRIEF_USE}))
    promise, results = (card.about.get(name) for name in ("promise", "results"))
    if isinstance(promise, dict) and promise.get("promise"):
        said = promise["promise"]
        console.print(_section("promise", said[0] if isinstance(said, list) else said))
    if isinstance(results, dict):
        console.print(
            _section("results", {name: one for name, one in results.items() if name in BRIEF_RESULTS})
        )
    propose("Photos, network, origin and export", ["card", str(model), "--full"])


def _use(card: "Card") -> dict[str, Any]:
    from castproof.gate.gate import threshold_lines

    return {
        "good classes": list(card.good),
        "defective classes": list(card.defective),
        "input": f"uint8 (height, width, 1 or 3), any size; squeezed to {card.size_px} x {card.size_px} inside",
        "training photos": card.colour if card.input_gate else "not known",
        "verdicts": [
            *threshold_lines(card.gate),
            UNLIKE if card.input_gate else NO_INPUT_GATE,
        ],
        "calibration": str(card.gate.calibrator),
        "photos for one verdict": str(card.gate.policy.combine),
    }


def _section(title: str, rows: Any) -> Table:
    table = Table(title=escape(title), title_justify="left", title_style="bold", show_header=False, box=None)
    table.add_column(style="dim", min_width=24, overflow="fold")
    table.add_column(overflow="fold")
    for name, value in rows.items() if isinstance(rows, dict) else [("", rows)]:
        table.add_row(escape(str(name)), _text(value))
    return table


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{escape(str(name))}: {_text(one)}" for name, one in value.items())
    if isinstance(value, list):
        return "\n".join(map(_text, value))
    return "" if value is None else escape(str(value))


def _examples(card: "Card") -> Table:
    table = Table(title="stored photos", title_justify="left", title_style="bold", box=None)
    for column in ("photo", "label", "verdict", "p_defective"):
        table.add_column(column, overflow="fold")
    for one in card.examples:
        table.add_row(escape(one.name), escape(one.label), one.verdict.value, f"{one.p_defective:.6f}")
    return table


def _references(card: "Card") -> Table:
    table = Table(title="photos of good parts", title_justify="left", title_style="bold", box=None)
    for column in ("photo", "part"):
        table.add_column(column, overflow="fold")
    for one in card.references:
        table.add_row(escape(one.name), escape(one.part))
    return table
