"""Which photos the threshold explorer of a report holds, and which of them it shows at first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from castproof.data.manifest import Photo
from castproof.gate.combine import inspections_of
from castproof.gate.evidence import Evidence
from castproof.gate.gate import Gate
from castproof.measure.decision import decide, is_defective
from castproof.pipeline.decide import Decision
from castproof.pipeline.reporting.pictures import few_per_part, thumbnails
from castproof.progress import SILENT, Progress
from castproof.report.gate_page import Example, ExampleGroup, place_of
from castproof.wording import counted

EXAMPLE_PX: Final = 104
EXTREME: Final = 50  # photos of each label that are judged worst
EVEN: Final = 50  # photos of each label, spread evenly from the lowest to the highest p_defective
PER_PART: Final = 4
SHOWN: Final = 8


@dataclass(frozen=True, eq=False)
class Candidate:
    """One inspection that may be shown by a photo.

    Args:
        p: its calibrated p_defective.
        photo: the photo whose logit is nearest to its own.
    """

    p: float
    photo: Photo


def examples(decision: Decision, progress: Progress = SILENT) -> list[Example]:
    """Return the photos that the explorer holds; those that can no longer be read are not among them.

    Args:
        decision: the gate, and the photos that its results are told of.
        progress: told of every photo that is read.
    """
    chosen = _chosen(decision.gate, decision.outcome.photos, decision.photos)
    photos = [one.photo for one in chosen]
    pictures = thumbnails(decision.source.manifest, photos, EXAMPLE_PX, progress)
    return [
        Example(
            p=one.p,
            defective=one.photo.defective,
            part=one.photo.part or "part unknown",
            file=one.photo.file,
            picture=pictures[one.photo.file],
        )
        for one in chosen
        if one.photo.file in pictures
    ]


def example_groups(gate: Gate, held: Sequence[Example], low: float, high: float) -> list[ExampleGroup]:
    """Return the groups of photos that are shown at the gate's own thresholds; the script does the same at others."""
    at = gate.thresholds
    ends = [place_of(one, low, high) for one in (at.threshold, at.reject_from)]

    def far(one: Example) -> float:
        return min(round(abs(place_of(one.p, low, high) - end), 6) for end in ends)

    missed = [one for one in held if one.defective and not is_defective(one.p, at.threshold)]
    alarms = [one for one in held if not one.defective and is_defective(one.p, at.reject_from)]
    groups = (
        ("missed", "Missed defects", sorted(missed, key=lambda one: one.p)),
        ("false-alarms", "False alarms", sorted(alarms, key=lambda one: -one.p)),
        ("nearest", "Nearest to the handles", sorted(held, key=far)),
    )
    return [
        ExampleGroup(
            key,
            name,
            "No photo in this page at this setting.",
            [(one, f"{short_p(one.p)} {decide(one.p, at)}") for one in shown[:SHOWN]],
        )
        for key, name, shown in groups
    ]


def short_p(p: float) -> str:
    """Return a p_defective with three digits that says 0 and 1 only where it is exactly that."""
    if 0 < p < 0.001:
        return "<0.001"
    return ">0.999" if 0.9995 <= p < 1 else f"{p:.3f}"


def pool_words(decision: Decision, held: Sequence[Example]) -> str:
    """Return how the photos were picked, in a sentence."""
    return (
        f"This file holds {counted(len(held), 'example photo')} of {len(decision.photos):,}: of good and "
        f"of defective ones, the {EXTREME} judged worst, at most {PER_PART} of a part, and {EVEN} spread "
        "evenly over all. The counts are of all photos."
    )


def _chosen(gate: Gate, evidence: Evidence, photos: Sequence[Photo]) -> list[Candidate]:
    """Return the photos that may be shown: of each label those judged worst, few of a part, and an even choice."""
    found: dict[str, Candidate] = {}
    for defective in (False, True):
        ranked = sorted(_candidates(gate, evidence, photos, defective=defective), key=lambda one: one.p)
        order = range(len(ranked)) if defective else range(len(ranked) - 1, -1, -1)
        worst = few_per_part([one.photo for one in ranked], order, EXTREME, PER_PART)
        places = np.unique(np.linspace(0, len(ranked) - 1, min(EVEN, len(ranked))).round().astype(int))
        for place in (*worst, *places.tolist()):
            found.setdefault(ranked[place].photo.file, ranked[place])
    return list(found.values())


def _candidates(
    gate: Gate, evidence: Evidence, photos: Sequence[Photo], *, defective: bool
) -> list[Candidate]:
    found, combine = [], gate.policy.combine
    rows = np.flatnonzero(evidence.defective == defective)
    for number in np.unique(evidence.part[rows]):
        members = rows[evidence.part[rows] == number]
        if len(members) < combine.n:
            continue
        for logit in inspections_of(evidence.logit[members], combine)[0]:
            row = int(members[np.argmin(np.abs(evidence.logit[members] - logit))])
            found.append(Candidate(float(gate.calibrator.p(logit)), photos[row]))
    return found
