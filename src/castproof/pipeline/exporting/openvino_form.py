"""A network as an OpenVINO IR, for photos of one size."""

import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx

from castproof.errors import ImageError, MissingExtraError, SettingError
from castproof.files import put_in_place, write_error
from castproof.images import decode_plain
from castproof.installation import how_to_install
from castproof.model.fixed_photo_graph import fixed_squeeze_graph
from castproof.model.inspection_graph import whole_graph
from castproof.modelfile.card import Card
from castproof.modelfile.outputs import DEFECT_TYPES, HEAT_MAP, LOGIT, NOVELTY, P_DEFECTIVE
from castproof.pipeline.exporting.forms import Form, check_stored_photos
from castproof.preprocess import Pixels
from castproof.runtime.session import Seen

if TYPE_CHECKING:
    import openvino

WEIGHTS: Final = ".bin"
CARD: Final = ".json"
FULL_PRECISION: Final = {"INFERENCE_PRECISION_HINT": "f32"}
ONE_THREAD: Final = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}


def need_openvino() -> None:
    """Raise MissingExtraError where OpenVINO is not installed."""
    try:
        import openvino  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"--to openvino needs {error.name}, which is not installed.",
            rule="What is written is run by OpenVINO first, to see whether it says what the network says.",
            fix=f"Install it: {how_to_install('openvino', 'train')}",
        ) from error


def openvino_form(network: onnx.ModelProto, size_px: int, width: int, height: int) -> Form:
    """Return a network as an OpenVINO IR for photos of one size.

    Args:
        network: of `castproof.model.inspection_graph.network_graph`.
        size_px: side of the network input.
        width: of the photos, pixels.
        height: of the photos, pixels.

    Raises:
        MissingExtraError: OpenVINO is not installed.
    """
    need_openvino()
    import openvino

    graph = whole_graph(fixed_squeeze_graph(size_px, width, height), network)
    model = openvino.Core().read_model(graph)
    with tempfile.TemporaryDirectory() as folder:
        xml = Path(folder, "model.xml")
        openvino.save_model(model, xml, compress_to_fp16=False)
        text, weights = xml.read_bytes(), xml.with_suffix(WEIGHTS).read_bytes()
    runner = OpenVino(openvino.Core().read_model(text, weights), width, height)

    def write(out: Path, card: Card) -> int:
        return _write(out, text, weights, card, (width, height))

    return Form(runner, write, _changes(width, height))


def check_beside(out: Path) -> None:
    """Raise SettingError where writing model.xml would replace a .bin or .json beside it that are not of a model."""
    for suffix in (WEIGHTS, CARD):
        other = out.with_suffix(suffix)
        if other.exists() and not out.exists():
            raise SettingError(
                f"{other} exists already.",
                rule=f"Three files are written: {out.name}, and two of the same name that end in {WEIGHTS} and {CARD}.",
                fix="Give another name.",
            )


class OpenVino:
    """Runs an OpenVINO model on the CPU, in float32; any number of threads may call it at once.

    Args:
        model: for photos of one size.
        width: of the photos, pixels.
        height: of the photos, pixels.
    """

    def __init__(self, model: "openvino.Model", width: int, height: int) -> None:
        import openvino

        compiled = openvino.Core().compile_model(model, "CPU", {**FULL_PRECISION, **ONE_THREAD})
        self._names = [one.get_any_name() for one in compiled.outputs]
        self._request = compiled.create_infer_request()
        self._one_at_a_time = threading.Lock()  # else threads of OpenVINO 2026.4 wait for each other for ever
        self._shape = (height, width)

    def look(self, image: Pixels) -> Seen:
        """Return what it says about a photo, uint8 (H, W), grey, or (H, W, 3), RGB.

        Raises:
            ImageError: the photo is of another size.
        """
        if image.shape[:2] != self._shape:
            raise ImageError(f"The photo has {image.shape[1]} x {image.shape[0]} pixels, another size.")
        planes = np.ascontiguousarray(image[..., None] if image.ndim == 2 else image)
        with self._one_at_a_time:
            said = self._request.infer([planes])
            named: dict[str, Any] = {name: np.array(said[place]) for place, name in enumerate(self._names)}
        return Seen(
            float(named[LOGIT][0]),
            float(named[P_DEFECTIVE][0]),
            named.get(HEAT_MAP),
            float(named[NOVELTY][0]) if NOVELTY in named else None,
            named.get(DEFECT_TYPES),
        )


def _changes(width: int, height: int) -> tuple[str, ...]:
    return (
        f"It takes photos of {width} x {height} pixels alone, the size of most training photos: uint8 "
        f"({height}, {width}, 1 or 3). The resize to the network's input is two constant matrix products, since "
        "OpenVINO takes no notice of antialiasing. Photos of other sizes were not compared and are not stored.",
        "It says the same only in float32: compile it with INFERENCE_PRECISION_HINT=f32, else OpenVINO picks bfloat16 "
        "on some processors. OpenVINO computes the calibration in float32, too.",
        "Its card is next to it as .json. Nothing checks the stored photos, the verdict or the input gate when it is "
        "opened or called: that is up to the program that opens it; castproof.load does not.",
    )


def _write(out: Path, text: bytes, weights: bytes, card: Card, size: tuple[int, int]) -> int:
    """Return the size in bytes of the three files of a model, each whole; without the first none can be opened."""
    import openvino

    fitting = [one for one in card.examples if decode_plain(one.photo).shape[:2] == (size[1], size[0])]
    card = replace(card, examples=tuple(fitting))
    content = {WEIGHTS: weights, CARD: card.to_text().encode(), out.suffix: text}
    try:
        with tempfile.TemporaryDirectory(prefix=".castproof-", dir=out.parent) as folder:
            parts = {suffix: Path(folder, out.name).with_suffix(suffix) for suffix in content}
            for suffix, data in content.items():
                parts[suffix].write_bytes(data)
            written = openvino.Core().read_model(parts[out.suffix].read_bytes(), parts[WEIGHTS].read_bytes())
            check_stored_photos(OpenVino(written, *size), card, out)
            out.unlink(missing_ok=True)
            for suffix, part in parts.items():
                put_in_place(part, out.with_suffix(suffix))
    except OSError as error:
        raise write_error(out, error) from error
    return sum(map(len, content.values()))
