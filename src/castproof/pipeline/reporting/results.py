"""What a report says of the gate on photos that it was not chosen on, and of other thresholds."""

from typing import Final

from castproof.gate.results import PartShare, Results, VerdictRates
from castproof.gate.tradeoff import TradeoffRow
from castproof.measure.intervals import Rate
from castproof.pipeline.decide import OUT_OF_FOLD, Decision
from castproof.pipeline.reporting.reported import Reported
from castproof.report.gate_page import Section
from castproof.report.page import Table
from castproof.wording import counted, percent, probability, stated

RATE_HEADER: Final = ("", "share, equal weight per part", "interval", "photos", "parts with any", "worth*")


def results_section(told: Reported) -> Section:
    """Return what the gate does with photos that it was not chosen on."""
    decision, results = told.decision, told.decision.results
    rates = (results.defective, results.good)
    methods = sorted({one.method for told_of in rates for one in vars(told_of).values()})
    confidence = results.defective.accepted.confidence
    tables = [
        Table(
            "Verdicts" if results.by_part is None else "Verdicts on single photos",
            RATE_HEADER,
            [*_rate_rows("defective", results.defective), *_rate_rows("good", results.good)],
            "* the number of independent photos that would say as much. Intervals: "
            f"{stated(confidence)}, clustered by part: {'; '.join(methods)}.",
        ),
    ]
    if results.defect_rate is not None:
        tables.append(_line_table(results, results.defect_rate))
    if results.by_part is not None:
        tables.insert(1, _part_table(results))
    promise = decision.gate.promise
    differs = (
        [
            f"In the promise below {percent(promise.passed)} of defective parts pass: there all photos meet "
            "the final gate, here each meets one that was chosen without its part, which is what to "
            "expect of other parts."
        ]
        if promise is not None and told.decided and decision.told_on == OUT_OF_FOLD
        else []
    )
    return Section(
        f"These are verdicts on {_told_on(decision)}. A share gives every part the same weight, however often it was "
        "photographed; its interval shows how far chance with so few parts can have moved it.",
        tables=tables,
        notes=differs,
    )


def _line_table(results: Results, defect_rate: float) -> Table:
    return Table(
        "For the line",
        ("", ""),
        [
            ("looked at by hand, of all parts", percent(results.review_load or 0.0)),
            ("expected cost per part", f"{results.cost:.4g}"),
        ],
        f"At {percent(defect_rate)} defective parts.",
    )


def _told_on(decision: Decision) -> str:
    if decision.told_on == OUT_OF_FOLD:
        return "photos that met a gate which was chosen without their part (out of fold)"
    return "the test photos, on which neither the network nor the gate was chosen"


def _rate_rows(kind: str, rates: VerdictRates) -> list[tuple[str, ...]]:
    wrong = {"defective": "ACCEPT", "good": "REJECT"}[kind]
    names = {"defective": "missed: ", "good": "false alarm: "}
    found = []
    for name, rate in (("ACCEPT", rates.accepted), ("REVIEW", rates.reviewed), ("REJECT", rates.rejected)):
        prefix = names[kind] if name == wrong else ""
        found.append((f"{prefix}{kind}, {name}", share_words(rate), interval(rate), *_count_cells(rate)))
    return found


def _part_table(results: Results) -> Table:
    good, defective = results.by_part or ((), ())
    rows = [
        (kind, *(part_share_words(getattr(shares, name)) for name in ("accepted", "reviewed", "rejected")))
        for kind, shares in (("defective parts", defective), ("good parts", good))
    ]
    return Table("Verdicts on parts, several photos combined", ("", "ACCEPT", "REVIEW", "REJECT"), rows)


def part_share_words(share: PartShare) -> str:
    """Return a share of parts with its interval and their number."""
    return f"{percent(share.share)} ({percent(share.low)} to {percent(share.high)}; {counted(share.parts, 'part')})"


def others_section(told: Reported) -> Section:
    """Return what other thresholds would do."""
    decision, confidence = told.decision, told.decision.gate.policy.confidence
    with_load = decision.results.defect_rate is not None
    header = (
        "",
        "threshold",
        "missed there",
        f"proven, {stated(confidence)}",
        "good parts pass",
        *(["looked at by hand*"] if with_load else []),
    )
    rows = [
        (
            "no defect of these photos passes" if rate is None else f"at most {stated(rate)} pass",
            *_tradeoff_cells(row),
        )
        for rate, row in decision.promises
    ]
    return Section(
        "A lower miss rate is paid for with good parts that do not pass. The picture shows every threshold; "
        "the table those that keep a usual promise.",
        tables=[
            Table(
                "What these photos support",
                header,
                rows,
                "* share of all parts, where no good part may be rejected: all that do not pass are looked at."
                if with_load
                else "",
            )
        ],
    )


def _tradeoff_cells(row: TradeoffRow) -> tuple[str, ...]:
    return (
        probability(row.threshold),
        percent(row.missed),
        f"≤\N{NO-BREAK SPACE}{percent(row.bound)}",
        percent(row.good_passed),
        *([] if row.review_load is None else [percent(row.review_load)]),
    )


def interval(rate: Rate) -> str:
    """Return the interval of a rate in words, "" where it has none."""
    if rate.low is None or rate.high is None:
        return ""
    return f"{percent(rate.low)} to {percent(rate.high)}"


def share_words(rate: Rate) -> str:
    """Return the share of a rate in words."""
    return "—" if rate.share is None else percent(rate.share)


def _count_cells(rate: Rate) -> tuple[str, ...]:
    return (
        f"{rate.hits:,} of {rate.photos:,}",
        f"{rate.parts_hit:,} of {rate.parts:,}",
        f"{rate.effective:,.0f}",
    )
