"""What is asked of a gate: the policy, its risk, its costs and what the user can afford. Plain values alone."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any, Final

from castproof.errors import SettingError
from castproof.gate.combine import Combine
from castproof.measure.decision import Thresholds

AUTO_GATE: Final = "auto"
MAX_MACRO_F1: Final = "max-macro-f1"
MAX_DEF_F1: Final = "max-def-f1"
MIN_COST: Final = "min-cost"
MISS_RATE: Final = "miss-rate"
MANUAL: Final = "manual"
GOOD_PARTS: Final = "good-parts"  # of a run without defects; no flag asks for it
POLICIES: Final = (AUTO_GATE, MAX_MACRO_F1, MAX_DEF_F1, MIN_COST, MISS_RATE, MANUAL)
PER_PART: Final = "part"
PER_PHOTO: Final = "photo"
UNITS: Final = (PER_PART, PER_PHOTO)
EXAMPLE: Final = "Give for example 0.05 for 5%, five in a hundred."


@dataclass(frozen=True)
class Costs:
    """What one part costs, in any currency: a defective one that passes, a good one rejected, one looked at by hand."""

    miss: float = 10.0
    false_alarm: float = 1.0
    review: float = 0.5

    def of_a_part(
        self,
        defect_rate: float,
        *,
        missed: float,
        defects_reviewed: float,
        false_alarms: float,
        good_reviewed: float,
    ) -> float:
        """Return the expected cost of a part.

        Args:
            defect_rate: share of defective parts, in [0, 1].
            missed: share of defective parts that pass.
            defects_reviewed: share of defective parts that are looked at.
            false_alarms: share of good parts that are rejected.
            good_reviewed: share of good parts that are looked at.
        """
        of_defective = self.miss * missed + self.review * defects_reviewed
        of_good = self.false_alarm * false_alarms + self.review * good_reviewed
        return defect_rate * of_defective + (1 - defect_rate) * of_good


def usual_costs(policy: str) -> Costs:
    """Return the costs that a policy computes with where none are given.

    "auto" weighs both kinds alike, so that its 3 for a missed defect stands for 57 times the price of a rejected good
    part where a part in twenty is defective. docs/decisions/0016 tells what other costs do.
    """
    return Costs(miss=3.0) if policy == AUTO_GATE else Costs()


@dataclass(frozen=True)
class Policy:
    """How thresholds are chosen.

    Args:
        name: one of POLICIES, or GOOD_PARTS.
        miss_rate: of "miss-rate": largest share of defective parts that may pass, in (0, 1).
        confidence: of the promise, one-sided, in (0, 1).
        per: "part" for the share of parts, each weighted equally; "photo" for the share of photos.
        false_alarm_rate: largest share of good parts that may be rejected without a look, in [0, 1); None for any.
        review_load: largest share of all parts that can be looked at by hand, in [0, 1); None for no REVIEW.
        defect_rate: share of defective parts on the line, in (0, 1); None where it is not known: then no load of all
            parts and no cost of a part can be stated.
        costs: of "min-cost" and "auto", and of the expected cost in every table.
        thresholds: of "manual".
        combine: how several photos of a part become one verdict.

    Raises:
        SettingError: a value is out of its range, or two contradict each other.
    """

    name: str = MISS_RATE
    miss_rate: float = 0.05
    confidence: float = 0.95
    per: str = PER_PART
    false_alarm_rate: float | None = None
    review_load: float | None = None
    defect_rate: float | None = None
    costs: Costs = Costs()
    thresholds: Thresholds | None = None
    combine: Combine = field(default_factory=Combine)

    def __post_init__(self) -> None:
        if self.name not in (*POLICIES, GOOD_PARTS):
            raise SettingError(
                "There is no such policy.",
                rule=f"One of: {', '.join(POLICIES)}.",
                found=f"Found {self.name!r}.",
            )
        if self.per not in UNITS:
            raise SettingError("--per cannot be used.", rule="part or photo.", found=f"Found {self.per!r}.")
        shares = (
            ("--miss-rate", self.miss_rate),
            ("--confidence", self.confidence),
            ("--defect-rate", self.defect_rate),
        )
        for name, value in shares:
            if value is not None and not 0 < value < 1:
                raise SettingError(
                    f"{name} cannot be used.",
                    rule="It must be a number between 0 and 1.",
                    found=f"Found {value!r}.",
                    fix="Give for example 0.95." if name == "--confidence" else EXAMPLE,
                )
        for name, value in (
            ("--false-alarm-rate", self.false_alarm_rate),
            ("--review-load", self.review_load),
        ):
            if value is not None and not 0 <= value < 1:
                raise SettingError(
                    f"{name} cannot be used.",
                    rule="It must be a number from 0 to below 1.",
                    found=f"Found {value!r}.",
                    fix=EXAMPLE,
                )
        self._check_costs()
        self._check_thresholds()

    @property
    def wants_review(self) -> bool:
        """Whether the user allows REVIEW."""
        return self.review_load is not None or self.false_alarm_rate is not None

    def check_defect_rate(self) -> None:
        """Raise SettingError where thresholds cannot be chosen without the defect rate of the line."""
        wants = "--policy min-cost" if self.name == MIN_COST else "--review-load"
        if self.defect_rate is None and (self.name == MIN_COST or self.review_load is not None):
            raise SettingError(
                f"{wants} needs --defect-rate.",
                rule="It is about all parts of your line, and the photos do not show how many of these are defective.",
                fix="Add for example --defect-rate 0.02 for two in a hundred; or leave both out: --policy auto "
                "asks for neither.",
            )

    def to_json(self) -> dict[str, Any]:
        """Return the policy as JSON values."""
        return {**asdict(self), "combine": self.combine.rule}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Policy":
        """Return what `to_json` gave. Raises SettingError, KeyError, TypeError or ValueError for anything else."""
        thresholds = data["thresholds"]
        return cls(
            **{
                **data,
                "costs": Costs(**data["costs"]),
                "thresholds": None if thresholds is None else Thresholds(**thresholds),
                "combine": Combine.parse(data["combine"]),
            }
        )

    def _check_costs(self) -> None:
        for name, cost in asdict(self.costs).items():
            if not (isfinite(cost) and cost >= 0):
                raise SettingError(
                    f"--cost-{name.replace('_', '-')} cannot be used.",
                    rule="It must be a number that is zero or more.",
                    found=f"Found {cost!r}.",
                    fix="Give the cost of one part in your currency, for example 10.",
                )

    def _check_thresholds(self) -> None:
        if (self.thresholds is None) == (self.name == MANUAL):
            raise SettingError(
                "Thresholds and policy do not fit.",
                rule="--policy manual, and no other, takes --threshold, and --reject-from where there is to be REVIEW.",
                fix="Add --threshold, or leave out what does not fit.",
            )
        if self.per == PER_PHOTO and self.combine.several:
            raise SettingError(
                "--per photo and --combine do not fit.",
                rule="Where several photos make one verdict, parts are what passes.",
                fix="Leave one of them out.",
            )
        if self.wants_review and self.name in (AUTO_GATE, MANUAL, MIN_COST):
            raise SettingError(
                f"--policy {self.name} has its own REVIEW.",
                rule="manual takes it from --reject-from, auto and min-cost from --cost-review.",
                fix="Leave out --review-load and --false-alarm-rate.",
            )
