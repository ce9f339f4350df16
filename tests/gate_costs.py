"""What two cuts cost, counted again for the tests of policies."""

import numpy as np

from castproof.gate.choice import Cuts, Sides
from castproof.gate.policy import Policy


def expected_cost(known: Sides, policy: Policy, cuts: Cuts) -> float:
    """Return the expected cost of one part at `cuts`, with the costs and the defect rate of `policy`."""
    at = np.array([cuts.accept, cuts.reject])
    defective, good = known.defective.share_below(at), known.good.share_below(at)
    cost, rate = policy.costs, known.defect_rate
    of_defective = cost.miss * defective[0] + cost.review * (defective[1] - defective[0])
    of_good = cost.false_alarm * (1 - good[1]) + cost.review * (good[1] - good[0])
    return float(rate * of_defective + (1 - rate) * of_good)
