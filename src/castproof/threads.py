"""Work on many items in several threads, in order and a bounded way ahead."""

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from castproof.progress import SILENT, Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

_BLOCK = 256


def worker_count() -> int:
    """Return how many threads work on photos unless a person says otherwise: one per core, at most 8."""
    return min(os.cpu_count() or 1, 8)


def in_threads(
    work: Callable[[Item], Result], items: Sequence[Item], *, workers: int = 0
) -> Generator[Result, None, None]:
    """Yield `work(item)` for every item, in order, at most a block of items ahead.

    An error in `work` ends it, and so does `close()`: items that wait are dropped, those in work are waited for.
    A loop that is left early closes it only where nothing else holds it. Where it has a name, use
    `contextlib.closing`: the traceback of the error would keep it alive, and its threads at work.

    Args:
        work: called in several threads at a time.
        items: what to work on.
        workers: threads; 0 takes `worker_count`.
    """
    with ThreadPoolExecutor(workers or worker_count()) as pool:
        try:
            for start in range(0, len(items), _BLOCK):
                yield from pool.map(work, items[start : start + _BLOCK])
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def map_in_threads(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    title: str,
    *,
    workers: int = 0,
    progress: Progress = SILENT,
) -> list[Result]:
    """Return `work(item)` for every item, in order.

    Args:
        work: called in several threads at a time.
        items: what to work on.
        title: says what is done.
        workers: threads; 0 takes `worker_count`.
        progress: told of every item.
    """
    results = []
    with progress.task(title, len(items)) as task:
        for result in in_threads(work, items, workers=workers):
            results.append(result)
            task.advance()
    return results
