"""Models that people have from elsewhere: TorchScript, torch.export and whole pickled modules; needs PyTorch.

Nothing from a file runs unless the user agreed to it for that file (`Trust`).
"""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from castproof.errors import MissingExtraError, ModelFileError
from castproof.installation import how_to_install
from castproof.runtime.legacy_kind import LegacyKind, kind_in, open_model_file
from castproof.runtime.legacy_margin import check_outputs, margin_of, shape_of
from castproof.runtime.legacy_opening import OPENERS, cannot_open, reason_of
from castproof.runtime.legacy_settings import CHANNELS, LegacySettings, Trust, risk_of

if TYPE_CHECKING:
    import torch

MAX_FILE_BYTES: Final = 4 * 2**30
_PROBES: Final = 4
_SAME_ANSWER: Final = (
    1e-2  # of the larger of 1 and the margin: far above rounding, far below what dropout does
)
_FLAGS: Final = {
    LegacyKind.PICKLED_MODULE: "--trust-pickle",
    LegacyKind.EXPORTED_PROGRAM: "--trust-pickle",
    LegacyKind.TORCHSCRIPT: "--trust-torchscript",
}
_NOT_OPENED: Final = {
    LegacyKind.STATE_DICT: "Build the network in Python, call load_state_dict with this file, then eval(), and write "
    "it with torch.export.save or torch.jit.save. Or train with castproof.",
    LegacyKind.CHECKPOINT: "Where castproof train made it, give the run folder to castproof export. Otherwise build "
    "the network in Python, call load_state_dict with the state_dict in it, then eval(), and write it with "
    "torch.export.save or torch.jit.save.",
    LegacyKind.ONNX: "A model file of castproof goes to castproof predict; other ONNX files cannot be converted.",
    LegacyKind.UNKNOWN: "Give a file written by torch.jit.save, torch.export.save, or torch.save of a whole module.",
}


