"""Which photos of a list are shown, in which order, and which one comes next."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.measure.decision import DECISIVE, VERDICTS, Verdict
from castproof.pipeline.inspecting.judgements import PENDING, Codes, wrong
from castproof.pipeline.inspecting.photo_list import PhotoList

Places = NDArray[np.intp]

ALL: Final = "all"
WRONG: Final = "wrong"
UNLIKE: Final = "unlike"
WAITING: Final = "waiting"
DECIDED: Final = "decided"
OVERRULED: Final = "overruled"
OF_VERDICT: Final = {verdict.value: verdict for verdict in VERDICTS}
FOLDER: Final = "folder:"  # followed by the name of a folder, such as a class

BY_NAME: Final = "name"
MOST_DEFECTIVE_FIRST: Final = "most defective first"
LEAST_DEFECTIVE_FIRST: Final = "least defective first"
NEAREST_FIRST: Final = "nearest to the threshold first"
ORDERS: Final = (BY_NAME, MOST_DEFECTIVE_FIRST, LEAST_DEFECTIVE_FIRST, NEAREST_FIRST)


@dataclass(frozen=True)
class Selection:
    """What a person wants to see.

    Args:
        only: ALL, WRONG, UNLIKE, WAITING, DECIDED, OVERRULED, the name of a verdict, or FOLDER and a folder's name.
        order: one of ORDERS.
        search: part of the path; letter case does not matter.
    """

    only: str = ALL
    order: str = BY_NAME
    search: str = ""


@dataclass(frozen=True, eq=False)
class Seen:
    """What is known about the photos of a list.

    Args:
        photos: the list.
        codes: uint8 (n,), verdicts.
        p_defective: float64 (n,), NaN where there is none.
        labels: int8 (n,), 1 defective, 0 good, -1 without a label.
        unlike: bool (n,).
        decided: what the inspector said, ACCEPT or REJECT, by place.
        threshold: where ACCEPT ends.
    """

    photos: PhotoList
    codes: Codes
    p_defective: NDArray[np.float64]
    labels: NDArray[np.int8]
    unlike: NDArray[np.bool_]
    decided: Mapping[int, Verdict]
    threshold: float


def selected(seen: Seen, selection: Selection) -> Places:
    """Return the places of the photos to show, in their order; intp (k,)."""
    places = np.flatnonzero(_mask(seen, selection.only))
    if selection.search:
        wanted = selection.search.casefold()
        places = np.array([one for one in places if wanted in seen.photos.names[one].casefold()], np.intp)
    return places[_order(seen, places, selection.order)]


def _mask(seen: Seen, only: str) -> NDArray[np.bool_]:
    if only in OF_VERDICT:
        return np.asarray(seen.codes == VERDICTS.index(OF_VERDICT[only]))
    if only.startswith(FOLDER):
        name = only.removeprefix(FOLDER)
        return np.array([seen.photos.folder(one) == name for one in range(len(seen.photos))], np.bool_)
    if only == WRONG:
        return wrong(seen.codes, seen.labels)
    if only == UNLIKE:
        return seen.unlike
    if only in (DECIDED, WAITING, OVERRULED):
        decided = np.zeros(len(seen.photos), np.bool_)
        decided[[one for one in seen.decided if only != OVERRULED or _overruled(seen, one)]] = True
        return ~decided if only == WAITING else decided
    return np.ones(len(seen.photos), np.bool_)


def _overruled(seen: Seen, place: int) -> bool:
    code = seen.codes[place]
    sure = code != PENDING and VERDICTS[code] in DECISIVE
    return bool(sure and VERDICTS[code] is not seen.decided[place])


def _order(seen: Seen, places: Places, order: str) -> Places:
    """Return how to sort `places`; photos without p_defective come last."""
    p = seen.p_defective[places]
    if order == MOST_DEFECTIVE_FIRST:
        key = -p
    elif order == LEAST_DEFECTIVE_FIRST:
        key = p
    elif order == NEAREST_FIRST:
        key = np.abs(p - seen.threshold)
    else:
        return np.arange(len(places))
    return np.argsort(key, kind="stable")


def neighbour(places: Places, current: int | None, step: int, row: int | None = None) -> int | None:
    """Return the place `step` rows from the current one among those shown; None where there are none.

    It stops at both ends. Where the current photo is not shown any more, the one that took its row is taken, or for a
    step back the one before that; without a row the nearest one by name on that side, else on the other.

    Args:
        places: those shown, in their order.
        current: place of the current photo; None for none.
        step: rows; below 0 is back.
        row: where the current photo was, while it was shown; None where that is not known.
    """
    if not len(places):
        return None
    rows = np.flatnonzero(places == current)
    if len(rows):
        return int(places[np.clip(rows[0] + step, 0, len(places) - 1)])
    if current is None:
        return int(places[0] if step >= 0 else places[-1])
    if row is not None:
        return int(places[np.clip(row + min(step, 0), 0, len(places) - 1)])
    after, before = places[places > current], places[places < current]
    if not len(before) or (step >= 0 and len(after)):
        return int(after.min())
    return int(before.max())


def first_disagreement(seen: Seen, places: Places) -> int | None:
    """Return the first of `places` where verdict and folder, or verdict and inspector, contradict each other."""
    mismatch = wrong(seen.codes, seen.labels)
    for one in places:
        if mismatch[one] or (int(one) in seen.decided and _overruled(seen, int(one))):
            return int(one)
    return None
