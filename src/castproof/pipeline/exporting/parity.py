"""The comparison of a model file with the network that it was made of, photo by photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import torch

from castproof.errors import ImageError, ModelFileError
from castproof.gate.calibrator import MOST_LOGIT
from castproof.gate.gate import Gate
from castproof.images import decode, decode_plain, read_photo
from castproof.measure.decision import Verdict
from castproof.model.checkpoint import Checkpoint
from castproof.model.heat_maps import look
from castproof.model.network import margin_of, p_defective
from castproof.preprocess import Pixels, resize
from castproof.progress import SILENT, Progress
from castproof.runtime.session import Seen
from castproof.threads import map_in_threads
from castproof.wording import counted, percent

P_TOLERANCE: Final = 1e-4
HEAT_TOLERANCE: Final = 0.02  # nats; where p_defective is 0.5, that moves it by 0.01
EVEN: Final = 1e-3  # scores of defect types as near to each other, another type is rounding
SHOWN: Final = 10


class Reference(Protocol):
    """Whatever a model file is made of, run in PyTorch."""

    def look(self, pixels: Pixels) -> Seen:
        """Return what it says about a photo, uint8 (H, W, 3), with p_defective calibrated."""


class Runner(Protocol):
    """Whatever runs an exported network; any number of threads may call it at once."""

    def look(self, image: Pixels) -> Seen:
        """Return what it says about a photo, uint8 (H, W), grey, or (H, W, 3), RGB.

        Raises:
            ImageError: it takes no photos of that size.
        """


@dataclass(frozen=True, eq=False)
class Compared:
    """One photo as the network and as the model file see it.

    Args:
        path: of the photo.
        expected: what the network says in PyTorch.
        verdict: what the gate says to that.
        seen: what the model file says.
        verdict_of_file: what the gate says to that.
    """

    path: Path
    expected: Seen
    verdict: Verdict
    seen: Seen
    verdict_of_file: Verdict

    @property
    def p_difference(self) -> float:
        """How far the two probabilities lie apart; infinite where one is no number."""
        apart = abs(self.expected.p_defective - self.seen.p_defective)
        return apart if isfinite(apart) else inf

    @property
    def heat_difference(self) -> float:
        """Largest difference of the two heat maps, nats; infinite where only one of the two is there."""
        if self.expected.heat_map is None and self.seen.heat_map is None:
            return 0.0
        if self.expected.heat_map is None or self.seen.heat_map is None:
            return inf
        apart = float(np.abs(self.expected.heat_map - self.seen.heat_map).max())
        return apart if isfinite(apart) else inf

    @property
    def changed_type(self) -> bool:
        """Whether another defect type is named, and not since two were all but even."""
        types, of_file = self.expected.types, self.seen.types
        if types is None or of_file is None:
            return types is not of_file
        if types.shape != of_file.shape or not np.isfinite(of_file).all():
            return True
        return bool(types.max() - types[int(of_file.argmax())] > EVEN)

    @property
    def changed(self) -> bool:
        """Whether the verdict is another one."""
        return self.verdict is not self.verdict_of_file


@dataclass(frozen=True)
class Parity:
    """How alike a model file and its network are.

    Args:
        photos: how many were compared.
        changed_verdicts: how many of them have another verdict.
        changed_types: how many of them look like another defect type.
        largest_p_difference: of the calibrated p_defective.
        largest_heat_difference: nats; None where the file has no heat map.
    """

    photos: int
    changed_verdicts: int
    largest_p_difference: float
    largest_heat_difference: float | None
    changed_types: int = 0


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A `Reference`: the network of a run, with its gate.

    Args:
        checkpoint: the network, on the CPU.
        gate: its calibration and thresholds.
    """

    checkpoint: Checkpoint
    gate: Gate

    @torch.inference_mode()
    def look(self, pixels: Pixels) -> Seen:
        """Return what the network says about a photo, uint8 (H, W, 3)."""
        torch.set_num_threads(1)  # of the thread that calls: photos are compared side by side
        network = self.checkpoint.network
        photo = torch.from_numpy(np.array(resize(pixels, self.checkpoint.spec.preprocess.size_px)))[None]
        if network.backbone.takes_middle:
            seen = look(network, network.normalise(photo))
            features, logits, heat = seen.features, seen.logits, seen.heat[0].numpy()
        else:
            features = network.features(photo)
            logits, heat = network.head(features), None
        types = None if network.head.types is None else network.head.type_scores(features)[0].numpy()
        p_network = float(p_defective(logits)[0])
        logit = float(margin_of(logits.double()).clamp(-MOST_LOGIT, MOST_LOGIT))  # p near 1 would round it
        return Seen(logit, float(self.gate.p(p_network)), heat, None, types)


