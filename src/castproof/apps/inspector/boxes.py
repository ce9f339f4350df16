"""The boxes of the right column: model, verdict, thresholds, decision. They show what they are given."""

import tkinter as tk
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from tkinter import ttk

from castproof.apps.inspector.theme import Colours
from castproof.apps.inspector.threshold_bar import ThresholdBar
from castproof.measure.decision import Thresholds
from castproof.translation import tr

Commands = Mapping[str, Callable[[], None]]


class Box(ttk.Frame):
    """A part of the column with a title; long texts are broken at its width."""

    def __init__(self, parent: tk.Misc, title: str, scale: float) -> None:
        super().__init__(parent, padding=(round(10 * scale), round(4 * scale)))
        self._scale = scale
        ttk.Separator(self).pack(fill="x", pady=(0, round(4 * scale)))
        self.head = ttk.Frame(self)
        self.head.pack(fill="x")
        ttk.Label(self.head, text=title, style="Caption.TLabel").pack(side="left")
        self._wrapped: list[ttk.Label] = []
        self.bind("<Configure>", self._wrap)

    def line(self, style: str = "TLabel") -> ttk.Label:
        """Return a label below the others that is as wide as the box."""
        label = ttk.Label(self, style=style, justify="left")
        label.pack(anchor="w", fill="x")
        self._wrapped.append(label)
        return label

    def row(self, *buttons: tuple[str, Callable[[], None]], accent: int = -1) -> list[ttk.Button]:
        """Return buttons side by side; the one at place `accent` stands out."""
        frame = ttk.Frame(self)
        frame.pack(fill="x", pady=round(2 * self._scale))
        made = []
        for place, (text, command) in enumerate(buttons):
            style = "Accent.TButton" if place == accent else "TButton"
            made.append(ttk.Button(frame, text=text, command=command, style=style))
            made[-1].pack(
                side="left", fill="x", expand=True, padx=(0 if place == 0 else round(3 * self._scale), 0)
            )
        return made

    def _wrap(self, event: "tk.Event[tk.Misc]") -> None:
        for label in self._wrapped:
            label.configure(wraplength=max(event.width - round(22 * self._scale), 60))


class ModelBox(Box):
    """Which model is open, and what its classes are."""

    def __init__(self, parent: tk.Misc, scale: float, commands: Commands) -> None:
        super().__init__(parent, tr("Model"), scale)
        self._card = ttk.Button(self.head, text=tr("Card…"), command=commands["show_card"])
        self._card.pack(side="right")
        self._model = self.line("Strong.TLabel")
        self._classes = self.line("Caption.TLabel")
        (self._settings,) = self.row((tr("Settings of the old model…"), commands["old_model_settings"]))

    def show(self, name: str, classes: str, *, is_open: bool, is_old: bool) -> None:
        """Show the name and the classes of a model."""
        self._model.configure(text=name)
        self._classes.configure(text=classes)
        self._card.state(["!disabled" if is_open else "disabled"])
        _show_when(self._settings.master, is_old)


@dataclass(frozen=True)
class Told:
    """What is said about the photo that is shown.

    Args:
        verdict: sign and word, in `colour`.
        colour: of the verdict.
        meaning: what to do with the part.
        figures: names and values of what it rests on.
        truth: what the folder says, and whether that is a match.
        warnings: why it is unlike the photos of training, or could not be inspected.
    """

    verdict: str
    colour: str
    meaning: str
    figures: Sequence[tuple[str, str]] = ()
    truth: str = ""
    warnings: Sequence[str] = ()


class VerdictBox(Box):
    """What the model says about the photo."""

    def __init__(self, parent: tk.Misc, scale: float) -> None:
        super().__init__(parent, tr("Verdict of the model"), scale)
        self._verdict, self._meaning = self.line("Title.TLabel"), self.line("Strong.TLabel")
        self._warnings = self.line("Mark.TLabel")
        self._figures = ttk.Frame(self)
        self._figures.pack(fill="x")
        self._figures.columnconfigure((1, 3), weight=1)
        self._cells: list[tuple[ttk.Label, ttk.Label]] = []
        self._truth = self.line("Caption.TLabel")

    def show(self, told: Told) -> None:
        """Show what is said about a photo."""
        self._verdict.configure(text=told.verdict, foreground=told.colour)
        self._meaning.configure(text=told.meaning)
        self._truth.configure(text=told.truth)
        self._warnings.configure(text="\n".join(f"⚠ {one}" for one in told.warnings))
        if told.warnings:
            self._warnings.pack(anchor="w", fill="x", before=self._figures)
        else:
            self._warnings.pack_forget()
        for place, figure in enumerate(told.figures):
            if place == len(self._cells):
                self._cells.append((ttk.Label(self._figures, style="Quiet.TLabel"), ttk.Label(self._figures)))
            row, right = divmod(place, 2)
            for column, (cell, text) in enumerate(
                zip(self._cells[place], figure, strict=True), start=2 * right
            ):
                cell.configure(text=text)
                cell.grid(row=row, column=column, sticky="w", padx=(0, round(6 * self._scale)))
        for unused in self._cells[len(told.figures) :]:
            for cell in unused:
                cell.grid_forget()


