"""Predictions as tables: CSV, JSON (an array, or lines of it), or Parquet; written row by row, whole or not at all."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from castproof.errors import MissingExtraError, SettingError
from castproof.files import atomic_path, make_folder, write_csv
from castproof.installation import how_to_install
from castproof.pipeline.predicting.prediction import Prediction

COLUMNS: Final = (
    "file",
    "verdict",
    "p_defective",
    "threshold",
    "reject_from",
    "reason",
    "class",
    "label",
    "warnings",
    "correct",
    "model",
    "looks_like",
)
CSV: Final = "csv"
JSON: Final = "json"
PARQUET: Final = "parquet"
LINES: Final = ".jsonl"
SUFFIXES: Final = {CSV: (".csv",), JSON: (".json", LINES), PARQUET: (".parquet",)}
ROWS_PER_GROUP: Final = 10_000


def check_table(kind: str, path: Path) -> None:
    """Raise where writing a table to `path` would fail, or replace something that is no table.

    Args:
        kind: CSV, JSON or PARQUET.
        path: the file to write.

    Raises:
        SettingError: the name has another ending, or is that of a folder.
        OutputError: the folder cannot be written.
        MissingExtraError: Parquet files cannot be written here.
    """
    if path.suffix.lower() not in SUFFIXES[kind] or path.is_dir():
        raise SettingError(
            f"--{kind} {path} is not the name of a table.",
            rule=f"It ends in {' or '.join(SUFFIXES[kind])}.",
            fix="Give another name.",
        )
    if kind == PARQUET:
        _parquet()
    make_folder(path.parent)


def write_table(kind: str, path: Path, predictions: Iterable[Prediction]) -> None:
    """Write one row per prediction to `path`, as they come, whole or not at all.

    Args:
        kind: CSV, JSON or PARQUET.
        path: the file to write.
        predictions: read once.

    Raises:
        OutputError: the file cannot be written.
    """
    writer = {CSV: _write_csv, JSON: _write_json, PARQUET: _write_parquet}[kind]
    writer(path, predictions)


def _values(one: Prediction) -> tuple[Any, ...]:
    """Return the cells of a row, in the order of COLUMNS."""
    return (
        one.path.as_posix(),
        one.verdict.value,
        one.p_defective,
        one.thresholds.threshold,
        one.thresholds.reject_from,
        one.reason,
        one.class_name,
        one.label,
        list(one.warnings),
        one.correct,
        one.model_id,
        one.looks_like,
    )


def csv_cells(one: Prediction) -> tuple[Any, ...]:
    """Return the cells of a row of a CSV table, in the order of COLUMNS."""
    return tuple(_cell(value) for value in _values(one))


def _write_csv(path: Path, predictions: Iterable[Prediction]) -> None:
    write_csv(path, COLUMNS, map(csv_cells, predictions))


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return "; ".join(value)
    return int(value) if isinstance(value, bool) else value


def _write_json(path: Path, predictions: Iterable[Prediction]) -> None:
    # A lone surrogate, of a name that is no Unicode, becomes the very escape that JSON has for it.
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file,
    ):
        rows = (
            json.dumps(dict(zip(COLUMNS, _values(one), strict=True)), ensure_ascii=False, allow_nan=False)
            for one in predictions
        )
        if path.suffix.lower() == LINES:
            file.writelines(row + "\n" for row in rows)
            return
        file.write("[")
        file.writelines((",\n" if place else "\n") + row for place, row in enumerate(rows))
        file.write("\n]\n")


def _write_parquet(path: Path, predictions: Iterable[Prediction]) -> None:
    pa, pq = _parquet()
    kinds = {
        "p_defective": pa.float64(),
        "threshold": pa.float64(),
        "reject_from": pa.float64(),
        "warnings": pa.list_(pa.string()),
        "correct": pa.bool_(),
    }
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for rows in _blocks(predictions):
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def _blocks(predictions: Iterable[Prediction]) -> Iterator[list[dict[str, Any]]]:
    rows = (dict(zip(COLUMNS, map(_unicode, _values(one)), strict=True)) for one in predictions)
    while block := list(islice(rows, ROWS_PER_GROUP)):
        yield block


def _unicode(value: Any) -> Any:
    r"""Return a text as Unicode, with \x.. for the bytes of a file name that are none."""
    if isinstance(value, list):
        return [_unicode(one) for one in value]
    return (
        value.encode("utf-8", "surrogatepass").decode("utf-8", "backslashreplace")
        if isinstance(value, str)
        else value
    )


def _parquet() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"Parquet files need {error.name}, which is not installed.",
            rule="They are written with castproof's parquet extra.",
            fix=f"Install it: {how_to_install('parquet')}; or write --csv or --json.",
        ) from error
    return pyarrow, pyarrow.parquet
