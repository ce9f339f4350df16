"""What a pickle would become, found out without unpickling it.

A pickle is a program for a small stack machine. Its opcodes are read (pickletools), and a machine of our own follows
them that only notes what would lie where: no class is looked up and nothing is called.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, Final


@dataclass(eq=False, slots=True)
class Thing:
    """What would lie on the stack of the machine that unpickles.

    Args:
        sort: "text", "name", "made" (what a call of that name returns), "dict", or "" for anything else.
        name: the text; the module and name; the name of what was called.
        values: of a dict.
    """

    sort: str = ""
    name: str = ""
    values: list["Thing"] = field(default_factory=list)

    @property
    def is_tensor(self) -> bool:
        """Whether it is what PyTorch's functions that rebuild tensors return."""
        return self.sort == "made" and self.name.startswith(
            ("torch._utils _rebuild", "torch._tensor _rebuild")
        )


_PLAIN: Final = Thing()
_MARK: Final = Thing()
_DICTS: Final = ("collections OrderedDict", "builtins dict", "__builtin__ dict")


class _Machine:
    """Follows the opcodes of a pickle without doing what they say."""

    def __init__(self) -> None:
        self.stack: list[Thing] = []
        self.memo: dict[int, Thing] = {}

    def above_mark(self) -> list[Thing]:
        taken = []
        while (top := self.stack.pop()) is not _MARK:
            taken.append(top)
        return taken[::-1]

    def take(self, opcode: pickletools.OpcodeInfo) -> list[Thing]:
        """Return what the opcode takes off the stack, lowest first."""
        before = opcode.stack_before
        above = self.above_mark() if pickletools.markobject in before else []
        count = len(before) if pickletools.markobject not in before else before.index(pickletools.markobject)
        return [self.stack.pop() for _ in range(count)][::-1] + above

    def follow(self, opcode: pickletools.OpcodeInfo, argument: object) -> None:
        if opcode.name.endswith("PUT"):
            self.memo[int(str(argument))] = self.stack[-1]
        elif opcode.name == "MEMOIZE":
            self.memo[len(self.memo)] = self.stack[-1]
        elif opcode.name.endswith("GET"):
            self.stack.append(self.memo[int(str(argument))])
        elif opcode.name == "MARK":
            self.stack.append(_MARK)
        else:
            taken = self.take(opcode)
            make = _MAKERS.get(opcode.name)
            made = make(taken, argument if isinstance(argument, str) else "") if make else _PLAIN
            self.stack.extend([made] * len(opcode.stack_after))


def _call(name: str) -> Thing:
    return Thing("dict") if name in _DICTS else Thing("made", name)


def _fill(taken: list[Thing]) -> Thing:
    taken[0].values.extend(taken[2::2] if taken[0].sort == "dict" else ())
    return taken[0]


_Maker = Callable[[list[Thing], str], Thing]
_MAKERS: Final[dict[str, _Maker]] = {
    **dict.fromkeys(
        ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"), lambda _, text: Thing("text", text)
    ),
    "GLOBAL": lambda _, name: Thing("name", name),
    "STACK_GLOBAL": lambda taken, _: Thing("name", f"{taken[0].name} {taken[1].name}"),
    **dict.fromkeys(("REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ"), lambda taken, _: _call(taken[0].name)),
    "INST": lambda _, name: _call(name),
    "EMPTY_DICT": lambda _, __: Thing("dict"),
    "DICT": lambda taken, _: Thing("dict", values=taken[1::2]),
    **dict.fromkeys(("SETITEM", "SETITEMS"), lambda taken, _: _fill(taken)),
    **dict.fromkeys(("BUILD", "APPEND", "APPENDS", "ADDITEMS"), lambda taken, _: taken[0]),
}


def outcome(pickle: BinaryIO, most_opcodes: int) -> Thing | None:
    """Return what unpickling would end with; None after `most_opcodes`.

    Args:
        pickle: at the start of a pickle; afterwards behind its last opcode.
        most_opcodes: after which to give up.

    Raises:
        ValueError, IndexError, KeyError: it is no pickle. What hostile bytes raise is not limited to these.
    """
    machine = _Machine()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(pickle)):
        if count >= most_opcodes:
            return None
        if opcode.name == "STOP":
            break
        machine.follow(opcode, argument)
    return machine.stack[-1]
