"""`castproof export` and `castproof card`: one file that says what the run says, or none."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from castproof_process import Done, Server
from small_run import COUNTS, Trained
from test_cli_bad_input import assert_told
from test_cli_decide import pair_up

import castproof as castproof_package
from castproof.errors import ModelFileError, SettingError
from castproof.gate.gate import Gate
from castproof.images import decode
from castproof.measure.decision import Verdict
from castproof.model.checkpoint import load_checkpoint
from castproof.model.inspection_graph import whole_graph
from castproof.model.network import p_defective
from castproof.pipeline.exporting import export as exporting
from castproof.pipeline.exporting.parity import TrainedNetwork
from castproof.preprocess import resize
from castproof.run_folder import CROSSVAL_PLAN
from made_models import shifted, with_card

SHIFT = 2e-5


@pytest.fixture(scope="module")
def exported(
    castproof: Server, trained: Trained, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Done]:
    """Return a model file of the shared run, and what the program printed."""
    folder = tmp_path_factory.mktemp("exported")
    done = castproof.run(["export", trained.run, "-o", "model.onnx", "--no-bars"], folder)
    assert done.code == 0, done.text
    return folder / "model.onnx", done


@pytest.fixture
def moved(trained: Trained, tmp_path: Path) -> tuple[Path, Path]:
    """Return a copy of a run whose photos are not where they were, and where they are."""
    run = shutil.copytree(trained.run, tmp_path / "run")
    hparams = json.loads((run / "hparams.json").read_text(encoding="utf-8"))
    hparams["settings"]["data"] = str(tmp_path / "gone")
    (run / "hparams.json").write_text(json.dumps(hparams), encoding="utf-8")
    return run, trained.data


def nothing_left(folder: Path) -> bool:
    """Return whether no model file, whole or half, lies in `folder`."""
    return not [path for path in folder.iterdir() if ".onnx" in path.name]


def words(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def test_export_says_what_it_wrote_and_how_alike_it_is(exported: tuple[Path, Done]) -> None:
    path, done = exported
    text = words(done.out)
    assert f"{path.stat().st_size / 1e6:.1f} MB" in text
    photos = sum(COUNTS.values()) * 2
    assert f"Compared with PyTorch on {photos} photos: 0 changed verdicts" in text
    assert "castproof card model.onnx" in text
    assert "castproof predict model.onnx" in text
    assert [one.name for one in path.parent.iterdir()] == ["model.onnx"]


def test_the_file_judges_photos_as_pytorch_does(exported: tuple[Path, Done], trained: Trained) -> None:
    model, checkpoint = castproof_package.load(exported[0]), load_checkpoint(trained.run / "best_model.pt")
    verdicts = set()
    for path in sorted(trained.data.rglob("*.png")):
        batch = np.array(resize(decode(path), checkpoint.spec.preprocess.size_px))[None]
        with torch.inference_mode():
            expected = float(p_defective(checkpoint.network(torch.from_numpy(batch)))[0])
        one = model.inspect(path)
        assert one.p_defective == pytest.approx(expected, abs=1e-4)
        if not one.warnings:
            assert one.verdict is (Verdict.REJECT if expected >= checkpoint.threshold else Verdict.ACCEPT)
        verdicts.add(one.verdict)
    assert verdicts & {Verdict.ACCEPT, Verdict.REJECT}


def test_the_same_export_gives_the_same_bytes(
    castproof: Server, exported: tuple[Path, Done], trained: Trained, tmp_path: Path
) -> None:
    assert castproof.run(["export", trained.run, "--out", "again.onnx"], tmp_path).code == 0
    assert (tmp_path / "again.onnx").read_bytes() == exported[0].read_bytes()


def test_predict_by_the_file_and_by_the_run_agree(
    castproof: Server, exported: tuple[Path, Done], trained: Trained, tmp_path: Path
) -> None:
    tables = []
    for number, by in enumerate((exported[0], trained.run)):
        done = castproof.run(["predict", by, trained.data, "--csv", f"{number}.csv", "--no-bars"], tmp_path)
        assert done.code == 0, done.text
        with (tmp_path / f"{number}.csv").open(encoding="utf-8", newline="") as file:
            tables.append(list(csv.DictReader(file)))
    assert len(tables[0]) == len(tables[1]) == 2 * sum(COUNTS.values())
    for of_file, of_run in zip(*tables, strict=True):
        assert of_file["file"] == of_run["file"]
        assert float(of_file["p_defective"]) == pytest.approx(float(of_run["p_defective"]), abs=1e-4)


# The card


def test_the_card_tells_use_promise_results_and_origin(
    castproof: Server, exported: tuple[Path, Done], trained: Trained, tmp_path: Path
) -> None:
    done = castproof.run(["card", exported[0], "--full"], tmp_path)
    assert done.code == 0, done.text
    text = words(done.out)
    metrics = json.loads((trained.run / "metrics.json").read_text(encoding="utf-8"))
    hparams = json.loads((trained.run / "hparams.json").read_text(encoding="utf-8"))
    assert hparams["data_hash"] in text.replace(" ", "")
    for word in (
        trained.run.name,
        "blow hole",
        "Riß",
        "colour",
        "64 x 64",
        "licence",
        "Not stated",
        "torch:",
    ):
        assert word in text
    for word in ("10 defective photos of 10 parts", "changed verdicts 0", "stored photos", "1337"):
        assert word in text
    assert f"{metrics['threshold']:.4g}" in text
    brief = castproof.run(["card", exported[0]], tmp_path)
    assert brief.code == 0, brief.text
    assert "blow hole" in words(brief.out)
    assert f"{metrics['threshold']:.4g}" in brief.out
    assert len(brief.out.splitlines()) < 40
    assert hparams["data_hash"] not in brief.out.replace(" ", "")


def test_the_card_as_json_holds_everything_but_the_photos(
    castproof: Server, exported: tuple[Path, Done], tmp_path: Path
) -> None:
    done = castproof.run(["card", exported[0], "--json"], tmp_path)
    assert done.code == 0, done.text
    data: dict[str, Any] = json.loads(done.out)
    model = castproof_package.load(exported[0])
    stored = json.loads(model.card.to_text())
    for one in [*stored["examples"], *stored["references"]]:
        assert one.pop("photo")
    assert data == {"sha256": model.model_id, **stored}
    sections = {"promise", "results", "photos", "network", "provenance", "export", "input gate", "licence"}
    assert set(data["about"]) == sections
    assert {one["verdict"] for one in data["examples"]} >= {"ACCEPT", "REJECT"}


def test_the_file_carries_so_many_photos_of_good_training_parts_and_says_so(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    run = shutil.copytree(trained.run, tmp_path / "run")
    decided = castproof.run(["decide", "run", "--policy", "manual", "--threshold", "0.99"], tmp_path)
    assert decided.code == 0, decided.text
    done = castproof.run(["export", "run", "-o", "model.onnx", "--references", "3"], tmp_path)
    assert done.code == 0, done.text
    model = castproof_package.load(tmp_path / "model.onnx")
    gate = model.card.gate
    with (run / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train" and row["label"] == "good"]
    good = [row["file"] for row in rows if gate.p(float(row["p_defective"])) < gate.thresholds.threshold / 2]
    names = [one.name for one in model.card.references]
    assert len(names) == 3
    assert set(names) <= {Path(name).name for name in good}
    assert "3 small photos of good training parts; --references 0 leaves them out" in words(done.out)
    card = castproof.run(["card", "model.onnx", "--full"], tmp_path).out
    assert all(name in words(card.partition("photos of good parts")[2]) for name in names)
    data = json.loads(castproof.run(["card", "model.onnx", "--json"], tmp_path).out)
    assert [set(one) for one in data["references"]] == [{"name", "part"}] * 3
    photo = next(trained.data / name for name in good if Path(name).name == names[0])
    found = model.most_similar_good(photo)
    assert found is not None
    assert found.similarity > 0.9


def test_a_licence_stands_on_the_card(castproof: Server, trained: Trained, tmp_path: Path) -> None:
    words_of_it = "For [Acme] Foundry alone."
    done = castproof.run(["export", trained.run, "-o", "m.onnx", "--licence", words_of_it], tmp_path)
    assert done.code == 0, done.text
    assert words_of_it in words(castproof.run(["card", "m.onnx", "--full"], tmp_path).out)


@pytest.mark.parametrize("name", ["none.onnx", "photo.png", "folder", "cut.onnx"])
def test_what_is_no_model_file_has_no_card(
    castproof: Server, exported: tuple[Path, Done], trained: Trained, tmp_path: Path, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    shutil.copy(next(trained.data.rglob("*.png")), tmp_path / "photo.png")
    (tmp_path / "cut.onnx").write_bytes(exported[0].read_bytes()[:-5000])
    assert_told(castproof.run(["card", name], tmp_path), name)


def nested(depth: int, *, in_lists: bool) -> Any:
    inside: Any = "words"
    for _ in range(depth):
        inside = [inside] if in_lists else {"a": inside}
    return inside


STRANGE = {
    "deep objects": nested(600, in_lists=False),
    "deep lists": nested(900, in_lists=True),
    "no number": float("nan"),
    "markup": "[bold]words[/] [link=file:///etc/passwd]x[/link] [/]",
}


@pytest.mark.parametrize("about", list(STRANGE.values()), ids=list(STRANGE))
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_strange_card_is_shown_or_refused_in_words(
    castproof: Server, exported: tuple[Path, Done], tmp_path: Path, about: Any, flags: list[str]
) -> None:
    path = with_card(
        exported[0], tmp_path / "m.onnx", lambda card: card["about"].update(results={"n": about})
    )
    done = castproof.run(["card", path, *flags], tmp_path)
    assert done.code in (0, 1)
    assert "Traceback" not in done.text
    assert flags == [] or done.code == 1 or json.loads(done.out)["about"]["results"]["n"] == about


def test_a_card_cannot_send_commands_to_the_terminal(
    castproof: Server, exported: tuple[Path, Done], tmp_path: Path
) -> None:
    command = "\x1b[2J\x1b]0;ACCEPT\x07\x9b2J\r"

    def change(card: dict[str, Any]) -> None:
        card["name"] = card["examples"][0]["name"] = card["examples"][0]["label"] = command
        card["classes"]["good"] = [f"ok{command}"]
        card["about"][f"title{command}"] = {f"key{command}": [f"value{command}"]}

    path = with_card(exported[0], tmp_path / "m.onnx", change)
    for flags in ([], ["--json"]):
        done = castproof.run(["card", path, *flags], tmp_path)
        assert not set(done.text) & set("\x1b\x07\x9b\r")
    predicted = castproof.run(["predict", path, "missing.png"], tmp_path)
    assert not set(predicted.text) & set("\x1b\x07\x9b\r")


# What leaves no file


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["-o", "model.pt"], ".onnx"),
        (["-o", "model"], ".onnx"),
        (["-o", "taken.onnx"], "folder"),
        (["-o", "file/model.onnx"], "file"),
        (["-o", "model.onnx", "--compare", "199"], "--compare"),
        (["-o", "model.onnx", "--input-alarms", "0"], "--input-alarms"),
        (["-o", "model.onnx", "--input-alarms", "1"], "--input-alarms"),
        (["-o", "model.onnx", "--input-alarms", "nan"], "--input-alarms"),
        (["-o", "model.onnx", "--references", "25"], "--references"),
        (["-o", "model.onnx", "--references", "-1"], "--references"),
    ],
)
def test_wrong_flags_are_told(
    castproof: Server, trained: Trained, tmp_path: Path, arguments: list[str], word: str
) -> None:
    (tmp_path / "taken.onnx").mkdir()
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    assert_told(castproof.run(["export", trained.run, *arguments], tmp_path), word)
    (tmp_path / "taken.onnx").rmdir()
    assert nothing_left(tmp_path)


def test_a_folder_that_is_no_run_is_told(castproof: Server, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "missing"):
        assert_told(castproof.run(["export", name, "-o", "model.onnx"], tmp_path), name)
    assert nothing_left(tmp_path)


def test_a_run_that_is_not_complete_is_told(castproof: Server, trained: Trained, tmp_path: Path) -> None:
    run = shutil.copytree(trained.run, tmp_path / "run")
    (run / "metrics.json").unlink()
    assert_told(castproof.run(["export", "run", "-o", "model.onnx"], tmp_path), "not complete", "--resume")
    assert nothing_left(tmp_path)


def test_a_cross_validation_has_no_network_to_export(castproof: Server, tmp_path: Path) -> None:
    (tmp_path / "cv").mkdir()
    (tmp_path / "cv" / CROSSVAL_PLAN).write_text("{}", encoding="utf-8")
    done = castproof.run(["export", "cv", "-o", "model.onnx"], tmp_path)
    assert_told(done, "cross-validation", "castproof train", "--evidence cv")
    assert nothing_left(tmp_path)


def test_photos_that_have_moved_are_asked_for(
    castproof: Server, moved: tuple[Path, Path], exported: tuple[Path, Done], tmp_path: Path
) -> None:
    run, data = moved
    assert_told(
        castproof.run(["export", run, "-o", "model.onnx"], tmp_path), "--data", str(tmp_path / "gone")
    )
    assert nothing_left(tmp_path)
    done = castproof.run(["export", run, "-o", "model.onnx", "--data", data], tmp_path)
    assert done.code == 0, done.text
    told = castproof_package.load(tmp_path / "model.onnx").card
    assert told.input_gate == castproof_package.load(exported[0]).card.input_gate


def test_other_photos_under_the_same_names_are_noticed(
    castproof: Server, moved: tuple[Path, Path], tmp_path: Path
) -> None:
    """A file whose input gate was fitted on other photos than the run must not claim the run's data hash."""
    run, data = moved
    names = sorted(data.rglob("*.png"))
    for name, other in zip(names, reversed(names), strict=True):
        target = tmp_path / "others" / name.relative_to(data)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(other, target)
    assert castproof.run(["export", run, "-o", "model.onnx", "--data", "others"], tmp_path).code == 1
    assert nothing_left(tmp_path)


