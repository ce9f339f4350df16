import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from castproof import threads
from castproof.data.folders import read_folders, verify_photos
from castproof.data.importing import check_photos
from castproof.data.photo_sets import SetPhoto
from castproof.data.placing import FileSource
from castproof.pipeline.photo_survey import survey_photos
from castproof.threads import in_threads, map_in_threads

MANY = range(1_000)


@pytest.mark.parametrize("workers", [1, 8])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    assert list(in_threads(lambda item: item * 2, MANY, workers=workers)) == [item * 2 for item in MANY]


def test_no_items_give_no_results() -> None:
    assert list(in_threads(str, [])) == []


@pytest.mark.parametrize("workers", [1, 8])
def test_an_error_in_the_work_reaches_the_caller_after_the_results_before_it(workers: int) -> None:
    def work(item: int) -> int:
        if item == 300:
            raise ValueError("item 300")
        return item

    got: list[int] = []
    with pytest.raises(ValueError, match="item 300"):
        got.extend(in_threads(work, MANY, workers=workers))
    assert got == list(MANY[:300])


@pytest.mark.parametrize("workers", [1, 8])
def test_the_whole_list_comes_in_order_and_every_item_is_told(workers: int) -> None:
    told: list[tuple[str, int]] = []

    class Told:
        @contextmanager
        def task(self, description: str, total: int) -> Iterator["Told"]:
            told.append((description, total))
            yield self

        def advance(self, steps: int = 1, note: str = "") -> None:
            told.append(("step", steps))

    results = map_in_threads(lambda item: -item, MANY, "counting", workers=workers, progress=Told())
    assert results == [-item for item in MANY]
    assert told == [("counting", 1_000), *[("step", 1)] * 1_000]


def closed(work: Callable[[int], int], items: Sequence[int], workers: int) -> None:
    with closing(in_threads(work, items, workers=workers)) as results:
        for _ in zip(items, results, strict=True):
            raise KeyboardInterrupt


def without_a_name(work: Callable[[int], int], items: Sequence[int], workers: int) -> None:
    for _ in in_threads(work, items, workers=workers):
        raise KeyboardInterrupt


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("loop", [closed, without_a_name])
def test_a_loop_that_is_left_drops_the_items_that_wait(
    loop: Callable[..., None], workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()
    worked_on: list[int] = []

    class Pool(ThreadPoolExecutor):
        def shutdown(self, *args: Any, **more: Any) -> None:
            ended.set()
            super().shutdown(*args, **more)

    def work(item: int) -> int:
        worked_on.append(item)
        if item:
            ended.wait(60)
        return item

    monkeypatch.setattr(threads, "ThreadPoolExecutor", Pool)
    with pytest.raises(KeyboardInterrupt) as stopped:
        loop(work, MANY, workers)
    was_ended = ended.is_set()
    ended.set()
    assert was_ended, "while the traceback is held"
    assert len(worked_on) <= 1 + workers
    del stopped


class Stopped:
    """Progress of a person who presses Ctrl-C after the first step."""

    @contextmanager
    def task(self, description: str, total: int) -> Iterator["Stopped"]:
        yield self

    def advance(self, steps: int = 1, note: str = "") -> None:
        raise KeyboardInterrupt


def survey(data: Path) -> None:
    survey_photos(read_folders(data), progress=Stopped())


def verify(data: Path) -> None:
    verify_photos(read_folders(data), skip_unreadable=False, progress=Stopped())


def check(data: Path) -> None:
    sources = {str(path): FileSource(path) for path in sorted(data.rglob("*.png"))}
    photos = [SetPhoto(file, "", "ok", file) for file in sources]
    check_photos(photos, sources, skip_unreadable=False, progress=Stopped())


@pytest.mark.parametrize("command", [survey, verify, check])
def test_ctrl_c_leaves_no_thread_at_work(
    command: Callable[[Path], None], class_folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASTPROOF_CACHE", str(tmp_path / "cache"))
    data = class_folder({"ok": 3, "def": 3}, size_px=240)
    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt) as stopped:
        command(data)
    assert not set(threading.enumerate()) - before, "while the traceback is held"
    del stopped
    assert (tmp_path / "cache").exists() == (command is survey), "what was measured is kept"
