import shlex
import sys

import pytest

from castproof.wording import command, counted


def test_counts_have_their_number() -> None:
    assert (counted(1, "part"), counted(0, "part"), counted(1148, "photo")) == (
        "1 part",
        "0 parts",
        "1,148 photos",
    )
    assert (counted(1, "copy", "copies"), counted(2, "copy", "copies")) == ("1 copy", "2 copies")


@pytest.mark.skipif(sys.platform == "win32", reason="the quotes of another shell")
def test_a_command_is_written_as_the_program_was_called(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["audit", "my photos", "--ok", "line's"]
    monkeypatch.delenv("UV", raising=False)
    assert command(words).startswith("castproof audit 'my photos'")
    monkeypatch.setenv("UV", "/somewhere/uv")
    assert shlex.split(command(words)) == ["uv", "run", "castproof", *words]
