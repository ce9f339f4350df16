"""A power cut leaves no file in place whose content the disk does not have, and no thread sees another's files open."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from castproof import files
from castproof.files import atomic_path, put_in_place, write_csv, write_json, write_text
from castproof.run_folder import RunFolder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders are flushed on POSIX alone")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is asked of the disk, in this order; all of it is really done."""
    seen: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def spy_fsync(number: int) -> None:
        found = os.fstat(number)
        seen.append("folder" if stat.S_ISDIR(found.st_mode) else f"file of {found.st_size}")
        fsync(number)

    def spy_replace(path: Path, target: Path) -> Path:
        seen.append("replace")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(Path, "replace", spy_replace)
    return seen


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_text(path, "0123456789"),
        lambda path: write_json(path, "1234567"),
        lambda path: write_csv(path, ["abc"], [["def"]]),
    ],
)
def test_a_file_is_on_the_disk_before_it_is_in_place(
    write: Callable[[Path], None], calls: list[str], tmp_path: Path
) -> None:
    write(tmp_path / "new" / "a")
    assert calls == ["file of 10", "replace", "folder"]


def test_files_that_can_be_made_again_do_not_wait_for_the_disk(calls: list[str], tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a", durable=False) as temporary:
        temporary.write_text("x")
    assert calls == ["replace"]


def test_a_file_that_cannot_be_flushed_is_told_and_the_old_one_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_text(tmp_path / "a", "old")

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(files.OutputError, match="No space left"):
        write_text(tmp_path / "a", "new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


def test_a_folder_that_cannot_be_flushed_is_no_problem(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a").write_text("x")
    monkeypatch.setattr(files.os, "O_DIRECTORY", os.O_RDWR)  # which a folder refuses
    put_in_place(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "x"


def test_an_empty_metrics_json_completes_no_run(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert not run.is_complete
    run.metrics.write_bytes(b"")
    assert not run.is_complete
    write_json(run.metrics, {})
    assert run.is_complete


@pytest.mark.parametrize(("mask", "mode"), [("022", "644"), ("027", "640"), ("077", "600"), ("000", "666")])
def test_files_have_the_mode_that_the_system_gives_without_touching_its_mask(
    mask: str, mode: str, tmp_path: Path
) -> None:
    script = f"""
import os, sys
from pathlib import Path
os.umask(0o{mask})
os.umask = lambda value: sys.exit("the mask of all threads was changed")
from castproof.files import write_text
write_text(Path("a"), "x")
write_text(Path("a"), "y")
print(f"{{os.stat('a').st_mode & 0o777:o}}")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == [mode], done.stderr
