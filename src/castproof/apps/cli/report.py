"""`castproof report`: one page about a gate, for the customer."""

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
from castproof.apps.cli.training_options import training_words
from castproof.settings import TrainSettings
from castproof.wording import command

if TYPE_CHECKING:
    from castproof.pipeline.decide import Asked, Decision
    from castproof.report.gate_page import Labels


def report_command(
    run: Annotated[
        Path, options.run("Run folder of castproof train, or folder of castproof crossval", crossval=True)
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The HTML file.", show_default="RUN/gate/report.html"),
    ] = None,
    title: Annotated[
        str, typer.Option(help="Heading of the report.", show_default="Inspection gate RUN")
    ] = "",
    product: Annotated[str, typer.Option(help="Product, for the head of the report.")] = "",
    line: Annotated[str, typer.Option(help="Line or station, for the head.")] = "",
    author: Annotated[str, typer.Option(help="Who made the report, for the head.")] = "",
    sign: Annotated[
        list[str] | None,
        typer.Option(help="Who signs the report, for a line at its end; repeat for several.", metavar="NAME"),
    ] = None,
    no_bars: Annotated[bool, options.no_bars()] = False,
) -> None:
    """Write one HTML file about a gate: what it promises, on which photos that rests, and where it is wrong.

    It is made of what castproof decide chose; without that, of the run with its own threshold. It needs no network
    and no other file.

    [bold]Examples[/]

    castproof report runs/mobilenet_linear_20260101_120000

    castproof report runs/crossval_casting_fast_1a2b3c4d --out reports/gate.html

    castproof report runs/mobilenet_linear_20260101_120000 --product "Pump housing 4711" --sign "A. Nowak, quality"
    """
    with training_libraries():
        from castproof.pipeline.reporting.content import verdict
        from castproof.pipeline.reporting.report import report_path, write_report
        from castproof.pipeline.reporting.reported import reported
        from castproof.report.gate_page import Labels
    target = out or report_path(run)
    facts = [
        (name, text) for name, text in (("Product", product), ("Line", line), ("Author", author)) if text
    ]
    labels = Labels(title, facts, sign or ())
    try:
        with console.status("reading what was decided"):
            told = reported(run)
        write_report(told, target, commands(told.decision, run, labels), Bars(wanted=not no_bars), labels)
    except KeyboardInterrupt:
        errors.print("Stopped; no report was written.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    tell(escape(verdict(told)[0]))
    if not told.decided:
        propose("No gate was decided yet. Choose one", ["decide", str(run)])
    size = target.stat().st_size / 1e6
    tell(f"The report is [bold]{escape(str(target))}[/] ({size:.1f} MB).")


def commands(decision: "Decision", run: Path, labels: "Labels") -> list[str]:
    """Return what to type for the same network, gate and report, a line each."""
    texts = [("title", labels.title), *labels.facts, *(("sign", name) for name in labels.signers)]
    own = [word for name, text in texts if text for word in ("--" + name.lower(), text)]
    return [
        command(_learning_words(decision)),
        command(decide_words(run, decision.asked)),
        command(["report", str(run), *own]),
    ]


def _learning_words(decision: "Decision") -> list[str]:
    from castproof.pipeline.judged import CROSSVAL

    settings = decision.source.settings
    if decision.source.kind == CROSSVAL:
        return ["crossval", settings.data, *training_words(settings)]
    plain = TrainSettings(data="")
    split = [
        word
        for name in ("split", "val_share", "test_share")
        if getattr(settings, name) != getattr(plain, name)
        for word in ("--" + name.replace("_", "-"), str(getattr(settings, name)))
    ]
    return ["train", "--data", settings.data, *training_words(settings), *split]


def decide_words(run: Path, asked: "Asked") -> list[str]:
    """Return the words after castproof of the command that decides as it was asked."""
    from castproof.gate.policy import Policy, usual_costs

    policy, plain = asked.policy, Policy()
    costs = usual_costs(policy.name)
    told: dict[str, object] = {
        "policy": policy.name,
        "miss_rate": policy.miss_rate,
        "confidence": policy.confidence,
        "per": policy.per,
        "false_alarm_rate": policy.false_alarm_rate,
        "review_load": policy.review_load,
        "defect_rate": policy.defect_rate,
        "cost_miss": policy.costs.miss,
        "cost_false_alarm": policy.costs.false_alarm,
        "cost_review": policy.costs.review,
        "combine": policy.combine.rule,
        "calibration": asked.calibration,
        "seed": asked.seed,
        "evidence": asked.evidence,
    }
    usual: dict[str, object] = {
        "per": plain.per,
        "confidence": plain.confidence,
        "cost_miss": costs.miss,
        "cost_false_alarm": costs.false_alarm,
        "cost_review": costs.review,
        "combine": plain.combine.rule,
        "calibration": "auto",
        "seed": 1337,
    }
    if policy.name != plain.name:
        usual["miss_rate"] = policy.miss_rate
    if policy.thresholds is not None:
        told |= {"threshold": policy.thresholds.threshold, "reject_from": policy.thresholds.reject_from}
    given = {name: value for name, value in told.items() if value is not None and value != usual.get(name)}
    words = [("--" + name.replace("_", "-"), str(value)) for name, value in given.items()]
    return ["decide", str(run), *(word for pair in words for word in pair)]
