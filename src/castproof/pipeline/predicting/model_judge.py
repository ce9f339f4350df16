"""Verdicts by a model file; needs no PyTorch."""

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from castproof.errors import ImageError, SettingError
from castproof.measure.decision import SUSPECT
from castproof.pipeline.predicting.judge import wrong_count
from castproof.pipeline.predicting.prediction import Prediction, Rules
from castproof.pipeline.predicting.walk import Unit
from castproof.runtime.inspection import Inspection
from castproof.runtime.model import load
from castproof.threads import worker_count

CHUNK: Final = 8


class ModelJudge:
    """Judges by a model file, in any number of threads.

    Args:
        path: of the model file.
        heat_maps: folder for a picture of every photo that is not accepted; None for no pictures.
        only_checksummed: see `open_judge`.

    Raises:
        ModelFileError: the file cannot be used on this machine.
        SettingError: heat maps are asked for, and the file has none.
    """

    def __init__(self, path: Path, heat_maps: Path | None, *, only_checksummed: bool = False) -> None:
        self._model = load(path, only_checksummed=only_checksummed)
        self.only_checksummed = only_checksummed
        self._heat_maps = heat_maps
        card = self._model.card
        self.name = str(path)
        self.rules = Rules(card.gate, card.good, card.defective, self._model.model_id)
        self.workers = worker_count()
        self.chunk = CHUNK
        if heat_maps is not None:
            self._check_heat_maps()

    def judge(self, units: Sequence[Unit]) -> list[Prediction]:
        """Return one prediction per unit, in their order."""
        return [self._judged(unit) for unit in units]

    def _judged(self, unit: Unit) -> Prediction:
        several = self.rules.gate.policy.combine.several
        reason = wrong_count(unit, self.rules.gate) if several else ""
        if reason:
            return self.rules.prediction(unit, math.nan, reason=reason)
        inspection = self._model.inspect_part(unit.photos) if several else self._model.inspect(unit.photos[0])
        p = math.nan if inspection.p_defective is None else inspection.p_defective
        prediction = self.rules.prediction(
            unit, p, inspection.warnings, inspection.reason, inspection.looks_like or ""
        )
        if prediction.verdict in SUSPECT:
            self._draw(inspection, unit.photos[0])
        return prediction

    def _draw(self, inspection: Inspection, photo: Path) -> None:
        if self._heat_maps is None or inspection.heat_map is None:
            return
        from castproof.pipeline.predicting.heat_files import write_heat_map

        with suppress(ImageError):  # the photo has gone since
            write_heat_map(photo, inspection.heat_map, self._heat_maps)

    def _check_heat_maps(self) -> None:
        card = self._model.card
        if card.gate.policy.combine.several:
            raise SettingError(
                f"{self.name} judges parts by several photos.",
                rule="Parts have no heat maps.",
                fix="Leave --heat-maps out.",
            )
        if any(example.hottest is None for example in card.examples):
            raise SettingError(
                f"{self.name} has no heat maps.",
                rule="Those of runs of the recipe fast have them.",
                fix="Leave --heat-maps out, or take such a model.",
            )
