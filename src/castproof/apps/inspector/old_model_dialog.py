"""The dialog that asks what an old model's file does not say, and whether the person knows who made it."""

import tkinter as tk
from collections.abc import Callable
from dataclasses import fields, replace
from tkinter import ttk
from typing import Any, Final

from castproof.apps.inspector.noted_form import NARROW, WIDE, NotedForm, Variable
from castproof.apps.inspector.theme import LARGE, STRONG, Colours
from castproof.pipeline.inspecting.old_model_problems import HALF, IMAGENET, OWN
from castproof.pipeline.inspecting.old_model_settings import OldModelSettings, labels
from castproof.pipeline.inspecting.opening import OldModelFile
from castproof.runtime.legacy_settings import GREY, LOGITS, PROBABILITIES, RGB
from castproof.translation import tr

Done = Callable[[OldModelSettings | None], None]

_ONLY_WITH_OWN: Final = ("mean", "std")
_ONLY_WITH_CROP: Final = ("resize", "crop")
_SHARE_OF_SCREEN: Final = 0.94
_MARGIN: Final = 13


class OldModelDialog(tk.Toplevel):
    """A modal window over its parent.

    Args:
        parent: a widget of the window that it belongs to.
        file: what is to be opened.
        start: what stands in the fields at first; the box is ticked where it carries the consent to this file.
        done: called once, after the dialog is closed, with the settings and the consent; with None where it was
            cancelled.
        colours: of the theme.
        scale: of the window, from 1 to 2.
    """

    def __init__(
        self,
        parent: tk.Misc,
        file: OldModelFile,
        start: OldModelSettings,
        done: Done,
        *,
        colours: Colours,
        scale: float,
    ) -> None:
        super().__init__(
            parent, background=colours.background, highlightthickness=1, highlightbackground=colours.border
        )
        self.withdraw()
        self.title(tr("Open an old model"))
        self.transient(parent.winfo_toplevel())
        self._file, self._done, self._colours, self._scale = file, done, colours, scale
        self._values = {one.name: _variable(self, getattr(start, one.name)) for one in fields(start)}
        self._agreed = tk.BooleanVar(self, start.trusted_sha256 == file.sha256)
        self._build()
        for variable in (*self._values.values(), self._agreed):
            variable.trace_add("write", self._refresh)
        self._refresh()
        self._show()

    def _build(self) -> None:
        body = ttk.Frame(self, padding=self._px(_MARGIN))
        body.pack(fill="both", expand=True)
        self._form = NotedForm(body, self._values, labels(), self._colours, self._scale)
        self._tell_file()
        self._ask_classes()
        self._ask_preparation()
        self._ask_outputs()
        self._ask_agreement()
        self._build_buttons(body)
        self._form.pack(fill="both", expand=True)
        self.bind("<Escape>", lambda _event: self._close(None))
        self.bind("<Return>", self._return)
        self.bind("<KP_Enter>", self._return)
        self.protocol("WM_DELETE_WINDOW", lambda: self._close(None))

    def _tell_file(self) -> None:
        kind = self._file.kind.words()
        self._form.whole_line(tr("{file} is {kind}", file=self._file.path.name, kind=kind), LARGE)
        self._form.told("SHA-256", self._file.sha256)

    def _ask_classes(self) -> None:
        form = self._form
        form.heading(tr("What the outputs mean"))
        row = form.row(
            ("classes",), tr("Exact names, in the order of the outputs, with commas between: ok, def")
        )
        self._first = form.entry(row, "classes", WIDE)
        self._swap = ttk.Button(row, text=tr("Swap classes"), command=self._swap_classes)
        self._swap.pack(side="left", padx=(self._px(8), 0))
        row = form.row(("good",), tr("Those of them that are good, spelt as there."))
        form.entry(row, "good", WIDE)
        self._preview = form.whole_line(font=STRONG)

    def _ask_preparation(self) -> None:
        form = self._form
        form.heading(tr("How photos go in"))
        row = form.row(("channels", "size"), tr("All of this as in the program that trained the model."))
        form.choices(row, "channels", {RGB: tr("Colour (RGB)"), GREY: tr("Grey")})
        form.label(row, "size")
        form.entry(row, "size", NARROW)
        row = form.row(("normalisation",), tr("Mean and std on the scale from 0 to 1."))
        form.choices(row, "normalisation", {IMAGENET: "ImageNet", HALF: "0.5 / 0.5", OWN: tr("Own")})
        row = form.row(_ONLY_WITH_OWN, tr("Per channel, with commas between, or one number for all."))
        form.entry(row, "mean", WIDE // 2)
        form.label(row, "std")
        form.entry(row, "std", WIDE // 2)
        hint = tr("The shorter side is resized, then the middle cut out. Off: the whole photo goes in.")
        row = form.row(("crops", *_ONLY_WITH_CROP), hint)
        ttk.Checkbutton(row, variable=self._values["crops"], text=tr("On")).pack(side="left")
        for name in _ONLY_WITH_CROP:
            form.label(row, name)
            form.entry(row, name, NARROW)

    def _ask_outputs(self) -> None:
        form = self._form
        form.heading(tr("What comes out"))
        row = form.row(("output",), tr("Probabilities, where the model ends with softmax or sigmoid."))
        form.choices(row, "output", {LOGITS: tr("Logits"), PROBABILITIES: tr("Probabilities")})
        hint = tr("On p_defective. REVIEW lies between the two; without the second there is none.")
        row = form.row(("threshold", "reject_from"), hint)
        form.entry(row, "threshold", NARROW)
        form.label(row, "reject_from")
        form.entry(row, "reject_from", NARROW)

    def _ask_agreement(self) -> None:
        self._form.heading(f"⚠ {tr('The risk')}")
        self._form.whole_line(self._file.risk())
        self._form.tick(tr("I know who made this file"), self._agreed)

    def _build_buttons(self, body: ttk.Frame) -> None:
        line = ttk.Frame(body)
        line.pack(side="bottom", fill="x")
        ttk.Separator(body).pack(side="bottom", fill="x", pady=self._px(8))
        cancel = ttk.Button(line, text=tr("Cancel"), command=lambda: self._close(None))
        self._open = ttk.Button(line, text=tr("Open"), style="Accent.TButton", command=self._accept)
        self._open.pack(side="right")
        cancel.pack(side="right", padx=self._px(8))
        self._waits = ttk.Label(line, wraplength=self._form.letters(2 * WIDE))
        self._waits.pack(side="left", fill="x", expand=True)

    def _settings(self) -> OldModelSettings:
        typed: dict[str, Any] = {name: variable.get() for name, variable in self._values.items()}
        return OldModelSettings(**typed)

    def _refresh(self, *_: str) -> None:
        settings = self._settings()
        problems = settings.problems()
        self._form.tell(problems)
        self._form.enable(_ONLY_WITH_OWN, settings.normalisation == OWN)
        self._form.enable(_ONLY_WITH_CROP, settings.crops)
        self._swap.state(["!disabled" if settings.can_swap else "disabled"])
        self._preview.configure(text=settings.outputs() or tr("output 1 = …"))
        waits = [labels()[name] for name in problems]
        if not self._agreed.get():
            waits.append(tr("the tick under “The risk”"))
        told = tr("Open waits for: {what}", what=", ".join(waits)) if waits else tr("Ready to open.")
        self._waits.configure(text=told)
        self._open.state(["disabled" if waits else "!disabled"])

    def _swap_classes(self) -> None:
        self.setvar(str(self._values["classes"]), self._settings().swapped().classes)

    def _return(self, _event: Any) -> str:
        focused = self.focus_get()
        if isinstance(focused, ttk.Button):
            focused.invoke()
        else:
            self._accept()
        return "break"

    def _accept(self) -> None:
        if not self._open.instate(["disabled"]):
            self._close(replace(self._settings(), trusted_sha256=self._file.sha256))

    def _close(self, result: OldModelSettings | None) -> None:
        self.grab_release()
        self.destroy()
        self._done(result)

    def _px(self, size: int) -> int:
        return round(size * self._scale)

    def _show(self) -> None:
        """Show the dialog over its parent, as large as it needs to be and the screen allows."""
        form = self._form
        self.update_idletasks()
        around = self.winfo_reqheight() - form.winfo_reqheight()
        widest = int(_SHARE_OF_SCREEN * self.winfo_screenwidth()) - 2 * self._px(_MARGIN)
        highest = int(_SHARE_OF_SCREEN * self.winfo_screenheight()) - around
        if form.natural_size()[0] > widest:
            form.put_notes_below()
        width = min(form.natural_size()[0], widest)
        form.wrap(width)
        form.ask_for(width, min(form.natural_size()[1], highest))
        self.update_idletasks()
        parent = self.master.winfo_toplevel()
        x = parent.winfo_rootx() + (parent.winfo_width() - self.winfo_reqwidth()) // 2
        y = parent.winfo_rooty() + (parent.winfo_height() - self.winfo_reqheight()) // 2
        self.geometry(f"+{max(x, 0)}+{max(y, 0)}")
        self.bind("<Visibility>", self._take_input)
        self.deiconify()

    def _take_input(self, _event: Any) -> None:
        self.unbind("<Visibility>")
        self.grab_set()
        self._first.focus_set()


def _variable(owner: tk.Misc, value: str | bool) -> Variable:
    return tk.BooleanVar(owner, value) if isinstance(value, bool) else tk.StringVar(owner, value)
