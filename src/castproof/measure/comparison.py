"""Two sets of verdicts on the same photos, compared part by part."""

from dataclasses import dataclass
from math import ceil, exp, log
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from castproof.measure.intervals import check_confidence
from castproof.measure.mean_bounds import chance_below, mean_bounds
from castproof.measure.metrics import check_costs
from castproof.measure.paired_figures import Figure, Judgement, paired_figures

Conclusion = Literal["better", "worse", "inconclusive"]

_MOST_PARTS = 1_000_000


@dataclass(frozen=True)
class Compared:
    """What is compared, and how one speaks of it.

    Args:
        name: stable name.
        smaller_is_better: whether the smaller figure is the better one.
        parts: of which parts it is a figure: "defective", "good" or "" for all.
        better: what the better one does, after its name.
        worse: what the worse one does.
        share: whether it is a share, to be told in percentage points.
    """

    name: str
    smaller_is_better: bool
    parts: str
    better: str
    worse: str
    share: bool = False

    @property
    def unit(self) -> str:
        """The unit of a difference, with a space before it."""
        return " percentage points" if self.share else ""


COMPARED = (
    Compared("missed_defects", True, "defective", "misses fewer defects", "misses more defects", True),
    Compared("good_not_passed", True, "good", "passes more good photos", "passes fewer good photos", True),
    Compared("wrong_verdicts", True, "", "gives fewer wrong verdicts", "gives more wrong verdicts", True),
    Compared("expected_cost", True, "", "costs less per photo", "costs more per photo"),
    Compared("macro_f1", False, "", "has the higher macro-F1", "has the lower macro-F1"),
    Compared("brier", True, "", "has the lower Brier score", "has the higher Brier score"),
    Compared("log_loss", True, "", "has the lower log loss", "has the higher log loss"),
)


@dataclass(frozen=True)
class Difference:
    """How far B differs from A in one figure; differences are B minus A.

    Args:
        name: of the figure, one of `COMPARED`.
        a: the figure of A.
        b: the figure of B.
        difference: b - a.
        low: lower end of the interval of the difference.
        high: upper end.
        confidence: two-sided, in (0, 1).
        conclusion: what B is against A; "inconclusive" where the interval holds zero.
        parts: how many parts it rests on.
        more_parts: how many more would tell, if the difference stayed as it is; None where it tells already, where
            there is no difference, and where a million would not do.
    """

    name: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    confidence: float
    conclusion: Conclusion
    parts: int
    more_parts: int | None


def compare(
    defective: NDArray[np.bool_],
    part: NDArray[np.int64],
    a: Judgement,
    b: Judgement,
    *,
    cost_fn: float,
    cost_fp: float,
    confidence: float = 0.95,
) -> list[Difference]:
    """Return how B differs from A on the same photos, for each figure of `COMPARED` that these photos define.

    Every part has the same weight, whatever its number of photos, but for macro-F1, which is that of all photos. The
    interval is that of `mean_bounds` for the mean of one difference per part. Of missed defects, good photos not
    passed, wrong verdicts and cost, an unseen part may differ as much as a part can; where the photos of each part are
    judged alike, this is McNemar's exact test (1947) over the parts. Of macro-F1, Brier score and log loss, an unseen
    part may differ as much as the most different one seen, either way: this protects less against a disaster so rare
    that none of the parts shows it. The differences of macro-F1 are its pseudo-values (Jaeckel 1972).

    Args:
        defective: bool (n,), True for a photo labelled defective.
        part: int64 (n,), number of the part on each photo; good and defective photos are taken as of two parts.
        a: what A said of these photos.
        b: what B said of these photos.
        cost_fn: cost of one missed defect, >= 0.
        cost_fp: cost of one good photo that does not pass, >= 0.
        confidence: two-sided, in (0, 1).

    Raises:
        DataError: there are no photos, or the arrays do not belong together.
        SettingError: `confidence` or a cost is out of its range.
    """
    check_confidence(confidence)
    check_costs(cost_fn, cost_fp)
    figures = paired_figures(defective, part, a, b, cost_fn, cost_fp)
    return [_difference(one, figures[one.name], confidence) for one in COMPARED if one.name in figures]


def sentence(difference: Difference, name_a: str, name_b: str) -> str:
    """Return one plain sentence on what the difference tells.

    Args:
        difference: what `compare` found.
        name_a: how A is called.
        name_b: how B is called.
    """
    compared = next(one for one in COMPARED if one.name == difference.name)
    over = f"over {_parts(difference.parts, compared)}"
    if difference.conclusion == "inconclusive":
        ends = f"{_amount(difference.low, compared, '+')} to {_amount(difference.high, compared, '+')}"
        seen = f"{_amount(difference.difference, compared, '+')}{compared.unit}"
        told = (
            f"Cannot tell whether {name_a} or {name_b} {compared.better}: {name_b} minus {name_a} is {seen}"
        )
    else:
        near, far = sorted((abs(difference.low), abs(difference.high)))
        ends = f"{_amount(near, compared)} to {_amount(far, compared)}"
        seen = f"{_amount(abs(difference.difference), compared)}{compared.unit}"
        words = compared.better if difference.conclusion == "better" else compared.worse
        told = f"{name_b} {words}, by {seen}"
    return f"{told} ({100 * difference.confidence:g}% interval {ends}), {over}{_hope(difference, compared)}."


def _difference(compared: Compared, figure: Figure, confidence: float) -> Difference:
    weights = np.ones(len(figure.by_part))
    ends = mean_bounds(figure.by_part, weights, -figure.reach, figure.reach, confidence)
    low, high = max(ends[0], -figure.limit), min(ends[1], figure.limit)
    b_is_smaller = high < 0.0
    conclusion: Conclusion = "inconclusive"
    if low > 0.0 or b_is_smaller:
        conclusion = "better" if b_is_smaller == compared.smaller_is_better else "worse"
    more = _more_parts(figure, confidence) if conclusion == "inconclusive" else None
    return Difference(
        name=compared.name,
        a=figure.a,
        b=figure.b,
        difference=figure.b - figure.a,
        low=low,
        high=high,
        confidence=confidence,
        conclusion=conclusion,
        parts=len(figure.by_part),
        more_parts=more,
    )


def _more_parts(figure: Figure, confidence: float) -> int | None:
    """Return how many more parts, with the same differences over and over, would tell."""
    towards = np.sign(figure.b - figure.a)
    parts, weights = len(figure.by_part), np.ones(len(figure.by_part))

    def short_of_telling(log_repeat: float) -> float:
        chance = chance_below(0.0, -towards * figure.by_part, weights, figure.reach, exp(log_repeat))
        return (1.0 + confidence) / 2 - chance

    most = log(1.0 + _MOST_PARTS / parts)
    if not towards or short_of_telling(most) > 0.0:
        return None
    if short_of_telling(0.0) <= 0.0:
        return 1
    return ceil((exp(brentq(short_of_telling, 0.0, most, xtol=1e-9)) - 1.0) * parts)


def _parts(count: int, compared: Compared, more: str = "") -> str:
    kind = f"{compared.parts} " if compared.parts else ""
    return f"{count:,} {more}{kind}{'part' if count == 1 else 'parts'}"


def _amount(value: float, compared: Compared, sign: str = "") -> str:
    if compared.share:
        return f"{100 * value:{sign}.1f}"
    return f"{value:{sign}.4f}"


def _hope(difference: Difference, compared: Compared) -> str:
    if difference.more_parts is None:
        return ""
    more = _parts(difference.more_parts, compared, "more ")
    return f"; about {more} would be conclusive, if the difference stays as it is"
