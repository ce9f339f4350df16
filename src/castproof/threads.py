"""Work on many items in several threads, in order and a bounded way ahead."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from castproof.progress import SILENT, Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD: Final = 256


def worker_count() -> int:
    """Return how many threads work on photos unless a person says otherwise: one per core, at most 8."""
    return min(os.cpu_count() or 1, 8)


def in_threads(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int = 0, ahead: int = _AHEAD
) -> Generator[Result, None, None]:
    """Yield `work(item)` for every item, in order, a bounded number of items ahead.

    An error in `work` ends it, and so does `close()`: items that wait are dropped, those in work are waited for.
    A loop that is left early closes it only where nothing else holds it. Where it has a name, use
    `contextlib.closing`: the traceback of the error would keep it alive, and its threads at work.

    Args:
        work: called in several threads at a time.
        items: what to work on; taken as they are needed.
        workers: threads; 0 takes `worker_count`.
        ahead: how many items are taken before the first result is waited for.
    """
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers or worker_count()) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
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
