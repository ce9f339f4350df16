"""What the page on a batch says, in the language of the window."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from castproof import __version__
from castproof.measure.decision import DECISIVE, Verdict
from castproof.pipeline.inspecting.batch import Batch
from castproof.pipeline.inspecting.batch_pictures import Pictures
from castproof.pipeline.inspecting.inspector_verdict import InspectorVerdict
from castproof.pipeline.inspecting.telling import (
    SYMBOLS,
    changed_thresholds,
    class_mapping,
    threshold_words,
    warning_words,
)
from castproof.pipeline.predicting.prediction import DEFECTIVE, GOOD, Prediction
from castproof.report.batch_page import BatchPage, BatchSection, BatchTile
from castproof.report.page import Card, Table
from castproof.translation import language, tr
from castproof.wording import percent, probability

MOST_PICTURES: Final = 24
MOST_ROWS: Final = 500
_STATES: Final = {
    Verdict.ACCEPT: "fine",
    Verdict.REVIEW: "warn",
    Verdict.REJECT: "alarm",
    Verdict.NOT_INSPECTED: "warn",
}


def shown_photos(batch: Batch) -> list[Prediction]:
    """Return the photos of which the page shows pictures, each once."""
    groups = (batch.missed, batch.false_alarms, batch.overruled)
    return list({one.path: one for group in groups for one in group[:MOST_PICTURES]}.values())


def batch_page(batch: Batch, pictures: Pictures) -> BatchPage:
    """Return all that the page says.

    Args:
        batch: what it is about.
        pictures: of `shown_photos`, by path.
    """
    sections = [_verdicts_section(batch)]
    if batch.labelled:
        sections += [_missed_section(batch, pictures), _false_alarms_section(batch, pictures)]
    if batch.verdicts:
        sections.append(_inspector_section(batch, pictures))
    sections += [_review_section(batch), _not_inspected_section(batch)]
    return BatchPage(
        language=language(),
        made=f"castproof {__version__} · {_date(batch)}",
        title=tr("Inspection of {folder}", folder=batch.folder.name or str(batch.folder)),
        facts=_facts(batch),
        cautions=_cautions(batch),
        cards=_cards(batch),
        sections=[one for one in sections if one.table or one.tiles or one.text],
        unreadable=tr("not readable"),
    )


def _facts(batch: Batch) -> list[tuple[str, str]]:
    return [
        (tr("Folder"), str(batch.folder)),
        (tr("Inspector"), batch.inspector or "–"),
        (tr("Date"), _date(batch)),
        (tr("Model"), batch.model_name),
        (tr("Model ID"), batch.model_id),
        (tr("Classes"), class_mapping(batch.good, batch.defective)),
        (tr("Thresholds on p(DEF)"), threshold_words(batch.thresholds)),
        (tr("Program"), f"castproof {__version__}"),
    ]


def _cautions(batch: Batch) -> list[str]:
    said = []
    if batch.own_thresholds != batch.thresholds:
        said.append(changed_thresholds(promises=batch.promises))
        said.append(tr("The model's own thresholds: {own}", own=threshold_words(batch.own_thresholds)))
    elif not batch.promises:
        said.append(tr("This model promises nothing about what it misses."))
    if batch.pending:
        said.append(
            tr(
                "Photos of the folder that are not judged yet, and not counted here: {count}.",
                count=batch.pending,
            )
        )
    if batch.decided_otherwise:
        said.append(
            tr(
                "Verdicts of an inspector that were given with another model or other thresholds: {count}.",
                count=batch.decided_otherwise,
            )
        )
    said.append(
        tr(
            "Counted are the photos of this batch. They are no promise for other photos, and several photos may show "
            "one part."
        )
    )
    return said


def _cards(batch: Batch) -> list[Card]:
    counts = Counter(one.verdict for one in batch.predictions)
    total = len(batch.predictions)
    cards = [
        Card(
            _marked(one), str(counts[one]), _of(counts[one], total), _STATES[one] if counts[one] else "plain"
        )
        for one in Verdict
    ]
    for title, found, label in (
        (tr("Missed defects"), batch.missed, DEFECTIVE),
        (tr("False alarms"), batch.false_alarms, GOOD),
    ):
        count = sum(one.label == label for one in batch.labelled)
        if count:
            state = "fine" if not found else "alarm" if label == DEFECTIVE else "warn"
            cards.append(Card(title, str(len(found)), _of(len(found), count), state))
    if batch.verdicts:
        decided = sum(batch.verdict_on(one) is not None for one in batch.predictions)
        cards.append(Card(tr("Decided by the inspector"), str(decided), _of(decided, total), "plain"))
    return cards


def _verdicts_section(batch: Batch) -> BatchSection:
    by_label = Counter((one.label, one.verdict) for one in batch.predictions)
    columns = [("", tr("all photos"))]
    if batch.labelled:
        columns = [
            (DEFECTIVE, tr("labelled defective")),
            (GOOD, tr("labelled good")),
            ("", tr("without label")),
        ]
    totals = {label: sum(by_label[label, one] for one in Verdict) for label, _ in columns}
    columns = [(label, words) for label, words in columns if totals[label]]
    rows = [
        [_marked(verdict), *(_of(by_label[label, verdict], totals[label]) for label, _ in columns)]
        for verdict in Verdict
    ]
    rows.append([tr("all"), *(str(totals[label]) for label, _ in columns)])
    header = [tr("verdict of the model"), *(words for _, words in columns)]
    return BatchSection(tr("Verdicts"), table=Table("", header, rows), figures=True)


def _missed_section(batch: Batch, pictures: Pictures) -> BatchSection:
    text = tr("Photos in a folder of defective parts that the model accepts; the least suspected come first.")
    none = tr("None: the model accepts no photo that lies in a folder of defective parts.")
    return _picture_section(batch, tr("Missed defects"), batch.missed, text, none, pictures)


def _false_alarms_section(batch: Batch, pictures: Pictures) -> BatchSection:
    text = tr("Photos in a folder of good parts that the model rejects; the most suspected come first.")
    none = tr("None: the model rejects no photo that lies in a folder of good parts.")
    return _picture_section(batch, tr("False alarms"), batch.false_alarms, text, none, pictures)


def _inspector_section(batch: Batch, pictures: Pictures) -> BatchSection:
    counts: Counter[tuple[Verdict, Verdict]] = Counter()
    for one in batch.predictions:
        verdict = batch.verdict_on(one)
        if verdict is not None:
            counts[one.verdict, verdict.decided] += 1
    rows = [
        [_marked(verdict), *(str(counts[verdict, decided]) for decided in DECISIVE)] for verdict in Verdict
    ]
    header = [tr("verdict of the model"), tr("inspector: ACCEPT"), tr("inspector: REJECT")]
    text = tr("Photos on which the inspector disagrees with the model; the model's surest come first.")
    none = tr("The inspector disagrees with the model on no photo.")
    shown = _picture_section(batch, tr("Inspector and model"), batch.overruled, text, none, pictures)
    return BatchSection(shown.title, shown.text, Table("", header, rows), True, shown.tiles, shown.more)


def _picture_section(
    batch: Batch, title: str, photos: Sequence[Prediction], text: str, none: str, pictures: Pictures
) -> BatchSection:
    tiles = [_tile(batch, one, pictures) for one in photos[:MOST_PICTURES]]
    legend = tr(
        "On the right the heat map: the stronger the colour, the more of the evidence for a defect hangs on the place. "
        "A line runs around the strongest place; it is dashed where that is weak."
    )
    said = [text if photos else none, *([legend] if any(one.heat for one in tiles) else [])]
    return BatchSection(title, " ".join(said), tiles=tiles, more=_more(len(photos) - len(tiles)))


def _tile(batch: Batch, one: Prediction, pictures: Pictures) -> BatchTile:
    picture, heat = pictures.get(one.path, (None, None))
    p = "–" if one.p_defective is None else probability(one.p_defective)
    lines = [f"{_marked(one.verdict)} · p_defective {p}"]
    if one.class_name:
        lines.append(tr("folder: {name}", name=one.class_name))
    verdict = batch.verdict_on(one)
    if verdict is not None:
        lines.append(_decision(verdict))
    return BatchTile(picture, heat, batch.file_of(one), lines, defective=one.label == DEFECTIVE)


def _review_section(batch: Batch) -> BatchSection:
    photos = [one for one in batch.predictions if one.verdict is Verdict.REVIEW]
    rows = [
        [
            batch.file_of(one),
            "–" if one.p_defective is None else probability(one.p_defective),
            "; ".join(map(warning_words, one.warnings)) or tr("between the thresholds"),
            _decision_on(batch, one),
        ]
        for one in photos[:MOST_ROWS]
    ]
    header = [tr("photo"), "p_defective", tr("why"), tr("decided")]
    return BatchSection(
        tr("REVIEW: a person must look"),
        tr("Photos: {count}", count=len(photos)),
        Table("", header, rows) if rows else None,
        more=_more(len(photos) - len(rows)),
    )


def _not_inspected_section(batch: Batch) -> BatchSection:
    photos = [one for one in batch.predictions if one.verdict is Verdict.NOT_INSPECTED]
    rows = [[batch.file_of(one), one.reason, _decision_on(batch, one)] for one in photos[:MOST_ROWS]]
    return BatchSection(
        tr("NOT_INSPECTED: the model could not judge"),
        tr("Photos: {count}. None of them counts as accepted.", count=len(photos)),
        Table("", [tr("photo"), tr("why"), tr("decided")], rows) if rows else None,
        more=_more(len(photos) - len(rows)),
    )


def _decision_on(batch: Batch, one: Prediction) -> str:
    verdict = batch.verdict_on(one)
    return _decision(verdict) if verdict is not None else tr("not decided yet")


def _decision(verdict: InspectorVerdict) -> str:
    said = "; ".join(part for part in (verdict.reason, verdict.comment) if part)
    words = f"{_marked(verdict.decided)} ({said})" if said else _marked(verdict.decided)
    return f"{verdict.inspector or tr('inspector')}: {words}"


def _marked(verdict: Verdict) -> str:
    return f"{SYMBOLS[verdict]}\N{NO-BREAK SPACE}{verdict}"


def _of(count: int, total: int) -> str:
    if not total:
        return tr("{count} of {total}", count=count, total=total)
    return tr("{count} of {total} ({share})", count=count, total=total, share=percent(count / total))


def _more(count: int) -> str:
    return tr("Further photos, in the table next to this page: {count}", count=count) if count > 0 else ""


def _date(batch: Batch) -> str:
    return f"{batch.when.astimezone():%Y-%m-%d %H:%M %z}"
