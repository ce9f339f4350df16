"""Verdicts of an inspector for tests."""

from typing import Any

from castproof.measure.decision import Verdict
from castproof.pipeline.inspecting.inspector_verdict import InspectorVerdict


def made(file: str = "a.png", decided: Verdict = Verdict.REJECT, **others: Any) -> InspectorVerdict:
    """Return a verdict on `file`; the model said ACCEPT unless `others` say else."""
    values = {
        "sha256": "ab" * 32,
        "model_id": "cd" * 32,
        "threshold": 0.25,
        "reject_from": 0.75,
        "p_defective": 0.1,
        "verdict": Verdict.ACCEPT,
        "reason": "pore",
        "comment": "left of the gate, „głęboka”",
        "inspector": "Żaneta",
        "when": "2026-11-26T05:59:02.123Z",
    }
    return InspectorVerdict(file=file, decided=decided, **{**values, **others})
