"""What is open in the window: a model, a list of photos, what the model says, and what the inspector says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from castproof.measure.decision import Thresholds, Verdict
from castproof.pipeline.inspecting.judgements import (
    PENDING,
    Codes,
    Judgements,
    Tally,
    tally,
    verdict_of,
)
from castproof.pipeline.inspecting.opening import OpenModel
from castproof.pipeline.inspecting.photo_list import PhotoList
from castproof.pipeline.inspecting.selection import Places, Seen, Selection, neighbour, selected
from castproof.pipeline.inspecting.verdict_file import InspectorVerdict
from castproof.pipeline.predicting.prediction import DEFECTIVE, GOOD, Prediction, Rules
from castproof.pipeline.predicting.walk import Unit
from castproof.runtime.inspection import Inspection


@dataclass(frozen=True)
class LeftOpen:
    """Photos without a verdict of an inspector: all of them, and those where the model decided nothing."""

    count: int
    review: int
    not_inspected: int


class Session:
    """The state of the window. Nothing here knows the window; every change leaves a whole state."""

    def __init__(self) -> None:
        self.model: OpenModel | None = None
        self.thresholds = Thresholds.single(0.5)
        self.photos: PhotoList | None = None
        self.selection = Selection()
        self.current: int | None = None
        self.judgements = Judgements(0)
        self.labels: NDArray[np.int8] = np.zeros(0, np.int8)
        self.verdicts: dict[int, InspectorVerdict] = {}
        self.places: Places = np.zeros(0, np.intp)
        self._row: int | None = None  # of the current photo, while it was shown
        self._codes: Codes = np.zeros(0, np.uint8)
        self._place_of: dict[str, int] = {}
        self._given: dict[int, InspectorVerdict] = {}  # also those on photos that have changed since
        self._hashes: dict[int, str] = {}  # of the photos that were read

    @property
    def rules(self) -> Rules | None:
        """Gate, classes and identity of the model, the gate at the thresholds that are set; None without a model."""
        if self.model is None:
            return None
        card = self.model.model.card
        gate = replace(card.gate, thresholds=self.thresholds)
        return Rules(gate, card.good, card.defective, self.model.model.model_id)

    @property
    def own_thresholds(self) -> Thresholds | None:
        """The thresholds of the model itself."""
        return None if self.model is None else self.model.model.card.gate.thresholds

    @property
    def promises(self) -> bool:
        """Whether the model promises anything at its own thresholds."""
        return self.model is not None and self.model.model.card.gate.promise is not None

    @property
    def thresholds_are_own(self) -> bool:
        """Whether the thresholds that are set are those of the model."""
        return self.own_thresholds in (None, self.thresholds)

    def use_model(self, model: OpenModel) -> None:
        """Judge by `model` from now on, at its own thresholds; what another model said is dropped."""
        self.model = model
        self.thresholds = model.model.card.gate.thresholds
        self.selection = replace(self.selection, only=Selection().only)
        self._start_over()

    def use_photos(self, photos: PhotoList, verdicts: Mapping[str, InspectorVerdict]) -> None:
        """Look at `photos` from now on; `verdicts` are those of the inspector so far, by name of the photo."""
        self.photos, self.selection = photos, Selection(order=self.selection.order)
        self._place_of = {name: place for place, name in enumerate(photos.names)}
        self._hashes, self.verdicts = {}, {}
        self._start_over()
        self.use_verdicts(verdicts)
        undecided = (place for place in self.places.tolist() if place not in self.verdicts)
        self.current = next(undecided, neighbour(self.places, None, 0))

    def use_verdicts(self, verdicts: Mapping[str, InspectorVerdict]) -> None:
        """Take over what inspectors said, by name of the photo."""
        self._given = {self._place_of[name]: one for name, one in verdicts.items() if name in self._place_of}
        self.verdicts = {
            place: one for place, one in self._given.items() if not self._has_changed(place, one)
        }

    def note_hash(self, place: int, sha256: str) -> None:
        """Take the hash of a photo as it is now, "" for none; a verdict on other bytes does not count any more."""
        self._hashes[place] = sha256
        if place in self.verdicts and self._has_changed(place, self.verdicts[place]):
            del self.verdicts[place]

    def outdated(self, place: int) -> InspectorVerdict | None:
        """Return the verdict on a photo that has changed since; None for none."""
        return None if place in self.verdicts else self._given.get(place)

    def _has_changed(self, place: int, verdict: InspectorVerdict) -> bool:
        now = self._hashes.get(place, "")
        return bool(now and verdict.sha256 and now != verdict.sha256)

    def _start_over(self) -> None:
        count = 0 if self.photos is None else len(self.photos)
        self.judgements = Judgements(count)
        self.labels = np.zeros(0, np.int8) if self.photos is None else self.photos.labels(self.rules)
        self.refresh()

    def put(self, place: int, inspection: Inspection) -> None:
        """Keep what the model said about a photo."""
        self.judgements.put(place, inspection)

    def withdraw(self, place: int) -> None:
        """Forget what the model said about a photo: it is not there any more."""
        self.judgements.judged[place] = False
        self.refresh_verdicts()

    def select(self, selection: Selection) -> None:
        """Show other photos, or another order."""
        self.selection = selection
        self.refresh()
        self._row = None

    def stepped(self, step: int) -> int | None:
        """Return the place `step` rows from the current photo; None where no photo is shown. See `neighbour`."""
        return neighbour(self.places, self.current, step, self._row)

    def set_thresholds(self, thresholds: Thresholds) -> None:
        """Decide by `thresholds` from now on."""
        self.thresholds = thresholds
        self.refresh_verdicts()

    def refresh_verdicts(self) -> None:
        """Bring the verdicts up to what was said so far."""
        self._codes = self.judgements.codes(self.thresholds)

    def refresh(self) -> None:
        """Bring verdicts and the photos to show up to what was said so far."""
        rows = np.flatnonzero(self.places == self.current)
        if len(rows):
            self._row = int(rows[0])
        self.refresh_verdicts()
        self.places = np.zeros(0, np.intp) if self.photos is None else selected(self.seen, self.selection)

    @property
    def seen(self) -> Seen:
        """What is known about the photos. Raises ValueError without photos."""
        return Seen(
            self._opened_photos,
            self._codes,
            self.judgements.p_defective,
            self.labels,
            self.judgements.unlike,
            {place: one.decided for place, one in self.verdicts.items()},
            self.thresholds.threshold,
        )

    def tally(self) -> Tally:
        """Return how many photos there are of each kind."""
        return tally(self._codes, self.labels, self.judgements.unlike)

    def waiting(self) -> list[int]:
        """Return the places of the photos that were not judged yet, those that are shown first."""
        shown = set(self.places.tolist())
        pending = np.flatnonzero(self._codes == PENDING).tolist()
        return sorted(pending, key=lambda place: place not in shown)

    def left_open(self) -> LeftOpen:
        """Return how many photos have no verdict of an inspector."""
        open_codes = np.delete(self._codes, list(self.verdicts))
        found = [verdict_of(int(code)) for code in open_codes]
        return LeftOpen(len(found), found.count(Verdict.REVIEW), found.count(Verdict.NOT_INSPECTED))

    def verdict(self, place: int) -> Verdict | None:
        """Return the verdict of the model on a photo; None where it was not judged yet."""
        return verdict_of(int(self._codes[place]))

    def label(self, place: int) -> str:
        """Return "defective" or "good" as the folder of a photo says, else ""."""
        return {1: DEFECTIVE, 0: GOOD}.get(int(self.labels[place]), "")

    def prediction(self, place: int) -> Prediction | None:
        """Return what is written about a photo; None where it was not judged yet, or without a model."""
        return self._prediction(place, self.rules)

    def _prediction(self, place: int, rules: Rules | None) -> Prediction | None:
        photos = self.photos
        if rules is None or photos is None or not self.judgements.judged[place]:
            return None
        path = photos.path(place)
        unit = Unit(0, photos.names[place], path, (path,))
        words = self.judgements.words.get(place, ())
        p = float(self.judgements.p_defective[place])
        if np.isnan(p):
            return rules.prediction(unit, p, reason=words[0] if words else "")
        return rules.prediction(unit, p, words)

    def predictions(self) -> list[Prediction]:
        """Return one prediction per photo that was judged, in the order of the list."""
        rules = self.rules
        found = (self._prediction(int(place), rules) for place in np.flatnonzero(self.judgements.judged))
        return [one for one in found if one is not None]

    def path(self, place: int) -> Path:
        """Return where a photo is. Raises ValueError without photos."""
        return self._opened_photos.path(place)

    def name(self, place: int) -> str:
        """Return the path of a photo below its folder, with forward slashes. Raises ValueError without photos."""
        return self._opened_photos.names[place]

    def folder(self, place: int) -> str:
        """Return the name of the folder that a photo is in. Raises ValueError without photos."""
        return self._opened_photos.folder(place)

    @property
    def _opened_photos(self) -> PhotoList:
        if self.photos is None:
            raise ValueError("no photos are open")
        return self.photos