def test_photos_of_which_none_can_be_read_are_told(
    castproof: Server, moved: tuple[Path, Path], tmp_path: Path
) -> None:
    run, data = moved
    broken = shutil.copytree(data, tmp_path / "broken")
    for path in broken.rglob("*.png"):
        path.write_bytes(b"no photo")
    assert_told(castproof.run(["export", run, "-o", "model.onnx", "--data", broken], tmp_path), "broken")
    assert nothing_left(tmp_path)


def test_a_file_is_never_written_without_photos_to_compare(
    castproof: Server, moved: tuple[Path, Path], tmp_path: Path
) -> None:
    """All but the training photos are gone, so hardly any photo tells whether verdicts changed."""
    run, data = moved
    few = tmp_path / "few"
    for path in sorted((data / "train").rglob("*.png"))[::4]:
        target = few / path.relative_to(data)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    assert_told(castproof.run(["export", run, "-o", "model.onnx", "--data", few], tmp_path), "photos")
    assert nothing_left(tmp_path)


@pytest.mark.parametrize(("largest_file", "was_there"), [(1_000, False), (1_000_000, True)])
def test_a_full_disk_leaves_no_file_and_the_old_one_as_it_was(
    castproof: Server, trained: Trained, tmp_path: Path, largest_file: int, was_there: bool
) -> None:
    path = tmp_path / "model.onnx"
    if was_there:
        path.write_bytes(b"the old one")
    done = castproof.run(["export", trained.run, "-o", "model.onnx"], tmp_path, largest_file=largest_file)
    assert_told(done, "Cannot write model.onnx")
    assert [one.name for one in tmp_path.iterdir()] == ["model.onnx"] * was_there
    assert not was_there or path.read_bytes() == b"the old one"


