"""The input gate: whether a photo is like the training photos at all; needs numpy alone.

A photo that is not gives REVIEW with the reason, whatever the network says of it. Two things are looked at: plain
numbers about its pixels, and the novelty of the network's features (see `castproof.model.novelty`).
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from castproof.errors import DataError
from castproof.modelfile.photo_numbers import PhotoNumbers

# Number, then what is said below the lower limit and above the upper one; "" where there is no such limit.
_WORDS: Final = {
    "shape": ("wrong shape", "wrong shape"),
    "side": ("much smaller than the training photos", ""),
    "brightness": ("far too dark", "far too bright"),
    "contrast": ("hardly any contrast", "far too much contrast"),
    "dark_share": ("", "too much of it is black"),
    "bright_share": ("", "too much of it is white"),
    "sharpness": ("blurred", "grainy or full of fine detail"),
    "colourfulness": ("too little colour", "too much colour"),
}
_MEASURED: Final = {
    "brightness": "mean grey level",
    "contrast": "standard deviation of grey levels",
    "dark_share": "share of black pixels",
    "bright_share": "share of white pixels",
    "sharpness": "sharpness",
    "colourfulness": "mean difference of the colour channels",
}
NUMBERS: Final = tuple(_WORDS)
_LARGEST: Final = 1e300  # false for infinity and for no number, too


@dataclass(frozen=True)
class Limit:
    """What one number of a photo may be.

    Args:
        name: one of NUMBERS.
        low: the least; None where there is no such limit.
        high: the most; None where there is no such limit.
        trained_low: about the least among the training photos.
        trained_high: about the most among the training photos.
    """

    name: str
    low: float | None
    high: float | None
    trained_low: float
    trained_high: float

    def reason(self, numbers: PhotoNumbers, size: tuple[int, int]) -> str:
        """Return what is wrong with the photo, or "".

        Args:
            numbers: of the photo.
            size: width and height of most training photos, pixels.
        """
        value = float(getattr(numbers, self.name))
        too_low = self.low is not None and not value >= self.low  # no number is a reason, too
        too_high = self.high is not None and not value <= self.high
        if not (too_low or too_high):
            return ""
        words = _WORDS[self.name][0 if too_low else 1]
        if self.name not in _MEASURED:
            seen = f"{numbers.width} x {numbers.height} pixels"
            return f"{words}: {seen}, training photos {size[0]} x {size[1]}"
        trained = f"{_plain(self.trained_low)} to {_plain(self.trained_high)}"
        limit = f"at least {_plain(self.low or 0)}" if too_low else f"at most {_plain(self.high or 0)}"
        return f"{words}: {_MEASURED[self.name]} {_plain(value)}, {limit} (training photos {trained})"


@dataclass(frozen=True)
class FalseAlarms:
    """How often the gate alarmed on training photos, with limits from the photos of other parts alone.

    Args:
        rate: share of photos with a reason, each part weighted equally, in [0, 1].
        photos: number of photos with a reason.
        of_photos: number of photos.
        of_parts: number of parts.
    """

    rate: float
    photos: int
    of_photos: int
    of_parts: int


@dataclass(frozen=True)
class InputGate:
    """Limits that nearly all photos like the training photos keep.

    Args:
        size: width and height of most training photos, pixels.
        limits: one for each of NUMBERS.
        novelty_limit: the largest novelty of a photo like the training photos, above 0.
        false_alarm_rate: what the limits were chosen for, in (0, 1): share of photos of new parts with a reason.
        false_alarms: what was measured.

    Raises:
        DataError: the values are those of no gate.
    """

    size: tuple[int, int]
    limits: tuple[Limit, ...]
    novelty_limit: float
    false_alarm_rate: float
    false_alarms: FalseAlarms

    def __post_init__(self) -> None:
        if not (self._limits_are_right() and self._counts_are_right()):
            raise DataError(
                "The stored input gate cannot be used.",
                rule="It has one limit for each number of a photo, and finite values in order.",
                found=f"Found {self}.",
                fix="Export the model again.",
            )

    def reasons(self, numbers: PhotoNumbers, novelty: float) -> tuple[str, ...]:
        """Return in which ways a photo is unlike the training photos; empty where it is like them.

        Args:
            numbers: of its pixels.
            novelty: of its features; what is no number is a reason.
        """
        found = [reason for limit in self.limits if (reason := limit.reason(numbers, self.size))]
        if not novelty <= self.novelty_limit:
            found.append(
                "unlike the training photos (object, place, background or light): "
                f"novelty {_plain(novelty)}, at most {_plain(self.novelty_limit)}"
            )
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """Return the gate as JSON values."""
        return {**asdict(self), "size": list(self.size), "limits": [asdict(limit) for limit in self.limits]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "InputGate":
        """Return what `to_json` gave. Raises DataError, KeyError, TypeError or ValueError where it is anything else."""
        _check_keys(data, cls)
        width, height = data["size"]
        return cls(
            size=(_whole(width), _whole(height)),
            limits=tuple(_limit(one) for one in data["limits"]),
            novelty_limit=_finite(data["novelty_limit"]),
            false_alarm_rate=_finite(data["false_alarm_rate"]),
            false_alarms=_false_alarms(data["false_alarms"]),
        )

    def _limits_are_right(self) -> bool:
        named = tuple(limit.name for limit in self.limits) == NUMBERS
        return named and all(_is_right(limit) for limit in self.limits)

    def _counts_are_right(self) -> bool:
        seen = self.false_alarms
        counted = 0 <= seen.photos <= seen.of_photos and 0 < seen.of_parts <= seen.of_photos
        rates = 0 < self.false_alarm_rate < 1 and 0 <= seen.rate <= 1
        return counted and rates and min(self.size) > 0 and 0 < self.novelty_limit < math.inf


def _is_right(limit: Limit) -> bool:
    """Return whether the limits are those that the number has, finite, and the training photos are within them."""
    ends = (limit.low, limit.high)
    has_words = tuple(bool(words) for words in _WORDS[limit.name])
    low, high = -math.inf if limit.low is None else limit.low, math.inf if limit.high is None else limit.high
    in_order = low <= limit.trained_low <= limit.trained_high <= high
    values = (limit.trained_low, limit.trained_high, *(end for end in ends if end is not None))
    return (
        has_words == tuple(end is not None for end in ends) and in_order and all(map(math.isfinite, values))
    )


def _limit(data: Mapping[str, Any]) -> Limit:
    _check_keys(data, Limit)
    low, high = (None if data[name] is None else _finite(data[name]) for name in ("low", "high"))
    return Limit(str(data["name"]), low, high, _finite(data["trained_low"]), _finite(data["trained_high"]))


def _false_alarms(data: Mapping[str, Any]) -> FalseAlarms:
    _check_keys(data, FalseAlarms)
    counts = (_whole(data[name]) for name in ("photos", "of_photos", "of_parts"))
    return FalseAlarms(_finite(data["rate"]), *counts)


def _check_keys(data: Mapping[str, Any], kind: type) -> None:
    known = {field.name for field in fields(kind)}
    if set(data) != known:
        raise ValueError(f"expected {', '.join(sorted(known))}")


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise TypeError(f"{value!r} is no finite number")
    return float(value)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _plain(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"
