"""Files of a run that were changed by hand or damaged are refused with a reason, whatever they hold."""

from pathlib import Path
from typing import Any

import pytest

from castproof.errors import BrokenRunError, RunError, SettingError
from castproof.files import MOST_NESTED, check_nesting, read_json, read_rows, write_csv, write_json
from castproof.pipeline.gate_file import gate_path, read_gate_file, sealed
from castproof.pipeline.judged import read_predictions
from castproof.pipeline.reporting.reported import _own_thresholds
from castproof.run_folder import RunFolder
from castproof.settings import TrainSettings

DEPTHS = (MOST_NESTED + 1, 900, 5_000, 200_000)


def nested(depth: int) -> str:
    return '{"settings":' * depth + "1" + "}" * depth


def in_lists(depth: int) -> str:
    return '{"settings": {}, "format": 1, "more": ' + "[" * depth + "]" * depth + "}"


@pytest.mark.parametrize("text", [*map(nested, DEPTHS), *map(in_lists, DEPTHS)], ids=len)
def test_deeply_nested_json_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="nested"):
        read_json(path)
    run = RunFolder(tmp_path)
    run.hparams.write_text(text)
    with pytest.raises(RunError, match=r"hparams\.json cannot be read"):
        run.read_hparams()
    gate_path(tmp_path).parent.mkdir()
    gate_path(tmp_path).write_text(text)
    with pytest.raises(BrokenRunError, match=r"gate\.json cannot be used"):
        read_gate_file(tmp_path)


def test_what_is_nested_as_deep_as_allowed_is_read(tmp_path: Path) -> None:
    content: Any = 1
    for _ in range(MOST_NESTED):
        content = {"a": content}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == content
    with pytest.raises(ValueError, match=f"nested deeper than {MOST_NESTED}"):
        check_nesting([content], MOST_NESTED)
    check_nesting(5, 0)


@pytest.mark.parametrize(
    "text", ["", "[]", "1", '{"a": NaN}', '{"a": -Infinity}', "{", "\ud800", '{"a": 1} 2']
)
def test_what_is_no_object_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=r"."):
        read_json(path)


def test_a_gate_of_an_absurd_format_is_refused(tmp_path: Path) -> None:
    gate_path(tmp_path).parent.mkdir()
    write_json(gate_path(tmp_path), sealed({"format": {"a": ["x" * 10_000] * 100}}))
    with pytest.raises(BrokenRunError, match="cannot be used") as caught:
        read_gate_file(tmp_path)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "cell", ["x" * 200_000, "9" * 5_000, "nan", "-1", "", "0.5\0", '"0.5'], ids=lambda cell: cell[:5]
)
def test_a_table_with_an_absurd_cell_is_refused(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    path.write_text(f"file,p_defective,threshold,fold\na.png,{cell},{cell},1\n")
    with pytest.raises(BrokenRunError, match=r"predictions\.csv"):
        list(read_predictions(path))
    with pytest.raises(BrokenRunError, match=r"predictions\.csv"):
        _own_thresholds(path)


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = [["=a", "1"], ["ä\ud800\nb", ""]]
    write_csv(tmp_path / "a.csv", ("file", "p"), rows)
    assert list(read_rows(tmp_path / "a.csv")) == [{"file": "'=a", "p": "1"}, {"file": "ä\ud800\nb", "p": ""}]


ABSURD: dict[str, list[Any]] = {
    "epochs": [0, -1, 10**9, 10**400, 2.5, True, "3", None, []],
    "batch_size": [1, 10**12, 2.5],
    "num_workers": [-1, 10**9, 0.5],
    "seed": [-1, 2**64, 10**400, 1.5],
    "folds": [2, 10**9, "3", None],
    "img_size": [10**6, 0, -5, 224.5, None, "224"],
    "dropout": [float("nan"), 1, -0.1, None, "half", {}],
    "lr": [float("inf"), 0, "1"],
    "val_share": [None, "0.1", 0],
    "data": [5, None, []],
    "ok": [5, [5], "ok" and [None]],
    "set_aside": ["yes", 1, None],
    "recipe": [None, 3],
    "weights": [None, 5, []],
    "parts": [None, 7, "("],
    "model": [None, "a b", 5],
    "unfreeze": [None, 5, "-1"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, one) for name, values in ABSURD.items() for one in values], ids=str
)
def test_settings_that_no_run_can_have_are_named(name: str, value: object) -> None:
    stored = {**TrainSettings("photos").to_json(), name: value}
    with pytest.raises(SettingError) as caught:
        TrainSettings.from_json(stored)
    assert len(str(caught.value)) < 1000
    assert name.replace("_", "-") in str(caught.value) or "not fit" in str(caught.value)
