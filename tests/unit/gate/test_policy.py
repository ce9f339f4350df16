from typing import Any

import pytest

from castproof.errors import SettingError
from castproof.gate.combine import Combine
from castproof.gate.policy import MANUAL, MIN_COST, Costs, Policy
from castproof.measure.decision import Thresholds


@pytest.mark.parametrize(
    "values",
    [
        {"name": "best"},
        {"miss_rate": 0.0},
        {"miss_rate": 1.0},
        {"miss_rate": float("nan")},
        {"confidence": 95.0},
        {"defect_rate": 0.0},
        {"review_load": -0.1},
        {"review_load": 1.0},
        {"false_alarm_rate": 1.5},
        {"per": "casting"},
        {"costs": Costs(miss=-1)},
        {"costs": Costs(review=float("inf"))},
        {"name": MANUAL},
        {"thresholds": Thresholds.single(0.5)},
        {"name": MIN_COST, "review_load": 0.1},
        {"per": "photo", "combine": Combine.parse("any/2")},
        {"name": MANUAL, "thresholds": Thresholds.single(0.5), "false_alarm_rate": 0.1},
    ],
)
def test_what_cannot_be_asked_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SettingError):
        Policy(**values)


@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        Policy(MANUAL, thresholds=Thresholds(0.2, 0.7)),
        Policy(miss_rate=0.01, per="photo", review_load=0.06, defect_rate=0.02),
        Policy(combine=Combine.parse("2/3")),
        Policy(MIN_COST, costs=Costs(200, 2, 1)),
    ],
)
def test_json_gives_the_same_policy(policy: Policy) -> None:
    assert Policy.from_json(policy.to_json()) == policy
