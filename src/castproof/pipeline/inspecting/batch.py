"""A batch of photos: what the model says about each, and what the inspector decided."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from castproof.measure.decision import DECISIVE, Thresholds, Verdict
from castproof.pipeline.inspecting.inspector_verdict import InspectorVerdict
from castproof.pipeline.predicting.prediction import DEFECTIVE, Prediction


@dataclass(frozen=True, eq=False)
class Batch:
    """The photos of a folder with all that was said about them.

    Args:
        folder: the photos.
        predictions: one for each photo that was judged.
        verdicts: the inspector's, by path below `folder` with forward slashes.
        model_name: for people.
        model_id: SHA-256 of the model file, hex.
        good: names of the classes of good parts.
        defective: names of the classes of defective parts.
        thresholds: by which the predictions have their verdicts.
        own_thresholds: those of the model.
        promises: whether the model promises anything at these.
        inspector: who hands in the report, "" where it is not known.
        when: of the report, with its time zone.
        pending: how many photos of the folder were not judged yet.
    """

    folder: Path
    predictions: Sequence[Prediction]
    verdicts: Mapping[str, InspectorVerdict]
    model_name: str
    model_id: str
    good: tuple[str, ...]
    defective: tuple[str, ...]
    thresholds: Thresholds
    own_thresholds: Thresholds
    promises: bool
    inspector: str
    when: datetime
    pending: int = 0

    def file_of(self, prediction: Prediction) -> str:
        """Return the path of its photo below the folder, with forward slashes; whole where it lies elsewhere."""
        # Texts, since pathlib takes seconds for 50,000 photos.
        path, start = str(prediction.path), str(self.folder).rstrip(os.sep) + os.sep
        return path.removeprefix(start).replace(os.sep, "/")

    def verdict_on(self, prediction: Prediction) -> InspectorVerdict | None:
        """Return what the inspector decided; None where nothing was."""
        return self.verdicts.get(self.file_of(prediction))

    def agrees(self, prediction: Prediction) -> bool | None:
        """Return whether the inspector decided as the model says now; None where either leaves it open."""
        verdict = self.verdict_on(prediction)
        if verdict is None or prediction.verdict not in DECISIVE:
            return None
        return verdict.decided is prediction.verdict

    @cached_property
    def labelled(self) -> tuple[Prediction, ...]:
        """Predictions on photos in a class folder of the model."""
        return tuple(one for one in self.predictions if one.label)

    @cached_property
    def missed(self) -> tuple[Prediction, ...]:
        """Missed defects, the least suspected first."""
        found = [one for one in self.predictions if one.correct is False and one.label == DEFECTIVE]
        return tuple(sorted(found, key=_p))

    @cached_property
    def false_alarms(self) -> tuple[Prediction, ...]:
        """False alarms, the most suspected first."""
        found = [one for one in self.predictions if one.correct is False and one.label != DEFECTIVE]
        return tuple(sorted(found, key=_p, reverse=True))

    @cached_property
    def overruled(self) -> tuple[Prediction, ...]:
        """Photos on which the inspector disagrees: accepted ones first, of each kind the surest first."""
        found = [one for one in self.predictions if self.agrees(one) is False]
        accepted = [one for one in found if one.verdict is Verdict.ACCEPT]
        rejected = [one for one in found if one.verdict is Verdict.REJECT]
        return (*sorted(accepted, key=_p), *sorted(rejected, key=_p, reverse=True))

    @cached_property
    def decided_otherwise(self) -> int:
        """How many verdicts were given while another model or other thresholds were set than the report has."""
        now = (self.model_id, self.thresholds.threshold, self.thresholds.reject_from)
        found = [self.verdict_on(one) for one in self.predictions]
        return sum(one is not None and (one.model_id, one.threshold, one.reject_from) != now for one in found)


def _p(prediction: Prediction) -> float:
    return -1.0 if prediction.p_defective is None else prediction.p_defective
