"""What kind of model a file holds, told from its bytes: nothing in it is run, and PyTorch is not needed."""

from enum import Enum
from pathlib import Path
from typing import Final

from castproof.errors import ModelFileError
from castproof.images import is_image_file
from castproof.modelfile.onnx_file import CARD_KEY, read_model_bytes
from castproof.modelfile.onnx_messages import ENTRY, MODEL
from castproof.modelfile.protobuf import Reader
from castproof.run_folder import RunFolder
from castproof.runtime.legacy_kind import LegacyKind, kind_of
from castproof.translation import tr

_METADATA: Final = 14  # the field of an ONNX file that contains what a program stored in it
_KEY: Final = 1


class ModelKind(Enum):
    """What a person chose to open as a model."""

    MODEL_FILE = "model file"
    TORCHSCRIPT = "TorchScript"
    EXPORTED_PROGRAM = "torch.export"
    PICKLED_MODULE = "pickled module"
    STATE_DICT = "state_dict"
    CHECKPOINT = "checkpoint"
    OTHER_ONNX = "other ONNX"
    RUN_FOLDER = "run folder"
    FOLDER = "folder"
    PHOTO = "photo"
    UNKNOWN = "unknown"

    @property
    def is_old_model(self) -> bool:
        """Whether it opens with settings that a person types, and may run code."""
        return self in LEGACY_KINDS

    def words(self) -> str:
        """Return what such a file is called in sentences of the window."""
        words = {
            ModelKind.MODEL_FILE: tr("a model file"),
            ModelKind.TORCHSCRIPT: tr("a TorchScript program"),
            ModelKind.EXPORTED_PROGRAM: tr("a program of torch.export"),
            ModelKind.PICKLED_MODULE: tr("a pickled Python object, such as a whole module"),
            ModelKind.STATE_DICT: tr("a bare state_dict: the weights of a network without the network"),
            ModelKind.CHECKPOINT: tr("a checkpoint of a training program"),
            ModelKind.OTHER_ONNX: tr("an ONNX file of another program"),
            ModelKind.RUN_FOLDER: tr("the folder of a training run"),
            ModelKind.FOLDER: tr("a folder"),
            ModelKind.PHOTO: tr("a photo"),
        }
        return words.get(self, tr("no model that castproof knows"))


LEGACY_KINDS: Final = {
    ModelKind.TORCHSCRIPT: LegacyKind.TORCHSCRIPT,
    ModelKind.EXPORTED_PROGRAM: LegacyKind.EXPORTED_PROGRAM,
    ModelKind.PICKLED_MODULE: LegacyKind.PICKLED_MODULE,
}
_KINDS: Final = {
    **{legacy: kind for kind, legacy in LEGACY_KINDS.items()},
    LegacyKind.STATE_DICT: ModelKind.STATE_DICT,
    LegacyKind.CHECKPOINT: ModelKind.CHECKPOINT,
}


def what_is(path: Path) -> ModelKind:
    """Return what is at `path`, without opening it as a model; needs no PyTorch.

    Raises:
        ModelFileError: there is nothing, or it cannot be read, is empty or damaged.
    """
    folder = _folder_kind(path)
    if folder is not None:
        return folder
    legacy = kind_of(path)
    if legacy is LegacyKind.ONNX:
        return ModelKind.MODEL_FILE if _has_card(path) else ModelKind.OTHER_ONNX
    if legacy is LegacyKind.UNKNOWN and is_image_file(path):
        return ModelKind.PHOTO
    return _KINDS.get(legacy, ModelKind.UNKNOWN)


def _folder_kind(path: Path) -> ModelKind | None:
    try:
        if not path.is_dir():
            return None
        return ModelKind.RUN_FOLDER if RunFolder(path).best_model.is_file() else ModelKind.FOLDER
    except OSError:  # where its folder may not be read, for example; `kind_of` tells that
        return None


def _has_card(path: Path) -> bool:
    data = memoryview(read_model_bytes(path))
    reader = Reader(str(path))
    try:
        entries = [value for number, value in reader.fields(data, MODEL) if number == _METADATA]
        keys = [dict(reader.fields(entry, ENTRY)).get(_KEY, b"") for entry in entries]
    except ModelFileError:
        return False
    return CARD_KEY.encode() in map(bytes, keys)
