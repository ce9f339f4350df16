"""Runs the `castproof` command line in processes of its own.

Loading the training libraries takes seconds. So a server process loads them once and forks for every command:
each one has its own folder, environment, limits, signals and exit code. This needs Linux; `run_script` starts
the installed console script and works everywhere.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(sys.executable).with_name("castproof")
TIMEOUT_S = 120
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "COLUMNS": "200", "TERM": "dumb"}


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything that it printed."""
        return self.out + self.err


@dataclass(frozen=True)
class Request:
    """What to run: arguments, folder, further environment, largest file in bytes (0: no limit), outputs."""

    arguments: Sequence[str]
    cwd: str
    environment: Mapping[str, str]
    largest_file: int
    out: str
    err: str


class Server:
    """Starts commands; one at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **ENVIRONMENT},
            start_new_session=True,
        )
        self._count = 0

    def run(
        self,
        arguments: Sequence[str | Path],
        cwd: Path,
        environment: Mapping[str, str] | None = None,
        largest_file: int = 0,
        interrupt_when: Callable[[], bool] | None = None,
    ) -> Done:
        """Return the finished command.

        Args:
            arguments: of the command line, without the program's name.
            cwd: the folder that it runs in.
            environment: variables to set besides those of this process.
            largest_file: no file may grow beyond this number of bytes, 0 for no limit.
            interrupt_when: asked again and again; when it says yes, the process gets the signal of Ctrl-C.
        """
        self._count += 1
        out, err = (self._folder / f"{self._count}.{name}" for name in ("out", "err"))
        words = [os.fsdecode(one) for one in arguments]
        request = Request(words, str(cwd), dict(environment or {}), largest_file, str(out), str(err))
        pid = int(self._ask(json.dumps(vars(request))))
        if interrupt_when is not None:
            stop = time.monotonic() + TIMEOUT_S
            while not interrupt_when():
                if time.monotonic() > stop:
                    raise TimeoutError("the moment to interrupt never came")
                time.sleep(0.005)
            os.kill(pid, signal.SIGINT)
        code = int(self._ask("wait"))
        return Done(code, *(path.read_text(encoding="utf-8", errors="replace") for path in (out, err)))

    def printed(self) -> str:
        """Return what the latest command has printed so far."""
        path = self._folder / f"{self._count}.out"
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def close(self) -> None:
        """End the server."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()


def run_script(arguments: Sequence[str | Path], cwd: Path, **environment: str) -> Done:
    """Return the finished console script, started as a person starts it."""
    done = subprocess.run(
        [SCRIPT, *arguments],
        cwd=cwd,
        env={**os.environ, **ENVIRONMENT, **environment},
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    out, err = (one.decode("utf-8", "replace") for one in (done.stdout, done.stderr))
    return Done(done.returncode, out, err)


def _serve() -> None:
    import typer.rich_utils  # noqa: F401

    import castproof.pipeline.demo  # noqa: F401  (loads all libraries; the command line itself is loaded again)

    for line in sys.stdin:
        request = Request(**json.loads(line))
        # What is printed goes through a pipe, which a limit on the size of files does not concern.
        writers = [_pipe_into(path) for path in (request.out, request.err)]
        pid = os.fork()
        if pid == 0:
            _become_castproof(request, [writer.stdin.fileno() for writer in writers])
        print(pid, flush=True)
        assert sys.stdin.readline() == "wait\n"
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        for writer in writers:
            writer.communicate()
        print(code, flush=True)


def _pipe_into(path: str) -> subprocess.Popen[bytes]:
    with Path(path).open("wb") as file:
        return subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file)


def _become_castproof(request: Request, outputs: Sequence[int]) -> None:
    signal.alarm(TIMEOUT_S)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, pipe in zip((1, 2), outputs, strict=True):
        os.dup2(pipe, number)
        os.close(pipe)
    os.chdir(request.cwd)
    os.environ.update(request.environment)
    encoding = request.environment.get("PYTHONIOENCODING", "utf-8")
    sys.stdout = open(1, "w", encoding=encoding)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding=encoding, errors="backslashreplace")  # noqa: SIM115
    sys.argv = [str(SCRIPT), *request.arguments]
    if request.largest_file:
        import resource

        sys.dont_write_bytecode = True  # or the limit cuts it off, and the next process stumbles over it
        resource.setrlimit(resource.RLIMIT_FSIZE, (request.largest_file, request.largest_file))
    code = 1
    try:
        from castproof.apps.cli.main import main

        main()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
