"""What the inspector opens as a model, and what it says about everything else."""

import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from PIL import Image
from torch import nn

from castproof.errors import CastproofError, MissingExtraError, ModelFileError, SettingError
from castproof.measure.decision import Verdict
from castproof.pipeline.exporting.convert import MADE_UP
from castproof.pipeline.inspecting.model_kind import LEGACY_KINDS, ModelKind, what_is
from castproof.pipeline.inspecting.old_model_settings import OldModelSettings
from castproof.pipeline.inspecting.opening import (
    OpenModel,
    changed_verdicts,
    look_at_old_model,
    open_model,
    open_old_model,
)
from castproof.run_folder import RunFolder
from castproof.runtime.legacy_kind import sha256_of_file
from castproof.runtime.legacy_settings import risk_of
from made_models import make_model_file, with_card

SETTINGS = OldModelSettings(classes="crack, ok", good="ok", size="32", normalisation="half")


def network() -> nn.Module:
    """Return a network that calls bright photos ok (its second output)."""
    layers = nn.Sequential(
        nn.Conv2d(3, 2, 3, stride=4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2)
    )
    with torch.no_grad():
        layers[0].weight.fill_(0.2)
        layers[0].bias.zero_()
        layers[3].weight.copy_(torch.tensor([[-1.0, -1.0], [1.0, 1.0]]))
        layers[3].bias.zero_()
    return layers.eval()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one file of every kind."""
    folder, made = tmp_path_factory.mktemp("models"), network()
    torch.save(made, folder / "whole.pth")
    torch.save(made.state_dict(), folder / "weights.pt")
    torch.save({"epoch": 3, "state_dict": made.state_dict()}, folder / "checkpoint.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(made), folder / "script.pt")
    make_model_file(folder / "model.onnx")
    make_model_file(folder / "stations.onnx", "any/3")
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "other",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), folder / "other.onnx")
    Image.new("L", (40, 40), 90).save(folder / "photo.jpeg")
    (folder / "run").mkdir()
    torch.save({"state_dict": made.state_dict()}, RunFolder(folder / "run").best_model)
    (folder / "photos").mkdir()
    (folder / "notes.onnx").write_text("<html>not found</html>")
    return folder


def agreed(path: Path, settings: OldModelSettings = SETTINGS) -> OldModelSettings:
    return replace(settings, trusted_sha256=sha256_of_file(path))


KINDS = {
    "whole.pth": ModelKind.PICKLED_MODULE,
    "weights.pt": ModelKind.STATE_DICT,
    "checkpoint.pt": ModelKind.CHECKPOINT,
    "script.pt": ModelKind.TORCHSCRIPT,
    "model.onnx": ModelKind.MODEL_FILE,
    "stations.onnx": ModelKind.MODEL_FILE,
    "other.onnx": ModelKind.OTHER_ONNX,
    "photo.jpeg": ModelKind.PHOTO,
    "run": ModelKind.RUN_FOLDER,
    "photos": ModelKind.FOLDER,
    "notes.onnx": ModelKind.UNKNOWN,
}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_the_kind_is_told_by_the_content(files: Path, tmp_path: Path, name: str, kind: ModelKind) -> None:
    assert what_is(files / name) is kind
    if kind not in (ModelKind.RUN_FOLDER, ModelKind.FOLDER, ModelKind.PHOTO):
        renamed = tmp_path / "renamed.bin"
        renamed.write_bytes((files / name).read_bytes())
        assert what_is(renamed) is kind


def test_nothing_heavy_is_loaded_to_tell_a_kind(files: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from castproof.pipeline.inspecting import opening, model_kind\n"
        f"for path in sorted(pathlib.Path({str(files)!r}).iterdir()): model_kind.what_is(path)\n"
        "heavy = {'torch', 'scipy', 'sklearn', 'cv2', 'onnx', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_model_file_opens_as_it_is(files: Path) -> None:
    opened = open_model(files / "model.onnx")
    assert opened.settings is None
    assert opened.name == "model.onnx"
    assert opened.source_sha256 == sha256_of_file(files / "model.onnx") == opened.model.model_id
    assert (opened.model.card.good, opened.model.card.defective) == (("ok",), ("blowhole", "crack"))


def test_a_model_of_parts_by_several_photos_is_sent_to_the_command_line(files: Path) -> None:
    with pytest.raises(SettingError) as raised:
        open_model(files / "stations.onnx")
    assert "any/3" in raised.value.problem
    assert "castproof predict" in raised.value.fix
    assert "--part-per-folder" in raised.value.fix


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("weights.pt", "load_state_dict"),
        ("checkpoint.pt", "castproof export"),
        ("run", "castproof export"),
        ("other.onnx", "cannot be converted"),
        ("photo.jpeg", "Open photo"),
        ("photos", "Open folder"),
        ("whole.pth", "settings of an old model"),
        ("script.pt", "settings of an old model"),
        ("notes.onnx", "Download"),
    ],
)
def test_what_is_no_model_file_is_told_what_to_do(files: Path, name: str, said: str) -> None:
    with pytest.raises(ModelFileError) as raised:
        open_model(files / name)
    assert said in raised.value.fix
    assert name in raised.value.problem


@pytest.mark.parametrize(
    "name", ["weights.pt", "checkpoint.pt", "other.onnx", "model.onnx", "photo.jpeg", "run"]
)
def test_only_old_models_open_as_old_models(files: Path, name: str) -> None:
    trusted = replace(SETTINGS, trusted_sha256="0" * 64)
    for attempt in (look_at_old_model, lambda path: open_old_model(path, trusted)):
        with pytest.raises(ModelFileError) as raised:
            attempt(files / name)
        assert raised.value.fix


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", None])
def test_an_empty_damaged_or_missing_file_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.pt"
    if content is not None:
        path.write_bytes(content)
    for attempt in (what_is, open_model, look_at_old_model):
        with pytest.raises(ModelFileError) as raised:
            attempt(path)
        assert raised.value.fix


def test_a_model_file_with_a_changed_card_does_not_open(files: Path, tmp_path: Path) -> None:
    changed = with_card(files / "model.onnx", tmp_path / "m.onnx", lambda card: card.update(format=9))
    assert what_is(changed) is ModelKind.MODEL_FILE
    with pytest.raises(ModelFileError):
        open_model(changed)


@pytest.mark.parametrize("name", ["whole.pth", "script.pt"])
def test_a_person_is_shown_the_hash_and_the_risk(files: Path, name: str) -> None:
    shown = look_at_old_model(files / name)
    assert shown.sha256 == sha256_of_file(files / name)
    assert "SHA-256" in shown.risk()
    told = risk_of(LEGACY_KINDS[shown.kind], shown.path, shown.sha256)
    assert told is not None
    assert ("with all your rights" in shown.risk()) == ("with all your rights" in told)


@pytest.fixture(scope="module")
def opened(files: Path) -> OpenModel:
    return open_old_model(files / "whole.pth", agreed(files / "whole.pth"))


@pytest.mark.parametrize("name", ["whole.pth", "script.pt"])
def test_an_old_model_says_what_it_said_in_pytorch(files: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (50, 70, 3), dtype=np.uint8)).save(path)
    opened = open_old_model(files / name, agreed(files / name))
    pixels = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)[None].float()
    small = nn.functional.interpolate(pixels, (32, 32), mode="bilinear", antialias=True) / 255
    with torch.no_grad():
        expected = float(network()((small - 0.5) / 0.5).double().softmax(dim=1)[0, 0])
    assert opened.model.inspect(path).p_defective == pytest.approx(expected, abs=1e-5)
    assert opened.source == files / name
    assert opened.source_sha256 == sha256_of_file(files / name)
    assert opened.kind is KINDS[name]
    assert opened.settings == agreed(files / name)
    assert (opened.model.card.good, opened.model.card.defective) == (("ok",), ("crack",))


def test_progress_is_told_of_pytorch_and_of_every_picture(files: Path) -> None:
    told: dict[str, int] = {}

    class Told:
        @contextmanager
        def task(self, description: str, total: int) -> Iterator["Steps"]:
            steps = Steps()
            yield steps
            told[description] = steps.done
            assert steps.done == total

    class Steps:
        done = 0

        def advance(self, steps: int = 1, note: str = "") -> None:
            self.done += steps

    open_old_model(files / "script.pt", agreed(files / "script.pt"), Told())
    assert told == {"Loading PyTorch": 1, "comparing": MADE_UP}


def test_the_model_id_of_an_old_model_stays_the_same(files: Path, opened: OpenModel) -> None:
    again = open_old_model(files / "whole.pth", agreed(files / "whole.pth"))
    assert again.model.model_id == opened.model.model_id


def test_nothing_runs_without_consent_or_with_that_for_another_file(tmp_path: Path) -> None:
    mark = tmp_path / "ran"

    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (mark,)

    path = tmp_path / "hostile.pt"
    torch.save(Hostile(), path)
    for settings in (SETTINGS, replace(SETTINGS, trusted_sha256="0" * 64)):
        with pytest.raises(ModelFileError):
            open_old_model(path, settings)
    assert not mark.exists()
    pickle.loads(pickle.dumps(Hostile()))
    assert mark.exists(), "the file would have run code"


def test_settings_that_do_not_fit_are_told_in_the_words_of_the_window(files: Path) -> None:
    wrong = agreed(files / "whole.pth", replace(SETTINGS, output="probabilities"))
    with pytest.raises(ModelFileError) as raised:
        open_old_model(files / "whole.pth", wrong)
    assert "“Outputs are”" in raised.value.fix
    assert "--" not in str(raised.value)


def test_settings_with_problems_never_reach_the_file(files: Path) -> None:
    with pytest.raises(SettingError):
        open_old_model(files / "whole.pth", agreed(files / "whole.pth", replace(SETTINGS, good="OK")))


@pytest.mark.parametrize("frozen", [False, True])
def test_without_pytorch_it_is_told_what_to_do(
    files: Path, monkeypatch: pytest.MonkeyPatch, frozen: bool
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "castproof.pipeline.exporting.convert", raising=False)
    if frozen:
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(MissingExtraError) as raised:
        open_old_model(files / "whole.pth", agreed(files / "whole.pth"))
    assert "castproof convert whole.pth" in raised.value.fix
    assert ("pip install" in raised.value.fix) is not frozen


def test_swapped_classes_invert_every_verdict_of_the_stored_photos(files: Path, opened: OpenModel) -> None:
    path = files / "whole.pth"
    swapped = open_old_model(path, agreed(path, SETTINGS.swapped()))
    changed = changed_verdicts(opened, swapped)
    assert changed.of == len(opened.model.card.examples) > 0
    assert changed.count == changed.of
    assert changed.names == tuple(one.name for one in opened.model.card.examples)
    for example in opened.model.card.examples:
        before, after = (one.model.inspect(example.photo).p_defective for one in (opened, swapped))
        assert before is not None
        assert after == pytest.approx(1 - before, abs=1e-6)


def test_the_same_settings_change_nothing(opened: OpenModel, files: Path) -> None:
    changed = changed_verdicts(opened, opened, [files / "photo.jpeg", files / "no photo.png"])
    assert (changed.count, changed.of) == (0, len(opened.model.card.examples) + 2)


def test_another_normalisation_changes_the_photos_that_it_moves_over_the_threshold(
    files: Path, tmp_path: Path, opened: OpenModel
) -> None:
    path = files / "whole.pth"
    own = replace(SETTINGS, normalisation="own", mean="0.3", std="0.5")
    moved = open_old_model(path, agreed(path, own))
    photos = []
    for grey in (40, 100, 200):  # the means lie at 0.5 x 255 = 127.5 and 0.3 x 255 = 76.5
        photos.append(tmp_path / f"{grey}.png")
        Image.new("L", (48, 48), grey).save(photos[-1])
    verdicts = [[one.model.inspect(photo).verdict for photo in photos] for one in (opened, moved)]
    assert verdicts[0] == [Verdict.REJECT, Verdict.REJECT, Verdict.ACCEPT]
    assert verdicts[1] == [Verdict.REJECT, Verdict.ACCEPT, Verdict.ACCEPT]
    assert "100.png" in changed_verdicts(opened, moved, photos).names
    assert {"40.png", "200.png"}.isdisjoint(changed_verdicts(opened, moved, photos).names)


def test_only_the_model_file_of_single_photos_opens_at_once(files: Path) -> None:
    told = {}
    for path in files.iterdir():
        try:
            open_model(path)
        except CastproofError as error:
            told[path.name] = error.fix
    assert set(told) == set(KINDS) - {"model.onnx"}
    assert all(told.values())
