"""`castproof audit`: what is wrong with the photos before anything is trained on them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from castproof.apps.cli.console import (
    EXIT_FOUND,
    EXIT_INTERRUPTED,
    Bars,
    console,
    errors,
    program,
    training_libraries,
)
from castproof.apps.cli.tables import data_table

if TYPE_CHECKING:
    from castproof.data.audit import Audit


def audit_command(
    data: Annotated[
        Path, typer.Argument(help="Folder of class folders, with or without splits.", metavar="DATA")
    ],
    outdir: Annotated[Path, typer.Option(help="Folder that receives the results.")] = Path("audit"),
    ok: Annotated[
        list[str] | None, typer.Option(help="Class folder that holds good parts. By default by its name.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 4 where it finds a leak or a label conflict.")
    ] = False,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Go on without photos that cannot be read.")
    ] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Compute everything anew, and keep nothing of it.")
    ] = False,
    no_bars: Annotated[bool, typer.Option("--no-bars", help="No progress bars.")] = False,
) -> None:
    """Find leaks between splits, label conflicts, duplicates, shortcuts and odd photos.

    [bold]Examples[/]

      castproof audit casting_data

      castproof audit casting_data --outdir reports/audit --strict
    """
    with training_libraries():
        from castproof.pipeline.audit import AUDIT_HTML, audit
        from castproof.pipeline.audit_words import as_typed, mending_command, verdict
    try:
        found = audit(
            data,
            outdir,
            ok=ok or (),
            skip_unreadable=skip_unreadable,
            use_cache=not no_cache,
            progress=Bars(wanted=not no_bars),
        )
    except KeyboardInterrupt:
        errors.print("Stopped; the audit is not complete. What was measured so far is kept.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    console.print(data_table(found.manifest))
    console.print(_findings(found))
    colour = "green" if found.is_clean else "red"
    console.print(Panel(escape(verdict(found)), border_style=colour, expand=False))
    words = mending_command(found, data, ok or ())
    if words:
        command = " ".join((program(), as_typed(words).removeprefix("castproof ")))
        console.print(f"Split by part: [bold]{escape(command)}[/]", soft_wrap=True)
    console.print(f"The page with pictures is [bold]{escape(str(outdir / AUDIT_HTML))}[/].", soft_wrap=True)
    if strict and not found.is_clean:
        raise typer.Exit(EXIT_FOUND)


def _findings(found: "Audit") -> Table:
    from castproof.pipeline.audit_words import share

    table = Table(title="Audit", title_justify="left", show_header=False)
    leak = found.leak
    table.add_row("parts", f"{len(found.parts):,}")
    if leak is None:
        table.add_row("parts in several splits", "not split yet")
    else:
        test, val = leak.of("test"), leak.of("val")
        table.add_row("parts in several splits", share(len(leak.shared), leak.parts))
        table.add_row("test photos whose part is in train", share(test.photos_in_train, test.photos))
        table.add_row("test parts that are in train", share(test.parts_in_train, test.parts))
        table.add_row("val photos whose part is in train", share(val.photos_in_train, val.photos))
    odd = sum(len(one.odd) for one in found.conflicts)
    table.add_row("parts with both labels", f"{len(found.conflicts):,}")
    table.add_row("photos that disagree with their part", f"{odd:,}")
    for same, words in (("bytes", "identical files"), ("pixels", "identical pixels in other files")):
        groups = [one for one in found.duplicates if one.same == same]
        photos = sum(len(one.photos) for one in groups)
        table.add_row(words, f"{photos:,} in {len(groups):,} groups" if groups else "none")
    shortcuts = [
        f"{one.statistic} (AUC {one.auc_photos:.2f} by photo, {one.auc_parts:.2f} by part)"
        for one in found.shortcuts
        if one.alarming
    ]
    table.add_row("shortcuts", ", ".join(shortcuts) or "none")
    differ = {flag: count for flag, count in found.flag_counts().items() if flag in _DIFFER and count}
    table.add_row("photos that differ", ", ".join(f"{n:,} {flag}" for flag, n in differ.items()) or "none")
    table.add_row("thin evidence", share(len(found.thin), len(found.manifest.photos)))
    if found.manifest.unreadable:
        table.add_row("unreadable", f"{len(found.manifest.unreadable):,}")
    return table


_DIFFER = frozenset({"blurred", "dark", "over-exposed", "glare", "odd-object", "odd-size"})
