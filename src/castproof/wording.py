"""How messages write numbers and commands, the same on the screen and on pages."""

import math
import os
import shlex
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from typing import Final

UNKNOWN_CHARACTER: Final = "\N{REPLACEMENT CHARACTER}"
_DIGITS: Final = 12


def counted(count: int, thing: str, several: str = "") -> str:
    """Return for example "1 part" or "1,148 parts"; `several` is the plural where it is not `thing` and an s."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {several or thing + 's'}"


def listed(items: Sequence[str], most: int = 5) -> list[str]:
    """Return up to `most` of `items`, and in a last line how many more there are."""
    more = len(items) - most
    return [*items[:most], f"and {more:,} more"] if more > 0 else list(items)


def percent(share: float) -> str:
    """Return `share` in [0, 1] as a percentage that says 0% and 100% for none and for all, and only then.

    What is lost in the last digits of a sum of shares, which depends on the order of adding, does not count.
    """
    share = round(share, _DIGITS)
    if share in (0, 1):
        return f"{share:.0%}"
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    return f"{share:.1%}"


def stated(share: float) -> str:
    """Return a share that somebody asked for, or a confidence, as it was given: "5%", "99.5%"."""
    return f"{100 * share:.6g}%"


def decimal(value: float | None, places: int = 4) -> str:
    """Return `value` with so many decimal places: "n/a" for None, and ">0.9999" for what is close to 1 but not 1."""
    if value is None:
        return "n/a"
    shown = f"{value:.{places}f}"
    return f">{1 - 10**-places:.{places}f}" if float(shown) == 1.0 and round(value, _DIGITS) < 1 else shown


def probability(p: float) -> str:
    """Return `p` in [0, 1] with four digits, those of 1 - p where it is near 1: 0.99996 is not 1."""
    if p <= 0.9 or p == 1:
        return f"{p:.4g}"
    digits = 3 - math.floor(math.log10(1 - p))
    return f"{p:.{digits}f}".rstrip("0")


def harmless(text: str) -> str:
    """Return `text` with line breaks and spaces as they are, and a replacement for every other invisible character.

    Such a character could drive a terminal, or turn the direction in which a name is read.
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one == "\n" or unicodedata.category(one) == "Zs" else UNKNOWN_CHARACTER
        for one in text
    )


def round_name(folder: str) -> str:
    """Return what a person calls a round of a cross-validation, for example "fold 2", of its folder's name."""
    return "given split" if folder == "given" else folder.replace("_", " ")


def program() -> str:
    """Return how this program was called, for the commands that it proposes: under uv or by its own name."""
    return "uv run castproof" if "UV" in os.environ else "castproof"


def command(words: Sequence[str]) -> str:
    """Return a castproof command, for example of the words "audit" and "my photos", as one types it here."""
    typed = subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
    return f"{program()} {typed}"
