"""One verdict from several photos of one part; needs numpy alone."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.errors import SettingError

Floats = NDArray[np.float64]

SINGLE: Final = "single"
ANY: Final = "any"
MEAN: Final = "mean"
RULE: Final = (
    "single: one photo per part. The station takes N photos, and any/N: the worst of them decides; mean/N: the mean of "
    "their logits decides; K/N: K of them must be defective."
)
MOST_CHOICES: Final = 100


@dataclass(frozen=True)
class Combine:
    """How the photos of one part become one verdict.

    Every rule gives the part a logit of its own, which is then calibrated and compared with the thresholds like that
    of a photo: at least K photos are on or above a threshold exactly if the K-th largest logit does.

    Args:
        rule: "single", "any/N", "mean/N" or "K/N".
        k: photos that must be defective, of `n`; 0 where their mean decides.
        n: photos that the station takes of each part: no more and no less, or what is promised does not hold.
    """

    rule: str = SINGLE
    k: int = 1
    n: int = 1

    @classmethod
    def parse(cls, text: str) -> "Combine":
        """Return the rule that `text` names: single, any/N, mean/N or K/N, such as 2/3.

        Raises:
            SettingError: it names none.
        """
        if text == SINGLE:
            return cls()
        found = re.fullmatch(rf"({ANY}|{MEAN}|[1-9]\d?)/([1-9]\d?)", text)
        k = {ANY: 1, MEAN: 0}.get(found[1]) if found else None
        if found and k is None:
            k = int(found[1])
        if not found or k is None or k > int(found[2]):
            raise SettingError(
                "--combine names no rule.", rule=RULE, found=f"Found {text!r}.", fix="Give for example any/3."
            )
        return cls(text, k, int(found[2]))

    def __str__(self) -> str:
        return self.rule

    @property
    def several(self) -> bool:
        """Whether a verdict takes several photos."""
        return self.rule != SINGLE


def part_logit(logit: Sequence[float], combine: Combine) -> float:
    """Return the logit of a part, of the photos that one inspection takes of it.

    Args:
        logit: of its photos, finite, `combine.n` of them.
        combine: the rule.
    """
    if not combine.k:
        return float(np.clip(np.mean(logit), min(logit), max(logit)))
    return float(sorted(logit, reverse=True)[combine.k - 1])


def inspections_of(logit: NDArray[np.floating], combine: Combine) -> tuple[Floats, Floats]:
    """Return logits and weights, float64 (m,) each, of the inspections that the photos of one part stand for.

    They are all choices of N photos, each as likely. The K-th largest of N is the j-th largest of all M photos with the
    probability C(j-1, K-1) C(M-j, N-K) / C(M, N), the law of order statistics of a sample without replacement. The
    mean is that of every choice, or of 100 random ones where there are more.

    Args:
        logit: float (M,), of all photos of the part, M >= `combine.n`.
        combine: the rule.
    """
    ranked = np.sort(np.asarray(logit, np.float64))[::-1]
    if not combine.k:
        return _means_of_choices(ranked, combine)
    k, n, m = combine.k, combine.n, len(ranked)
    all_choices = math.comb(m, n)
    weight = np.array(
        [math.comb(j - 1, k - 1) * math.comb(m - j, n - k) / all_choices for j in range(1, m + 1)]
    )
    return ranked[weight > 0], weight[weight > 0]


def _means_of_choices(ranked: Floats, combine: Combine) -> tuple[Floats, Floats]:
    m, n = len(ranked), combine.n
    if math.comb(m, n) <= MOST_CHOICES:
        choices = [list(one) for one in combinations(range(m), n)]
    else:
        rng = np.random.default_rng((m, n))
        choices = [rng.choice(m, n, replace=False).tolist() for _ in range(MOST_CHOICES)]
    means = np.array([part_logit(ranked[one].tolist(), combine) for one in choices])
    return means, np.full(len(means), 1.0 / len(means))
