"""What the pages share: figures, photos with captions, and how a template becomes HTML."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from castproof.report.thumbnails import Picture

_LONGEST_WHOLE: Final = 14  # characters of a file name that fit below a photo in one line


@dataclass(frozen=True)
class Tile:
    """One photo with its caption.

    Args:
        picture: the photo, small; None where the file could not be read any more.
        file: its path below the data folder.
        split: its split, "" where the photos are not split.
        label: "good" or "defective".
        note: why it is shown, "" where the heading says it.
    """

    picture: Picture | None
    file: str
    split: str
    label: str
    note: str = ""


@dataclass(frozen=True)
class Group:
    """Photos that are shown together under one heading.

    Args:
        title: the heading.
        text: one or two sentences below it.
        tiles: the photos that are shown.
        beside: photos to compare them with.
        beside_title: what those are.
        more: how many further photos belong to the group.
        alarm: whether the group is a finding that must be fixed.
    """

    title: str
    text: str
    tiles: Sequence[Tile]
    beside: Sequence[Tile] = ()
    beside_title: str = ""
    more: int = 0
    alarm: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of figures."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: str = ""


@dataclass(frozen=True)
class Card:
    """One figure at the top of the page; `state` is "alarm", "warn" or "fine"."""

    title: str
    figure: str
    text: str
    state: str


def rendered(template: str, **values: object) -> str:
    """Return a template of this package as HTML; every text in `values` is escaped.

    Args:
        template: its file name.
        values: what it shows.
    """
    environment = Environment(
        loader=PackageLoader("castproof.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["pieces"] = _pieces
    html = environment.get_template(template).render(**values)
    return html.encode("utf-8", "backslashreplace").decode("utf-8")  # file names that are no valid Unicode


def _pieces(file: str) -> list[str]:
    """Return the path of a file in pieces between which its line may end: whole words, and the ending whole."""
    pieces = re.split(r"(?<=.)(?=[/_-])", file)
    stem, dot, ending = pieces[-1].rpartition(".")
    if stem and len(pieces[-1]) > _LONGEST_WHOLE:
        pieces[-1:] = [stem, dot + ending]
    return pieces
