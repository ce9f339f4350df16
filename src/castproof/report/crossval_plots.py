"""Pictures of a cross-validation: what known parts hide, and the parts that are judged worst."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from castproof.measure.evaluation import ScoredSplit
from castproof.report.colours import DEFECTIVE, GOOD, INK, QUIET
from castproof.report.photo_sheets import Sheet, Tile, verdict_caption
from castproof.report.style import dress, finish, new_figure, photo_count, shorten
from castproof.wording import counted, decimal, probability, round_name


@dataclass(frozen=True, eq=False)
class PartRow:
    """One part on a sheet.

    Args:
        part: its id.
        photos: how many photos it has.
        wrong: how many of them were not judged as they are labelled.
        threshold: the one that gave their verdicts.
        tiles: the photos that were judged worst.
    """

    part: str
    photos: int
    wrong: int
    threshold: float
    tiles: Sequence[Tile]


def leak_plot(
    folds: Sequence[ScoredSplit], pooled: Mapping[str, float | int | None], given: ScoredSplit | None
) -> Figure:
    """Return macro-F1 of every fold and of all folds together, beside that of the split in the folder.

    Args:
        folds: the test photos of each fold, parts that the network never saw.
        pooled: metrics of all folds together.
        given: the test photos of the given split; None without one.
    """
    rows = [(round_name(fold.name), fold.metrics["macro_f1"], QUIET) for fold in folds]
    rows.append(("all folds", pooled["macro_f1"], DEFECTIVE))
    if given is not None:
        rows.append((round_name(given.name), given.metrics["macro_f1"], GOOD))
    told = photo_count(int(pooled["n"] or 0), int(pooled["n_defective"] or 0))
    figure = new_figure(
        8, 1.6 + 0.42 * len(rows), "Parts never seen, and the given split", f"out of fold: {told}"
    )
    axes = figure.add_subplot()
    dress(axes, "", "macro-F1 (higher is better)", "")
    values = [value if value is not None else float("nan") for _, value, _ in rows]
    places = range(len(rows), 0, -1)
    axes.hlines(places, 0, values, color=QUIET, linewidth=0.8)
    for place, (_, value, color), x in zip(places, rows, values, strict=True):
        axes.plot(x, place, "o", color=color, markersize=9)
        axes.annotate(
            decimal(value), (x, place), xytext=(9, 0), textcoords="offset points", va="center", color=INK
        )
    axes.set_yticks(list(places), [name for name, *_ in rows])
    low = min((x for x in values if x == x), default=0.0)
    axes.set_xlim(max(0.0, low - 0.5 * (1 - low) - 0.01), 1.0 + 0.25 * (1 - low) + 0.005)
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= 1.0])
    return finish(figure)


def worst_parts(kind: str, rows: Sequence[PartRow]) -> Figure:
    """Return a sheet of the parts of one kind that were judged worst, the worst first.

    Args:
        kind: "good" or "defective".
        rows: the parts with their photos.
    """
    columns = max((len(row.tiles) for row in rows), default=1)
    subtitle = "the worst photos of each   ·   called defective when p_defective ≥ threshold"
    sheet = Sheet(max(columns, 4), [1] * len(rows), 4, f"The {kind} parts judged worst", subtitle)
    for row in rows:
        wrong = f"{row.wrong:,} of {counted(row.photos, 'photo')} judged wrong"
        sheet.heading(f"{shorten(row.part, 30)}: {wrong}, threshold {probability(row.threshold)}")
        for column, tile in enumerate(row.tiles):
            sheet.place(column, tile.image, verdict_caption(tile), tile.defective)
        sheet.next_row()
    return finish(sheet.figure)
