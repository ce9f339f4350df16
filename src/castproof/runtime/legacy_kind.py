"""What an old PyTorch file is, told from its bytes alone: nothing in it is run, and PyTorch is not needed.

`torch.save`, `torch.jit.save` and `torch.export.save` write zip archives, told apart by the names in them; `torch.save`
of PyTorch before 1.6 wrote pickles one after the other. A pickle is followed without being run (`legacy_pickle`).
What a file is decides what is said about it and how it would be opened; it never stands in for consent.
"""

import hashlib
import io
import pickletools
import stat
import zipfile
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from castproof.errors import ModelFileError
from castproof.runtime.legacy_pickle import Thing, outcome

MAX_PICKLE_BYTES: Final = 8 * 2**20
MAX_OPCODES: Final = 500_000
MAX_ONNX_FIELDS: Final = 10_000
_ZIP: Final = b"PK\x03\x04"
_PICKLE: Final = b"\x80"
_MAGIC_OF_TORCH_SAVE: Final = 0x1950A86A20F9469CFC6C  # the first of the pickles that PyTorch before 1.6 wrote
_PICKLES_BEFORE_THE_OBJECT: Final = 3
_COPY_AGAIN: Final = "Copy it again from where it was made."


class LegacyKind(Enum):
    """What a file holds; the value is the word for it in sentences."""

    TORCHSCRIPT = "a TorchScript program"
    EXPORTED_PROGRAM = "a program of torch.export"
    PICKLED_MODULE = "a pickled Python object, such as a whole module"
    STATE_DICT = "a bare state_dict: the weights of a network without the network"
    CHECKPOINT = "a checkpoint: a dictionary that contains a state_dict or a module"
    ONNX = "an ONNX file"
    UNKNOWN = "no model that castproof knows"


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of the file at `path`, 64 hexadecimal digits. Raises ModelFileError."""
    digest = hashlib.sha256()
    with open_model_file(path) as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def kind_of(path: Path) -> LegacyKind:
    """Return what the file at `path` holds; its suffix does not matter.

    Raises:
        ModelFileError: it is missing, no regular file, empty, damaged, or larger inside than a model is.
    """
    with open_model_file(path) as file:
        return kind_in(file, str(path))


def kind_in(file: BinaryIO, name: str) -> LegacyKind:
    """Return what an open file holds, see `kind_of`.

    Args:
        file: at its start; can seek.
        name: of the file, for messages.
    """
    try:
        return _kind(file, name)
    except ModelFileError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelFileError(
            f"{name} is cut off, damaged or made to mislead.", found=f"({reason})", fix=_COPY_AGAIN
        ) from error


def open_model_file(path: Path) -> BinaryIO:
    """Return the file at `path`, open for reading.

    Raises:
        ModelFileError: it is missing, no regular file, or may not be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ModelFileError(f"{path} is not a file.", fix="Name a model file.")
        return path.open("rb")
    except FileNotFoundError as error:
        raise ModelFileError(f"There is no file {path}.", fix="Check the spelling of the path.") from error
    except (OSError, ValueError) as error:
        raise ModelFileError(
            f"Cannot read {str(path)!r}.", found=f"({error})", fix="Check the path and the right to read it."
        ) from error


