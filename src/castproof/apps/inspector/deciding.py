"""The inspector's verdict: confirm or overrule, with a reason and a name; comment; take back."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from castproof.apps.inspector.asking import ReasonDialog, ask_name
from castproof.apps.inspector.events import Looked
from castproof.apps.inspector.hearing import tell_where_verdicts_are
from castproof.apps.inspector.message_strip import NOTE
from castproof.errors import CastproofError, OutputError
from castproof.measure.decision import DECISIVE, Verdict
from castproof.pipeline.inspecting.reasons import usual_reasons
from castproof.pipeline.inspecting.telling import decided_words
from castproof.pipeline.inspecting.verdict_file import InspectorVerdict, VerdictFile, now_after
from castproof.pipeline.predicting.prediction import Prediction
from castproof.translation import tr

if TYPE_CHECKING:
    from castproof.apps.inspector.desk import Desk


@dataclass(frozen=True, eq=False)
class Case:
    """What a verdict is on: the photo as it is on the screen, and what the model says about it.

    Args:
        place: of the photo in its list.
        looked: the photo as it was read.
        prediction: the model's.
        file: where verdicts on these photos are kept.
    """

    place: int
    looked: Looked
    prediction: Prediction
    file: VerdictFile


class Deciding:
    """Commands of the menu Decide."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self._given: list[tuple[str, int]] = []  # entry and place of every verdict, to take back
        self._drafts: dict[int, str] = {}  # comments that belong to no verdict yet, by place

    def forget(self) -> None:
        """Take no verdict back any more, and drop drafts: another folder is open."""
        self._given.clear()
        self._drafts.clear()

    def own_verdict(self) -> InspectorVerdict | None:
        """Return what this inspector said about the photo that is shown; None for nothing."""
        place = self._desk.session.current
        said = None if place is None else self._desk.session.verdicts.get(place)
        return said if said is not None and said.inspector == self._inspector else None

    def confirm(self) -> None:
        """Say the same as the model; a verdict that was given already stays."""
        case, own = self._case(), self.own_verdict()
        if case is None:
            return
        verdict = case.prediction.verdict
        if own is not None and own.decided is not verdict:
            self._desk.tell(NOTE, tr("You have decided otherwise. G or D changes it: G good, D defective."))
        elif verdict not in DECISIVE or case.looked.pixels is None:
            self._desk.tell(
                NOTE,
                tr("There is nothing to confirm. Say it yourself: G the part is good, D it is defective."),
            )
        else:
            self._decide(case, verdict)

    def decide_good(self) -> None:
        """Say that the part is good."""
        self._decide(self._case(), Verdict.ACCEPT)

    def decide_defective(self) -> None:
        """Say that the part is defective."""
        self._decide(self._case(), Verdict.REJECT)

    def comment(self) -> None:
        """Put the keyboard into the field of the comment."""
        self._desk.window.decision.comment.focus_set()

    def store_comment(self) -> None:
        """Store the comment with the inspector's own verdict; without one it goes with the next verdict."""
        desk = self._desk
        desk.window.leave_field()
        own, case = self.own_verdict(), self._case()
        if own is not None and case is not None:
            if self._comment() != own.comment:
                self._store(case, own.decided, own.reason, go_on=False)
        elif self._comment():
            desk.tell(NOTE, tr("The comment is stored with your verdict: Enter, G or D."))

    def keep_draft(self) -> None:
        """Keep what stands in the field of the comment and belongs to no verdict, before another photo is shown."""
        place, own = self._desk.session.current, self.own_verdict()
        if place is None:
            return
        text = self._comment()
        if text != ("" if own is None else own.comment):
            self._drafts[place] = text
        else:
            self._drafts.pop(place, None)

    def show_comment(self) -> None:
        """Put the comment on the current photo into its field: a draft, or what was stored."""
        place, own = self._desk.session.current, self.own_verdict()
        stored = "" if own is None else own.comment
        text = stored if place is None else self._drafts.get(place, stored)
        self._desk.window.decision.set_comment(text)

    def take_back(self) -> None:
        """Take back what this inspector said about the photo that is shown."""
        own, file = self.own_verdict(), self._desk.verdict_file
        if own is None or file is None or self._desk.session.current is None:
            self._desk.tell(NOTE, tr("There is no verdict of yours on this photo."))
        else:
            self._withdraw(file, own, self._desk.session.current)

    def undo(self) -> None:
        """Take the last verdict back, and show its photo."""
        file = self._desk.verdict_file
        while file is not None and self._given:
            if self._withdraw(file, *self._given.pop()):
                return
        self._desk.tell(NOTE, tr("There is no verdict to take back."))

    @property
    def _inspector(self) -> str:
        return self._desk.preferences.inspector.strip()

    def _comment(self) -> str:
        return self._desk.window.decision.comment.get().strip()

    def _case(self) -> Case | None:
        """Return what a verdict would be on now; where there is nothing, say why."""
        desk = self._desk
        place, looked, file = desk.session.current, desk.looked, desk.verdict_file
        prediction = None if place is None else desk.session.prediction(place)
        if place is None:
            why = tr("Open photos first (Ctrl+D).")
        elif looked is None:
            why = tr("The photo is not shown yet: look at it first.")
        elif file is None:
            why = tr("Verdicts cannot be kept for these photos, so none is taken.")
        elif prediction is None or (looked.inspection is None and looked.pixels is None):
            why = tr("Let the model judge the photo first (F5): your verdict is kept next to its own.")
        else:
            return Case(place, looked, prediction, file)
        desk.tell(NOTE, why)
        return None

    def _decide(self, case: Case | None, decided: Verdict) -> None:
        desk = self._desk
        if case is None:
            return
        verdict = case.prediction.verdict
        if not self._inspector:
            ask_name(
                desk.root, desk.colours, desk.window.scale, lambda name: self._named(name, case, decided)
            )
        elif verdict is Verdict.NOT_INSPECTED or (verdict in DECISIVE and verdict is not decided):
            title = (
                tr("How do you know?") if verdict is Verdict.NOT_INSPECTED else tr("Why is the model wrong?")
            )
            reasons = desk.preferences.reasons or usual_reasons(verdict, decided)
            ReasonDialog(
                desk.root,
                desk.colours,
                desk.window.scale,
                title,
                reasons,
                lambda one: self._answered(case, decided, one),
            )
        else:
            self._store(case, decided, "")

    def _named(self, name: str, case: Case, decided: Verdict) -> None:
        self._desk.window.key_guard.deafen()
        self._desk.keep(self._desk.preferences.with_inspector(name))
        self._desk.window.decision.set_name(self._desk.preferences.inspector)
        self._decide(case, decided)

    def _answered(self, case: Case, decided: Verdict, reason: str) -> None:
        self._desk.window.key_guard.deafen()
        self._store(case, decided, reason)

    def _store(self, case: Case, decided: Verdict, reason: str, *, go_on: bool = True) -> None:
        desk = self._desk
        if case.looked is not desk.looked or case.file is not desk.verdict_file:
            desk.tell(NOTE, tr("Another photo is open now: your verdict was not stored. Give it again."))
            return
        desk.session.use_verdicts(case.file.latest())  # another program may have said something since
        verdict, own = self._verdict(case, decided, reason), self.own_verdict()
        if own is None or not _same(own, verdict):
            self._add(case, verdict)
        self._drafts.pop(case.place, None)
        self._go_on(case.place, go_on=go_on)

    def _verdict(self, case: Case, decided: Verdict, reason: str) -> InspectorVerdict:
        prediction, before = case.prediction, self._desk.session.verdicts.get(case.place)
        return InspectorVerdict(
            file=self._desk.session.name(case.place),
            sha256=case.looked.sha256,
            model_id=prediction.model_id,
            threshold=prediction.thresholds.threshold,
            reject_from=prediction.thresholds.reject_from,
            p_defective=prediction.p_defective,
            verdict=prediction.verdict,
            decided=decided,
            reason=reason,
            comment=self._comment(),
            inspector=self._inspector,
            when=now_after("" if before is None else before.when),
        )

    def _add(self, case: Case, verdict: InspectorVerdict) -> None:
        desk, file = self._desk, case.file
        before = (file.moved_from, file.set_aside)
        try:
            self._given.append((file.add(verdict), case.place))
        except OutputError as error:
            desk.tell_problem(tr("Store your verdict"), error)
            self._given += [(one.entry_id, case.place) for one in file.waiting[-1:]]
        desk.session.use_verdicts(file.latest())
        if before != (file.moved_from, file.set_aside):
            tell_where_verdicts_are(desk)

    def _withdraw(self, file: VerdictFile, which: str | InspectorVerdict, place: int) -> bool:
        """Take a verdict back and show its photo; return False where that was done before."""
        desk = self._desk
        name, told = desk.session.path(place).name, ""
        try:
            if not file.withdraw(which, self._inspector):
                return False
            told = tr("The verdict on {name} was taken back.", name=name)
        except CastproofError as error:
            desk.tell_problem(tr("Take the verdict back"), error)
        desk.session.use_verdicts(file.latest())
        left = desk.session.verdicts.get(place)
        if told:
            desk.tell_done(told if left is None else f"{told} {tr('What counts now:')} {decided_words(left)}")
        desk.session.refresh()
        desk.show_place(place)
        desk.showing.list_of_photos(follow=True)
        return True

    def _go_on(self, place: int, *, go_on: bool) -> None:
        desk = self._desk
        if go_on and desk.preferences.next_after_verdict:
            desk.commands.going.next()
        if desk.session.current == place:
            desk.showing.decision()
        desk.session.refresh()
        desk.showing.list_of_photos(follow=True)
        desk.showing.progress()


def _same(one: InspectorVerdict, other: InspectorVerdict) -> bool:
    """Return whether two verdicts say the same on the same grounds; a second one would only fill the journal."""

    def grounds(verdict: InspectorVerdict) -> tuple[object, ...]:
        return (
            verdict.decided,
            verdict.reason,
            verdict.comment,
            verdict.sha256,
            verdict.model_id,
            verdict.threshold,
            verdict.reject_from,
        )

    return grounds(one) == grounds(other)
