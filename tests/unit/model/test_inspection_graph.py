"""The graph of a model file against PyTorch, the resize rule and the calibrators in numpy."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from test_heat_maps import KINDS, measured_network
from torch import Tensor, nn

from castproof.gate.calibrator import ISOTONIC, MOST_LOGIT, PLATT, TEMPERATURE, Calibrator, logit_of
from castproof.model.heat_maps import look
from castproof.model.inspection_graph import NetworkCore, inspection_graph
from castproof.model.network import Classifier, p_defective
from castproof.model.novelty import FeatureNovelty
from castproof.modelfile.onnx_file import check_onnx
from castproof.preprocess import resize

SIZE_PX = 64
SHAPES = [(64, 64), (20, 20), (33, 47), (47, 33), (128, 128), (201, 90), (7, 300), (1, 1)]
CALIBRATORS = [
    Calibrator(),
    Calibrator(TEMPERATURE, slope=1 / 1.7),
    Calibrator(PLATT, slope=2.3, offset=-0.8),
    Calibrator(ISOTONIC, knot_logit=(-3.0, -0.5, 0.25, 4.0), knot_p=(0.0, 0.2, 0.2, 0.97)),
]
CURVES = [
    *CALIBRATORS,
    Calibrator(TEMPERATURE, slope=4.0),
    Calibrator(ISOTONIC, knot_logit=(1.5,), knot_p=(0.3,)),
    Calibrator(ISOTONIC, knot_logit=(-37.0, 36.999999, 37.0), knot_p=(0.0, 0.5, 1.0)),
    Calibrator(ISOTONIC, knot_logit=tuple(np.linspace(-9, 9, 40)), knot_p=tuple(np.linspace(0.01, 1, 40))),
]
Pixels = NDArray[np.uint8]


class FromBrightness(nn.Module):
    """Margins from -40 to 40, as a photo is black to white; and the photo as the network would get it."""

    def __init__(self, times: float = 1.0) -> None:
        super().__init__()
        self.times = times

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        return self.times * (pixels.double().mean(dim=(1, 2, 3)) / 255 * 80 - 40), pixels[0]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(graph: bytes, image: Pixels) -> dict[str, NDArray[np.floating]]:
    return run_in(session_of(graph), image)


def run_in(session: onnxruntime.InferenceSession, image: Pixels) -> dict[str, NDArray[np.floating]]:
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, {"image": image}), strict=True))


def session_of(graph: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])


def photo(shape: tuple[int, int], seed: int = 3) -> Pixels:
    """Return patches of colour with noise on them, uint8 (H, W, 3)."""
    rng = np.random.default_rng((seed, *shape))
    rows, columns = (np.arange(side) * 4 // side for side in shape)
    patches = rng.integers(0, 200, (4, 4, 3))[rows][:, columns]
    return np.asarray(patches + rng.integers(0, 56, (*shape, 3)), np.uint8)


def network_input(image: Pixels) -> Tensor:
    return torch.from_numpy(np.array(resize(image, SIZE_PX)))[None]


@torch.no_grad()
def in_pytorch(network: Classifier, image: Pixels) -> tuple[float, Tensor]:
    """Return the logit of a photo and its features."""
    batch = network_input(image)
    logits = network(batch).double()[0]
    return float(logits[1] - logits[0]), network.features(batch)


def graph_of(network: Classifier, calibrator: Calibrator, novelty: FeatureNovelty | None = None) -> bytes:
    core = NetworkCore(network, novelty)
    return inspection_graph(core, core.extras, SIZE_PX, calibrator)


@cache
def brightness_graph(calibrator: Calibrator, size_px: int = 16) -> onnxruntime.InferenceSession:
    return session_of(inspection_graph(FromBrightness(), ["squeezed"], size_px, calibrator))


@pytest.mark.parametrize(("model", "features"), KINDS)
@pytest.mark.parametrize("calibrator", CALIBRATORS, ids=str)
def test_the_graph_says_what_pytorch_says(model: str, features: str, calibrator: Calibrator) -> None:
    network = measured_network(model, features, SIZE_PX)
    session = session_of(graph_of(network, calibrator))
    logits = []
    for shape in SHAPES:
        image = photo(shape)
        found, (logit, _) = run_in(session, image), in_pytorch(network, image)
        logits.append(logit)
        assert found["logit"].dtype == found["p_defective"].dtype == np.float64
        assert found["logit"].shape == found["p_defective"].shape == (1,)
        assert found["logit"][0] == pytest.approx(logit, abs=1e-4)
        with torch.no_grad():
            p_network = float(p_defective(network(network_input(image)))[0])
            is_middle = features == "middle"
            expected = look(network, network.normalise(network_input(image))).heat[0] if is_middle else None
        assert found["p_defective"][0] == pytest.approx(float(calibrator.p(logit_of(p_network))), abs=1e-4)
        if expected is None:
            assert set(found) == {"logit", "p_defective"}
            continue
        assert set(found) == {"logit", "p_defective", "heat_map"}
        assert found["heat_map"].shape == (20, 20)
        np.testing.assert_allclose(found["heat_map"], expected, atol=1e-4 * max(1.0, float(expected.max())))
    assert np.ptp(logits) > 0.1, "the photos differ for this network"


@pytest.mark.parametrize("features", ["middle", "last"])
def test_a_linear_head_says_what_it_says_in_pytorch_and_has_its_map(features: str) -> None:
    network = measured_network("mobilenet", features, SIZE_PX, "linear")
    image = photo((50, 70))
    graph = graph_of(network, Calibrator())
    assert check_onnx(graph, "the graph") == {}
    found = run(graph, image)
    assert found["logit"][0] == pytest.approx(in_pytorch(network, image)[0], abs=1e-4)
    if features == "middle":
        with torch.no_grad():
            expected = look(network, network.normalise(network_input(image))).heat[0]
        np.testing.assert_allclose(found["heat_map"], expected, atol=1e-4 * max(1.0, float(expected.max())))


@pytest.mark.parametrize("features", ["middle", "last"])
def test_one_grey_channel_is_three_equal_ones(features: str) -> None:
    session = session_of(graph_of(measured_network("mobilenet", features, SIZE_PX), Calibrator()))
    for shape in ((64, 64), (33, 47), (150, 151)):
        grey = photo(shape)[..., :1]
        one, three = (run_in(session, image) for image in (grey, np.repeat(grey, 3, axis=2)))
        for name, value in one.items():
            np.testing.assert_allclose(value, three[name], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("model", ["mobilenet", "mobilenet_v2"])
@pytest.mark.parametrize("features", ["middle", "last"])
def test_novelty_is_that_of_the_features(model: str, features: str) -> None:
    network = measured_network(model, features, SIZE_PX)
    rng, width = np.random.default_rng(2), network.backbone.width
    directions = np.linalg.qr(rng.normal(size=(width, 5)))[0].T
    novelty = FeatureNovelty(
        rng.normal(0, 0.3, width).astype(np.float32),
        np.ascontiguousarray(directions, np.float32),
        rng.uniform(0, 1, 5).astype(np.float32),
    )
    session = session_of(graph_of(network, Calibrator(), novelty))
    for shape in ((64, 64), (40, 91)):
        image = photo(shape)
        scaled = (in_pytorch(network, image)[1] - network.head.mean) / network.head.std
        found = run_in(session, image)
        assert found["novelty"].shape == (1,)
        assert found["novelty"][0] == pytest.approx(novelty.novelty(scaled.numpy())[0], rel=1e-3)


def test_the_graph_is_sound_for_any_onnx_tool_and_passes_the_check_of_model_files() -> None:
    graph = graph_of(measured_network("mobilenet", "middle", SIZE_PX), CALIBRATORS[-1])
    onnx.checker.check_model(graph, full_check=True)
    assert check_onnx(graph, "the graph") == {}
    (image,) = session_of(graph).get_inputs()
    assert (image.name, image.type, image.shape) == (
        "image",
        "tensor(uint8)",
        ["height", "width", "channels"],
    )


@pytest.mark.parametrize("features", ["middle", "last"])
def test_the_network_is_left_as_it_was(features: str) -> None:
    network = measured_network("mobilenet", features, SIZE_PX)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    learns = [weight.requires_grad for weight in network.parameters()]
    graph_of(network, Calibrator())
    assert not any(module.training for module in network.modules())
    assert [weight.requires_grad for weight in network.parameters()] == learns
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


# Calibration


@pytest.mark.parametrize("calibrator", CURVES, ids=str)
def test_calibration_is_that_of_the_gate_at_every_logit(calibrator: Calibrator) -> None:
    session, p_before = brightness_graph(calibrator), -1.0
    for level in range(256):
        found = run_in(session, np.full((16, 16, 1), level, np.uint8))
        logit, p = float(found["logit"][0]), float(found["p_defective"][0])
        assert logit == pytest.approx(np.clip(level / 255 * 80 - 40, -MOST_LOGIT, MOST_LOGIT), abs=1e-4)
        assert p == pytest.approx(float(calibrator.p(logit)), rel=1e-12, abs=1e-15)
        assert 0 <= p <= 1
        assert p >= p_before, "a higher logit never gives a lower p_defective"
        p_before = p


@pytest.mark.parametrize("calibrator", CURVES, ids=str)
def test_no_number_is_never_calibrated_to_a_number(calibrator: Calibrator) -> None:
    graph = inspection_graph(FromBrightness(times=float("nan")), ["squeezed"], 16, calibrator)
    found = run(graph, photo((40, 50)))
    assert np.isnan([found["logit"], found["p_defective"]]).all()


@pytest.mark.parametrize("features", ["middle", "last"])
def test_a_broken_network_gives_no_number(features: str) -> None:
    network = measured_network("mobilenet", features, SIZE_PX)
    with torch.no_grad():
        network.head.last.bias[1] = float("nan")
    found = run(graph_of(network, CALIBRATORS[-1]), photo((40, 50)))
    assert np.isnan([found["logit"], found["p_defective"]]).all()


# Resize


def resized(image: Pixels, size_px: int) -> NDArray[np.floating]:
    return run_in(brightness_graph(CALIBRATORS[0], size_px), image)["squeezed"]


@settings(deadline=None, max_examples=120)
@given(
    st.integers(1, 150), st.integers(1, 150), st.sampled_from([16, 64, 97]), st.booleans(), st.integers(0, 9)
)
def test_photos_are_resized_by_the_one_rule(
    height: int, width: int, size_px: int, is_grey: bool, seed: int
) -> None:
    rng = np.random.default_rng((height, width, seed))
    image = rng.integers(0, 256, (height, width, 1 if is_grey else 3), dtype=np.uint8)
    expected = 255 * resize(np.repeat(image, 3, axis=2) if is_grey else image, size_px)
    found = resized(image, size_px)
    np.testing.assert_allclose(np.broadcast_to(found, (3, size_px, size_px)), expected, atol=1e-2)


@pytest.mark.parametrize("shape", [(1200, 1600), (4096, 3), (2, 4096), (1999, 1)])
def test_large_and_thin_photos_are_resized_by_the_one_rule(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(shape).integers(0, 256, (*shape, 3), dtype=np.uint8)
    np.testing.assert_allclose(resized(image, 64), 255 * resize(image, 64), atol=1e-2)
