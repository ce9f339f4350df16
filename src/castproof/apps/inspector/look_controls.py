"""The strip below the photo: heat, line, brightness, contrast, lens, good part, size."""

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from tkinter import ttk
from typing import Final

from castproof.apps.inspector.coalesced import Coalesced
from castproof.apps.inspector.flow import rows_of
from castproof.pipeline.inspecting.photo_picture import Look
from castproof.translation import tr

_PERCENT: Final = 100
_SLIDER_PX: Final = 84
_BETWEEN_PX: Final = 12
_GROUPS: Final = 4


@dataclass(frozen=True)
class LookCalls:
    """What is called when a person moves a control of the strip.

    Attributes:
        on_look: gets the new look.
        on_magnifier: gets whether a lens is wanted.
        on_beside: gets whether the good part is wanted beside the photo.
        on_fit: the whole photo is wanted.
        on_one_to_one: one screen pixel per photo pixel is wanted.
    """

    on_look: Callable[[Look], None]
    on_magnifier: Callable[[bool], None]
    on_beside: Callable[[bool], None]
    on_fit: Callable[[], None]
    on_one_to_one: Callable[[], None]


class LookControls(ttk.Frame):
    """Controls in groups, in as many rows as the width needs.

    Args:
        parent: the widget that it lies in.
        calls: what is called.
        look: what the controls show at the start.
        scale: see `theme.scale_of`.
    """

    def __init__(
        self, parent: tk.Misc, calls: LookCalls, look: Look | None = None, *, scale: float = 1.0
    ) -> None:
        super().__init__(parent)
        self._calls, self._scale = calls, scale
        self._heat_on, self._outline_on = tk.BooleanVar(self), tk.BooleanVar(self)
        self._opacity, self._brightness, self._contrast = (tk.DoubleVar(self) for _ in range(3))
        self._magnifier, self._beside = tk.BooleanVar(self), tk.BooleanVar(self)
        self._row_frames = [ttk.Frame(self) for _ in range(_GROUPS)]
        self._groups = [self._heat(), self._light(), self._aids(), self._size()]
        self.set_look(Look() if look is None else look)
        self.set_beside_possible(False)
        self._rows: list[list[int]] = []
        self._lay = Coalesced(self, self._lay_groups)
        self.bind("<Configure>", lambda _: self._lay())
        self._lay_groups()

    @property
    def look(self) -> Look:
        """What the controls show now."""
        return Look(
            brightness=self._brightness.get() / _PERCENT,
            contrast=self._contrast.get() / _PERCENT,
            heat_on=self._heat_on.get(),
            heat_opacity=self._opacity.get() / _PERCENT,
            outline_on=self._outline_on.get(),
        )

    def set_look(self, look: Look) -> None:
        """Show another look; nothing is called."""
        self._heat_on.set(look.heat_on)
        self._outline_on.set(look.outline_on)
        self._opacity.set(round(look.heat_opacity * _PERCENT))
        self._brightness.set(round(look.brightness * _PERCENT))
        self._contrast.set(round(look.contrast * _PERCENT))

    def set_beside_possible(self, possible: bool, *, on: bool = False) -> None:
        """Let the good part be chosen, where there is one; `on` is whether it is shown now. Nothing is called."""
        self._beside.set(possible and on)
        self._beside_check.state(["!disabled" if possible else "disabled"])

    def toggle_heat(self) -> None:
        """Switch heat and tell."""
        self._heat_on.set(not self._heat_on.get())
        self._tell()

    def toggle_magnifier(self) -> None:
        """Switch the lens and tell."""
        self._magnifier.set(not self._magnifier.get())
        self._calls.on_magnifier(self._magnifier.get())

    def reset(self) -> None:
        """Show the photo as it was taken, with its heat, as a whole, and tell."""
        self.set_look(Look())
        self._tell()
        self._calls.on_fit()

    def _heat(self) -> ttk.Frame:
        group = ttk.Frame(self)
        self._check(group, tr("Heat map"), self._heat_on, self._tell)
        self._slider(group, self._opacity, 0)
        self._check(group, tr("Outline"), self._outline_on, self._tell)
        return group

    def _light(self) -> ttk.Frame:
        group = ttk.Frame(self)
        for text, variable in ((tr("Brightness"), self._brightness), (tr("Contrast"), self._contrast)):
            ttk.Label(group, text=text).pack(side="left", padx=(0, 8))
            self._slider(group, variable, -_PERCENT)
        return group

    def _aids(self) -> ttk.Frame:
        group = ttk.Frame(self)
        self._check(
            group,
            tr("Magnifier"),
            self._magnifier,
            lambda: self._calls.on_magnifier(self._magnifier.get()),
        )
        self._beside_check = self._check(
            group, tr("Side by side"), self._beside, lambda: self._calls.on_beside(self._beside.get())
        )
        return group

    def _size(self) -> ttk.Frame:
        group = ttk.Frame(self)
        for text, command in (
            (tr("Fit"), self._calls.on_fit),
            (tr("1:1"), self._calls.on_one_to_one),
            (tr("Reset"), self.reset),
        ):
            ttk.Button(group, text=text, command=command, width=-4).pack(side="left", padx=(0, 4))
        return group

    def _check(
        self, group: ttk.Frame, text: str, variable: tk.BooleanVar, command: Callable[[], None]
    ) -> ttk.Checkbutton:
        check = ttk.Checkbutton(group, text=text, variable=variable, command=command)
        check.pack(side="left", padx=(0, 2))
        return check

    def _slider(self, group: ttk.Frame, variable: tk.DoubleVar, least: int) -> None:
        ttk.Scale(
            group,
            variable=variable,
            from_=least,
            to=_PERCENT,
            length=round(_SLIDER_PX * self._scale),
            command=lambda _: self._tell(),
        ).pack(side="left", padx=(0, 8))

    def _tell(self) -> None:
        self._calls.on_look(self.look)

    def _lay_groups(self) -> None:
        between = round(_BETWEEN_PX * self._scale)
        rows = rows_of([group.winfo_reqwidth() for group in self._groups], self.winfo_width(), between)
        if rows == self._rows:
            return
        self._rows = rows
        for number, row_frame in enumerate(self._row_frames):
            row_frame.pack_forget()
            if number < len(rows):
                row_frame.pack(anchor="w", pady=1)
        for number, row in enumerate(rows):
            for index in row:
                self._groups[index].pack(
                    in_=self._row_frames[number], side="left", padx=(0, 0 if index == row[-1] else between)
                )
