"""What a report says of slices of its photos: those with little light, those of one folder, those of one part."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

import numpy as np

from castproof.data.manifest import Photo
from castproof.data.photo_statistics import PhotoStatistics
from castproof.measure.intervals import Rate
from castproof.measure.scores import Counts, Flags, Floats
from castproof.measure.slices import LEAST_PARTS, ErrorKind, Slice, slices, worst
from castproof.pipeline.decide import Decision
from castproof.pipeline.reporting.examples import short_p
from castproof.pipeline.reporting.pictures import few_per_part, thumbnails
from castproof.pipeline.reporting.results import interval, share_words
from castproof.progress import SILENT, Progress
from castproof.report.gate_page import Section
from castproof.report.page import Group, Table, Tile
from castproof.report.thumbnails import Picture
from castproof.wording import counted, stated

NUMBERS: Final = ("brightness", "contrast", "glare", "sharpness", "rim contrast")
KINDS: Final[tuple[tuple[ErrorKind, str], ...]] = (("missed", "missed"), ("false_alarms", "rejected"))
HEADER: Final = ("", "missed", "parts", "false alarms", "parts")
TOO_FEW: Final = "too few parts"
WORST: Final = 3
WORSE: Final = 1.25  # times the rate of all photos, from which a slice is worth a look
WORST_PARTS: Final = 6
SHOWN: Final = 6
PER_PART: Final = 2
TILE_PX: Final = 150
LEAD: Final = (
    "One figure for all photos can hide a kind of photo that goes wrong more often. Each row shows the "
    "photos that have one thing in common; numbers are cut into four groups of equal size."
)


def slice_results(
    decision: Decision, statistics: Mapping[str, PhotoStatistics], progress: Progress = SILENT
) -> tuple[Section, list[Group]]:
    """Return the results by slice, and pictures of the worst slices.

    Args:
        decision: the gate and the photos that its results are told of.
        statistics: of the photos that can be read, by file.
        progress: told of every picture.
    """
    by_light = _by_numbers(decision, statistics)
    every = np.arange(len(decision.photos))
    by_name = _sliced(decision, every, {}, _categories(decision.photos))
    by_part = _sliced(decision, every, {}, {"part": [one.part or one.file for one in decision.photos]})
    groups = _worst_groups(decision, [*by_light, *by_name], by_part, progress)
    tables = [_slice_table(f"By {name}", of) for name, of in _by_property([*by_light, *by_name]).items()]
    notes = [
        "Shares give every part the same weight; in brackets their intervals, "
        f"{stated(decision.results.good.rejected.confidence)}. Where a slice has fewer than {LEAST_PARTS} "
        "parts of a kind, nothing is said about it. Of many slices some are worse than the rest by chance."
    ]
    if decision.gate.policy.combine.several:
        notes.append("Each photo is judged alone here; the gate takes several photos of a part.")
    if len(statistics) < len(decision.photos):
        notes.append(
            f"{counted(len(decision.photos) - len(statistics), 'photo')} can no longer be read and are in no slice."
        )
    return Section(LEAD, tables=[*tables, _part_table(by_part)], notes=notes), groups


def _by_numbers(decision: Decision, statistics: Mapping[str, PhotoStatistics]) -> list[Slice]:
    rows = np.array([row for row, one in enumerate(decision.photos) if one.file in statistics], np.int64)
    if not len(rows):
        return []
    measured = [statistics[decision.photos[row].file] for row in rows]
    numbers = {
        name: np.array([getattr(one, name.replace(" ", "_")) for one in measured], np.float64)
        for name in NUMBERS
    }
    found = _sliced(decision, rows, numbers, {})
    return [Slice(one.property, one.name, rows[one.rows], one.missed, one.false_alarms) for one in found]


def _categories(photos: Sequence[Photo]) -> dict[str, list[str]]:
    found = {"class": [one.class_name for one in photos]}
    folders = [PurePosixPath(one.file).parent.as_posix() for one in photos]
    if len(set(folders)) > len(set(found["class"])):
        found["folder"] = folders
    return found


def _sliced(
    decision: Decision,
    rows: Counts,
    numbers: Mapping[str, Floats],
    categories: Mapping[str, Sequence[str]],
) -> list[Slice]:
    outcome = decision.outcome
    return slices(
        outcome.photos.defective[rows],
        outcome.accepted[rows],
        outcome.rejected[rows],
        outcome.photos.part[rows],
        numbers,
        categories,
        by="parts",
    )


def _by_property(found: Sequence[Slice]) -> dict[str, list[Slice]]:
    groups: dict[str, list[Slice]] = {}
    for one in found:
        groups.setdefault(one.property, []).append(one)
    return groups


def _slice_table(title: str, found: Sequence[Slice]) -> Table:
    rows = [(one.name, *_cells(one, "missed"), *_cells(one, "false_alarms")) for one in found]
    return Table(title, HEADER, rows)


def _cells(one: Slice, kind: ErrorKind) -> tuple[str, str]:
    rate = one.rate(kind)
    if not rate.photos:
        return "—", "none"
    told = interval(rate) if one.enough(kind) else TOO_FEW
    return f"{share_words(rate)} ({told})", f"{rate.parts_hit:,} of {rate.parts:,}"


def _part_table(found: Sequence[Slice]) -> Table:
    """Return the parts with the largest share of photos judged wrong, without interval: one part is one piece of it."""
    rows = []
    for one in _worst_parts(found):
        rate, label = _own(one)
        rows.append((one.name, label, share_words(rate), f"{rate.hits:,} of {rate.photos:,}"))
    return Table(
        "Parts judged worst",
        ("part", "label", "judged wrong", "photos"),
        rows,
        "" if rows else "No part has a photo that was judged wrong.",
    )


def _worst_parts(found: Sequence[Slice]) -> list[Slice]:
    wrong = [one for one in found if _own(one)[0].hits]
    return sorted(wrong, key=lambda one: (-(_own(one)[0].share or 0.0), one.name))[:WORST_PARTS]


def _own(one: Slice) -> tuple[Rate, str]:
    """Return the rate of a part, and its label; of a part with both labels that which went wrong more often."""
    if (one.missed.share or 0.0) >= (one.false_alarms.share or 0.0) and one.missed.photos:
        return one.missed, "defective"
    return one.false_alarms, "good"


def _worst_groups(
    decision: Decision, found: Sequence[Slice], parts: Sequence[Slice], progress: Progress
) -> list[Group]:
    chosen: list[tuple[str, str, list[int]]] = []
    for kind, happened in KINDS:
        overall = _overall(decision, kind)
        for one in worst(_above(found, kind, overall), kind, WORST):
            rate = one.rate(kind)
            title = (
                f"{one.property.capitalize()} {one.name}: {share_words(rate)} {happened} ({interval(rate)})"
            )
            chosen.append((title, _doubt(rate, overall), _shown(decision, one, kind)))
    for one in _worst_parts(parts)[:WORST]:
        rate, label = _own(one)
        kind = "missed" if label == "defective" else "false_alarms"
        title = f"{one.name}, {label}: {rate.hits:,} of {counted(rate.photos, 'photo')} judged wrong"
        chosen.append((title, "", _shown(decision, one, kind, per_part=SHOWN)))
    photos = {row: decision.photos[row] for _, _, rows in chosen for row in rows}
    pictures = thumbnails(decision.source.manifest, list(photos.values()), TILE_PX, progress)
    return [
        Group(
            title,
            text,
            [_tile(decision, row, pictures.get(photos[row].file)) for row in rows],
        )
        for title, text, rows in chosen
    ]


def _above(found: Sequence[Slice], kind: ErrorKind, overall: Rate) -> list[Slice]:
    return [one for one in found if (one.rate(kind).share or 0.0) >= WORSE * (overall.share or 0.0)]


def _overall(decision: Decision, kind: ErrorKind) -> Rate:
    results = decision.results
    return results.defective.accepted if kind == "missed" else results.good.rejected


def _doubt(rate: Rate, overall: Rate) -> str:
    told = f"Of all photos: {share_words(overall)}."
    if (rate.low or 0.0) > (overall.share or 0.0):
        return f"{told} This slice is worse by more than chance."
    return f"{told} The difference may be chance."


def _shown(decision: Decision, one: Slice, kind: ErrorKind, *, per_part: int = PER_PART) -> list[int]:
    """Return rows of the slice's photos that were judged wrong, the worst first, few of a part."""
    outcome, labels = decision.outcome, decision.outcome.photos.defective
    wrong: Flags = labels & outcome.accepted if kind == "missed" else ~labels & outcome.rejected
    sign = 1 if kind == "missed" else -1
    rows = one.rows[wrong[one.rows]]
    order = rows[np.argsort(sign * outcome.p[rows], kind="stable")].tolist()
    return few_per_part(decision.photos, order, SHOWN, per_part)


def _tile(decision: Decision, row: int, picture: Picture | None) -> Tile:
    photo = decision.photos[row]
    label = "defective" if photo.defective else "good"
    return Tile(picture, photo.file, photo.part, label, f"p {short_p(float(decision.outcome.p[row]))}")
