"""`castproof decide`: from judged photos to thresholds that one can defend."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from castproof.apps.cli import options
from castproof.apps.cli.console import console, errors, escape, propose, tell, training_libraries
from castproof.errors import CastproofError, PromiseError, SettingError
from castproof.measure.decision import Thresholds
from castproof.wording import counted, decimal, percent, probability, stated

if TYPE_CHECKING:
    from castproof.gate.results import PartRates, PartShare
    from castproof.measure.intervals import Interval, Rate
    from castproof.pipeline.decide import Decision

POLICY: Final = "Policy"
AFFORD: Final = "What you can afford"
COSTS: Final = "Costs of one part"
EVIDENCE: Final = "Evidence"
MOST_REJECTED: Final = 0.2


def decide_command(
    run: Annotated[
        Path, options.run("Run folder of castproof train, or folder of castproof crossval", crossval=True)
    ],
    policy: Annotated[
        str | None,
        typer.Option(
            help="How thresholds are chosen.",
            metavar="[auto|max-macro-f1|max-def-f1|min-cost|miss-rate|manual]",
            show_default="auto; miss-rate with --miss-rate, --review-load or --false-alarm-rate",
            rich_help_panel=POLICY,
        ),
    ] = None,
    miss_rate: Annotated[
        float | None,
        typer.Option(
            help="Largest share of defective parts that may pass, for miss-rate.",
            show_default="0.05",
            rich_help_panel=POLICY,
        ),
    ] = None,
    confidence: Annotated[
        float, typer.Option(help="How sure the promise is, between 0 and 1.", rich_help_panel=POLICY)
    ] = 0.95,
    per: Annotated[
        str,
        typer.Option(
            help="Promise a share of defective parts, or of photos.",
            metavar="[part|photo]",
            rich_help_panel=POLICY,
        ),
    ] = "part",
    threshold: Annotated[
        float | None, typer.Option(help="Where ACCEPT ends, for manual.", rich_help_panel=POLICY)
    ] = None,
    reject_from: Annotated[
        float | None,
        typer.Option(help="Where REJECT begins, for manual; REVIEW lies between.", rich_help_panel=POLICY),
    ] = None,
    combine: Annotated[
        str,
        typer.Option(
            help="How N photos of a part become one verdict: the worst decides, their mean, or K of them.",
            metavar="[single|any/N|mean/N|K/N]",
            rich_help_panel=POLICY,
        ),
    ] = "single",
    review_load: Annotated[
        float | None,
        typer.Option(
            help="Largest share of all parts that can be looked at by hand.", rich_help_panel=AFFORD
        ),
    ] = None,
    false_alarm_rate: Annotated[
        float | None,
        typer.Option(help="Largest share of good parts rejected without a look.", rich_help_panel=AFFORD),
    ] = None,
    defect_rate: Annotated[
        float | None,
        typer.Option(
            help="Share of defective parts on your line.",
            show_default="not known: no load, no cost per part",
            rich_help_panel=AFFORD,
        ),
    ] = None,
    cost_miss: Annotated[
        float | None,
        typer.Option(
            help="A defective part that passes.", show_default="10; 3 for auto", rich_help_panel=COSTS
        ),
    ] = None,
    cost_false_alarm: Annotated[
        float, typer.Option(help="A good part that is rejected.", rich_help_panel=COSTS)
    ] = 1.0,
    cost_review: Annotated[
        float, typer.Option(help="A part that is looked at by hand.", rich_help_panel=COSTS)
    ] = 0.5,
    calibration: Annotated[
        str,
        typer.Option(
            help="How p_defective is calibrated.",
            metavar="[auto|none|temperature|platt|isotonic]",
            rich_help_panel=EVIDENCE,
        ),
    ] = "auto",
    evidence: Annotated[
        Path | None,
        typer.Option(
            help="Choose on this cross-validation of the same recipe instead of the validation photos.",
            metavar="CROSSVAL",
            rich_help_panel=EVIDENCE,
        ),
    ] = None,
    seed: Annotated[int, options.seed(EVIDENCE)] = 1337,
    full: Annotated[
        bool,
        typer.Option("--full", help="Print evidence, calibration and every rate with its interval, too."),
    ] = False,
) -> None:
    """Choose calibration and thresholds: ACCEPT, REVIEW, REJECT, with a miss rate that the evidence proves.

    Without flags it asks nothing: the gate of the lowest cost to expect of new parts, and what it can promise.

    The gate is chosen on validation photos, or on those of a cross-validation, and measured on photos that it was not
    chosen on. It is kept in RUN/gate; predict and evaluate use it from then on.

    [bold]Examples[/]

    castproof decide runs/crossval_casting_fast_1a2b3c4d

    castproof decide runs/crossval_casting_fast_1a2b3c4d --miss-rate 0.05 --review-load 0.06 --defect-rate 0.02

    castproof decide runs/mobilenet_linear_20260101_120000 --policy min-cost --defect-rate 0.02

    castproof decide runs/mobilenet_linear_20260101_120000 --evidence runs/crossval_casting_fast_1a2b3c4d
    """
    with training_libraries():
        from castproof.gate.combine import Combine
        from castproof.gate.policy import AUTO_GATE, MISS_RATE, Costs, Policy, usual_costs
        from castproof.pipeline.decide import Asked, decide, write_decision
        from castproof.pipeline.gate_file import gate_path
        from castproof.pipeline.judged import CROSSVAL
    limits = (miss_rate, review_load, false_alarm_rate)
    usual = AUTO_GATE if all(one is None for one in limits) else MISS_RATE
    name = policy or usual
    miss = usual_costs(name).miss if cost_miss is None else cost_miss
    wanted = Policy(
        name=name,
        miss_rate=Policy.miss_rate if miss_rate is None else miss_rate,
        confidence=confidence,
        per=per,
        false_alarm_rate=false_alarm_rate,
        review_load=review_load,
        defect_rate=defect_rate,
        costs=Costs(miss, cost_false_alarm, cost_review),
        thresholds=_thresholds(threshold, reject_from),
        combine=Combine.parse(combine),
    )
    try:
        with console.status("deciding"):
            decision = decide(run, Asked(wanted, calibration, evidence, seed))
            folder = write_decision(decision)
    except PromiseError:
        if gate_path(run).is_file():
            errors.print("The gate that was decided before stays in use.")
        raise
    show_decision(decision, full=full)
    tell(f"Everything is in [bold]{escape(str(folder))}[/]: start with tradeoff.png and calibration.png.")
    propose("Write the report", ["report", str(run)])
    if decision.source.kind == CROSSVAL:
        propose("Decide the same for a network that you train", ["decide", "RUN", "--evidence", str(run)])


def _thresholds(threshold: float | None, reject_from: float | None) -> Thresholds | None:
    if threshold is None:
        if reject_from is not None:
            raise SettingError(
                "--reject-from needs --threshold.",
                rule="ACCEPT lies below --threshold, REJECT from --reject-from.",
                fix="Give both.",
            )
        return None
    return Thresholds(threshold, threshold if reject_from is None else reject_from)


def show_gate(gate: "Decision | CastproofError", *, full: bool) -> None:
    """Print a gate, or why the evidence carries none; `full` as in `show_decision`."""
    if isinstance(gate, CastproofError):
        tell(f"[yellow]No gate:[/] {escape(str(gate))}")
    else:
        show_decision(gate, full=full)


def show_decision(decision: "Decision", *, full: bool) -> None:
    """Print what the gate does to photos that it was not chosen on, its promise, its load per 1,000 parts, itself.

    Args:
        decision: the gate.
        full: also print its evidence, its calibration, every rate with its interval, and what other gates would do.
    """
    from castproof.gate.gate import threshold_lines
    from castproof.pipeline.gate_words import per_thousand, promise_sentences, summary_sentences

    for sentence in summary_sentences(decision):
        tell(f"[bold]{escape(sentence)}[/]")
    for sentence in (*promise_sentences(decision), *per_thousand(decision)):
        tell(escape(sentence))
    for line in threshold_lines(decision.gate):
        tell(f"[bold]{escape(line)}[/]")
    if full:
        _show_figures(decision)
    good = decision.results.by_part[0] if decision.results.by_part else decision.results.good
    rejected = good.rejected.share or 0.0
    if rejected > MOST_REJECTED:
        tell(
            f"[yellow]{percent(rejected)} of good parts would be rejected.[/] A higher --miss-rate, a larger "
            "--review-load, or a better network from more parts would spare them."
        )


def _show_figures(decision: "Decision") -> None:
    gate = decision.gate
    evidence = decision.source.evidence.evidence
    tell(
        f"Evidence   {counted(evidence.parts(defective=True), 'defective part')} and "
        f"{counted(evidence.parts(defective=False), 'good part')} that the network was not trained on, "
        f"{counted(len(evidence), 'photo')}"
    )
    if decision.source.known:
        tell(f"           {counted(decision.source.known, 'photo')} left out: their part is in train")
    tell(f"Calibrated {escape(str(gate.calibrator))} ({escape(gate.calibrated_for)})")
    console.print(_verdict_table(decision))
    console.print(_promise_table(decision))


def _verdict_table(decision: "Decision") -> Table:
    told = decision.results
    table = Table(title=f"What it does to other parts ({decision.told_on})", title_justify="left")
    table.add_column("")
    for name in ("share", "95% interval", "photos", "parts", "effective"):
        table.add_column(name, justify="right")
    rows = (
        ("missed defects", told.defective.accepted),
        ("defects REVIEW", told.defective.reviewed),
        ("defects REJECT", told.defective.rejected),
        ("good passed", told.good.accepted),
        ("good REVIEW", told.good.reviewed),
        ("false alarms", told.good.rejected),
    )
    if told.by_part is None:
        for name, rate in rows:
            table.add_row(name, *_rate_cells(rate))
    else:
        for name, share in _part_rows(*told.by_part):
            ends = f"{percent(share.low)} to {percent(share.high)}"
            table.add_row(name, percent(share.share), ends, "combined", f"{share.parts:,}", "")
    table.add_section()
    at_rate = ""
    if told.defect_rate is not None:
        most, load = decision.gate.policy.review_load, percent(told.review_load or 0.0)
        table.add_row("REVIEW load", load, "" if most is None else f"asked: {percent(most)}")
        table.add_row("cost per part", f"{told.cost:.4g}")
        at_rate = f"REVIEW load and cost at {percent(told.defect_rate)} defective parts. "
    if told.before is not None:
        table.add_row("ECE before", decimal(told.before.ece), _ends(told.before.ece_interval))
    name = "ECE" if told.before is None else "ECE after"
    table.add_row(name, decimal(told.after.ece), _ends(told.after.ece_interval))
    table.caption = (
        "What to expect of other parts; the promise is about the gate itself. Every part has the same weight; "
        "parts: with any such photo; effective: the number of independent photos that would say as much. "
        f"{at_rate}ECE: 15 bins of p_defective."
    )
    table.caption_justify = "left"
    return table


def _ends(interval: "Interval") -> str:
    return (
        ""
        if interval.low is None or interval.high is None
        else f"{decimal(interval.low)} to {decimal(interval.high)}"
    )


def _part_rows(good: "PartRates", defective: "PartRates") -> list[tuple[str, "PartShare"]]:
    return [
        ("missed defects", defective.accepted),
        ("defects REVIEW", defective.reviewed),
        ("defects REJECT", defective.rejected),
        ("good passed", good.accepted),
        ("good REVIEW", good.reviewed),
        ("false alarms", good.rejected),
    ]


def _rate_cells(rate: "Rate") -> list[str]:
    if rate.share is None:
        return ["n/a", "", f"0/{rate.photos:,}", "", ""]
    interval = "" if rate.low is None or rate.high is None else f"{percent(rate.low)} to {percent(rate.high)}"
    return [
        percent(rate.share),
        interval,
        f"{rate.hits:,}/{rate.photos:,}",
        f"{rate.parts_hit:,}/{rate.parts:,}",
        f"{rate.effective:,.0f}",
    ]


def _promise_table(decision: "Decision") -> Table:
    confidence = stated(decision.gate.policy.confidence)
    table = Table(title="What else the evidence supports", title_justify="left")
    with_load = decision.results.defect_rate is not None
    load_names = ["REVIEW*"] if with_load else []
    for name in ("", "threshold", "missed", f"proven, {confidence}", "good passed", *load_names):
        table.add_column(name, justify="right" if name else "left")
    for rate, row in decision.promises:
        table.add_row(
            "no defect passes" if rate is None else f"--miss-rate {rate:g}",
            probability(row.threshold),
            percent(row.missed),
            f"≤ {percent(row.bound)}",
            percent(row.good_passed),
            *([] if row.review_load is None else [percent(row.review_load)]),
        )
    table.caption = "On the evidence itself."
    if with_load:
        table.caption += " * load where no good part of it may be rejected: whatever else does not pass"
    table.caption_justify = "left"
    return table
