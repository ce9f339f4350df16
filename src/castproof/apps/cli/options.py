"""Options that several commands have, in the same words everywhere."""

from typing import Any

import typer


def data() -> Any:
    """Return the argument DATA."""
    return typer.Argument(help="Folder of class folders, with or without splits.", metavar="DATA")


def good_folders(panel: str | None = None, *, default: str = "by its name") -> Any:
    """Return the option --ok."""
    return typer.Option(
        "--ok",
        help="Class folder that holds good parts; repeat for several.",
        show_default=default,
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


def no_bars(panel: str | None = None) -> Any:
    """Return the option --no-bars."""
    return typer.Option("--no-bars", help="No progress bars.", rich_help_panel=panel)
