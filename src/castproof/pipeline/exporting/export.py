"""From a run to a model file: the graph, its card, and the proof that both say what the trained network says."""

from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

import onnx

from castproof import __version__
from castproof.errors import DataError, ModelFileError, OutputError, SettingError
from castproof.files import atomic_path, make_folder
from castproof.images import plain_pixels
from castproof.model.inspection_graph import NetworkCore, network_graph, whole_graph
from castproof.model.novelty import FALSE_ALARM_RATE
from castproof.model.photo_graph import squeeze_graph
from castproof.modelfile.card import Card
from castproof.modelfile.onnx_file import CARD_KEY
from castproof.modelfile.reading import read_model_file
from castproof.modelfile.references import MOST_REFERENCES, Reference
from castproof.modelfile.seal import sealed
from castproof.pipeline.exporting.card_content import NO_LICENCE, about_run, parity_section
from castproof.pipeline.exporting.chosen_photos import (
    LEAST_COMPARED,
    examples_of,
    photos_to_compare,
)
from castproof.pipeline.exporting.forms import (
    FLOAT32,
    INT8,
    ONNX,
    OPENVINO,
    SUFFIXES,
    TORCHSCRIPT,
    Form,
    check_request,
)
from castproof.pipeline.exporting.input_gate import FittedInputGate, input_gate_of
from castproof.pipeline.exporting.int8_form import P_TOLERANCE as INT8_P_TOLERANCE
from castproof.pipeline.exporting.int8_form import changes_of_int8, int8_model
from castproof.pipeline.exporting.open_run import OpenRun, open_run
from castproof.pipeline.exporting.openvino_form import check_beside, need_openvino, openvino_form
from castproof.pipeline.exporting.parity import (
    Compared,
    Parity,
    Runner,
    TrainedNetwork,
    check_parity,
    compare,
    parity_of,
)
from castproof.pipeline.exporting.reference_photos import check_references, known_p, references_of
from castproof.pipeline.exporting.torchscript_form import torchscript_form
from castproof.preprocess import Pixels
from castproof.progress import SILENT, Progress
from castproof.runtime.model import Model
from castproof.runtime.session import Seen, Session


@dataclass(frozen=True)
class ExportSettings:
    """What an export follows from, besides the run.

    Args:
        data: folder of the run's photos where it has moved; None for where they were.
        compared: photos to compare with PyTorch, at least LEAST_COMPARED where the run has so many.
        false_alarm_rate: largest share of photos of other parts that the input gate may take for unlike the training
            photos, in (0, 1).
        licence: of the model, in words, for its card.
        target: the format, see `castproof.pipeline.exporting.forms`.
        precision: of the convolutions, see there.
        most_changed: share of verdicts that may change, in [0, 1); above 0 with int8 alone.
        references: photos of good training parts to put into a model file, at most; 0 to MOST_REFERENCES.
    """

    data: Path | None = None
    compared: int = LEAST_COMPARED
    false_alarm_rate: float = FALSE_ALARM_RATE
    licence: str = NO_LICENCE
    target: str = ONNX
    precision: str = FLOAT32
    most_changed: float = 0.0
    references: int = MOST_REFERENCES

    def __post_init__(self) -> None:
        check_request(self.target, self.precision, self.most_changed)
        if self.compared < LEAST_COMPARED:
            raise SettingError(
                "--compare is too small.",
                rule=f"At least {LEAST_COMPARED} photos are compared.",
                found=f"Found {self.compared}.",
                fix="Give a larger number, or leave it out.",
            )
        if not 0 < self.false_alarm_rate < 1:
            raise SettingError(
                "--input-alarms is no share.",
                rule="It lies between 0 and 1.",
                found=f"Found {self.false_alarm_rate!r}.",
                fix="Give for example 0.01 for one photo in a hundred.",
            )
        check_references(self.references)


@dataclass(frozen=True, eq=False)
class Exported:
    """A model file that was written.

    Args:
        path: where it is.
        size_bytes: of the file.
        card: what it says of itself.
        parity: how alike it and the trained network are.
        false_alarms: what the input gate does on photos of parts that it was not fitted on, in words.
        changes: what is another thing than in the trained network or in a model file, in sentences.
        target: its format, see `castproof.pipeline.exporting.forms`.
    """

    path: Path
    size_bytes: int
    card: Card
    parity: Parity
    false_alarms: str
    changes: tuple[str, ...]
    target: str


def export(run: Path, out: Path, settings: ExportSettings, progress: Progress = SILENT) -> Exported:
    """Return the file of a run, written to `out` after it was found to say what the trained network says.

    Args:
        run: folder of a complete run; its photos must be where they were.
        out: the file; its name ends as its format does, see SUFFIXES.
        settings: what is asked for.
        progress: told of every photo.

    Raises:
        ModelFileError: the file would say anything else than the network; nothing is written.
        CastproofError: the run, its gate or its photos do not fit, or the file cannot be written.
    """
    check_model_path(out, SUFFIXES[settings.target])
    if settings.target == OPENVINO:
        need_openvino()
        check_beside(out)
    opened = open_run(run, settings.data)
    fitted = input_gate_of(opened.checkpoint, opened.manifest, settings.false_alarm_rate, progress)
    form = _form(opened, fitted, settings, progress)
    compared = _compared(opened, form, settings, progress)
    fix = "Leave --precision int8 out." if settings.precision == INT8 else "Report it with this output."
    retyped = 1.0 if settings.precision == INT8 else 0.0  # no verdict rests on them; the card says how many
    parity = check_parity(
        compared, form.p_tolerance, settings.most_changed, form.heat_tolerance, fix, retyped
    )
    card = _card(opened, form, fitted, compared, settings)
    size_bytes = form.write(out, card)
    return Exported(out, size_bytes, card, parity, fitted.false_alarms, form.changes, settings.target)


