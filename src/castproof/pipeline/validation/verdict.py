"""The one sentence about a validation, which does not take silence for proof."""

from castproof.gate.choice import ceiled
from castproof.pipeline.validation.rates import FALSE_ALARMS, MISSED, RateChange
from castproof.pipeline.validation.validate import Validation
from castproof.pipeline.validation.words import (
    STATISTIC_WORDS,
    State,
    limit_words,
    more_words,
    parts_words,
    points,
    reasons_words,
    share_words,
    unit_words,
    units_words,
)
from castproof.wording import counted, percent


def verdict(validation: Validation) -> tuple[State, str]:
    """Return the one sentence that stands above everything else, and how bad it is."""
    if validation.unlike is not None and validation.is_another_kind:
        return "alarm", (
            "Most of these photos are of another kind than those that the run was trained on: "
            f"{share_words(validation.unlike.rate)} are unlike them. {reasons_words(validation.unlike)} Neither "
            "verdicts nor the promise mean anything for them."
        )
    if not validation.labelled:
        return _unlabelled_verdict(validation)
    promise, parts = validation.promise, parts_words(validation)
    if promise is not None and promise.broken:
        return "alarm", (
            f"The gate does not hold: {percent(promise.bound.passed)} of {units_words(promise)} pass, and {parts} are "
            f"enough to prove that it is more than the {limit_words(promise)} that were promised."
        )
    proven = promise is not None and promise.proven
    worse = [one.name for one in validation.rates if _is_worse(one) and not (proven and one.name == MISSED)]
    if worse:
        return (
            "alarm",
            f"The gate does not hold: more {' and more '.join(worse)} than at training in {parts}.",
        )
    moved = _moved_words(validation)
    state, text = _holds(validation, "" if moved else f"Nothing in {parts} contradicts it. ")
    if moved:
        return "warn", f"Something changed: {moved}. {text}"
    return state, text


def has_changed(validation: Validation) -> bool:
    """Return whether verdicts, calibration or what the network says have changed: old parts stand for it no more."""
    promise = validation.promise
    broken = promise is not None and promise.broken
    return (
        broken
        or any(map(_is_worse, validation.rates))
        or any(one.told.moved for one in validation.said)
        or (validation.calibration is not None and validation.calibration.has_drifted)
    )


def _unlabelled_verdict(validation: Validation) -> tuple[State, str]:
    parts, moved = counted(validation.parts, "part"), _moved_words(validation)
    if moved:
        return "warn", (
            f"Something changed: {moved}. Whether the gate still catches defects, only photos with labels can show."
        )
    return "open", (
        f"No change seen in the photos of {parts} and in what the network says of them. Whether the gate still catches "
        "defects, only photos with labels can show."
    )


def _holds(validation: Validation, silence: str) -> tuple[State, str]:
    promise, parts = validation.promise, parts_words(validation)
    if promise is None:
        missed = next(one for one in validation.rates if one.name == MISSED)
        most = f" by up to {points(missed.difference.high)}" if missed.difference else ""
        return "open", (
            f"Whether the gate holds is not known: missed defects may have risen{most}. {silence}".rstrip()
        )
    proves = f"at most {ceiled(promise.bound.at_most)} of {unit_words(promise)} pass"
    if promise.proven:
        return "fine", f"The gate holds as far as {parts} can tell: they alone prove that {proves}."
    if promise.bound.passed > promise.limit:
        return "open", (
            f"Whether the gate holds is not known yet, but it does not look like it: {percent(promise.bound.passed)} "
            f"of {units_words(promise)} pass and {limit_words(promise)} were promised, which may still be chance. "
            f"{more_words(promise)}"
        )
    return "open", (
        f"Whether the gate holds is not known yet. {silence}{units_words(promise)} prove no more than that {proves}; "
        f"{limit_words(promise)} were promised. {more_words(promise)}"
    )


def _moved_words(validation: Validation) -> str:
    """Return what has changed besides the verdicts, "" for nothing."""
    names = list(dict.fromkeys(STATISTIC_WORDS[one.name] for one in validation.images if one.told.moved))
    names += ["the size of the photos"] if validation.size else []
    unlike = validation.unlike
    names += ["photos unlike those of training"] if unlike and unlike.is_more_than_expected else []
    names += [f"what the network says of {one.kind}" for one in validation.said if one.told.moved]
    names += ["calibration"] if validation.calibration and validation.calibration.has_drifted else []
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _is_worse(change: RateChange) -> bool:
    is_worse = change.difference is not None and change.difference.says == "higher"
    return is_worse and change.name in (MISSED, FALSE_ALARMS)
