"""Damage: is a mutated file, or what a killed command left, ever taken for whole?

    uv run python benchmarks/damage.py files --model model.onnx --run runs/RUN --count 20000
    uv run python benchmarks/damage.py kills --data DATA --run runs/RUN --count 60

`files` mutates a model file, and for each ten of it the checkpoint of a run, by seed: bits, bytes and pieces are
flipped, cut, doubled and moved. Each must be refused with an error of castproof, or say the same about the photos
stored in the model file; a checkpoint must hold the same numbers. Every second model file gets a seal that fits again:
it may be opened, but must not crash, nor take memory or time.

`kills` ends export, import and crossval with SIGKILL at random moments, in processes that have loaded the libraries
before. What is then in place must be what the whole command writes, and the marks of completeness (model file,
castproof-import.json, metrics.json) must stand for all that they mark. Needs Linux.
"""

import argparse
import hashlib
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import onnx
import torch

import castproof.pipeline.demo  # noqa: F401  (loads all libraries, so that a fork begins at once)
from castproof.apps.cli.main import main as castproof_main
from castproof.errors import CastproofError
from castproof.files import read_json
from castproof.images import decode_plain
from castproof.model.checkpoint import load_checkpoint
from castproof.modelfile.onnx_file import CARD_KEY
from castproof.modelfile.seal import sealed
from castproof.runtime.model import load

SAME, REFUSED, OPENED = "the same", "refused", "opened"


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return `data` with one to three mutations."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at, size = rng.randrange(len(data)), min(int(2 ** rng.uniform(0, 14)), len(data) // 2)
        kind, to = rng.randrange(8), rng.randrange(len(data))
        if kind <= 2:
            data = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        elif kind == 3:
            data = data[:at] + rng.randbytes(size) + data[at + size :]
        elif kind == 4:
            data = data[:at]
        elif kind == 5:
            data = data[:at] + data[at + size :]
        elif kind == 6:
            data = data[:at] + data[to : to + size] + data[at:]
        else:
            data = data[:at] + bytes(size) + data[at + size :]
        data = data or b"\0"
    return data


def sealed_again(data: bytes) -> bytes | None:
    """Return a mutated model file with a seal that fits, as a forger would make it; None where it cannot have one."""
    try:
        model = onnx.load_from_string(data)
        props = {one.key: one.value for one in model.metadata_props}
        onnx.helper.set_model_props(model, {**props, CARD_KEY: sealed(props[CARD_KEY], data, "forged")})
        return bytes(model.SerializeToString())
    except Exception:
        return None


def answers(path: Path) -> list[Any]:
    """Return what a model file says about the photos that are stored in it."""
    model = load(path)
    photos = [decode_plain(one.photo) for one in model.card.examples]
    told = [model.inspect(one) for one in photos]
    return [model.card, [(one.verdict, one.p_defective, one.reason) for one in told]]


def numbers(path: Path) -> list[Any]:
    """Return what a checkpoint holds."""
    found = load_checkpoint(path)
    tensors = {
        name: hashlib.sha256(one.numpy().tobytes()).hexdigest()
        for name, one in found.network.state_dict().items()
    }
    return [found.spec, found.classes, found.threshold, tensors]


def files(source: Path, read: Callable[[Path], list[Any]], count: int, seed: int) -> None:
    whole, expected = source.read_bytes(), read(source)
    told, slowest, rng = Counter[str](), 0.0, random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, source.name)
        for number in range(count):
            data = mutated(whole, rng)
            forged = sealed_again(data) if number % 2 and source.suffix == ".onnx" else None
            path.write_bytes(forged or data)
            begun = time.perf_counter()
            try:
                outcome = SAME if read(path) == expected or data == whole else "CHANGED"
                outcome = OPENED if forged and outcome != SAME else outcome
            except CastproofError:
                outcome = REFUSED
            except Exception as error:
                outcome = f"CRASHED with {type(error).__name__}"
            slowest = max(slowest, time.perf_counter() - begun)
            told[f"{outcome}, sealed again" if forged else outcome] += 1
            if outcome not in (SAME, REFUSED, OPENED):
                print(f"  {number}: {outcome}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{source.name}, {count:,} mutated: {dict(told)}; slowest {slowest:.2f} s, peak {peak:.2f} GB")


