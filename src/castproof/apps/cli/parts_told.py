"""What a person hears about parts: how they are known, and how many photos --set-aside would take away."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.panel import Panel

from castproof.apps.cli.console import console, escape, tell

if TYPE_CHECKING:
    from castproof.data.left_out import Allow, ClassShare
    from castproof.data.manifest import Manifest, Photo


def show_parts(manifest: "Manifest") -> None:
    """Print how many parts there are and how that is known, and a panel where they cannot be told apart."""
    from castproof.pipeline.part_words import CANNOT_TELL, is_untold, parts_known, untold_words

    console.print(f"Parts    {escape(parts_known(manifest))}", soft_wrap=True)
    if is_untold(manifest):
        text = f"[bold]{CANNOT_TELL}[/] {untold_words()}"
        console.print(Panel(text, title="Parts", title_align="left", border_style="red", width=100))


def show_shares(kept: Sequence["Photo"], aside: Sequence["Photo"]) -> None:
    """Print how much of each class is set aside."""
    from castproof.data.left_out import class_shares

    tell(f"Set aside of {escape('; '.join(map(str, class_shares(kept, aside))))}.")


def allow_aside(any_share: bool) -> "Allow":
    """Return who decides whether a large share of a class may be set aside: the flag, else a person at a terminal."""

    def ask(shares: "Sequence[ClassShare]") -> bool:
        if any_share:
            return True
        if not (console.is_terminal and sys.stdin.isatty()):
            return False
        for one in shares:
            tell(f"[yellow]To be set aside of {escape(str(one))}[/]")
        return typer.confirm("Set these photos aside?", default=False)

    return ask
