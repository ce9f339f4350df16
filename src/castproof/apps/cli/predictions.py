"""How verdicts and their counts look on the screen."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.table import Table

from castproof.apps.cli.console import console, escape
from castproof.measure.decision import Verdict
from castproof.wording import counted, probability

if TYPE_CHECKING:
    from castproof.measure.decision import Thresholds
    from castproof.pipeline.predicting.prediction import Prediction
    from castproof.pipeline.predicting.summary import Summary

STYLES: Final = {"ACCEPT": "green", "REVIEW": "blue", "REJECT": "red", "NOT_INSPECTED": "yellow"}
_MOST_KINDS: Final = 5


def show_summary(summary: "Summary", table: Path | None, *, part_per_folder: bool) -> None:
    """Print how many verdicts there are of each kind, what is not ACCEPT, and by the folders' names which are wrong.

    Args:
        summary: see `Summary`.
        table: the file with all rows, None where none was written.
        part_per_folder: whether parts were judged.
    """
    thing = "part" if part_per_folder else "photo"
    if summary.count:
        _show(summary.verdicts, summary.listed, summary.first[0].thresholds)
    else:
        console.print(f"No {thing} is in this shard.")
    if summary.warned and summary.count > 1:
        _show_warnings(summary, thing)
    if summary.has_labels and summary.count > 1:
        _show_labels(summary, thing, table)
    _show_unknown_folders(summary, thing)
    if summary.kept:
        console.print(f"{counted(summary.kept, thing)} of these had been judged before.")
    new = summary.count - summary.kept
    if new > 1 and summary.per_second:
        console.print(
            f"Judged {counted(new, thing)} in {summary.seconds:.1f} s: {summary.per_second:.0f} a second."
        )
    if table is not None:
        console.print(f"One row per {thing}: [bold]{escape(str(table))}[/]", soft_wrap=True)


def show_predictions(predictions: Sequence["Prediction"]) -> None:
    """Print how many verdicts there are of each kind, and every photo."""
    _show(Counter(one.verdict for one in predictions), predictions, predictions[0].thresholds)


def _show(counts: "Counter[Verdict]", listed: Sequence["Prediction"], thresholds: "Thresholds") -> None:
    console.print(
        "[bold]" + ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(counts.items())) + "[/]"
    )
    console.print(f"[italic]{_rule(thresholds)}[/]")
    if not listed:
        return
    folder = _common_folder([one.path for one in listed])
    if folder:
        console.print(f"In {escape(str(folder))}:", soft_wrap=True)
    console.print(_listed(listed, folder))
    for one in listed:
        if one.reason:
            console.print(f"• {escape(one.reason)}", soft_wrap=True)
        if one.warnings:
            name = one.path.relative_to(folder) if folder else one.path
            console.print(f"• {escape(str(name))}: {escape('; '.join(one.warnings))}", soft_wrap=True)
    more = counts.total() - counts[Verdict.ACCEPT] - len(listed)
    if more > 0:
        console.print(f"and {more:,} more that are not ACCEPT")


def _listed(shown: Sequence["Prediction"], folder: Path | None) -> Table:
    """Return a table of predictions, named from `folder` where there is one."""
    table = Table()
    named = any(one.looks_like for one in shown)
    for column in ("photo", "verdict", "p_defective", *(["looks like"] if named else [])):
        table.add_column(column, overflow="fold")
    for one in shown:
        p = "" if one.p_defective is None else probability(one.p_defective)
        verdict = f"[{STYLES[one.verdict.value]}]{one.verdict.value}[/]"
        name = one.path.relative_to(folder) if folder else one.path
        table.add_row(escape(str(name)), verdict, p, *([escape(one.looks_like)] if named else []))
    return table


def _show_warnings(summary: "Summary", thing: str) -> None:
    are = "is" if summary.warned == 1 else "are"
    console.print(f"{counted(summary.warned, thing)} {are} unlike the photos of training:")
    for words, count in summary.warnings.most_common(_MOST_KINDS):
        console.print(f"• {count:,} {escape(words)}", soft_wrap=True)
    if len(summary.warnings) > _MOST_KINDS:
        console.print("• and other reasons")


def _show_labels(summary: "Summary", thing: str, table: Path | None) -> None:
    defective, good = summary.of_label("defective"), summary.of_label("good")
    console.print(f"By their folders {defective:,} of them are defective and {good:,} good:")
    rows = Table()
    rows.add_column("label")
    for verdict in Verdict:
        rows.add_column(verdict.value, justify="right")
    for label in ("defective", "good"):
        rows.add_row(label, *(f"{summary.of(label, verdict):,}" for verdict in Verdict))
    console.print(rows)
    console.print(
        "Photos that the network was trained on look better here than others will. What to expect of other parts: "
        "castproof card, or castproof report.",
        soft_wrap=True,
    )
    cases = (
        ("missed defect", "false accept", summary.missed_count, summary.missed),
        ("false alarm", "false reject", summary.false_alarm_count, summary.false_alarms),
    )
    for words, other, count, listed in cases:
        _show_cases(f"{counted(count, words)} ({other}{'' if count == 1 else 's'})", count, listed, table)


def _show_unknown_folders(summary: "Summary", thing: str) -> None:
    """Print which folders are no class of the model although others are, or their names are nearly one."""
    for folder, count in summary.unlabelled.most_common(_MOST_KINDS):
        meant = summary.meant(folder)
        if meant or summary.has_labels:
            console.print(
                f"[yellow]{counted(count, thing)} in a folder {escape(repr(folder))}, which is no class of the model, "
                f"{'is' if count == 1 else 'are'} not counted as good or defective."
                + (f" Is it {escape(repr(meant))}?[/]" if meant else "[/]"),
                soft_wrap=True,
            )


def _show_cases(title: str, count: int, listed: Sequence["Prediction"], table: Path | None) -> None:
    console.print(f"[bold]{title}[/]" + (":" if count else ""))
    for one in listed:
        p = "" if one.p_defective is None else probability(one.p_defective)
        console.print(f"• {escape(str(one.path))}  p_defective {p}", soft_wrap=True)
    if count > len(listed):
        where = "column correct of the table" if table is not None else "write a table to see all: --csv OUT"
        console.print(f"• and {count - len(listed):,} more ({where})", soft_wrap=True)


def _rule(thresholds: "Thresholds") -> str:
    review = f"REVIEW from {probability(thresholds.threshold)}, " if thresholds.reviews else ""
    return f"{review}REJECT when p_defective ≥ {probability(thresholds.reject_from)}"


def _common_folder(photos: Sequence[Path]) -> Path | None:
    """Return the folder that all `photos` lie below, None where there is none to name."""
    try:
        folder = Path(os.path.commonpath([photo.parent for photo in photos]))
    except ValueError:  # relative beside absolute, or two Windows drives
        return None
    return folder if folder.parts else None
