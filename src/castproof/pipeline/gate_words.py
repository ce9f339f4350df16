"""What a gate promises and does, in sentences for the command line and for the report."""

from castproof.gate.choice import ceiled
from castproof.gate.gate import Bound
from castproof.gate.policy import MISS_RATE, PER_PART, Policy
from castproof.measure.decision import Thresholds
from castproof.pipeline.decide import Decision
from castproof.pipeline.judged import CROSSVAL
from castproof.wording import counted, percent


def threshold_lines(thresholds: Thresholds) -> list[str]:
    """Return what p_defective gives which verdict, a line each."""
    low, high = f"{thresholds.threshold:.4g}", f"{thresholds.reject_from:.4g}"
    review = [f"REVIEW     {low} ≤ p_defective < {high}"] if thresholds.reviews else []
    return [f"ACCEPT     p_defective < {low}", *review, f"REJECT     p_defective ≥ {high}"]


def promise_sentences(decision: Decision) -> list[str]:
    """Return what is promised, and what the photos that the gate was not chosen on prove."""
    policy, promise = decision.gate.policy, decision.gate.promise
    found = []
    if promise is not None:
        found.append(
            f"{'Promise' if policy.thresholds is None else 'Proven'}: {bound_sentence(promise, policy)}"
        )
        if decision.source.evidence_kind == CROSSVAL:
            found.append(
                "It is about networks that were trained alike, each without the parts that it judged."
            )
    if decision.proof is not None:
        found.append(f"The test photos alone prove: {bound_sentence(decision.proof, policy)}")
    return found


def bound_sentence(bound: Bound, policy: Policy) -> str:
    """Return what a bound says, in a sentence that can be signed."""
    return (
        f"at most {limit_words(bound, policy)} pass, with {bound.confidence:.0%} confidence "
        f"({percent(bound.passed)} of {counted(bound.parts, 'defective part')} passed, every "
        f"{'part' if bound.per == 'part' else 'photo'} counted alike)."
    )


def limit_words(bound: Bound, policy: Policy) -> str:
    """Return the share that a bound allows, and of what: as it was asked for where it was, else rounded up."""
    asked = policy.name == MISS_RATE and bound.at_most <= policy.miss_rate
    limit = f"{100 * policy.miss_rate:.6g}%" if asked else ceiled(bound.at_most)
    return f"{limit} of defective {'parts' if bound.per == PER_PART else 'photos'}"
