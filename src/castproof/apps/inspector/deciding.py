"""The inspector's verdict: confirm or overrule, with a reason and a name; comment; take back."""

from typing import TYPE_CHECKING, Final

from castproof.apps.inspector.asking import ask_name, ask_reason
from castproof.apps.inspector.hearing import tell_where_verdicts_are
from castproof.apps.inspector.message_strip import NOTE
from castproof.errors import CastproofError, OutputError
from castproof.measure.decision import Verdict
from castproof.pipeline.inspecting.verdict_file import InspectorVerdict, utc_now
from castproof.translation import tr

if TYPE_CHECKING:
    from castproof.apps.inspector.desk import Desk

_SURE: Final = (Verdict.ACCEPT, Verdict.REJECT)


def usual_reasons() -> tuple[str, ...]:
    """Return the reasons to choose from where the user has none of their own."""
    return (
        tr("defect overlooked by the model"),
        tr("only dirt, oil or water"),
        tr("only a reflection or shadow"),
        tr("machining mark, no defect"),
        tr("within the tolerance"),
        tr("bad photo"),
    )


class Deciding:
    """Commands of the menu Decide."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self._given: list[tuple[str, int]] = []  # entry and place of every verdict, to take back

    @property
    def can_undo(self) -> bool:
        """Whether a verdict of this folder can be taken back."""
        return bool(self._given)

    def forget(self) -> None:
        """Take no verdict back any more: another folder is open."""
        self._given.clear()

    def confirm(self) -> None:
        """Say the same as the model."""
        place = self._desk.session.current
        verdict = None if place is None else self._desk.session.verdict(place)
        if verdict in _SURE:
            self._decide(verdict)
        elif place is not None:
            self._desk.tell(
                NOTE,
                tr("There is nothing to confirm. Say it yourself: G the part is good, D it is defective."),
            )

    def decide_good(self) -> None:
        """Say that the part is good."""
        self._decide(Verdict.ACCEPT)

    def decide_defective(self) -> None:
        """Say that the part is defective."""
        self._decide(Verdict.REJECT)

    def comment(self) -> None:
        """Put the keyboard into the field of the comment."""
        self._desk.window.decision.comment.focus_set()

    def store_comment(self) -> None:
        """Store the comment with the inspector's own verdict; without one it goes with the next verdict."""
        desk = self._desk
        desk.window.leave_field()
        place = desk.session.current
        said = None if place is None else desk.session.verdicts.get(place)
        is_own = said is not None and said.inspector == desk.preferences.inspector.strip()
        if place is not None and said is not None and is_own and self._comment() != said.comment:
            self._store(place, said.decided, said.reason, go_on=False)

    def undo(self) -> None:
        """Take the last verdict back, and show its photo."""
        desk, file = self._desk, self._desk.verdict_file
        if file is None or not self._given:
            desk.tell(NOTE, tr("There is no verdict to take back."))
            return
        entry, place = self._given.pop()
        try:
            file.withdraw(entry, desk.preferences.inspector)
        except OutputError as error:
            desk.tell_problem(tr("Take the verdict back"), error)
        else:
            desk.tell_done(tr("The verdict on {name} was taken back.", name=desk.session.path(place).name))
        desk.session.use_verdicts(file.latest())
        desk.session.refresh()
        desk.show_place(place)
        desk.showing.list_of_photos(follow=True)

    def _decide(self, decided: Verdict) -> None:
        desk = self._desk
        place, looked = desk.session.current, desk.looked
        if place is None or looked is None:
            return
        if desk.session.model is None or desk.session.prediction(place) is None:
            desk.tell(
                NOTE, tr("Let the model judge the photo first (F5): your verdict is kept beside its own.")
            )
            return
        if not desk.preferences.inspector.strip():
            ask_name(desk.root, desk.colours, desk.window.scale, lambda name: self._named(name, decided))
            return
        if desk.session.verdict(place) in _SURE and desk.session.verdict(place) is not decided:
            reasons = desk.preferences.reasons or usual_reasons()
            ask_reason(
                desk.root,
                desk.colours,
                desk.window.scale,
                reasons,
                lambda reason: self._store(place, decided, reason),
            )
        else:
            self._store(place, decided, "")

    def _named(self, name: str, decided: Verdict) -> None:
        self._desk.prefer(inspector=name)
        self._desk.window.decision.set_name(name)
        self._decide(decided)

    def _comment(self) -> str:
        return self._desk.window.decision.comment.get().strip()

    def _store(self, place: int, decided: Verdict, reason: str, *, go_on: bool = True) -> None:
        desk, file = self._desk, self._desk.verdict_file
        prediction, looked = desk.session.prediction(place), desk.looked
        if file is None:
            desk.tell(NOTE, tr("Verdicts cannot be kept for these photos, so none is taken."))
            return
        if prediction is None or looked is None or looked.place != place:
            return
        verdict = InspectorVerdict(
            file=desk.session.seen.photos.names[place],
            sha256=looked.sha256,
            model_id=prediction.model_id,
            threshold=prediction.thresholds.threshold,
            reject_from=prediction.thresholds.reject_from,
            p_defective=prediction.p_defective,
            verdict=prediction.verdict,
            decided=decided,
            reason=reason,
            comment=self._comment(),
            inspector=desk.preferences.inspector.strip(),
            when=utc_now(),
        )
        was_beside = file.moved_from is None
        try:
            entry = file.add(verdict)
        except OutputError as error:
            desk.tell_problem(tr("Store your verdict"), error)
            entry = file.waiting[-1].entry_id if file.waiting else ""
        except CastproofError as error:
            desk.tell_problem(tr("Store your verdict"), error)
            return
        self._given.append((entry, place))
        desk.session.use_verdicts(file.latest())
        if was_beside and file.moved_from is not None:
            tell_where_verdicts_are(desk)
        self._go_on(place, go_on=go_on)

    def _go_on(self, place: int, *, go_on: bool) -> None:
        desk = self._desk
        if go_on and desk.preferences.next_after_verdict:
            desk.commands.going.next()
        if desk.session.current == place:
            desk.showing.decision()
        desk.session.refresh()
        desk.showing.list_of_photos(follow=True)
