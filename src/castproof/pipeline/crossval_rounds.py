"""Training several rounds side by side, each in a process of its own and in a run folder of its own."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from queue import Empty
from typing import Final, Protocol

import numpy as np
import psutil
import torch

from castproof.data.manifest import Manifest
from castproof.errors import BrokenRunError, CastproofError, RunError
from castproof.files import make_folder
from castproof.model.device import pick_device
from castproof.model.features import FeatureTable
from castproof.model.training import EpochRecord
from castproof.pipeline.machine import describe_machine, prepare_device
from castproof.pipeline.training_run import begin_run, run_training, start_network
from castproof.progress import Progress, Task
from castproof.run_folder import RunFolder
from castproof.settings import TrainSettings

BYTES_PER_ROUND: Final = 3_000_000_000
TESTED: Final = "test"
POLL_S: Final = 0.2
MOST_WORKERS: Final = 61  # Windows waits for no more at once


class RoundObserver(Progress, Protocol):
    """Hears which rounds are done."""

    def going_on(self, done: int, rounds: int) -> None:
        """A cross-validation that was stopped goes on; so many of its rounds are done."""

    def round_done(self, name: str, macro_f1: float | None) -> None:
        """One more round is trained and has judged its test photos."""


@dataclass(frozen=True)
class Round:
    """One training of a cross-validation.

    Args:
        run: the folder it is kept in.
        manifest: the photos, split for this round.
        rows: per split, the places of its photos among all photos.
    """

    run: RunFolder
    manifest: Manifest
    rows: Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class _Job:
    round: Round
    settings: TrainSettings
    features: Path | None
    threads: int


def train_rounds(
    rounds: Sequence[Round], settings: TrainSettings, features: Path | None, observer: RoundObserver
) -> None:
    """Train every round that is not complete yet; one that was stopped goes on.

    Args:
        rounds: what to train.
        settings: those of every round.
        features: a file of features float32 (views, n, width) of all photos, for a frozen network.
        observer: told of every epoch and round.

    Raises:
        CastproofError: a round cannot be trained; the others are kept.
        KeyboardInterrupt: the rounds are left so that they can be resumed.
    """
    waiting = [one for one in rounds if not one.run.is_complete]
    if not waiting:
        return
    workers = _workers(len(waiting), settings)
    # by the number of rounds, not of processes: the figures must not hang on how much memory is free
    threads = 1 if settings.frozen else max(1, (os.cpu_count() or 1) // len(rounds))
    context = multiprocessing.get_context("spawn")
    epochs: Queue[int] = context.Queue()
    stop = context.Event()
    pool = ProcessPoolExecutor(workers, context, _begin, (epochs, stop))
    steps = settings.epochs if settings.by_epochs else 1
    with observer.task("training rounds", len(waiting) * steps) as task:
        try:
            with _deaf_to_ctrl_c():
                jobs = {pool.submit(_train, _Job(one, settings, features, threads)): one for one in waiting}
            _follow(jobs, epochs, task, observer)
        except BrokenProcessPool as error:
            raise RunError(
                "A training process was ended from outside.",
                rule="Mostly the system does that for lack of memory.",
                fix="Close other programs and give the same command again: it continues where it stopped. "
                "If that does not help, begin again with a smaller --img-size.",
            ) from error
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def in_round(run: RunFolder, error: CastproofError) -> CastproofError:
    """Return what went wrong in one round, told to a person who gave the command for all of them."""
    broken = isinstance(error, BrokenRunError)
    again = f"Delete the folder {run.path} and give the same command again."
    return type(error)(
        f"{run.path.name}: {error.problem}",
        rule=error.rule,
        found=error.found,
        fix=again if broken else error.fix,
        items=error.items,
    )


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let the processes that are started here inherit that Ctrl-C is not for them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _workers(rounds: int, settings: TrainSettings) -> int:
    if pick_device(settings.device).type != "cpu":
        return 1
    room = int(psutil.virtual_memory().available // BYTES_PER_ROUND)
    return max(1, min(rounds, os.cpu_count() or 1, room, MOST_WORKERS))


def _follow(
    jobs: Mapping[Future[float | None], Round], epochs: "Queue[int]", task: Task, observer: RoundObserver
) -> None:
    """Tell of epochs and rounds until all are done; raise what the first failed one raised, with its name."""
    pending = set(jobs)
    while pending:
        done, pending = wait(pending, timeout=POLL_S, return_when=FIRST_COMPLETED)
        while True:
            try:
                task.advance(epochs.get_nowait())
            except Empty:
                break
        for job in done:
            run = jobs[job].run
            try:
                observer.round_done(run.path.name, job.result())
            except CastproofError as error:
                raise in_round(run, error) from error


_epochs: "Queue[int]"
_stop: Event


def _begin(epochs: "Queue[int]", stop: Event) -> None:
    """Set up a process: Ctrl-C reaches the first process alone, which then tells the others; none outlives it."""
    global _epochs, _stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_first_process, daemon=True).start()
    _epochs, _stop = epochs, stop


def _end_with_first_process() -> None:
    """End this process at once when the first one is gone, however it ended; files are whole or not there."""
    first = multiprocessing.parent_process()
    if first is not None:
        first.join()
        os._exit(1)


class _StopError(Exception):
    """The first process wants this one to end."""


class _Teller:
    """Tells the first process of every epoch, and ends the work when it says so."""

    @contextmanager
    def task(self, description: str, total: int) -> Iterator[Task]:
        yield self

    def advance(self, steps: int = 1, note: str = "") -> None:
        if _stop.is_set():
            raise _StopError

    def epoch_done(self, record: EpochRecord) -> None:
        if record.epoch:
            _epochs.put(1)


def _train(job: _Job) -> float | None:
    """Return macro-F1 on the test photos; None where there is none, or where the first process said stop."""
    run, settings, manifest = job.round.run, job.settings, job.round.manifest
    torch.set_num_threads(job.threads)
    device = prepare_device(settings.device)
    start = start_network(settings)
    table = None
    if job.features is not None:
        values = torch.from_numpy(np.load(job.features, mmap_mode="c"))
        table = FeatureTable(values, {name: torch.tensor(rows) for name, rows in job.round.rows.items()})
    make_folder(run.path)
    if not run.hparams.is_file():
        begin_run(run, settings, manifest, start, describe_machine(device))
    try:
        result = run_training(run, settings, manifest, start, device, _Teller(), table, names_types=False)
    except _StopError:
        return None
    if not settings.by_epochs:
        _epochs.put(1)
    return next(split.metrics["macro_f1"] for split in result.splits if split.name == TESTED)
