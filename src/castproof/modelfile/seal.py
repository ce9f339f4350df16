"""The seal of a model file: a hash over its graph and its card, by which damage and later changes are noticed.

It proves no origin: whoever changes the file on purpose can make the seal again. Files are told apart by their SHA-256.
"""

import hashlib
import json
from typing import Any, Final

from castproof.errors import ModelFileError
from castproof.modelfile.onnx_messages import MODEL
from castproof.modelfile.protobuf import Reader

SEAL: Final = "seal"
_GRAPH: Final = 7  # of ModelProto


def sealed(text: str, data: bytes, name: str) -> str:
    """Return a card with the seal that fits it and the graph of an ONNX file.

    Args:
        text: of the card, a JSON object.
        data: the ONNX file, whatever its metadata are.
        name: how errors call the file.
    """
    content = {key: value for key, value in json.loads(text).items() if key != SEAL}
    return json.dumps({**content, SEAL: _seal(content, data, name)}, allow_nan=False)


def check_seal(text: str, data: bytes, name: str) -> None:
    """Raise ModelFileError unless the seal of a card fits it and the graph of its file.

    Args:
        text: of the card.
        data: the file, which `castproof.modelfile.onnx_file.check_onnx` let through.
        name: how errors call the file.
    """
    try:
        content = json.loads(text)
        told = content.pop(SEAL, None)
        fits = told == _seal(content, data, name)
    except (ValueError, AttributeError, TypeError, RecursionError):
        return  # `read_card` words what is wrong with it
    if not fits:
        raise ModelFileError(
            f"{name} was changed after it was exported, or it is damaged.",
            rule="The seal on its card fits its graph and its card as they were exported.",
            fix="Copy it again from where it was made. For other thresholds: castproof decide RUN --policy manual, "
            "then castproof export.",
        )


def _seal(content: dict[str, Any], data: bytes, name: str) -> str:
    graph = next(value for number, value in Reader(name).fields(memoryview(data), MODEL) if number == _GRAPH)
    digest = hashlib.sha256(graph)
    digest.update(json.dumps(content, sort_keys=True).encode("ascii"))
    return digest.hexdigest()