class ThresholdBox(Box):
    """The thresholds, and what they do with the photos of the folder."""

    def __init__(
        self,
        parent: tk.Misc,
        colours: Colours,
        scale: float,
        commands: Commands,
        on_change: Callable[[Thresholds], None],
    ) -> None:
        super().__init__(parent, tr("Thresholds on p(DEF)"), scale)
        self.bar = ThresholdBar(self, colours, scale, on_change)
        self.bar.pack(fill="x")
        self._words, self._mark, self._counts = self.line(), self.line("Mark.TLabel"), self.line()
        self._reset = ttk.Button(
            self.head, text=tr("Reset to the model's own"), command=commands["reset_threshold"]
        )
        self._reset.pack(side="right")

    def show(self, words: str, counts: str, mark: str) -> None:
        """Show what the thresholds say, what they do, and `mark` where they are not the model's own."""
        self._words.configure(text=f"⚠ {words}" if mark else words, style="Mark.TLabel" if mark else "TLabel")
        self._counts.configure(text=counts)
        self._mark.configure(text=mark)
        _show_when(self._mark, bool(mark), after=self._words)
        self._reset.state(["!disabled" if mark else "disabled"])


class DecisionBox(Box):
    """What the inspector says about the photo."""

    def __init__(
        self, parent: tk.Misc, scale: float, commands: Commands, on_name: Callable[[str], None]
    ) -> None:
        super().__init__(parent, tr("Your verdict"), scale)
        self.name = self._field(tr("Inspector"))
        self.comment = self._field(tr("Comment (C)"))
        for event in ("<FocusOut>", "<Return>"):
            self.name.bind(event, lambda event: on_name(self.name.get()), add="+")
        self.comment.bind("<Return>", lambda event: commands["store_comment"]())
        self._confirm, *self._others = self.row(
            (tr("Confirm (Enter)"), commands["confirm"]),
            (tr("Good (G)"), commands["decide_good"]),
            (tr("Defective (D)"), commands["decide_defective"]),
            accent=0,
        )
        foot = ttk.Frame(self)
        foot.pack(fill="x")
        self._take_back = ttk.Button(foot, text=tr("Take back"), command=commands["take_back"])
        self._take_back.pack(side="right")
        self._stored = ttk.Label(foot, style="Caption.TLabel", justify="left", wraplength=round(220 * scale))
        self._stored.pack(side="left")
        self._said = self.line("Strong.TLabel")

    def show(
        self, said: str, stored: str, *, can_confirm: bool, can_decide: bool, can_take_back: bool
    ) -> None:
        """Show what was decided about the photo, and where verdicts are stored."""
        self._said.configure(text=said)
        self._stored.configure(text=stored)
        self._confirm.state(["!disabled" if can_confirm else "disabled"])
        for button in self._others:
            button.state(["!disabled" if can_decide else "disabled"])
        self._take_back.state(["!disabled" if can_take_back else "disabled"])

    def set_comment(self, text: str) -> None:
        """Put `text` into the field of the comment."""
        self.comment.delete(0, "end")
        self.comment.insert(0, text)

    def set_name(self, text: str) -> None:
        """Put `text` into the field of the inspector's name."""
        self.name.delete(0, "end")
        self.name.insert(0, text)

    def _field(self, title: str) -> ttk.Entry:
        frame = ttk.Frame(self)
        frame.pack(fill="x", pady=round(1 * self._scale))
        ttk.Label(frame, text=title, style="Quiet.TLabel").pack(side="left", padx=(0, round(6 * self._scale)))
        entry = ttk.Entry(frame)
        entry.pack(side="right", fill="x", expand=True)
        return entry


def _show_when(widget: tk.Misc, wanted: bool, after: tk.Misc | None = None) -> None:
    """Show a widget below the others, or below the one `after`; or take it away without leaving room."""
    if isinstance(widget, ttk.Widget) and wanted != bool(widget.winfo_manager()):
        if wanted:
            widget.pack(fill="x")
            if after is not None:
                widget.pack(after=after)
        else:
            widget.pack_forget()
