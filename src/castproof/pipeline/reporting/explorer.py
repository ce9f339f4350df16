"""What the threshold explorer of a report shows before anybody moves a handle, and what its script reads."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from castproof.gate.evidence import Evidence, Inspections, inspections
from castproof.gate.gate import Gate
from castproof.gate.policy import Costs
from castproof.measure.decision import is_defective
from castproof.measure.scores import Floats
from castproof.pipeline.decide import OUT_OF_FOLD, Decision
from castproof.pipeline.reporting.examples import example_groups, examples, pool_words
from castproof.progress import SILENT, Progress
from castproof.report.charts import spread_chart
from castproof.report.gate_page import Explorer, ExplorerRow, Setting
from castproof.wording import percent

PARTS: Final = 10_000
MOST_LOGIT: Final = 14.0
MARGIN: Final = 0.5
NOT_STATED: Final = "\N{EM DASH}"
WITHOUT_RATE: Final = (
    "Type the share of defective parts on your line to see load and cost; the photos do not show it."
)
VERDICTS: Final = (
    ("defective-accepted", "missed: defective, ACCEPT"),
    ("defective-reviewed", "defective, REVIEW"),
    ("defective-rejected", "defective, REJECT"),
    ("good-accepted", "good, ACCEPT"),
    ("good-reviewed", "good, REVIEW"),
    ("good-rejected", "false alarm: good, REJECT"),
)


@dataclass(frozen=True, eq=False)
class Kind:
    """The inspections of the good or of the defective parts.

    Args:
        told: the inspections.
        p: float64 (m,), their calibrated p_defective.
    """

    told: Inspections
    p: Floats

    def by_part(self, values: Floats) -> list[list[float]]:
        """Return `values`, float64 (m,), as one list per part."""
        ends = np.cumsum(np.bincount(self.told.part, minlength=self.told.parts))[:-1]
        return [one.tolist() for one in np.split(values, ends)]


def explorer(decision: Decision, progress: Progress = SILENT) -> Explorer:
    """Return the explorer over the photos that the results are told of, at the thresholds of the gate.

    Args:
        decision: the gate.
        progress: told of every example photo that is read.
    """
    gate, evidence = decision.gate, decision.outcome.photos
    kinds = {
        name: kind_of(gate, evidence, defective=defective)
        for name, defective in (("good", False), ("defective", True))
    }
    setting = setting_of(decision)
    held = examples(decision, progress)
    spread = spread_chart(_logits(kinds["good"]), _logits(kinds["defective"]), *_ends(kinds))
    single = not gate.policy.combine.several
    return Explorer(
        text="Drag the two handles to see what other thresholds would do with the same photos: counts, cost and "
        "example photos follow.",
        warning=_warning(decision),
        setting=setting,
        spread=spread,
        rows=rows_at(kinds, setting, counted_photos=single),
        load=_load_words(kinds, setting),
        cost=_cost_words(kinds, setting),
        sentence=sentence_at(kinds, setting),
        counted=single,
        p={name: one.by_part(one.p) for name, one in kinds.items()},
        weight=None if single else _weights(kinds),
        examples=held,
        groups=example_groups(gate, held, spread.low, spread.high),
        pool=pool_words(decision, held),
    )


def setting_of(decision: Decision) -> Setting:
    """Return the setting that was decided."""
    at, costs = decision.gate.thresholds, decision.gate.policy.costs
    return Setting(
        accept=at.threshold,
        reject=at.reject_from,
        defect_rate=decision.results.defect_rate,
        miss=costs.miss,
        false_alarm=costs.false_alarm,
        review=costs.review,
    )


def kind_of(gate: Gate, evidence: Evidence, *, defective: bool) -> Kind:
    """Return the inspections of the good or of the defective parts, as `gate` sees them."""
    told = inspections(evidence, gate.policy.combine, defective=defective)
    return Kind(told, gate.calibrator.p(told.logit))


def shares_at(kind: Kind, setting: Setting) -> dict[str, tuple[float, int, int]]:
    """Return, by verdict, the share with every part alike, the inspections and the parts with any."""
    passing = ~is_defective(kind.p, setting.accept)
    rejected = is_defective(kind.p, setting.reject)
    masks = {"accepted": passing, "reviewed": ~passing & ~rejected, "rejected": rejected}
    found = {}
    for name, mask in masks.items():
        per_part = kind.told.per_part(mask)
        found[name] = (float(per_part.mean()), int(mask.sum()), int((per_part > 0).sum()))
    return found


def rows_at(kinds: dict[str, Kind], setting: Setting, *, counted_photos: bool) -> list[ExplorerRow]:
    """Return the table of the explorer at `setting`."""
    told = {name: shares_at(kind, setting) for name, kind in kinds.items()}
    rows = []
    for key, name in VERDICTS:
        kind, verdict = key.split("-")
        share, photos, parts = told[kind][verdict]
        of = kinds[kind]
        shown = f"{photos:,} of {len(of.p):,}" if counted_photos else ""
        rows.append(ExplorerRow(key, name, percent(share), shown, f"{parts:,} of {of.told.parts:,}"))
    return rows


def load_at(kinds: dict[str, Kind], setting: Setting) -> float | None:
    """Return the share of all parts that are REVIEW at `setting`, in [0, 1]; None without a defect rate."""
    if setting.defect_rate is None:
        return None
    of_good, of_defective = (shares_at(kinds[name], setting)["reviewed"][0] for name in ("good", "defective"))
    return setting.defect_rate * of_defective + (1 - setting.defect_rate) * of_good


def _load_words(kinds: dict[str, Kind], setting: Setting) -> str:
    load = load_at(kinds, setting)
    return NOT_STATED if load is None else percent(load)


def _cost_words(kinds: dict[str, Kind], setting: Setting) -> str:
    cost = cost_at(kinds, setting)
    return NOT_STATED if cost is None else f"{round(cost, 12):.4g}"


def cost_at(kinds: dict[str, Kind], setting: Setting) -> float | None:
    """Return the expected cost of one part at `setting`; None without a defect rate."""
    if setting.defect_rate is None:
        return None
    good, defective = (shares_at(kinds[name], setting) for name in ("good", "defective"))
    return Costs(setting.miss, setting.false_alarm, setting.review).of_a_part(
        setting.defect_rate,
        missed=defective["accepted"][0],
        defects_reviewed=defective["reviewed"][0],
        false_alarms=good["rejected"][0],
        good_reviewed=good["reviewed"][0],
    )


def sentence_at(kinds: dict[str, Kind], setting: Setting) -> str:
    """Return what happens to ten thousand parts at `setting`."""
    rate, load = setting.defect_rate, load_at(kinds, setting)
    if rate is None or load is None:
        return WITHOUT_RATE
    good, defective = (shares_at(kinds[name], setting) for name in ("good", "defective"))

    def many(share: float) -> str:
        return f"{round(PARTS * share, 6):,.0f}"

    return (
        f"Of {PARTS:,} parts, {many(rate)} of them defective: "
        f"{many(rate * defective['accepted'][0])} defective ones pass, "
        f"{many((1 - rate) * good['rejected'][0])} good ones are rejected, "
        f"{many(load)} are looked at by hand."
    )


def _weights(kinds: dict[str, Kind]) -> dict[str, list[list[float]]]:
    return {name: one.by_part(one.told.weight) for name, one in kinds.items()}


def _logits(kind: Kind) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(kind.p) - np.log1p(-kind.p), np.float64)


def _ends(kinds: dict[str, Kind]) -> tuple[float, float]:
    logits = np.concatenate([_logits(one) for one in kinds.values()])
    inside = np.clip(logits, -MOST_LOGIT, MOST_LOGIT)
    return float(inside.min()) - MARGIN, float(inside.max()) + MARGIN


def _warning(decision: Decision) -> str:
    promise = (
        "A threshold picked here by looking at these photos is no promise: it was chosen to look good on them. "
        "A promise takes thresholds chosen by castproof decide, or other photos."
    )
    if decision.told_on != OUT_OF_FOLD:
        return promise
    return (
        promise
        + " These are also the photos that the gate was chosen on, so that the figures here are not what to expect of "
        "other parts: that is what the results above show, where every photo met a gate chosen without its part."
    )
