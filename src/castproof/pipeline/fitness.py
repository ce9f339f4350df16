"""Whether the evidence carries a gate, and what helps where it does not."""

from typing import Final

from castproof.pipeline.decide import Decision
from castproof.wording import percent

MOST_MISSED: Final = 0.05
MOST_NOT_PASSED: Final = 0.2

REMEDIES: Final = (
    "More parts, of the kind with fewer above all: half of the parts cost castings 0.08 of macro-F1.",
    "Other starting weights: --recipe auto tries them, and takes them where parts that they never saw say so.",
    "Labels: look at worst_good_parts.png and worst_defective_parts.png in the folder crossval of the run.",
    "Light and lens: a defect that a person cannot see on the photo, a network cannot see either. "
    "A larger --img-size than 300 helped no product that was tried.",
)


def unfit(decision: Decision) -> list[str]:
    """Return why a gate is not fit for a line, one reason a sentence; nothing where it is.

    A gate is fit where at most `MOST_MISSED` of defective parts and all but `MOST_NOT_PASSED` of good ones pass,
    measured on parts that the network was not trained on, and where it promises anything at all.
    """
    results = decision.results
    good, defective = results.by_part or (results.good, results.defective)
    reasons = []
    passed = good.accepted.share
    if passed is not None and 1 - passed > MOST_NOT_PASSED:
        reasons.append(f"{percent(1 - passed)} of good parts do not pass.")
    missed = defective.accepted.share
    if missed is not None and missed > MOST_MISSED:
        reasons.append(f"{percent(missed)} of defective parts pass.")
    if decision.gate.promise is None:
        reasons.append("There are too few defective parts to promise anything.")
    return reasons
