"""What a model says, a model to say it, and lists of photos that are not there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from numpy.typing import NDArray

from castproof.gate.gate import Gate
from castproof.measure.decision import Thresholds, decide
from castproof.pipeline.inspecting.photo_list import PhotoList
from castproof.pipeline.predicting.prediction import Rules
from castproof.runtime.inspection import Inspection

ROOT = Path("/lots/lot 17")
GOOD, DEFECTIVE = ("ok",), ("blowhole", "crack")
MODEL_ID = "cd" * 32
CUTS = Thresholds(0.25, 0.75)

# Few different numbers, so that photos are on thresholds and share a p_defective.
shares = st.sampled_from((0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)) | st.floats(0, 1)
cuts = st.tuples(shares, shares).map(lambda two: Thresholds(min(two), max(two)))


def rules(thresholds: Thresholds = CUTS) -> Rules:
    """Return the rules of a model of castings."""
    gate = replace(Gate.at(thresholds.threshold), thresholds=thresholds)
    return Rules(gate, GOOD, DEFECTIVE, MODEL_ID)


def inspection(p: float | None, warnings: tuple[str, ...] = (), reason: str = "") -> Inspection:
    """Return what a model says that gives `p`; None where it could not look."""
    verdict = decide(np.nan if p is None else p, CUTS, unlike_training=bool(warnings))
    return Inspection(verdict, p, "", CUTS, warnings, reason, None, {"total": 12.34}, MODEL_ID, None)


def photos(*names: str, root: Path = ROOT) -> PhotoList:
    """Return a list of photos, none of which has to be there."""
    return PhotoList(root, names)


def columns(
    count: int,
) -> st.SearchStrategy[tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]]:
    """Return p_defective (NaN for none), unlike and judged of `count` photos."""
    flags = nps.arrays(np.bool_, count)
    return st.tuples(nps.arrays(np.float64, count, elements=shares | st.just(np.nan)), flags, flags)
