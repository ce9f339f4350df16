"""The page on a batch of photos: one HTML file that needs nothing else, for the screen and for paper."""

from collections.abc import Sequence
from dataclasses import dataclass

from castproof.report.page import Card, Table, rendered
from castproof.report.thumbnails import Picture


@dataclass(frozen=True)
class BatchTile:
    """One photo, with its heat map where there is one.

    Args:
        picture: the photo, small; None where it can no longer be read.
        heat: the photo with its heat, small; None where there is none.
        file: its path below the folder.
        lines: what is to be said about it, the first one in bold.
        defective: whether it is framed as a defective one.
    """

    picture: Picture | None
    heat: Picture | None
    file: str
    lines: Sequence[str]
    defective: bool


@dataclass(frozen=True)
class BatchSection:
    """One heading with what stands below it.

    Args:
        title: the heading.
        text: a sentence or two, "" for none.
        table: figures, or a list of photos.
        figures: whether all but the first column of the table are numbers.
        tiles: photos.
        more: says how many are not shown, "" where all are.
    """

    title: str
    text: str = ""
    table: Table | None = None
    figures: bool = False
    tiles: Sequence[BatchTile] = ()
    more: str = ""


@dataclass(frozen=True)
class BatchPage:
    """Everything that the page shows, in one language; all texts are plain and are escaped by the template.

    Args:
        language: code of the language, such as "en".
        made: when and with which version it was made.
        title: the heading.
        facts: pairs of a name and a value, such as the model.
        cautions: what must be known before a figure is believed, sentences.
        cards: the figures at the top.
        sections: all else.
        unreadable: stands in the place of a photo that can no longer be read.
    """

    language: str
    made: str
    title: str
    facts: Sequence[tuple[str, str]]
    cautions: Sequence[str]
    cards: Sequence[Card]
    sections: Sequence[BatchSection]
    unreadable: str


def batch_html(page: BatchPage) -> str:
    """Return the page as HTML without scripts and without anything outside of itself."""
    return rendered("batch.html.j2", page=page)
