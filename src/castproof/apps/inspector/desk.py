"""The desk of the inspector: what is open, what works in the background, and the window that shows it.

Everything here runs in the main thread. What the engine finds comes through a queue that is looked into many times a
second. A request that fails leaves everything as it was.
"""

import gc
import queue
import tkinter as tk
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tkinter import messagebox
from typing import Final

from castproof.apps.inspector import PROGRAM
from castproof.apps.inspector.commands import Commands
from castproof.apps.inspector.engine import Engine
from castproof.apps.inspector.events import Event, Looked
from castproof.apps.inspector.hearing import hear
from castproof.apps.inspector.message_strip import DONE, NOTE, PROBLEM, problem_text
from castproof.apps.inspector.showing import Showing
from castproof.apps.inspector.theme import Colours, apply_theme, scale_of
from castproof.apps.inspector.unexpected import unexpected
from castproof.apps.inspector.window import Window
from castproof.errors import CastproofError, OutputError
from castproof.measure.decision import Thresholds
from castproof.pipeline.inspecting.opening import OpenModel
from castproof.pipeline.inspecting.photo_picture import Look
from castproof.pipeline.inspecting.preferences import Preferences, save_preferences
from castproof.pipeline.inspecting.selection import Selection
from castproof.pipeline.inspecting.session import Session
from castproof.pipeline.inspecting.verdict_file import VerdictFile
from castproof.translation import tr, use_language

_POLL_MS: Final = 10
_SLOW_MS: Final = 150
_SOON_MS: Final = 2  # while a photo is waited for
_EVENTS_AT_ONCE: Final = 30
_NEWS_MS: Final = 2000
_MAKE_ANEW: Final = ("language", "theme", "scaling_percent")


