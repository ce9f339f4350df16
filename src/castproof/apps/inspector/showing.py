"""What the window shows of the desk."""

import time
from typing import TYPE_CHECKING, Final

from castproof.apps.inspector import PROGRAM
from castproof.apps.inspector.boxes import Told
from castproof.apps.inspector.coalesced import Coalesced
from castproof.apps.inspector.events import Working
from castproof.apps.inspector.photo_rows import Row
from castproof.apps.inspector.window import welcome
from castproof.measure.decision import DECISIVE
from castproof.pipeline.inspecting.selection import ALL, BY_NAME
from castproof.pipeline.inspecting.telling import (
    PENDING_SYMBOL,
    SYMBOLS,
    changed_thresholds,
    class_mapping,
    decided_words,
    figures,
    label_word,
    tally_words,
    threshold_words,
    truth_words,
    warning_words,
    what_to_do,
)
from castproof.translation import tr
from castproof.wording import probability

if TYPE_CHECKING:
    from castproof.apps.inspector.desk import Desk

_LIST_EVERY_S: Final = 1.0


class Showing:
    """Takes what the desk knows to the widgets of its window."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self._list_later = Coalesced(desk.window, self._refresh_list)
        self._list_shown_s = 0.0
        self._keeps_last = (
            False  # whether the photo before is still on the screen while the current one is read
        )

    def everything(self) -> None:
        """Show all there is."""
        self.model()
        self.list_of_photos(follow=True)
        self.thresholds()
        self.progress()
        self.photo()

    def model(self) -> None:
        """Show which model is open."""
        model, box = self._desk.session.model, self._desk.window.model
        if model is None:
            box.show(
                tr("No model is open"),
                tr("Open the .onnx file from castproof export."),
                is_open=False,
                is_old=False,
            )
            return
        box.show(model.name, self.mapping(), is_open=True, is_old=model.settings is not None)

    def mapping(self) -> str:
        """Return which classes mean what."""
        rules = self._desk.session.rules
        return "" if rules is None else class_mapping(rules.good, rules.defective)

    def list_of_photos(self, *, follow: bool = False) -> None:
        """Show the photos that are chosen."""
        session, pane = self._desk.session, self._desk.window.list
        photos = session.photos
        pane.show_selection(session.selection, () if photos is None else photos.folders)
        pane.show_count(len(session.places), 0 if photos is None else len(photos))
        pane.rows.show(session.places, session.current, follow=follow)

    def row(self, place: int) -> Row:
        """Return what the list shows of a photo."""
        session = self._desk.session
        verdict, decided = session.verdict(place), session.verdicts.get(place)
        p = session.judgements.p_defective[place]
        notes = ["" if p != p else f"p {probability(round(float(p), 4))}"]
        prediction = session.prediction(place)
        if prediction is not None and prediction.correct is False:
            notes.append("≠")
        if decided is not None:
            notes.append(tr("you: {sign}", sign=SYMBOLS[decided.decided]))
        return Row(
            session.path(place),
            session.name(place),
            PENDING_SYMBOL if verdict is None else SYMBOLS[verdict],
            "" if verdict is None else verdict.value,
            self._desk.colours.of(verdict),
            "  ".join(filter(None, notes)),
        )

    def row_of_photo(self) -> None:
        """Mark the photo that is being read in the list; the one before it stays on the screen, with its verdict."""
        self._keeps_last = True
        self._desk.window.list.rows.show(self._desk.session.places, self._desk.session.current, follow=True)

    def photo_that_is_read(self) -> None:
        """Show what is known of a photo that takes long to read, and that it is not there yet."""
        self._keeps_last = False
        place = self._desk.session.current
        name = "" if place is None else self._desk.session.name(place)
        self._desk.window.photo.show(None, None, tr("Reading {name} …", name=name))
        self._desk.window.photo.set_reference(None)
        self._verdict()
        self.decision()

    def photo(self) -> None:
        """Show the photo and what is said about it."""
        desk = self._desk
        looked, view = desk.looked, desk.window.photo
        self._keeps_last = False
        if desk.session.current is None:
            view.show(None, None, welcome())
        elif looked is not None:
            heat = None if looked.inspection is None else looked.inspection.heat_map
            view.show(looked.pixels, heat, looked.problem)
        self.reference()
        self._verdict()
        self.decision()
        self.thresholds()
        desk.window.list.rows.redraw()

    def reference(self) -> None:
        """Show the known good part beside the photo where that is wanted and there is one."""
        desk = self._desk
        similar = None if desk.looked is None else desk.looked.similar
        desk.window.look.set_beside_possible(similar is not None, on=desk.reference_wanted)
        if similar is None or not desk.reference_wanted:
            desk.window.photo.set_reference(None)
        else:
            desk.window.photo.set_reference(
                similar.pixels, tr("Most similar known good part: {name}", name=similar.name)
            )

    def _verdict(self) -> None:
        if self._keeps_last:
            return
        desk, session = self._desk, self._desk.session
        place = session.current
        prediction = None if place is None else session.prediction(place)
        if place is None or prediction is None:
            word = tr("no photo") if place is None else f"{PENDING_SYMBOL} {tr('not judged yet')}"
            meaning = tr("Press F5 to judge it.") if place is not None and session.model is not None else ""
            desk.window.verdict.show(Told(word, desk.colours.quiet, meaning))
        else:
            looked = desk.looked
            inspection = None if looked is None or looked.place != place else looked.inspection
            latency = None if inspection is None else inspection.latency_ms.get("total")
            told = Told(
                f"{SYMBOLS[prediction.verdict]} {prediction.verdict.value}",
                desk.colours.of(prediction.verdict),
                what_to_do(prediction.verdict, inspection),
                figures(prediction, latency),
                truth_words(prediction),
                [*map(warning_words, prediction.warnings), *filter(None, [prediction.reason])],
            )
            desk.window.verdict.show(told)
        self._status_and_title()

    def _status_and_title(self) -> None:
        session, window = self._desk.session, self._desk.window
        photos, place = session.photos, session.current
        if photos is None or place is None:
            window.show_status(self.mapping())
            self._desk.root.title(PROGRAM)
            return
        prediction = session.prediction(place)
        verdict = tr("not judged yet") if prediction is None else prediction.verdict.value
        parts = [
            tr("Photo {number} of {count}", number=f"{place + 1:,}", count=f"{len(photos):,}"),
            self._truth_of(place) if prediction is None else truth_words(prediction),
            self.mapping(),
            self._threshold_line() if session.model is not None else "",
        ]
        window.show_status("   |   ".join(filter(None, parts)))
        self._desk.root.title(f"{photos.path(place).name} — {verdict} — {PROGRAM}")

    def _truth_of(self, place: int) -> str:
        label = self._desk.session.label(place)
        folder = self._desk.session.folder(place)
        return tr("ground truth: {name} ({label})", name=folder, label=label_word(label)) if label else ""

    def _threshold_line(self) -> str:
        session = self._desk.session
        changed = "" if session.thresholds_are_own else " " + tr("(changed)")
        return threshold_words(session.thresholds) + changed

    def thresholds(self) -> None:
        """Show the thresholds and what they do."""
        session, box = self._desk.session, self._desk.window.thresholds
        p = None
        if session.current is not None and session.judgements.judged[session.current]:
            found = float(session.judgements.p_defective[session.current])
            p = None if found != found else found
        box.bar.show(session.thresholds, session.own_thresholds, p)
        mark = "" if session.thresholds_are_own else changed_thresholds(promises=session.promises)
        words = threshold_words(session.thresholds) if session.model is not None else ""
        box.show(words, tally_words(session.tally()) if session.photos is not None else "", mark)

    def after_thresholds(self) -> None:
        """Show what other thresholds change: at once what they say, the list as soon as there is time."""
        self.thresholds()
        self._verdict()
        self.decision()
        self._list_later()

    def _refresh_list(self) -> None:
        self._desk.session.refresh()
        self._list_shown_s = time.monotonic()
        self._show_rows()

    def after_judging(self) -> None:
        """Show what more photos change."""
        self.thresholds()
        self._verdict()
        self.progress()
        selection = self._desk.session.selection
        hangs_on_verdicts = selection.only != ALL or selection.order != BY_NAME
        if hangs_on_verdicts and time.monotonic() - self._list_shown_s > _LIST_EVERY_S:
            self._list_later()
        self._desk.window.list.rows.redraw()

    def _show_rows(self) -> None:
        session, pane = self._desk.session, self._desk.window.list
        pane.show_count(len(session.places), 0 if session.photos is None else len(session.photos))
        pane.rows.show(session.places, session.current)

    def decision(self) -> None:
        """Show what the inspector said about the photo."""
        if self._keeps_last:
            return
        desk, session = self._desk, self._desk.session
        place, file = session.current, desk.verdict_file
        said = session.verdicts.get(place) if place is not None else None
        verdict = session.verdict(place) if place is not None else None
        stored = ""
        if file is not None:
            count = len(session.verdicts)
            stored = tr("Verdicts: {count} in {name}", count=f"{count:,}", name=file.path.name)
            if file.waiting:
                stored = tr("NOT SAVED YET: {count}", count=len(file.waiting)) + "\n" + stored
        outdated = session.outdated(place) if place is not None else None
        words = "" if said is None else decided_words(said)
        if outdated is not None:
            words = tr(
                "The photo has changed since {name} decided: that does not count.", name=outdated.inspector
            )
        desk.window.decision.show(
            words,
            stored,
            can_confirm=verdict in DECISIVE,
            can_decide=verdict is not None,
            can_take_back=desk.commands.deciding.own_verdict() is not None,
        )

    def progress(self) -> None:
        """Show how far judging the folder has come."""
        session, pane = self._desk.session, self._desk.window.list
        tally, running = session.tally(), self._desk.batch_ticket is not None
        total = tally.judged + tally.pending
        words = (
            tr(
                "Model: {judged} of {total} · You: {decided} of {total}",
                judged=f"{tally.judged:,}",
                decided=f"{len(session.verdicts):,}",
                total=f"{total:,}",
            )
            if total
            else ""
        )
        can_judge = session.model is not None and tally.pending > 0
        pane.show_progress(words, tally.judged, total, running=running, can_judge=can_judge)

    def work(self, event: Working) -> None:
        """Show how far other long work has come."""
        total = f" / {event.total:,}" if event.total else ""
        words = f"{event.words}: {event.done:,}{total}"
        self._desk.window.list.show_progress(words, event.done, event.total, running=False, can_judge=False)
