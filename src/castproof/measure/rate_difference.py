"""How far the rates of two sets of parts lie apart, where no part is in both."""

import math
from dataclasses import dataclass
from typing import Literal

from castproof.measure.intervals import Rate


@dataclass(frozen=True)
class RateDifference:
    """A rate of new parts less that of earlier ones.

    Args:
        now_less_before: in [-1, 1].
        low, high: its interval, with the confidence of both rates.
        more_parts: how many more new parts would tell so large a difference from none; 0 where these do, None where
            there is no difference, or where no number of new parts would, since the earlier ones are too few.
    """

    now_less_before: float
    low: float
    high: float
    more_parts: int | None

    @property
    def says(self) -> Literal["higher", "lower", "inconclusive"]:
        """Whether the rate is higher or lower than before."""
        if self.low > 0:
            return "higher"
        return "lower" if self.high < 0 else "inconclusive"


def rate_difference(before: Rate, now: Rate) -> RateDifference | None:
    """Return by how much a rate has changed; None where one of both is of no photos.

    The interval is put together from those of both rates (Zou and Donner 2008, after Newcombe 1998): it is as honest
    for few parts as they are, and is never empty where nothing was hit in either.

    Args:
        before, now: rates of different parts, with intervals of the same confidence.
    """
    if before.share is None or before.low is None or before.high is None:
        return None
    if now.share is None or now.low is None or now.high is None:
        return None
    change = now.share - before.share
    down = (now.share - now.low, before.high - before.share)
    up = (now.high - now.share, before.share - before.low)
    low, high = change - math.hypot(*down), change + math.hypot(*up)
    needed = None if change == 0 else _needed(abs(change), *(down if change > 0 else up), now.parts)
    return RateDifference(change, max(low, -1.0), min(high, 1.0), needed)


def _needed(change: float, of_new: float, of_old: float, parts: int) -> int | None:
    """Return how many more new parts it takes: their half of the interval narrows with the root of their number."""
    left = change**2 - of_old**2
    if left <= 0:
        return None
    return max(0, math.floor(parts * of_new**2 / left) + 1 - parts)
