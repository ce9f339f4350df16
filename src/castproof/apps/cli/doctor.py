"""`castproof doctor`: what is installed, what is missing, and what it is for."""

import os
import platform
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

import typer
from rich.table import Table

from castproof import __version__
from castproof.apps.cli.console import EXIT_FOUND, console, escape, tell
from castproof.data.content_cache import cache_folder
from castproof.installation import EXTRAS, how_to_install, repository

LITTLE_SPACE: Final = 2e9
DEVICES: Final = {"cpu": "the CPU", "cuda": "an NVIDIA GPU", "mps": "an Apple GPU"}
Row = tuple[bool | None, str, str]


def doctor_command() -> None:
    """Check this installation: what is there, what is missing, what it is for, and how to add it.

    The exit code is 4 where something that every command needs does not work. Missing extras are no fault.

    [bold]Example[/]

    castproof doctor
    """
    rows = [*_machine(), *_extras()]
    table = Table(show_header=False, box=None)
    table.add_column()
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    marks = {True: "[green]ok[/]", False: "[red]fault[/]", None: "[yellow]missing[/]"}
    for is_well, name, found in rows:
        table.add_row(marks[is_well], name, escape(found))
    console.print(table)
    for extra in EXTRAS:
        if extra.missing:
            tell(f"To add {extra.name}: [bold]{escape(how_to_install(extra.name))}[/]")
    if any(is_well is False for is_well, *_ in rows):
        raise typer.Exit(EXIT_FOUND)


def _machine() -> list[Row]:
    copy = repository()
    home = f"in {Path(sys.prefix)}" if copy is None else f"from the copy of the repository in {copy}"
    return [
        (True, "castproof", f"{__version__}, {home}"),
        (
            True,
            "Python",
            f"{platform.python_version()}, {platform.platform(terse=True)}, {os.cpu_count()} cores",
        ),
        _runtime(),
        _cache(),
        _space(),
    ]


def _runtime() -> Row:
    try:
        import castproof.runtime.session  # noqa: F401
    except ImportError as error:
        return False, "ONNX Runtime", f"does not load ({error}); model files cannot be opened"
    return True, "ONNX Runtime", f"{version('onnxruntime')}, judges photos by a model file"


def _cache() -> Row:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True, "cache", f"{folder} (another one: CASTPROOF_CACHE)"
    except OSError as error:
        return (
            False,
            "cache",
            f"{folder} cannot be written ({error.strerror}); set CASTPROOF_CACHE to another folder",
        )


def _space() -> Row:
    free = shutil.disk_usage(Path.cwd()).free
    return free > LITTLE_SPACE, "free space here", f"{free / 1e9:.1f} GB"


def _extras() -> list[Row]:
    return [
        (None, extra.name, f"{extra.purpose}; lacks {', '.join(extra.missing)}")
        if extra.missing
        else (True, extra.name, extra.purpose + _more(extra.name))
        for extra in EXTRAS
    ]


def _more(extra: str) -> str:
    if extra == "train":
        from castproof.model.device import pick_device

        device = DEVICES[pick_device("auto").type]
        return f"; PyTorch {version('torch')} computes on {device}"
    if extra == "inspector" and sys.platform.startswith("linux") and not _has_screen():
        return "; no screen here (DISPLAY is not set)"
    return ""


def _has_screen() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
