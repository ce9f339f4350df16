"""`castproof collect`: photos that inspectors decided on, as class folders to learn from."""

from collections import Counter
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
    propose,
    tell,
    training_libraries,
)
from castproof.apps.cli.tables import data_table
from castproof.settings import BY_PICTURE
from castproof.wording import counted

if TYPE_CHECKING:
    from castproof.pipeline.collect import Collected

_SHOWN = 3


def collect_command(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of photos with their verdict files, files of verdicts, or tables of verdicts as CSV.",
            metavar="VERDICTS…",
        ),
    ],
    dest: Annotated[Path, typer.Argument(help="New folder that receives the class folders.", metavar="DEST")],
    data: Annotated[
        Path | None,
        typer.Option(
            help="The photos to learn from so far, which are put into DEST as well; they name the classes.",
            callback=options.is_folder,
        ),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the photos, where it is not next to the verdicts.",
            callback=options.is_folder,
        ),
    ] = None,
    ok: Annotated[list[str] | None, options.good_folders(default="by its name; ok without --data")] = None,
    parts: Annotated[str, options.parts()] = BY_PICTURE,
    link: Annotated[bool, options.link()] = False,
    skip_unreadable: Annotated[bool, options.skip_unreadable()] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, show what would go where, write nothing.")
    ] = False,
    no_bars: Annotated[bool, options.no_bars()] = False,
) -> None:
    """Bring photos that inspectors judged into DEST/CLASS, to learn from; nothing that is there is replaced.

    The last verdict on a photo counts. Left out, and listed in DEST/left_out.csv, are photos without one, those whose
    verdict was taken back, that are missing or have changed since, and copies. Parts that a person names, in
    manifest.csv or by --parts, are kept in DEST/manifest.csv.

    [bold]Examples[/]

    castproof collect today/ to_learn --dry-run

    castproof collect monday/ tuesday/ casting_data_2 --data casting_data --link

    castproof collect verdicts.csv casting_data_2 --photos today/ --data casting_data --parts by-folder
    """
    with training_libraries():
        from castproof.pipeline.collect import collect
    try:
        result = collect(
            sources,
            dest,
            photos=photos,
            data=data,
            ok=ok or (),
            parts=options.parts_value(parts),
            link=link,
            skip_unreadable=skip_unreadable,
            dry_run=dry_run,
            progress=Bars(wanted=not no_bars),
        )
    except KeyboardInterrupt:
        errors.print(
            "Stopped. Every file that was written is whole; give the same command again to continue."
        )
        raise typer.Exit(EXIT_INTERRUPTED) from None
    console.print(data_table(result.manifest))
    for line in _told(result):
        tell(escape(line))
    if not dry_run:
        propose("Next", ["audit", str(dest), *(word for name in ok or () for word in ("--ok", name))])


def _told(result: "Collected") -> Iterator[str]:
    verdicts = result.verdicts.values()
    overruled = sum(one.agrees is False for one in verdicts)
    yield (
        f"Decided by inspectors: {counted(len(verdicts), 'photo')}; the model was overruled on {overruled:,} of them."
    )
    reasons = Counter(one.reason for one in result.left_out)
    for reason, count in reasons.most_common():
        files = [one.file for one in result.left_out if one.reason == reason][:_SHOWN]
        yield f"Left out: {counted(count, 'photo')}, {reason}: {', '.join(files)}{' …' if count > len(files) else ''}"
    yield (
        "Parts    known, kept in manifest.csv."
        if result.names_parts
        else "Parts    not named: castproof audit finds them from the pictures."
    )
    if result.placed is None:
        photos = counted(len(result.manifest.photos), "photo")
        yield f"Dry run: {result.missing:,} of {photos} would go to {result.dest}; nothing was written."
    else:
        done = result.placed
        yield (
            f"Everything is in {result.dest}: {done.copied:,} copied, {done.linked:,} linked, "
            f"{done.present:,} there already."
        )
