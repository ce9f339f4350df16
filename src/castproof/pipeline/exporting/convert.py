"""From a model from elsewhere to a model file that says the same."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image

from castproof import __version__
from castproof.data.folders import photos_below
from castproof.errors import ModelFileError
from castproof.gate.calibrator import MOST_LOGIT, Calibrator
from castproof.gate.gate import Gate
from castproof.gate.policy import MANUAL, Policy
from castproof.measure.decision import Thresholds
from castproof.model.inspection_graph import inspection_graph
from castproof.model.legacy_graph import LegacyCore, legacy_pixels
from castproof.model.photo_graph import crop_graph
from castproof.modelfile.card import COLOUR, GREY, Card
from castproof.pipeline.exporting.card_content import parity_section
from castproof.pipeline.exporting.chosen_photos import LEAST_COMPARED, examples_of
from castproof.pipeline.exporting.export import check_model_path, write_model_file
from castproof.pipeline.exporting.parity import Parity, check_parity, compare
from castproof.preprocess import Pixels
from castproof.progress import SILENT, Progress
from castproof.runtime.legacy import LegacyModel, exportable, open_legacy
from castproof.runtime.legacy_settings import LegacySettings, Trust
from castproof.runtime.session import Seen, Session

MADE_UP: Final = 24
UNKNOWN_LICENCE: Final = "Not stated: ask who made the old model."
NO_PROMISE: Final = "none: nothing is known of the photos that it was trained and tested on"


@dataclass(frozen=True)
class ConvertSettings:
    """What a conversion follows from, besides the file.

    Args:
        legacy: what the file does not say.
        trust: what the user agreed to for it.
        thresholds: on p_defective.
        photos: folder of photos to compare the two on, and to store a few of; None for made-up pictures.
        licence: of the model, in words.
    """

    legacy: LegacySettings
    trust: Trust
    thresholds: Thresholds
    photos: Path | None = None
    licence: str = UNKNOWN_LICENCE


@dataclass(frozen=True, eq=False)
class Converted:
    """A model file that was written.

    Args:
        path: where it is.
        size_bytes: of the file.
        card: what it says of itself.
        parity: how alike it and the old model are.
    """

    path: Path
    size_bytes: int
    card: Card
    parity: Parity


@dataclass(frozen=True, eq=False)
class OldModel:
    """A `castproof.pipeline.exporting.parity.Reference`: an old model in PyTorch, its photos made by PyTorch, too."""

    model: LegacyModel
    core: LegacyCore
    gate: Gate

    @torch.inference_mode()
    def look(self, pixels: Pixels) -> Seen:
        """Return what the old model says about a photo, uint8 (H, W, 3)."""
        normalised = self.core.normalised(legacy_pixels(pixels, self.model.settings))
        margin = float(self.model.margin(normalised.numpy())[0])
        logit = float(np.clip(margin, -MOST_LOGIT, MOST_LOGIT))
        return Seen(logit, float(self.gate.calibrator.p(logit)), None, None)


def convert(old: Path, out: Path, settings: ConvertSettings, progress: Progress = SILENT) -> Converted:
    """Return the model file of a model from elsewhere, written to `out` after it was found to say the same.

    Args:
        old: TorchScript, a program of torch.export or a pickled module.
        out: the file; its name ends in .onnx.
        settings: what the old file does not say.
        progress: told of every photo.

    Raises:
        ModelFileError: the old file cannot be opened or is not trusted, or the two disagree; nothing is written.
        CastproofError: the photos do not fit, or the file cannot be written.
    """
    check_model_path(out)
    legacy = settings.legacy
    model = open_legacy(old, legacy, settings.trust)
    gate = Gate(Calibrator(), settings.thresholds, Policy(MANUAL, thresholds=settings.thresholds))
    core = LegacyCore(exportable(model), legacy)
    graph = _graph(core, legacy, gate, old)
    reference, session = OldModel(model, core, gate), Session(graph, "the model file")
    with tempfile.TemporaryDirectory() as folder:
        photos = (
            made_up_photos(Path(folder), legacy.size_px)
            if settings.photos is None
            else _drawn(photos_below(settings.photos))
        )
        compared = compare(reference, gate, session, photos, progress)
        parity = check_parity(compared)
        examples = tuple(examples_of(compared, {}, reference, gate))
    card = Card(
        name=old.name,
        good=legacy.good,
        defective=tuple(name for name in legacy.classes if name not in legacy.good),
        size_px=legacy.size_px,
        colour=GREY if legacy.channels == "grey" else COLOUR,
        gate=gate,
        input_gate=None,
        examples=examples,
        about={
            "promise": {"promise": NO_PROMISE},
            "network": _network(model),
            "input gate": {"note": "none: the training photos are not known, so any photo is judged"},
            "export": {
                "castproof": __version__,
                "compared on": "made-up pictures" if settings.photos is None else "photos",
                **parity_section(parity),
            },
            "licence": {"model": settings.licence},
        },
    )
    return Converted(out, write_model_file(out, graph, card), card, parity)


def _graph(core: LegacyCore, legacy: LegacySettings, gate: Gate, old: Path) -> bytes:
    try:
        photo = crop_graph(legacy.size_px, legacy.resize_px, legacy.crop_px)
        return inspection_graph(core, (), legacy.size_px, gate.calibrator, photo)
    except Exception as error:  # the exporter's have no common base
        raise ModelFileError(
            f"{old} cannot be turned into a model file.",
            rule="A model file takes a network of operators that ONNX knows.",
            found=f"The exporter says: {' '.join(str(error).split())[:200] or type(error).__name__}.",
            fix="Write the network with torch.export.save from its Python code, and convert that.",
        ) from error


def _drawn(photos: Sequence[Path]) -> list[Path]:
    places = np.random.default_rng(0).permutation(len(photos))[:LEAST_COMPARED]
    return [photos[place] for place in sorted(places)]


def made_up_photos(folder: Path, size_px: int, count: int = MADE_UP) -> Sequence[Path]:
    """Return pictures of soft and sharp patches, in several shapes and both grey and colour, written to `folder`."""
    rng, paths = np.random.default_rng(0), []
    for number in range(count):
        sides = [int(side) for side in rng.integers(size_px // 2 + 8, 2 * size_px + 8, 2)]
        grain = rng.integers(0, 256, (int(rng.integers(2, 24)), int(rng.integers(2, 24)), 3), dtype=np.uint8)
        if number % 2:
            grain = np.repeat(grain[..., :1], 3, axis=2)
        how = (Image.Resampling.BICUBIC, Image.Resampling.NEAREST)[number // 2 % 2]
        paths.append(folder / f"made-up {number:02d}.png")
        Image.fromarray(grain).resize((sides[0], sides[1]), how).save(paths[-1])
    return paths


def _network(model: LegacyModel) -> dict[str, object]:
    settings = model.settings
    resize = "" if settings.resize_px is None else f"shorter side to {settings.resize_px} px, "
    crop = (
        "" if settings.crop_px is None else f"the middle {settings.crop_px} x {settings.crop_px} px cut out, "
    )
    return {
        "converted from": f"{model.kind.value}, SHA-256 {model.sha256}",
        "outputs": f"{settings.output} of {', '.join(settings.classes)}",
        "preprocessing": f"{resize}{crop}squeezed to {settings.size_px} x {settings.size_px} px, antialiased bilinear "
        f"in float32; {settings.channels}; mean {list(settings.mean)}, std {list(settings.std)} on the scale [0, 1]",
        "what changed": "The filter of its training program may have been another one, such as one that rounds to "
        "whole grey levels: then single probabilities differ from those that it gave there.",
    }
