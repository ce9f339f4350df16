"""The page that shows what an audit found: one HTML file that needs nothing else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from castproof.report.histogram import HEIGHT, WIDTH, Histogram
from castproof.report.thumbnails import Picture


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
class Pair:
    """Two photos of one part, and the second one laid over the first; the pictures are None without an alignment."""

    part: str
    first: Tile
    second: Tile
    turned: Picture | None
    overlay: Picture | None
    score: str
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
        alarm: whether the group is a finding that must be mended.
    """

    title: str
    text: str
    tiles: Sequence[Tile]
    beside: Sequence[Tile] = ()
    beside_title: str = ""
    more: int = 0
    alarm: bool = False


@dataclass(frozen=True)
class Distribution:
    """A statistic of good and defective photos."""

    title: str
    text: str
    level: str
    histogram: Histogram | None


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


@dataclass(frozen=True)
class AuditPage:
    """Everything that the page shows; all texts are plain and are escaped by the template.

    Args:
        data: name of the data folder.
        made: when and with which version it was made.
        verdict: the one sentence above everything else.
        state: "alarm" or "fine".
        cards: the figures at the top.
        leak: how much of test and val was seen before; None where the photos are not split.
        leak_text: what that means.
        pairs: example pairs of one part.
        pairs_across: whether these stand in several splits.
        scores: scores of pairs of different parts and of the same part; None without any.
        scores_limit: the score from which a pair counts as one part, in words.
        scores_text: how sure the parts are.
        counts: photos and parts by split and class.
        largest: the largest parts.
        conflicts: parts that carry both labels.
        conflicts_text: what that means.
        duplicates: groups of equal photos.
        shortcuts: every statistic.
        shortcuts_text: what they mean.
        outliers: photos that differ, by flag.
        unreadable: files that could not be read, and why.
        mend: the command that mends it, "" where nothing is to mend.
        mend_text: what that command does.
        method: how it was found, one sentence each.
    """

    data: str
    made: str
    verdict: str
    state: str
    cards: Sequence[Card]
    leak: Table | None
    leak_text: str
    pairs: Sequence[Pair]
    pairs_across: bool
    scores: Histogram | None
    scores_limit: str
    scores_text: str
    counts: Table
    largest: Sequence[Group]
    conflicts: Sequence[Group]
    conflicts_text: str
    duplicates: Sequence[Group]
    shortcuts: Sequence[Distribution]
    shortcuts_text: str
    outliers: Sequence[Group]
    unreadable: Sequence[tuple[str, str]]
    mend: str
    mend_text: str
    method: Sequence[str] = field(default_factory=tuple)


_LONGEST_WHOLE: Final = 14  # characters of a file name that fit below a photo in one line


def audit_html(page: AuditPage) -> str:
    """Return the page as HTML without scripts and without anything outside of itself."""
    environment = Environment(
        loader=PackageLoader("castproof.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["pieces"] = _pieces
    template = environment.get_template("audit.html.j2")
    html = template.render(page=page, width=WIDTH, height=HEIGHT)
    return html.encode("utf-8", "backslashreplace").decode("utf-8")  # file names that are no valid Unicode


def _pieces(file: str) -> list[str]:
    """Return the path of a file in pieces between which its line may end: whole words, and the ending whole."""
    pieces = re.split(r"(?<=.)(?=[/_-])", file)
    stem, dot, ending = pieces[-1].rpartition(".")
    if stem and len(pieces[-1]) > _LONGEST_WHOLE:
        pieces[-1:] = [stem, dot + ending]
    return pieces
