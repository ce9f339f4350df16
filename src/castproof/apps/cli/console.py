"""How the command line shows progress and problems."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Final

import typer
from rich import markup
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.segment import Segment
from rich.text import Text

from castproof.errors import CastproofError, MissingExtraError
from castproof.installation import how_to_install
from castproof.progress import Task
from castproof.wording import UNKNOWN_CHARACTER, command, decimal, harmless, round_name

TRAIN_EXTRA: Final = frozenset(
    {
        "cv2",
        "jinja2",
        "matplotlib",
        "onnx",
        "psutil",
        "safetensors",
        "scipy",
        "sklearn",
        "threadpoolctl",
        "torch",
        "torchvision",
    }
)
EXIT_PROBLEM: Final = 1
EXIT_NOT_INSPECTED: Final = 3
EXIT_FOUND: Final = 4
EXIT_INTERRUPTED: Final = 130


class HarmlessConsole(Console):
    """Prints no character of any text that could drive the terminal or turn the direction of reading."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return markup as text, replaced before tables measure it."""
        return super().render_str(harmless(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is printed; whatever came another way than `render_str` is replaced here."""
        for one in super().render(renderable, options):
            yield one if one.control else Segment(harmless(one.text), one.style)


console = HarmlessConsole(highlight=False, emoji=False)
errors = HarmlessConsole(stderr=True, highlight=False, emoji=False)


class _BarTask:
    def __init__(self, bar: RichProgress, task: TaskID) -> None:
        self._bar = bar
        self._task = task

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._bar.update(self._task, advance=steps, note=note)


class Bars:
    """Draws one bar per running task; prints a line instead where the output is no terminal or bars are not wanted."""

    line_by_line: frozenset[str] = frozenset()  # first words of tasks that print lines of their own

    def __init__(self, *, wanted: bool = True) -> None:
        self.hidden = not (wanted and console.is_terminal)

    @contextmanager
    def task(self, description: str, total: int) -> Iterator[Task]:
        """Open a bar of `total` steps."""
        if self.hidden and description.split()[0] not in self.line_by_line:
            console.print(
                f"[dim]{escape(description)}: {total:,}[/]" if total > 1 else f"[dim]{escape(description)}[/]"
            )
        columns = (
            TextColumn("[bold]{task.description:<18}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with RichProgress(*columns, console=console, transient=True, disable=self.hidden) as bar:
            yield _BarTask(bar, bar.add_task(escape(description), total=total, note=""))


class RoundBars(Bars):
    """Bars of trainings that run side by side."""

    def round_done(self, name: str, macro_f1: float | None) -> None:
        """Print one line per round where no bar tells how far it has come."""
        if self.hidden:
            console.print(f"{round_name(name)} is done: macro-F1 {decimal(macro_f1)}")


def tell(line: str, *, on: Console = console) -> None:
    """Print a sentence with markup; lines end between words, so that long paths and names stay whole."""
    text = on.render_str(line)
    start, offsets = 0, list[int]()
    for word in re.finditer(r"\S+", text.plain):
        is_first = not text.plain[start : word.start()].strip()
        if cell_len(text.plain[start : word.end()]) > on.width and not is_first:
            start = word.start()
            offsets.append(start)
    for part in text.divide(offsets):
        part.rstrip()
        on.print(part, soft_wrap=True)


def propose(purpose: str, words: Sequence[str], *, on: Console = console) -> None:
    """Print a castproof command in one piece, to be copied; below its purpose where one line is too short for both."""
    typed = command(words)
    gap = " " if len(f"→ {purpose}: {typed}") <= on.width else "\n  "
    on.print(f"[green]→[/] {purpose}:{gap}[bold]{escape(typed)}[/]", soft_wrap=True)


def escape(text: str) -> str:
    """Return a text from outside, such as a file name, as markup on one line: it says nothing but itself."""
    return markup.escape(harmless(text).replace("\n", UNKNOWN_CHARACTER))


def show_error(error: CastproofError) -> None:
    """Print a problem for a person: what is wrong, the rule, what was found, what to do."""
    lines = [f"[bold]{escape(error.problem)}[/]"]
    lines += [escape(part) for part in (error.rule, error.found) if part]
    lines += [f"  • {escape(item)}" for item in error.items]
    if error.fix:
        lines.append(f"[green]→[/] {escape(error.fix)}")
    errors.print(Panel("\n".join(lines), title="castproof could not go on", border_style="red", expand=False))


def is_given(context: typer.Context, name: str) -> bool:
    """Return whether the parameter `name` was typed, not taken from its default."""
    return getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"


@contextmanager
def training_libraries() -> Iterator[None]:
    """Turn a missing library of the `train` extra into a message that names the command to install it."""
    try:
        with console.status("loading libraries") if console.is_terminal else nullcontext():
            yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in TRAIN_EXTRA:
            raise
        raise MissingExtraError(
            "This command needs castproof's train extra, which is not installed.",
            rule="A station judges photos by a model file without it: castproof predict model.onnx, castproof card.",
            found=f"The library {error.name} is missing.",
            fix=f"Install it: {how_to_install('train')}. castproof doctor shows what is missing.",
        ) from error


def leave_on_error(error: CastproofError) -> None:
    """Show `error` and end the program."""
    show_error(error)
    sys.exit(EXIT_PROBLEM)
