"""What a person must tell about an old model, as it is typed: checked field by field, and kept as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from castproof.errors import SettingError
from castproof.measure.decision import Thresholds
from castproof.pipeline.inspecting.old_model_problems import (
    IMAGENET,
    OWN,
    names_in,
    numbers_in,
    problems_of,
    with_point,
)
from castproof.preprocess import IMAGENET_MEAN, IMAGENET_STD
from castproof.runtime.legacy_kind import LegacyKind
from castproof.runtime.legacy_settings import CHANNELS, LOGITS, RGB, LegacySettings, Trust
from castproof.translation import tr

_NOT_KEPT: Final = "trusted_sha256"
_MOST_KEPT: Final = 4096  # characters of a field


@dataclass(frozen=True)
class OldModelSettings:
    """What a person types about an old model; any text may stand in any field, see `problems`.

    Args:
        classes: exact names in the order of the model's outputs, with commas between.
        good: those of them that are good, with commas between.
        channels: "rgb" or "grey".
        size: side of the square that the model takes, pixels.
        normalisation: "imagenet", "half" (mean and std 0.5) or "own".
        mean: of the own normalisation, per channel or one for all, on the scale [0, 1]; see `numbers_in`.
        std: likewise.
        crops: whether the middle of the photo is cut out.
        resize: with `crops`, shorter side of the photo before, pixels; "": as it is.
        crop: with `crops`, side of the square that is cut out, pixels.
        output: "logits" or "probabilities".
        threshold: on p_defective, where ACCEPT ends, in [0, 1].
        reject_from: where REJECT begins, in [threshold, 1]; "": at the threshold, so that nothing is REVIEW.
        trusted_sha256: of the file that the person agreed to open; "" before that. It is never kept on a disk.
    """

    classes: str = ""
    good: str = ""
    channels: str = RGB
    size: str = "224"
    normalisation: str = IMAGENET
    mean: str = "0.5"
    std: str = "0.5"
    crops: bool = False
    resize: str = "256"
    crop: str = "224"
    output: str = LOGITS
    threshold: str = "0.5"
    reject_from: str = ""
    trusted_sha256: str = ""

    def problems(self) -> dict[str, str]:
        """Return what is wrong, in words, by field name in the order of the fields; empty where nothing is."""
        return problems_of(self)

    def legacy_settings(self) -> LegacySettings:
        """Return how photos go into the model and what comes out. Raises SettingError, with every problem."""
        self._need_no_problems()
        mean, std = self.scale()
        return LegacySettings(
            classes=names_in(self.classes),
            good=names_in(self.good),
            channels=self.channels,
            size_px=int(self.size),
            mean=mean,
            std=std,
            resize_px=int(self.resize) if self.crops and self.resize.strip() else None,
            crop_px=int(self.crop) if self.crops else None,
            output=self.output,
        )

    def thresholds(self) -> Thresholds:
        """Return the thresholds on p_defective. Raises SettingError, with every problem."""
        self._need_no_problems()
        upper = self.reject_from.strip() or self.threshold
        return Thresholds(float(with_point(self.threshold)), float(with_point(upper)))

    def trust(self, kind: LegacyKind) -> Trust:
        """Return what the person agreed to, for a file of this kind: nothing without its SHA-256."""
        if not self.trusted_sha256:
            return Trust()
        script = kind is LegacyKind.TORCHSCRIPT
        return Trust(pickle=not script, torchscript=script, sha256=self.trusted_sha256)

    def scale(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return mean and std per channel, on the scale [0, 1]. Raises ValueError where they are no numbers."""
        count = CHANNELS[self.channels]
        if self.normalisation == OWN:
            return numbers_in(self.mean, count), numbers_in(self.std, count)
        return (IMAGENET_MEAN, IMAGENET_STD) if self.normalisation == IMAGENET else ((0.5,) * count,) * 2

    @property
    def can_swap(self) -> bool:
        """Whether there are two classes, so that their order can be reversed."""
        return len(names_in(self.classes)) == 2

    def swapped(self) -> "OldModelSettings":
        """Return the settings with the two classes in the other order; any other number of classes stays as it is.

        Somebody who sees that all verdicts are inverted has named the classes in the wrong order: the output that was
        read as "ok" is that of "def". So the names change places and the good class stays the same name; every
        p_defective p becomes 1 - p. Calling the other name good would invert the verdicts, too, but would call good
        castings defective in every list and export. Both together would change nothing.
        """
        if not self.can_swap:
            return self
        return replace(self, classes=", ".join(reversed(names_in(self.classes))))

    def outputs(self) -> str:
        """Return in words what each output of the model is called, and whether it is good."""
        good, parts = names_in(self.good), []
        for number, name in enumerate(names_in(self.classes), 1):
            text = (
                tr("output {number} = {name} (good)", number=number, name=name)
                if name in good
                else tr("output {number} = {name} (defective)", number=number, name=name)
            )
            parts.append(text)
        return " · ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values, without the consent: that is asked for each time a file is opened."""
        return {name: value for name, value in asdict(self).items() if name != _NOT_KEPT}

    @classmethod
    def from_json(cls, data: Any) -> "OldModelSettings":
        """Return what `to_json` gave; what is missing, unknown or of another type is as at the start."""
        kept = data if isinstance(data, Mapping) else {}
        start = cls()
        taken: dict[str, Any] = {}
        for one in fields(cls):
            value = kept.get(one.name)
            fits = type(value) is type(getattr(start, one.name)) and len(str(value)) <= _MOST_KEPT
            if fits and one.name != _NOT_KEPT:
                taken[one.name] = value
        return replace(start, **taken)

    def _need_no_problems(self) -> None:
        problems = self.problems()
        if problems:
            raise SettingError(
                tr("The settings of the old model cannot be used."),
                fix=tr("Open it again and correct them."),
                items=[f"{labels()[name]}: {text}" for name, text in problems.items()],
            )


def labels() -> dict[str, str]:
    """Return what each field of `OldModelSettings` is called in the window, in the order of the fields."""
    return {
        "classes": tr("Classes"),
        "good": tr("Good classes"),
        "channels": tr("Channels"),
        "size": tr("Input size (px)"),
        "normalisation": tr("Normalisation"),
        "mean": tr("Mean"),
        "std": tr("Std"),
        "crops": tr("Centre crop"),
        "resize": tr("Resize (px)"),
        "crop": tr("Crop (px)"),
        "output": tr("Outputs are"),
        "threshold": tr("Threshold"),
        "reject_from": tr("REJECT from"),
    }
