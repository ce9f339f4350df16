"""All that keys, menus and buttons do, by name."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from castproof.apps.inspector.deciding import Deciding
from castproof.apps.inspector.going import Going
from castproof.apps.inspector.handing_on import HandingOn
from castproof.apps.inspector.keys import keys
from castproof.apps.inspector.list_pane import ListCalls
from castproof.apps.inspector.look_controls import LookCalls
from castproof.apps.inspector.looking import Looking
from castproof.apps.inspector.menus import Choices
from castproof.apps.inspector.opening import Opening
from castproof.apps.inspector.theme import DARK, LIGHT
from castproof.apps.inspector.window import WindowCalls

if TYPE_CHECKING:
    from castproof.apps.inspector.desk import Desk


class Commands:
    """Finds what does something by its name."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self.opening, self.going, self.looking = Opening(desk), Going(desk), Looking(desk)
        self.deciding, self.handing_on = Deciding(desk), HandingOn(desk)

    def call(self, name: str) -> Callable[[], None]:
        """Return what does `name`. Raises AttributeError where nothing does."""
        for group in (self.opening, self.going, self.looking, self.deciding, self.handing_on):
            if hasattr(group, name):
                found: Callable[[], None] = getattr(group, name)
                return found
        raise AttributeError(f"no command {name!r}")

    def window_calls(self) -> WindowCalls:
        """Return what the window calls."""
        desk = self._desk
        names = [key.action for group in keys().values() for key in group] + [
            "old_model_settings",
            "store_comment",
            "take_back",
        ]
        return WindowCalls(
            commands={name: self.call(name) for name in names},
            listed=ListCalls(
                row_of=lambda place: desk.showing.row(place),
                on_choose=desk.show_place,
                on_selection=desk.select,
                want_pictures=desk.engine.want_thumbnails,
                on_judge=self.going.judge_folder,
            ),
            looked=LookCalls(
                on_look=self.looking.set_look,
                on_magnifier=lambda on: desk.window.photo.magnifier(on),
                on_beside=self.looking.set_beside,
                on_fit=self.looking.fit,
                on_one_to_one=self.looking.one_to_one,
            ),
            on_thresholds=desk.set_thresholds,
            on_name=lambda name: desk.keep(desk.preferences.with_inspector(name)),
        )

    def choices(self) -> Choices:
        """Return what the menus offer besides the keys."""
        desk, preferences = self._desk, self._desk.preferences
        return Choices(
            recent_models=lambda: desk.preferences.recent_models,
            recent_folders=lambda: desk.preferences.recent_folders,
            open_recent_model=self.opening.use_model_path,
            open_recent_folder=self.opening.use_folder_path,
            language=preferences.language,
            theme=DARK if preferences.theme == DARK else LIGHT,
            scale=preferences.scaling_percent,
            judge_on_opening=preferences.judge_on_opening,
            next_after_verdict=preferences.next_after_verdict,
            set_preference=desk.set_preference,
        )
