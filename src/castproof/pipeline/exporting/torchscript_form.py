"""A network as a TorchScript program, for programs that run PyTorch or libtorch."""

import io
import json
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from castproof.files import atomic_path
from castproof.gate.calibrator import Calibrator
from castproof.model.inspection_graph import Calibrated
from castproof.modelfile.card import Card
from castproof.modelfile.outputs import DEFECT_TYPES, HEAT_MAP, LOGIT, NOVELTY, P_DEFECTIVE
from castproof.pipeline.exporting.forms import Form, check_stored_photos
from castproof.preprocess import Pixels
from castproof.runtime.session import Seen

CARD_FILE: Final = "castproof.json"
CHANGES: Final = (
    "It is a TorchScript program, made by tracing; it runs where PyTorch or libtorch is, in eval mode, on the CPU.",
    "It takes one photo, uint8 (height, width, 1 or 3), and gives a dictionary of tensors. The resize is PyTorch's "
    "antialiased bilinear one in float32.",
    f"Its card is inside, as the extra file {CARD_FILE}. Nothing checks the stored photos, the verdict or the input "
    "gate when it is opened or called: that is up to the program that opens it; castproof.load does not.",
)


def torchscript_form(core: nn.Module, extras: Sequence[str], size_px: int, calibrator: Calibrator) -> Form:
    """Return a network as a TorchScript program, as `torch.jit.load` gives it back.

    Args:
        core: see `castproof.model.inspection_graph.Calibrated`.
        extras: names of its outputs after the margin.
        size_px: side of the network input.
        calibrator: from the logit to p_defective.
    """
    names = (LOGIT, P_DEFECTIVE, *extras)
    whole = _Whole(Calibrated(core, calibrator), names, size_px).eval().requires_grad_(False)
    example = torch.zeros(size_px + 1, size_px + 2, 1, dtype=torch.uint8)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations, and sizes that the program takes for constant
        program = torch.jit.trace(whole, (example,), strict=False, check_trace=False)  # type: ignore[no-untyped-call]

    def write(out: Path, card: Card) -> int:
        with atomic_path(out) as temporary:
            temporary.write_bytes(_saved(program, card.to_text()))
            check_stored_photos(TorchScript(temporary.read_bytes()), card, out)
            return temporary.stat().st_size

    return Form(TorchScript(_saved(program, "")), write, CHANGES)


def card_in(path: Path) -> dict[str, Any]:
    """Return the card of a TorchScript program that `torchscript_form` wrote to `path`. The program is loaded."""
    found = {CARD_FILE: ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.load(str(path), map_location="cpu", _extra_files=found)  # type: ignore[no-untyped-call]
    card: dict[str, Any] = json.loads(found[CARD_FILE])
    return card


class TorchScript:
    """Runs a TorchScript program.

    Args:
        data: bytes of its file, written by this program.
    """

    def __init__(self, data: bytes) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._program = torch.jit.load(io.BytesIO(data), map_location="cpu")  # type: ignore[no-untyped-call]
        self._one_at_a_time = threading.Lock()  # while it is called first, it compiles itself

    @torch.inference_mode()
    def look(self, image: Pixels) -> Seen:
        """Return what it says about a photo, uint8 (H, W), grey, or (H, W, 3), RGB."""
        planes = np.array(image[..., None] if image.ndim == 2 else image)
        with self._one_at_a_time:
            said = {name: one.numpy() for name, one in self._program(torch.from_numpy(planes)).items()}
        return Seen(
            float(said[LOGIT][0]),
            float(said[P_DEFECTIVE][0]),
            said.get(HEAT_MAP),
            float(said[NOVELTY][0]) if NOVELTY in said else None,
            said.get(DEFECT_TYPES),
        )


def _saved(program: torch.jit.ScriptModule, card: str) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(program, stream, _extra_files={CARD_FILE: card})
    return stream.getvalue()


class _Whole(nn.Module):
    """Pixels uint8 (H, W, 1 or 3) to a dictionary of outputs by name."""

    def __init__(self, calibrated: Calibrated, names: Sequence[str], size_px: int) -> None:
        super().__init__()
        self.calibrated = calibrated
        self.names = tuple(names)
        self.size_px = size_px

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        planes = image.permute(2, 0, 1).unsqueeze(0).float()
        sides = (self.size_px, self.size_px)
        resized = F.interpolate(planes, size=sides, mode="bilinear", align_corners=False, antialias=True)
        return dict(zip(self.names, self.calibrated(resized), strict=True))
