"""What a report says of the promise, of calibration, and of what neither proves."""

from typing import Final

from castproof.gate.calibrator import NONE
from castproof.gate.choice import ceiled, sample_of, sides
from castproof.gate.gate import Bound
from castproof.gate.policy import AUTO_GATE, MANUAL, MISS_RATE, PER_PHOTO
from castproof.gate.results import Calibration
from castproof.gate.risk import EXACT, SHARES, WEIGHTED, size_needed
from castproof.pipeline.decide import OUT_OF_FOLD
from castproof.pipeline.gate_words import (
    CHOSE_THE_NETWORK,
    IF_NOT_READ_OFF,
    bound_sentence,
)
from castproof.pipeline.reporting.content import FEW_PARTS, none_of
from castproof.pipeline.reporting.reported import Reported
from castproof.report.gate_page import Section
from castproof.report.page import Table
from castproof.wording import counted, decimal, percent, stated

USUAL: Final = (0.2, 0.1, 0.05, 0.02, 0.01)
METHODS: Final = {
    EXACT: "Each defective part counts once: it either passes or does not. The exact binomial method of Clopper and "
    "Pearson gives a bound that holds for any number of parts.",
    SHARES: "Each defective part counts once, with the share of its photos that pass. From these shares the method of "
    "betting (Waudby-Smith and Ramdas) gives a bound that holds for any number of parts.",
    WEIGHTED: "Each defective part counts by its photos. Hoeffding's method for weighted shares gives a bound that "
    "holds for any number of parts, if whether a part passes has nothing to do with how many photos it has.",
}
DRAWN_ALIKE: Final = (
    "It takes for granted that the parts of the line are drawn like these, one independent of the other."
)
SISTERS: Final = (
    "The networks that judged these photos are sisters: trained the same way, each without the parts that it judged. "
    "The promise is about networks trained in this way, and the one that goes to the line is another of them. It is "
    "computed as if the parts were judged independently, though the sisters share most of what they learnt from: "
    "simulations found such bounds kept, a proof there is none."
)
EVERY_LEVEL: Final = (
    "The thresholds were chosen for cost on the same photos. The promise is the smallest of ten usual miss rates whose "
    "test they pass; each test takes a tenth of the risk, so that the choice does not weaken it."
)
LEARN_THEN_TEST: Final = (
    "The threshold was raised from the strictest one upward for as long as every step kept its bound (learn "
    "then test, fixed sequence), so that choosing it on the same photos does not weaken the promise."
)


def promise_section(told: Reported) -> Section:
    """Return what is promised and what it rests on."""
    decision, policy, bound = told.decision, told.decision.gate.policy, told.bound
    lead = (
        "A promise is a bound that would be broken in at most the stated share of cases, if all of this were "
        "done again with other parts of the same kind."
    )
    facts = [] if bound is None else _bound_facts(bound)
    if decision.proof is not None and bound is not decision.proof:
        facts.append(("The test photos alone", f"prove: {bound_sentence(decision.proof, policy)}"))
    return Section(lead, facts, [_needed_table(told)], _conditions(told))


def _conditions(told: Reported) -> list[str]:
    """Return how the promise was found, and on what conditions it holds."""
    decision, policy = told.decision, told.decision.gate.policy
    known = sides(decision.source.evidence.evidence, policy)
    said = [METHODS[sample_of(known, policy).kind], DRAWN_ALIKE]
    if policy.name == AUTO_GATE:
        said.append(EVERY_LEVEL)
    if policy.name == MISS_RATE:
        said.append(LEARN_THEN_TEST)
    if policy.name == MANUAL:
        said.append(IF_NOT_READ_OFF)
    if told.sisters:
        said.append(SISTERS)
    if decision.source.evidence_chose_the_network:
        said.append(CHOSE_THE_NETWORK)
    return said


def _bound_facts(bound: Bound) -> list[tuple[str, str]]:
    unit = "photo" if bound.per == PER_PHOTO else "part"
    facts = [
        ("Independent evidence", counted(bound.parts, "defective part")),
        ("Their photos", f"{bound.photos:,}, which count for no more than their parts"),
        ("Passed", f"{percent(bound.passed)}, every {unit} weighted equally"),
        ("At most", f"{ceiled(bound.at_most)}, with {stated(bound.confidence)} confidence, one-sided"),
    ]
    if bound.per == PER_PHOTO:
        facts.append(("They count as", f"{bound.size:.1f} equal parts, since some have more photos"))
    return facts


