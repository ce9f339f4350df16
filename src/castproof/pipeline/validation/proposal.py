"""A new gate out of a validation, in a run folder of its own."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from castproof.errors import CastproofError, DataError, PromiseError, RunError, SettingError
from castproof.gate.choosing import choose_gate
from castproof.gate.evidence import Evidence
from castproof.gate.gate import Gate
from castproof.gate.outcome import cross_fitted, pass_through
from castproof.gate.policy import MANUAL, MISS_RATE
from castproof.gate.results import Results, results
from castproof.pipeline.gate_file import PROPOSED
from castproof.pipeline.judged import open_source, with_evidence_of
from castproof.pipeline.validation.validate import Validation
from castproof.pipeline.validation.validated import judged_of, validated_photos
from castproof.pipeline.validation.verdict import has_changed
from castproof.pipeline.validation.words import reasons_words
from castproof.wording import counted

NEW: Final = "new"
BOTH: Final = "old and new"
ENOUGH_PARTS: Final = 10  # of each kind, for a policy that promises nothing
NOT_COPIED: Final = "last_state.pt"


@dataclass(frozen=True, eq=False)
class Proposal:
    """A gate that the same policy chooses with the new photos.

    Args:
        gate: its promise is None where the old parts do not stand for the line any more and the new ones are too few.
        evidence: what it was chosen on.
        rests_on: NEW or BOTH.
        parts_needed: how many new defective parts a promise from them alone takes, where there is none; else None.
        results: what the same rule does with parts that it was not applied to, fold by fold; None where folds are too
            small for it.
    """

    gate: Gate
    evidence: Evidence
    rests_on: str
    parts_needed: int | None
    results: Results | None


@dataclass(frozen=True, eq=False)
class Found:
    """A proposal, or why there is none, in words and as the error that says what to do; nothing if none was sought."""

    proposal: Proposal | None = None
    why_not: str = ""
    error: CastproofError | None = None


def look_for_gate(validation: Validation, *, wanted: bool) -> Found:
    """Return a proposal where one is wanted, or where something changed so that one may be needed."""
    if validation.is_another_kind:
        error = _another_kind(validation)
        return Found(None, " ".join(filter(None, (error.problem, error.rule))), error) if wanted else Found()
    changed = validation.labelled and has_changed(validation)
    if not (wanted or changed):
        return Found()
    try:
        return Found(propose(validation, changed=changed))
    except CastproofError as error:
        return Found(None, " ".join(filter(None, (error.problem, error.rule, error.found))), error)


def propose(validation: Validation, *, changed: bool) -> Proposal:
    """Return the gate that the policy of the run chooses with the new photos.

    Where something has changed, the old parts no longer represent the line, so that the new ones alone are taken, if
    they are enough for the policy. If they are not, both are: nothing is promised then, so that only a stricter gate is
    proposed. Where no change was noticed, both are taken as parts of one line.

    Args:
        validation: of labelled photos.
        changed: whether verdicts, calibration or what the network says have changed.

    Raises:
        SettingError: no policy chose the gate of the run, or there are no labels.
        PromiseError: old and new parts together do not keep what the policy asks for, or ask for no stricter gate.
        CastproofError: the evidence of the old gate cannot be opened any more.
    """
    _check_can_propose(validation)
    needed = None
    if changed:
        try:
            return _chosen(validation, validation.evidence, NEW)
        except PromiseError as error:
            needed = error.needed
        except DataError:
            pass
    found = _chosen(validation, _together(validation), BOTH)
    if not changed:
        return found
    if _lets_more_pass(found, validation.gate):
        raise _no_stricter_gate(validation, needed)
    return replace(found, gate=replace(found.gate, promise=None), parts_needed=needed)


def _check_can_propose(validation: Validation) -> None:
    if not validation.labelled:
        raise SettingError(
            "Without labels no gate can be proposed.",
            rule="A threshold is chosen on photos whose labels a person has given.",
            fix="Put the photos into class folders, and leave --unlabelled out.",
        )
    if validation.gate_file is None or validation.gate.policy.name == MANUAL:
        raise SettingError(
            f"The thresholds of {validation.run.path} were not chosen by a policy.",
            rule="A proposal is chosen by the policy of the gate that is in use.",
            fix=f"Choose a gate first: castproof decide {validation.run.path}",
        )


def _chosen(validation: Validation, evidence: Evidence, rests_on: str) -> Proposal:
    asked, policy = (validation.gate_file or {})["asked"], validation.gate.policy
    fewest = min(evidence.parts(defective=kind) for kind in (False, True))
    if rests_on == NEW and policy.name != MISS_RATE and fewest < ENOUGH_PARTS:
        raise DataError("The new parts are too few to choose a gate on them alone.")
    calibration, seed = str(asked["calibration"]), int(asked["seed"])
    try:
        gate = choose_gate(evidence, policy, calibration=calibration, seed=seed)
    except SettingError as error:
        raise DataError(error.problem, rule=error.rule, found=error.found, fix=error.fix) from error
    try:
        outcome = cross_fitted(evidence, policy, calibration=calibration, seed=seed)
        told = results(outcome, policy, policy.defect_rate)
    except CastproofError:
        told = None
    return Proposal(gate, evidence, rests_on, None, told)


def _lets_more_pass(proposal: Proposal, gate: Gate) -> bool:
    """Return whether a photo of the evidence passes the proposed gate that does not pass `gate`."""
    new, old = (pass_through(one, proposal.evidence).accepted for one in (proposal.gate, gate))
    return bool((new & ~old).any())


def _another_kind(validation: Validation) -> SettingError:
    return SettingError(
        f"No gate is proposed for photos of another kind than those of {validation.run.path}.",
        rule="New thresholds cannot make up for what the network has never seen.",
        found=reasons_words(validation.unlike) if validation.unlike else "",
        fix="Train on such photos, too: castproof train",
    )


def _no_stricter_gate(validation: Validation, needed: int | None) -> PromiseError:
    return PromiseError(
        "Nothing asks for a stricter gate, and a laxer one needs a promise.",
        rule="Since something changed, the old parts no longer represent the line: only new ones can prove a promise.",
        found=f"Found {counted(validation.evidence.parts(defective=True), 'new defective part')}"
        + (f"; it takes {needed:,}." if needed else "."),
        fix="Take photos of more parts.",
        needed=needed,
    )


def _together(validation: Validation) -> Evidence:
    """Return the evidence that the gate in use was chosen on, and the new photos."""
    content = validation.gate_file or {}
    parts = []
    earlier = validated_photos(validation.run.path)
    if earlier:
        parts.append(judged_of(earlier).evidence)
    if content.get(PROPOSED, {}).get("evidence", BOTH) == BOTH:
        source, crossval = validation.source, content["asked"]["evidence"]
        if crossval is not None:
            if not Path(crossval).is_dir():
                raise RunError(
                    f"There is no {crossval} any more.",
                    rule="The gate in use was chosen on this cross-validation; a proposal takes its photos, too.",
                    fix="Put it back, or decide again without it: castproof decide",
                )
            source = with_evidence_of(source, open_source(Path(crossval)))
        parts.append(source.evidence.evidence)
    return _joined([*parts, validation.evidence])


def _joined(several: list[Evidence]) -> Evidence:
    numbers, start = [], 0
    for one in several:
        numbers.append(np.unique(one.part, return_inverse=True)[1] + start)
        start = int(numbers[-1].max()) + 1
    return Evidence(
        np.concatenate([one.defective for one in several]),
        np.concatenate([one.logit for one in several]),
        np.concatenate(numbers),
        np.concatenate([one.fold for one in several]),
    )
