"""What a person sees while `castproof train` works."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.panel import Panel
from rich.table import Table

from castproof.apps.cli.console import RoundBars, console, escape, propose, tell
from castproof.apps.cli.decide import show_gate
from castproof.apps.cli.parts_told import show_parts
from castproof.apps.cli.tables import data_table, metrics_table
from castproof.errors import CastproofError
from castproof.settings import TrainSettings
from castproof.wording import counted, decimal, percent, probability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from castproof.data.manifest import Manifest
    from castproof.model.defect_types import TypesTrial
    from castproof.model.training import EpochRecord
    from castproof.pipeline.decide import Decision
    from castproof.pipeline.good_parts import GoodPartsRun
    from castproof.pipeline.machine import Machine
    from castproof.pipeline.recipe_choice import RecipeTrial
    from castproof.pipeline.train import Trained
    from castproof.pipeline.training_photos import TrainingPhotos
    from castproof.run_folder import RunFolder


class TrainingConsole(RoundBars):
    """Shows machine, data, epochs and results; remembers the run folder for the message after Ctrl-C."""

    line_by_line = frozenset({"epoch"})

    def __init__(self, *, wanted_bars: bool) -> None:
        super().__init__(wanted=wanted_bars)
        self.run: Path | None = None
        self._settings: TrainSettings

    def machine_ready(self, machine: "Machine") -> None:
        """Print the hardware panel."""
        versions = machine.versions
        lines = (
            f"device   [bold]{escape(machine.device)}[/], {machine.threads} compute threads",
            f"machine  {machine.cores} cores, {machine.memory_gb:g} GB, {escape(machine.system)}",
            f"software castproof {versions['castproof']}, Python {versions['python']}, torch {versions['torch']}",
        )
        console.print(Panel("\n".join(lines), title="Hardware", title_align="left", expand=False))

    def data_ready(self, photos: "TrainingPhotos") -> None:
        """Print photos per split and class, those that are held back, and those that were left out."""
        manifest = photos.manifest
        if photos.good_only:
            tell(
                "[bold]Good parts only:[/] no class folder contains defective parts. Photos will be judged by how far "
                "they lie from the good ones: ACCEPT or REVIEW, never REJECT, and no promise."
            )
        console.print(data_table(manifest))
        show_parts(manifest)
        if photos.aside:
            console.print(f"Set aside {counted(len(photos.aside), 'photo')} with a doubtful label.")
        self._show_leak(manifest)
        if manifest.unreadable:
            console.print(
                f"[yellow]Left out {counted(len(manifest.unreadable), 'photo')} that cannot be read[/] "
                "(listed in manifest.csv)."
            )

    def _show_leak(self, manifest: "Manifest") -> None:
        """Print a panel where test photos show parts that the network learns from."""
        from castproof.data.audit.parts import find_leak, photos_by_part
        from castproof.pipeline.audit_words import share

        leak = find_leak(photos_by_part(manifest.photos))
        if leak is None or not leak.shared:
            return
        test, val = leak.of("test"), leak.of("val")
        lines = (
            "[bold]Parts are in more than one split.[/] The results below show how well the network knows these",
            "parts again, not how it judges parts that it has never seen.",
            f"test photos whose part is in train: [bold]{share(test.photos_in_train, test.photos)}[/]",
            f"val photos whose part is in train:  [bold]{share(val.photos_in_train, val.photos)}[/]",
            "[green]→[/] Learn from all parts, and judge each by folds: repeat this command with --split none",
        )
        console.print(
            Panel("\n".join(lines), title="Leak", title_align="left", border_style="yellow", expand=False)
        )
        propose("See the pairs", ["audit", str(manifest.root)])

    def recipe_chosen(self, recipe: str, trials: "Sequence[RecipeTrial]") -> None:
        """Print how each recipe judged parts that it was not trained on."""
        table = Table(title="Recipes, out of fold", title_justify="left")
        for name in ("", "log loss", "better than the first by"):
            table.add_column(name, justify="right" if name else "left")
        for one in trials:
            ahead = "" if one.ahead is None else f"{one.ahead:.4f} ± {one.chance:.4f}"
            loss = "not tried" if one.loss is None else decimal(one.loss)
            table.add_row(one.recipe, loss, ahead, style="bold" if one.recipe == recipe else None)
        table.caption = (
            "Every part has the same weight, and so have both kinds; ± is two standard errors over parts."
        )
        table.caption_justify = "left"
        console.print(table)
        for one in trials:
            if one.why_not:
                tell(f"{escape(one.recipe)}: {escape(one.why_not)}")

    def run_ready(self, run: "RunFolder", settings: TrainSettings, weights: str) -> None:
        """Print where the run is kept and what it starts from."""
        self.run = run.path
        self._settings = settings
        learns = {"none": "frozen backbone", "all": "whole network learns"}.get(
            settings.unfreeze, f"last {settings.unfreeze} blocks learn"
        )
        console.print(f"Run      [bold]{escape(str(run.path))}[/]", soft_wrap=True)
        console.print(f"Recipe   {settings.recipe}")
        console.print(f"Network  {settings.model}, {escape(weights)}, {learns}, {settings.head} head\n")
        if settings.by_epochs:
            console.print("[dim]    epoch  loss: train, val   macro-F1: train, val   threshold        lr[/]")

    def going_on(self, done: int, rounds: int) -> None:
        """Print what is there already."""
        console.print(f"Resuming: {done} of {counted(rounds, 'fold')} are done.")

    def epoch_done(self, record: "EpochRecord") -> None:
        """Print one line per epoch."""
        best = "  [green]best so far[/]" if record.is_best and not self._settings.keeps_last else ""
        console.print(
            f"{record.epoch:>5}/{self._settings.epochs:<3} "
            f"{record.train_loss:>7.4f} {decimal(record.val_loss):>7}   "
            f"{decimal(record.train_macro_f1):>7} [bold]{decimal(record.val_macro_f1):>7}[/]   "
            f"{probability(record.threshold):>9}   {record.lr:>7.1e}{best}"
        )

    def show_good_parts(self, trained: "GoodPartsRun") -> None:
        """Print what a run on good parts alone can say, and what turns it into one with a proven gate."""
        from castproof.data.folds import LEAST_FOLDS
        from castproof.gate.gate import threshold_lines

        run = trained.run.path
        console.print()
        tell(escape(trained.gate.calibrated_for))
        for line in threshold_lines(trained.gate):
            console.print(line)
        tell(
            f"[bold]The first defects:[/] put their photos into a class folder next to the good ones and give this "
            f"command again. With {LEAST_FOLDS} defective parts or more it trains on both kinds and ends with a gate "
            "that rests on them; promises take more parts."
        )
        propose("Judge photos", ["predict", str(run), "PHOTOS"])
        propose("Make the model file for the station", ["export", str(run), "-o", "model.onnx"])

    def show_result(self, trained: "Trained", *, full: bool) -> None:
        """Print what the gate does to parts that the network was not trained on, and what to do next.

        Args:
            trained: the run.
            full: also print every metric of every split and every figure of the gate.
        """
        result, run = trained.result, trained.result.run.path
        console.print()
        if self._settings.by_epochs:
            kept = "Last" if self._settings.keeps_last else "Best"
            console.print(f"{kept} epoch: {result.learnt.epoch}")
        no_gate = trained.gate is None or isinstance(trained.gate, CastproofError)
        if full or no_gate:
            console.print(metrics_table(result.splits))
        if trained.gate is not None and not isinstance(trained.gate, CastproofError):
            _show_fitness(trained.gate)
        tell(_learnt_from(result.manifest))
        if trained.gate is not None:
            show_gate(trained.gate, full=full)
        if no_gate:
            tell(
                f"Photos are judged at the threshold {probability(result.learnt.threshold)}, which nothing proves."
            )
        if result.learnt.types is not None:
            tell(_types_named(result.learnt.types))
        start = "confusion_matrices.png" if no_gate else "gate/tradeoff.png and gate/calibration.png"
        tell(f"Everything is in [bold]{escape(str(run))}[/]: start with {start}.")
        propose("Write the report", ["report", str(run)])
        propose("Make the model file for the station", ["export", str(run), "-o", "model.onnx"])


def _show_fitness(decision: "Decision") -> None:
    """Print first of all where the evidence does not carry a gate, and what helps, the most helpful first."""
    from castproof.pipeline.fitness import REMEDIES, unfit

    reasons = unfit(decision)
    if reasons:
        tell(
            f"[yellow]This gate is not fit for a line yet:[/] {escape(' '.join(reasons))} What helps most comes first:"
        )
        for number, remedy in enumerate(REMEDIES, start=1):
            tell(f"  {number}. {escape(remedy)}")


def _learnt_from(manifest: "Manifest") -> str:
    learnt, rest = manifest.of_split("train"), len(manifest.photos) - len(manifest.of_split("train"))
    parts = {kind: len({one.part for one in learnt if one.defective == kind}) for kind in (False, True)}
    told = (
        f"The network was trained on {counted(len(learnt), 'photo')} of {counted(parts[False], 'good part')} and "
        f"{counted(parts[True], 'defective part')}"
    )
    return (
        f"{told}; {counted(rest, 'photo')} of val and test were held back." if rest else f"{told}: from all."
    )


def _types_named(trial: "TypesTrial") -> str:
    left_out = ", ".join(trial.left_out)
    return (
        f"Types, by parts that it never saw: {percent(trial.right / trial.photos)} of "
        f"{counted(trial.photos, 'defective photo')} named right (always the commonest: "
        f"{percent(trial.commonest / trial.photos)}); "
        + ("not proven." if trial.is_useful else "no better than chance, so no type is named.")
        + (f" Left out, with fewer than 3 parts: {escape(left_out)}." if left_out else "")
    )
