"""A run is found by its path, by its name in runs, or as the latest one."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from castproof.errors import OutputError, RunError, SettingError
from castproof.run_folder import RUNS, check_name, create_run_folder, find_run, names_by_time


def make(name: str, second: int, *files: str) -> Path:
    home = RUNS / name
    home.mkdir(parents=True)
    for file in files:
        (home / file).write_text("{}", encoding="utf-8")
        os.utime(home / file, (second, second))
    return home


@pytest.fixture(autouse=True)
def _in_a_folder_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make("b", 10, "hparams.json", "metrics.json")
    make("a", 20, "hparams.json", "metrics.json")
    make("stopped", 30, "hparams.json")
    make("folds", 40, "crossval.json", "metrics.json")
    make("no run", 50, "metrics.json")


def test_the_latest_is_the_last_of_its_kind() -> None:
    latest = Path("latest")
    assert find_run(latest) == RUNS / "a"
    assert find_run(latest, crossval=True) == RUNS / "folds"
    assert find_run(latest, complete=False) == RUNS / "stopped"


def test_a_path_comes_before_a_name_and_a_name_before_an_error() -> None:
    assert find_run(Path("b")) == RUNS / "b"
    Path("b").mkdir()
    Path("latest").mkdir()
    assert find_run(Path("b")) == Path("b")
    assert find_run(Path("latest")) == Path("latest")


def test_what_is_not_there_is_answered_with_what_is() -> None:
    with pytest.raises(RunError, match="no run folder 'c'") as caught:
        find_run(Path("c"))
    assert list(caught.value.items) == ["stopped", "a", "b"]
    for name in ("stopped",):
        (RUNS / name / "metrics.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RunError, match="no unfinished run"):
        find_run(Path("latest"), complete=False)


@pytest.mark.parametrize("name", ["latest", "a/b", "..", "", "c:d", "../x", "what?"])
def test_a_name_that_is_no_folder_or_means_something_else_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match="--name"):
        check_name(RUNS, name)


def test_a_taken_name_is_refused_and_times_get_a_number() -> None:
    check_name(RUNS, "new")
    with pytest.raises(OutputError, match="exists already"):
        check_name(RUNS, "a")
    when = datetime(2026, 1, 2, 3, 4, 5)
    made = [create_run_folder(RUNS, names_by_time("x", when)).path.name for _ in range(3)]
    assert made == ["x_20260102_030405", "x_20260102_030405_2", "x_20260102_030405_3"]
    with pytest.raises(OutputError, match="exists already"):
        create_run_folder(RUNS, ["a"])
