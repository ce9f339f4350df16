"""The re-check of a run with a small new set of photos: does its gate still hold?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from castproof.data.manifest import Photo
from castproof.data.placing import check_outside
from castproof.errors import DataError, OutputError, RunError
from castproof.gate.calibrator import Calibrator, logit_of
from castproof.gate.evidence import Evidence, share_out_folds
from castproof.gate.gate import Gate
from castproof.measure.scores import Floats
from castproof.model.checkpoint import load_checkpoint
from castproof.pipeline.gate_file import load_gate, read_gate_file
from castproof.pipeline.judged import RUN, Judged, Source, open_source, part_numbers
from castproof.pipeline.scoring import score_photos
from castproof.pipeline.validation.calibration import CalibrationCheck, check_calibration, mix_at_calibration
from castproof.pipeline.validation.changes import (
    CLEARNESS,
    NETWORK,
    STATISTICS,
    Change,
    SizeChange,
    Values,
    changes,
    changes_of_any_mix,
    size_change,
    statistics_of,
)
from castproof.pipeline.validation.new_photos import Earlier, NewPhotos, look_up, read_new, survey_earlier
from castproof.pipeline.validation.rates import PromiseCheck, RateChange, check_promise, rate_changes
from castproof.pipeline.validation.unlike import Unlike, unlike_training
from castproof.pipeline.validation.validated import validated_photos
from castproof.progress import SILENT, Progress
from castproof.run_folder import RunFolder
from castproof.settings import BY_PICTURE, check_parts

TEST: Final = "test"
VAL: Final = "the photos that the gate was chosen on"


@dataclass(frozen=True, eq=False)
class Validation:
    """What a new set of photos says about a run.

    Args:
        run: the run.
        data: the folder of the new photos.
        gate: the gate of the run.
        gate_file: the content of gate.json; None where no gate was decided: then `gate` is the threshold of training.
        source: what the run tells of parts that it was not trained on.
        told_on: which photos of the run the new ones are compared with.
        new: the new photos.
        judged: those of them that count, with what the network says; labels are all False where there are none.
        rates: verdicts beside those at training; none without labels.
        promise: the promised miss rate; None without labels or without a promise.
        calibration: None without labels.
        images: light, focus and position of the photos beside those of the run; none where its photos are gone.
        said: what the network says beside training.
        size: photos of another size; None where there are none.
        gone: photos of the run that are not on this disk any more, or have changed.
        unlike: the new photos that the input gate calls unlike those of training; None where there is none.
    """

    run: RunFolder
    data: Path
    gate: Gate
    gate_file: dict[str, Any] | None
    source: Source
    told_on: str
    new: NewPhotos
    judged: Judged
    rates: Sequence[RateChange]
    promise: PromiseCheck | None
    calibration: CalibrationCheck | None
    images: Sequence[Change]
    said: Sequence[Change]
    size: SizeChange | None
    gone: int
    unlike: Unlike | None = None

    @property
    def is_another_kind(self) -> bool:
        """Whether most of the new photos are not of the kind that the run was trained on."""
        return self.unlike is not None and self.unlike.is_another_kind

    @property
    def labelled(self) -> bool:
        """Whether the new photos have labels."""
        return self.new.labelled

    @property
    def evidence(self) -> Evidence:
        """The new photos that count."""
        return self.judged.evidence

    @property
    def p_network(self) -> Floats:
        """float64 (n,), what the network says about the photos that count."""
        return Calibrator().p(self.evidence.logit)

    @property
    def parts(self) -> int:
        """Number of new parts; one with good and with defective photos counts twice."""
        return len(np.unique(self.evidence.part))


def validate(
    run: RunFolder,
    data: Path,
    *,
    ok: Sequence[str] = (),
    unlabelled: bool = False,
    parts: str = BY_PICTURE,
    skip_unreadable: bool = False,
    device: str = "auto",
    progress: Progress = SILENT,
) -> Validation:
    """Return what the photos in `data` say about `run`; nothing is written.

    Args:
        run: the trained run, with its gate.
        data: class folders, or photos without labels.
        ok: names of the good class folders; by default those given at training, else recognised by name.
        unlabelled: what folders the photos are in says nothing.
        parts: which of the photos show one part, a value of --parts.
        skip_unreadable: leave out photos that cannot be decoded.
        device: "auto", "cpu", "cuda" or "mps".
        progress: told of every photo read, compared and judged.

    Raises:
        CastproofError: the run or the photos do not fit.
    """
    check_parts(parts)
    source = open_source(run.path)
    if source.kind != RUN:
        raise RunError(
            f"{run.path} is a cross-validation.",
            rule="A re-check is of the network that is in use.",
            fix="Give a run folder made by castproof train.",
        )
    checkpoint = load_checkpoint(run.best_model)
    gate = load_gate(run, checkpoint.threshold)
    manifest, labelled = read_new(data, ok=ok, trained_ok=source.settings.ok, unlabelled=unlabelled)
    earlier = survey_earlier(_known_photos(source), progress=progress)
    new = look_up(
        manifest, labelled, earlier, parts=parts, skip_unreadable=skip_unreadable, progress=progress
    )
    paths = [new.manifest.path(photo) for photo in new.counted]
    if not paths:
        raise DataError(
            f"There is nothing new in {data}.",
            rule="Only photos of parts that the run does not know show whether it holds.",
            found=f"All {len(new.manifest.photos):,} photos show parts that it knows.",
            fix="Take photos of other parts.",
        )
    unlike = unlike_training(checkpoint, source, new, progress)
    p = score_photos(checkpoint, paths, device, progress)
    return replace(assess(source, gate, earlier, new, judged_photos(new.counted, p)), unlike=unlike)


def assess(source: Source, gate: Gate, earlier: Earlier, new: NewPhotos, judged: Judged) -> Validation:
    """Return what judged photos say about a run.

    Args:
        source: the run.
        gate: its gate.
        earlier: the photos that it knows.
        new: the new photos.
        judged: those of them that count, see `judged_photos`.

    Raises:
        DataError: labelled photos of one kind count for nothing, so that the other is left alone.
    """
    run, labelled = RunFolder(source.folder), new.labelled
    _check_both_kinds(new, judged)
    gate_file = read_gate_file(run.path)
    told_on, reference = (TEST, source.tested) if source.tested else (VAL, source.evidence)
    before, now = reference.evidence, judged.evidence
    mix = mix_at_calibration(gate_file, source.evidence.evidence)
    return Validation(
        run=run,
        data=new.manifest.root,
        gate=gate,
        gate_file=gate_file,
        source=source,
        told_on=told_on,
        new=new,
        judged=judged,
        rates=rate_changes(gate, before, now) if labelled else [],
        promise=check_promise(gate, now) if labelled else None,
        calibration=check_calibration(gate, mix, before, now) if labelled else None,
        images=_image_changes(new, judged, earlier),
        said=_said_changes(source, judged, gate, labelled=labelled),
        size=size_change(
            [earlier.statistics[one.sha256] for one in earlier.on_disk],
            [new.statistics[one.sha256] for one in judged.photos],
        ),
        gone=len(earlier.photos) - len(earlier.on_disk),
    )


def judged_photos(photos: tuple[Photo, ...], p: Floats) -> Judged:
    """Return `photos` with what the network says about them, p float64 (n,) in [0, 1], as evidence."""
    defective = np.array([photo.defective for photo in photos])
    part = part_numbers(photos)
    return Judged(photos, Evidence(defective, logit_of(p), part, share_out_folds(defective, part)))


def check_outdir(outdir: Path, data: Path) -> None:
    """Raise where results cannot be written to `outdir`.

    Raises:
        OutputError: it is a run folder, or lies in the folder of the photos.
    """
    if RunFolder(outdir).hparams.exists():
        raise OutputError(
            f"{outdir} is a run folder.",
            rule="The results of a validation must not be among those of a run.",
            fix="Choose another --outdir, or leave it out.",
        )
    check_outside(data, outdir)


def _known_photos(source: Source) -> list[Photo]:
    """Return all photos that the run or its gate rests on, by their absolute path."""
    own = [
        replace(photo, file=str(source.manifest.path(photo).absolute())) for photo in source.manifest.photos
    ]
    return [*own, *(one.photo for one in validated_photos(source.folder))]


def _check_both_kinds(new: NewPhotos, judged: Judged) -> None:
    kinds = {photo.defective for photo in judged.photos}
    if new.labelled and len(kinds) == 1:
        missing = "good" if kinds == {True} else "defective"
        raise DataError(
            f"No photo of a {missing} part is new.",
            rule="Photos with labels are needed of good and of defective parts that the run does not know.",
            found=f"Of {len(new.manifest.photos):,} photos, {len(new.known):,} show parts that it knows.",
            fix=f"Add photos of other {missing} parts. Or leave the labels alone: --unlabelled.",
        )


def _image_changes(new: NewPhotos, judged: Judged, earlier: Earlier) -> list[Change]:
    old = earlier.on_disk
    if not old:
        return []
    before = Values(
        statistics_of(old, earlier.statistics),
        part_numbers(old),
        np.array([photo.defective for photo in old]),
    )
    told = judged.evidence
    now = Values(statistics_of(judged.photos, new.statistics), told.part, told.defective)
    return changes(before, now, STATISTICS) if new.labelled else changes_of_any_mix(before, now, STATISTICS)


def _said_changes(source: Source, judged: Judged, gate: Gate, *, labelled: bool) -> list[Change]:
    """Return how far logits have moved or, without labels, how far they lie from where ACCEPT ends."""
    both = [source.evidence, *([source.tested] if source.tested else [])]
    photos = tuple(photo for one in both for photo in one.photos)
    logit, now = np.concatenate([one.evidence.logit for one in both]), judged.evidence
    numbers = [
        {
            NETWORK: one,
            CLEARNESS: np.abs(logit_of(gate.calibrator.p(one)) - logit_of(gate.thresholds.threshold)),
        }
        for one in (logit, now.logit)
    ]
    defective = np.array([photo.defective for photo in photos])
    before = Values(numbers[0], part_numbers(photos), defective)
    after = Values(numbers[1], now.part, now.defective)
    if labelled:
        return changes(before, after, {NETWORK: NETWORK})
    return changes_of_any_mix(before, after, {CLEARNESS: NETWORK})
