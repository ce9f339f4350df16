"""Two runs, or two cross-validations, on the photos that both judged without having been trained on them."""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from castproof.data.manifest import Photo
from castproof.errors import DataError, SettingError
from castproof.files import write_json
from castproof.measure.comparison import Difference, compare, sentence
from castproof.measure.paired_figures import Judgement
from castproof.pipeline.gate_file import check_single
from castproof.pipeline.judged import part_numbers
from castproof.pipeline.reporting.reported import reported


@dataclass(frozen=True, eq=False)
class Told:
    """One photo as it is judged in one folder: p_defective, and whether it is called defective (not ACCEPT)."""

    photo: Photo
    p_defective: float
    called: bool


@dataclass(frozen=True, eq=False)
class Comparison:
    """How B differs from A.

    Args:
        names: what A and B are called.
        photos: photos that both judged.
        parts: parts that these show, good and defective.
        only: photos that A alone, and that B alone judged.
        differences: figure by figure.
        sentences: the same in words, the verdicts first.
    """

    names: tuple[str, str]
    photos: int
    parts: tuple[int, int]
    only: tuple[int, int]
    differences: list[Difference]
    sentences: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return asdict(self)


def compare_folders(a: Path, b: Path, *, cost_fn: float, cost_fp: float, confidence: float) -> Comparison:
    """Return how `b` differs from `a`, paired over parts.

    A cross-validation tells all its photos out of fold, a run its test photos; with the gate where one was decided,
    else with the threshold of training. Compared are the photos that both tell, by their content.

    Args:
        a, b: folders of runs or of cross-validations.
        cost_fn: cost of one missed defect, >= 0.
        cost_fp: cost of one good photo that does not pass, >= 0.
        confidence: of the intervals, two-sided.

    Raises:
        SettingError: both are one folder.
        CastproofError: a folder tells nothing, or the two have no photo in common.
    """
    if a.resolve() == b.resolve():
        raise SettingError(
            "A run cannot be compared with itself.",
            rule="A and B must be two folders: what they share says nothing about which judges better.",
            found=f"Both are {a.resolve()}.",
            fix="Give the other run, or the other cross-validation. For one run alone: castproof report.",
        )
    told_a, told_b = _told(a), _told(b)
    common = [key for key in told_a if key in told_b]
    if not common:
        raise DataError(
            "There is nothing to compare.",
            rule="Both must have judged the same photos: a cross-validation judges all, a run its test photos.",
            found=f"Found {len(told_a):,} and {len(told_b):,} photos, none of them in both.",
            fix="Compare two cross-validations of one data set, or two runs with the same split.",
        )
    photos = [told_a[key].photo for key in common]
    defective = np.array([photo.defective for photo in photos])
    judgements = [_judgement([told[key] for key in common]) for told in (told_a, told_b)]
    part = part_numbers(photos)
    found = compare(defective, part, *judgements, cost_fn=cost_fn, cost_fp=cost_fp, confidence=confidence)
    names = _names(a, b)
    return Comparison(
        names=names,
        photos=len(common),
        parts=(len(np.unique(part[~defective])), len(np.unique(part[defective]))),
        only=(len(told_a) - len(common), len(told_b) - len(common)),
        differences=found,
        sentences=[sentence(one, *names) for one in found],
    )


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Write the comparison as JSON to `path`, whole or not at all. Raises OutputError."""
    write_json(path, comparison.to_json())


def _told(folder: Path) -> dict[tuple[str, bool, int], Told]:
    """Return what is told in `folder`, by content and label of each photo, identical ones numbered."""
    decision = reported(folder).decision
    check_single(decision.gate, folder, "compare")
    outcome = decision.outcome
    rows = zip(decision.photos, outcome.p, ~outcome.accepted, strict=True)
    found: dict[tuple[str, bool, int], Told] = {}
    seen: Counter[tuple[str, bool]] = Counter()
    for photo, p, called in rows:
        key = photo.sha256 or photo.file, photo.defective
        found[(*key, seen[key])] = Told(photo, float(p), bool(called))
        seen[key] += 1
    return found


def _judgement(told: list[Told]) -> Judgement:
    return Judgement(np.array([one.p_defective for one in told]), np.array([one.called for one in told]))


def _names(a: Path, b: Path) -> tuple[str, str]:
    """Return the folders' names, or their paths where these are the same."""
    names = a.resolve().name, b.resolve().name
    return names if names[0] != names[1] else (str(a), str(b))
