"""Evidence for tests: generated logits of parts whose photos are alike."""

import numpy as np

from castproof.gate.evidence import Evidence, share_out_folds


def generated_evidence(
    seed: int = 0,
    *,
    defective: int = 60,
    good: int = 30,
    photos: int = 4,
    apart: float = 2.0,
    spread: float = 1.5,
    slope: float = 1.0,
) -> Evidence:
    """Return photos of parts with levels N(+-apart, spread), all logits divided by `slope`."""
    rng = np.random.default_rng(seed)
    level = np.concatenate([rng.normal(apart, spread, defective), rng.normal(-apart, spread, good)])
    count = rng.integers(1, 2 * photos, defective + good)
    part = np.repeat(np.arange(len(level)), count)
    logit = (level[part] + rng.normal(0, 0.7, len(part))) / slope
    labels = part < defective
    return Evidence(labels, logit, part, share_out_folds(labels, part))


def evidence_of(defective: list[list[float]], good: list[list[float]]) -> Evidence:
    """Return evidence with these logits, a list for each part."""
    parts = [*defective, *good]
    part = np.repeat(np.arange(len(parts)), [len(one) for one in parts])
    labels = part < len(defective)
    return Evidence(
        labels, np.concatenate([np.array(one) for one in parts]), part, np.ones(len(part), np.int64)
    )
