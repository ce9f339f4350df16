"""What kind of model a file holds, and how it is opened: a model file as it is, an old model by converting it first.

What a file is, is told from its bytes; the suffix does not matter, and nothing in the file is run to find out.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from castproof.errors import CastproofError, MissingExtraError, SettingError
from castproof.files import write_error
from castproof.pipeline.inspecting.model_kind import LEGACY_KINDS, ModelKind, what_is
from castproof.pipeline.inspecting.not_opened import (
    cannot_open,
    in_words_of_the_window,
    no_pytorch,
    not_agreed_to,
)
from castproof.pipeline.inspecting.old_model_settings import OldModelSettings
from castproof.progress import SILENT, Progress
from castproof.runtime.legacy_kind import sha256_of_file
from castproof.runtime.model import Model, load
from castproof.translation import tr
from castproof.wording import command


@dataclass(frozen=True)
class OldModelFile:
    """An old model that was looked at, but not opened.

    Args:
        path: of the file.
        kind: one that `ModelKind.is_old_model`.
        sha256: of its bytes, 64 hexadecimal digits.
    """

    path: Path
    kind: ModelKind
    sha256: str

    def risk(self) -> str:
        """Return what a person must know before the file is opened; `castproof.runtime.legacy_settings.risk_of`."""
        if self.kind is ModelKind.TORCHSCRIPT:
            return tr(
                "Opening this file runs the program in it. It calls no Python, but it can read your files and write "
                "over any of them. Open it only if you made it yourself, or if somebody you trust gave it to you and "
                "told you this SHA-256 by another way than the file came."
            )
        return tr(
            "Opening this file runs whatever code its maker put in, with all your rights: it could read, change or "
            "send off any of your files. Open it only if you made it yourself, or if somebody you trust gave it to "
            "you and told you this SHA-256 by another way than the file came."
        )


@dataclass(frozen=True, eq=False)
class OpenModel:
    """A model in use, and what the window says of it.

    Args:
        model: judges photos. Its own path is that of the converted file, which is gone, where the model is an old one.
        source: the file that the person chose.
        source_sha256: of that file.
        kind: what it holds.
        settings: of an old model; None for a model file, which knows them itself.
    """

    model: Model
    source: Path
    source_sha256: str
    kind: ModelKind
    settings: OldModelSettings | None = None

    @property
    def name(self) -> str:
        """The name of the file that the person chose."""
        return self.source.name


@dataclass(frozen=True)
class Changed:
    """How many verdicts another model, or another setting of it, changed.

    Args:
        count: photos with another verdict than before.
        of: photos that were judged.
        names: of those with another verdict.
    """

    count: int
    of: int
    names: tuple[str, ...]


def open_model(path: Path) -> OpenModel:
    """Return the model of a castproof model file, ready to judge photos.

    Raises:
        ModelFileError: it is anything else, broken, hostile, or this machine disagrees with it.
        SettingError: it judges parts by several photos, which a window of single photos cannot.
    """
    kind = what_is(path)
    if kind is not ModelKind.MODEL_FILE and kind is not ModelKind.UNKNOWN:
        raise cannot_open(path, kind)
    model = load(path)
    combine = model.card.gate.policy.combine
    if combine.several:
        typed = command(["predict", str(path), "FOLDER", "--part-per-folder"])
        raise SettingError(
            tr(
                "{path} judges parts by several photos ({combine}), not single photos.",
                path=path,
                combine=combine,
            ),
            rule=tr("Its thresholds and its promise do not hold for single photos."),
            fix=tr("Judge the photos of each part together, a folder for each: {command}", command=typed),
        )
    return OpenModel(model, path, model.model_id, ModelKind.MODEL_FILE)


def look_at_old_model(path: Path) -> OldModelFile:
    """Return what a person is shown before an old model is opened; reads the whole file. Raises ModelFileError."""
    kind = what_is(path)
    if not kind.is_old_model:
        raise cannot_open(path, kind)
    return OldModelFile(path, kind, sha256_of_file(path))


def open_old_model(path: Path, settings: OldModelSettings, progress: Progress = SILENT) -> OpenModel:
    """Return an old model, converted into a model file that is not kept and opened like every other one.

    This takes seconds; call it in a worker thread.

    Args:
        path: a TorchScript program, a program of torch.export or a pickled module.
        settings: what the file does not say, and the SHA-256 that the person agreed to.
        progress: told of every photo that is compared.

    Raises:
        ModelFileError: it is no old model, not the file that was agreed to, or does not fit the settings.
        MissingExtraError: PyTorch is not here.
        SettingError: the settings cannot be used.
        OutputError: there is no room for the converted file.
    """
    kind = what_is(path)
    if not kind.is_old_model:
        raise cannot_open(path, kind)
    legacy, trust = settings.legacy_settings(), settings.trust(LEGACY_KINDS[kind])
    if trust.sha256 is None:
        raise not_agreed_to(path, kind)
    with progress.task(tr("Loading PyTorch"), 1) as task:
        try:
            from castproof.pipeline.exporting.convert import ConvertSettings, convert
        except (ImportError, OSError) as error:
            raise no_pytorch(path, error) from error
        task.advance()
    convert_settings = ConvertSettings(legacy, trust, settings.thresholds())
    try:
        with tempfile.TemporaryDirectory() as folder:
            converted = convert(path, Path(folder) / "model.onnx", convert_settings, progress)
            return OpenModel(load(converted.path), path, settings.trusted_sha256, kind, settings)
    except MissingExtraError as error:
        raise no_pytorch(path, error) from error
    except CastproofError as error:
        raise in_words_of_the_window(error) from error
    except OSError as error:
        raise write_error(Path(tempfile.gettempdir()), error) from error


def changed_verdicts(before: OpenModel, after: OpenModel, photos: Sequence[Path] = ()) -> Changed:
    """Return how many verdicts differ between two models, or between two settings of an old one.

    Args:
        before: the model as it was; the photos stored in it are judged by both.
        after: the model as it is now.
        photos: more photos to judge, such as some of the open folder.
    """
    judged = [(one.name, one.photo) for one in before.model.card.examples] + [(p.name, p) for p in photos]
    both = (before.model, after.model)
    names = [name for name, photo in judged if len({model.inspect(photo).verdict for model in both}) > 1]
    return Changed(len(names), len(judged), tuple(names))
