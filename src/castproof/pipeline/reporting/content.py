"""What a report says at its top: the sentence that one signs, the cards, what was asked, what the gate does."""

from typing import Final

from castproof.gate.choice import ceiled
from castproof.gate.gate import Bound, threshold_lines
from castproof.gate.policy import (
    AUTO_GATE,
    MANUAL,
    MAX_DEF_F1,
    MAX_MACRO_F1,
    MIN_COST,
    MISS_RATE,
    PER_PART,
    Policy,
)
from castproof.gate.results import Results
from castproof.gate.risk import EXACT, Sample, size_needed, upper_bound
from castproof.measure.intervals import Rate
from castproof.pipeline.decide import OUT_OF_FOLD, Decision
from castproof.pipeline.gate_words import CHOSE_THE_NETWORK, IF_NOT_READ_OFF, limit_words
from castproof.pipeline.reporting.reported import Reported
from castproof.pipeline.reporting.results import interval, share_words
from castproof.report.gate_page import Section
from castproof.report.page import Card
from castproof.wording import counted, decimal, percent, stated

FEW_PARTS: Final = 30  # with fewer, not even a rate of 10% can be proven with 95% confidence
WEAK: Final = 0.25  # a bound above this is none that anybody signs, unless it was asked for
USUAL: Final = 0.05
NOTICEABLE, ALARMING = 0.1, 0.5  # shares of missed defects, or of false alarms
OFF: Final = 0.05  # calibration error, from which p_defective is not to be taken at its word
FINE, WARN, ALARM = "fine", "warn", "alarm"


def verdict(told: Reported) -> tuple[str, str]:
    """Return the sentence that one signs, or why there is none, and its state."""
    decision, policy, bound = told.decision, told.decision.gate.policy, told.bound
    if bound is None:
        return (
            "No miss rate is promised: these thresholds were chosen for another aim, on the same photos, and "
            "there are no others that could prove anything about them.",
            WARN,
        )
    limit = f"at most {limit_words(bound, policy)} pass this gate, with {stated(bound.confidence)} confidence"
    if policy.name in (AUTO_GATE, MISS_RATE) and bound is decision.gate.promise:
        sentence = f"{limit[0].upper()}{limit[1:]}: proven on {_rests_on(told, bound)}."
        if contradicted(told):
            where = "The test photos" if decision.proof else "Out of fold, these photos"
            return f"{where} contradict the promise. {sentence}", ALARM
        return sentence, WARN if decision.source.evidence_chose_the_network else FINE
    if bound.at_most > WEAK:
        return (
            f"The data cannot support a promise: {_rests_on(told, bound)}, prove no more than that {limit}.",
            ALARM,
        )
    unread = f" {IF_NOT_READ_OFF}" if policy.name == MANUAL and bound is decision.gate.promise else ""
    return f"No target miss rate was set. Proven is that {limit}: on {_rests_on(told, bound)}.{unread}", WARN


def _rests_on(told: Reported, bound: Bound) -> str:
    where = "test photos of " if bound is told.decision.proof else ""
    seen = f"of whose photos {percent(bound.passed) if bound.passed else 'none'} passed"
    return f"{where}{counted(bound.parts, 'defective part')} that the network was not trained on, {seen}"


def contradicted(told: Reported) -> bool:
    """Return whether photos that the gate was not chosen on contradict its promise by more than chance."""
    promise, results = told.decision.gate.promise, told.decision.results
    if promise is None or promise.per != PER_PART or not told.promise_holds:
        return False
    low = (results.by_part[1] if results.by_part else results.defective).accepted.low
    return (low or 0.0) > promise.at_most


