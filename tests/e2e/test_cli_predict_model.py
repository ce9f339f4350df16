"""`castproof predict` with a model file: the verdicts of its run, without PyTorch, stopped and resumed."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from castproof_process import Server
from PIL import Image
from small_run import COUNTS, SMALL, Trained, fill_splits, only_run

HEAVY = (
    "torch",
    "torchvision",
    "scipy",
    "sklearn",
    "cv2",
    "matplotlib",
    "onnx",
    "jinja2",
    "psutil",
    "pyarrow",
)


@pytest.fixture(scope="module")
def trained(castproof: Server, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Return a run whose network has heat maps."""
    folder = tmp_path_factory.mktemp("fast")
    data = fill_splits(folder / "my photos", COUNTS)
    done = castproof.run(["train", "--data", "my photos", "--recipe", "fast", *SMALL], folder)
    assert done.code == 0, done.text
    return Trained(only_run(folder / "runs"), data, done)


@pytest.fixture(scope="module")
def model(castproof: Server, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the model file of the run."""
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    done = castproof.run(["export", trained.run, "-o", path, "--no-bars"], path.parent)
    assert done.code == 0, done.text
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_model_file_judges_as_its_run_does(
    castproof: Server, trained: Trained, model: Path, tmp_path: Path
) -> None:
    test = trained.data / "test"
    for name, judge in (("run", trained.run), ("model", model)):
        done = castproof.run(["predict", judge, test, "--csv", f"{name}.csv"], tmp_path)
        assert done.code == 0, done.text
    by_run, by_model = rows_of(tmp_path / "run.csv"), rows_of(tmp_path / "model.csv")
    assert [row["file"] for row in by_model] == [row["file"] for row in by_run]
    assert {row["class"] for row in by_model} == {folder.name for folder in test.iterdir()}
    for ours, theirs in zip(by_model, by_run, strict=True):
        assert float(ours["p_defective"]) == pytest.approx(float(theirs["p_defective"]), abs=1e-4)
        assert (ours["class"], ours["label"]) == (theirs["class"], theirs["label"])
        assert ours["verdict"] == ("REVIEW" if ours["warnings"] else theirs["verdict"])
    missed = sum(row["label"] == "defective" and row["correct"] == "0" for row in by_model)
    alarms = sum(row["label"] == "good" and row["correct"] == "0" for row in by_model)
    assert f"{missed} missed defect" in done.out
    assert f"{alarms} false alarm" in done.out
    assert "learnt from" not in done.out, "these are test photos"
    assert "no class of the model" not in done.out


def test_a_folder_one_letter_off_is_told(
    castproof: Server, trained: Trained, model: Path, tmp_path: Path
) -> None:
    slip = "blow holes"
    for name, target in (("blow hole", slip), ("ok", "ok")):
        shutil.copytree(trained.data / "test" / name, tmp_path / "today" / target)
    (tmp_path / "other" / "camera 1").mkdir(parents=True)
    photo = next((tmp_path / "today" / slip).iterdir())
    shutil.copy(photo, tmp_path / "other" / "camera 1")
    told = castproof.run(["predict", model, "today"], tmp_path).out
    count = len(list((tmp_path / "today" / slip).iterdir()))
    assert f"{count} photos in a folder '{slip}', which is no class of the model, are not counted" in told
    assert "Is it 'blow hole'?" in told
    alone = castproof.run(["predict", model, f"today/{slip}"], tmp_path).out
    assert "Is it 'blow hole'?" in alone
    assert "no class of the model" not in castproof.run(["predict", model, "other"], tmp_path).out


@pytest.mark.parametrize("single", [True, False])
def test_it_works_without_the_libraries_of_training(
    single: bool, trained: Trained, model: Path, tmp_path: Path
) -> None:
    program = f"""
import sys
for name in {HEAVY!r}:
    sys.modules[name] = None
from castproof.apps.cli.main import main
main()
"""
    photos = trained.data / "test"
    photo = next(path for path in photos.rglob("*.png"))
    arguments = [photo] if single else [photos, "--json", "v.jsonl", "--heat-maps", "heat"]
    done = subprocess.run(
        [sys.executable, "-c", program, "predict", model, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if single:
        return
    rows = [json.loads(line) for line in (tmp_path / "v.jsonl").read_text(encoding="utf-8").splitlines()]
    seen = [Path(row["file"]) for row in rows if row["verdict"] != "ACCEPT"]
    drawn = {path.relative_to(tmp_path / "heat") for path in (tmp_path / "heat").rglob("*.jpg")}
    assert drawn == {path.relative_to(path.anchor).with_name(f"{path.name}.jpg") for path in seen}
    assert len(drawn) > 0


def test_ctrl_c_keeps_what_is_judged_and_the_same_command_goes_on(
    castproof: Server, trained: Trained, model: Path, tmp_path: Path
) -> None:
    photo = next((trained.data / "test").rglob("*.png"))
    (tmp_path / "photos").mkdir()
    for number in range(1500):
        shutil.copy(photo, tmp_path / "photos" / f"{number:04d}.png")
    rows = tmp_path / "v.csv.part" / "rows.jsonl"
    command = ["predict", model, "photos", "--csv", "v.csv"]
    done = castproof.run(
        command, tmp_path, interrupt_when=lambda: rows.is_file() and rows.read_bytes().count(b"\n") > 50
    )
    assert done.code == 130, done.text
    assert "v.csv.part" in done.err
    assert "give the same command again" in done.err
    assert not (tmp_path / "v.csv").exists()
    other = castproof.run([*command, "--shard", "1/2"], tmp_path)
    assert other.code == 1
    assert "--shard" in other.err
    again = castproof.run(command, tmp_path)
    assert again.code == 0, again.text
    assert "of these had been judged before" in again.out
    found = rows_of(tmp_path / "v.csv")
    assert [Path(row["file"]).name for row in found] == [f"{number:04d}.png" for number in range(1500)]
    assert len({(row["p_defective"], row["verdict"]) for row in found}) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "v.csv"]


def test_bad_photos_have_reasons_and_what_does_not_fit_is_told(
    castproof: Server, trained: Trained, model: Path, tmp_path: Path
) -> None:
    photo = next((trained.data / "test").rglob("*.png"))
    (tmp_path / "empty.png").write_bytes(b"")
    done = castproof.run(["predict", model, "empty.png", photo, "gone.png", "--csv", "v.csv"], tmp_path)
    assert done.code == 3, done.text
    rows = rows_of(tmp_path / "v.csv")
    assert [row["verdict"] == "NOT_INSPECTED" for row in rows] == [True, False, True]
    assert [bool(row["reason"]) for row in rows] == [True, False, True]
    cases = (
        ([model, photo, "--device", "cpu"], "--device cpu does not go with a model file"),
        ([model, photo, "--csv", "a.csv", "--json", "a.json"], "--csv and --json do not go together"),
        ([trained.run, photo, "--heat-maps", "heat"], "--heat-maps takes a model file"),
        (["no model", photo], "There is no no model"),
        ([model, photo, "--shard", "3/2"], "names no shard"),
        ([model, photo, "--part-per-folder"], "judges single photos"),
        (["empty.png", photo], "empty.png"),
    )
    for arguments, words in cases:
        refused = castproof.run(["predict", *arguments], tmp_path)
        assert refused.code == 1, refused.text
        assert words in " ".join(refused.err.replace("│", " ").split())
        assert "Traceback" not in refused.text
        assert "ACCEPT" not in refused.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.png", "v.csv"]


def test_only_photos_with_checksums_are_judged_where_that_is_asked_for(
    castproof: Server, trained: Trained, model: Path, tmp_path: Path
) -> None:
    sound = next((trained.data / "test").rglob("*.png"))
    with Image.open(sound) as image:
        image.save(tmp_path / "same.bmp")
    verdicts = {}
    for name, judge in (("run", trained.run), ("model", model)):
        plain = castproof.run(["predict", judge, sound, "same.bmp", "--csv", f"{name}.csv"], tmp_path)
        assert plain.code == 0, plain.text
        strict = ["predict", judge, sound, "same.bmp", "--only-checksummed", "--csv", f"{name} strict.csv"]
        done = castproof.run(strict, tmp_path)
        assert done.code == 3, done.text
        rows = rows_of(tmp_path / f"{name} strict.csv")
        verdicts[name] = [row["verdict"] for row in rows]
        assert rows[0]["verdict"] == rows_of(tmp_path / f"{name}.csv")[0]["verdict"] != "NOT_INSPECTED"
        assert rows[1]["verdict"] == "NOT_INSPECTED"
        assert "same.bmp is no PNG" in rows[1]["reason"]
    assert verdicts["run"] == verdicts["model"]
