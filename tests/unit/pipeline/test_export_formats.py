"""Exports in int8, OpenVINO and TorchScript: what they say is what the trained network says, or there is no file."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper
from PIL import Image

import castproof
from castproof.apps.cli.main import main
from castproof.data.manifest import Manifest, Photo
from castproof.errors import ImageError, MissingExtraError, ModelFileError, SettingError
from castproof.images import decode
from castproof.model.checkpoint import Checkpoint, save_checkpoint
from castproof.model.fixed_photo_graph import squeeze_matrix
from castproof.model.inspection_graph import NetworkCore, network_graph
from castproof.model.network import Classifier, NetworkSpec
from castproof.pipeline.exporting.export import Exported, ExportSettings, export
from castproof.pipeline.exporting.int8_form import P_TOLERANCE, calibration_photos
from castproof.pipeline.exporting.open_run import open_run
from castproof.pipeline.exporting.openvino_form import openvino_form
from castproof.pipeline.exporting.parity import TrainedNetwork, compare
from castproof.pipeline.exporting.torchscript_form import card_in
from castproof.preprocess import PreprocessSpec, resize
from castproof.run_folder import RunFolder
from made_models import SHAPE, casting, colour, measured
from made_runs import CLASSES, write_run

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.load` is deprecated:FutureWarning")

SIZE_PX = 64
EASY, SENSITIVE = 0.02, 20.0  # how steep the head is, against that of a network that was measured


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def write_steep_run(folder: Path, steepness: float) -> Path:
    """Return a run on photos of castings, with a network whose logits are so steep; half of the photos pass."""
    run = write_run(folder, good=8, defective=12, photos_per_part=2)
    network = measured(SIZE_PX)
    network.head.last.weight.data *= steepness
    network.head.last.bias.data *= 0
    logits = []
    for number, path in enumerate(sorted((folder / "photos").rglob("*.png"))):
        Image.fromarray(casting(number // 2, number)).save(path)
        logits.append(margin(network, decode(path)))
    middle = len(logits) // 2
    cut = float(np.mean(sorted(logits)[middle : middle + 2])) if steepness == SENSITIVE else 2.0
    spec = NetworkSpec("mobilenet", 0.5, PreprocessSpec(SIZE_PX), "middle")
    save_checkpoint(
        Checkpoint(network, spec, CLASSES, float(1 / (1 + np.exp(-cut))), 1), RunFolder(run).best_model
    )
    return run


@torch.inference_mode()
def margin(network: Classifier, pixels: np.ndarray) -> float:
    logits = network(torch.from_numpy(np.array(resize(pixels, SIZE_PX)))[None])[0]
    return float(logits[1] - logits[0])


@pytest.fixture(scope="module")
def easy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_steep_run(tmp_path_factory.mktemp("easy"), EASY)


@pytest.fixture(scope="module")
def sensitive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_steep_run(tmp_path_factory.mktemp("sensitive"), SENSITIVE)


@pytest.fixture(scope="module")
def easy_int8(easy: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export(easy, tmp_path_factory.mktemp("int8") / "int8.onnx", ExportSettings(precision="int8"))


@pytest.fixture(scope="module")
def torchscript(sensitive: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    out = tmp_path_factory.mktemp("torchscript") / "model.torchscript.pt"
    return export(sensitive, out, ExportSettings(target="torchscript"))


def trained(run: Path) -> TrainedNetwork:
    opened = open_run(run, None)
    return TrainedNetwork(opened.checkpoint, opened.gate)


def photos_of(run: Path) -> list[Path]:
    manifest = open_run(run, None).manifest
    return [manifest.path(one) for one in manifest.photos]


def test_int8_of_an_easy_network_is_a_model_file_that_says_what_it_changed(
    easy: Path, easy_int8: Exported
) -> None:
    assert easy_int8.parity.largest_p_difference <= P_TOLERANCE
    assert easy_int8.parity.changed_verdicts == 0
    model = castproof.load(easy_int8.path)
    reference = trained(easy)
    for path in photos_of(easy)[:6]:
        found = model.inspect(path).p_defective
        assert found is not None
        assert abs(found - reference.look(decode(path)).p_defective) <= P_TOLERANCE
    told = model.card.about["export"]
    assert told["precision"] == "int8"
    assert any("per channel" in change for change in told["what changed"])


def test_int8_has_the_pointwise_convolutions_alone_in_int8_per_channel(easy_int8: Exported) -> None:
    model = onnx.load(easy_int8.path)
    onnx.checker.check_model(model, full_check=True)
    assert {(one.domain, one.version) for one in model.opset_import} == {("", 18)}
    assert model.ir_version <= 10
    made_by = {name: node for node in model.graph.node for name in node.output}
    tensors = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    counts = Counter[str]()
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        source = made_by.get(node.input[1])
        if source is None:
            counts["float"] += 1
            kernel = tensors[node.input[1]].shape
            assert kernel[2:] != (1, 1)
            continue
        counts["int8"] += 1
        weight, scale = tensors[source.input[0]], tensors[source.input[1]]
        assert (weight.dtype, weight.shape[2:], scale.shape) == (np.int8, (1, 1), (len(weight),))
        assert next(one.i for one in source.attribute if one.name == "axis") == 0
    assert counts["int8"] > 10
    assert counts["float"] > 5


def test_the_stored_photos_of_int8_hold_what_the_file_says_not_what_pytorch_says(
    easy: Path, easy_int8: Exported
) -> None:
    model, reference = castproof.load(easy_int8.path), trained(easy)
    away = []
    for example in model.card.examples:
        assert model.inspect(example.photo).p_defective == pytest.approx(example.p_defective, abs=1e-9)
        away.append(abs(reference.look(decode(example.photo)).p_defective - example.p_defective))
    assert max(away) > 1e-6


def test_int8_of_a_sensitive_network_leaves_no_file(sensitive: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=f"{P_TOLERANCE:g}") as caught:
        export(sensitive, tmp_path / "int8.onnx", ExportSettings(precision="int8", most_changed=0.99))
    assert "largest difference" in caught.value.found
    assert caught.value.items
    assert not list(tmp_path.iterdir())


def test_float32_of_the_same_network_is_written(sensitive: Path, tmp_path: Path) -> None:
    exported = export(sensitive, tmp_path / "model.onnx", ExportSettings())
    assert exported.parity.changed_verdicts == 0
    assert exported.card.about["export"]["what changed"] == ["nothing"]
    assert castproof.load(exported.path).card.name == sensitive.name


@pytest.mark.parametrize("shape", [SHAPE, (SIZE_PX, SIZE_PX), (31, 90), (150, 40)])
def test_torchscript_says_what_pytorch_says_of_photos_of_any_size(
    sensitive: Path, torchscript: Exported, shape: tuple[int, int]
) -> None:
    program = torch.jit.load(torchscript.path)
    reference = trained(sensitive)
    rng = np.random.default_rng(shape)
    grey = rng.integers(0, 256, (*shape, 1), dtype=np.uint8)
    for pixels in (grey, rng.integers(0, 256, (*shape, 3), dtype=np.uint8)):
        said = program(torch.from_numpy(pixels))
        expected = reference.look(np.ascontiguousarray(np.broadcast_to(pixels, (*shape, 3))))
        assert float(said["p_defective"]) == pytest.approx(expected.p_defective, abs=1e-4)
        assert float(said["logit"]) == pytest.approx(expected.logit, rel=1e-3, abs=1e-3)
        np.testing.assert_allclose(said["heat_map"].numpy(), expected.heat_map, atol=2e-3)


def test_the_card_is_inside_of_torchscript_and_castproof_does_not_open_it(torchscript: Exported) -> None:
    card = card_in(torchscript.path)
    assert card == json.loads(torchscript.card.to_text())
    assert card["about"]["export"]["format"] == "torchscript"
    assert any("castproof.load does not" in change for change in torchscript.changes)
    with pytest.raises(ModelFileError, match="PyTorch"):
        castproof.load(torchscript.path)


def test_openvino_says_what_pytorch_says(sensitive: Path, tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino", reason="the extra openvino is not installed")
    out = tmp_path / "model.xml"
    exported = export(sensitive, out, ExportSettings(target="openvino"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.bin", "model.json", "model.xml"]
    card = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert f"{SHAPE[1]} x {SHAPE[0]} pixels alone" in card["about"]["export"]["what changed"][0]
    assert exported.parity.photos == len(photos_of(sensitive))
    compiled = openvino.Core().compile_model(out, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    reference = trained(sensitive)
    for number in range(4):
        grey = casting(number, 50)
        expected = reference.look(colour(grey))
        for pixels in (grey[..., None], colour(grey)):
            said = {one.get_any_name(): value for one, value in compiled([pixels]).items()}
            assert float(said["p_defective"][0]) == pytest.approx(expected.p_defective, abs=1e-4)
            np.testing.assert_allclose(said["heat_map"], expected.heat_map, atol=2e-3)
    with pytest.raises(ModelFileError, match="XML"):
        castproof.load(out)


def test_openvino_is_compared_on_photos_of_its_size_alone(sensitive: Path, tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    reference = trained(sensitive)
    core = NetworkCore(reference.checkpoint.network, None)
    network = network_graph(core, core.extras, SIZE_PX, reference.gate.calibrator)
    runner = openvino_form(network, SIZE_PX, SHAPE[1], SHAPE[0]).runner
    other = tmp_path / "other.png"
    Image.fromarray(casting(1, 1)[:-1]).save(other)
    with pytest.raises(ImageError):
        runner.look(casting(1, 1)[:-1])
    known = photos_of(sensitive)[:3]
    assert [one.path for one in compare(reference, reference.gate, runner, [other, *known])] == known


def test_without_openvino_the_message_names_the_command(
    easy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match="pip install"):
        export(easy, tmp_path / "model.xml", ExportSettings(target="openvino"))
    assert not list(tmp_path.iterdir())


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 64))
def test_two_products_squeeze_as_training_does(height: int, width: int, size_px: int) -> None:
    image = np.random.default_rng((height, width)).integers(0, 256, (height, width, 3), dtype=np.uint8)
    planes = image.transpose(2, 0, 1).astype(np.float32)
    found = squeeze_matrix(height, size_px) @ planes @ squeeze_matrix(width, size_px).T
    np.testing.assert_allclose(found / 255, resize(image, size_px), atol=2e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": "openvino", "precision": "int8"},
        {"target": "torchscript", "precision": "int8"},
        {"target": "coreml"},
        {"precision": "int4"},
        {"most_changed": 0.01},
        {"precision": "int8", "most_changed": 1.0},
        {"precision": "int8", "most_changed": -0.1},
        {"precision": "int8", "most_changed": float("nan")},
    ],
)
def test_what_does_not_go_together_is_a_setting_error(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingError):
        ExportSettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "name"), [("openvino", "model.onnx"), ("torchscript", "m.xml"), ("onnx", "m.pt")]
)
def test_each_format_has_its_ending(easy: Path, tmp_path: Path, target: str, name: str) -> None:
    with pytest.raises(SettingError, match="ends in"):
        export(easy, tmp_path / name, ExportSettings(target=target))


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(1, 40), st.integers(0, 9))
def test_ranges_are_measured_on_every_part_alike(of_parts: list[int], count: int, seed: int) -> None:
    photos = [
        Photo(f"{part}_{number}.png", split, "ok", False, "", f"part-{part}")
        for part, photos_of_part in enumerate(of_parts)
        for number in range(photos_of_part)
        for split in ("train", "test")
    ]
    manifest = Manifest(Path(), CLASSES, tuple(photos))
    chosen = calibration_photos(manifest, count, seed)
    assert len(chosen) == len(set(chosen)) == min(count, sum(of_parts))
    assert {one.split for one in chosen} <= {"train"}
    taken = Counter(one.part for one in chosen)
    most = max(taken.values())
    assert all(taken[f"part-{part}"] >= min(most - 1, has) for part, has in enumerate(of_parts))
    assert chosen == calibration_photos(manifest, count, seed)


def test_the_command_says_what_it_changed(
    easy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "model.torchscript.pt"
    monkeypatch.setattr(
        sys, "argv", ["castproof", "export", str(easy), "-o", str(out), "--to", "torchscript"]
    )
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr().out
    assert not left.value.code
    assert "Changed: It is a TorchScript program" in told
    assert "castproof predict" not in told
