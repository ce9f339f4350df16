"""How the command line shows progress and problems."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.markup import escape
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

from castproof.errors import CastproofError, MissingExtraError
from castproof.progress import Task

TRAIN_EXTRA: Final = frozenset(
    {
        "cv2",
        "jinja2",
        "matplotlib",
        "onnx",
        "onnxruntime",
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

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


class _BarTask:
    def __init__(self, bar: RichProgress, task: TaskID) -> None:
        self._bar = bar
        self._task = task

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._bar.update(self._task, advance=steps, note=note)


class Bars:
    """Draws one bar per running task; draws nothing where the output is no terminal or bars are not wanted."""

    def __init__(self, *, wanted: bool = True) -> None:
        self._hidden = not (wanted and console.is_terminal)

    @contextmanager
    def task(self, description: str, total: int) -> Iterator[Task]:
        """Open a bar of `total` steps."""
        columns = (
            TextColumn("[bold]{task.description:<18}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with RichProgress(*columns, console=console, transient=True, disable=self._hidden) as bar:
            yield _BarTask(bar, bar.add_task(escape(description), total=total, note=""))


def program() -> str:
    """Return how this program was called, for the commands that it proposes: under uv or by its own name."""
    return "uv run castproof" if "UV" in os.environ else "castproof"


def show_error(error: CastproofError) -> None:
    """Print a problem for a person: what is wrong, the rule, what was found, what to do."""
    lines = [f"[bold]{escape(error.problem)}[/]"]
    lines += [escape(part) for part in (error.rule, error.found) if part]
    lines += [f"  • {escape(item)}" for item in error.items]
    if error.fix:
        lines.append(f"[green]→[/] {escape(error.fix)}")
    errors.print(Panel("\n".join(lines), title="castproof could not go on", border_style="red", expand=False))


@contextmanager
def training_libraries() -> Iterator[None]:
    """Turn a missing library of the `train` extra into a message that names the command to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in TRAIN_EXTRA:
            raise
        raise MissingExtraError(
            f"This command needs {error.name}, which is not installed.",
            rule="Training and evaluation need castproof's train extra.",
            fix='Install it: pip install "castproof[train]"',
        ) from error


def leave_on_error(error: CastproofError) -> None:
    """Show `error` and end the program."""
    show_error(error)
    sys.exit(EXIT_PROBLEM)