def _needed_table(told: Reported) -> Table:
    policy = told.decision.gate.policy
    parts = int(sample_of(sides(told.decision.source.evidence.evidence, policy), policy).size)
    rows = []
    for rate in USUAL:
        needed = size_needed(0.0, rate, policy.confidence, EXACT) or 0
        rows.append(
            (f"{stated(rate)}", f"{needed:,}", "yes" if needed <= parts else f"{needed - parts:,} more")
        )
    return Table(
        "How many defective parts a promise takes, if none of them passes",
        ("miss rate", "defective parts", f"enough with these {parts:,}?"),
        rows,
        f"With {stated(policy.confidence)} confidence. Where some pass, it takes more. Photos do not replace parts.",
    )


def calibration_section(told: Reported) -> Section:
    """Return how far p_defective can be taken at its word."""
    gate, results = told.decision.gate, told.decision.results
    before = results.before
    names = ("p_defective",) if before is None else ("before", "after")
    columns = [_calibration_figures(one) for one in (before, results.after) if one is not None]
    labels = (
        "ECE, 15 bins of equal width",
        "MCE, the same bins",
        "Brier score",
        "= reliability",
        "− resolution",
        "+ uncertainty of the labels",
        "+ within bins",
        "log loss",
    )
    rows = [(label, *cells) for label, cells in zip(labels, zip(*columns, strict=True), strict=True)]
    why = f" ({gate.calibrated_for})" if gate.calibrated_for else ""
    return Section(
        "Of the photos with a p_defective near 0.9, nine of ten should be defective. Dots on the dotted line "
        "say that it is so; bars are 95% intervals clustered by part, numbers are photos.",
        [("Calibration", f"{gate.calibrator}{why}")],
        [
            Table(
                "How far p_defective is off" if before is None else "Before and after calibration",
                ("", *names),
                rows,
                "Lower is better, except for resolution.",
            )
        ],
        _calibration_notes(told),
    )


def _calibration_notes(told: Reported) -> list[str]:
    found = [
        "Verdicts do not depend on calibration: it never changes the order of photos, and the thresholds "
        "move with it."
    ]
    calibrated = told.decision.gate.calibrator.method != NONE or told.decision.outcome.is_calibrated
    if told.decision.told_on == OUT_OF_FOLD and calibrated:
        kinds = sorted({one.calibrator.method for one in told.decision.outcome.gates.values()})
        found.append(
            "Out of fold, each photo has the calibration that was chosen without its part "
            f"({', '.join(kinds)}); that is what these figures are of."
        )
    return found


def _calibration_figures(told: Calibration) -> list[str]:
    parts = told.parts
    figures = (
        told.ece,
        told.mce,
        told.brier,
        parts.reliability,
        parts.resolution,
        parts.uncertainty,
        parts.within_bins,
        told.log_loss,
    )
    return [decimal(value) for value in figures]


def limits(told: Reported, doubts: list[str]) -> list[str]:
    """Return what the report does not prove.

    Args:
        told: the decision.
        doubts: what the photos themselves leave in doubt.
    """
    decision, evidence = told.decision, told.decision.source.evidence.evidence
    good = evidence.parts(defective=False)
    found = [
        "Other parts: it holds for parts that are drawn like those of these photos. Another casting, another "
        "mould or another kind of defect is not covered.",
        "Other light: it holds for the camera, light and position of these photos. Check again after any "
        "change, with castproof validate and a small new set.",
        "Confidence is about the method: of many promises made in this way, at most "
        f"{stated(1 - decision.gate.policy.confidence)} are broken. It does not say how large a break would be.",
        "Shares per part say nothing about one single part: a part with a faint defect may pass on every photo.",
    ]
    if good < FEW_PARTS:
        found.append(
            f"Few good parts: false alarms are measured on {counted(good, 'good part')}. One more or less "
            f"changes the share by {percent(1 / good)}; no rate below {ceiled(none_of(good))} can be proven."
        )
    if decision.gate.policy.defect_rate is None:
        found.append(
            "No load of looks and no cost per part are stated: they depend on the share of defective parts on your "
            "line, which photos do not show. Give it with --defect-rate."
        )
    return [*found, *doubts]
