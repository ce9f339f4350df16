"""How the photo is looked at: heat, outline, lens, size, and the known good part beside it."""

from dataclasses import replace
from typing import TYPE_CHECKING

from castproof.apps.inspector.message_strip import NOTE
from castproof.pipeline.inspecting.photo_picture import Look
from castproof.translation import tr

if TYPE_CHECKING:
    from castproof.apps.inspector.desk import Desk


class Looking:
    """Commands of the menu Look."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk

    def set_look(self, look: Look) -> None:
        """Show photos like this from now on."""
        self._desk.window.photo.set_look(look)
        before = self._desk.preferences
        kept = (look.heat_on, look.heat_opacity, look.outline_on)
        if kept != (before.heat, before.heat_opacity, before.contour):
            self._desk.prefer(heat=look.heat_on, heat_opacity=look.heat_opacity, contour=look.outline_on)

    def set_beside(self, wanted: bool) -> None:
        """Show the known good part beside the photo, or not."""
        self._desk.reference_wanted = wanted
        self._desk.showing.reference()

    def toggle_heat(self) -> None:
        """Switch the heat map."""
        self._desk.window.look.toggle_heat()

    def toggle_outline(self) -> None:
        """Switch the line around the strongest place."""
        controls = self._desk.window.look
        look = replace(controls.look, outline_on=not controls.look.outline_on)
        controls.set_look(look)
        self.set_look(look)

    def toggle_reference(self) -> None:
        """Switch the known good part beside the photo."""
        desk = self._desk
        self.set_beside(not desk.reference_wanted)
        if desk.reference_wanted and desk.looked is not None and desk.looked.similar is None:
            desk.tell(
                NOTE,
                tr("There is no known good part to show: the model has none, or the photo was not judged."),
            )

    def toggle_magnifier(self) -> None:
        """Switch the lens."""
        self._desk.window.look.toggle_magnifier()

    def zoom_in(self) -> None:
        """Show the photo larger."""
        self._desk.window.photo.zoom_in()

    def zoom_out(self) -> None:
        """Show the photo smaller."""
        self._desk.window.photo.zoom_out()

    def fit(self) -> None:
        """Show the whole photo."""
        self._desk.window.photo.fit()

    def one_to_one(self) -> None:
        """Show one photo pixel on one pixel of the screen."""
        self._desk.window.photo.one_to_one()
