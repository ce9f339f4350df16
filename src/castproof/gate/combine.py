"""One verdict from several photos of one part; needs numpy alone."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.errors import SettingError

Floats = NDArray[np.float64]

SINGLE: Final = "single"
ANY: Final = "any"
MEAN: Final = "mean"
RULE: Final = (
    "single: one photo per part. any: the worst of its photos decides. mean: the mean of their logits decides. "
    "K/N: the station takes N photos, and K of them must be defective."
)


@dataclass(frozen=True)
class Combine:
    """How the photos of one part become one verdict.

    Every rule gives the part a logit of its own, which is then calibrated and compared with the thresholds like that
    of a photo: at least K photos lie on or above a threshold exactly if the K-th largest logit does.

    Args:
        rule: "single", "any", "mean" or "K/N".
        k: photos that must be defective, of `n`.
        n: photos that the station takes; 0 where it does not matter.
    """

    rule: str = SINGLE
    k: int = 1
    n: int = 0

    @classmethod
    def parse(cls, text: str) -> "Combine":
        """Return the rule that `text` names: single, any, mean, or K/N such as 2/3.

        Raises:
            SettingError: it names none.
        """
        if text in (SINGLE, ANY, MEAN):
            return cls(text)
        found = re.fullmatch(r"([1-9]\d?)/([1-9]\d?)", text)
        if not found or int(found[1]) > int(found[2]):
            raise SettingError(
                "--combine names no rule.", rule=RULE, found=f"Found {text!r}.", fix="Give for example 2/3."
            )
        return cls(text, int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return self.rule

    @property
    def several(self) -> bool:
        """Whether a verdict takes several photos."""
        return self.rule != SINGLE

    @property
    def least_photos(self) -> int:
        """How many photos of a part one verdict takes at least."""
        return max(self.n, 1)


def part_logit(logit: Sequence[float], combine: Combine) -> float:
    """Return the logit of a part, of the photos that one inspection takes of it.

    Args:
        logit: of its photos, finite; `combine.n` of them where the rule says how many.
        combine: the rule.
    """
    if combine.rule == MEAN:
        return float(np.clip(np.mean(logit), min(logit), max(logit)))
    return float(sorted(logit, reverse=True)[combine.k - 1])


def inspections_of(logit: NDArray[np.floating], combine: Combine) -> tuple[Floats, Floats]:
    """Return logits and weights, float64 (m,) each, of the inspections that the photos of one part stand for.

    `single`: each photo is one, all weigh the same. `any`, `mean`: all photos together are one. `K/N`: all choices of
    N photos, each as likely; the K-th largest of them is the j-th largest of all M photos with the probability
    C(j-1, K-1) C(M-j, N-K) / C(M, N), the law of order statistics of a sample without replacement.

    Args:
        logit: float (M,), of all photos of the part, M >= `combine.least_photos`.
        combine: the rule.
    """
    ranked = np.sort(np.asarray(logit, np.float64))[::-1]
    if combine.rule == SINGLE:
        return ranked, np.full(len(ranked), 1.0 / len(ranked))
    if not combine.n:
        return np.array([part_logit(ranked.tolist(), combine)]), np.ones(1)
    k, n, m = combine.k, combine.n, len(ranked)
    all_choices = math.comb(m, n)
    weight = np.array(
        [math.comb(j - 1, k - 1) * math.comb(m - j, n - k) / all_choices for j in range(1, m + 1)]
    )
    return ranked[weight > 0], weight[weight > 0]
