"""What verdicts did to the photos and to the parts that they are about, in one sentence; needs numpy alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.measure.decision import VERDICTS, Verdict
from castproof.wording import counted, percent

Flags = NDArray[np.bool_]
_WORDS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_MOST: Final = 0.5  # of the photos in one part: then that part is named
_NAMED: Final = 3


@dataclass(frozen=True)
class Hits:
    """Photos of one kind with one verdict.

    Args:
        photos: how many have it.
        of_photos: how many photos of the kind there are.
        by_part: of each part with such a photo, the number of these photos; the part with most comes first.
        of_parts: how many parts of the kind there are.
        whole: the parts with this verdict on every photo, in the order of `by_part`.
    """

    photos: int
    of_photos: int
    by_part: dict[str, int]
    of_parts: int
    whole: tuple[str, ...]


def hits(chosen: Flags, part: Sequence[str]) -> Hits:
    """Return the photos of one kind that are `chosen`, by part.

    Args:
        chosen: bool (n,), photos of the kind that have the verdict.
        part: the part of each of them, in the same order.
    """
    names, place, photos = np.unique(np.asarray(part, str), return_inverse=True, return_counts=True)
    count = np.bincount(place, weights=chosen, minlength=len(names)).astype(np.int64)
    ranked = [one for one in np.argsort(-count, kind="stable") if count[one]]
    return Hits(
        photos=int(chosen.sum()),
        of_photos=len(chosen),
        by_part={str(names[one]): int(count[one]) for one in ranked},
        of_parts=len(names),
        whole=tuple(str(names[one]) for one in ranked if count[one] == photos[one]),
    )


def verdict_summary(defective: Flags, part: Sequence[str], verdict: NDArray[np.uint8]) -> list[str]:
    """Return what the verdicts did, the most important sentence first.

    The first tells missed defects and rejected good photos, by photo and by part. A second one tells REVIEW, a third
    NOT_INSPECTED, where there is any. Parts are not spoken of where every part has one photo.

    Args:
        defective: bool (n,), True for a photo labelled defective.
        part: the name of the part of each photo; the good and the defective photos of one part count as two parts.
        verdict: uint8 (n,), places in `castproof.measure.decision.VERDICTS`, as `decide_all` returns them.
    """
    names = np.asarray(part, str)

    def of(kind: bool, wanted: Verdict) -> Hits:
        rows = defective == kind
        return hits(verdict[rows] == VERDICTS.index(wanted), names[rows].tolist())

    missed, rejected = of(True, Verdict.ACCEPT), of(False, Verdict.REJECT)
    told = [part for part in (_missed(missed), _rejected(rejected, alone=not missed.of_photos)) if part]
    found = [f"{'; '.join(told)}."] if told else []
    for wanted, words in (
        (Verdict.REVIEW, "for a person to look at (REVIEW)"),
        (Verdict.NOT_INSPECTED, "not inspected"),
    ):
        shares = [
            f"{one.photos:,} of {counted(one.of_photos, f'{kind} photo')} ({percent(one.photos / one.of_photos)})"
            for kind, one in (("defective", of(True, wanted)), ("good", of(False, wanted)))
            if one.photos
        ]
        if shares:
            found.append(f"{' and '.join(shares)} {words}.")
    return found


def _missed(missed: Hits) -> str:
    if not missed.of_photos:
        return ""
    text = f"{missed.photos:,} of {counted(missed.of_photos, 'defective photo')} missed{_where(missed, 'defective')}"
    if not missed.photos or missed.of_parts == missed.of_photos:
        return text
    whole = len(missed.whole)
    if not whole:
        return f"{text}, none passed as a whole"
    return f"{text}, {number_word(whole)} passed as a whole ({named(missed.whole)})"


def _rejected(rejected: Hits, *, alone: bool) -> str:
    if not rejected.of_photos:
        return ""
    things = counted(rejected.of_photos, "good photo" if alone else "good one")
    return f"{rejected.photos:,} of {things} rejected{_where(rejected, 'good')}"


def _where(found: Hits, kind: str) -> str:
    """Return which parts the photos are of; nothing where there are none, or a part has a photo."""
    if not found.photos or found.of_parts == found.of_photos:
        return ""
    first, most = next(iter(found.by_part.items()))
    if found.of_parts == 1:
        return f", of the only {kind} part ({first})"
    of_all = f"of {number_word(found.of_parts)} {kind} parts"
    if len(found.by_part) == 1:
        return f", all of one part ({first}) {of_all}"
    parts = f", of {number_word(len(found.by_part))} {of_all}"
    return f"{parts}, {most:,} of one ({first})" if most > _MOST * found.photos else parts


def number_word(number: int) -> str:
    """Return "no", "one" ... "ten", then digits."""
    return _WORDS[number] if number < len(_WORDS) else f"{number:,}"


def named(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
