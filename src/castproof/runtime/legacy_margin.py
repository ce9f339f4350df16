"""From the outputs of an old model to the logit of defective minus that of good; needs PyTorch."""

from typing import TYPE_CHECKING, Any, Final

from castproof.errors import ModelFileError
from castproof.runtime.legacy_settings import LOGITS, PROBABILITIES, LegacySettings

if TYPE_CHECKING:
    import torch

SMALLEST_P: Final = 1e-16  # its logit is -37, where `castproof.gate.evidence.logit_of` ends, too
SUM_TOLERANCE: Final = 5e-3  # wide enough for a softmax in half precision
MIN_PHOTOS_TO_TELL: Final = 16  # of one output: so many logits between 0 and 1 in a row are probabilities


def margin_of(outputs: "torch.Tensor", settings: LegacySettings) -> "torch.Tensor":
    """Return the logit of defective minus that of good, float32 (n,); can be exported.

    Of several logits it is the logarithm of the sum of exp over the defective outputs minus that over the good ones;
    of several probabilities, of their sum, taken as `SMALLEST_P` at least. One output speaks of the second class.

    Args:
        outputs: (n,) or (n, 1) with two classes, else (n, classes).
        settings: which outputs are good, and what they are.
    """
    import torch

    values = outputs.float()
    if values.ndim == 1 or values.size(1) == 1:
        second = values.reshape(-1)
        if settings.output == PROBABILITIES:
            second = _log(second) - _log(1 - second)
        return second if settings.defective_outputs == (1,) else -second
    defective = values[:, list(settings.defective_outputs)]
    good = values[:, list(settings.good_outputs)]
    if settings.output == PROBABILITIES:
        return _log(defective.sum(1)) - _log(good.sum(1))
    return torch.logsumexp(defective, 1) - torch.logsumexp(good, 1)


def check_outputs(outputs: Any, photos: int, settings: LegacySettings) -> None:
    """Raise ModelFileError where the outputs for that many photos are not what the settings say."""
    _check_shape(outputs, photos, settings)
    rows = outputs.reshape(photos, -1).float()
    known = rows[~rows.isnan().any(1)]
    if len(known) == 0:
        return
    is_single = known.shape[1] == 1
    are_probabilities = _are_probabilities(known)
    found = f"Such as {', '.join(f'{value:.4g}' for value in known[0].tolist()[:8])}."
    if settings.output == PROBABILITIES and not are_probabilities:
        raise ModelFileError(
            "The outputs of the model are no probabilities.",
            rule="Probabilities lie between 0 and 1; those of several classes have the sum 1.",
            found=found,
            fix="Where the model ends without softmax or sigmoid, say --output logits.",
        )
    is_told = not is_single or len(known) >= MIN_PHOTOS_TO_TELL
    if settings.output == LOGITS and are_probabilities and is_told:
        raise ModelFileError(
            "The outputs of the model look like probabilities, not logits.",
            rule="All lie between 0 and 1" + ("." if is_single else ", and those of a photo have the sum 1."),
            found=found,
            fix="The model ends with softmax or sigmoid: say --output probabilities.",
        )


def _are_probabilities(rows: "torch.Tensor") -> bool:
    in_range = bool(((rows >= -SUM_TOLERANCE) & (rows <= 1 + SUM_TOLERANCE)).all())
    return in_range and (rows.shape[1] == 1 or bool(((rows.sum(1) - 1).abs() <= SUM_TOLERANCE).all()))


def _check_shape(outputs: Any, photos: int, settings: LegacySettings) -> None:
    import torch

    count = len(settings.classes)
    shapes = [(photos, count)] + ([(photos,), (photos, 1)] if count == 2 else [])
    if not isinstance(outputs, torch.Tensor):
        found = f"It gives a {type(outputs).__name__}."
    elif tuple(outputs.shape) not in shapes:
        found = f"It gives the shape {shape_of(outputs)} for {photos} photos and {count} classes."
    elif not outputs.is_floating_point():
        found = f"It gives numbers of the type {outputs.dtype}."
    else:
        return
    raise ModelFileError(
        "The outputs of the model do not fit its classes.",
        rule=f"For n photos of {count} classes it gives one tensor of floating-point numbers, (n, {count})"
        + (", (n, 1) or (n)." if count == 2 else "."),
        found=found,
        fix="Name all classes in the order of the outputs with --classes. A model that gives more than that needs a "
        "small module around it that returns the logits.",
    )


def shape_of(tensor: "torch.Tensor") -> str:
    """Return the shape in words, such as (2, 3)."""
    return f"({', '.join(map(str, tensor.shape))})"


def _log(p: "torch.Tensor") -> "torch.Tensor":
    return p.clamp(min=SMALLEST_P).log()
