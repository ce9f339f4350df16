"""Old models: consent before anything runs, margins as the formula says, refusals that say what to do."""

import io
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import log_softmax, logit, logsumexp, softmax
from torch import nn

from castproof.errors import MissingExtraError, ModelFileError
from castproof.runtime.legacy import LegacyModel, exportable, open_legacy
from castproof.runtime.legacy_kind import LegacyKind, kind_of, sha256_of_file
from castproof.runtime.legacy_margin import SMALLEST_P, check_outputs, margin_of
from castproof.runtime.legacy_settings import LegacySettings, Trust

CLASSES = ("scratch", "ok", "blowhole")
THREE = LegacySettings(CLASSES, ("ok",), size_px=16)
TWO = LegacySettings(("ok", "defective"), ("ok",), size_px=16)
SWAPPED = replace(TWO, classes=("defective", "ok"))
ALL = Trust(pickle=True, torchscript=True)
WEIGHTS = np.random.default_rng(1).normal(size=(3, 3)).astype(np.float32)
PHOTOS = np.random.default_rng(2).normal(size=(5, 3, 16, 16)).astype(np.float32)


class Network(nn.Module):
    """Outputs a linear function of the mean of each channel; batch norm and dropout do nothing in eval mode."""

    def __init__(self, outputs: int = 3, end: nn.Module | None = None) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3, eps=1e-9)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(3, outputs, bias=False)
        self.head.weight.data = torch.from_numpy(WEIGHTS[:outputs].copy())
        self.end = end or nn.Identity()

    def forward(self, photos: torch.Tensor) -> torch.Tensor:
        means = self.norm(photos).mean((2, 3)).view(photos.size(0), -1)
        outputs: torch.Tensor = self.end(self.head(self.drop(means)))
        return outputs


class WritesAFile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (Path.write_text, (self.path, "it ran"))


def logits(photos: np.ndarray) -> np.ndarray:
    """The outputs of Network, without PyTorch."""
    return photos.astype(np.float64).mean((2, 3)) @ WEIGHTS.T


