"""How long work tells a face how far it has come, without knowing the face."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Task(Protocol):
    """One running piece of work."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count `steps` as done; `note` is shown beside the bar (a loss, a file name)."""


class Progress(Protocol):
    """Where long work reports to; the command line draws bars, a window may draw others."""

    def task(self, description: str, total: int) -> AbstractContextManager[Task]:
        """Open a task of `total` steps."""


class _Silent:
    def advance(self, steps: int = 1, note: str = "") -> None:
        pass

    @contextmanager
    def task(self, description: str, total: int) -> Iterator[Task]:
        yield self


SILENT: Progress = _Silent()