@dataclass(frozen=True, eq=False)
class LegacyModel:
    """An opened model, in eval mode, on the CPU.

    Args:
        settings: how photos go in and what comes out.
        kind: what the file holds.
        sha256: of the file's bytes, the very ones that were opened.
        module: float32 photos to outputs.
        batch: how many photos it takes at once, where that is fixed in the file.
    """

    settings: LegacySettings
    kind: LegacyKind
    sha256: str
    module: "torch.nn.Module"
    batch: int | None = None

    def margin(self, photos: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logit of defective minus that of good, float32 (n,); NaN stays NaN.

        Args:
            photos: float32 (n, c, h, w), normalised as the settings say.

        Raises:
            ModelFileError: the model cannot take them, or its outputs do not fit the settings.
        """
        import torch

        if len(photos) == 0:
            return np.zeros(0, np.float32)
        tensor = torch.from_numpy(np.array(photos, np.float32, order="C"))
        with torch.no_grad():
            outputs = self._outputs(tensor)
            check_outputs(outputs, len(photos), self.settings)
            return margin_of(outputs, self.settings).numpy()

    def _outputs(self, photos: "torch.Tensor") -> Any:
        import torch

        try:
            if self.batch is None:
                return self.module(photos)
            short = -len(photos) % self.batch
            full = torch.cat([photos, photos[-1:].expand(short, *photos.shape[1:])])
            return torch.cat([self.module(piece) for piece in torch.split(full, self.batch)])[: len(photos)]
        except Exception as error:
            raise ModelFileError(
                f"The model cannot take photos of the shape {shape_of(photos)} (photos, channels, height, width).",
                found=f"PyTorch says: {reason_of(error)}",
                fix="Give the channels and the size that it was trained with, such as --channels rgb --size 224.",
            ) from error


def open_legacy(path: Path, settings: LegacySettings, trust: Trust) -> LegacyModel:
    """Return the model in the file at `path`, after trying it on a few made-up photos.

    The bytes are read once: those whose hash is taken are those that are opened.

    Args:
        path: a TorchScript program, a program of torch.export, or a pickled module, whatever its suffix.
        settings: what the file does not say.
        trust: what the user agreed to for this file.

    Raises:
        ModelFileError: it is none of these, damaged, not trusted, or does not fit the settings.
        MissingExtraError: PyTorch is not installed.
    """
    data = _bytes_of(path)
    kind, sha256 = kind_in(io.BytesIO(data), str(path)), hashlib.sha256(data).hexdigest()
    if kind in _NOT_OPENED:
        raise ModelFileError(
            f"{path} holds {kind.value}.",
            rule="A model is opened from TorchScript, torch.export or a whole pickled module.",
            found=f"It starts with {data[:8]!r}." if kind is LegacyKind.UNKNOWN else "",
            fix=_NOT_OPENED[kind],
        )
    _check_trust(kind, path, sha256, trust)
    _need_torch()
    try:
        module, batch = OPENERS[kind](data)
    except Exception as error:
        raise cannot_open(path, kind, error) from error
    model = LegacyModel(settings, kind, sha256, module, batch)
    _try_out(model, path)
    return model


def exportable(model: LegacyModel) -> "torch.nn.Module":
    """Return a module of normalised photos to margins that `torch.onnx.export(..., dynamo=False)` takes.

    With a TorchScript model in it, it must be traced first. Its answers are those of `LegacyModel.margin` without its
    checks. Whoever exports it must compare the two for other numbers of photos than the example has: a traced or
    exported program may have its number built in.
    """
    import torch

    settings = model.settings
    # A pre-hook of exported programs compares sizes, which cannot be traced.
    is_exported = model.kind is LegacyKind.EXPORTED_PROGRAM
    run: Callable[..., Any] = model.module.forward if is_exported else model.module

    class DefectMargin(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = model.module

        def forward(self, photos: torch.Tensor) -> torch.Tensor:
            return margin_of(run(photos), settings)

    return DefectMargin().eval()


def _bytes_of(path: Path) -> bytes:
    with open_model_file(path) as file:
        size = file.seek(0, io.SEEK_END)
        if size > MAX_FILE_BYTES:
            raise ModelFileError(
                f"{path} is too large.",
                rule=f"A model file has at most {MAX_FILE_BYTES // 2**30} GiB.",
                found=f"It has {size / 2**30:.1f} GiB.",
                fix="Write the model again without its optimiser and its example photos.",
            )
        file.seek(0)
        return file.read(size)


def _check_trust(kind: LegacyKind, path: Path, sha256: str, trust: Trust) -> None:
    if trust.sha256 is not None and trust.sha256.lower() != sha256:
        raise ModelFileError(
            f"{path} is not the file that was agreed to.",
            rule=f"Its SHA-256 was {trust.sha256}.",
            found=f"Now it is {sha256}.",
            fix="Find out who changed it before it is opened.",
        )
    if not trust.covers(kind):
        raise ModelFileError(
            f"{path} is not opened: it can run code.",
            rule=risk_of(kind, path, sha256) or "",
            fix=f"Where that is so, add {_FLAGS[kind]}.",
        )


def _need_torch() -> None:
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"Old PyTorch models need {error.name}, which is not installed.",
            rule="They open with castproof's train extra; model files of castproof need none.",
            fix=f"Install it: {how_to_install('train')}",
        ) from error


def _try_out(model: LegacyModel, path: Path) -> None:
    """Raise ModelFileError where the model does not take photos, or gives one photo another answer each time."""
    side = model.settings.size_px
    shape = (_PROBES, CHANNELS[model.settings.channels], side, side)
    photos = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    together = model.margin(photos)
    apart = np.concatenate([model.margin(photos[:1]), model.margin(photos[1:])])
    if not np.allclose(together, apart, rtol=_SAME_ANSWER, atol=_SAME_ANSWER, equal_nan=True):
        raise ModelFileError(
            f"{path} gives one photo different answers.",
            rule="The margin of a photo is the same each time, whatever photos are judged with it.",
            found=f"Found {together} together and {apart} apart.",
            fix="It was probably written in training mode: call eval() before it is traced or exported.",
        )
