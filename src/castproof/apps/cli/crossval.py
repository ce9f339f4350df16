"""`castproof crossval`: how well a way of training judges parts that it never saw."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from castproof.apps.cli import options
from castproof.apps.cli.console import (
    EXIT_INTERRUPTED,
    RoundBars,
    console,
    errors,
    escape,
    propose,
    tell,
    training_libraries,
)
from castproof.apps.cli.decide import show_gate
from castproof.apps.cli.parts_told import allow_aside, show_parts, show_shares
from castproof.apps.cli.training_options import (
    RUN,
    tell_without_effect,
    training_values,
    training_words,
    with_training_options,
)
from castproof.errors import SettingError
from castproof.recipes import AUTO, CANDIDATES, recipe_settings
from castproof.settings import BY_PICTURE
from castproof.wording import counted, decimal, round_name

if TYPE_CHECKING:
    from castproof.data.folds import Folds
    from castproof.data.manifest import Photo
    from castproof.pipeline.crossval_results import CrossvalResult
    from castproof.pipeline.machine import Machine
    from castproof.settings import TrainSettings

DATA = "Photos"


@with_training_options
def crossval_command(
    data: Annotated[Path, options.data()],
    folds: Annotated[int, typer.Option(help="Number of folds, 3 or more.", rich_help_panel=DATA)] = 5,
    set_aside: Annotated[bool, options.set_aside(DATA)] = False,
    set_aside_any_share: Annotated[bool, options.any_share(DATA)] = False,
    ok: Annotated[list[str] | None, options.good_folders(DATA)] = None,
    parts: Annotated[str, options.parts(DATA)] = BY_PICTURE,
    skip_unreadable: Annotated[bool, options.skip_unreadable(DATA)] = False,
    outdir: Annotated[
        Path | None,
        typer.Option(
            help="Folder that receives everything; one that was begun is resumed.",
            show_default="runs/crossval_DATA_RECIPE_NUMBER",
            rich_help_panel=RUN,
        ),
    ] = None,
    no_gate: Annotated[bool, options.no_gate(RUN)] = False,
    no_bars: Annotated[bool, options.no_bars(RUN)] = False,
    **training: Any,
) -> None:
    """Judge every photo by a network that never saw its part, and compare with the given split.

    The photos are shared out to folds, parts kept whole. For each fold a network learns from all others.
    Ctrl-C keeps what is done; give the same command again to continue.

    [bold]Examples[/]

    castproof crossval casting_data --weights castings --set-aside

    castproof crossval casting_data --recipe reference --folds 4 --seed 7
    """
    if training["recipe"] == AUTO:
        raise SettingError(
            "--recipe auto is for castproof train.",
            rule="A cross-validation judges one recipe.",
            fix=f"Give one of {', '.join(CANDIDATES)}, or castproof train --recipe auto.",
        )
    settings = recipe_settings(
        **training_values(training),
        data=str(data.resolve()),
        ok=tuple(ok or ()),
        parts=options.parts_value(parts),
        skip_unreadable=skip_unreadable,
        folds=folds,
        set_aside=set_aside,
    )
    tell_without_effect(settings)
    dest = outdir or _default_outdir(settings)
    screen = _Screen(wanted=not no_bars)
    with training_libraries():
        from castproof.pipeline.crossval import crossval, is_begun
        from castproof.pipeline.decide import auto_gate
    try:
        result = crossval(settings, dest, screen, allow_aside(set_aside_any_share))
    except KeyboardInterrupt:
        if is_begun(dest):
            tell(
                f"Stopped. What is done is kept in {escape(str(dest))}; give the same command again to continue.",
                on=errors,
            )
        else:
            errors.print("Stopped before the folder was made; nothing is left behind.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    _show(result)
    if not no_gate:
        show_gate(auto_gate(dest), full=False)
    tell(f"Everything is in [bold]{escape(str(dest))}[/]: start with leak.png and worst_good_parts.png.")
    propose(
        "Train a network to use, on all parts",
        ["train", "--data", str(data), *training_words(settings), "--split", "none"],
    )


def _default_outdir(settings: "TrainSettings") -> Path:
    """Return a folder that the same command finds again and another one does not."""
    told = json.dumps(settings.to_json(), sort_keys=True)
    number = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return Path("runs") / f"crossval_{Path(settings.data).name}_{settings.recipe}_{number}"


class _Screen(RoundBars):
    """Shows what a cross-validation starts from."""

    def machine_ready(self, machine: "Machine") -> None:
        """Print what it computes on."""
        console.print(f"Device   {escape(machine.device)}, {machine.cores} cores")

    def folds_ready(self, folds: "Folds", aside: Sequence["Photo"]) -> None:
        """Print photos and parts, and what was left out."""
        photos = folds.manifest.photos
        parts = {kind: len({one.part for one in photos if one.defective == kind}) for kind in (False, True)}
        console.print(
            f"Photos   {len(photos):,} of {counted(parts[False], 'good part')} and "
            f"{counted(parts[True], 'defective part')}, in {folds.count} folds"
        )
        if aside:
            console.print(f"         {counted(len(aside), 'photo')} with a doubtful label set aside")
            show_shares(photos, aside)
        show_parts(folds.manifest)

    def going_on(self, done: int, rounds: int) -> None:
        """Print what is there already."""
        console.print(f"Resuming: {done} of {counted(rounds, 'round')} are done.")


def _show(result: "CrossvalResult") -> None:
    table = Table(
        title="Parts that the network never saw, at the threshold of training", title_justify="left"
    )
    table.add_column("")
    for name in ("photos", "macro-F1", "AUC-ROC", "missed defects", "good not passed"):
        table.add_column(name, justify="right")
    for fold in result.scored:
        table.add_row(round_name(fold.name), *_cells(fold.metrics))
    table.add_section()
    table.add_row("all folds", *_cells(result.pooled), style="bold")
    if result.given is not None:
        table.add_row(round_name(result.given.name), *_cells(result.given.metrics))
    console.print(table)
    _tell_leak(result)
    for kind in (False, True):
        worst = result.of_kind(defective=kind)[0]
        tell(
            f"Worst {'defective' if kind else 'good'} part: {escape(worst.part)}, "
            f"{worst.wrong:,} of {counted(len(worst.rows), 'photo')} judged wrong."
        )


def _tell_leak(result: "CrossvalResult") -> None:
    if result.given is None:
        return
    given, unseen = result.given.metrics["macro_f1"], result.pooled["macro_f1"]
    folds = [value for fold in result.scored if (value := fold.metrics["macro_f1"]) is not None]
    if given is None or unseen is None or not folds:
        return
    tell(leak_sentence(given, unseen, folds))


def leak_sentence(given: float, unseen: float, folds: Sequence[float]) -> str:
    """Return what macro-F1 of the given split, of all folds together and of each fold tell of a leak."""
    cause = (
        "The difference is the leak, where parts are in both train and test, and chance."
        if given > unseen
        else "The given split is no better: no leak shows here."
    )
    return (
        f"The given split shows {decimal(given)}, parts never seen {decimal(unseen)} "
        f"(folds: {decimal(min(folds))} to {decimal(max(folds))}). {cause}"
    )


def _cells(metrics: "dict[str, float | int | None]") -> list[str]:
    return [
        f"{metrics['n']:,}",
        decimal(metrics["macro_f1"]),
        decimal(metrics["auc_roc"]),
        f"{metrics['fn']:,} of {metrics['n_defective']:,}",
        f"{metrics['fp']:,} of {metrics['n_good']:,}",
    ]