class _CautiousFile:
    """A file of which no more than `MAX_PICKLE_BYTES` are read at once: the directory of a zip may claim any size."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(MAX_PICKLE_BYTES + 1 if size < 0 else min(size, MAX_PICKLE_BYTES + 1))
        if len(data) > MAX_PICKLE_BYTES:
            raise _too_large(self._name, "the list of its contents")
        return data


def _kind(file: BinaryIO, name: str) -> LegacyKind:
    head = file.read(len(_ZIP))
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if not head:
        raise ModelFileError(f"{name} is empty (0 bytes).", fix=_COPY_AGAIN)
    if head == _ZIP:
        with zipfile.ZipFile(_CautiousFile(file, name)) as archive:
            return _kind_of_zip(archive, name)
    if head.startswith(_PICKLE):
        return _kind_of_old_torch_save(io.BytesIO(file.read(MAX_PICKLE_BYTES)), name, size > MAX_PICKLE_BYTES)
    return LegacyKind.ONNX if _is_onnx(file, size) else LegacyKind.UNKNOWN


def _kind_of_zip(archive: zipfile.ZipFile, name: str) -> LegacyKind:
    entries = archive.infolist()
    if len({entry.filename for entry in entries}) < len(entries):
        raise ModelFileError(f"{name} contains several files of one name.", fix=_COPY_AGAIN)
    if entries and min(entry.header_offset for entry in entries) > 0:
        raise ModelFileError(
            f"{name} is cut off, damaged or made to mislead.",
            found="(it ends with another archive than the one it begins with)",
            fix=_COPY_AGAIN,
        )
    root = entries[0].filename.partition("/")[0] + "/" if entries else ""
    records = {entry.filename.removeprefix(root): entry for entry in entries}
    if "constants.pkl" in records:
        return LegacyKind.TORCHSCRIPT
    of_export = "archive_format" in records and any(record.startswith("models/") for record in records)
    if of_export or "serialized_exported_program.json" in records:
        return LegacyKind.EXPORTED_PROGRAM
    if "data.pkl" not in records:
        return LegacyKind.UNKNOWN
    return _kind_of_object(_outcome(io.BytesIO(_content(archive, records["data.pkl"], name)), name))


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelFileError(f"{name} is compressed in a way that PyTorch never does.", fix=_COPY_AGAIN)
    if entry.file_size > MAX_PICKLE_BYTES:
        raise _too_large(name, entry.filename)
    with archive.open(entry) as file:
        return file.read(MAX_PICKLE_BYTES)


def _kind_of_old_torch_save(pickles: io.BytesIO, name: str, is_cut: bool) -> LegacyKind:
    magic = [argument for _, argument, _ in islice(pickletools.genops(pickles), 2)]
    if _MAGIC_OF_TORCH_SAVE not in magic:
        return LegacyKind.UNKNOWN
    pickles.seek(0)
    for _ in range(_PICKLES_BEFORE_THE_OBJECT):
        _outcome(pickles, name)
    try:
        return _kind_of_object(_outcome(pickles, name))
    except ValueError as error:
        raise _too_large(name, "its pickle") if is_cut else error from error


def _outcome(pickle: io.BytesIO, name: str) -> Thing:
    found = outcome(pickle, MAX_OPCODES)
    if found is None:
        raise _too_large(name, "its pickle")
    return found


def _kind_of_object(found: Thing) -> LegacyKind:
    values = set(found.values)  # a hostile file may name one dictionary a million times
    if found.sort == "made" and not found.is_tensor:
        return LegacyKind.PICKLED_MODULE
    if any(value.sort == "made" and not value.is_tensor for value in values):
        return LegacyKind.CHECKPOINT
    if any(inner.is_tensor for value in values for inner in value.values):
        return LegacyKind.CHECKPOINT
    return LegacyKind.STATE_DICT if any(value.is_tensor for value in values) else LegacyKind.UNKNOWN


def _is_onnx(file: BinaryIO, size: int) -> bool:
    """Return whether the outermost protobuf fields are those of an ONNX ModelProto: an IR version and a graph."""
    version, has_graph = 0, False
    for _ in range(MAX_ONNX_FIELDS):
        if file.tell() >= size:
            break
        number, wire = divmod(_varint(file), 8)
        value = _varint(file) if wire in (0, 2) else -1
        if value < 0 or not 1 <= number <= 100 or (wire == 2 and file.tell() + value > size):
            return False
        version = value if (number, wire) == (1, 0) else version
        has_graph |= (number, wire) == (7, 2)
        if wire == 2:
            file.seek(value, io.SEEK_CUR)
    return 1 <= version <= 1000 and has_graph


def _varint(file: BinaryIO) -> int:
    """Return the next variable-length number, -1 where there is none."""
    value = 0
    for shift in range(0, 64, 7):
        byte = file.read(1)
        if not byte:
            return -1
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
    return -1


def _too_large(name: str, part: str) -> ModelFileError:
    return ModelFileError(
        f"{name} is not opened: {part} is too large.",
        rule=f"castproof reads {MAX_PICKLE_BYTES // 2**20} MiB and {MAX_OPCODES:,} steps of it, more than a model has.",
        fix="Save the model with torch.export.save, or make sure that this is one.",
    )
