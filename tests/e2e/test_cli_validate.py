"""`castproof validate`: a re-check with a few new photos, and a proposal that never replaces a gate."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from castproof_process import Done, Server
from PIL import Image
from small_run import Trained, fill_class, only_run

NEW_PARTS = 9


@pytest.fixture(scope="module")
def run(castproof: Server, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the trained run with a gate."""
    folder = tmp_path_factory.mktemp("decided") / "run"
    shutil.copytree(trained.run, folder)
    done = castproof.run(["decide", folder, "--miss-rate", "0.4"], folder)
    assert done.code == 0, done.text
    return folder


@pytest.fixture
def shift(tmp_path: Path) -> Path:
    """Return new photos in class folders that are called otherwise than at training."""
    fill_class(tmp_path / "shift 12" / "gut", NEW_PARTS, 50, bright=True)
    fill_class(tmp_path / "shift 12" / "Ausschuss", NEW_PARTS, 51, bright=False)
    return tmp_path / "shift 12"


def snapshot(run: Path) -> dict[str, bytes]:
    return {
        path.relative_to(run).as_posix(): path.read_bytes()
        for path in run.rglob("*")
        if path.is_file() and "validations" not in path.parts
    }


def result_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "validation.json").read_text(encoding="utf-8"))


def told(done: Done) -> str:
    return " ".join(done.text.replace("│", " ").split())


