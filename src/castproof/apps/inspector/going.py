"""Going from photo to photo, judging, and the program itself."""

from typing import TYPE_CHECKING, Final

import numpy as np

from castproof.apps.inspector.help_window import show_help
from castproof.apps.inspector.message_strip import NOTE
from castproof.pipeline.inspecting.selection import first_disagreement, neighbour
from castproof.translation import tr

if TYPE_CHECKING:
    from castproof.apps.inspector.desk import Desk

_SEED: Final = 0


class Going:
    """Commands of the menus Go and Program, and those that judge."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self._random = np.random.default_rng(_SEED)

    def next(self) -> None:
        """Show the next photo."""
        self._step(1)

    def previous(self) -> None:
        """Show the photo before."""
        self._step(-1)

    def first(self) -> None:
        """Show the first photo."""
        self._go(neighbour(self._desk.session.places, None, 1))

    def last(self) -> None:
        """Show the last photo."""
        self._go(neighbour(self._desk.session.places, None, -1))

    def random(self) -> None:
        """Show any photo of the list."""
        places = self._desk.session.places
        if len(places):
            self._go(int(self._random.choice(places)))

    def disagreement(self) -> None:
        """Show the first photo of the list whose verdict contradicts its folder or the inspector."""
        session = self._desk.session
        found = None if session.photos is None else first_disagreement(session.seen, session.places)
        if found is None:
            self._desk.tell(
                NOTE, tr("No photo of the list that was judged contradicts its folder or your verdict.")
            )
        else:
            self._go(found)

    def search(self) -> None:
        """Put the keyboard into the field of the search."""
        self._desk.window.list.search.focus_set()
        self._desk.window.list.search.select_range(0, "end")

    def predict(self) -> None:
        """Judge the photo that is shown."""
        if self._desk.session.model is None:
            self._need_model()
        else:
            self._desk.look(judge=True)

    def judge_folder(self) -> None:
        """Judge the folder, or stop that."""
        if self._desk.batch_ticket is not None:
            self._desk.stop_judging()
        elif self._desk.session.model is None:
            self._need_model()
        else:
            self._desk.judge_folder()

    def reset_threshold(self) -> None:
        """Take the model's own thresholds."""
        own = self._desk.session.own_thresholds
        if own is not None:
            self._desk.set_thresholds(own)

    def help(self) -> None:
        """Show the keys and how the work goes."""
        show_help(self._desk.root, self._desk.colours, self._desk.window.scale)

    def full_screen(self) -> None:
        """Fill the screen, or not."""
        root = self._desk.root
        root.attributes("-fullscreen", not root.attributes("-fullscreen"))

    def leave(self) -> None:
        """Leave a field, else the full screen, else close the message."""
        if self._desk.window.leave_field():
            return
        if self._desk.root.attributes("-fullscreen"):
            self._desk.root.attributes("-fullscreen", False)
        else:
            self._desk.window.messages.hide()

    def quit(self) -> None:
        """Close the program."""
        self._desk.close()

    def _step(self, step: int) -> None:
        self._go(self._desk.session.stepped(step))

    def _go(self, place: int | None) -> None:
        if place is not None and place != self._desk.session.current:
            self._desk.show_place(place)

    def _need_model(self) -> None:
        self._desk.tell(NOTE, tr("Open a model first (Ctrl+M): it gives the verdicts."))
