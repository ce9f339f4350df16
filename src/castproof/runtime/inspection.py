"""What is told about one photo, or about one part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from castproof.measure.decision import Thresholds, Verdict

NO_PROBABILITY: Final = "The network gave no probability."


@dataclass(frozen=True, eq=False)
class Inspection:
    """The verdict on one photo, or on one part, and what it rests on.

    Args:
        verdict: ACCEPT, REVIEW or REJECT; NOT_INSPECTED where there is no p_defective. Only ACCEPT lets a part pass.
        p_defective: calibrated, in [0, 1]; None where it could not be had.
        label: "defective" or "good": the side of the threshold that p_defective lies on; "" without p_defective.
        thresholds: what p_defective was compared with.
        warnings: why the photo is unlike those of training, in words; with any of them the verdict is REVIEW, since
            what the network says of such a photo is worth nothing.
        reason: why the photo could not be inspected, else "".
        heat_map: float32 (20, 20) over the photo, nats: how much of the evidence for *defective* hangs on each place;
            None where the model has none, and for parts.
        latency_ms: wall time by step, milliseconds: "decode", "input_gate", "network", and "total".
        model_id: SHA-256 of the model file, hex.
        logit: what the network says, not calibrated; None where it could not be had.
        looks_like: the defect type that the photo looks like; no verdict rests on it, and nothing proves it. None where
            the model knows no types, and for ACCEPT and NOT_INSPECTED.
    """

    verdict: Verdict
    p_defective: float | None
    label: str
    thresholds: Thresholds
    warnings: tuple[str, ...]
    reason: str
    heat_map: NDArray[np.float32] | None = field(repr=False)
    latency_ms: Mapping[str, float]
    model_id: str
    logit: float | None
    looks_like: str | None = None
