"""How things are said to the inspector: the same words in the panel, in the status line and in what is handed on."""

from typing import Final

from castproof.measure.decision import SUSPECT, Thresholds, Verdict
from castproof.measure.decision import is_defective as is_on_defective_side
from castproof.pipeline.inspecting.inspector_verdict import InspectorVerdict
from castproof.pipeline.inspecting.judgements import Tally
from castproof.pipeline.predicting.prediction import DEFECTIVE, GOOD, Prediction
from castproof.runtime.inspection import Inspection
from castproof.translation import ENGLISH, language, tr
from castproof.wording import percent, probability

SYMBOLS: Final = {
    Verdict.ACCEPT: "✔",
    Verdict.REVIEW: "?",
    Verdict.REJECT: "✖",
    Verdict.NOT_INSPECTED: "⊘",
}
PENDING_SYMBOL: Final = "·"


def class_mapping(good: tuple[str, ...], defective: tuple[str, ...]) -> str:
    """Return which class names mean what; *defective* is the positive class."""
    return tr(
        "Defective (positive) = {defective} · Good = {good}",
        defective=", ".join(defective),
        good=", ".join(good),
    )


def label_word(label: str) -> str:
    """Return "defective" or "good" in the current language, "" for ""."""
    return {DEFECTIVE: tr("defective"), "": ""}.get(label, tr("good"))


def verdict_meaning(verdict: Verdict | None) -> str:
    """Return what is to be done with the part, in a few words."""
    return {
        Verdict.ACCEPT: tr("good: let it pass"),
        Verdict.REVIEW: tr("not sure: you decide"),
        Verdict.REJECT: tr("defective: sort it out"),
        Verdict.NOT_INSPECTED: tr("could not be inspected: you decide"),
        None: tr("not judged yet"),
    }[verdict]


def what_to_do(verdict: Verdict, inspection: Inspection | None) -> str:
    """Return the meaning of `verdict`, and in a second line the defect type that the photo looks like, if any."""
    name = None if inspection is None or verdict not in SUSPECT else inspection.looks_like
    meaning = verdict_meaning(verdict)
    return meaning if name is None else f"{meaning}\n{tr('Looks like: {name} (not proven)', name=name)}"


def threshold_words(thresholds: Thresholds) -> str:
    """Return what p_defective gives which verdict, in one line."""
    low, high = probability(thresholds.threshold), probability(thresholds.reject_from)
    if thresholds.reviews:
        return f"ACCEPT < {low} ≤ REVIEW < {high} ≤ REJECT"
    return f"ACCEPT < {low} ≤ REJECT"


def changed_thresholds(*, promises: bool) -> str:
    """Return what is said where thresholds are set that are not the model's own.

    Args:
        promises: whether the model promises anything at its own.
    """
    if promises:
        return tr("Changed: not the model's own thresholds. What the model promises does not hold.")
    return tr("Changed: not the model's own thresholds.")


def match_word(prediction: Prediction) -> str:
    """Return MATCH or MISMATCH between the folder of a photo and its verdict; "" for neither."""
    if prediction.correct is None:
        return ""
    return tr("MATCH ✔") if prediction.correct else tr("MISMATCH ✖")


def truth_words(prediction: Prediction) -> str:
    """Return ground truth and verdict, such as "ground truth: ok (good) → ACCEPT → MATCH"; "" without a label."""
    if not prediction.label:
        return ""
    truth = tr(
        "ground truth: {name} ({label})", name=prediction.class_name, label=label_word(prediction.label)
    )
    return " → ".join(filter(None, (truth, prediction.verdict.value, match_word(prediction))))


def warning_words(warning: str) -> str:
    """Return in which way a photo is unlike those of training, in the current language."""
    if language() == ENGLISH:
        return warning
    for phrase, translated in _phrases():
        warning = warning.replace(phrase, translated)
    return warning


def _phrases() -> list[tuple[str, str]]:
    """Return what warnings are made of, and what it is called; longer phrases first."""
    pairs = {
        "wrong shape": tr("wrong shape"),
        "much smaller than the training photos": tr("much smaller than the training photos"),
        "far too dark": tr("far too dark"),
        "far too bright": tr("far too bright"),
        "hardly any contrast": tr("hardly any contrast"),
        "far too much contrast": tr("far too much contrast"),
        "too much of it is black": tr("too much of it is black"),
        "too much of it is white": tr("too much of it is white"),
        "blurred": tr("blurred"),
        "grainy or full of fine detail": tr("grainy or full of fine detail"),
        "too little colour": tr("too little colour"),
        "too much colour": tr("too much colour"),
        "mean grey level": tr("mean grey level"),
        "standard deviation of grey levels": tr("standard deviation of grey levels"),
        "share of black pixels": tr("share of black pixels"),
        "share of white pixels": tr("share of white pixels"),
        "sharpness": tr("sharpness"),
        "mean difference of the colour channels": tr("mean difference of the colour channels"),
        "unlike the training photos (object, place, background or light)": tr(
            "unlike the training photos (object, place, background or light)"
        ),
        "novelty": tr("novelty"),
        "at least": tr("at least"),
        "at most": tr("at most"),
        "training photos": tr("training photos"),
        "pixels": tr("pixels"),
        " to ": tr(" to "),
    }
    return sorted(pairs.items(), key=lambda pair: -len(pair[0]))


def figures(prediction: Prediction, latency_ms: float | None) -> list[tuple[str, str]]:
    """Return names and values of what a verdict rests on.

    Args:
        prediction: on the photo.
        latency_ms: how long the model took for it; None where that was not measured.
    """
    p, cuts = prediction.p_defective, prediction.thresholds
    if p is None:
        return []
    is_defective = is_on_defective_side(p, cuts.threshold)
    found = [
        (tr("Label"), label_word(DEFECTIVE if is_defective else GOOD)),
        ("p(DEF)", probability(p)),
        ("p(OK)", probability(1 - p)),
        (tr("Confidence"), percent(p if is_defective else 1 - p)),
    ]
    if latency_ms is not None:
        found.append((tr("Time"), f"{latency_ms:.1f} ms"))
    return found


def tally_words(tally: Tally) -> str:
    """Return what the verdicts on a folder are, and how many are wrong where its folders are classes of the model."""
    lines = [
        f"ACCEPT {tally.accept:,} · REVIEW {tally.review:,} · REJECT {tally.reject:,}"
        + (f" · NOT_INSPECTED {tally.not_inspected:,}" if tally.not_inspected else "")
    ]
    if tally.labelled:
        lines.append(
            tr(
                "Missed defects: {missed} of {defective}",
                missed=f"{tally.missed:,}",
                defective=f"{tally.defective:,}",
            )
        )
        lines.append(
            tr("False alarms: {alarms} of {good}", alarms=f"{tally.false_alarms:,}", good=f"{tally.good:,}")
        )
    if tally.unlike:
        lines.append(tr("Unlike the training photos: {count}", count=f"{tally.unlike:,}"))
    return "\n".join(lines)


def decided_words(verdict: InspectorVerdict) -> str:
    """Return what an inspector said about a photo, in one or two lines."""
    word = tr("good") if verdict.decided is Verdict.ACCEPT else tr("defective")
    how = {True: tr("confirmed"), False: tr("overruled"), None: tr("decided")}[verdict.agrees]
    notes = " · ".join(filter(None, (verdict.reason, verdict.comment)))
    first = f"{SYMBOLS[verdict.decided]} {word}, {how}: {verdict.inspector}"
    return f"{first}\n{notes}" if notes else first
