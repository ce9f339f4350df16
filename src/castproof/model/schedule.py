"""The learning rate at every step, as a pure function of the step."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up to `lr`, then a half cosine down to `min_lr`, or `lr` throughout.

    Warm-up takes at most half of the epochs, so that a short run still trains at full rate.

    Args:
        kind: "cosine" or "constant".
        lr: highest rate.
        min_lr: rate at the last step of the cosine.
        epochs: length of the run.
        warmup_epochs: length of the warm-up.
        steps_per_epoch: optimizer steps in one epoch.
    """

    kind: str
    lr: float
    min_lr: float
    epochs: int
    warmup_epochs: int
    steps_per_epoch: int

    def at(self, step: int) -> float:
        """Return the rate for optimizer step `step`, counted from 0."""
        warmup = min(self.warmup_epochs, self.epochs // 2) * self.steps_per_epoch
        if step < warmup:
            return self.lr * (step + 1) / warmup
        if self.kind == "constant":
            return self.lr
        last = self.epochs * self.steps_per_epoch - 1
        share = (step - warmup) / max(last - warmup, 1)
        return self.min_lr + (self.lr - self.min_lr) * (1 + math.cos(math.pi * share)) / 2
