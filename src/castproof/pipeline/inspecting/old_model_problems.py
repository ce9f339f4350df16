"""What is wrong with what a person typed about an old model, field by field and in words."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from castproof.files import name_key
from castproof.images import MAX_SIDE_PX
from castproof.preprocess import IMAGENET_MEAN
from castproof.runtime.legacy_settings import CHANNELS, MIN_SIDE_PX, OUTPUTS
from castproof.translation import tr

if TYPE_CHECKING:
    from castproof.pipeline.inspecting.old_model_settings import OldModelSettings

IMAGENET: Final = "imagenet"
HALF: Final = "half"
OWN: Final = "own"
NORMALISATIONS: Final = (IMAGENET, HALF, OWN)


def problems_of(settings: "OldModelSettings") -> dict[str, str]:
    """Return what is wrong, in words, by field name in the order of the fields; empty where nothing is."""
    found = {name: check(settings) for name, check in _CHECKS.items()}
    return {name: text for name, text in found.items() if text}


def names_in(text: str) -> tuple[str, ...]:
    """Return the names in a text with commas between them, without the blanks around them."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def numbers_in(text: str, count: int) -> tuple[float, ...]:
    """Return the numbers in a text, one for each of `count` channels; a single one is taken for all.

    Commas stand between them, or semicolons; beside semicolons, or in a single number of one channel, a comma may
    stand for the decimal point: "0.485, 0.456, 0.406" or "0,485; 0,456; 0,406".

    Raises:
        ValueError: they are no numbers.
    """
    has_semicolons = ";" in text
    parts = text.split(";") if has_semicolons else [text] if count == 1 else text.split(",")
    decimal = has_semicolons or count == 1
    numbers = tuple(float(with_point(part) if decimal else part) for part in parts)
    return numbers * count if len(numbers) == 1 else numbers


def with_point(text: str) -> str:
    """Return the text of one number with a decimal point where it may have a comma."""
    return text.replace(",", ".")


def _classes_problem(settings: "OldModelSettings") -> str:
    names = names_in(settings.classes)
    if len(names) < 2:
        return tr("Name all classes, at least two, with commas between.")
    keys = [name_key(name) for name in names]
    twice = [name for name in names if keys.count(name_key(name)) > 1]
    return tr("Named twice: {name}", name=twice[0]) if twice else ""


def _good_problem(settings: "OldModelSettings") -> str:
    classes, good = names_in(settings.classes), names_in(settings.good)
    if not good:
        return tr("Name the good ones of the classes.")
    others = [name for name in good if name not in classes]
    if others:
        return tr("Not one of the classes: {name}. Spell it as there.", name=others[0])
    if len(set(good)) < len(good):
        return tr("Each is named once.")
    return tr("At least one class must be defective.") if len(good) == len(classes) else ""


def _side_problem(text: str) -> str:
    digits = text.strip()
    fits = digits.isascii() and digits.isdecimal() and MIN_SIDE_PX <= int(digits[:9]) <= MAX_SIDE_PX
    if fits and len(digits) < 9:
        return ""
    return tr("A whole number of pixels, {least} to {most}.", least=MIN_SIDE_PX, most=MAX_SIDE_PX)


def _crop_problem(settings: "OldModelSettings") -> str:
    return _side_problem(settings.crop) if settings.crops else ""


def _resize_problem(settings: "OldModelSettings") -> str:
    if not settings.crops or not settings.resize.strip():
        return ""
    problem = _side_problem(settings.resize)
    if problem or _crop_problem(settings) or int(settings.crop) <= int(settings.resize):
        return problem
    return tr("No less than the crop.")


def _normalisation_problem(settings: "OldModelSettings") -> str:
    if settings.normalisation == IMAGENET and CHANNELS.get(settings.channels) != len(IMAGENET_MEAN):
        return tr("The numbers of ImageNet are for colour: choose 0.5 or own.")
    return _choice_problem(settings.normalisation, NORMALISATIONS)


def _choice_problem(value: str, choices: Sequence[str]) -> str:
    return "" if value in choices else tr("Choose one.")


def _scale_problem(settings: "OldModelSettings", text: str, above_zero: bool) -> str:
    count = CHANNELS.get(settings.channels, 0)
    if settings.normalisation != OWN or not count:
        return ""
    try:
        numbers = numbers_in(text, count)
    except ValueError:
        numbers = ()
    fits = all(math.isfinite(one) and 0 <= one <= 1 for one in numbers)
    if len(numbers) == count and fits and not (above_zero and min(numbers) <= 0):
        return ""
    if above_zero:
        return tr("Above 0, up to 1. Numbers, one per channel: {count}", count=count)
    return tr("From 0 to 1. Numbers, one per channel: {count}", count=count)


def _threshold_problem(settings: "OldModelSettings") -> str:
    return "" if _share(settings.threshold) is not None else tr("A number from 0 to 1.")


def _reject_problem(settings: "OldModelSettings") -> str:
    if not settings.reject_from.strip():
        return ""
    lower, upper = _share(settings.threshold), _share(settings.reject_from)
    if upper is None:
        return tr("A number from 0 to 1, or empty.")
    return tr("No less than the threshold.") if lower is not None and upper < lower else ""


def _share(text: str) -> float | None:
    try:
        number = float(with_point(text))
    except ValueError:
        return None
    return number if 0 <= number <= 1 else None


_CHECKS: Final[Mapping[str, Callable[["OldModelSettings"], str]]] = {
    "classes": _classes_problem,
    "good": _good_problem,
    "channels": lambda it: _choice_problem(it.channels, tuple(CHANNELS)),
    "size": lambda it: _side_problem(it.size),
    "normalisation": _normalisation_problem,
    "mean": lambda it: _scale_problem(it, it.mean, above_zero=False),
    "std": lambda it: _scale_problem(it, it.std, above_zero=True),
    "resize": _resize_problem,
    "crop": _crop_problem,
    "output": lambda it: _choice_problem(it.output, OUTPUTS),
    "threshold": _threshold_problem,
    "reject_from": _reject_problem,
}
