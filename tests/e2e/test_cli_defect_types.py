"""Defect types by the real command line: learnt, said to be unproven, named alike by a run and its model file."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from castproof_process import Server
from PIL import Image
from small_run import ROUND, only_run

from castproof import load

TYPES = ("blowhole", "chip", "crack")
PHOTOS = {"ok": 8, "blowhole": 5, "chip": 5, "crack": 5, "rare": 2}


def draw(class_name: str, seed: int) -> Image.Image:
    """Return a grey casting of noise with a dark disc, a missing corner or a dark line."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(130, 170, (48, 56), dtype=np.uint8)
    y, x = np.mgrid[:48, :56]
    top, left = rng.integers(10, 30, 2)
    marks = {
        "blowhole": (y - top) ** 2 + (x - left) ** 2 < 60,
        "chip": x + y < 10 + top,
        "crack": abs(y - top) < 2,
        "rare": x > 50,
    }
    pixels[marks.get(class_name, False)] = 20
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def home(castproof: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with photos of four defect types, a run on them, its model file and the verdicts of both."""
    folder = tmp_path_factory.mktemp("types")
    for place, (name, count) in enumerate(PHOTOS.items()):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(count):
            draw(name, 100 * place + number).save(folder / "photos" / name / f"{number}.png")
    train = ["train", "--data", "photos", "--parts", "by-file", "--folds", "3", *ROUND]
    done = castproof.run(train, folder)
    assert done.code == 0, done.text
    (folder / "said.txt").write_text(" ".join(done.text.split()), encoding="utf-8")
    only_run(folder / "runs").rename(folder / "run")
    for command in (
        ["export", "run", "-o", "model.onnx", "--no-bars"],
        ["predict", "run", "photos", "--csv", "run.csv"],
        ["predict", "model.onnx", "photos", "--csv", "model.csv"],
    ):
        done = castproof.run(command, folder)
        assert done.code == 0, done.text
    assert "looks like" in done.text
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_training_says_how_often_types_of_unseen_parts_are_named_right(home: Path) -> None:
    said = (home / "said.txt").read_text(encoding="utf-8")
    types = json.loads((home / "run" / "metrics.json").read_text(encoding="utf-8"))["defect_types"]
    assert (types["photos"], types["commonest"], types["left_out"]) == (15, 5, ["rare"])
    assert f"{types['right'] / 15:.1%} of 15 defective photos named right" in said
    assert "not proven. Left out, with fewer than 3 parts: rare." in said


def test_a_run_and_its_model_file_name_the_same_types_of_what_is_not_accepted(home: Path) -> None:
    by_run, by_model = rows_of(home / "run.csv"), rows_of(home / "model.csv")
    named = [row for row in by_run if row["verdict"] in ("REVIEW", "REJECT")]
    assert len(named) >= 10
    assert {row["looks_like"] for row in named} == set(TYPES)
    assert all(not row["looks_like"] for row in by_run if row["verdict"] == "ACCEPT")
    by_file = {row["file"]: row for row in by_model}
    for row in named:
        assert by_file[row["file"]]["looks_like"] == row["looks_like"]


def test_a_station_is_told_the_type_of_what_is_not_accepted(home: Path) -> None:
    model = load(home / "model.onnx")
    assert model.card.types == TYPES
    for row in rows_of(home / "model.csv"):
        inspection = model.inspect(home / "photos" / row["class"] / Path(row["file"]).name)
        assert (inspection.looks_like or "") == row["looks_like"]
