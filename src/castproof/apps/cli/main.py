"""The `castproof` command."""

import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from castproof import __version__
from castproof.apps.cli.audit import audit_command
from castproof.apps.cli.card import card_command
from castproof.apps.cli.compare import compare_command
from castproof.apps.cli.console import leave_on_error
from castproof.apps.cli.convert import convert_command
from castproof.apps.cli.crossval import crossval_command
from castproof.apps.cli.decide import decide_command
from castproof.apps.cli.demo import demo_command
from castproof.apps.cli.evaluate import evaluate_command
from castproof.apps.cli.export import export_command
from castproof.apps.cli.import_ import import_command
from castproof.apps.cli.predict import predict_command
from castproof.apps.cli.report import report_command
from castproof.apps.cli.split import split_command
from castproof.apps.cli.train import train_command
from castproof.apps.cli.validate import validate_command
from castproof.errors import CastproofError

app = typer.Typer(
    name="castproof",
    help="Photos of castings in, a visual-inspection gate out that one can prove.",
    epilog="New here? Run: castproof demo",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.command("demo")(demo_command)
app.command("import")(import_command)
app.command("audit")(audit_command)
app.command("split")(split_command)
app.command("crossval")(crossval_command)
app.command("train")(train_command)
app.command("evaluate")(evaluate_command)
app.command("decide")(decide_command)
app.command("report")(report_command)
app.command("compare")(compare_command)
app.command("export")(export_command)
app.command("card")(card_command)
app.command("convert")(convert_command)
app.command("predict")(predict_command)
app.command("validate")(validate_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"castproof {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Photos of castings in, a visual-inspection gate out that one can prove."""


def main() -> None:
    """Run the command line and show problems without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except CastproofError as error:
        leave_on_error(error)
