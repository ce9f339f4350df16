"""The page of a re-check: one HTML file that needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from castproof.report.page import Table, rendered


@dataclass(frozen=True)
class Answer:
    """One answer; `state` is "alarm", "warn", "open" or "fine", `says` the same in a word or two."""

    title: str
    state: str
    says: str
    text: str


@dataclass(frozen=True)
class ValidationPage:
    """Everything that the page shows; all texts are plain and are escaped by the template.

    Args:
        run: name of the run.
        data: name of the folder of new photos.
        made: when and with which version it was made.
        verdict: the one sentence above everything else.
        state: see `Answer`.
        evidence: what it rests on, sentences.
        answers: every single answer.
        tables: figures.
        proposal: what to do next, sentences.
        method: how it was found, and what cannot be known, sentences.
    """

    run: str
    data: str
    made: str
    verdict: str
    state: str
    evidence: Sequence[str]
    answers: Sequence[Answer]
    tables: Sequence[Table]
    proposal: Sequence[str]
    method: Sequence[str]


def validation_html(page: ValidationPage) -> str:
    """Return the page as HTML without scripts and without anything outside of itself."""
    return rendered("validation.html.j2", page=page)
