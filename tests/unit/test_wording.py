import shlex
import sys
import unicodedata

import pytest

from castproof.wording import command, counted, harmless


def test_counts_have_their_number() -> None:
    assert (counted(1, "part"), counted(0, "part"), counted(1148, "photo")) == (
        "1 part",
        "0 parts",
        "1,148 photos",
    )
    assert (counted(1, "copy", "copies"), counted(2, "copy", "copies")) == ("1 copy", "2 copies")


def test_no_character_that_cannot_be_seen_is_left_but_spaces_and_line_breaks() -> None:
    for number in range(sys.maxunicode + 1):
        one = harmless(chr(number))
        category = unicodedata.category(one)
        assert one == "\n" or category[0] in "LMNPS" or category == "Zs"
        assert one == chr(number) or not chr(number).isprintable()


@pytest.mark.parametrize("name", ["Gußteil 鋳物 01.png", "a b\u3000c.png", "line\nbreak", "é", "🏭 [bold]"])
def test_names_of_any_language_stay_as_they_are(name: str) -> None:
    assert harmless(name) == name
    assert harmless(f"{name}\x1b[2J\u202e") == f"{name}\ufffd[2J\ufffd"


@pytest.mark.skipif(sys.platform == "win32", reason="the quotes of another shell")
def test_a_command_is_written_as_the_program_was_called(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["audit", "my photos", "--ok", "line's"]
    monkeypatch.delenv("UV", raising=False)
    assert command(words).startswith("castproof audit 'my photos'")
    monkeypatch.setenv("UV", "/somewhere/uv")
    assert shlex.split(command(words)) == ["uv", "run", "castproof", *words]