def interrupted_when(folder: Path) -> Callable[[], bool]:
    return lambda: any(".onnx" in one.name for one in folder.iterdir())


def test_ctrl_c_leaves_no_file(castproof: Server, trained: Trained, tmp_path: Path) -> None:
    done = castproof.run(
        ["export", trained.run, "-o", "model.onnx", "--no-bars"],
        tmp_path,
        interrupt_when=interrupted_when(tmp_path),
    )
    assert done.code == 130, done.text
    assert "no model file was written" in words(done.err)
    assert "Traceback" not in done.text
    assert nothing_left(tmp_path)


def test_a_verdict_that_changed_by_a_hair_leaves_no_file(
    castproof: Server, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shutil.copytree(trained.run, tmp_path / "run")
    photo = sorted(trained.data.rglob("*.png"))[3]
    checkpoint = load_checkpoint(run / "best_model.pt")
    p_network = TrainedNetwork(checkpoint, Gate.at(0.5)).look(decode(photo)).p_defective
    threshold = f"{p_network + SHIFT / 2:.12f}"
    decided = castproof.run(["decide", "run", "--policy", "manual", "--threshold", threshold], tmp_path)
    assert decided.code == 0, decided.text
    out, settings = tmp_path / "model.onnx", exporting.ExportSettings()
    assert exporting.export(run, out, settings).parity.changed_verdicts == 0
    out.unlink()

    def moved_up(first: onnx.ModelProto, second: onnx.ModelProto) -> bytes:
        return shifted(whole_graph(first, second), SHIFT)

    monkeypatch.setattr(exporting, "whole_graph", moved_up)
    with pytest.raises(ModelFileError, match="was not written") as caught:
        exporting.export(run, out, settings)
    assert "1 changed verdict" in caught.value.found
    (item,) = caught.value.items
    assert item.startswith(f"{photo}: ")
    assert re.search(r"\d ACCEPT → [\d.]+ REJECT$", item)
    assert nothing_left(tmp_path)


# Gates


def test_a_gate_of_several_photos_judges_parts(castproof: Server, trained: Trained, tmp_path: Path) -> None:
    run = shutil.copytree(trained.run, tmp_path / "run")
    pair_up(run)
    flags = ["--policy", "min-cost", "--combine", "any/2", "--defect-rate", "0.1"]
    decided = castproof.run(["decide", "run", *flags], tmp_path)
    assert decided.code == 0, decided.text
    done = castproof.run(["export", "run", "-o", "model.onnx"], tmp_path)
    assert done.code == 0, done.text
    model = castproof_package.load(tmp_path / "model.onnx")
    assert str(model.card.gate.policy.combine) == "any/2"
    photos = sorted((trained.data / "test" / "blow hole").iterdir())[:2]
    with pytest.raises(SettingError):
        model.inspect(photos[0])
    part = model.inspect_part(photos)
    assert part.verdict in (Verdict.REJECT, Verdict.REVIEW, Verdict.ACCEPT)
    text = words(castproof.run(["card", "model.onnx", "--full"], tmp_path).out)
    assert "any/2" in text
    assert "min-cost" in text


def test_a_promise_and_results_with_intervals_stand_on_the_card(
    castproof: Server, trained: Trained, tmp_path: Path
) -> None:
    shutil.copytree(trained.run, tmp_path / "run")
    assert castproof.run(["decide", "run", "--miss-rate", "0.4"], tmp_path).code == 0
    assert castproof.run(["export", "run", "-o", "model.onnx"], tmp_path).code == 0
    text = words(castproof.run(["card", "model.onnx", "--full"], tmp_path).out)
    assert "at most 40% of defective parts pass, with 95% confidence" in text
    assert f"of {COUNTS['test']} photos" in text
    assert castproof_package.load(tmp_path / "model.onnx").card.gate.promise is not None
