"""The menu bar and the tool bar, made from the list of keys."""

import tkinter as tk
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from tkinter import ttk
from typing import Any, Final

from castproof.apps.inspector.flow_frame import FlowFrame
from castproof.apps.inspector.keys import keys
from castproof.apps.inspector.theme import DARK, LIGHT
from castproof.translation import languages, tr

SCALES: Final = (0, 100, 125, 150, 175, 200)


@dataclass(frozen=True)
class Choices:
    """What the menus offer besides the keys.

    Attributes:
        recent_models, recent_folders: asked whenever their menu opens; newest first.
        open_recent_model, open_recent_folder: called with one of them.
        language, theme, scale: what is set now.
        judge_on_opening, next_after_verdict: whether they are on.
        set_preference: called with the name of a preference and its new value.
    """

    recent_models: Callable[[], Sequence[str]]
    recent_folders: Callable[[], Sequence[str]]
    open_recent_model: Callable[[str], None]
    open_recent_folder: Callable[[str], None]
    language: str
    theme: str
    scale: int
    judge_on_opening: bool
    next_after_verdict: bool
    set_preference: Callable[[str, object], None]


def menu_bar(root: tk.Misc, commands: Mapping[str, Callable[[], None]], choices: Choices) -> tk.Menu:
    """Return the menu bar."""
    bar = tk.Menu(root)
    groups = keys()
    for place, (title, group) in enumerate(groups.items()):
        menu = _menu(bar)
        bar.add_cascade(label=title, menu=menu)
        for key in group:
            menu.add_command(label=key.words, accelerator=key.shown, command=commands[key.action])
        if place == 0:
            menu.add_separator()
            menu.add_cascade(
                label=tr("Recent models"),
                menu=_recent(menu, choices.recent_models, choices.open_recent_model),
            )
            menu.add_cascade(
                label=tr("Recent folders"),
                menu=_recent(menu, choices.recent_folders, choices.open_recent_folder),
            )
    bar.insert_cascade(len(groups), label=tr("Settings"), menu=_settings(bar, choices))
    return bar


def _menu(parent: tk.Menu, **options: Any) -> tk.Menu:
    """Return a menu whose ticks are seen: sv-ttk draws them in white, also on white."""
    menu = tk.Menu(parent, tearoff=False, **options)
    menu.configure(selectcolor=ttk.Style(parent).lookup(".", "foreground") or "black")
    return menu


def _recent(parent: tk.Menu, recent: Callable[[], Sequence[str]], opened: Callable[[str], None]) -> tk.Menu:
    def fill() -> None:
        menu.delete(0, "end")
        paths = recent()
        for path in paths:
            menu.add_command(label=path, command=lambda path=path: opened(path))  # type: ignore[misc]
        if not paths:
            menu.add_command(label=tr("none yet"), state="disabled")

    menu = _menu(parent, postcommand=fill)
    return menu


def _settings(parent: tk.Menu, choices: Choices) -> tk.Menu:
    menu = _menu(parent)
    scales = {number: tr("as the screen says") if number == 0 else f"{number}%" for number in SCALES}
    _choice(menu, tr("Language"), "language", languages(), choices.language, choices)
    _choice(menu, tr("Theme"), "theme", {LIGHT: tr("light"), DARK: tr("dark")}, choices.theme, choices)
    _choice(menu, tr("Size of texts"), "scaling_percent", scales, choices.scale, choices)
    menu.add_separator()
    for name, words, is_on in (
        ("judge_on_opening", tr("Judge photos when they are opened"), choices.judge_on_opening),
        ("next_after_verdict", tr("Go to the next photo after my verdict"), choices.next_after_verdict),
    ):
        value = tk.BooleanVar(menu, is_on)
        menu.add_checkbutton(
            label=words,
            variable=value,
            command=lambda name=name, value=value: choices.set_preference(name, value.get()),  # type: ignore[misc]
        )
    return menu


def _choice(
    parent: tk.Menu,
    title: str,
    name: str,
    words: Mapping[str, str] | Mapping[int, str],
    now: object,
    choices: Choices,
) -> None:
    menu = _menu(parent)
    chosen = tk.StringVar(menu, str(now))

    def choose(value: object) -> None:  # it holds `chosen`, which Tk forgets with its last holder
        chosen.set(str(value))
        choices.set_preference(name, value)

    for value, text in words.items():
        menu.add_radiobutton(
            label=text,
            value=str(value),
            variable=chosen,
            command=lambda value=value: choose(value),  # type: ignore[misc]
        )
    parent.add_cascade(label=title, menu=menu)


def tool_bar(parent: tk.Misc, commands: Mapping[str, Callable[[], None]], scale: float) -> ttk.Frame:
    """Return the tool bar: what is needed all day, in the order of the work."""
    bar = FlowFrame(parent, round(5 * scale))
    groups = (
        (
            ("open_model", tr("1 · Open model…")),
            ("open_folder", tr("2 · Open folder…")),
            ("open_photo", tr("or photo…")),
        ),
        (
            ("previous", "◀"),
            ("next", "▶"),
            ("random", tr("Random")),
            ("disagreement", tr("First disagreement")),
        ),
        (("predict", tr("Judge this photo")),),
        (("export_verdicts", tr("3 · Verdicts as CSV…")), ("report", tr("Quick report"))),
        (("help", tr("Help (F1)")),),
    )
    for group in groups:
        frame = bar.group()
        for name, text in group:
            button = ttk.Button(frame, text=text, command=commands[name])
            if len(text) == 1:
                button.configure(width=3)
            button.pack(side="left", padx=round(1 * scale), pady=round(1 * scale))
    bar.lay()
    return bar
