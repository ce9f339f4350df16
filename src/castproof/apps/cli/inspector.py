"""`castproof inspector`: the window in which a person looks at photos and decides."""

from pathlib import Path
from typing import Annotated, Final

import typer

from castproof.errors import MissingExtraError
from castproof.installation import how_to_install

INSPECTOR_EXTRA: Final = ("jinja2", "platformdirs", "sv_ttk", "tkinterdnd2")


def inspector_command(
    model: Annotated[
        Path | None,
        typer.Argument(help="Model file to open; the last one where it is left out.", metavar="MODEL"),
    ] = None,
    photos: Annotated[
        Path | None, typer.Argument(help="Photo, or folder of photos, to open.", metavar="FILE|FOLDER")
    ] = None,
) -> None:
    """Open the QA Inspector: look at photos, see verdict and heat map, decide, hand in a table or a report.

    It needs the extra castproof[inspector] and a screen.

    [bold]Examples[/]

    castproof inspector

    castproof inspector model.onnx today/
    """
    try:
        from castproof.apps.inspector.main import run
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    run(model, photos)


def _missing(error: ModuleNotFoundError) -> MissingExtraError:
    name = (error.name or "").split(".")[0]
    if name in ("tkinter", "_tkinter"):
        return MissingExtraError(
            "The QA Inspector needs Tk, which this Python was built without.",
            fix="Install it: on Debian and Ubuntu apt install python3-tk; on Fedora dnf install python3-tkinter; on "
            "macOS brew install python-tk. Python from python.org and from uv has it.",
        )
    if name not in INSPECTOR_EXTRA:
        raise error
    return MissingExtraError(
        "The QA Inspector needs castproof's inspector extra, which is not installed.",
        found=f"The library {name} is missing.",
        fix=f"Install it: {how_to_install('inspector')}. castproof doctor shows what is missing.",
    )
