"""Verdicts by the network of a run; needs PyTorch."""

import math
from collections.abc import Sequence
from typing import Final

from torch import Tensor

from castproof.errors import ImageError
from castproof.model.checkpoint import load_checkpoint
from castproof.model.network import p_defective
from castproof.pipeline.gate_file import load_gate, network_hash
from castproof.pipeline.predicting.judge import wrong_count
from castproof.pipeline.predicting.prediction import Prediction, Rules
from castproof.pipeline.predicting.walk import Unit
from castproof.pipeline.scoring import look_at_photos
from castproof.run_folder import RunFolder

CHUNK: Final = 64  # two batches


class RunJudge:
    """Judges by a trained run, with its gate or its threshold.

    Args:
        run: the trained run.
        device: "auto", "cpu", "cuda" or "mps".
        only_checksummed: see `open_judge`.

    Raises:
        RunError: the run or its gate cannot be opened.
    """

    def __init__(self, run: RunFolder, device: str, *, only_checksummed: bool = False) -> None:
        self._checkpoint = load_checkpoint(run.best_model)
        self._device = device
        self.only_checksummed = only_checksummed
        gate = load_gate(run, self._checkpoint.threshold)
        classes = self._checkpoint.classes
        self.name = str(run.path)
        self.rules = Rules(gate, classes.good, classes.defective, network_hash(run))
        self.workers = 1  # photos are decoded in threads of its own
        self.chunk = CHUNK

    def judge(self, units: Sequence[Unit]) -> list[Prediction]:
        """Return one prediction per unit, in their order."""
        gate = self.rules.gate
        several = gate.policy.combine.several
        wrong = [wrong_count(unit, gate) if several else "" for unit in units]
        paths = [
            photo for unit, reason in zip(units, wrong, strict=True) if not reason for photo in unit.photos
        ]
        failures: dict[int, ImageError] = {}
        outputs = look_at_photos(
            self._checkpoint,
            paths,
            self._device,
            failures=failures,
            only_checksummed=self.only_checksummed,
        )
        p_network = p_defective(outputs.logits).numpy()
        found, start = [], 0
        for unit, reason in zip(units, wrong, strict=True):
            if reason:
                found.append(self.rules.prediction(unit, math.nan, reason=reason))
                continue
            places = range(start, start + len(unit.photos))
            start = places.stop
            told = next((str(failures[place]) for place in places if place in failures), "")
            p = gate.p_of_part(p_network[places]) if several else float(gate.p(p_network[places.start]))
            worst = start - len(places) + int(p_network[places].argmax())
            found.append(
                self.rules.prediction(unit, p, reason=told, looks_like=self._looks_like(outputs.types[worst]))
            )
        return found

    def _looks_like(self, scores: Tensor) -> str:
        names = self._checkpoint.spec.types
        return names[int(scores.argmax())] if names else ""
