"""Verdicts for photos, labelled or not; a photo or part that cannot be judged is never called good."""

import hashlib
import json
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from castproof.errors import DataError, SettingError
from castproof.files import put_in_place, write_error
from castproof.pipeline.predicting.judge import Judge, check_unit, open_judge
from castproof.pipeline.predicting.prediction import Prediction
from castproof.pipeline.predicting.summary import Summary
from castproof.pipeline.predicting.tables import check_table, write_table
from castproof.pipeline.predicting.unfinished import Finished, Unfinished, stamp_of, unfinished_beside
from castproof.pipeline.predicting.walk import Shard, Unit, walk
from castproof.progress import SILENT, Progress, Task
from castproof.threads import in_threads

__all__ = ["Asked", "Prediction", "Table", "predict", "predict_all"]

FORMAT: Final = 1
Item = TypeVar("Item")


class Table(NamedTuple):
    """A table to write.

    Args:
        kind: see `castproof.pipeline.predicting.tables`.
        path: the file.
    """

    kind: str
    path: Path


@dataclass(frozen=True)
class Asked:
    """What to judge, and where to write it.

    Args:
        sources: photos, and folders that are searched with their subfolders.
        part_per_folder: the photos that lie in one folder show one part, which gets one verdict.
        shard: judge this share of the photos only.
        table: one row per photo, or part; None for none.
        heat_maps: folder of the pictures that the judge draws, None for none.
    """

    sources: Sequence[Path]
    part_per_folder: bool = False
    shard: Shard | None = None
    table: Table | None = None
    heat_maps: Path | None = None


class _Walked(NamedTuple):
    unit: Unit
    kept: Prediction | None


def predict_all(judge: Judge, asked: Asked, progress: Progress = SILENT) -> Summary:
    """Return what there is to tell of the predictions on all photos, after writing them to the table.

    Photos are judged as they are found, and rows written as they are judged: the memory that it takes does not grow
    with their number. What is finished is kept next to the table until all is; the same command continues with it.

    Args:
        judge: see `open_judge`.
        asked: what to judge.
        progress: told of every few photos.

    Raises:
        DataError: there are no photos in any of the sources, or a folder cannot be read.
        SettingError: the gate was decided for single photos, and parts are asked for, or the other way round; or two
            things that are asked for contradict each other.
        OutputError: the table cannot be written.
    """
    _check(judge, asked)
    summary = Summary(classes=(*judge.rules.good, *judge.rules.defective))
    with ExitStack() as stack:
        unfinished = None
        if asked.table is not None:
            header = _header(judge, asked)
            unfinished = stack.enter_context(unfinished_beside(asked.table.path, header))
        judged = stack.enter_context(closing(_judged(judge, asked, unfinished)))
        task = stack.enter_context(progress.task("judging", 0 if progress is SILENT else _count(asked)))
        told = _told(judged, summary, task)
        if asked.table is None or unfinished is None:
            deque(told, maxlen=0)
        else:
            _write(asked.table, unfinished.folder, told)
    return summary


def predict(model: Path, sources: Sequence[Path], *, progress: Progress = SILENT) -> list[Prediction]:
    """Return one prediction per photo, in the order of `sources`; for a few photos.

    Args:
        model: a model file, or a run folder.
        sources: photos, and folders that are searched with their subfolders.
        progress: told of every few photos.

    Raises:
        ModelFileError or RunError: the model or its gate cannot be opened.
        DataError: there are no photos in any of the sources.
        SettingError: the gate judges parts by several photos.
    """
    judge, asked = open_judge(model), Asked(sources)
    _check(judge, asked)
    with progress.task("judging", _count(asked)) as task, closing(_judged(judge, asked, None)) as judged:
        return list(_told(judged, Summary(), task))


