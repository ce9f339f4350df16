"""A model file in use: photos in, inspections out; the same for the command line, the window and a line PC."""

import math
import time
from collections.abc import Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final, Union

import numpy as np
from numpy.typing import NDArray

from castproof.errors import ImageError, ModelFileError, SettingError
from castproof.images import decode_plain, plain_pixels
from castproof.measure.decision import SUSPECT, Verdict, is_defective
from castproof.modelfile.card import Card, Example
from castproof.modelfile.photo_numbers import photo_numbers
from castproof.modelfile.reading import ModelFile, read_model_file
from castproof.modelfile.references import MostSimilar, Similar
from castproof.preprocess import Pixels
from castproof.runtime.inspection import NO_PROBABILITY, Inspection
from castproof.runtime.session import Seen, Session
from castproof.wording import counted

if TYPE_CHECKING:
    from PIL.Image import Image

Photo = Union[str, "PathLike[str]", bytes, "NDArray[np.uint8]", "Image"]

P_TOLERANCE: Final = 1e-3
LOGIT_TOLERANCE: Final = 1e-2
CLOSE: Final = 1e-4  # as near to a threshold, another verdict on a stored photo is rounding
HEAT_TOLERANCE: Final = 0.02  # nats, or a share of the heat above 1


def load(path: "str | PathLike[str]", *, only_checksummed: bool = False) -> "Model":
    """Return the model of a model file, ready to inspect photos.

    The stored photos of the file are inspected first: a machine that says anything else about them than the one that
    exported the file is refused.

    Args:
        path: of a file made by castproof export or castproof convert.
        only_checksummed: see `Model`.

    Raises:
        ModelFileError: the file is missing, broken, hostile or of another product, or this machine disagrees with it.
    """
    return Model(read_model_file(Path(path)), only_checksummed=only_checksummed)


