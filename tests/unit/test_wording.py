import shlex
import sys
import unicodedata

import pytest

from castproof.wording import command, counted, decimal, harmless, percent, stated


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


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        (None, 3, "n/a"),
        (1.0, 4, "1.0000"),
        (0.99996, 4, ">0.9999"),
        (0.9999, 4, "0.9999"),
        (sum([0.1] * 10), 4, "1.0000"),
        (0, 3, "0.000"),
        (0.1235, 2, "0.12"),
    ],
)
def test_numbers_do_not_claim_perfection(value: float | None, places: int, shown: str) -> None:
    assert decimal(value, places) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.0, "0%"),
        (1 / 3000, "<0.1%"),
        (0.0006, "0.1%"),
        (0.5, "50.0%"),
        (sum([0.1] * 10), "100%"),
        (2999 / 3000, ">99.9%"),
        (1.0, "100%"),
    ],
)
def test_percentages_do_not_hide_a_single_miss(share: float, shown: str) -> None:
    assert percent(share) == shown


def test_what_was_asked_for_is_not_rounded_to_all_or_none() -> None:
    assert (stated(0.95), stated(0.995), stated(0.0005), stated(1 - 0.95)) == ("95%", "99.5%", "0.05%", "5%")