def _check(judge: Judge, asked: Asked) -> None:
    check_unit(judge, part_per_folder=asked.part_per_folder)
    if next(walk(asked.sources, part_per_folder=asked.part_per_folder), None) is None:
        raise DataError(
            f"There are no photos in {', '.join(str(source) for source in asked.sources)}.",
            rule="Photos are JPEG, PNG, BMP, TIFF or WebP files.",
            fix="Give a photo, or a folder that contains photos.",
        )
    if asked.table is not None:
        check_table(*asked.table)
        if asked.shard is not None and asked.table.path.exists():
            raise SettingError(
                f"{asked.table.path} exists already.",
                rule="Each shard writes a table of its own, and none replaces another.",
                fix="Give another name, or remove the file.",
            )
    if asked.heat_maps is not None:
        _check_outside(asked.heat_maps, asked.sources)


def _check_outside(folder: Path, sources: Sequence[Path]) -> None:
    """Raise SettingError where pictures in `folder` would be taken for photos."""
    for source in sources:
        if source.is_dir() and folder.resolve().is_relative_to(source.resolve()):
            raise SettingError(
                f"--heat-maps {folder} lies in {source}.",
                rule="The pictures would be taken for photos the next time.",
                fix="Name a folder elsewhere.",
            )


def _count(asked: Asked) -> int:
    return sum(1 for _ in _units(asked))


def _units(asked: Asked) -> Iterator[Unit]:
    return walk(asked.sources, part_per_folder=asked.part_per_folder, shard=asked.shard)


def _header(judge: Judge, asked: Asked) -> dict[str, Any]:
    """Return what must be the same for finished rows to count."""
    gate = json.dumps(judge.rules.gate.to_json(), sort_keys=True)
    return {
        "format": FORMAT,
        "model": judge.rules.model_id,
        "gate": hashlib.sha256(gate.encode()).hexdigest(),
        "classes": [judge.rules.good, judge.rules.defective],
        "sources": [str(source) for source in asked.sources],
        "--part-per-folder": asked.part_per_folder,
        "--shard": None if asked.shard is None else str(asked.shard),
        "--heat-maps": None if asked.heat_maps is None else str(asked.heat_maps),
        "--only-checksummed": judge.only_checksummed,
    }


def _judged(
    judge: Judge, asked: Asked, unfinished: Unfinished | None
) -> Generator[tuple[Prediction, bool], None, None]:
    """Yield the predictions in the order of the walk, and whether each was finished before."""

    def walked() -> Iterator[_Walked]:
        for unit in _units(asked):
            yield _Walked(unit, unfinished.kept(unit, judge.rules) if unfinished else None)

    def work(walked: Sequence[_Walked]) -> list[tuple[Finished, bool]]:
        new = [one.unit for one in walked if one.kept is None]
        stamps = [stamp_of(unit) if unfinished else "" for unit in new]
        judged = zip(stamps, judge.judge(new) if new else [], strict=True)
        return [
            (Finished(one.unit, *next(judged)), False)
            if one.kept is None
            else (Finished(one.unit, "", one.kept), True)
            for one in walked
        ]

    chunks = _chunks(walked(), judge.chunk)
    with closing(in_threads(work, chunks, workers=judge.workers, ahead=2 * judge.workers)) as done:
        for chunk in done:
            if unfinished:
                unfinished.add(finished for finished, kept in chunk if not kept)
            yield from ((finished.prediction, kept) for finished, kept in chunk)


def _told(judged: Iterable[tuple[Prediction, bool]], summary: Summary, task: Task) -> Iterator[Prediction]:
    """Yield the predictions after counting them and telling how fast it goes."""
    start = time.perf_counter()
    for prediction, kept in judged:
        summary.add(prediction)
        summary.kept += kept
        summary.seconds = time.perf_counter() - start
        task.advance(note=f"{summary.per_second:.0f} a second" if summary.per_second else "")
        yield prediction


def _write(table: Table, folder: Path, predictions: Iterable[Prediction]) -> None:
    """Write the table in `folder`, where a leftover of a killed process is found again, and then put it in place."""
    written = folder / f"table{table.path.suffix}"
    write_table(table.kind, written, predictions)
    try:
        put_in_place(written, table.path)
    except OSError as error:
        raise write_error(table.path, error) from error


def _chunks(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while chunk := list(islice(items, size)):
        yield chunk