def save(network: nn.Module, kind: LegacyKind, path: Path, *, batch: int | None = None) -> Path:
    example = torch.zeros(batch or 2, 3, 16, 16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        if kind is LegacyKind.TORCHSCRIPT:
            torch.jit.save(torch.jit.trace(network, (example,), check_trace=False), path)
        elif kind is LegacyKind.EXPORTED_PROGRAM:
            shapes = None if batch else ({0: torch.export.Dim("n")},)
            with path.open("wb") as file:
                torch.export.save(torch.export.export(network, (example,), dynamic_shapes=shapes), file)
        else:
            torch.save(network, path)
    return path


OPENED = (LegacyKind.PICKLED_MODULE, LegacyKind.TORCHSCRIPT, LegacyKind.EXPORTED_PROGRAM)


@pytest.fixture(scope="module", params=OPENED, ids=lambda kind: kind.name)
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LegacyModel:
    path = save(Network().eval(), request.param, tmp_path_factory.mktemp("old") / "model.bin")
    assert kind_of(path) is request.param
    model = open_legacy(path, THREE, ALL)
    assert (model.kind, model.sha256) == (request.param, sha256_of_file(path))
    return model


def expected() -> np.ndarray:
    outputs = logits(PHOTOS)
    return np.asarray(logsumexp(outputs[:, [0, 2]], axis=1) - outputs[:, 1])


def test_the_margin_is_that_of_the_formula(opened: LegacyModel) -> None:
    for count in (0, 1, 2, 5):
        margin = opened.margin(PHOTOS[:count])
        assert margin.dtype == np.float32
        np.testing.assert_allclose(margin, expected()[:count], atol=1e-5)


def test_nan_stays_nan_and_spoils_no_other_photo(opened: LegacyModel) -> None:
    photos = PHOTOS.copy()
    photos[1, 0, 3, 3] = np.nan
    margin = opened.margin(photos)
    assert np.isnan(margin).tolist() == [False, True, False, False, False]
    np.testing.assert_allclose(np.delete(margin, 1), np.delete(expected(), 1), atol=1e-5)


def test_photos_of_another_shape_are_refused(opened: LegacyModel) -> None:
    with pytest.raises(ModelFileError, match=r"cannot take photos of the shape \(5, 1, 16, 16\)"):
        opened.margin(PHOTOS[:, :1])


def test_the_exported_graph_gives_the_same_margins(opened: LegacyModel) -> None:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module, example = exportable(opened), torch.zeros(2, 3, 16, 16)
        if opened.kind is LegacyKind.TORCHSCRIPT:
            module = torch.jit.trace(module, (example,), check_trace=False)
        torch.onnx.export(
            module,
            (example,),
            stream,  # type: ignore[arg-type]
            input_names=["photos"],
            output_names=["margin"],
            dynamic_axes={"photos": {0: "n"}, "margin": {0: "n"}},
            opset_version=18,
            dynamo=False,
        )
    session = ort.InferenceSession(stream.getvalue(), providers=["CPUExecutionProvider"])
    for count in (1, 2, 5):
        (margin,) = session.run(None, {"photos": PHOTOS[:count]})
        np.testing.assert_allclose(margin, expected()[:count], atol=1e-5)
    np.testing.assert_allclose(opened.margin(PHOTOS), expected(), atol=1e-5)


@pytest.mark.parametrize("batch", [1, 4])
def test_a_program_of_a_fixed_number_of_photos_takes_any_number(tmp_path: Path, batch: int) -> None:
    path = save(Network().eval(), LegacyKind.EXPORTED_PROGRAM, tmp_path / "m.pt2", batch=batch)
    model = open_legacy(path, THREE, ALL)
    assert model.batch == batch
    np.testing.assert_allclose(model.margin(PHOTOS), expected(), atol=1e-5)


@pytest.mark.parametrize("kind", OPENED)
def test_a_model_in_training_mode_is_put_right_or_refused(tmp_path: Path, kind: LegacyKind) -> None:
    torch.manual_seed(0)
    path = save(Network().train(), kind, tmp_path / "model.pt")
    if kind is LegacyKind.PICKLED_MODULE:
        np.testing.assert_allclose(open_legacy(path, THREE, ALL).margin(PHOTOS), expected(), atol=1e-5)
    else:
        with pytest.raises(ModelFileError, match="different answers"):
            open_legacy(path, THREE, ALL)


def test_weights_of_other_precision_become_float32(tmp_path: Path) -> None:
    for network in (Network().double(), Network().half()):
        model = open_legacy(save(network, LegacyKind.PICKLED_MODULE, tmp_path / "m.pt"), THREE, ALL)
        np.testing.assert_allclose(model.margin(PHOTOS), expected(), atol=1e-2)


@pytest.mark.parametrize("kind", OPENED)
def test_nothing_opens_without_consent_to_its_own_risk(tmp_path: Path, kind: LegacyKind) -> None:
    path = save(Network().eval(), kind, tmp_path / "model.pt")
    flag = "--trust-torchscript" if kind is LegacyKind.TORCHSCRIPT else "--trust-pickle"
    other = Trust(pickle=kind is LegacyKind.TORCHSCRIPT, torchscript=kind is not LegacyKind.TORCHSCRIPT)
    for trust in (Trust(), other):
        with pytest.raises(ModelFileError) as caught:
            open_legacy(path, THREE, trust)
        said = str(caught.value)
        assert str(path) in said
        assert sha256_of_file(path) in said
        assert flag in said
    own = replace(Trust(), **{"torchscript" if kind is LegacyKind.TORCHSCRIPT else "pickle": True})
    assert open_legacy(path, THREE, own).kind is kind


def test_code_runs_with_consent_only(tmp_path: Path) -> None:
    path, written = tmp_path / "model.pt", tmp_path / "written"
    torch.save(WritesAFile(written), path)
    for trust in (Trust(), Trust(torchscript=True), Trust(pickle=True, sha256="0" * 64)):
        with pytest.raises(ModelFileError):
            open_legacy(path, THREE, trust)
        assert not written.exists()
    with pytest.raises(ModelFileError, match=r"it is a int, not a torch\.nn\.Module"):
        open_legacy(path, THREE, Trust(pickle=True, sha256=sha256_of_file(path)))
    assert written.exists(), "it was code"


def test_consent_holds_for_the_file_that_was_shown(tmp_path: Path) -> None:
    path = save(Network().eval(), LegacyKind.PICKLED_MODULE, tmp_path / "model.pt")
    agreed = Trust(pickle=True, sha256=sha256_of_file(path).upper())
    assert open_legacy(path, THREE, agreed).kind is LegacyKind.PICKLED_MODULE
    torch.save(Network(2).eval(), path)
    with pytest.raises(ModelFileError, match="not the file that was agreed to"):
        open_legacy(path, THREE, agreed)


def test_an_exported_program_can_carry_code(tmp_path: Path) -> None:
    """Why torch.export takes the consent of a pickle: torch.export.load falls back to full unpickling."""
    path, bad, written = tmp_path / "m.pt2", tmp_path / "bad.pt2", tmp_path / "written"
    save(Network().eval(), LegacyKind.EXPORTED_PROGRAM, path)
    inner = io.BytesIO()
    torch.save(WritesAFile(written), inner)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(bad, "w") as new:
        for name in old.namelist():
            is_sample = name.endswith("sample_inputs/model.pt")
            new.writestr(name, inner.getvalue() if is_sample else old.read(name))
    with pytest.raises(ModelFileError, match="--trust-pickle"):
        open_legacy(bad, THREE, Trust(torchscript=True))
    assert not written.exists()
    with pytest.raises(ModelFileError, match="PyTorch cannot open"):
        open_legacy(bad, THREE, Trust(pickle=True))
    assert written.exists(), "PyTorch ran it: where this fails, the consent could be dropped"


def test_a_torchscript_program_can_write_files(tmp_path: Path) -> None:
    """Why TorchScript takes consent."""
    written = tmp_path / "written"
    source = f"def forward(self, x):\n    torch.save(x, {str(written)!r})\n    return x.mean((2, 3))\n"
    path = tmp_path / "model.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        module = torch.jit.ScriptModule()
        module.define(source)
        torch.jit.save(module, path)
    with pytest.raises(ModelFileError, match="--trust-torchscript"):
        open_legacy(path, THREE, Trust(pickle=True))
    assert not written.exists()
    open_legacy(path, THREE, Trust(torchscript=True))
    assert written.exists(), "the program wrote it"


def test_what_is_no_module_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "best_model.pt"
    state = Network().state_dict()
    for value, said in (
        (state, "bare state_dict.*load_state_dict.*torch.export.save or torch.jit.save"),
        ({"format": 3, "tensors": state}, "checkpoint.*run folder to castproof export"),
        ({"model": Network()}, "checkpoint"),
        ([1, 2], "no model that castproof knows.*starts with"),
    ):
        torch.save(value, path)
        with pytest.raises(ModelFileError, match=said):
            open_legacy(path, THREE, ALL)


def test_a_file_larger_than_any_model_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with path.open("wb") as file:
        file.truncate(5 * 2**30)  # takes no room on the disk
    with pytest.raises(ModelFileError, match=r"too large.*5\.0 GiB"):
        open_legacy(path, THREE, ALL)


def test_importing_loads_no_pytorch() -> None:
    program = "import sys, castproof.runtime.legacy; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_missing_pytorch_names_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(Network(), LegacyKind.PICKLED_MODULE, tmp_path / "model.pt")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"torch, which is not installed.*\[train\]"):
        open_legacy(path, THREE, ALL)


def test_a_class_that_is_not_here_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(Network(), LegacyKind.PICKLED_MODULE, tmp_path / "model.pt")
    monkeypatch.delattr(sys.modules[Network.__module__], "Network")
    with pytest.raises(ModelFileError, match=r"Network.*PYTHONPATH"):
        open_legacy(path, THREE, ALL)


@pytest.mark.parametrize("kind", OPENED[:2])
def test_a_damaged_inside_is_refused(tmp_path: Path, kind: LegacyKind) -> None:
    path = save(Network().eval(), kind, tmp_path / "model.pt")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"head", b"haed"))
    with pytest.raises(ModelFileError):
        open_legacy(path, THREE, ALL)


