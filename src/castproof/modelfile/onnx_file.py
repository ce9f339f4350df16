"""What a model file may hold, checked before onnxruntime sees its bytes; needs numpy alone.

All of the file is walked by the list of fields of onnx.proto3 that a network needs
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3). What is not on the list is refused: other files that it
refers to, operators of other libraries, control flow, functions, sparse tensors, unknown fields, and bytes that
onnxruntime would take for its own format.

What the tensors take in memory is limited by what the file holds. What the operators make of them is not: `Expand`,
`Pad` and `Resize` follow numbers inside the graph, and adding a row to a column fills a table. onnxruntime may
compute such a thing already while it loads. That limit is the runtime's, which lets a model judge stored examples
before it judges a photo.
"""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Final

from castproof.errors import ModelFileError
from castproof.modelfile.onnx_messages import (
    ALLOWED_OPS,
    ATTRIBUTE,
    ENTRY,
    GRAPH,
    LISTS,
    MODEL,
    NODE,
    NUMBERS,
    OPSET,
    RAW,
    STANDARD_DOMAINS,
    STORAGE,
    TENSOR,
)
from castproof.modelfile.protobuf import Reader

MAX_FILE_BYTES: Final = 512 * 2**20
MAX_METADATA_BYTES: Final = 64 * 2**20
MAX_NUMBERS: Final = 64_000_000  # in all tensors and lists together
MAX_NODES: Final = 20_000
MAX_DIMS: Final = 8
IR_VERSIONS: Final = range(4, 11)  # up to what onnxruntime 1.19 reads, the oldest that castproof works with
CARD_KEY: Final = "castproof"

_CONVERT: Final = "Make a model file of it: castproof convert."
_EXPORT: Final = "Make a model file of a run: castproof export RUN -o model.onnx"
_SHOWN_BYTES: Final = 80
_PRINTABLE: Final = bytes(range(32, 127)) + b"\t\r\n"
_OTHER_FORMATS: Final = (  # place, bytes at that place, what it is, what to do
    (0, b"PK\x03\x04", "a zip or PyTorch file", f"Of a run: castproof export RUN -o model.onnx. {_CONVERT}"),
    *((0, bytes([0x80, protocol]), "a Python pickle", _CONVERT) for protocol in range(2, 6)),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 (Keras) file", _EXPORT),
    (4, b"TFL3", "a TensorFlow Lite file", _EXPORT),
    (4, b"ORTM", "a file in onnxruntime's own format", _EXPORT),
    (8, b'{"', "a safetensors file", _EXPORT),
    (0, b"\x1f\x8b", "a gzip file", "Unpack it."),
    (0, b"\x89PNG", "a PNG photo", "Name the model file where it is asked for."),
    (0, b"\xff\xd8\xff", "a JPEG photo", "Name the model file where it is asked for."),
    (0, b"version https://git-lfs", "a Git LFS pointer", "Fetch the file that it stands for: git lfs pull."),
)
_TEXTS: Final = (  # start, what it is, what to do
    (b"<", "a web page or an XML file", "Download the file itself, not the page about it."),
    ((b"{", b"["), "a JSON file", _EXPORT),
    (b"", "a text file", _EXPORT),
)


def read_model_bytes(path: Path) -> bytes:
    """Return the bytes of the file at `path`.

    Raises:
        ModelFileError: it is missing, no regular file, may not be read, is empty, or exceeds `MAX_FILE_BYTES`.
    """
    rule = f"A model file is one ONNX file of at most {MAX_FILE_BYTES // 2**20} MiB."
    try:
        info = path.stat()
        found = _unreadable(info)
        if not found:
            return path.read_bytes()
        fix = "Name the model file in it." if stat.S_ISDIR(info.st_mode) else "Name a model file."
    except FileNotFoundError:
        found, fix = "There is no such file.", "Check the spelling of the path."
    except PermissionError:
        found, fix = "You may not read it.", "Give yourself the right to read it."
    except (OSError, ValueError, MemoryError) as error:
        found, fix = f"{error or 'There is not enough free memory'}.", "Check the path and the free memory."
    raise ModelFileError(f"Cannot read the model file {str(path)!r}.", rule=rule, found=found, fix=fix)


def check_onnx(data: bytes, name: str) -> dict[str, str]:
    """Return the metadata of an ONNX file that contains a network and nothing else; see the head of this module.

    Args:
        data: the whole file.
        name: how errors call the file.

    Raises:
        ModelFileError: the bytes are anything else, or exceed one of the limits of this module.
    """
    other = _other_format(data)
    if other:
        what, fix = other
        rule = "A model file is an ONNX file that castproof made."
        raise ModelFileError(f"{name} is {what}.", rule=rule, found=f"It starts with {data[:12]!r}.", fix=fix)
    reader = Reader(name)
    versions: list[int] = []
    opsets: set[int] = set()
    metadata: dict[str, str] = {}
    for number, value in reader.fields(memoryview(data), MODEL):
        if number == 1:
            versions = reader.numbers(value, 1)
            _check_ir_version(reader, versions[0])
        elif number == 7:
            _check_graph(reader, value)
        elif number == 8:
            opsets.add(_opset(reader, value))
        elif number == 14:
            _add_entry(reader, value, metadata)
    if not versions or not reader.spent["nodes"]:
        raise reader.damaged("There is no network in it, or it does not say its version.")
    if len(opsets) != 1:
        raise reader.damaged(f"It names {len(opsets)} versions of the standard operators, not one.")
    return metadata


