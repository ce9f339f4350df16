"""`castproof split`: a new split of a data set, no part in two splits."""

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from castproof.apps.cli.console import EXIT_INTERRUPTED, Bars, console, errors, program, training_libraries

if TYPE_CHECKING:
    from castproof.data.balance import Balance
    from castproof.data.placing import Placed
    from castproof.pipeline.split_data import SplitResult, SplitSettings

_SHOWN = 5


def split_command(
    data: Annotated[
        Path, typer.Argument(help="Folder of class folders, with or without splits.", metavar="DATA")
    ],
    dest: Annotated[Path, typer.Argument(help="Folder that receives the split.", metavar="DEST")],
    by: Annotated[str, typer.Option(help="What stays together.", metavar="[part|image]")] = "part",
    val: Annotated[float | None, typer.Option(help="Share for validation. Default: 0.15.")] = None,
    test: Annotated[float | None, typer.Option(help="Share for the test. Default: 0.15.")] = None,
    folds: Annotated[
        int | None, typer.Option(help="Make this many folds instead, each one the test once; 3 or more.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Number that every random choice follows from.")] = 1337,
    ok: Annotated[
        list[str] | None, typer.Option(help="Class folder that holds good parts. By default by its name.")
    ] = None,
    set_aside: Annotated[
        bool, typer.Option("--set-aside", help="Put photos whose label is in doubt into DEST_set_aside.")
    ] = False,
    drop_duplicates: Annotated[
        bool, typer.Option("--drop-duplicates", help="Leave out identical copies within a class.")
    ] = False,
    link: Annotated[
        bool, typer.Option("--link", help="Hard links instead of copies, where possible.")
    ] = False,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Go on without photos that cannot be read.")
    ] = False,
    no_bars: Annotated[bool, typer.Option("--no-bars", help="No progress bars.")] = False,
) -> None:
    """Split photos into train, val and test, or into folds, with no part in two of them.

    The photos of DATA stay as they are; a split that DATA has already is ignored.

    [bold]Example[/]

      castproof split casting_data casting_split --set-aside
    """
    with training_libraries():
        from castproof.pipeline.split_data import SplitSettings, split_data
    settings = SplitSettings(
        by=by,
        val=val,
        test=test,
        folds=folds,
        seed=seed,
        set_aside=set_aside,
        drop_duplicates=drop_duplicates,
        link=link,
    )
    try:
        result = split_data(
            data,
            dest,
            settings,
            ok=ok or (),
            skip_unreadable=skip_unreadable,
            progress=Bars(wanted=not no_bars),
        )
    except KeyboardInterrupt:
        errors.print("Stopped; the split is not complete. The same command goes on with it.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    console.print(balance_table(result.balance, of_parts=by == "part"))
    for line in _told(result, settings, dest):
        console.print(line, soft_wrap=True)
    folder = dest / "fold_1" if folds else dest
    words = ["train", "--data", str(folder), *(word for name in ok or () for word in ("--ok", name))]
    console.print(f"[green]→[/] Train on it: {program()} {escape(shlex.join(words))}", soft_wrap=True)


def balance_table(balance: "Balance", *, of_parts: bool) -> Table:
    """Return the share of each split and the photos of each class in it, with the number of their parts."""
    title = "Balance: photos, and of how many parts" if of_parts else "Balance: photos"
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for split in balance.splits:
        name = f"fold {split.name}" if split.name.isdecimal() else split.name
        table.add_column(name, justify="right")

    def cells(counts: Iterable[tuple[int, int]]) -> list[str]:
        return [f"{photos} of {parts}" if of_parts and photos else str(photos) for photos, parts in counts]

    table.add_row("share of the photos", *(f"{split.share:.1%}" for split in balance.splits))
    table.add_row("all", *cells((split.photos, split.parts) for split in balance.splits), style="bold")
    for one in balance.splits[0].photos_of:
        counts = ((split.photos_of[one], split.parts_of[one]) for split in balance.splits)
        table.add_row(escape(one), *cells(counts))
    return table


def _told(result: "SplitResult", settings: "SplitSettings", dest: Path) -> Iterator[str]:
    photos = sum(split.photos for split in result.balance.splits)
    shared = result.balance.shared_parts
    parts = sum(split.parts for split in result.balance.splits)
    several = "folds" if settings.folds else "splits"
    if settings.by == "part":
        of_parts = f"{_count(photos, 'photo')} of {_count(parts, 'part')}"
        yield f"{of_parts}; {_count(shared, 'part') if shared else 'none found'} in more than one of the {several}."
    else:
        yield (
            f"[yellow]{_count(photos, 'photo')}, split by photo: photos of one part land in different "
            f"{several}. Results on them look better than those on new parts will be.[/]"
        )
    yield from _rare(result.balance)
    yield from _doubtful(result)
    if result.copies:
        copies = "1 identical copy" if result.copies == 1 else f"{result.copies} identical copies"
        yield f"Left out: {copies}."
    if result.unreadable:
        yield f"Left out: {_count(result.unreadable, 'photo')} that cannot be read."
    yield f"Everything is in [bold]{escape(str(dest))}[/] ({_placed(result.placed)})."
    if result.copies or result.aside or result.unreadable:
        yield "left_out.csv there lists what was set aside or left out, and why."


def _placed(placed: "Placed") -> str:
    done = {"copied": placed.copied, "hard-linked": placed.linked, "there already": placed.present}
    return ", ".join(f"{_count(number, 'photo')} {how}" for how, number in done.items() if number)


def _rare(balance: "Balance") -> Iterator[str]:
    for name in balance.splits[0].photos_of:
        missing = [split.name for split in balance.splits if not split.photos_of[name]]
        if missing:
            yield f"[yellow]{escape(name)} is too rare to be in each: none in {', '.join(missing)}.[/]"


def _doubtful(result: "SplitResult") -> Iterator[str]:
    if result.aside:
        parts = len({photo.part for photo in result.aside})
        yield (
            f"Set aside in [bold]{escape(str(result.aside_folder))}[/]: {_count(len(result.aside), 'photo')} "
            f"of {_count(parts, 'part')} with both labels."
        )
    for one in result.conflicts[:_SHOWN]:
        yield (
            f"[yellow]{escape(one.part)} carries both labels: {_count(len(one.good), 'photo')} good, "
            f"{len(one.defective)} defective. It stays together; --set-aside keeps photos in doubt apart.[/]"
        )
    if len(result.conflicts) > _SHOWN:
        yield f"[yellow]The same with {_count(len(result.conflicts) - _SHOWN, 'further part')}.[/]"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
