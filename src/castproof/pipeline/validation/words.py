"""What a validation says, in sentences that do not take silence for proof."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from castproof.gate.choice import ceiled
from castproof.gate.policy import PER_PHOTO
from castproof.measure.intervals import Rate
from castproof.pipeline.validation.calibration import CalibrationCheck
from castproof.pipeline.validation.changes import ANY_KIND, DEFECTIVE_PARTS, GOOD_PARTS, Change
from castproof.pipeline.validation.rates import FALSE_ALARMS, MISSED, PromiseCheck, RateChange
from castproof.pipeline.validation.unlike import Unlike
from castproof.pipeline.validation.validate import Validation
from castproof.wording import counted, decimal, percent, stated

State = Literal["alarm", "warn", "open", "fine"]
STATISTIC_WORDS: Final = {
    "brightness": "brightness",
    "contrast": "contrast",
    "glare": "glare",
    "rim_contrast": "contrast at the rim",
    "sharpness": "sharpness",
    "centre_x": "place across the photo",
    "centre_y": "place down the photo",
    "extent": "extent of the part",
    "network": "logit",
    "clearness": "distance of the logit from where ACCEPT ends",
}
CANNOT_TELL: Final = "inconclusive"
FOUR_OF_FIVE: Final = "in four of five cases"
MOST_PARTS_ASKED_FOR: Final = 1_000
ONE: Final = {GOOD_PARTS: "good part", DEFECTIVE_PARTS: "defective part", ANY_KIND: "part"}


@dataclass(frozen=True)
class Finding:
    """One answer.

    Args:
        title: the question.
        state: "alarm" where it does not hold, "warn" where something changed, "open" where nobody can tell, "fine".
        says: the answer in a few words.
        text: the answer with its figures.
    """

    title: str
    state: State
    says: str
    text: str


def findings(validation: Validation) -> list[Finding]:
    """Return every single answer, the most important first; of photos of another kind nothing about verdicts."""
    found = [] if validation.unlike is None else [_input(validation.unlike)]
    if not validation.is_another_kind:
        if validation.promise is not None:
            found.append(_promise(validation.promise))
        found += map(_rate, validation.rates)
        if validation.calibration is not None:
            found.append(_calibration(validation.calibration))
    found.append(_network(validation))
    found.append(_images(validation))
    if validation.size is not None:
        size = validation.size
        found.append(
            Finding(
                "size of photos",
                "warn",
                "other",
                f"{size.photos:,} of {counted(size.of, 'photo')} have a size that no photo of the run has, for "
                f"example {size.size[0]} × {size.size[1]} instead of {size.usual[0]} × {size.usual[1]} pixels.",
            )
        )
    return found


def _input(unlike: Unlike) -> Finding:
    text = (
        f"{share_words(unlike.rate)} are unlike the training photos; at the station the input gate makes them REVIEW, "
        f"whatever their p_defective. {reasons_words(unlike)}"
    ).rstrip()
    if unlike.is_another_kind:
        return Finding("like the training photos", "alarm", "another kind", text)
    if unlike.is_more_than_expected:
        return Finding("like the training photos", "warn", "some are not", text)
    return Finding("like the training photos", "fine", "alike", text)


def reasons_words(unlike: Unlike) -> str:
    """Return in which ways photos are unlike those of training, and how many, in a sentence; "" for none."""
    told = "; ".join(f"{words} ({counted(count, 'photo')})" for words, count in unlike.reasons)
    return f"Reasons: {told}." if told else ""


def _promise(promise: PromiseCheck) -> Finding:
    told = promise.bound
    text = (
        f"At most {limit_words(promise)} of {unit_words(promise)} may pass. Of {units_words(promise)}, "
        f"{percent(told.passed)} pass now; alone this proves that at most {ceiled(told.at_most)} do "
        f"({stated(told.confidence)} confidence). "
    )
    if promise.broken:
        return Finding("promise", "alarm", "broken", text + "The promise is broken.")
    if promise.proven:
        return Finding("promise", "fine", "holds", text + "The promise holds.")
    return Finding("promise", "open", CANNOT_TELL, text + more_words(promise))


def _rate(change: RateChange) -> Finding:
    text = f"{share_words(change.now)}, at training {share_words(change.before)}. "
    difference = change.difference
    if difference is None:
        return Finding(change.name, "open", CANNOT_TELL, text + "There is nothing to compare.")
    text += (
        f"Difference {points(difference.now_less_before)}, 95% interval {points(difference.low)} to "
        f"{points(difference.high)}: "
    )
    if difference.says == "higher":
        state: State = "alarm" if change.name in (MISSED, FALSE_ALARMS) else "warn"
        return Finding(change.name, state, "more", f"{text}more than at training.")
    if difference.says == "lower":
        return Finding(change.name, "fine", "fewer", f"{text}fewer than at training.")
    return Finding(change.name, "open", CANNOT_TELL, f"{text}inconclusive.{_to_tell(change)}")


def _to_tell(change: RateChange) -> str:
    """Return what it takes to tell a higher rate from none; "" where it is not higher."""
    difference = change.difference
    if difference is None or difference.now_less_before <= 0:
        return ""
    more = difference.more_parts
    if more is not None and more <= MOST_PARTS_ASKED_FOR:
        return f" About {counted(more, f'more {change.kind} part')} would show so large a rise."
    few = counted(change.before.parts, f"{change.kind} part")
    return f" New parts alone cannot show so small a rise, since training has {few}."


def _calibration(check: CalibrationCheck) -> Finding:
    now = check.now.drift
    text = (
        f"p_defective promises {now.expected:.1f} defective parts of {now.parts:,}, {now.low:,} to {now.high:,} in "
        f"95% of all cases; there are {now.defective_parts:,}. ECE {decimal(check.now.ece)}, at training "
        f"{decimal(check.before.ece)}. "
    )
    if check.has_drifted:
        return Finding("calibration", "warn", "drifted", f"{text}p_defective does not hold any more.")
    if now.moved:
        return Finding("calibration", "open", "as before", f"{text}It does not hold, nor did it at training.")
    return Finding("calibration", "open", "no drift seen", f"{text}With so few parts this is no proof.")


def _network(validation: Validation) -> Finding:
    return _compared("network", validation.said, "what the network says")


def _images(validation: Validation) -> Finding:
    if not validation.images:
        return Finding(
            "photos",
            "open",
            "not compared",
            "The photos of the run are not on this disk: nothing shows whether light, focus or position changed.",
        )
    return _compared("photos", validation.images, "light, focus and position")


def _compared(title: str, found: Sequence[Change], about: str) -> Finding:
    moved = [one for one in found if one.told.moved]
    if moved:
        text = "; ".join(map(moved_words, moved))
        return Finding(title, "warn", "changed", f"{text[0].upper()}{text[1:]}.")
    limits = "; ".join(_limits(found))
    if not limits:
        return Finding(title, "open", CANNOT_TELL, f"There are too few parts at training to compare {about}.")
    return Finding(title, "open", "no change seen", f"{about[0].upper()}{about[1:]}: {limits}.")


def moved_words(change: Change) -> str:
    """Return how one number has changed."""
    told = change.told
    name = f"{STATISTIC_WORDS[change.name]} of {change.kind}"
    if told.in_what == "spread" and told.spread is not None:
        return f"{name} {'varies more' if told.spread > 1 else 'varies less'} ({told.spread:.2g} times)"
    by = "" if told.shift is None else f", {told.shift:+.1f} standard deviations"
    return f"{name} {'rose' if told.now > told.before else 'fell'} ({told.before:.3g} to {told.now:.3g}{by})"


def _limits(found: Sequence[Change]) -> Iterator[str]:
    """Yield, for every kind of parts, the smallest change that so many show."""
    for kind in dict.fromkeys(one.kind for one in found):
        told = next(one.told for one in found if one.kind == kind)
        parts = f"{counted(told.parts_now, ONE[kind], kind)} beside {told.parts_before:,}"
        if told.can_tell:
            yield f"{parts} show a shift of {told.noticeable:.1f} standard deviations {FOUR_OF_FIVE}"
        else:
            yield f"{parts} can show no change"


def more_words(promise: PromiseCheck) -> str:
    """Return how many more parts it takes to prove that a promise is kept, or broken."""
    if promise.more_parts is None:
        return "Where exactly so many pass as were promised, no number of parts would show it."
    few = promise.more_parts <= MOST_PARTS_ASKED_FOR
    more = counted(min(promise.more_parts, MOST_PARTS_ASKED_FOR), "more defective part")
    about = "about" if few else "more than"
    if promise.bound.passed > promise.limit:
        return f"{about.capitalize()} {more} like these would prove that the promise is broken."
    return f"It takes {about} {more} like these to prove the promise again."


def parts_words(validation: Validation) -> str:
    """Return how many parts count, by label."""
    if not validation.labelled:
        return counted(validation.parts, "part")
    told = validation.evidence
    defective, good = told.parts(defective=True), told.parts(defective=False)
    return f"{defective:,} defective and {counted(good, 'good part')}"


def limit_words(promise: PromiseCheck) -> str:
    """Return the promised miss rate."""
    return stated(promise.limit)


def unit_words(promise: PromiseCheck) -> str:
    """Return what a promise counts."""
    return "defective photos" if promise.bound.per == PER_PHOTO else "defective parts"


def units_words(promise: PromiseCheck) -> str:
    """Return how many defective parts a promise was checked on."""
    return counted(promise.bound.parts, "defective part")


def share_words(rate: Rate) -> str:
    """Return a share with its counts, for example "2.5% (3 of 40 photos, 1 of 9 parts)"."""
    if rate.share is None:
        return "no photos"
    return (
        f"{percent(rate.share)} ({rate.hits:,} of {counted(rate.photos, 'photo')}, {rate.parts_hit:,} of "
        f"{counted(rate.parts, 'part')})"
    )


def points(share: float) -> str:
    """Return a difference of shares in percentage points, with its sign."""
    return f"{100 * share:+.1f} points"
