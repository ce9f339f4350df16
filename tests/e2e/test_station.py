"""An inspection station: castproof without its train extra judges photos, shows the card, and loads nothing heavy."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import castproof
from castproof.installation import how_to_install
from castproof.measure.decision import Verdict
from made_models import casting, make_model_file, png

LACKING = (
    "cv2",
    "jinja2",
    "matplotlib",
    "onnx",
    "openvino",
    "psutil",
    "pyarrow",
    "safetensors",
    "scipy",
    "sklearn",
    "threadpoolctl",
    "torch",
    "torchvision",
)
STATION = f"""
import sys

LACKING = frozenset({LACKING!r})


class NotInstalled:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in LACKING:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name.partition(".")[0])
        return None


sys.meta_path.insert(0, NotInstalled)
"""
JUDGE = """
import json
import castproof

model = castproof.load(sys.argv[1])
photos = [model.inspect(path) for path in sys.argv[2:]]
told = [(str(one.verdict), one.p_defective, one.reason, one.heat_map.tolist()) for one in photos]
print(json.dumps({"told": told, "loaded": sorted({name.partition(".")[0] for name in sys.modules})}))
"""
COMMAND = """
from castproof.apps.cli.main import main

main()
"""


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """Return a model file and three photos."""
    folder = tmp_path_factory.mktemp("station")
    photos = [folder / f"{number}.png" for number in range(3)]
    for number, path in enumerate(photos):
        path.write_bytes(png(casting(3 * number, 7)))
    return make_model_file(folder / "model.onnx"), photos


def run(program: str, arguments: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def judged(program: str, station: tuple[Path, list[Path]]) -> dict[str, Any]:
    done = run(program, [station[0], *station[1]], station[0].parent)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_finder_refuses_what_a_station_lacks(station: tuple[Path, list[Path]]) -> None:
    done = run(STATION + "import onnxruntime, numpy, PIL\nimport torch", [], station[0].parent)
    assert done.returncode == 1
    assert "No module named 'torch'" in done.stderr


def test_a_station_without_the_train_extra_says_what_this_machine_says(
    station: tuple[Path, list[Path]],
) -> None:
    model = castproof.load(station[0])
    found = judged(STATION + JUDGE, station)
    for (verdict, p, reason, heat), path in zip(found["told"], station[1], strict=True):
        here = model.inspect(path)
        assert (verdict, reason) == (here.verdict.value, here.reason)
        assert verdict != Verdict.NOT_INSPECTED.value
        assert p == here.p_defective
        np.testing.assert_array_equal(np.float32(heat), here.heat_map)


def test_the_runtime_loads_nothing_that_a_station_lacks_even_where_it_is_there(
    station: tuple[Path, list[Path]],
) -> None:
    found = judged("import sys\n" + JUDGE, station)
    assert set(found["loaded"]) & set(LACKING) == set()
    assert {"onnxruntime", "numpy", "PIL"} <= set(found["loaded"])
    assert "typer" not in found["loaded"]
    assert "rich" not in found["loaded"]


def test_importing_castproof_loads_no_library_at_all(station: tuple[Path, list[Path]]) -> None:
    done = run("import sys, castproof\nprint(*sys.modules)", [], station[0].parent)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded & {"numpy", "PIL", "onnxruntime", *LACKING} == set()


def test_card_and_predict_run_at_a_station(station: tuple[Path, list[Path]]) -> None:
    folder = station[0].parent
    card = run(STATION + COMMAND, ["card", station[0]], folder)
    assert card.returncode == 0, card.stderr
    assert castproof.load(station[0]).model_id in card.stdout
    predicted = run(STATION + COMMAND, ["predict", station[0], *station[1], "--csv", "v.csv"], folder)
    assert predicted.returncode == 0, predicted.stderr
    assert len((folder / "v.csv").read_text(encoding="utf-8").splitlines()) == 1 + len(station[1])


@pytest.mark.parametrize("command", [["audit", "photos"], ["train", "--data", "photos"]])
def test_what_needs_the_train_extra_says_so(station: tuple[Path, list[Path]], command: list[str]) -> None:
    (station[0].parent / "photos").mkdir(exist_ok=True)
    done = run(STATION + COMMAND, command, station[0].parent)
    assert done.returncode == 1
    assert how_to_install("train") in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
