"""`castproof import`: bring a folder or archive of photos into train, val and test."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from castproof.apps.cli import options
from castproof.apps.cli.console import (
    EXIT_INTERRUPTED,
    Bars,
    console,
    errors,
    escape,
    is_given,
    propose,
    tell,
)
from castproof.apps.cli.tables import data_table
from castproof.files import beside
from castproof.wording import counted, listed

if TYPE_CHECKING:
    from castproof.pipeline.import_data import ImportResult


def import_command(
    context: typer.Context,
    source: Annotated[
        Path, typer.Argument(help="Folder or zip archive that contains the photos.", metavar="SRC")
    ],
    dest: Annotated[Path, typer.Argument(help="New folder that receives the photos.", metavar="DEST")],
    ok: Annotated[list[str] | None, options.good_folders()] = None,
    set_name: Annotated[
        str | None,
        typer.Option(
            "--set",
            help="Which data set of SRC, where it contains several.",
            show_default="the one with splits",
        ),
    ] = None,
    val: Annotated[float, typer.Option(help="Share of the photos for val, where SRC has no val.")] = 0.15,
    test: Annotated[float, typer.Option(help="Share of the photos for test, where SRC has no test.")] = 0.15,
    seed: Annotated[int, options.seed()] = 1337,
    link: Annotated[bool, options.link()] = False,
    skip_unreadable: Annotated[bool, options.skip_unreadable()] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, show what would go where, write nothing.")
    ] = False,
    no_bars: Annotated[bool, options.no_bars()] = False,
) -> None:
    """Bring a folder or zip archive of photos into DEST/train, DEST/val and DEST/test; the source is not changed.

    [bold]Examples[/]

    castproof import archive.zip casting --dry-run

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
            "Stopped. Every file that was written is whole; give the same command again to continue.",
            soft_wrap=True,
        )
        raise typer.Exit(EXIT_INTERRUPTED) from None
    _show(result, link=link)
    if dry_run and result.missing:
        propose("Do it", _without_dry_run(context))
    elif not dry_run:
        if result.made:
            propose("Keep parts apart", ["split", str(dest), str(beside(dest, "_by_part"))])
        propose("Next", ["audit", str(dest)])


def _without_dry_run(context: typer.Context) -> list[str]:
    """Return the words of the command that was given, without --dry-run."""
    words = ["import", *(str(context.params[name]) for name in ("source", "dest"))]
    for option in context.command.params:
        name, value = option.name or "", context.params.get(option.name or "")
        if name in ("source", "dest", "dry_run") or not is_given(context, name):
            continue
        if isinstance(value, bool):
            words.append((option.opts if value else option.secondary_opts)[0])
        else:
            each = value if isinstance(value, list | tuple) else [value]
            words += [word for one in each for word in (option.opts[0], str(one))]
    return words


def _show(result: "ImportResult", *, link: bool) -> None:
    console.print(data_table(result.manifest))
    for line in (*_about_source(result), *_about_splits(result), *_about_files(result, link=link)):
        tell(escape(line))


def _about_source(result: "ImportResult") -> Iterator[str]:
    if result.left_out:
        yield f"Taken from the set {result.set_name}."
    for name, count in result.left_out.items():
        photos = counted(count, "photo")
        yield (
            f"Left out: the set {name} ({photos}). To take it instead: --set {shlex.quote(name)}"
            if name
            else f"Left out: {photos} outside of any set."
        )
    for name in result.nested:
        yield f"Left out: the archive {name} in the source, which is not opened."
    if result.others:
        files = counted(len(result.others), "file that is no photo", "files that are no photos")
        yield f"Left out: {files}: {', '.join(listed(result.others))}."
    if result.manifest.unreadable:
        yield f"Left out: {counted(len(result.manifest.unreadable), 'unreadable photo')}:"
        yield from (f"  • {one.file}: {one.reason}" for one in result.manifest.unreadable)


def _about_splits(result: "ImportResult") -> Iterator[str]:
    if result.made:
        made = (
            "The source has no splits: made here"
            if "train" in result.made
            else f"The source has no {' and no '.join(result.made)}: made out of train"
        )
        yield f"{made}, photo by photo. Photos of one part can be in different splits."


def _about_files(result: "ImportResult", *, link: bool) -> Iterator[str]:
    photos = counted(len(result.manifest.photos), "photo")
    placed = result.placed
    if placed is None:
        would = "linked" if link else "copied"
        yield f"Dry run: {result.missing:,} of {photos} would be {would} to {result.dest}; nothing was written."
    elif not (placed.copied or placed.linked):
        yield f"All {photos} are in {result.dest} already."
    else:
        yield (
            f"{photos} in {result.dest}: {placed.copied:,} copied, "
            f"{placed.linked:,} linked, {placed.present:,} there already."
        )
        if link and placed.copied:
            yield f"{counted(placed.copied, 'photo')} copied, since hard links are not possible there."
