"""`castproof train` on good photos alone: ACCEPT and REVIEW, the same by run and by model file, and no promise."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from castproof_process import Server
from PIL import Image
from small_run import ROUND, Trained, fill_class, only_run

TRAIN = ("train", "--data", "photos", "--parts", "by-file", *ROUND)


@pytest.fixture(scope="module")
def trained(castproof: Server, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Return a run on good photos alone."""
    folder = tmp_path_factory.mktemp("good parts")
    data = folder / "photos"
    fill_class(data / "good", 20, 1, bright=True)
    done = castproof.run(TRAIN, folder)
    assert done.code == 0, done.text
    return Trained(only_run(folder / "runs"), data, done)


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return good photos and others that the run has not seen."""
    folder = tmp_path_factory.mktemp("unseen")
    fill_class(folder / "bright", 8, 2, bright=True)
    (folder / "striped").mkdir()
    for number in range(8):
        stripes = np.where(np.arange(56) // (number + 3) % 2 == 0, 0, 255).astype(np.uint8)
        Image.fromarray(np.tile(stripes[None, :, None], (48, 1, 3))).save(
            folder / "striped" / f"{number}.png"
        )
    return folder


def verdicts(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["file"]: row["verdict"] for row in csv.DictReader(file)}


def test_the_screen_says_what_such_a_run_cannot_say(trained: Trained) -> None:
    for words in ("Good parts only", "never REJECT", "no promise", "The first defects", "3 defective parts"):
        assert words in " ".join(trained.done.out.split())


def test_the_gate_reviews_and_promises_nothing(trained: Trained) -> None:
    content = json.loads((trained.run / "gate" / "gate.json").read_text(encoding="utf-8"))
    assert content["gate"]["promise"] is None
    assert content["gate"]["thresholds"] == {"threshold": 0.5, "reject_from": 1.0}


def test_run_and_model_file_give_the_same_verdicts_and_never_reject(
    castproof: Server, trained: Trained, unseen: Path, tmp_path: Path
) -> None:
    done = castproof.run(["export", trained.run, "-o", "model.onnx", "--no-bars"], tmp_path)
    assert done.code == 0, done.text
    for judge, table in ((trained.run, "run.csv"), ("model.onnx", "model.csv")):
        done = castproof.run(["predict", judge, unseen, trained.data, "--csv", table, "--no-bars"], tmp_path)
        assert done.code == 0, done.text
        assert "nothing is proven about them" in done.out
    by_run, by_model = verdicts(tmp_path / "run.csv"), verdicts(tmp_path / "model.csv")
    assert len(by_run) == 36
    assert set(by_run.values()) == {"ACCEPT", "REVIEW"}
    # a model file also sends photos unlike the training photos to REVIEW
    differing = {(by_run[file], by_model[file]) for file in by_run if by_run[file] != by_model[file]}
    assert differing <= {("ACCEPT", "REVIEW")}
    card = castproof.run(["card", "model.onnx"], tmp_path)
    assert card.code == 0, card.text
    assert "never: no defects were seen" in " ".join(card.out.split())


@pytest.mark.parametrize(
    "command", [("decide",), ("report",), ("evaluate", "--data"), ("validate", "--data")]
)
def test_figures_and_promises_are_refused_in_words(
    castproof: Server, trained: Trained, unseen: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    name, *flags = command
    done = castproof.run([name, trained.run, *flags, *([unseen] if flags else [])], tmp_path)
    assert done.code != 0
    assert "has seen good parts alone" in " ".join(done.text.split())
    assert "Traceback" not in done.text


def test_two_good_parts_are_too_few(castproof: Server, tmp_path: Path) -> None:
    fill_class(tmp_path / "photos" / "good", 2, 1, bright=True)
    done = castproof.run(TRAIN, tmp_path)
    assert done.code != 0
    assert "too few good parts" in done.text
    assert not list((tmp_path / "runs").iterdir())


def test_the_first_defects_make_it_the_normal_chain(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    fill_class(tmp_path / "photos" / "good", 8, 1, bright=True)
    fill_class(tmp_path / "photos" / "blow hole", 4, 1, bright=False)
    done = castproof.run(TRAIN, tmp_path)
    assert done.code == 0, done.text
    assert "Good parts only" not in done.out
    assert (only_run(tmp_path / "runs") / "predictions.csv").is_file()
