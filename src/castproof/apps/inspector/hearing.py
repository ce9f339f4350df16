"""What happens when the engine tells the desk something."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from castproof.apps.inspector.events import (
    Event,
    Failed,
    Judged,
    JudgingEnded,
    Looked,
    ModelOpened,
    OldModelFound,
    PhotosListed,
    ThumbnailMade,
    Working,
    Written,
)
from castproof.apps.inspector.message_strip import NOTE
from castproof.errors import OutputError
from castproof.pipeline.inspecting.verdict_file import VerdictFile
from castproof.translation import tr

if TYPE_CHECKING:
    from castproof.apps.inspector.desk import Desk

_FEW: Final = 5
VERDICTS: Final = "verdicts"


def hear(desk: "Desk", event: Event) -> None:
    """Bring the desk up to what `event` tells."""
    _HEARS[type(event)](desk, event)


def _thumbnail_made(desk: "Desk", event: ThumbnailMade) -> None:
    desk.window.list.rows.put_picture(event.path, event.picture)


def _old_model_found(desk: "Desk", event: OldModelFound) -> None:
    desk.commands.opening.ask_old_model(event.file)


def _working(desk: "Desk", event: Working) -> None:
    desk.showing.work(event)


def _written(desk: "Desk", event: Written) -> None:
    desk.showing.progress()
    desk.tell_done(event.words)


def _failed(desk: "Desk", event: Failed) -> None:
    desk.showing.progress()
    desk.tell_problem(event.words, event.error)


def _looked(desk: "Desk", event: Looked) -> None:
    if not desk.is_current(event):
        return
    desk.looked = event
    desk.session.note_hash(event.place, event.sha256)
    if event.pixels is None and event.inspection is None:
        desk.session.withdraw(event.place)  # what was said about it before rests on a photo that is gone
    if event.inspection is not None:
        desk.session.put(event.place, event.inspection)
        desk.session.refresh_verdicts()
    desk.showing.photo()


def _judged(desk: "Desk", event: Judged) -> None:
    if event.ticket != desk.batch_ticket:
        return
    for place, inspection, sha256 in event.found:
        desk.session.put(place, inspection)
        desk.session.note_hash(place, sha256)
    desk.session.refresh_verdicts()
    desk.showing.after_judging()


def _judging_ended(desk: "Desk", event: JudgingEnded) -> None:
    if event.ticket != desk.batch_ticket:
        return
    desk.batch_ticket = None
    desk.session.refresh()
    desk.showing.after_judging()
    desk.showing.list_of_photos()
    tally = desk.session.tally()
    if tally.judged >= _FEW and 2 * tally.unlike > tally.judged:
        desk.tell(
            NOTE,
            tr(
                "{unlike} of {judged} photos are unlike the photos that this model was trained on. "
                "Is it the right model for this product, camera and light?",
                unlike=f"{tally.unlike:,}",
                judged=f"{tally.judged:,}",
            ),
        )


def _model_opened(desk: "Desk", event: ModelOpened) -> None:
    model = event.model
    desk.window.messages.hide(about=tr("Open model"))
    desk.keep(desk.preferences.with_model(str(model.source)))
    desk.use_model(model)
    changed = event.changed
    if changed is not None and changed.count:
        desk.tell(
            NOTE,
            tr(
                "These settings change the verdict of {count} of {of} photos: {names}. "
                "Use them only if the model was trained with them.",
                count=changed.count,
                of=changed.of,
                names=", ".join(changed.names),
            ),
        )


def _photos_listed(desk: "Desk", event: PhotosListed) -> None:
    photos = event.photos
    if not _put_verdicts_away(desk):
        return
    desk.engine.stop_judging()
    desk.batch_ticket = None
    desk.window.messages.hide()
    try:
        desk.verdict_file = VerdictFile.open(photos.root, desk.data_folder / VERDICTS)
    except OutputError as error:
        desk.tell_problem(tr("Keep verdicts on these photos"), error)
    verdicts = {} if desk.verdict_file is None else desk.verdict_file.latest()
    desk.session.use_photos(photos, verdicts)
    desk.commands.deciding.forget()
    if not photos.single:
        desk.keep(desk.preferences.with_folder(str(photos.root)))
    if event.show in photos.names:
        desk.session.current = photos.names.index(event.show)
    desk.showing.everything()
    desk.show_place(desk.session.current)
    tell_where_verdicts_are(desk)
    if desk.preferences.judge_on_opening and not photos.single:
        desk.judge_folder()


def _put_verdicts_away(desk: "Desk") -> bool:
    """Close the file of verdicts; return whether it is closed: what cannot be stored stays, and so do its photos."""
    if desk.verdict_file is None:
        return True
    try:
        desk.verdict_file.retry()
    except OutputError as error:
        desk.showing.progress()
        desk.tell_problem(tr("Open folder"), error)
        return False
    desk.verdict_file.close()
    desk.verdict_file = None
    return True


def tell_where_verdicts_are(desk: "Desk") -> None:
    """Say so where verdicts lie elsewhere than beside the photos, or a broken file was put aside."""
    file, told = desk.verdict_file, list[str]()
    if file is None:
        return
    if file.set_aside:
        names = ", ".join(str(path) for path in file.set_aside)
        told.append(
            tr(
                "A verdict file is damaged and was put aside, nothing in it was changed: {names}",
                names=names,
            )
        )
    if file.set_aside or file.lost:
        told.append(
            tr(
                "Entries taken over from it: {count}. Entries damaged or missing, as far as can be seen: {lost}.",
                count=file.salvaged,
                lost=file.lost,
            )
        )
    if file.brought_back:
        told.append(
            tr(
                "Verdicts that had been kept elsewhere are next to these photos again: {count}",
                count=file.brought_back,
            )
        )
    if file.moved_from is not None:
        told.append(
            tr(
                "Nothing can be written next to these photos. Your verdicts are kept in {path}",
                path=file.path,
            )
        )
    if told:
        desk.tell(NOTE, "\n".join(told))


_HEARS: Final[dict[type[Event], Callable[["Desk", Any], None]]] = {
    Looked: _looked,
    Judged: _judged,
    JudgingEnded: _judging_ended,
    ThumbnailMade: _thumbnail_made,
    ModelOpened: _model_opened,
    OldModelFound: _old_model_found,
    PhotosListed: _photos_listed,
    Working: _working,
    Written: _written,
    Failed: _failed,
}
