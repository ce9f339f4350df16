"""A folder that is in use keeps other processes out, and is free again however its user ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from castproof.errors import OutputError
from castproof.files import in_use

USER = """
import sys
from pathlib import Path
from castproof.files import in_use
with in_use(Path(sys.argv[1])):
    print("in", flush=True)
    sys.stdin.read()
"""


def test_a_folder_has_one_user_until_it_is_killed(tmp_path: Path) -> None:
    user = subprocess.Popen(
        [sys.executable, "-c", USER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with user:
        try:
            assert user.stdout is not None
            assert user.stdout.readline() == "in\n"
            with pytest.raises(OutputError, match="Another command is at work"), in_use(tmp_path):
                pass
        finally:
            user.kill()
    with in_use(tmp_path):
        pass


def test_what_goes_wrong_inside_goes_out_and_frees_the_folder(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), in_use(tmp_path):
        raise PermissionError
    with in_use(tmp_path):
        pass


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Cannot write"), in_use(tmp_path / "none"):
        pass
