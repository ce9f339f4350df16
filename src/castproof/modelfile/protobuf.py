"""A reader of protocol-buffer messages that trusts nothing (https://protobuf.dev/programming-guides/encoding/).

It knows the fields that a message may have and reads no others. Where two readers could take the same bytes for two
things, it refuses them: groups, a field of another wire type than its own, a field that may stand once and stands
twice. Nothing is copied, and the time grows with the number of bytes.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from castproof.errors import ModelFileError

MAX_FIELDS: Final = 500_000  # an empty field is two bytes in the file and about a hundred in memory
_VARINT, _EIGHT_BYTES, _BLOCK, _FOUR_BYTES = 0, 1, 2, 5
_FIXED_BYTES: Final = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
_MAX_VARINT_BYTES: Final = 10
_CHUNK_BYTES: Final = 2**20


class Kind(NamedTuple):
    """How a field is stored.

    Args:
        wire_types: those that it may have.
        once: it stands at most once in its message.
        item_bytes: of a number of fixed size; 0 for varints and for blocks.
    """

    wire_types: tuple[int, ...]
    once: bool
    item_bytes: int = 0


INT: Final = Kind((_VARINT,), once=True)
FLOAT: Final = Kind((_FOUR_BYTES,), once=True, item_bytes=4)
BLOCK: Final = Kind((_BLOCK,), once=True)
INTS: Final = Kind((_VARINT, _BLOCK), once=False)
FLOATS: Final = Kind((_FOUR_BYTES, _BLOCK), once=False, item_bytes=4)
DOUBLES: Final = Kind((_EIGHT_BYTES, _BLOCK), once=False, item_bytes=8)
BLOCKS: Final = Kind((_BLOCK,), once=False)


@dataclass(frozen=True)
class Message:
    """The fields of a message, by their number.

    Args:
        name: of the message type.
        kinds: the fields that it may have.
        refused: what a field is called that it must not have.
        inner: the fields that are messages of which nothing but the form matters.
    """

    name: str
    kinds: Mapping[int, Kind]
    refused: Mapping[int, str] = field(default_factory=dict)
    inner: Mapping[int, "Message"] = field(default_factory=dict)


@dataclass(frozen=True)
class Reader:
    """Reads the messages of one file.

    Args:
        name: how errors call the file.
        spent: how much of what has been met so far.
    """

    name: str
    spent: Counter[str] = field(default_factory=Counter)

    def fields(self, data: memoryview, message: Message) -> Iterator[tuple[int, memoryview]]:
        """Yield number and stored bytes of each field of `message`, in the order of the file.

        The bytes of a number are those of its varint or its four or eight bytes, of a packed field all of them.

        Raises:
            ModelFileError: `data` is cut off, or is not what `message` says.
        """
        at = 0
        seen: set[int] = set()
        while at < len(data):
            tag, at = self._varint(data, at)
            number, wire_type = tag >> 3, tag & 7
            self._check_field(message, number, wire_type, seen)
            seen.add(number)
            start, at = self._span(data, at, wire_type)
            value = data[start:at]
            if number in message.inner:
                deque(self.fields(value, message.inner[number]), maxlen=0)
            yield number, value

    def numbers(self, value: memoryview, most: int) -> list[int]:
        """Return the signed 64-bit numbers of one or several varints. Raises ModelFileError beyond `most` of them."""
        found: list[int] = []
        at = 0
        while at < len(value):
            if len(found) == most:
                raise self.damaged(f"A list has more than {most} numbers.")
            unsigned, at = self._varint(value, at)
            found.append(unsigned - 2**64 if unsigned >= 2**63 else unsigned)
        return found

    def count(self, value: memoryview, kind: Kind) -> int:
        """Return how many numbers `value` holds. Raises ModelFileError where the last one is cut off."""
        cut_off = len(value) % kind.item_bytes if kind.item_bytes else len(value) and value[-1] >= 0x80
        if cut_off:
            raise self.damaged("The last number of a list is cut off.")
        if kind.item_bytes:
            return len(value) // kind.item_bytes
        chunks = (value[start : start + _CHUNK_BYTES] for start in range(0, len(value), _CHUNK_BYTES))
        return sum(int(np.count_nonzero(np.frombuffer(chunk, np.int8) >= 0)) for chunk in chunks)

    def spend(self, what: str, count: int, most: int) -> None:
        """Count `what`. Raises ModelFileError where there are more than `most` in the file."""
        self.spent[what] += count
        if self.spent[what] > most:
            raise self.refused(f"more than {most:,} {what}")

    def damaged(self, found: str) -> ModelFileError:
        """Return the error of bytes that make no sense."""
        return ModelFileError(
            f"{self.name} is damaged, cut off or no ONNX file.",
            rule="A model file is an ONNX file.",
            found=found,
            fix="Copy it again from where it was made, or export it again.",
        )

    def refused(self, what: str) -> ModelFileError:
        """Return the error of a file that asks for more than a network needs."""
        return ModelFileError(
            f"{self.name} is refused: it has {what}.",
            rule="A model file is one network of known operators with its numbers inside; all it can do is compute.",
            found=f"Found {what}.",
            fix="Export it again, and take model files only from people you trust.",
        )

    def _check_field(self, message: Message, number: int, wire_type: int, seen: set[int]) -> None:
        self.spend("fields", 1, MAX_FIELDS)
        if number in message.refused:
            raise self.refused(message.refused[number])
        kind = message.kinds.get(number)
        if kind is None:
            raise self.damaged(f"Field {number} of {message.name} is unknown.")
        if wire_type not in kind.wire_types:
            raise self.damaged(f"Field {number} of {message.name} has the wire type {wire_type}.")
        if kind.once and number in seen:
            raise self.damaged(f"Field {number} of {message.name} is there twice.")

    def _span(self, data: memoryview, at: int, wire_type: int) -> tuple[int, int]:
        """Return where the value of a field starts and ends, whose tag ends at `at`."""
        start = at
        if wire_type == _VARINT:
            _, end = self._varint(data, at)
        elif wire_type == _BLOCK:
            length, start = self._varint(data, at)
            end = start + length
        else:
            end = at + _FIXED_BYTES[wire_type]
        if end > len(data):
            raise self.damaged(f"A field is {end - len(data):,} bytes longer than what is left for it.")
        return start, end

    def _varint(self, data: memoryview, at: int) -> tuple[int, int]:
        """Return the unsigned 64-bit number that starts at `at`, and where it ends."""
        value = 0
        for place, byte in enumerate(data[at : at + _MAX_VARINT_BYTES]):
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80 and value < 2**64:
                return value, at + place + 1
        raise self.damaged("A number is cut off, or has more than 64 bits.")
