"""Single numbers that alone predict the label: light, size or background instead of the defect."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from castproof.data.manifest import Photo
from castproof.data.photo_statistics import PhotoStatistics
from castproof.measure.separation import separation, separation_by_chance

NOTICEABLE_FROM: Final = 0.75
STRONG_FROM: Final = 0.85
CHANCE_WIDTHS: Final = 2.0

Level = Literal["strong", "noticeable", "thin", "none"]
_READ: Final[Mapping[str, Callable[[PhotoStatistics], float]]] = {
    "brightness": lambda one: one.brightness,
    "contrast": lambda one: one.contrast,
    "sharpness": lambda one: one.sharpness,
    "background": lambda one: one.background,
    "size": lambda one: one.width * one.height,
    "file size": lambda one: one.file_bytes,
}
STATISTICS: Final = tuple(_READ)


@dataclass(frozen=True, eq=False)
class Shortcut:
    """How well one statistic alone separates the labels.

    Args:
        statistic: one of `STATISTICS`.
        auc_photos: AUC by photo, 0.5 to 1, whichever label the higher values stand for.
        auc_parts: AUC of the means of each part, in the same direction as `auc_photos`; below 0.5 where they
            point the other way.
        good_parts: parts with good photos.
        defective_parts: parts with defective photos.
        higher: the label that the higher values stand for.
        level: "strong", "noticeable" or "none"; "thin" where it would be one of the first two, but that may
            come from a few parts by chance.
        good: float64 (n,), the values of the good photos.
        defective: float64 (m,), the values of the defective photos.
    """

    statistic: str
    auc_photos: float
    auc_parts: float
    good_parts: int
    defective_parts: int
    higher: Literal["good", "defective"]
    level: Level
    good: NDArray[np.float64]
    defective: NDArray[np.float64]

    @property
    def alarming(self) -> bool:
        """Whether a network may learn this statistic instead of the defect."""
        return self.level in ("strong", "noticeable")


def find_shortcuts(
    photos: Sequence[Photo], statistics: Mapping[str, PhotoStatistics]
) -> tuple[Shortcut, ...]:
    """Return every statistic with its AUC, the most telling first; none where a label is missing.

    A network learns from photos, so the higher one of both AUCs decides: it is "noticeable" from 0.75 and
    "strong" from 0.85. But the photos of one part are one piece of evidence: it is "thin" where the AUC by part
    is within two standard deviations of what chance gives with so few parts.

    Args:
        photos: with `sha256` and `part`; a photo of unknown part counts as a part of its own.
        statistics: of each photo, by `sha256`.
    """
    defective = np.array([photo.defective for photo in photos], dtype=np.bool_)
    if not len(photos) or defective.all() or not defective.any():
        return ()
    measured = [statistics[photo.sha256] for photo in photos]
    number: dict[tuple[str, bool], int] = {}
    part = np.array([number.setdefault((p.part or p.file, p.defective), len(number)) for p in photos])
    parts_defective = np.array([kind for _, kind in number])
    found = []
    for name, read in _READ.items():
        values = np.array([read(one) for one in measured], dtype=np.float64)
        means = np.bincount(part, values) / np.bincount(part)
        found.append(_shortcut(name, values, defective, means, parts_defective))
    return tuple(sorted(found, key=lambda one: -max(one.auc_photos, one.auc_parts)))


def _shortcut(
    name: str,
    values: NDArray[np.float64],
    defective: NDArray[np.bool_],
    means: NDArray[np.float64],
    parts_defective: NDArray[np.bool_],
) -> Shortcut:
    by_photo, by_part = separation(defective, values), separation(parts_defective, means)
    assert by_photo is not None
    assert by_part is not None
    good_is_higher = by_photo < 0.5
    if good_is_higher:
        by_photo, by_part = 1 - by_photo, 1 - by_part
    n_defective = int(parts_defective.sum())
    n_good = len(parts_defective) - n_defective
    return Shortcut(
        statistic=name,
        auc_photos=by_photo,
        auc_parts=by_part,
        good_parts=n_good,
        defective_parts=n_defective,
        higher="good" if good_is_higher else "defective",
        level=_level(by_photo, by_part, separation_by_chance(n_good, n_defective)),
        good=values[~defective],
        defective=values[defective],
    )


def _level(by_photo: float, by_part: float, chance: float) -> Level:
    auc = max(by_photo, by_part)
    if auc < NOTICEABLE_FROM:
        return "none"
    if by_part - 0.5 < CHANCE_WIDTHS * chance:
        return "thin"
    return "strong" if auc >= STRONG_FROM else "noticeable"
