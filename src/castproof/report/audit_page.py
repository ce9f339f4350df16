"""The page that shows what an audit found: one HTML file that needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from castproof.report.histogram import HEIGHT, WIDTH, Histogram
from castproof.report.page import Card, Group, Table, Tile, rendered
from castproof.report.thumbnails import Picture

__all__ = ["AuditPage", "Card", "Distribution", "Group", "Pair", "Table", "Tile", "audit_html"]


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
class Distribution:
    """A statistic of good and defective photos."""

    title: str
    text: str
    level: str
    histogram: Histogram | None


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
        pairs_across: whether these are in several splits.
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
        fix: the command that fixes it, "" where nothing is to be fixed.
        fix_text: what that command does.
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
    fix: str
    fix_text: str
    method: Sequence[str] = field(default_factory=tuple)


def audit_html(page: AuditPage) -> str:
    """Return the page as HTML without scripts and without anything outside of itself."""
    return rendered("audit.html.j2", page=page, width=WIDTH, height=HEIGHT)
