"""The folder that one training run leaves behind: names of its files, in one place."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from castproof.errors import OutputError, RunError
from castproof.files import make_folder, read_json, write_error, write_json

CROSSVAL_PLAN: Final = "crossval.json"
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
        return self.path / "hparams.json"

    @property
    def manifest(self) -> Path:
        """The photos, their classes and their splits."""
        return self.path / "manifest.csv"

    @property
    def metrics(self) -> Path:
        """Every metric per split; present once the run is complete."""
        return self.path / "metrics.json"

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
            raise RunError(f"{self.hparams} holds no settings.", fix="Train again.")
        return content

    def write_hparams(self, content: dict[str, Any]) -> None:
        """Write hparams.json. Raises OutputError."""
        write_json(self.hparams, content)


def is_written(path: Path) -> bool:
    """Return whether the file `path`, which marks a folder as complete, is there and not empty."""
    return path.is_file() and path.stat().st_size > 0


def create_run_folder(outdir: Path, name: str, now: datetime) -> RunFolder:
    """Return a new, empty run folder `outdir/name_YYYYmmdd_HHMMSS`.

    Raises:
        OutputError: `outdir` cannot be written.
    """
    make_folder(outdir)
    stem = f"{name}_{now:%Y%m%d_%H%M%S}"
    for number in range(1, 100):
        path = outdir / (stem if number == 1 else f"{stem}_{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise write_error(path, error) from error
        return RunFolder(path)
    raise OutputError(f"{outdir} already holds a hundred runs named {stem}.", fix="Choose another --outdir.")