def card_text(metadata: Mapping[str, str], name: str) -> str:
    """Return what castproof stored in a model file, JSON text of at most `MAX_METADATA_BYTES`.

    Args:
        metadata: from `check_onnx`.
        name: how errors call the file.

    Raises:
        ModelFileError: there is no such text.
    """
    text = metadata.get(CARD_KEY, "")
    if not text:
        raise ModelFileError(
            f"{name} is an ONNX model, but no castproof model file.",
            rule=f"A model file says under the key {CARD_KEY!r} how photos are prepared and judged.",
            found=f"Its keys: {', '.join(repr(key[:_SHOWN_BYTES]) for key in sorted(metadata)[:5]) or 'none'}.",
            fix=f"It cannot be converted: nothing says how photos are prepared for it. {_EXPORT}",
        )
    return text


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _unreadable(info: os.stat_result) -> str:
    """Return why a file with this status is not read; nothing where it is."""
    if stat.S_ISDIR(info.st_mode):
        return "It is a folder."
    if not stat.S_ISREG(info.st_mode):
        return "It is not a regular file."
    if not info.st_size:
        return "It is empty (0 bytes)."
    return f"It has {info.st_size // 2**20} MiB." if info.st_size > MAX_FILE_BYTES else ""


def _other_format(data: bytes) -> tuple[str, str] | None:
    """Return what another known format is called, and what to do with such a file."""
    for place, start, what, fix in _OTHER_FORMATS:
        if data.startswith(start, place):
            return what, fix
    head = data.removeprefix(b"\xef\xbb\xbf")[:_SHOWN_BYTES]
    if not head or head.translate(None, _PRINTABLE):
        return None
    return next((what, fix) for start, what, fix in _TEXTS if head.lstrip().startswith(start))


def _check_ir_version(reader: Reader, version: int) -> None:
    if version not in IR_VERSIONS:
        raise ModelFileError(
            f"{reader.name} is of an ONNX version that castproof does not read.",
            rule=f"The IR version is {IR_VERSIONS[0]} to {IR_VERSIONS[-1]}.",
            found=f"Found {version}.",
            fix="Export it again, or install the castproof that made it.",
        )


def _opset(reader: Reader, opset: memoryview) -> int:
    """Return the version of the standard operators that a model asks for."""
    parts = dict(reader.fields(opset, OPSET))
    domain = _text(parts.get(1, memoryview(b"")))
    if domain not in STANDARD_DOMAINS:
        raise reader.refused(f"operators of another library, {domain!r}")
    return reader.numbers(parts.get(2, memoryview(b"\0")), 1)[0]


def _add_entry(reader: Reader, entry: memoryview, metadata: dict[str, str]) -> None:
    reader.spend("bytes of metadata", len(entry), MAX_METADATA_BYTES)
    parts = dict(reader.fields(entry, ENTRY))
    try:
        key, text = (bytes(parts.get(number, b"")).decode() for number in (1, 2))
    except UnicodeDecodeError as error:
        raise reader.damaged("Its metadata is not UTF-8 text.") from error
    if key in metadata:
        raise reader.damaged(f"The metadata key {key[:_SHOWN_BYTES]!r} is there twice.")
    metadata[key] = text


def _check_graph(reader: Reader, graph: memoryview) -> None:
    for number, value in reader.fields(graph, GRAPH):
        if number == 1:
            _check_node(reader, value)
        elif number == 5:
            _check_tensor(reader, value)


def _check_node(reader: Reader, node: memoryview) -> None:
    reader.spend("nodes", 1, MAX_NODES)
    operator = domain = ""
    for number, value in reader.fields(node, NODE):
        if number == 4:
            operator = _text(value)
        elif number == 5:
            _check_attribute(reader, value)
        elif number == 7:
            domain = _text(value)
    if domain not in STANDARD_DOMAINS:
        raise reader.refused(f"the operator {operator!r} of another library, {domain!r}")
    if operator not in ALLOWED_OPS:
        raise reader.refused(f"the operator {operator!r}")


def _check_attribute(reader: Reader, attribute: memoryview) -> None:
    for number, value in reader.fields(attribute, ATTRIBUTE):
        if number in (5, 10):
            _check_tensor(reader, value)
        elif number in LISTS:
            reader.spend("numbers", reader.count(value, LISTS[number]), MAX_NUMBERS)


def _check_tensor(reader: Reader, tensor: memoryview) -> None:
    """Raise ModelFileError unless the tensor holds as many numbers as its shape says."""
    dims: list[int] = []
    element_type = 0
    stored: Counter[int] = Counter()
    for number, value in reader.fields(tensor, TENSOR):
        if number == 1:
            dims += reader.numbers(value, MAX_DIMS)
        elif number == 2:
            element_type = reader.numbers(value, 1)[0]
        elif number == 14 and reader.numbers(value, 1) != [0]:
            raise reader.refused("a tensor whose numbers are in another file")
        elif number == RAW:
            stored[RAW] = len(value)
        elif number in NUMBERS:
            stored[number] += reader.count(value, NUMBERS[number])
    if element_type not in STORAGE:
        raise reader.refused(f"a tensor of the element type {element_type}")
    if len(dims) > MAX_DIMS or any(size < 0 for size in dims):
        raise reader.refused(f"a tensor of the shape {dims[: 2 * MAX_DIMS]}")
    numbers = prod(dims)
    reader.spend("numbers", numbers, MAX_NUMBERS)
    item_bytes, place = STORAGE[element_type]
    if +stored not in (+Counter({RAW: numbers * item_bytes}), +Counter({place: numbers})):
        raise reader.damaged(f"A tensor of the shape {dims} contains more or fewer numbers than that.")


def _text(value: memoryview) -> str:
    return bytes(value[:_SHOWN_BYTES]).decode("utf-8", "replace")
