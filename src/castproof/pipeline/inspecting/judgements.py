"""What a model says about the photos of a list: columns that fill while it looks at them."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.measure.decision import VERDICTS, Thresholds, Verdict, decide_all
from castproof.pipeline.inspecting.photo_list import UNLABELLED
from castproof.runtime.inspection import Inspection

Codes = NDArray[np.uint8]
PENDING: Final = len(VERDICTS)  # the code of a photo that was not judged yet
_ACCEPT, _REVIEW, _REJECT, _NOT_INSPECTED = (
    VERDICTS.index(one) for one in (Verdict.ACCEPT, Verdict.REVIEW, Verdict.REJECT, Verdict.NOT_INSPECTED)
)


@dataclass(eq=False)
class Judgements:
    """One column per thing that a model says about a photo; rows are photos of a list.

    Args:
        count: how many photos there are.
    """

    count: int
    p_defective: NDArray[np.float64] = field(init=False)
    judged: NDArray[np.bool_] = field(init=False)
    unlike: NDArray[np.bool_] = field(init=False)
    words: dict[int, tuple[str, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.p_defective = np.full(self.count, np.nan)
        self.judged = np.zeros(self.count, np.bool_)
        self.unlike = np.zeros(self.count, np.bool_)

    def put(self, place: int, inspection: Inspection) -> None:
        """Keep what was said about the photo at `place`."""
        p = inspection.p_defective
        self.p_defective[place] = np.nan if p is None else p
        self.unlike[place] = bool(inspection.warnings)
        words = inspection.warnings or ((inspection.reason,) if inspection.reason else ())
        if words:
            self.words[place] = words
        else:
            self.words.pop(place, None)
        self.judged[place] = True

    def codes(self, thresholds: Thresholds) -> Codes:
        """Return the verdict on each photo at `thresholds`, uint8 (n,): places in VERDICTS, or PENDING."""
        codes = decide_all(self.p_defective, thresholds, self.unlike)
        codes[~self.judged] = PENDING
        return codes


def verdict_of(code: int) -> Verdict | None:
    """Return the verdict of a code; None where it is PENDING."""
    return None if code == PENDING else VERDICTS[code]


def wrong(codes: Codes, labels: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Return bool (n,): photos labelled defective with ACCEPT, and photos labelled good with REJECT."""
    return np.asarray(((codes == _ACCEPT) & (labels == 1)) | ((codes == _REJECT) & (labels == 0)))


@dataclass(frozen=True)
class Tally:
    """How many photos there are of each kind.

    Args:
        accept, review, reject, not_inspected: by verdict.
        pending: not judged yet.
        defective, good: labelled so by their folder, and judged.
        missed: labelled defective, ACCEPT.
        false_alarms: labelled good, REJECT.
        unlike: unlike the photos of training.
    """

    accept: int
    review: int
    reject: int
    not_inspected: int
    pending: int
    defective: int
    good: int
    missed: int
    false_alarms: int
    unlike: int

    @property
    def labelled(self) -> bool:
        """Whether the folders of any judged photos are classes of the model."""
        return bool(self.defective or self.good)

    @property
    def judged(self) -> int:
        """How many photos were looked at."""
        return self.accept + self.review + self.reject + self.not_inspected


def tally(codes: Codes, labels: NDArray[np.int8], unlike: NDArray[np.bool_]) -> Tally:
    """Return the counts.

    Args:
        codes: uint8 (n,), see `Judgements.codes`.
        labels: int8 (n,), see `PhotoList.labels`.
        unlike: bool (n,).
    """
    counts = np.bincount(codes, minlength=PENDING + 1)
    is_judged = (codes != PENDING) & (labels != UNLABELLED)
    return Tally(
        accept=int(counts[_ACCEPT]),
        review=int(counts[_REVIEW]),
        reject=int(counts[_REJECT]),
        not_inspected=int(counts[_NOT_INSPECTED]),
        pending=int(counts[PENDING]),
        defective=int((is_judged & (labels == 1)).sum()),
        good=int((is_judged & (labels == 0)).sum()),
        missed=int(((codes == _ACCEPT) & (labels == 1)).sum()),
        false_alarms=int(((codes == _REJECT) & (labels == 0)).sum()),
        unlike=int(unlike.sum()),
    )
