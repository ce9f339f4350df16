"""The list of keys that bindings, menus and the help window are made of."""

import re
from collections import Counter
from typing import TYPE_CHECKING, cast

import pytest

from castproof.apps.inspector.keys import Key, both_cases, keys

pytest.importorskip("sv_ttk", reason="the window needs its extra: pip install castproof[inspector]")

if TYPE_CHECKING:
    from castproof.apps.inspector.desk import Desk

MODIFIERS = {"Control", "Shift"}
NAMED = {
    *("Right", "Left", "Next", "Prior", "Home", "End", "Return", "KP_Enter", "Escape"),
    *("plus", "equal", "minus", "KP_Add", "KP_Subtract"),
    *(f"F{number}" for number in range(1, 13)),
}


def every_key() -> list[Key]:
    """Return the keys of all groups."""
    return [key for group in keys().values() for key in group]


def test_no_key_does_two_things() -> None:
    counted = Counter(sequence for key in every_key() for sequence in key.sequences)
    assert [one for one, count in counted.items() if count > 1] == []
    shown = Counter(key.shown for key in every_key())
    assert [one for one, count in shown.items() if count > 1] == []


def test_nothing_is_listed_twice() -> None:
    actions = Counter(key.action for key in every_key())
    assert [one for one, count in actions.items() if count > 1] == []


def test_every_key_does_something_that_one_group_of_commands_knows() -> None:
    from castproof.apps.inspector.commands import Commands

    commands = Commands(cast("Desk", object()))
    groups = (commands.opening, commands.going, commands.looking, commands.deciding, commands.handing_on)
    for key in every_key():
        assert callable(commands.call(key.action))
        assert sum(hasattr(group, key.action) for group in groups) == 1, key.action
    with pytest.raises(AttributeError, match="no command"):
        commands.call("fly")


def test_every_sequence_is_one_that_tk_knows() -> None:
    for key in every_key():
        for sequence in key.sequences:
            if len(sequence) == 1:
                assert sequence.islower() or sequence.isdigit()  # the other case is bound as well
                continue
            *modifiers, name = re.fullmatch(r"<([\w-]+)>", sequence)[1].split("-")  # type: ignore[index]
            assert set(modifiers) <= MODIFIERS
            assert name in NAMED or re.fullmatch("[A-Za-z]", name)
            assert not ("Shift" in modifiers and name.islower()), "with Shift, a letter is a capital one"


def test_no_plain_key_works_while_a_person_types() -> None:
    for key in every_key():
        if key.typing:
            for sequence in key.sequences:
                assert "Control" in sequence or re.fullmatch(r"<(F\d+|Escape)>", sequence), sequence


def test_what_is_shown_names_a_key_that_is_bound() -> None:
    drawn = {"→": "Right", "←": "Left", "+": "plus", "−": "minus", "Enter": "Return", "Esc": "Escape"}
    for key in every_key():
        for shown in re.split(r" or ", key.shown):
            *modifiers, name = shown.split("+") if len(shown) > 1 else [shown]
            name = drawn.get(name, name)
            bound = {one.strip("<>").replace("Control", "Ctrl").casefold() for one in key.sequences}
            assert "-".join([*modifiers, name]).casefold() in bound, key


def test_caps_lock_changes_nothing() -> None:
    assert both_cases("n") == {"n", "N"}
    assert both_cases("<Control-m>") == {"<Control-m>", "<Control-M>"}
    assert both_cases("<Control-Shift-E>") == {"<Control-Shift-E>", "<Control-Shift-e>"}
    for sequence in ("<F5>", "<Next>", "<Control-F5>", "0", "<plus>"):
        assert both_cases(sequence) == {sequence}
    bound = Counter(one for key in every_key() for sequence in key.sequences for one in both_cases(sequence))
    assert [one for one, count in bound.items() if count > 1] == []