def compare(
    reference: Reference, gate: Gate, runner: Runner, photos: Sequence[Path], progress: Progress = SILENT
) -> list[Compared]:
    """Return each photo that can be read, and is of a size that is taken, as PyTorch sees it and as the file does.

    Args:
        reference: what the file is made of.
        gate: what makes verdicts of it.
        runner: runs the exported network, such as a `Session`.
        photos: their paths.
        progress: told of every photo.
    """

    def both(path: Path) -> Compared | None:
        try:
            data = read_photo(path)
            pixels, seen = decode(data), runner.look(decode_plain(data))
        except ImageError:
            return None
        expected = reference.look(pixels)
        verdicts = [gate.verdict(one.p_defective) for one in (expected, seen)]
        return Compared(path, expected, verdicts[0], seen, verdicts[1])

    threads = torch.get_num_threads()
    try:
        compared = map_in_threads(both, photos, "comparing", progress=progress)
    finally:
        torch.set_num_threads(threads)
    return [one for one in compared if one is not None]


def parity_of(compared: Sequence[Compared]) -> Parity:
    """Return how alike the two are on all photos together."""
    has_heat = any(one.seen.heat_map is not None or one.expected.heat_map is not None for one in compared)
    return Parity(
        photos=len(compared),
        changed_verdicts=sum(one.changed for one in compared),
        largest_p_difference=max((one.p_difference for one in compared), default=0.0),
        largest_heat_difference=max((one.heat_difference for one in compared), default=0.0)
        if has_heat
        else None,
        changed_types=sum(one.changed_type for one in compared),
    )


def check_parity(
    compared: Sequence[Compared],
    tolerance: float = P_TOLERANCE,
    most_changed: float = 0.0,
    heat_tolerance: float = HEAT_TOLERANCE,
    fix: str = "Report it with this output.",
    most_retyped: float = 0.0,
) -> Parity:
    """Return how alike the two are.

    Args:
        compared: photos.
        tolerance: largest difference of p_defective that may be.
        most_changed: share of the photos whose verdict may be another one.
        heat_tolerance: largest difference of the heat maps that may be, nats.
        fix: what to do where they differ by more.
        most_retyped: share of the photos that may look like another defect type.

    Raises:
        ModelFileError: they differ by more than that.
    """
    if not compared:
        raise ModelFileError(
            "No photo could be compared with the network; no file was written.",
            rule="A file is written only after it was found to say what the network says.",
            found="None of the photos can be read and is of a size that the file takes.",
            fix="Give other photos.",
        )
    parity = parity_of(compared)
    changed = [one for one in compared if one.changed]
    retyped = [one for one in compared if one.changed_type]
    apart = [one for one in compared if one.p_difference > tolerance or one.heat_difference > heat_tolerance]
    few = len(changed) <= most_changed * len(compared) and len(retyped) <= most_retyped * len(compared)
    if few and not apart:
        return parity
    worst = sorted(
        {id(one): one for one in [*changed, *retyped, *apart]}.values(), key=lambda one: -one.p_difference
    )
    heat = parity.largest_heat_difference
    raise ModelFileError(
        "The exported file does not say what the network says; it was not written.",
        rule=f"At most {percent(most_changed)} of the verdicts may change, {percent(most_retyped)} of the types, "
        f"no p_defective by more than {tolerance:g}"
        + (f", no heat by more than {heat_tolerance:g} nats." if isfinite(heat_tolerance) else "."),
        found=f"Of {counted(len(compared), 'photo')}, {len(changed):,} changed verdict, {len(retyped):,} "
        f"defect type; the largest difference of p_defective is {parity.largest_p_difference:.3g}"
        + ("." if heat is None else f", of heat {heat:.3g}."),
        fix=fix,
        items=[
            f"{one.path}: {one.expected.p_defective:.5f} {one.verdict} → "
            f"{one.seen.p_defective:.5f} {one.verdict_of_file}"
            for one in worst[:SHOWN]
        ],
    )