def begun(words: list[str], log: Path) -> int:
    """Return the process group of a castproof command that runs in a fork of this process."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setpgid(0, 0)
            out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(out, 1)
            os.dup2(out, 2)
            sys.argv = ["castproof", *words]
            fork = multiprocessing.get_context("fork")
            multiprocessing.get_context = lambda method=None: fork  # type: ignore  # workers start at once, too
            castproof_main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        finally:
            os._exit(code)
    with suppress(OSError):  # whichever of the two processes is first
        os.setpgid(pid, pid)
    return pid


def ended(pid: int, after: float | None = None) -> int | None:
    """Return the exit code of a command, None where it was killed `after` so many seconds."""
    stop = time.monotonic() + (after if after is not None else 600)
    while time.monotonic() < stop:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def content(folder: Path) -> dict[str, str]:
    """Return the hash of every file below `folder`, temporary ones of killed commands apart."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and ".castproof-" not in str(path))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def kills(
    name: str, words: list[str], target: Path, wrong: Callable[[Path], Iterator[str]], count: int, seed: int
) -> None:
    """Kill a command so often; after each kill, and after the end that it comes to at last, look at `target`."""
    rng, told, log = random.Random(seed), Counter[str](), target.with_name(f"{name}.log")
    start = time.monotonic()
    assert ended(begun(words, log)) == 0, log.read_text()
    takes = time.monotonic() - start
    bad = list(wrong(target))
    assert not bad, bad
    done = 0
    while done < count:
        if target.is_dir():
            shutil.rmtree(target)
        target.unlink(missing_ok=True)
        code = None
        while code is None and done < count:
            code = ended(begun(words, log), rng.uniform(0, 1.05 * takes))
            done += code is None
            told["killed" if code is None else f"ended with {code}"] += 1
            bad = list(wrong(target))
            told.update(bad)
            print(f"  {name}: {dict(told)}", flush=True)
    assert ended(begun(words, log)) == 0, log.read_text()
    bad += list(wrong(target))
    print(f"{name}, takes {takes:.1f} s: {dict(told)}; gone on with at last: {bad or 'whole'}", flush=True)


class Whole:
    """What the whole commands wrote; each method yields what is in place now and is not that."""

    def __init__(self) -> None:
        self._first: dict[str, Any] = {}

    def _same(self, name: str, found: Any) -> bool:
        return bool(self._first.setdefault(name, found) == found)

    def model(self, path: Path) -> Iterator[str]:
        if path.exists():
            try:
                if not self._same("model", answers(path)[1]):
                    yield "CHANGED: the model file"
            except CastproofError as error:
                yield f"HALF: {error}"

    def imported(self, path: Path) -> Iterator[str]:
        found = content(path) if path.is_dir() else {}
        marked = found.pop("castproof-import.json", None)
        if not self._same("imported", found):
            if not found.items() <= self._first["imported"].items():
                yield "HALF: a photo"
            if marked:
                yield "HALF: marked as complete"

    def crossval(self, path: Path) -> Iterator[str]:
        for mark in path.rglob("metrics.json"):
            home = mark.parent
            tables = [home / name for name in ("predictions.csv", "parts.csv")]
            if not read_json(mark) or not self._same(
                home.name, [one.read_bytes() for one in tables if one.is_file()]
            ):
                yield f"HALF: {home.name}"
            if home != path:
                load_checkpoint(home / "best_model.pt")


def all_kills(data: Path, run: Path, count: int, seed: int) -> None:
    whole = Whole()
    small = ("--weights", "none", "--img-size", "64", "--folds", "3", "--no-gate", "--no-bars")
    with tempfile.TemporaryDirectory() as folder:
        model, imported, cross = (Path(folder, name) for name in ("model.onnx", "imported", "crossval"))
        kills("export", ["export", str(run), "-o", str(model)], model, whole.model, count, seed)
        kills("import", ["import", str(data), str(imported)], imported, whole.imported, count, seed)
        kills(
            "crossval",
            ["crossval", str(data), *small, "--outdir", str(cross)],
            cross,
            whole.crossval,
            count,
            seed,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("files", "kills"))
    parser.add_argument("--model", type=Path, help="a model file of castproof export")
    parser.add_argument("--run", type=Path, required=True, help="a run folder")
    parser.add_argument("--data", type=Path, help="its photos, with the folders train, val and test")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20)
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.what == "files":
        files(given.model, answers, given.count, given.seed)
        files(given.run / "best_model.pt", numbers, given.count // 10, given.seed)
    else:
        all_kills(given.data, given.run, given.count, given.seed)


if __name__ == "__main__":
    main()
