"""What is said about a file that does not open as a model, and what to do, in the words of the window."""

import re
import sys
from pathlib import Path
from typing import Final

from castproof.errors import CastproofError, MissingExtraError, ModelFileError
from castproof.installation import how_to_install
from castproof.pipeline.inspecting.model_kind import ModelKind
from castproof.pipeline.inspecting.old_model_settings import labels
from castproof.translation import tr
from castproof.wording import command

_FLAG: Final = re.compile(r"--(classes|good|channels|size|mean|std|resize|crop|output)\b")


def cannot_open(path: Path, kind: ModelKind) -> ModelFileError:
    """Return why what is at `path` is no model to open here, and what to do."""
    return ModelFileError(
        tr("{path} is not opened: it is {kind}.", path=path, kind=kind.words()), fix=_what_to_do(path, kind)
    )


def not_agreed_to(path: Path, kind: ModelKind) -> ModelFileError:
    """Return that a file which can run code was not agreed to."""
    return ModelFileError(
        tr("{path} is not opened: it can run code.", path=path),
        rule=tr("It is {kind}. It opens only after you said that you know who made it.", kind=kind.words()),
        fix=tr("Find out who made it, then open it again and tick that you know it."),
    )


def no_pytorch(path: Path, reason: Exception) -> MissingExtraError:
    """Return that PyTorch is not here, or does not start, and what to do with an old model then."""
    is_stand_alone = bool(getattr(sys, "frozen", False))
    typed = f"castproof convert {path.name} -o {path.stem}.onnx --classes … --good …"
    return MissingExtraError(
        tr("{path} is an old model, and PyTorch, which it needs, is not here.", path=path),
        rule=tr("Model files of castproof open without PyTorch."),
        found=f"({' '.join(str(reason).split())[:200]})",
        fix=tr(
            "Convert it on a PC on which castproof is installed, and open the model file here: {command}",
            command=typed,
        )
        if is_stand_alone
        else tr(
            "Install it: {install}. Or convert it on a PC that has it, and open the model file here: {command}",
            install=how_to_install("train"),
            command=typed,
        ),
    )


def in_words_of_the_window(error: CastproofError) -> CastproofError:
    """Return the error with the names of fields where it names flags of the command line."""
    names = labels()

    def field(flag: re.Match[str]) -> str:
        return f"“{names[flag[1]]}”"

    def renamed(text: str) -> str:
        return _FLAG.sub(field, text)

    return type(error)(
        renamed(error.problem),
        rule=renamed(error.rule),
        found=renamed(error.found),
        fix=renamed(error.fix),
        items=error.items,
    )


def _what_to_do(path: Path, kind: ModelKind) -> str:
    build_it = tr(
        "Ask its maker for the whole model, written with torch.jit.save or torch.export.save: the network is built in "
        "Python, load_state_dict is called with these weights, then eval()."
    )
    run = path if kind is ModelKind.RUN_FOLDER else path.parent
    export = command(["export", str(run), "-o", "model.onnx"])
    of_a_run = tr("Of a run of castproof, make a model file: {command}", command=export)
    texts = {
        ModelKind.MODEL_FILE: tr("Open it with Open model…: it needs no settings."),
        ModelKind.STATE_DICT: build_it,
        ModelKind.CHECKPOINT: f"{of_a_run}\n{build_it}",
        ModelKind.RUN_FOLDER: tr("Make a model file of the run, and open that: {command}", command=export),
        ModelKind.OTHER_ONNX: tr(
            "It cannot be converted: nothing says how its photos are prepared. Ask its maker for a model file of "
            "castproof, or for the PyTorch model."
        ),
        ModelKind.FOLDER: tr("Choose the model file in it. For photos, use Open folder…"),
        ModelKind.PHOTO: tr("Open a model file first, then this photo with Open photo…"),
        ModelKind.UNKNOWN: tr("Choose a model file of castproof, or an old PyTorch model."),
    }
    return texts.get(kind, tr("It opens with the settings of an old model: use Open model…"))
