"""`castproof compare`: which of two runs, or of two cross-validations, judges better."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from castproof.apps.cli import options
from castproof.apps.cli.console import console, escape, tell, training_libraries
from castproof.wording import counted, decimal, percent, stated

if TYPE_CHECKING:
    from castproof.measure.comparison import Difference
    from castproof.pipeline.compare import Comparison

CAPTION: Final = (
    "Every part has the same weight, but for macro-F1; a photo that is not ACCEPT is called defective. "
    "Points: percentage points."
)
SHARES: Final = frozenset({"missed_defects", "good_not_passed", "wrong_verdicts"})
NAMES: Final = {
    "missed_defects": "missed defects",
    "good_not_passed": "good not passed",
    "wrong_verdicts": "wrong verdicts",
    "expected_cost": "cost per photo",
    "macro_f1": "macro-F1 of all photos",
    "brier": "Brier, equal weight per part",
    "log_loss": "log loss, equal weight per part",
}
STYLES: Final = {"better": "green", "worse": "red", "inconclusive": "yellow"}


def compare_command(
    a: Annotated[Path, options.run("Folder of castproof train or castproof crossval", "A", crossval=True)],
    b: Annotated[Path, options.run("The other one", "B", crossval=True)],
    cost_fn: Annotated[float, typer.Option(help="Cost of one missed defect.")] = 10.0,
    cost_fp: Annotated[float, typer.Option(help="Cost of a good photo that does not pass.")] = 1.0,
    confidence: Annotated[float, typer.Option(help="Of the intervals, between 0 and 1.")] = 0.95,
    json: Annotated[
        Path | None, typer.Option(help="Write everything to this file, too.", metavar="OUT")
    ] = None,
) -> None:
    """Say whether B judges better or worse than A, or whether these parts leave it open.

    Compared are the photos that both judged without having been trained on their parts: all of a cross-validation, the
    test photos of a run. Parts are paired and have the same weight; a photo that is not ACCEPT is called defective.

    [bold]Example[/]

    castproof compare runs/crossval_casting_fast_1a2b3c4d runs/crossval_casting_reference_5e6f7a8b
    """
    with training_libraries():
        from castproof.pipeline.compare import compare_folders, write_comparison
    with console.status("comparing"):
        comparison = compare_folders(a, b, cost_fn=cost_fn, cost_fp=cost_fp, confidence=confidence)
    _show(comparison, confidence)
    if json is not None:
        write_comparison(comparison, json)
        console.print(f"Everything: [bold]{escape(str(json))}[/]", soft_wrap=True)


def _show(comparison: "Comparison", confidence: float) -> None:
    good, defective = comparison.parts
    tell(f"A  {escape(comparison.names[0])}")
    tell(f"B  {escape(comparison.names[1])}")
    tell(
        f"Compared on {counted(comparison.photos, 'photo')} of {counted(good, 'good part')} and "
        f"{counted(defective, 'defective part')}"
    )
    for name, only in zip("AB", comparison.only, strict=True):
        if only:
            tell(f"Left out: {counted(only, 'photo')} that {name} alone judged")
    console.print(_table(comparison, confidence))
    for sentence in comparison.sentences:
        tell(f"• {escape(sentence)}")


def _table(comparison: "Comparison", confidence: float) -> Table:
    table = Table(caption=CAPTION, caption_justify="left")
    for name in ("", "A", "B", "B − A", f"{stated(confidence)} interval", "B is"):
        table.add_column(name, justify="left" if name in ("", "B is") else "right")
    for one in comparison.differences:
        table.add_row(*_cells(one))
    return table


def _cells(one: "Difference") -> tuple[str, ...]:
    is_share = one.name in SHARES
    shown = percent if is_share else decimal
    low, by, high = (
        f"{100 * value:+.1f}" if is_share else f"{value:+.4f}"
        for value in (one.low, one.difference, one.high)
    )
    return (
        NAMES[one.name],
        shown(one.a),
        shown(one.b),
        f"{by} points" if is_share else by,
        f"{low} to {high}",
        f"[{STYLES[one.conclusion]}]{one.conclusion}[/]",
    )
