"""The verdict on one photo, or on one part, and what its folder says about it."""

import os.path
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from castproof.gate.gate import Gate
from castproof.measure.decision import DECISIVE, SUSPECT, Thresholds, Verdict
from castproof.pipeline.predicting.walk import Unit
from castproof.runtime.inspection import NO_PROBABILITY

DEFECTIVE: Final = "defective"
GOOD: Final = "good"


@dataclass(frozen=True)
class Prediction:
    """The verdict on one photo, or on one part.

    Args:
        path: the photo, or the folder with the photos of the part.
        verdict: ACCEPT, REVIEW or REJECT, or NOT_INSPECTED where it could not be judged.
        p_defective: in [0, 1], None where it could not be judged.
        thresholds: what p_defective was compared with.
        reason: why it could not be judged, else "".
        class_name: name of the folder that it lies in, where that is a class of the model, else "".
        label: "defective" or "good" as this class says, else "".
        warnings: why it is unlike the photos of training, in words.
        model_id: SHA-256 of what judged it, hex.
        looks_like: the defect type that it looks like, which nothing proves; "" for ACCEPT, where it could not be
            judged, and where the model knows no types.
    """

    path: Path
    verdict: Verdict
    p_defective: float | None
    thresholds: Thresholds
    reason: str
    class_name: str = ""
    label: str = ""
    warnings: tuple[str, ...] = ()
    model_id: str = ""
    looks_like: str = ""

    @property
    def correct(self) -> bool | None:
        """Whether ACCEPT or REJECT agrees with the label; None without a label, and for other verdicts."""
        if not self.label or self.verdict not in DECISIVE:
            return None
        return (self.verdict is Verdict.REJECT) == (self.label == DEFECTIVE)


@dataclass(frozen=True)
class Rules:
    """What everything that one model judges has in common.

    Args:
        gate: how p_defective becomes a verdict.
        good: names of the classes of good parts.
        defective: names of the classes of defective parts.
        model_id: SHA-256 of the network, or of the model file, hex.
    """

    gate: Gate
    good: tuple[str, ...]
    defective: tuple[str, ...]
    model_id: str

    def label_of(self, folder: str) -> str:
        """Return "defective" or "good" for photos in a folder of this name, "" where it is no class of the model."""
        return DEFECTIVE if folder in self.defective else GOOD if folder in self.good else ""

    def prediction(
        self,
        unit: Unit,
        p_defective: float,
        warnings: tuple[str, ...] = (),
        reason: str = "",
        looks_like: str = "",
    ) -> Prediction:
        """Return the prediction on `unit`.

        Args:
            unit: the photo, or the part.
            p_defective: calibrated; NaN where there is none.
            warnings: why it is unlike the photos of training.
            reason: why there is no p_defective.
            looks_like: the defect type that it looks like, "" where the model knows none.
        """
        verdict = self.gate.verdict(p_defective, unlike_training=bool(warnings))
        judged = verdict is not Verdict.NOT_INSPECTED
        name = folder_of(unit.path)
        label = self.label_of(name)
        return Prediction(
            path=unit.path,
            verdict=verdict,
            p_defective=p_defective if judged else None,
            thresholds=self.gate.thresholds,
            reason="" if judged else reason or NO_PROBABILITY,
            class_name=name if label else "",
            label=label,
            warnings=warnings,
            model_id=self.model_id,
            looks_like=looks_like if verdict in SUSPECT else "",
        )


def folder_of(path: Path) -> str:
    """Return the name of the folder that a photo, or the folder of a part, lies in."""
    return os.path.basename(os.path.dirname(os.path.abspath(path)))  # noqa: PTH100, PTH119, PTH120
