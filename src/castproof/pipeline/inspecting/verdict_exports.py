"""Verdicts of inspectors for others: a CSV table, and the photos in dispute as a data set to train on."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from castproof.data.classes import Classes
from castproof.data.destination import check_room
from castproof.data.manifest import Photo
from castproof.data.photo_names import names_in_class
from castproof.errors import ImageError, SettingError
from castproof.files import TEMPORARY_START, flush_all, write_csv, write_error
from castproof.images import read_photo
from castproof.measure.decision import Verdict
from castproof.pipeline.inspecting.inspector_verdict import InspectorVerdict
from castproof.progress import SILENT, Progress
from castproof.translation import tr

COLUMNS: Final = (
    "file",
    "when",
    "inspector",
    "verdict",
    "decided",
    "agrees",
    "reason",
    "comment",
    "p_defective",
    "threshold",
    "reject_from",
    "good_classes",
    "defective_classes",
    "model",
    "sha256",
)
TABLE: Final = "disagreements.csv"
ANY_DEFECT: Final = "defective"


@dataclass(frozen=True)
class Exported:
    """What an export of photos did.

    Args:
        count: how many photos were copied; where there are none, no folder was made.
        left_out: photos in dispute that were not, each with the reason. Those that are not in dispute, NOT_INSPECTED
            ones among them, are not named; see `in_dispute`.
    """

    count: int
    left_out: tuple[tuple[str, str], ...]


def write_verdicts_csv(
    path: Path, verdicts: Iterable[InspectorVerdict], classes: Mapping[str, Classes]
) -> None:
    """Write one row per verdict to `path`, whole or not at all.

    Args:
        path: the file to write.
        verdicts: in the order of the rows.
        classes: by `InspectorVerdict.model_id`; the cells of a model that is not among them stay empty.

    Raises:
        OutputError: the file cannot be written.
    """
    write_csv(path, COLUMNS, (table_row(one, classes.get(one.model_id)) for one in verdicts))


def in_dispute(verdict: InspectorVerdict) -> bool:
    """Return whether a photo is worth relabelling: the inspector disagrees, or the model said REVIEW.

    One that the model could not judge (NOT_INSPECTED) stays out, whatever the inspector decided: it is a matter of the
    photo, not of its label.
    """
    return verdict.agrees is False or verdict.verdict is Verdict.REVIEW


def export_disagreements(
    folder: Path,
    verdicts: Iterable[InspectorVerdict],
    target: Path,
    good: tuple[str, ...],
    defective: tuple[str, ...],
    progress: Progress = SILENT,
) -> Exported:
    """Return what was copied to `target`, a data set of the photos in dispute, in the classes of the inspector.

    A photo keeps the class of its folder where the inspector agrees with it. Otherwise an accepted one gets the first
    good class, a rejected one the defective class, or "defective" where there are several. The table beside them names
    the classes of the data set, whichever model a verdict is on.

    Args:
        folder: the photos.
        verdicts: on photos in `folder`; of several on one photo the last counts.
        target: the data set; it must be new or empty, and is made whole or not at all.
        good: names of the classes of good parts, at least one.
        defective: names of the classes of defective parts.
        progress: told of every photo.

    Raises:
        SettingError: `target` is not empty or lies among the photos; there is no good class, or one that cannot be a
            folder.
        OutputError: the data set cannot be written.
    """
    classes = Classes(good, defective)
    _check_classes(classes)
    _check_target(folder, target)
    disputed = [one for one in {one.file: one for one in verdicts}.values() if in_dispute(one)]
    try:
        check_room(sum(_size(folder, one.file) for one in disputed), target)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=TEMPORARY_START, dir=target.parent) as work:
            made = Path(work) / "data"  # a folder with the usual rights: the one above is for this user alone
            made.mkdir()
            exported = _copy(folder, disputed, made, classes, progress)
            if exported.count:
                if target.exists():
                    target.rmdir()
                shutil.move(made, target)
    except OSError as error:
        raise write_error(target, error) from error
    return exported


def _check_classes(classes: Classes) -> None:
    if not classes.good:
        raise SettingError(
            tr("The model names no class of good parts."), fix=tr("Give the classes of the model first.")
        )
    for name in classes.names:
        if name in ("", ".", "..") or Path(name).name != name:
            raise SettingError(
                tr("The class {name} cannot be the name of a folder.", name=repr(name)),
                fix=tr("Give the classes of the model other names."),
            )


def _check_target(folder: Path, target: Path) -> None:
    try:
        free = not target.exists() or (target.is_dir() and next(target.iterdir(), None) is None)
    except OSError as error:
        raise write_error(target, error) from error
    if not free:
        raise SettingError(
            tr("{path} is not empty.", path=target),
            rule=tr("Photos for retraining go into a new or empty folder, so that nothing is replaced."),
            fix=tr("Choose another folder."),
        )
    if target.resolve().is_relative_to(folder.resolve()):
        raise SettingError(
            tr("{path} is among the photos.", path=target),
            rule=tr("The copies would be taken for photos of the batch."),
            fix=tr("Choose a folder elsewhere."),
        )


def _copy(
    folder: Path, verdicts: Sequence[InspectorVerdict], made: Path, classes: Classes, progress: Progress
) -> Exported:
    """Copy the photos into class folders in `made`, with a table beside them."""
    names = _names(folder, verdicts, classes)
    rows: list[tuple[object, ...]] = []
    left_out: list[tuple[str, str]] = []
    with progress.task(tr("copying photos"), len(verdicts)) as task:
        for one in verdicts:
            data = _unchanged_photo(folder, one)
            if isinstance(data, str):
                left_out.append((one.file, data))
            else:
                path = made / names[one.file]
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(data)
                rows.append((names[one.file], *table_row(one, classes)))
            task.advance()
    flush_all()
    write_csv(made / TABLE, ("photo", *COLUMNS), rows)
    return Exported(len(rows), tuple(left_out))


def _names(folder: Path, verdicts: Sequence[InspectorVerdict], classes: Classes) -> dict[str, str]:
    """Return CLASS/NAME by file; photos of one name from several folders get a number."""
    # Each name alone in a folder of its own number: what names_in_class then sees below the class is the name.
    numbered = [
        Photo(f"{number:09d}/{PurePosixPath(one.file).name}", "", class_of(folder, one, classes), False, "")
        for number, one in enumerate(verdicts)
    ]
    found = names_in_class(numbered)
    return {one.file: found[photo.file] for one, photo in zip(verdicts, numbered, strict=True)}


def class_of(folder: Path, verdict: InspectorVerdict, classes: Classes) -> str:
    """Return the class that a photo of `folder` has by a verdict: that of its folder where the inspector agrees."""
    own = PurePosixPath(verdict.file).parent.name or folder.resolve().name
    if verdict.decided is Verdict.ACCEPT:
        return own if own in classes.good else classes.good[0]
    if own in classes.defective:
        return own
    return classes.defective[0] if len(classes.defective) == 1 else ANY_DEFECT


def _unchanged_photo(folder: Path, verdict: InspectorVerdict) -> bytes | str:
    """Return the bytes of the photo, or why it is left out."""
    if not lies_below(verdict.file):
        return tr("Its path leads out of the folder of photos.")
    try:
        data = read_photo(folder / verdict.file)
    except ImageError as error:
        return str(error)
    if hashlib.sha256(data).hexdigest() != verdict.sha256:
        return tr("The photo has changed since the verdict.")
    return data


def lies_below(file: str) -> bool:
    """Return whether a path stays in the folder that it is relative to."""
    path = Path(file)
    return not path.anchor and ".." not in path.parts


def _size(folder: Path, file: str) -> int:
    try:
        return (folder / file).stat().st_size if lies_below(file) else 0
    except OSError:
        return 0


def table_row(verdict: InspectorVerdict, classes: Classes | None) -> tuple[object, ...]:
    """Return the cells of a row, in the order of COLUMNS."""
    good, defective = ("", "") if classes is None else map("; ".join, (classes.good, classes.defective))
    return (
        verdict.file,
        verdict.when,
        verdict.inspector,
        verdict.verdict.value,
        verdict.decided.value,
        None if verdict.agrees is None else int(verdict.agrees),
        verdict.reason,
        verdict.comment,
        verdict.p_defective,
        verdict.threshold,
        verdict.reject_from,
        good,
        defective,
        verdict.model_id,
        verdict.sha256,
    )
