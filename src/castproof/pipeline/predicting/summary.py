"""What is told of many predictions: counts, and the first few cases of each kind."""

from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from castproof.measure.decision import Verdict
from castproof.pipeline.predicting.prediction import DEFECTIVE, GOOD, Prediction, folder_of

LISTED: Final = 20
_KINDS: Final = 1000
_NEARLY: Final = 0.8  # likeness of two names, from which one may be a slip of the other


@dataclass
class Summary:
    """Counts of predictions, which are added one by one; its size does not grow with their number.

    Args:
        verdicts: how many there are of each verdict.
        labelled: how many there are by label and verdict.
        warned: how many are unlike the photos of training.
        warnings: how often each kind of warning was given: its words before the colon.
        first: the first predictions.
        not_accepted: the first whose verdict is not ACCEPT.
        unlabelled: how many lie in a folder of each name that is no class of the model.
        classes: names of the classes of the model.
        missed: the first missed defects (false accepts).
        false_alarms: the first false alarms (false rejects).
        kept: how many were finished before and not judged again.
        seconds: how long the others took.
    """

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    labelled: Counter[tuple[str, Verdict]] = field(default_factory=Counter)
    warned: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    first: list[Prediction] = field(default_factory=list)
    not_accepted: list[Prediction] = field(default_factory=list)
    unlabelled: Counter[str] = field(default_factory=Counter)
    classes: tuple[str, ...] = ()
    missed: list[Prediction] = field(default_factory=list)
    false_alarms: list[Prediction] = field(default_factory=list)
    kept: int = 0
    seconds: float = 0.0

    @property
    def count(self) -> int:
        """How many predictions were added."""
        return self.verdicts.total()

    @property
    def listed(self) -> list[Prediction]:
        """The predictions worth a look: all where they are few, otherwise the first that are not ACCEPT."""
        return self.first if self.count <= LISTED else self.not_accepted

    @property
    def has_labels(self) -> bool:
        """Whether the folder of any of them is a class of the model."""
        return bool(self.labelled)

    @property
    def per_second(self) -> float:
        """How many were judged in a second."""
        return (self.count - self.kept) / self.seconds if self.seconds > 0 else 0.0

    def add(self, prediction: Prediction) -> None:
        """Count `prediction`."""
        self.verdicts[prediction.verdict] += 1
        _list(self.first, prediction)
        if prediction.verdict is not Verdict.ACCEPT:
            _list(self.not_accepted, prediction)
        if prediction.label:
            self.labelled[prediction.label, prediction.verdict] += 1
        else:
            folder = folder_of(prediction.path)
            if folder in self.unlabelled or len(self.unlabelled) < _KINDS:
                self.unlabelled[folder] += 1
        if prediction.correct is False:
            _list(self.missed if prediction.label == DEFECTIVE else self.false_alarms, prediction)
        if prediction.warnings:
            self.warned += 1
            for warning in prediction.warnings:
                kind = warning.partition(":")[0]
                if kind in self.warnings or len(self.warnings) < _KINDS:
                    self.warnings[kind] += 1

    def meant(self, folder: str) -> str:
        """Return the class of the model whose name is nearly that of `folder`, "" where there is none."""
        return next(iter(get_close_matches(folder, self.classes, 1, _NEARLY)), "")

    def of(self, label: str, verdict: Verdict) -> int:
        """Return how many of a label, "defective" or "good", got `verdict`."""
        return self.labelled[label, verdict]

    def of_label(self, label: str) -> int:
        """Return how many have a label."""
        return sum(self.of(label, verdict) for verdict in Verdict)

    @property
    def not_inspected(self) -> int:
        """How many could not be judged."""
        return self.verdicts[Verdict.NOT_INSPECTED]

    @property
    def missed_count(self) -> int:
        """How many defects were missed."""
        return self.of(DEFECTIVE, Verdict.ACCEPT)

    @property
    def false_alarm_count(self) -> int:
        """How many false alarms there are."""
        return self.of(GOOD, Verdict.REJECT)


def _list(listed: list[Prediction], prediction: Prediction) -> None:
    if len(listed) < LISTED:
        listed.append(prediction)
