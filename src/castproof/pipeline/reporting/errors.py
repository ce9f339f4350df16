"""The photos of a report that were judged wrong, and those that were most doubtful, with their heat maps."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import torch

from castproof.data.manifest import Photo
from castproof.errors import BrokenRunError, ImageError
from castproof.gate.outcome import Outcome
from castproof.images import decode
from castproof.measure.decision import Thresholds, Verdict, decide
from castproof.measure.scores import Flags, Floats
from castproof.model.checkpoint import Checkpoint, load_checkpoint
from castproof.model.heat_maps import heat_maps
from castproof.pipeline.decide import Decision
from castproof.pipeline.judged import Source
from castproof.pipeline.reporting.examples import short_p
from castproof.pipeline.reporting.pictures import few_per_part
from castproof.preprocess import Pixels, resize
from castproof.progress import SILENT, Progress
from castproof.report.gate_page import Judged, JudgedGroup
from castproof.report.heat_pictures import heat_picture
from castproof.report.page import Tile
from castproof.report.thumbnails import Picture, thumbnail
from castproof.wording import counted, probability

SHOWN: Final = 6
PER_PART: Final = 2
PHOTO_PX: Final = 200
Pictures = dict[str, tuple[Picture, Picture | None]]
Rows = Sequence[int]


def error_groups(decision: Decision, progress: Progress = SILENT) -> list[JudgedGroup]:
    """Return missed defects, false alarms and the most doubtful photos, each beside what its network looked at.

    Args:
        decision: the gate and the photos that its results are told of.
        progress: told of every photo.
    """
    outcome = decision.outcome
    missed, alarms = (_worst(decision, defective=kind) for kind in (True, False))
    doubtful = _doubtful(decision, {*missed, *alarms})
    pictures = _pictures(decision, [*missed, *alarms, *doubtful], progress)
    labels = outcome.photos.defective
    groups = (
        ("Missed defects", "defective photo", "passed", labels & outcome.accepted, missed),
        ("False alarms", "good photo", "rejected", ~labels & outcome.rejected, alarms),
    )
    found = [
        JudgedGroup(
            f"{title}: {counted(int(wrong.sum()), 'photo')}",
            _shown_words(wrong, shown, thing, happened),
            [_judged(decision, row, pictures) for row in shown],
        )
        for title, thing, happened, wrong, shown in groups
    ]
    text = "The photos nearest to a threshold, on either side of it."
    return [
        *found,
        JudgedGroup("Most doubtful", text, [_judged(decision, row, pictures) for row in doubtful]),
    ]


def _shown_words(wrong: Flags, shown: Rows, thing: str, happened: str) -> str:
    if not wrong.any():
        return f"No {thing} was {happened}."
    if len(shown) == wrong.sum():
        return "All of them."
    return f"The {len(shown)} judged worst, at most {PER_PART} of a part."


def _worst(decision: Decision, *, defective: bool) -> list[int]:
    """Return the rows of the photos that were judged wrong, the furthest from their threshold first."""
    outcome, labels = decision.outcome, decision.outcome.photos.defective
    wrong = labels & outcome.accepted if defective else ~labels & outcome.rejected
    rows = np.flatnonzero(wrong)
    margin = _margins(outcome)
    order = rows[np.argsort(margin[rows] if defective else -margin[rows], kind="stable")]
    return few_per_part(decision.photos, order.tolist(), SHOWN, PER_PART)


def _doubtful(decision: Decision, others: set[int]) -> list[int]:
    margin = np.abs(np.stack([_margins(decision.outcome), _margins(decision.outcome, reject=True)])).min(
        axis=0
    )
    order = [row for row in np.argsort(margin, kind="stable").tolist() if row not in others]
    return few_per_part(decision.photos, order, SHOWN, PER_PART)


def _margins(outcome: Outcome, *, reject: bool = False) -> Floats:
    """Return, float64 (n,), how far each photo's p_defective lies above the threshold of its fold."""
    at = {fold: one.thresholds for fold, one in outcome.gates.items()}
    limits = [
        at[int(fold)].reject_from if reject else at[int(fold)].threshold for fold in outcome.photos.fold
    ]
    return np.asarray(outcome.p - np.array(limits), np.float64)


def _pictures(decision: Decision, rows: Rows, progress: Progress) -> Pictures:
    """Return photo and heat map by file, network by network; photos that cannot be read are not among them."""
    photos = [decision.photos[row] for row in rows]
    made: Pictures = {}
    with progress.task("drawing heat maps", len(photos)) as task:
        for checkpoint, group in _by_network(decision.source, photos):
            for photo in group:
                try:
                    pixels = decode(decision.source.manifest.path(photo))
                    made[photo.file] = thumbnail(pixels, PHOTO_PX), _heat(checkpoint, pixels)
                except ImageError:
                    pass
                task.advance()
    return made


def _by_network(
    source: Source, photos: Sequence[Photo]
) -> Iterator[tuple[Checkpoint | None, Sequence[Photo]]]:
    """Yield each network, None where its file is gone or broken, with photos of parts that it was not trained on."""
    groups = defaultdict(list)
    for photo in photos:
        groups[source.network_of(photo).best_model].append(photo)
    for path, group in groups.items():
        try:
            yield load_checkpoint(path), group
        except BrokenRunError:
            yield None, group


def _heat(checkpoint: Checkpoint | None, pixels: Pixels) -> Picture | None:
    if checkpoint is None:
        return None
    photo = torch.from_numpy(np.array(resize(pixels, checkpoint.spec.preprocess.size_px)))[None]
    heat = heat_maps(checkpoint.network, photo)[0].numpy()
    return heat_picture(pixels, heat, PHOTO_PX)


def _judged(decision: Decision, row: int, pictures: Pictures) -> Judged:
    photo, outcome = decision.photos[row], decision.outcome
    p = float(outcome.p[row])
    at = outcome.gates[int(outcome.photos.fold[row])].thresholds
    picture, heat = pictures.get(photo.file, (None, None))
    label = "defective" if photo.defective else "good"
    note = f"p_defective {short_p(p)}"
    tile = Tile(picture, photo.file, photo.part, label, note)
    return Judged(tile, heat, _verdict_words(p, at))


def _verdict_words(p: float, at: Thresholds) -> str:
    verdict = decide(p, at)
    limits = {
        Verdict.ACCEPT: f"below {probability(at.threshold)}",
        Verdict.REVIEW: f"{probability(at.threshold)} to {probability(at.reject_from)}",
        Verdict.REJECT: f"from {probability(at.reject_from)}",
    }
    return f"{verdict}, {limits[verdict]}"


def errors_text(decision: Decision, groups: Sequence[JudgedGroup]) -> str:
    """Return the sentence that opens the chapter."""
    shown = sum(len(one.photos) for one in groups)
    alone = " Each photo is judged alone here." if decision.gate.policy.combine.several else ""
    return (
        f"Look at these {counted(shown, 'photo')} before you sign: is the label right, and did the network look at "
        "the defect? Beside each photo is its heat map, by one scale for all: colour is evidence for defective, "
        "and a line runs around the strongest place, dashed where the network sees next to nothing." + alone
    )
