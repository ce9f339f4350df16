"""What judges photos: a trained run, or a model file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from castproof.errors import RunError, SettingError
from castproof.gate.gate import Gate
from castproof.pipeline.predicting.prediction import Prediction, Rules
from castproof.pipeline.predicting.walk import Unit
from castproof.run_folder import CROSSVAL_PLAN, RunFolder
from castproof.wording import counted


class Judge(Protocol):
    """Gives verdicts; `judge` may be called in `workers` threads at a time, with `chunk` units each.

    Args:
        name: the file or folder that it is from.
        rules: gate, classes and identity.
        workers: how many threads keep all cores busy.
        chunk: how many units go well together.
        only_checksummed: whether photos in formats without checksums are NOT_INSPECTED.
    """

    name: str
    rules: Rules
    workers: int
    chunk: int
    only_checksummed: bool

    def judge(self, units: Sequence[Unit]) -> list[Prediction]:
        """Return one prediction per unit, in their order; a photo that cannot be judged raises nothing."""


def open_judge(
    model: Path, *, device: str = "auto", heat_maps: Path | None = None, only_checksummed: bool = False
) -> Judge:
    """Return what judges photos by `model`.

    Args:
        model: a run folder, which needs PyTorch, or a model file, which does not.
        device: where a run computes: "auto", "cpu", "cuda" or "mps".
        heat_maps: folder for a picture of every photo that is not accepted; None for no pictures.
        only_checksummed: photos of any format but PNG are NOT_INSPECTED: damage in them can pass unnoticed.

    Raises:
        RunError: there is nothing at `model`, or the run cannot be used.
        ModelFileError: the model file cannot be used.
        SettingError: `device` or `heat_maps` does not go with such a model.
    """
    if model.is_dir():
        if heat_maps is not None:
            raise SettingError(
                "--heat-maps takes a model file.",
                rule="A run folder gives no heat maps here.",
                fix=f"Export it: castproof export {model} -o model.onnx",
            )
        if (model / CROSSVAL_PLAN).is_file():
            raise _no_network(model)
        RunFolder(model).read_hparams()
        from castproof.pipeline.predicting.run_judge import RunJudge

        return RunJudge(RunFolder(model), device, only_checksummed=only_checksummed)
    if not model.exists():
        raise RunError(
            f"There is no {model}.",
            rule="Photos are judged by a model file, or by a run folder made by castproof train.",
            fix="Check the path.",
        )
    if device != "auto":
        raise SettingError(
            f"--device {device} does not go with a model file.",
            rule="It says where the network of a run folder computes.",
            fix="Leave it out.",
        )
    from castproof.pipeline.predicting.model_judge import ModelJudge

    return ModelJudge(model, heat_maps, only_checksummed=only_checksummed)


def check_unit(judge: Judge, *, part_per_folder: bool) -> None:
    """Raise SettingError where the gate was decided for single photos, and parts are asked for, or the reverse."""
    combine = judge.rules.gate.policy.combine
    if part_per_folder and not combine.several:
        raise SettingError(
            f"The gate of {judge.name} judges single photos.",
            rule="--part-per-folder takes a gate that says how the photos of a part become one verdict.",
            fix="Decide one: castproof decide RUN --combine any/3",
        )
    if combine.several and not part_per_folder:
        raise SettingError(
            f"The gate of {judge.name} judges parts by several photos (--combine {combine}).",
            rule="Its thresholds and its promise do not hold for single photos.",
            fix="Put the photos of each part into a folder of its own and give --part-per-folder.",
        )


def wrong_count(unit: Unit, gate: Gate) -> str:
    """Return why a part has no verdict for the number of its photos, "" where that is right."""
    wanted = gate.policy.combine.n
    if len(unit.photos) == wanted:
        return ""
    return f"{unit.path}: a verdict takes {counted(wanted, 'photo')}, found {len(unit.photos)}."


def _no_network(folder: Path) -> RunError:
    return RunError(
        f"{folder} is a cross-validation, which has no network of its own.",
        rule="Verdicts on new photos take the network of one run.",
        fix=f"Train one with castproof train, and decide: castproof decide RUN --evidence {folder}",
    )