def test_new_photos_give_rates_with_intervals_beside_training_and_the_run_stays_as_it_was(
    castproof: Server, run: Path, shift: Path, tmp_path: Path
) -> None:
    before = snapshot(run)
    done = castproof.run(["validate", run, "--data", shift, "--no-bars"], tmp_path)
    assert done.code == 0, done.text
    assert snapshot(run) == before
    folder = only_run(run / "validations")
    assert folder.name.startswith("shift 12_")
    assert {path.name for path in folder.iterdir()} == {
        "validation.json",
        "photos.csv",
        "validation.html",
    }
    found = result_of(folder)
    assert found["verdict"] in told(done)
    assert (found["evidence"]["defective_parts"], found["evidence"]["good_parts"]) == (NEW_PARTS, NEW_PARTS)
    with (folder / "photos.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * NEW_PARTS
    missed = [row["label"] == "defective" and row["verdict"] == "ACCEPT" for row in rows]
    rate = next(one for one in found["rates"] if one["name"] == "missed defects")
    assert (rate["now"]["hits"], rate["now"]["photos"]) == (sum(missed), NEW_PARTS)
    assert rate["now"]["low"] <= rate["now"]["share"] <= rate["now"]["high"]
    predicted = castproof.run(["predict", run, shift, "--csv", "v.csv"], tmp_path)
    assert predicted.code == 0, predicted.text
    with (tmp_path / "v.csv").open(encoding="utf-8", newline="") as file:
        expected = {Path(row["file"]).relative_to(shift).as_posix(): row for row in csv.DictReader(file)}
    for row in rows:
        assert row["verdict"] == expected[row["file"]]["verdict"]
        assert float(row["p_defective"]) == pytest.approx(float(expected[row["file"]]["p_defective"]))


def test_photos_that_the_run_has_do_not_count(
    castproof: Server, run: Path, trained: Trained, shift: Path, tmp_path: Path
) -> None:
    for number, photo in enumerate(sorted((trained.data / "test" / "ok").iterdir())[:3]):
        shutil.copy(photo, shift / "gut" / f"again {number}.png")
    done = castproof.run(["validate", run, "--data", shift, "--outdir", "out"], tmp_path)
    assert done.code == 0, done.text
    assert "3 photos do not count" in told(done)
    found = result_of(tmp_path / "out")["evidence"]
    assert found["known"] == {f"gut/again {number}.png": "same file" for number in range(3)}
    assert found["good_parts"] == NEW_PARTS
    again = castproof.run(["validate", run, "--data", trained.data, "--outdir", "again"], tmp_path)
    assert again.code == 1
    assert "nothing new" in told(again)
    assert not (tmp_path / "again").exists()


def test_another_product_is_told_before_anything_else_and_gets_no_gate(
    castproof: Server, run: Path, shift: Path, tmp_path: Path
) -> None:
    assert castproof.run(["decide", run, "--miss-rate", "0.5"], tmp_path).code == 0
    same = castproof.run(["validate", run, "--data", shift, "--outdir", "same"], tmp_path)
    assert "of another kind" not in told(same)
    assert result_of(tmp_path / "same")["findings"][0]["title"] == "like the training photos"
    ramp = np.linspace(0, 255, 400, dtype=np.uint8)
    for number, path in enumerate(sorted(shift.rglob("*.png"))):
        Image.fromarray(np.roll(np.tile(ramp, (300, 1)), 17 * number, axis=1)).save(path)
    for flags in ([], ["--unlabelled"]):
        out = tmp_path / f"other {len(flags)}"
        done = castproof.run(
            ["validate", run, "--data", shift, "--outdir", out, "--strict", *flags], tmp_path
        )
        assert done.code == 4, done.text
        found = result_of(out)
        assert found["verdict"].startswith("Most of these photos are of another kind")
        assert found["unlike_training"]["rate"]["hits"] > found["unlike_training"]["rate"]["photos"] / 2
        assert "Reasons: " in found["verdict"]
        assert "promise" not in {one["title"] for one in found["findings"]}
        assert found["proposal"] is None
        assert "The promise holds" not in done.text
        assert "A new gate can be proposed" not in done.text
    done = castproof.run(["validate", run, "--data", shift, "--propose", "new"], tmp_path)
    assert done.code == 1
    assert "No gate is proposed for photos of another kind" in told(done)
    assert not (tmp_path / "new").exists()


def test_a_change_of_light_is_noticed_with_and_without_labels(
    castproof: Server, run: Path, shift: Path, tmp_path: Path
) -> None:
    for path in shift.rglob("*.png"):
        with Image.open(path) as image:
            pixels = np.asarray(image)
        Image.fromarray((pixels * 0.4).astype(np.uint8)).save(path)
    done = castproof.run(["validate", run, "--data", shift, "--outdir", "out", "--strict"], tmp_path)
    assert done.code == 4, done.text
    assert any(row["name"] == "brightness" and row["moved"] for row in result_of(tmp_path / "out")["photos"])
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, path in enumerate(sorted(shift.rglob("*.png"))):
        shutil.copy(path, flat / f"{number}.png")
    plain = castproof.run(["validate", run, "--data", flat, "--outdir", "plain"], tmp_path)
    assert plain.code == 0, plain.text
    assert "of another kind" in told(plain), "none has the contrast of the training photos"
    assert "contrast" in result_of(tmp_path / "plain")["verdict"]
    found = result_of(tmp_path / "plain")
    assert (found["labelled"], found["rates"], found["promise"]) == (False, [], None)
    assert any(row["name"] == "brightness" and row["moved"] for row in found["photos"])


def test_a_proposal_is_another_run_and_its_photos_do_not_count_for_it(
    castproof: Server, run: Path, shift: Path, tmp_path: Path
) -> None:
    before = snapshot(run)
    command = ["validate", run, "--data", shift, "--outdir", "out", "--propose", "runs/after"]
    done = castproof.run(command, tmp_path)
    assert done.code == 0, done.text
    assert "cannot show what it does" in told(done)
    assert snapshot(run) == before
    after = tmp_path / "runs" / "after"
    content = json.loads((after / "gate" / "gate.json").read_text(encoding="utf-8"))
    assert content["validation"]["of"] == str(run.resolve())
    assert content["validation"]["data_hash"] == result_of(tmp_path / "out")["data_hash"]
    predicted = castproof.run(["predict", after, shift, "--csv", "v.csv"], tmp_path)
    assert predicted.code == 0, predicted.text
    with (tmp_path / "v.csv").open(encoding="utf-8", newline="") as file:
        threshold = float(next(csv.DictReader(file))["threshold"])
    assert threshold == content["gate"]["thresholds"]["threshold"]
    again = castproof.run(["validate", after, "--data", shift], tmp_path)
    assert again.code == 1
    assert "nothing new" in told(again)
    kept = snapshot(after)
    over = castproof.run(command, tmp_path)
    assert over.code == 1
    assert "is there already" in told(over)
    assert snapshot(after) == kept


@pytest.mark.parametrize(
    ("names", "flags", "words"),
    [
        (("A", "B"), [], "--ok NAME"),
        (("A", "B"), ["--ok", "C"], "'C' is not the name"),
        (("gut", "ok"), [], "no defective class"),
        (("gut", "Ausschuss"), ["--ok", "gut", "--unlabelled"], "contradict"),
    ],
)
def test_labels_are_never_guessed(
    names: tuple[str, str], flags: list[str], words: str, castproof: Server, run: Path, tmp_path: Path
) -> None:
    for number, name in enumerate(names):
        fill_class(tmp_path / "new" / name, 3, 60 + number, bright=True)
    done = castproof.run(["validate", run, "--data", "new", "--outdir", "out", *flags], tmp_path)
    assert done.code == 1, done.text
    assert words in told(done)
    assert "Traceback" not in done.text
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_done_is_told_before_anything_is_computed(
    castproof: Server, run: Path, shift: Path, tmp_path: Path
) -> None:
    for flags, words in (
        (["--outdir", run], "is a run folder"),
        (["--outdir", shift / "out"], "folder of the photos"),
        (["--propose", run / "inside"], "is in the run"),
        (["--propose", shift / "inside"], "folder of the photos"),
    ):
        done = castproof.run(["validate", run, "--data", shift, *flags], tmp_path)
        assert done.code == 1, done.text
        assert words in told(done)
    broken = tmp_path / "broken"
    shutil.copytree(run, broken)
    (broken / "gate" / "gate.json").write_text("{")
    done = castproof.run(["validate", broken, "--data", shift], tmp_path)
    assert done.code == 1
    assert "gate.json" in told(done)
    assert "Traceback" not in done.text


def test_without_a_gate_the_threshold_of_training_is_checked_and_none_is_proposed(
    castproof: Server, trained: Trained, shift: Path, tmp_path: Path
) -> None:
    done = castproof.run(
        ["validate", trained.run, "--data", shift, "--outdir", "out", "--propose", "new"], tmp_path
    )
    assert done.code == 1
    assert "castproof decide" in told(done)
    assert result_of(tmp_path / "out")["promise"] is None
    assert not (tmp_path / "new").exists()


def test_an_interrupted_check_writes_nothing(
    castproof: Server, run: Path, shift: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    done = castproof.run(
        ["validate", run, "--data", shift, "--outdir", "out", "--propose", "new"],
        tmp_path,
        environment={"CASTPROOF_CACHE": str(cache)},
        interrupt_when=cache.exists,
    )
    assert done.code == 130, done.text
    assert "nothing was written" in done.err
    assert "Traceback" not in done.text
    assert {path.name for path in tmp_path.iterdir()} == {"cache", "shift 12"}
