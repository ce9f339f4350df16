"""Opening a model file: its bytes are checked before any library sees them, and its card is read."""

from dataclasses import dataclass
from pathlib import Path

from castproof.modelfile.card import Card, read_card
from castproof.modelfile.onnx_file import card_text, check_onnx, read_model_bytes, sha256_of
from castproof.modelfile.seal import check_seal


@dataclass(frozen=True, eq=False)
class ModelFile:
    """A model file that was read and checked.

    Args:
        path: where it was.
        data: its bytes.
        sha256: of these, hex: the identity of the model.
        card: what it says of itself.
    """

    path: Path
    data: bytes
    sha256: str
    card: Card


def read_model_file(path: Path) -> ModelFile:
    """Return the model file at `path`.

    Raises:
        ModelFileError: it is missing, broken, hostile, of another product or of an unknown format.
    """
    data = read_model_bytes(path)
    text = card_text(check_onnx(data, str(path)), str(path))
    card = read_card(text, str(path))
    check_seal(text, data, str(path))
    return ModelFile(path, data, sha256_of(data), card)