@pytest.mark.parametrize(
    ("outputs", "end", "chosen", "said"),
    [
        (2, None, THREE, r"\(4, 2\) for 4 photos and 3 classes"),
        (3, None, TWO, r"\(4, 3\) for 4 photos and 2 classes"),
        (1, None, THREE, r"\(4, 1\) for 4 photos and 3 classes"),
        (3, nn.Softmax(1), THREE, "look like probabilities.*--output probabilities"),
        (3, None, replace(THREE, output="probabilities"), "no probabilities.*--output logits"),
        (3, nn.Sigmoid(), replace(THREE, output="probabilities"), "no probabilities"),
        (2, nn.Unflatten(1, (2, 1, 1)), TWO, r"\(4, 2, 1, 1\)"),
        (2, nn.Flatten(0), TWO, r"\(8\)"),
        (2, nn.LSTM(2, 2), TWO, "gives a tuple"),
    ],
)
def test_outputs_that_do_not_fit_are_refused(
    tmp_path: Path, outputs: int, end: nn.Module | None, chosen: LegacySettings, said: str
) -> None:
    path = save(Network(outputs, end), LegacyKind.PICKLED_MODULE, tmp_path / "m.pt")
    with pytest.raises(ModelFileError, match=said):
        open_legacy(path, chosen, ALL)


