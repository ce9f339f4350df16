"""`castproof import`: bring a folder or archive of photos into train, val and test."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from castproof.apps.cli.console import EXIT_INTERRUPTED, Bars, console, errors, program
from castproof.apps.cli.tables import data_table

if TYPE_CHECKING:
    from castproof.pipeline.import_data import ImportResult


def import_command(
    source: Annotated[
        Path, typer.Argument(help="Folder or zip archive that holds the photos.", metavar="SRC")
    ],
    dest: Annotated[Path, typer.Argument(help="New folder that receives them.", metavar="DEST")],
    ok: Annotated[
        list[str] | None,
        typer.Option(help="Class folder that holds good parts; repeat for several. By default by its name."),
    ] = None,
    set_name: Annotated[
        str | None,
        typer.Option(
            "--set", help="Which data set of SRC, where it holds several. Default: the one with splits."
        ),
    ] = None,
    val: Annotated[float, typer.Option(help="Share of the photos for val, where SRC has no val.")] = 0.15,
    test: Annotated[float, typer.Option(help="Share of the photos for test, where SRC has no test.")] = 0.15,
    seed: Annotated[int, typer.Option(help="Seed of the splits that are made.")] = 1337,
    link: Annotated[
        bool, typer.Option("--link/--copy", help="Hard links instead of copies, where the disk allows it.")
    ] = False,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Leave out photos that cannot be read.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, show what would go where, write nothing.")
    ] = False,
    no_bars: Annotated[bool, typer.Option("--no-bars", help="No progress bars.")] = False,
) -> None:
    """Bring a folder or zip archive of photos into DEST/train, DEST/val and DEST/test; the source is not changed.

    [bold]Example[/]

      castproof import archive.zip casting
    """
    from castproof.pipeline.import_data import import_data

    try:
        result = import_data(
            source,
            dest,
            ok=ok or (),
            set_name=set_name or "",
            val=val,
            test=test,
            seed=seed,
            link=link,
            skip_unreadable=skip_unreadable,
            dry_run=dry_run,
            progress=Bars(wanted=not no_bars),
        )
    except KeyboardInterrupt:
        errors.print(
            "Stopped. Every file that was written is whole; the same command goes on from here.",
            soft_wrap=True,
        )
        raise typer.Exit(EXIT_INTERRUPTED) from None
    _show(result, link=link)


def _show(result: "ImportResult", *, link: bool) -> None:
    console.print(data_table(result.manifest))
    for line in (*_about_source(result), *_about_splits(result), *_about_files(result, link=link)):
        console.print(escape(line), soft_wrap=True)


def _about_source(result: "ImportResult") -> list[str]:
    lines = [f"Taken from the set {result.set_name}."] if result.left_out else []
    lines += [
        f"Left out: the set {name} ({count} photos). To take it instead: --set {shlex.quote(name)}"
        if name
        else f"Left out: {count} photos outside of any set."
        for name, count in result.left_out.items()
    ]
    lines += [f"Left out: the archive {name} in the source, which is not opened." for name in result.nested]
    if result.manifest.unreadable:
        lines.append(f"Left out: {len(result.manifest.unreadable)} unreadable photos:")
        lines += [f"  • {one.file}: {one.reason}" for one in result.manifest.unreadable]
    return lines


def _about_splits(result: "ImportResult") -> list[str]:
    if not result.made:
        return []
    if "train" in result.made:
        line = "The source has no splits: made here"
    else:
        line = f"The source has no {' and no '.join(result.made)}: made out of train"
    dest, by_part = (shlex.quote(str(one)) for one in (result.dest, f"{result.dest}_by_part"))
    return [
        f"{line}, photo by photo. Photos of one part can lie in different splits.",
        f"To keep parts apart: {program()} split {dest} {by_part}",
    ]


def _about_files(result: "ImportResult", *, link: bool) -> list[str]:
    count = len(result.manifest.photos)
    if result.placed is None:
        return [
            f"Dry run: {result.missing} of {count} photos would be {'linked' if link else 'copied'} to {result.dest}; "
            "nothing was written."
        ]
    placed = result.placed
    if not (placed.copied or placed.linked):
        line = f"All {count} photos are in {result.dest} already."
    else:
        line = (
            f"{count} photos are in {result.dest}: {placed.copied} copied, {placed.linked} linked, "
            f"{placed.present} there already."
        )
    lines = [line]
    if link and placed.copied:
        lines.append(f"{placed.copied} photos were copied, since they cannot be hard-linked there.")
    return [*lines, f"Next: {program()} audit {shlex.quote(str(result.dest))}"]