def notes(told: Reported) -> list[str]:
    """Return what belongs to the sentence that one signs."""
    decision, found = told.decision, []
    if not told.decided:
        found.append(
            "No gate was decided: this report shows the run with its own threshold. Choose one with "
            "castproof decide, and make the report again."
        )
    if told.tuned:
        found.append(
            "The threshold was tuned on the validation photos, which therefore prove nothing about it."
        )
    if decision.source.evidence_chose_the_network and told.promise_holds:
        found.append(CHOSE_THE_NETWORK)
    if told.sisters:
        found.append(
            "The photos that the gate was chosen on were judged by sister networks, none of which was trained "
            "on the parts that it judged. The promise is about networks trained the same way, "
            "on photos of parts like these."
        )
    usual = size_needed(0.0, USUAL, decision.gate.policy.confidence, EXACT) or 0
    parts = decision.source.evidence.evidence.parts(defective=True)
    if parts < usual:
        found.append(
            f"A promise of {stated(USUAL)} takes {usual:,} defective parts, even if none passes; here are {parts:,}."
        )
    promise, missed = decision.gate.promise, _missed_share(decision.results)
    over = promise if promise is not None and promise.per == PER_PART and missed > promise.at_most else None
    if over is not None and told.promise_holds and not contradicted(told):
        found.append(
            f"On photos that the gate was not chosen on, {percent(missed)} of defective parts "
            f"passed: more than {ceiled(over.at_most)}, but with so few parts this can be chance."
        )
    return found


def cards(told: Reported) -> list[Card]:
    """Return the figures at the top, each with the photos that it is of; their colour is that of the interval's worse
    end.
    """
    decision, results, bound = told.decision, told.decision.results, told.bound
    on = told_on_words(decision)
    evidence = decision.source.evidence.evidence
    proven = (
        Card(
            "Proven to pass, at most",
            limit_words(bound, decision.gate.policy).partition(" ")[0],
            f"of defective {'parts' if bound.per == PER_PART else 'photos'}, {stated(bound.confidence)} confidence",
            ALARM if contradicted(told) else _proven_state(bound, decision.gate.policy),
        )
        if bound
        else Card("Proven to pass, at most", "—", "nothing is proven", WARN)
    )
    found = [
        proven,
        *_error_cards(results, on),
        *_line_cards(told),
        _calibration_card(results, on),
    ]
    for name, defective in (("Defective parts of evidence", True), ("Good parts of evidence", False)):
        parts, photos = evidence.parts(defective=defective), evidence.photos(defective=defective)
        few = f", few: no rate below {ceiled(none_of(parts))} can be proven" if parts < FEW_PARTS else ""
        text = f"{counted(photos, 'photo')} that the gate was chosen on{few}"
        found.append(Card(name, f"{parts:,}", text, WARN if few else FINE))
    return found


def _line_cards(told: Reported) -> list[Card]:
    """Return load, beside what was asked for, and cost: there are none without the defect rate of the line."""
    results, most = told.decision.results, told.decision.gate.policy.review_load
    if results.defect_rate is None:
        return []
    load, at_rate = results.review_load or 0.0, f"at {percent(results.defect_rate)} defective parts"
    asked = "" if most is None else f", asked for: at most {percent(most)}"
    state = WARN if most is not None and load > most else FINE
    return [
        Card("Looked at by hand", percent(load), f"of all parts, {at_rate}{asked}", state),
        Card("Expected cost per part", f"{results.cost:.4g}", at_rate, FINE),
    ]


def told_on_words(decision: Decision) -> str:
    """Return of which photos the results are, in a word or two."""
    return "out of fold" if decision.told_on == OUT_OF_FOLD else "test photos"


def _proven_state(bound: Bound, policy: Policy) -> str:
    """Return how a bound is marked: as any share of missed defects is, but for one that was asked for."""
    return (
        FINE if policy.name == MISS_RATE and bound.at_most == policy.miss_rate else _state_of(bound.at_most)
    )


def _calibration_card(results: Results, on: str) -> Card:
    told, high = results.after, results.after.ece_interval.high
    ends = f"; {decimal(told.ece_interval.low)} to {decimal(high)}" if high is not None else ""
    worse = told.ece if high is None else high
    return Card(
        "Calibration error",
        decimal(told.ece),
        f"{on}: ECE, 15 bins of p_defective{ends}",
        WARN if worse > OFF else FINE,
    )


