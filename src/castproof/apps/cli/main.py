"""The `castproof` command."""

import os
import sys
from collections.abc import Iterable
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any, Final

import typer

from castproof import __version__
from castproof.apps.cli.console import HarmlessConsole, leave_on_error
from castproof.errors import CastproofError
from castproof.wording import harmless

COMMANDS: Final = (
    *("demo", "import", "audit", "split", "crossval", "train", "evaluate", "decide", "report", "compare"),
    *("export", "card", "convert", "predict", "inspector", "collect", "validate", "doctor"),
)
COMPLETING: Final = "_CASTPROOF_COMPLETE"


def command_line(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the program with these of its commands; the modules of the others are not loaded."""
    app = typer.Typer(
        name="castproof",
        help="Photos of castings in, a visual-inspection gate out that one can prove.",
        epilog="New here? Run: castproof demo",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    for name in names:
        module = "import_" if name == "import" else name
        found = import_module(f"castproof.apps.cli.{module}")
        app.command(name)(getattr(found, f"{name}_command"))
    app.callback()(_options)
    return app


def __getattr__(name: str) -> Any:
    """Return `app`, the program with all of its commands, made when it is first asked for."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["app"] = command_line()
    return globals()["app"]


def main() -> None:
    """Run the command line and show problems without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    if any(harmless(word) != word for word in sys.argv):
        _print_usage_plainly()
    wanted = [name for name in sys.argv[1:2] if name in COMMANDS and COMPLETING not in os.environ]
    try:
        command_line(wanted or COMMANDS)()
    except CastproofError as error:
        leave_on_error(error)


def _print_usage_plainly() -> None:
    """Let mistakes of usage, which typer prints and which repeat what was typed, go through our console, too."""
    from typer import rich_utils

    rich_utils.Console = HarmlessConsole  # type: ignore[attr-defined]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"castproof {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Photos of castings in, a visual-inspection gate out that one can prove."""
