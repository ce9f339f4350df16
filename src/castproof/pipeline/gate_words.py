"""What a gate promises and does, in sentences for the command line and for the report."""

from typing import Final

import numpy as np

from castproof.gate.auto import LEAST_PARTS
from castproof.gate.choice import ceiled
from castproof.gate.gate import Bound
from castproof.gate.policy import AUTO_GATE, MANUAL, MISS_RATE, PER_PART, PER_PHOTO, Policy
from castproof.gate.summary import verdict_summary
from castproof.measure.decision import VERDICTS, Verdict
from castproof.pipeline.decide import OUT_OF_FOLD, Decision, more_evidence
from castproof.pipeline.judged import CROSSVAL, RUN
from castproof.pipeline.part_words import CANNOT_TELL, is_untold, untold_words
from castproof.wording import counted, percent, stated

OF_SISTERS: Final = (
    "It is about networks that were trained the same way, each without the parts that it judged, and computed as if "
    "these were judged independently."
)
CHOSE_THE_NETWORK: Final = (
    "The photos that the gate was chosen on also decided which epoch of training was kept, which makes the promise a "
    "little too good."
)
IF_NOT_READ_OFF: Final = "It holds if the thresholds were not read off these very photos."


def promise_sentences(decision: Decision) -> list[str]:
    """Return what is promised, on what conditions, and what the photos that the gate was not chosen on prove."""
    policy, promise = decision.gate.policy, decision.gate.promise
    found = []
    if promise is None and policy.name == AUTO_GATE:
        found.append(no_promise_sentence(decision))
    if promise is not None:
        word = "Promise" if policy.name in (AUTO_GATE, MISS_RATE) else "Proven"
        found.append(f"{word}: {bound_sentence(promise, policy)}")
        if is_untold(decision.source.manifest):
            found.append(f"{CANNOT_TELL} {untold_words()}")
        if decision.source.evidence_kind == CROSSVAL:
            found.append(OF_SISTERS)
        if decision.source.evidence_chose_the_network:
            found.append(CHOSE_THE_NETWORK)
        if policy.name == MANUAL:
            found.append(IF_NOT_READ_OFF)
    if decision.proof is not None:
        found.append(f"The test photos alone prove: {bound_sentence(decision.proof, policy)}")
    return found


def summary_sentences(decision: Decision) -> list[str]:
    """Return what the gate did to photos that it was not chosen on; nothing where several make one verdict."""
    outcome = decision.outcome
    if decision.gate.policy.combine.several:
        return []
    accepted, review, rejected = (
        VERDICTS.index(one) for one in (Verdict.ACCEPT, Verdict.REVIEW, Verdict.REJECT)
    )
    codes = np.where(outcome.accepted, accepted, np.where(outcome.rejected, rejected, review))
    parts = [photo.part for photo in decision.photos]
    first, *rest = verdict_summary(outcome.photos.defective, parts, codes.astype(np.uint8))
    where = "Out of fold" if decision.told_on == OUT_OF_FOLD else "Test photos"
    return [f"{where}: {first}", *rest]


def per_thousand(decision: Decision) -> list[str]:
    """Return what the gate is expected to do to 1,000 parts; nothing where parts of a kind are lacking."""
    told = decision.results
    good, defective = told.by_part or (told.good, told.defective)
    rejected, looked_at, missed = (one.share for one in (good.rejected, good.reviewed, defective.accepted))
    if rejected is None or looked_at is None or missed is None:
        return []
    found = [
        f"Expected per 1,000 good parts: {_of_thousand(rejected)} rejected, {_of_thousand(looked_at)} to look at; "
        f"per 1,000 defective parts: {_of_thousand(missed)} missed."
    ]
    if told.defect_rate is not None and told.review_load is not None and told.cost is not None:
        found.append(
            f"Of 1,000 parts with {percent(told.defect_rate)} defective: {_of_thousand(told.review_load)} to look at, "
            f"at a cost of {1000 * told.cost:,.4g}."
        )
    return found


def _of_thousand(share: float) -> str:
    """Return 1,000 times the share, to the part; "fewer than 1" says that it is not none."""
    return "fewer than 1" if 0 < share < 0.001 else f"{1000 * share:,.0f}"


def no_promise_sentence(decision: Decision) -> str:
    """Return why the gate that asks nothing promises nothing."""
    evidence = decision.source.evidence.evidence
    parts = {kind: evidence.parts(defective=kind) for kind in (True, False)}
    way = f" More evidence: {more_evidence(decision.source)}." if decision.source.evidence_kind == RUN else ""
    counts = f"{counted(parts[True], 'defective part')} and {counted(parts[False], 'good part')}"
    if min(parts.values()) < LEAST_PARTS:
        return (
            f"No promise: {counts} are too few to expect anything of the next one. The gate is a cautious guess: "
            f"what is between the two kinds is left to a person.{way}"
        )
    return f"No promise: with {counts}, more than half of the defective parts could pass for all that is proven.{way}"


def bound_sentence(bound: Bound, policy: Policy) -> str:
    """Return what a bound says, in a sentence that can be signed."""
    unrelated = ", if whether a part passes has nothing to do with how many photos it has"
    return (
        f"at most {limit_words(bound, policy)} pass, with {stated(bound.confidence)} confidence "
        f"({passed_words(bound)})"
        f"{unrelated if bound.per == PER_PHOTO else ''}."
    )


def passed_words(bound: Bound) -> str:
    """Return what of the evidence passed, in words."""
    share = percent(bound.passed) if bound.passed else "none"
    unit = "part" if bound.per == PER_PART else "photo"
    return f"of the photos of {counted(bound.parts, 'defective part')} {share} passed, every {unit} weighted equally"


def limit_words(bound: Bound, policy: Policy) -> str:
    """Return the share that a bound allows, and of what: as it was asked for where it was, else rounded up."""
    asked = policy.name == MISS_RATE and bound.at_most == policy.miss_rate
    limit = stated(policy.miss_rate) if asked else ceiled(bound.at_most)
    return f"{limit} of defective {'parts' if bound.per == PER_PART else 'photos'}"
