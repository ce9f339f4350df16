"""`castproof split`: a new split of a data set, no part in two splits."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

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
    training_libraries,
)
from castproof.apps.cli.parts_told import allow_aside, show_parts
from castproof.settings import BY_PICTURE
from castproof.wording import counted, percent

if TYPE_CHECKING:
    from castproof.data.balance import Balance, SplitShare
    from castproof.data.placing import Placed
    from castproof.pipeline.split_data import SplitResult, SplitSettings

_SHOWN = 5


def split_command(
    context: typer.Context,
    data: Annotated[Path, options.data()],
    dest: Annotated[Path, typer.Argument(help="New folder that receives the split.", metavar="DEST")],
    by: Annotated[str, typer.Option(help="What stays together.", metavar="[part|image]")] = "part",
    parts: Annotated[str, options.parts()] = BY_PICTURE,
    val: Annotated[float, typer.Option(help="Share of the photos for val.")] = 0.15,
    test: Annotated[float, typer.Option(help="Share of the photos for test.")] = 0.15,
    folds: Annotated[
        int | None,
        typer.Option(help="Make this many folds instead, each one the test once; 3 or more."),
    ] = None,
    seed: Annotated[int, options.seed()] = 1337,
    ok: Annotated[list[str] | None, options.good_folders()] = None,
    set_aside: Annotated[
        bool, typer.Option("--set-aside", help="Put photos whose label is in doubt into DEST_set_aside.")
    ] = False,
    set_aside_any_share: Annotated[bool, options.any_share()] = False,
    drop_duplicates: Annotated[
        bool, typer.Option("--drop-duplicates", help="Leave out identical copies within a class.")
    ] = False,
    link: Annotated[bool, options.link()] = False,
    skip_unreadable: Annotated[bool, options.skip_unreadable()] = False,
    no_bars: Annotated[bool, options.no_bars()] = False,
) -> None:
    """Split photos into train, val and test, or into folds, with no part in two of them.

    The photos of DATA stay as they are; a split that DATA has already is ignored.

    [bold]Examples[/]

    castproof split casting_data casting_split --set-aside

    castproof split casting_data casting_folds --folds 5 --link

    castproof split casting_data casting_split --parts parts.csv
    """
    with training_libraries():
        from castproof.pipeline.split_data import SplitSettings, split_data
    settings = SplitSettings(
        by=by,
        parts=parts,
        val=val if folds is None or is_given(context, "val") else None,
        test=test if folds is None or is_given(context, "test") else None,
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
            allow_aside=allow_aside(set_aside_any_share),
            progress=Bars(wanted=not no_bars),
        )
    except KeyboardInterrupt:
        errors.print("Stopped; the split is not complete. Give the same command again to continue.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if by == "part":
        show_parts(result.whole)
    console.print(balance_table(result.balance, of_parts=by == "part"))
    for line in _told(result, settings, dest):
        tell(line)
    folder = dest / "fold_1" if folds else dest
    goods = [word for name in ok or () for word in ("--ok", name)]
    propose("Train on it", ["train", "--data", str(folder), "--weights", "castings", *goods])


def balance_table(balance: "Balance", *, of_parts: bool) -> Table:
    """Return the share of each split and the photos of each class in it, with the number of their parts."""
    title = "Balance: photos, and of how many parts" if of_parts else "Balance: photos"
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for split in balance.splits:
        table.add_column(_name(split), justify="right")

    def cells(counts: Iterable[tuple[int, int]]) -> list[str]:
        return [f"{photos} of {parts}" if of_parts and photos else str(photos) for photos, parts in counts]

    table.add_row("share of the photos", *(percent(split.share) for split in balance.splits))
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
        of_parts = f"{counted(photos, 'photo')} of {counted(parts, 'part')}"
        yield f"{of_parts}; {counted(shared, 'part') if shared else 'none found'} in more than one of the {several}."
    else:
        yield (
            f"[yellow]{counted(photos, 'photo')}, split by photo: photos of one part land in different "
            f"{several}. Results on them look better than those on new parts will be.[/]"
        )
    yield from _rare(result.balance)
    yield from _few(result.balance, "part" if settings.by == "part" else "photo")
    yield from _doubtful(result)
    if result.copies:
        yield f"Left out: {counted(result.copies, 'identical copy', 'identical copies')}."
    if result.unreadable:
        yield f"Left out: {counted(result.unreadable, 'photo')} that cannot be read."
    yield f"Everything is in [bold]{escape(str(dest))}[/] ({_placed(result.placed)})."
    if result.copies or result.aside or result.unreadable:
        yield "left_out.csv there lists what was set aside or left out, and why."


def _placed(placed: "Placed") -> str:
    done = {"copied": placed.copied, "hard-linked": placed.linked, "there already": placed.present}
    return ", ".join(f"{counted(number, 'photo')} {how}" for how, number in done.items() if number)


def _rare(balance: "Balance") -> Iterator[str]:
    for name in balance.splits[0].photos_of:
        missing = [split.name for split in balance.splits if not split.photos_of[name]]
        if missing:
            yield f"[yellow]{escape(name)} is too rare to be in each: none in {', '.join(missing)}.[/]"


def _few(balance: "Balance", thing: str) -> Iterator[str]:
    """Yield a note where so few parts (or photos, where parts were not looked for) judge that figures say little."""
    from castproof.data.balance import FEW_PARTS

    lacking = []
    for split in balance.splits:
        few = [
            counted(parts, f"{kind} {thing}")
            for kind, parts in split.parts_of_kind.items()
            if parts < FEW_PARTS and split.name != "train"
        ]
        if few:
            lacking.append(f"{_name(split)} has {' and '.join(few)}")
    if lacking:
        yield (
            f"[yellow]{'; '.join(lacking)}. Figures on fewer than {FEW_PARTS} {thing}s say little: one "
            f"{thing} more or less changes them a lot.[/]"
        )


def _name(split: "SplitShare") -> str:
    return f"fold {split.name}" if split.name.isdecimal() else split.name


def _doubtful(result: "SplitResult") -> Iterator[str]:
    if result.aside:
        parts = len({photo.part for photo in result.aside})
        yield (
            f"Set aside in [bold]{escape(str(result.aside_folder))}[/]: {counted(len(result.aside), 'photo')} "
            f"of {counted(parts, 'part')} with both labels."
        )
        yield f"Of each class: {escape('; '.join(map(str, result.shares_aside)))}."
    for one in result.conflicts[:_SHOWN]:
        yield (
            f"[yellow]{escape(one.part)} carries both labels: {counted(len(one.good), 'photo')} good, "
            f"{len(one.defective)} defective. It stays together; --set-aside keeps photos in doubt apart.[/]"
        )
    if len(result.conflicts) > _SHOWN:
        yield f"[yellow]The same with {counted(len(result.conflicts) - _SHOWN, 'further part')}.[/]"
