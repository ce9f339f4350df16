"""Nothing is sent anywhere: ONNX Runtime, which reports to its maker by itself, is told not to before it is loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PREPARED = "import castproof.runtime.session"
UNPREPARED = "import onnxruntime"


def traces(line: str, home: Path) -> list[Path]:
    """Return the files that a program leaves in an empty home."""
    home.mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))}
    command = [sys.executable, "-c", line]
    subprocess.run(command, check=True, env={**env, "HOME": str(home), "LOCALAPPDATA": str(home)}, timeout=60)
    return [path for path in home.rglob("*") if path.is_file()]


def test_loading_the_runtime_leaves_no_reports_behind(tmp_path: Path) -> None:
    assert traces(PREPARED, tmp_path / "prepared") == []


def test_this_test_would_notice_reports(tmp_path: Path) -> None:
    if not traces(UNPREPARED, tmp_path / "unprepared"):
        pytest.skip("this ONNX Runtime reports nothing by itself")