class Model:
    """A model in use. Any number of threads may call it at once; each call keeps one core busy.

    Args:
        file: a model file that was read.
        only_checksummed: photos in files of any format but PNG are NOT_INSPECTED: the others have no checksums, so
            damage can pass unnoticed. Pixels that come without a file are inspected as they are.

    Raises:
        ModelFileError: see `load`.
    """

    def __init__(self, file: ModelFile, *, only_checksummed: bool = False) -> None:
        self.path: Path = file.path
        self.card: Card = file.card
        self.model_id: str = file.sha256
        self.only_checksummed = only_checksummed
        self._session = Session(file.data, str(file.path), file.card.size_px)
        for example in file.card.examples:
            self._check(example)

    def __repr__(self) -> str:
        return f"Model({str(self.path)!r}, {self.card.name}, SHA-256 {self.model_id[:12]})"

    def inspect(self, image: Photo) -> Inspection:
        """Return the inspection of one photo.

        A photo that cannot be read or judged is NOT_INSPECTED, with the reason; it raises nothing.

        Args:
            image: path of a photo, the bytes of its file, a uint8 array (H, W) or (H, W, 1), grey, or (H, W, 3), RGB,
                or a Pillow image.

        Raises:
            SettingError: the gate of this model judges parts by several photos; see `inspect_part`.
            TypeError: `image` is nothing of that kind.
        """
        if self.card.gate.policy.combine.several:
            raise SettingError(
                f"{self.path} judges parts by several photos (--combine {self.card.gate.policy.combine}).",
                rule="Its thresholds and its promise do not hold for single photos.",
                fix="Give the photos of one part together: inspect_part([photo, photo, …]).",
            )
        return self._inspect(image)[0]

    def inspect_part(self, images: Sequence[Photo]) -> Inspection:
        """Return the inspection of one part by several photos of it.

        A part with a photo that cannot be inspected is NOT_INSPECTED. It has no heat map.

        Args:
            images: as many photos as the gate takes, see `inspect`.

        Raises:
            SettingError: the gate judges single photos, or takes another number of photos.
            TypeError: an image is nothing of the kind that `inspect` takes.
        """
        combine = self.card.gate.policy.combine
        if not combine.several or len(images) != combine.n:
            raise SettingError(
                f"{self.path} takes {counted(combine.n if combine.several else 1, 'photo')} for one verdict.",
                found=f"Found {len(images)}.",
                fix="Give as many, or decide another gate: castproof decide RUN --combine any/3",
            )
        start = time.perf_counter()
        looked = [self._inspect(image) for image in images]
        singles = [inspection for inspection, _ in looked]
        warnings = tuple(dict.fromkeys(word for one in singles for word in one.warnings))
        reason = next((one.reason for one in singles if one.reason), "")
        logits = [one.logit for one in singles if one.logit is not None]
        p = self.card.gate.p_of_logits(logits) if not reason and len(logits) == combine.n else math.nan
        worst = max(looked, key=lambda one: -math.inf if one[0].logit is None else one[0].logit)
        return self._told(p, None, warnings, reason, None, {"total": _ms_since(start)}, worst[1])

    def most_similar_good(self, image: Photo) -> Similar | None:
        """Return the photo of a known good part that is most like `image`, laid as it lies; no verdict rests on it.

        None where the file carries no such photos.

        Args:
            image: see `inspect`.

        Raises:
            ImageError: the photo cannot be read.
            TypeError: `image` is nothing of the kind that `inspect` takes.
        """
        return (
            self._most_similar.find(_pixels(image, self.only_checksummed)) if self.card.references else None
        )

    @cached_property
    def _most_similar(self) -> MostSimilar:
        return MostSimilar(self.card.references)

    def _inspect(self, image: Photo) -> tuple[Inspection, str | None]:
        """Return the inspection of a photo, and the defect type that it looks like, even if it is accepted."""
        start = time.perf_counter()
        try:
            pixels = _pixels(image, self.only_checksummed)
        except ImageError as error:
            return self._told(math.nan, None, (), str(error), None, {"total": _ms_since(start)}), None
        decoded = time.perf_counter()
        numbers = photo_numbers(pixels) if self.card.input_gate else None
        measured = time.perf_counter()
        try:
            seen = self._session.look(pixels)
        except ModelFileError as error:
            return self._told(math.nan, None, (), str(error), None, {"total": _ms_since(start)}), None
        looked = time.perf_counter()
        warnings: tuple[str, ...] = ()
        if self.card.input_gate is not None and numbers is not None:
            warnings = self.card.input_gate.reasons(
                numbers, math.nan if seen.novelty is None else seen.novelty
            )
        steps = {
            "decode": 1e3 * (decoded - start),
            "input_gate": 1e3 * (measured - decoded),
            "network": 1e3 * (looked - measured),
            "total": _ms_since(start),
        }
        like = seen.looks_like(self.card.types)
        return self._told(seen.p_defective, seen.logit, warnings, "", seen.heat_map, steps, like), like

    def _told(
        self,
        p: float,
        logit: float | None,
        warnings: tuple[str, ...],
        reason: str,
        heat_map: "NDArray[np.float32] | None",
        latency_ms: dict[str, float],
        looks_like: str | None = None,
    ) -> Inspection:
        gate = self.card.gate
        verdict = gate.verdict(p, unlike_training=bool(warnings))
        judged = verdict is not Verdict.NOT_INSPECTED
        defective = judged and is_defective(p, gate.thresholds.threshold)
        return Inspection(
            verdict=verdict,
            p_defective=p if judged else None,
            label=("defective" if defective else "good") if judged else "",
            thresholds=gate.thresholds,
            warnings=warnings,
            reason="" if judged else reason or NO_PROBABILITY,
            heat_map=heat_map,
            latency_ms=latency_ms,
            model_id=self.model_id,
            logit=logit if judged else None,
            looks_like=looks_like if verdict in SUSPECT else None,
        )

    def _check(self, example: Example) -> None:
        """Raise ModelFileError where this machine says anything else about a stored photo than the file does."""
        try:
            seen = self._session.look(decode_plain(example.photo))
        except ImageError as error:
            raise self._disagrees(example, str(error)) from error
        if (0 if seen.types is None else seen.types.size) != len(self.card.types):
            raise self._disagrees(example, "It has other defect types than its card.")
        found = _difference(example, seen) or self._other_verdict(example, seen)
        if found:
            raise self._disagrees(example, found)

    def _other_verdict(self, example: Example, seen: Seen) -> str:
        verdict, cuts = self.card.gate.verdict(seen.p_defective), self.card.gate.thresholds
        near = any(abs(example.p_defective - cut) <= CLOSE for cut in (cuts.threshold, cuts.reject_from))
        if verdict is example.verdict or near:
            return ""
        return f"The verdict is {verdict}, it should be {example.verdict}."

    def _disagrees(self, example: Example, found: str) -> ModelFileError:
        return ModelFileError(
            f"This machine disagrees with {self.path}.",
            rule=f"The stored photo {example.name} must give what it gave where the model was exported.",
            found=found,
            fix="Do not use this model here: install castproof and its libraries again, or export the model here.",
        )


def _difference(example: Example, seen: Seen) -> str:
    if not abs(seen.p_defective - example.p_defective) <= P_TOLERANCE:
        return f"p_defective is {seen.p_defective:.6f}, it should be {example.p_defective:.6f}."
    if not abs(seen.logit - example.logit) <= LOGIT_TOLERANCE:
        return f"The logit is {seen.logit:.4f}, it should be {example.logit:.4f}."
    hottest = None if seen.heat_map is None else float(seen.heat_map.max())
    if (hottest is None) != (example.hottest is None):
        return (
            "The heat map is missing." if hottest is None else "There is a heat map that is not on the card."
        )
    if hottest is None or example.hottest is None:
        return ""
    if abs(hottest - example.hottest) <= HEAT_TOLERANCE * max(1.0, example.hottest):
        return ""
    return f"The largest heat is {hottest:.4f}, it should be {example.hottest:.4f}."


def _pixels(image: Photo, only_checksummed: bool) -> Pixels:
    if isinstance(image, str | PathLike):
        return decode_plain(Path(image), only_checksummed=only_checksummed)
    if isinstance(image, bytes | bytearray | memoryview):
        return decode_plain(bytes(image), only_checksummed=only_checksummed)
    return plain_pixels(image, only_checksummed=only_checksummed)


def _ms_since(start: float) -> float:
    return 1e3 * (time.perf_counter() - start)