def _error_cards(results: Results, on: str) -> list[Card]:
    if results.by_part is not None:
        good, defective = results.by_part
        shares = (
            ("Missed defects", "defective", defective.accepted),
            ("False alarms", "good", good.rejected),
        )
        return [
            Card(
                name,
                percent(share.share),
                f"{on}: {percent(share.low)} to {percent(share.high)}; of {counted(share.parts, f'{kind} part')}, "
                "photos combined",
                _state_of(share.high),
            )
            for name, kind, share in shares
        ]
    rates = (("Missed defects", results.defective.accepted), ("False alarms", results.good.rejected))
    return [
        Card(name, share_words(rate), f"{on}: {_card_text(rate)}", _state_of(_worse_end(rate)))
        for name, rate in rates
    ]


def _worse_end(rate: Rate) -> float:
    return rate.high if rate.high is not None else rate.share or 0.0


def _state_of(share: float) -> str:
    """Return how a share of errors is marked, or the upper end of its interval: nobody runs a line with most good parts
    rejected.
    """
    return ALARM if share > ALARMING else WARN if share > NOTICEABLE else FINE


def none_of(parts: int) -> float:
    """Return the rate that `parts` without a failure prove with 95% confidence."""
    return upper_bound(0.0, Sample(max(parts, 1), EXACT), 0.95)


def _missed_share(results: Results) -> float:
    if results.by_part is not None:
        return results.by_part[1].accepted.share
    return results.defective.accepted.share or 0.0


def asked_section(told: Reported) -> Section:
    """Return what was asked for."""
    policy, results = told.decision.gate.policy, told.decision.results
    costs = policy.costs
    rate = results.defect_rate
    line = (
        "not stated, so that no load and no cost follow" if rate is None else f"{percent(rate)} of all parts"
    )
    facts = [
        ("Aim", aim_words(policy) if told.decided else "the threshold of training, as it is"),
        ("Looked at by hand", _review_words(policy)),
        ("Defective parts", line),
        (
            "Costs of one part",
            f"{costs.miss:g} for a defective one that passes, {costs.false_alarm:g} for a good one rejected, "
            f"{costs.review:g} for a look by hand",
        ),
        (
            "One verdict takes",
            _combined_words(policy),
        ),
        *(("Verdict", " ".join(line.split())) for line in threshold_lines(told.decision.gate)),
    ]
    return Section(
        "The network gives each photo p_defective, how likely it shows a defect; thresholds turn it into a "
        "verdict. This is what they had to keep.",
        facts,
    )


def _combined_words(policy: Policy) -> str:
    combine = policy.combine
    if not combine.several:
        return "each photo alone"
    told = {0: "the mean of their logits decides", 1: "the worst decides"}
    return f"{combine.n} photos of a part: {told.get(combine.k, f'{combine.k} of them decide')}"


def aim_words(policy: Policy) -> str:
    """Return what the thresholds were chosen for."""
    unit = "defective parts" if policy.per == PER_PART else "defective photos"
    return {
        MISS_RATE: f"at most {stated(policy.miss_rate)} of {unit} pass, with {stated(policy.confidence)} confidence; "
        "within that, as many good parts as possible pass",
        AUTO_GATE: "the lowest cost to expect of new parts, good and defective ones weighing the same",
        MIN_COST: "the lowest expected cost per part",
        MAX_MACRO_F1: "the highest mean of the F1 of good and of defective",
        MAX_DEF_F1: "the highest F1 of defective",
        MANUAL: "thresholds given by hand",
    }[policy.name]


def _review_words(policy: Policy) -> str:
    limits = []
    if policy.review_load is not None:
        limits.append(f"at most {percent(policy.review_load)} of all parts")
    if policy.false_alarm_rate is not None:
        limits.append(
            f"as many as it takes to reject at most {percent(policy.false_alarm_rate)} of good parts"
        )
    own = {
        AUTO_GATE: "where it is cheaper than a verdict",
        MANUAL: "what lies between the two thresholds",
        MIN_COST: "where it is cheaper than a verdict",
    }
    return "; ".join(limits) or own.get(policy.name, "none")


def _card_text(rate: Rate) -> str:
    told = f"{rate.hits:,} of {counted(rate.photos, 'photo')}, {rate.parts_hit:,} of {counted(rate.parts, 'part')}"
    return f"{interval(rate)}; {told}" if interval(rate) else told