def check_model_path(path: Path, suffix: str = SUFFIXES[ONNX]) -> None:
    """Raise where writing a model file to `path` would fail.

    Raises:
        SettingError: the name does not end in `suffix`.
        OutputError: the folder cannot be written, or a folder has that name.
    """
    if path.suffix.lower() != suffix:
        raise SettingError(
            f"-o {path} is not the name of a model file.",
            rule=f"It ends in {suffix}.",
            fix="Give another name.",
        )
    if path.is_dir():
        raise OutputError(f"{path} is a folder.", fix="Give the name of a file.")
    make_folder(path.parent)


def write_model_file(out: Path, graph: bytes, card: Card) -> int:
    """Return the size in bytes of the model file at `out`, whole or not at all, after opening it as a station would.

    Raises:
        ModelFileError: it cannot be opened, or its stored photos are not judged as its card says.
        OutputError: it cannot be written.
    """
    if not card.examples:
        raise ModelFileError(
            f"{out} was not written.",
            rule="Every model file contains a photo by which the machine that opens it checks itself.",
            fix="Give photos that can be read.",
        )
    model = onnx.load_from_string(graph)
    onnx.helper.set_model_props(model, {CARD_KEY: sealed(card.to_text(), graph, str(out))})
    model.producer_name, model.producer_version = "castproof", __version__
    with atomic_path(out) as temporary:
        temporary.write_bytes(model.SerializeToString())
        Model(replace(read_model_file(temporary), path=out))
        return temporary.stat().st_size


class _AsOpened:
    """Says of a photo (H, W, 3) what is said when the file is opened, where grey photos have one channel."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def look(self, pixels: Pixels) -> Seen:
        return self._runner.look(plain_pixels(pixels))


def _form(opened: OpenRun, fitted: FittedInputGate, settings: ExportSettings, progress: Progress) -> Form:
    core = NetworkCore(opened.checkpoint.network, fitted.novelty)
    size_px = opened.checkpoint.spec.preprocess.size_px
    calibrator = opened.gate.calibrator
    if settings.target == TORCHSCRIPT:
        return torchscript_form(core, core.extras, size_px, calibrator)
    network = network_graph(core, core.extras, size_px, calibrator)
    if settings.target == OPENVINO:
        return openvino_form(network, size_px, *fitted.gate.size)
    is_int8 = settings.precision == INT8
    if is_int8:
        graph = int8_model(network, opened.manifest, size_px, progress)
    else:
        graph = whole_graph(squeeze_graph(size_px), network)

    def write(out: Path, card: Card) -> int:
        return write_model_file(out, graph, card)

    session = Session(graph, "the model file")
    if is_int8:
        return Form(session, write, changes_of_int8(), INT8_P_TOLERANCE, inf, has_own_answers=True)
    return Form(session, write)


def _compared(opened: OpenRun, form: Form, settings: ExportSettings, progress: Progress) -> list[Compared]:
    manifest, gate = opened.manifest, opened.gate
    photos = photos_to_compare(manifest, known_p(opened), gate.thresholds, settings.compared, seed=0)
    reference = TrainedNetwork(opened.checkpoint, gate)
    compared = compare(reference, gate, form.runner, [manifest.path(one) for one in photos], progress)
    enough = min(LEAST_COMPARED, len(photos))
    if len(compared) < enough:
        raise DataError(
            "Too few photos could be compared with the trained network.",
            rule=f"{LEAST_COMPARED} photos are compared, or all where there are fewer.",
            found=f"Of {len(photos):,} photos, {len(compared):,} can be read and are of a size that the file takes.",
            fix="Put the photos of the run back as they were; for photos of several sizes, export to onnx.",
        )
    return compared


def _card(
    opened: OpenRun, form: Form, fitted: FittedInputGate, compared: list[Compared], settings: ExportSettings
) -> Card:
    checkpoint, manifest, gate = opened.checkpoint, opened.manifest, opened.gate
    answers = _AsOpened(form.runner) if form.has_own_answers else TrainedNetwork(checkpoint, gate)
    labels = {manifest.path(one): one.defective for one in manifest.photos}
    export_section = {
        "castproof": __version__,
        "format": settings.target,
        "precision": settings.precision,
        "what changed": list(form.changes) or ["nothing"],
        **parity_section(parity_of(compared)),
    }
    return Card(
        name=opened.folder.path.resolve().name,
        good=checkpoint.classes.good,
        defective=checkpoint.classes.defective,
        size_px=checkpoint.spec.preprocess.size_px,
        colour=fitted.colour,
        gate=gate,
        input_gate=fitted.gate,
        examples=tuple(examples_of(compared, labels, answers, gate)),
        about={
            **about_run(opened.folder.path, opened.hparams, checkpoint, manifest, gate),
            "export": export_section,
            "input gate": {"input alarms": fitted.false_alarms},
            "licence": {"model": settings.licence},
        },
        references=_references(opened, settings),
        types=checkpoint.spec.types,
    )


def _references(opened: OpenRun, settings: ExportSettings) -> tuple[Reference, ...]:
    count = settings.references if settings.target == ONNX else 0  # other programs show none of them
    return tuple(references_of(opened.manifest, known_p(opened), opened.gate.thresholds.threshold, count))
