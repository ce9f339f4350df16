"""Tables that the command line prints about data and results."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich.table import Table

from castproof.apps.cli.console import escape
from castproof.wording import decimal, percent, probability

if TYPE_CHECKING:
    from castproof.data.manifest import Manifest
    from castproof.measure.evaluation import ScoredSplit

ROWS: Final = (
    ("photos", "n"),
    ("defective", "n_defective"),
    ("caught defects (TP)", "tp"),
    ("good not passed (FP)", "fp"),
    ("good passed (TN)", "tn"),
    ("missed defects (FN)", "fn"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("specificity", "specificity"),
    ("FPR", "fpr"),
    ("FNR", "fnr"),
    ("NPV", "npv"),
    ("error rate", "error_rate"),
    ("accuracy", "accuracy"),
    ("balanced accuracy", "balanced_accuracy"),
    ("MCC", "mcc"),
    ("F1 defective", "f1_defective"),
    ("macro-F1", "macro_f1"),
    ("G-mean", "g_mean"),
    ("AUC-PR", "auc_pr"),
    ("AUC-ROC", "auc_roc"),
    ("Brier", "brier"),
    ("ECE", "ece"),
    ("MCE", "mce"),
    ("log loss", "log_loss"),
    ("expected cost per photo", "expected_cost"),
)
SHARES: Final = frozenset(
    {"precision", "recall", "specificity", "fpr", "fnr", "npv", "error_rate", "accuracy"}
)
EMPHASISED: Final = frozenset({"macro_f1", "fn", "fp"})


def data_table(manifest: "Manifest") -> Table:
    """Return photos per split and class."""
    table = Table(title="Photos", title_justify="left")
    table.add_column("split")
    for name in manifest.classes.names:
        kind = "defective" if manifest.classes.is_defective(name) else "good"
        table.add_column(f"{escape(name)}\n[dim]{kind}[/]", justify="right")
    table.add_column("all", justify="right")
    for split, counts in manifest.counts().items():
        cells = [str(counts[name]) for name in manifest.classes.names]
        table.add_row(split, *cells, str(sum(counts.values())))
    return table


def metrics_table(splits: Sequence["ScoredSplit"]) -> Table:
    """Return every metric, one column per split."""
    threshold = splits[0].threshold
    table = Table(title=f"Results at threshold {probability(threshold)}", title_justify="left")
    table.add_column("")
    for split in splits:
        table.add_column(escape(split.name), justify="right")
    for label, name in ROWS:
        style = "bold" if name in EMPHASISED else None
        table.add_row(label, *(_cell(split.metrics, name) for split in splits), style=style)
    return table


def _cell(metrics: Mapping[str, float | int | None], name: str) -> str:
    value = metrics[name]
    if value is not None and name in SHARES:
        return percent(value)
    return f"{value:,}" if isinstance(value, int) else decimal(value)
