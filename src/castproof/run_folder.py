"""The folder that one training run leaves behind: names of its files, in one place."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from castproof.errors import OutputError, RunError, SettingError
from castproof.files import make_folder, read_json, write_error, write_json

CROSSVAL_PLAN: Final = "crossval.json"
HPARAMS: Final = "hparams.json"
METRICS: Final = "metrics.json"
RUNS: Final = Path("runs")
LATEST: Final = "latest"
RUNS_SHOWN: Final = 5
NOT_IN_NAMES: Final = '/\\:*?"<>|'
FEATURES: Final = "features.npy"
GATE_FOLDER: Final = "gate"
GATE_FILE: Final = "gate.json"
REPORT_FILE: Final = "report.html"


@dataclass(frozen=True)
class RunFolder:
    """Paths inside a run folder."""

    path: Path

    @property
    def best_model(self) -> Path:
        """The network that is kept, with its threshold."""
        return self.path / "best_model.pt"

    @property
    def last_state(self) -> Path:
        """The state after the last epoch, to resume from."""
        return self.path / "last_state.pt"

    @property
    def hparams(self) -> Path:
        """Settings, versions, machine and data hash."""
        return self.path / HPARAMS

    @property
    def manifest(self) -> Path:
        """The photos, their classes and their splits."""
        return self.path / "manifest.csv"

    @property
    def metrics(self) -> Path:
        """Every metric per split; present once the run is complete."""
        return self.path / METRICS

    @property
    def predictions(self) -> Path:
        """Every photo with its p_defective and verdict."""
        return self.path / "predictions.csv"

    @property
    def log(self) -> Path:
        """What was done, line by line."""
        return self.path / "train.log"

    @property
    def history_csv(self) -> Path:
        """One line per epoch, for spreadsheets."""
        return self.path / "history.csv"

    @property
    def history_jsonl(self) -> Path:
        """One JSON object per epoch."""
        return self.path / "history.jsonl"

    @property
    def strengths(self) -> Path:
        """The strengths that were tried for a linear head, and what they did to hidden parts."""
        return self.path / "strengths.csv"

    @property
    def features(self) -> Path:
        """The features of all photos, while folds and network learn from them."""
        return self.path / FEATURES

    @property
    def crossval(self) -> Path:
        """The cross-validation over the parts that the network learnt from: the evidence for its gate."""
        return self.path / "crossval"

    @property
    def is_complete(self) -> bool:
        """Whether training and evaluation have ended."""
        return is_written(self.metrics)

    def read_hparams(self) -> dict[str, Any]:
        """Return the content of hparams.json.

        Raises:
            RunError: this is not a run folder, or the file is broken.
        """
        if not self.hparams.is_file():
            raise RunError(
                f"{self.path} is not a run folder.",
                rule="A run folder holds hparams.json.",
                fix="Give a folder made by castproof train, for example runs/mobilenet_…",
            )
        try:
            content = read_json(self.hparams)
        except (OSError, ValueError) as error:
            raise RunError(
                f"{self.hparams} cannot be read.", found=f"({error})", fix="Train again."
            ) from error
        if not isinstance(content.get("settings"), dict):
            raise RunError(f"{self.hparams} contains no settings.", fix="Train again.")
        return content

    def write_hparams(self, content: dict[str, Any]) -> None:
        """Write hparams.json. Raises OutputError."""
        write_json(self.hparams, content)


def is_written(path: Path) -> bool:
    """Return whether the file `path`, which marks a folder as complete, is there and not empty."""
    return path.is_file() and path.stat().st_size > 0


def check_name(outdir: Path, name: str) -> None:
    """Raise SettingError where `name` can be no run's, OutputError where `outdir` holds it already."""
    if name in ("", ".", "..", LATEST) or set(name) & set(NOT_IN_NAMES):
        raise SettingError(
            "--name cannot be the name of a run.",
            rule=f"One folder name, without {' '.join(NOT_IN_NAMES)}; {LATEST} means the last run.",
            found=f"Found {name!r}.",
        )
    if (outdir / name).exists():
        raise _taken(outdir / name)


def create_run_folder(outdir: Path, names: Iterable[str]) -> RunFolder:
    """Return a new, empty run folder in `outdir` under the first of `names` that is free.

    Raises:
        OutputError: none is, or `outdir` cannot be written.
    """
    path = make_folder(outdir)
    for name in names:
        path = outdir / name
        try:
            path.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise write_error(path, error) from error
        return RunFolder(path)
    raise _taken(path)


def names_by_time(name: str, now: datetime) -> Iterator[str]:
    """Yield `name_YYYYmmdd_HHMMSS`, and the same with _2 to _99."""
    stem = f"{name}_{now:%Y%m%d_%H%M%S}"
    yield stem
    yield from (f"{stem}_{number}" for number in range(2, 100))


def _taken(path: Path) -> OutputError:
    return OutputError(f"{path} exists already.", fix="Choose another --name or --outdir.")


def find_run(given: Path, *, crossval: bool = False, complete: bool = True) -> Path:
    """Return the folder of a run that is given by its path, by its name in RUNS, or as LATEST.

    Args:
        given: a path that exists is returned as it is.
        crossval: whether LATEST may be a cross-validation.
        complete: whether LATEST is the last one that is complete, or the last one that is not.

    Raises:
        RunError: there is none.
    """
    if given.exists():
        return given
    marks = (HPARAMS, CROSSVAL_PLAN) if crossval else (HPARAMS,)
    if given != Path(LATEST):
        if (RUNS / given).is_dir():
            return RUNS / given
        known = [one.name for one in _runs(marks)[:RUNS_SHOWN]]
        raise RunError(
            f"There is no run folder {str(given)!r}, here or in {RUNS}.",
            fix="Give one of these, the latest first:" if known else "Check the path.",
            items=known,
        )
    runs = [one for one in _runs(marks) if is_written(one / METRICS) == complete]
    if not runs:
        raise RunError(
            f"There is no {'complete' if complete else 'unfinished'} run in {RUNS}.",
            rule=f"{LATEST} means the last one in the folder {RUNS} of the folder that castproof is called in.",
            fix="Give the path of a run.",
        )
    return runs[0]


def _runs(marks: Sequence[str]) -> list[Path]:
    """Return the folders in RUNS that hold one of `marks`, those begun last first."""
    begun = {home: home.stat().st_mtime_ns for mark in marks for home in RUNS.glob(f"*/{mark}")}
    return [home.parent for home in sorted(begun, key=lambda home: (begun[home], home.name), reverse=True)]
