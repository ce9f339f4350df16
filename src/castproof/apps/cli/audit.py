"""`castproof audit`: what is wrong with the photos before anything is trained on them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.panel import Panel
from rich.table import Table

from castproof.apps.cli import options
from castproof.apps.cli.console import (
    EXIT_FOUND,
    EXIT_INTERRUPTED,
    Bars,
    console,
    errors,
    escape,
    propose,
    tell,
    training_libraries,
)
from castproof.apps.cli.parts_told import show_parts
from castproof.apps.cli.tables import data_table
from castproof.settings import BY_PICTURE
from castproof.wording import counted

if TYPE_CHECKING:
    from castproof.data.audit import Audit
    from castproof.data.audit.parts import LabelConflict


def audit_command(
    data: Annotated[Path, options.data()],
    outdir: Annotated[Path, typer.Option(help="Folder that receives the results.")] = Path("audit"),
    ok: Annotated[list[str] | None, options.good_folders()] = None,
    parts: Annotated[str, options.parts()] = BY_PICTURE,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Exit code 4 where it finds a leak or a label conflict, or cannot tell parts apart.",
        ),
    ] = False,
    skip_unreadable: Annotated[bool, options.skip_unreadable()] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Compute everything again, and keep nothing of it.")
    ] = False,
    no_bars: Annotated[bool, options.no_bars()] = False,
) -> None:
    """Find leaks between splits, label conflicts, duplicates, shortcuts and odd photos.

    [bold]Examples[/]

    castproof audit casting_data

    castproof audit casting_data --outdir reports/audit --strict

    castproof audit casting_data --parts parts.csv
    """
    with training_libraries():
        from castproof.pipeline.audit import AUDIT_HTML, audit
        from castproof.pipeline.audit_words import fixing_command, verdict
        from castproof.pipeline.part_words import parts_commands
    try:
        found = audit(
            data,
            outdir,
            ok=ok or (),
            parts=parts,
            skip_unreadable=skip_unreadable,
            use_cache=not no_cache,
            progress=Bars(wanted=not no_bars),
        )
    except KeyboardInterrupt:
        errors.print("Stopped; the audit is not complete. What was measured so far is kept.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    console.print(data_table(found.manifest))
    show_parts(found.manifest)
    console.print(_findings(found))
    colour = "green" if found.is_clean else "red"
    console.print(Panel(escape(verdict(found)), border_style=colour, expand=False))
    if found.doubt is not None:
        for purpose, words in parts_commands(data, ok or ()):
            propose(purpose, words)
    elif words := fixing_command(found, data, ok or (), parts):
        propose("Split by part", words)
    tell(f"The page with pictures is [bold]{escape(str(outdir / AUDIT_HTML))}[/].")
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
    table.add_row("parts labelled good and defective", f"{len(found.conflicts):,}")
    table.add_row("photos labelled unlike their part", _odd(found.conflicts))
    for same, words in (
        ("bytes", "files that are identical"),
        ("pixels", "other files with identical pixels"),
    ):
        groups = [one for one in found.duplicates if one.same == same]
        photos = sum(len(one.photos) for one in groups)
        table.add_row(words, f"{photos:,} in {counted(len(groups), 'group')}" if groups else "none")
    shortcuts = [
        f"{one.statistic} (AUC {one.auc_photos:.2f} by photo, {one.auc_parts:.2f} by part)"
        for one in found.shortcuts
        if one.alarming
    ]
    table.add_row("shortcuts to the label", ", ".join(shortcuts) or "none")
    differ = {flag: count for flag, count in found.flag_counts().items() if flag in _DIFFER and count}
    table.add_row(
        "photos that differ from the rest", ", ".join(f"{n:,} {flag}" for flag, n in differ.items()) or "none"
    )
    table.add_row("photos whose part is a guess", share(len(found.thin), len(found.manifest.photos)))
    if found.manifest.unreadable:
        table.add_row("photos that cannot be read (not counted above)", f"{len(found.manifest.unreadable):,}")
    return table


def _odd(conflicts: Sequence["LabelConflict"]) -> str:
    odd = sum(len(one.odd) for one in conflicts)
    return "none: both labels are frequent in each" if conflicts and not odd else f"{odd:,}"


_DIFFER = frozenset({"blurred", "dark", "over-exposed", "glare", "odd-object", "odd-size"})
