"""Options that several commands have, in the same words everywhere."""

from pathlib import Path
from typing import Any, Final

import typer

from castproof.errors import DataError
from castproof.run_folder import LATEST, RUNS, find_run
from castproof.settings import DEVICES, PART_CHOICES, is_part_table

DEVICE_HELP: Final = "Where to compute; auto: cuda, else mps, else cpu."


def data() -> Any:
    """Return the argument DATA."""
    return typer.Argument(
        help="Folder of class folders, with or without splits.", metavar="DATA", callback=is_folder
    )


def is_folder(path: Path | None) -> Path | None:
    """Return `path`. Raises DataError where there is no such folder."""
    if path is not None and not path.exists():
        raise DataError(f"There is no folder {str(path)!r}.", fix="Check the path.")
    return path


def run(
    text: str = "Run folder made by castproof train",
    metavar: str = "RUN",
    *,
    crossval: bool = False,
) -> Any:
    """Return an argument that asks for a run, or for a cross-validation as well."""

    def found(path: Path) -> Path:
        return find_run(path, crossval=crossval)

    return typer.Argument(help=f"{text}, its name in {RUNS}, or {LATEST}.", metavar=metavar, callback=found)


def good_folders(panel: str | None = None, *, default: str = "by its name") -> Any:
    """Return the option --ok."""
    return typer.Option(
        "--ok",
        help="Class folder that contains good parts; repeat for several.",
        show_default=default,
        rich_help_panel=panel,
    )


def parts(panel: str | None = None) -> Any:
    """Return the option --parts."""
    return typer.Option(
        "--parts",
        help="Which photos show one part: by-picture compares them; or every photo another part, one part per folder, "
        "a regular expression on the path below the class folder, or a table with the columns file and part.",
        metavar=f"[{'|'.join(PART_CHOICES)}|REGEX|TABLE.csv]",
        rich_help_panel=panel,
    )


def parts_value(parts: str) -> str:
    """Return a value of --parts to be kept: the path of a table is made absolute."""
    return str(Path(parts).resolve()) if is_part_table(parts) else parts


def model_or_run(path: Path) -> Path:
    """Return the path of a model file, or of a run that is given by its name in RUNS or as LATEST."""
    return find_run(path) if path == Path(LATEST) or (RUNS / path).is_dir() else path


def any_share(panel: str | None = None) -> Any:
    """Return the option --set-aside-any-share."""
    return typer.Option(
        "--set-aside-any-share",
        help="Let --set-aside take away more than 5% of a class without a question.",
        rich_help_panel=panel,
    )


def skip_unreadable(panel: str | None = None) -> Any:
    """Return the option --skip-unreadable."""
    return typer.Option(
        "--skip-unreadable",
        help="Go on without photos that cannot be read, and record them.",
        rich_help_panel=panel,
    )


def set_aside(panel: str | None = None) -> Any:
    """Return the option --set-aside of commands that learn."""
    return typer.Option(
        "--set-aside", help="Leave out photos whose label is in doubt.", rich_help_panel=panel
    )


def link() -> Any:
    """Return the option --link/--copy."""
    return typer.Option("--link/--copy", help="Hard links instead of copies, where the disk allows it.")


def seed(panel: str | None = None) -> Any:
    """Return the option --seed."""
    return typer.Option("--seed", help="Seed of every random choice.", rich_help_panel=panel)


def device() -> Any:
    """Return the option --device of commands that judge."""
    return typer.Option("--device", help=DEVICE_HELP, metavar=f"[{'|'.join(DEVICES)}]")


def no_gate(panel: str | None = None) -> Any:
    """Return the option --no-gate."""
    return typer.Option(
        "--no-gate", help="Choose no gate: judge at the threshold alone.", rich_help_panel=panel
    )


def no_bars(panel: str | None = None) -> Any:
    """Return the option --no-bars."""
    return typer.Option("--no-bars", help="No progress bars.", rich_help_panel=panel)
