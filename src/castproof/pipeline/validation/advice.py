"""What to do after a validation, and what it cannot know."""

from castproof.gate.choice import ceiled
from castproof.gate.policy import PER_PHOTO
from castproof.measure.decision import Thresholds
from castproof.pipeline.validation.proposal import BOTH, Proposal
from castproof.pipeline.validation.validate import Validation
from castproof.pipeline.validation.verdict import has_changed
from castproof.pipeline.validation.words import share_words
from castproof.wording import counted, probability, stated


def next_lines(validation: Validation, proposal: Proposal | None, why_not: str = "") -> list[str]:
    """Return what to do next.

    Args:
        validation: what was found.
        proposal: a new gate, where one was looked for and found.
        why_not: why there is none, where one was looked for.
    """
    if validation.is_another_kind:
        return [
            *([f"There is no new gate to propose: {why_not}"] if why_not else []),
            "Look whether these are the right photos: the part, the camera, the light. If they are what the line makes "
            "now, train on such photos, too, and decide the gate again.",
        ]
    if not validation.labelled:
        return [
            "Let a person label these photos, put them into class folders and validate again: then it is "
            "known whether defects are caught."
        ]
    if proposal is None:
        changed = has_changed(validation)
        return [
            *([f"There is no new gate to propose: {why_not}"] if why_not else []),
            "Find out what has changed at the camera or in the parts, and fix it or train again with such photos."
            if changed
            else "Keep the gate; validate again with further parts, so that more can be said.",
        ]
    return proposal_lines(validation, proposal)


def proposal_lines(validation: Validation, proposal: Proposal) -> list[str]:
    """Return what the proposed gate is, what it rests on, what it promises, and what it does on other parts."""
    gate, evidence = proposal.gate, proposal.evidence
    parts = (
        f"{counted(evidence.parts(defective=True), 'defective part')} and "
        f"{counted(evidence.parts(defective=False), 'good part')}"
    )
    told = (
        f"It was chosen by the same policy on the old and the new parts together, {parts}"
        if proposal.rests_on == BOTH
        else f"It was chosen by the same policy on the new parts alone, {parts}"
    )
    found = [
        f"A new gate can be proposed: {threshold_words(gate.thresholds)} "
        f"(now {threshold_words(validation.gate.thresholds)}); calibrated: {gate.calibrator}.",
        f"{told}{_why(validation, proposal)}.",
    ]
    if gate.promise is not None:
        unit = "defective photos" if gate.promise.per == PER_PHOTO else "defective parts"
        found.append(
            f"It promises that at most {ceiled(gate.promise.at_most)} of {unit} pass, with "
            f"{stated(gate.promise.confidence)} confidence."
        )
    elif has_changed(validation):
        needed = (
            f" A promise takes {counted(proposal.parts_needed, 'new defective part')} alone."
            if proposal.parts_needed
            else ""
        )
        found.append(f"It promises nothing.{needed}")
    found.append(_told(proposal))
    found.append("Validate the proposed run with further parts before it is used.")
    return found


def threshold_words(thresholds: Thresholds) -> str:
    """Return for example "ACCEPT below 0.41, REJECT from 0.6"."""
    return (
        f"ACCEPT below {probability(thresholds.threshold)}, REJECT from {probability(thresholds.reject_from)}"
    )


def method(validation: Validation) -> list[str]:
    """Return how everything was found, and what cannot be known, in sentences."""
    found = [
        "Parts count, not photos: many photos of one part are one piece of evidence.",
        "Photos of the run, and of parts that it knows, count for nothing: of them the network knows the answer.",
        "What the network says, and the photos, were compared by a permutation test over parts (ranks: level and "
        "spread), corrected for "
        "many numbers by Holm's rule: in each of both a change where there is none comes in at most 5% "
        "of cases each.",
        "No change seen is no proof that nothing changed: what so many parts could have shown is given next to it.",
    ]
    if validation.labelled:
        return [
            *found,
            "Verdicts at training are those on parts that neither the network was trained on nor the gate was "
            "chosen on, if there are any. The interval of a difference is put together "
            "from those of both rates.",
            "The share of defective parts in a new set is what somebody put into it; for the calibration p_defective "
            "is adapted to it first.",
            "castproof cannot know whether these parts represent those that will come, nor whether labels are right.",
        ]
    return [
        *found,
        "Without labels, a number has changed where it lies on the same side of that of the good and of that of the "
        "defective parts at training, so that no mix of them looks like the new ones. A change that another mix could "
        "have brought about, more errors of the network among them, is not seen.",
    ]


def _why(validation: Validation, proposal: Proposal) -> str:
    if not has_changed(validation):
        return "; nothing seen argues against taking them for parts of one line, which is assumed"
    if proposal.rests_on == BOTH:
        return ", since the new ones alone are too few. Something changed, so the old ones no longer represent the line"
    return ", since something changed and the old ones no longer represent the line"


def _told(proposal: Proposal) -> str:
    if proposal.results is None:
        return (
            "These photos cannot show what it does, since it was chosen on them, and there are too few parts to "
            "estimate it fold by fold."
        )
    told = proposal.results
    return (
        "These photos cannot show what it does, since it was chosen on them. The same rule without each fold's parts "
        f"misses {share_words(told.defective.accepted)} of the defective and rejects "
        f"{share_words(told.good.rejected)} of the good ones."
    )
