"""What works while the window stays free: one thread looks at the photo that is shown, others judge the list.

Nothing here knows the window. What was found is given to `post`, which is called in these threads.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from castproof.apps.inspector.events import (
    Event,
    Failed,
    Judged,
    JudgingEnded,
    Looked,
    ModelOpened,
    OldModelFound,
    PhotosListed,
    ThumbnailMade,
    Working,
    Written,
)
from castproof.apps.inspector.reading import judged, looked, thumbnail, vanished
from castproof.apps.inspector.unexpected import unexpected
from castproof.errors import CastproofError, OutputError
from castproof.pipeline.inspecting.model_kind import what_is
from castproof.pipeline.inspecting.opening import OpenModel, look_at_old_model, open_model
from castproof.pipeline.inspecting.photo_list import PhotoList, list_photos
from castproof.progress import Progress, Task
from castproof.runtime.inspection import Inspection
from castproof.threads import in_threads, worker_count
from castproof.translation import tr

_POST_EVERY_S: Final = 0.05
_MOST_THUMBNAILS_WAITING: Final = 60


class Engine:
    """Opens models, reads and judges photos, writes files; each request returns at once.

    Args:
        post: takes what was found, in a thread of the engine.

    Attributes:
        thumbnail_px: longer side of the small pictures.
    """

    def __init__(self, post: Callable[[Event], None]) -> None:
        self._post = post
        self.thumbnail_px = 40
        self._opening = ThreadPoolExecutor(1, "opening")
        self._looking = ThreadPoolExecutor(1, "looking")
        self._judging = ThreadPoolExecutor(1, "judging")
        self._filing = ThreadPoolExecutor(1, "filing")
        self._picturing = ThreadPoolExecutor(1, "picturing")
        self._ticket = 0
        self._batch = 0
        self._listing = 0
        self._thumbnails: list[Path] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let the threads end after what they are at."""
        self.stop_judging()
        self._listing += 1
        with self._lock:
            self._thumbnails.clear()
        for pool in (self._opening, self._looking, self._judging, self._picturing):
            pool.shutdown(wait=False, cancel_futures=True)
        self._filing.shutdown(wait=False)  # what was asked to be written is written

    def open_model(self, words: str, opened: Callable[[Progress], ModelOpened]) -> None:
        """Call `opened`, which may take long, and tell of the model; where that fails, `words` say what was tried."""

        def work() -> None:
            with self._told(words):
                self._post(opened(_Telling(self._post)))

        self._opening.submit(work)

    def open_unknown(self, path: Path, *, ask: bool = True) -> None:
        """Open a model file; of an old model tell what it is, or with `ask` off nothing."""

        def work() -> None:
            with self._told(tr("Open model")):
                if not what_is(path).is_old_model:
                    self._post(ModelOpened(open_model(path)))
                elif ask:
                    self._post(OldModelFound(look_at_old_model(path)))

        self._opening.submit(work)

    def list_photos(self, folder: Path, show: str = "") -> None:
        """Look for the photos in `folder`; a later request replaces this one."""
        self._listing += 1
        mine = self._listing

        def found(count: int) -> bool:
            self._post(Working(tr("Looking for photos"), count, 0))
            return mine == self._listing

        def work() -> None:
            with self._told(tr("Open folder")):
                photos = list_photos(folder, found)
                if mine == self._listing:
                    self._post(PhotosListed(photos, show))

        self._filing.submit(work)

    def take_photos(self, chosen: Callable[[], PhotoList]) -> None:
        """Tell of the photos that `chosen` returns; they replace those of a folder that is still looked for."""
        self._listing += 1
        mine = self._listing

        def work() -> None:
            with self._told(tr("Open photos")):
                photos = chosen()
                if mine == self._listing:
                    self._post(PhotosListed(photos))

        self._filing.submit(work)

    def look(self, photos: PhotoList, place: int, model: OpenModel | None) -> int:
        """Read one photo and return the ticket; only the latest request is answered.

        Args:
            photos: the list.
            place: of the photo in it.
            model: judges it; None for no verdict.
        """
        self._ticket += 1
        ticket, start = self._ticket, time.perf_counter()

        def work() -> None:
            if ticket != self._ticket:
                return
            try:
                found = looked(ticket, photos, place, model, start)
            except Exception as error:
                found = Looked(ticket, place, None, None, str(unexpected(error)), "", None, 0.0)
            self._post(found)

        self._looking.submit(work)
        return ticket

    def judge(self, photos: PhotoList, places: Sequence[int], model: OpenModel) -> int:
        """Judge the photos at `places` in the background, and return the ticket; a later request ends this one."""
        self._batch += 1
        ticket = self._batch

        def work() -> None:
            with self._told(tr("Judge the folder")):
                self._judge(ticket, photos, places, model)
            self._post(JudgingEnded(ticket))

        self._judging.submit(work)
        return ticket

    def stop_judging(self) -> None:
        """Judge no further photos in the background."""
        self._batch += 1

    def _judge(self, ticket: int, photos: PhotoList, places: Sequence[int], model: OpenModel) -> None:
        def wanted() -> Iterator[int]:
            for place in places:
                if ticket != self._batch:
                    return
                yield place

        def work(place: int) -> tuple[int, Inspection, str]:
            return place, *judged(photos.path(place), model)

        workers = max(1, worker_count() - 1)
        found: list[tuple[int, Inspection, str]] = []
        last = time.perf_counter()
        with closing(in_threads(work, wanted(), workers=workers, ahead=workers)) as results:
            for one in results:
                if not photos.root.is_dir():
                    self._post(Failed(tr("Judge the folder"), vanished(photos.root)))
                    break
                found.append(one)
                if time.perf_counter() - last > _POST_EVERY_S:
                    self._post(Judged(ticket, found))
                    found, last = [], time.perf_counter()
        self._post(Judged(ticket, found))

    def want_thumbnails(self, paths: Sequence[Path]) -> None:
        """Make small pictures of these photos, the first one first; what was wanted before is forgotten."""
        with self._lock:
            idle = not self._thumbnails
            self._thumbnails = list(paths[:_MOST_THUMBNAILS_WAITING])
        if idle and paths:
            self._picturing.submit(self._make_thumbnails)

    def _make_thumbnails(self) -> None:
        while True:
            with self._lock:
                if not self._thumbnails:
                    return
                path = self._thumbnails[0]
            try:
                picture = thumbnail(path, self.thumbnail_px)
            except Exception as error:
                unexpected(error)
                picture = None
            with self._lock:
                if path in self._thumbnails:
                    self._thumbnails.remove(path)
            self._post(ThumbnailMade(path, picture))

    def file(self, words: str, work: Callable[[Progress], Written]) -> None:
        """Write files by `work`, and tell what it returns; where that fails, `words` say what was tried."""

        def filing() -> None:
            with self._told(words):
                self._post(work(_Telling(self._post)))

        self._filing.submit(filing)

    @contextmanager
    def _told(self, words: str) -> Iterator[None]:
        try:
            yield
        except CastproofError as error:
            self._post(Failed(words, error))
        except OSError as error:
            self._post(Failed(words, OutputError(f"{error.strerror or error}: {error.filename or ''}")))
        except Exception as error:
            self._post(Failed(words, unexpected(error)))


class _Telling:
    """Tells the window how far work has come."""

    def __init__(self, post: Callable[[Event], None]) -> None:
        self._post = post

    @contextmanager
    def task(self, description: str, total: int) -> Iterator[Task]:
        """Open a task of `total` steps."""
        post, last = self._post, time.perf_counter()

        class Steps:
            done = 0

            def advance(self, steps: int = 1, note: str = "") -> None:
                nonlocal last
                self.done += steps
                if time.perf_counter() - last > _POST_EVERY_S:
                    last = time.perf_counter()
                    post(Working(description, self.done, total))

        post(Working(description, 0, total))
        yield Steps()