def test_many_single_outputs_between_0_and_1_are_no_logits() -> None:
    torch_outputs = torch.linspace(0.01, 0.99, 16)[:, None]
    check_outputs(torch_outputs[:15], 15, TWO)
    check_outputs(torch_outputs, 16, replace(TWO, output="probabilities"))
    with pytest.raises(ModelFileError, match="look like probabilities"):
        check_outputs(torch_outputs, 16, TWO)
    with pytest.raises(ModelFileError, match=r"torch\.int64"):
        check_outputs(torch.ones(3, 2, dtype=torch.int64), 3, TWO)


OUTPUTS = arrays.arrays(np.float32, (4, 4), elements=st.floats(-80, 80, width=32))


@settings(deadline=None, max_examples=100)
@given(OUTPUTS, st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True))
def test_margins_of_logits_and_of_probabilities_agree(outputs: np.ndarray, good: list[str]) -> None:
    chosen = LegacySettings(tuple("abcd"), tuple(good))
    is_good = np.array([name in good for name in "abcd"])
    exact = outputs.astype(np.float64)
    reference = logsumexp(exact[:, ~is_good], axis=1) - logsumexp(exact[:, is_good], axis=1)
    np.testing.assert_allclose(margin_of(torch.from_numpy(outputs), chosen), reference, rtol=1e-5, atol=1e-4)
    logs = torch.from_numpy(log_softmax(exact, axis=1).astype(np.float32))
    np.testing.assert_allclose(margin_of(logs, chosen), reference, rtol=1e-5, atol=1e-4)
    p = torch.from_numpy(softmax(exact, axis=1).astype(np.float32))
    clipped = np.clip(reference, np.log(SMALLEST_P), -np.log(SMALLEST_P))
    margins = margin_of(p, replace(chosen, output="probabilities")).numpy()
    np.testing.assert_allclose(margins, clipped, rtol=1e-5, atol=1e-3)


@settings(deadline=None, max_examples=50)
@given(arrays.arrays(np.float32, 5, elements=st.floats(-8, 8, width=32)))
def test_one_output_speaks_of_the_second_class(outputs: np.ndarray) -> None:
    p = (1 / (1 + np.exp(-outputs.astype(np.float64)))).astype(np.float32)
    for shape in ((5,), (5, 1)):
        values, chances = torch.from_numpy(outputs).reshape(shape), torch.from_numpy(p).reshape(shape)
        np.testing.assert_array_equal(margin_of(values, TWO), outputs)
        np.testing.assert_array_equal(margin_of(values, SWAPPED), -outputs)
        got = margin_of(chances, replace(TWO, output="probabilities")).numpy()
        np.testing.assert_allclose(got, logit(p.astype(np.float64)), atol=1e-3)
        np.testing.assert_array_equal(margin_of(chances, replace(SWAPPED, output="probabilities")), -got)


def test_certain_probabilities_are_cut_off_and_nan_stays() -> None:
    p = torch.tensor([[0.0, 1.0], [1.0, 0.0], [np.nan, np.nan]])
    margins = margin_of(p, replace(TWO, output="probabilities")).numpy()
    np.testing.assert_allclose(margins, [36.84, -36.84, np.nan], atol=0.01)