class Desk:
    """State, engine and window.

    Args:
        root: the window of the system.
        preferences: of the user.
        preferences_path: where they are kept.
        data_folder: of the user, for what cannot be kept beside the photos.
    """

    def __init__(
        self, root: tk.Tk, preferences: Preferences, preferences_path: Path, data_folder: Path
    ) -> None:
        self.root, self.preferences, self.data_folder = root, preferences, data_folder
        self._preferences_path = preferences_path
        self.session = Session()
        self.verdict_file: VerdictFile | None = None
        self.looked: Looked | None = None
        self.reference_wanted = False
        self.batch_ticket: int | None = None  # of the judging that is under way
        self._look_ticket = 0
        self._waiting = "none"  # what tells that a photo takes long to read
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.engine = Engine(self._events.put)
        self.window: Window
        self.commands: Commands
        self.colours: Colours
        self.build()
        root.report_callback_exception = self._go_on_after
        root.tk.createcommand("bgerror", lambda text: self._go_on_after(None, tk.TclError(text), None))
        root.protocol("WM_DELETE_WINDOW", self.commands.call("quit"))
        self._polling = root.after(_POLL_MS, self._poll)
        self._asking = root.after(_NEWS_MS, self._look_for_news)

    def build(self) -> None:
        """Make the window again, in the language, theme and scale of the preferences, with all that is open."""
        use_language(self.preferences.language)
        if hasattr(self, "window"):
            self.commands.deciding.keep_draft()
            self.window.destroy()
            self.root.nametowidget(self.root.cget("menu")).destroy()
        else:
            self.commands = Commands(self)
        scale = scale_of(self.root, self.preferences.scaling_percent)
        self.colours = apply_theme(self.root, self.preferences.theme, scale)
        self.window = Window(
            self.root,
            self.colours,
            scale,
            self.commands.window_calls(),
            self.commands.choices(),
            look_of(self.preferences),
        )
        self.window.pack(fill="both", expand=True)
        self.engine.thumbnail_px = self.window.list.rows.picture_px
        self.showing = Showing(self)
        self.window.decision.set_name(self.preferences.inspector)
        self.commands.deciding.show_comment()
        self.showing.everything()

    def tell(self, kind: str, text: str) -> None:
        """Show a message: PROBLEM, NOTE or DONE."""
        self.window.messages.tell(kind, text)

    def tell_problem(self, words: str, error: CastproofError) -> None:
        """Show what could not be done, and why."""
        self.window.messages.tell(PROBLEM, problem_text(words, error), words)

    def _go_on_after(self, _kind: object, error: BaseException, _trace: object) -> None:
        """Tell of an error that nobody foresaw; Tk calls this instead of ending."""
        told = unexpected(error)
        with suppress(tk.TclError):  # the window is gone
            self.tell_problem(PROGRAM, told)

    def prefer(self, **changes: object) -> None:
        """Change preferences and save them at once."""
        self.keep(replace(self.preferences, **changes))  # type: ignore[arg-type]

    def keep(self, preferences: Preferences) -> None:
        """Use these preferences from now on, and save them at once."""
        self.preferences = preferences
        try:
            save_preferences(self._preferences_path, self.preferences)
        except OutputError as error:
            self.tell_problem(tr("Save the settings"), error)

    def set_preference(self, name: str, value: object) -> None:
        """Change one preference, and what hangs on it."""
        self.prefer(**{name: value})
        if name in _MAKE_ANEW:
            self.build()

    def close(self) -> None:
        """Close the program; verdicts that could not be stored are tried once more, and told of."""
        if self.verdict_file is not None and self.verdict_file.waiting:
            try:
                self.verdict_file.retry()
            except OutputError as error:
                self.tell_problem(tr("Store your verdicts"), error)
                lost = tr(
                    "Verdicts that are not saved: {count}. Quit and lose them?",
                    count=len(self.verdict_file.waiting),
                )
                if not messagebox.askyesno(PROGRAM, lost, parent=self.root, icon="warning", default="no"):
                    return
        if not self.root.attributes("-fullscreen"):
            self.prefer(geometry=self.root.geometry())
        self.engine.close()
        for waiting in (self._polling, self._waiting, self._asking):
            self.root.after_cancel(waiting)
        if self.verdict_file is not None:
            self.verdict_file.close()
        self.root.destroy()

    # Photos

    def show_place(self, place: int | None) -> None:
        """Show the photo at `place`; it is read, and judged where that is wanted."""
        if self.session.current != place:
            self.commands.deciding.keep_draft()
        self.session.current, self.looked = place, None
        if place is None or self.session.photos is None:
            self.showing.everything()
            return
        self.commands.deciding.show_comment()
        self.showing.row_of_photo()
        self.look(judge=self.preferences.judge_on_opening)
        self.root.after_cancel(self._waiting)
        self._waiting = self.root.after(_SLOW_MS, self._tell_of_slow_photo)

    def _tell_of_slow_photo(self) -> None:
        """Where the photo is still being read, show that, and not the one before it."""
        if self.looked is None and self.session.current is not None:
            self.showing.photo_that_is_read()

    def look(self, *, judge: bool) -> None:
        """Read the current photo again, and judge it with `judge`."""
        photos, place = self.session.photos, self.session.current
        if photos is not None and place is not None:
            self._look_ticket = self.engine.look(photos, place, self.session.model if judge else None)

    def select(self, selection: Selection) -> None:
        """Show other photos, or another order."""
        if self.session.photos is not None:
            self.session.select(selection)
            self.showing.list_of_photos(follow=True)
            places = self.session.places
            if len(places) and self.session.current not in places:
                self.show_place(int(places[0]))

    def set_thresholds(self, thresholds: Thresholds) -> None:
        """Decide by other thresholds."""
        self.session.set_thresholds(thresholds)
        self.showing.after_thresholds()

    # Background

    def judge_folder(self) -> None:
        """Judge all photos of the folder that were not judged yet."""
        session = self.session
        waiting = session.waiting() if session.model is not None else []
        if session.model is not None and session.photos is not None and waiting:
            self.batch_ticket = self.engine.judge(session.photos, waiting, session.model)
        self.showing.progress()

    def stop_judging(self) -> None:
        """Stop judging; what was judged stays."""
        self.engine.stop_judging()
        self.batch_ticket = None
        self.session.refresh()
        self.showing.list_of_photos()
        self.showing.progress()

    def use_model(self, model: OpenModel) -> None:
        """Judge by `model` from now on."""
        self.engine.stop_judging()
        self.batch_ticket = None
        self.session.use_model(model)
        self.showing.everything()
        self.show_place(self.session.current)
        if self.preferences.judge_on_opening:
            self.judge_folder()

    def is_current(self, looked: Looked) -> bool:
        """Return whether `looked` is what was asked for last."""
        return looked.ticket == self._look_ticket

    def _poll(self) -> None:
        try:
            for _ in range(_EVENTS_AT_ONCE):
                hear(self, self._events.get_nowait())
        except queue.Empty:
            pass
        finally:  # also after an error, which Tk is told of
            is_reading = self.looked is None and self.session.current is not None
            self._polling = self.root.after(_SOON_MS if is_reading else _POLL_MS, self._poll)

    def _look_for_news(self) -> None:
        """Take over what another program said about the photos of this folder, and sweep, see `main.run`."""
        if not gc.isenabled():
            gc.collect()
        try:
            self._take_news()
        finally:
            self._asking = self.root.after(_NEWS_MS, self._look_for_news)

    def _take_news(self) -> None:
        if self.verdict_file is not None:
            if self.verdict_file.waiting:
                try:
                    self.verdict_file.retry()
                except OutputError:  # told of when the verdict was given
                    return
                self.tell_done(tr("Your verdicts are saved now."))
                self.showing.decision()
            news = self.verdict_file.news()
            if news:
                self.session.use_verdicts(self.verdict_file.latest())
                self.session.refresh()
                names = ", ".join(sorted({one.inspector for one in news}))
                self.tell(
                    NOTE,
                    tr("Another program works on this folder too. New verdicts by: {names}", names=names),
                )
                self.showing.decision()
                self.showing.list_of_photos()

    def tell_done(self, text: str) -> None:
        """Say that something was done."""
        self.tell(DONE, text)


def look_of(preferences: Preferences) -> Look:
    """Return how photos are shown at the start."""
    return Look(
        heat_on=preferences.heat, heat_opacity=preferences.heat_opacity, outline_on=preferences.contour
    )
